"""Every breakage breaks what it says, and what cannot be meant is refused with what to write instead."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from bot.errors import Phrase, Refused
from bot.rehearsal.breakages import KINDS, Scene, parse
from bot.rehearsal.estate import Estate, names
from bot.rehearsal.estate.alarms import WATCHES
from bot.rehearsal.estate.objects import PICTURES
from bot.rehearsal.estate.tables import laid_down, order
from bot.rehearsal.storefront import Storefront
from escalation.errors import BadValue

SOON = timedelta(minutes=1)


@pytest.fixture
def scene(estate: Estate) -> Iterator[Scene]:
    """A whole shop; what a test breaks is mended after it."""
    scene = Scene(estate, Storefront(estate))
    yield scene
    for mended in (
        estate.aws.outages,
        estate.aws.databases,
        estate.aws.caches,
        estate.aws.quotas,
        estate.aws.permissions,
    ):
        estate.aws.inside(mended.forget)
    estate.aws.faults.clear()


@pytest.fixture
def data(scene: Scene) -> Iterator[Scene]:
    yield scene
    _mend_data(scene.estate)
    assert scene.storefront.look().well


@pytest.fixture
def tasks(scene: Scene) -> Iterator[Scene]:
    yield scene
    _mend_service(scene.estate)
    assert scene.storefront.look().well


def strike(scene: Scene, text: str) -> Any:
    return parse(text).strike(scene)


def why(scene: Scene, region: str = "") -> list[str]:
    return [str(one) for one in scene.storefront.look(region).why]


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_says_how_it_is_written_and_what_it_does(name: str) -> None:
    kind = KINDS[name]
    assert kind.written.startswith(f"{name}:<")
    assert kind.meaning.endswith(".")
    assert not kind.alarm or kind.alarm in WATCHES
    assert not kind.usual or parse(name).argument == kind.usual == parse(f"{name}:{kind.usual}").argument


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("zoen:use1-az1", "'zoen' is nothing that can be broken. Did you mean zone?"),
        ("", "'' is nothing that can be broken."),
        ("throttle", "'throttle' does not say what to break. Write throttle:<service>."),
        ("deny:", "'deny' does not say what to break. Write deny:<IAM action>."),
    ],
)
def test_what_names_no_kind_or_nothing_is_refused(text: str, said: str) -> None:
    with pytest.raises(BadValue) as refused:
        parse(text)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("zone:use1-az9", "There is no zone 'use1-az9' in us-east-1. Known: use1-az"),
        ("zone:use1-az1@eu-west-1", "There is no shop in 'eu-west-1'. Known: us-east-1, us-west-2."),
        ("region:eu-west-1", "There is no shop in 'eu-west-1'."),
        ("region:us-west-2", "Lifeboat itself, and its queue, live in us-west-2. Break us-east-1 instead."),
        ("region-slow:us-west-2:2s", "Lifeboat itself"),
        ("region-slow:us-east-1:soon", "is not a duration"),
        ("half-working:us-east-1:ecss", "AWS has no service 'ecss'."),
        ("throttle:nothing", "AWS has no service 'nothing'."),
        ("quota:many", "'many' is no number of vCPUs."),
        ("deny:UpdateService", "'UpdateService' is no IAM action. Write one such as ecs:UpdateService."),
        ("tasks:wbe", "The shop has no service 'wbe'. Known: web, api."),
        ("release:wbe", "The shop has no service 'wbe'."),
        ("load:web:none", "'none' is no factor that the load can grow by."),
        ("load:web:0", "'0' is no factor"),
        ("load:web:101", "'101' is no factor"),
        ("load:wbe:2", "The shop has no service 'wbe'."),
        ("table:order", "The shop has no table 'order'. Known: orders, carts."),
        ("table-deleted:order", "The shop has no table 'order'."),
        ("objects:images/", "The shop has no objects that begin with 'images/'."),
        ("objects-deleted:images/", "The shop has no objects that begin with 'images/'."),
        ("database:db", "The shop has no database 'db'. Known: shop-db."),
        ("cache:redis", "The shop has no cache 'redis'. Known: shop-cache."),
    ],
)
def test_what_the_shop_does_not_have_is_refused_and_breaks_nothing(scene: Scene, text: str, said: str) -> None:
    with pytest.raises(BadValue) as refused:
        strike(scene, text)
    assert said in str(refused.value)
    assert scene.storefront.look().well


@pytest.mark.parametrize("given", ["id", "name"])
def test_a_dark_zone_costs_a_third_of_the_requests(scene: Scene, given: str) -> None:
    name, id_ = list(scene.estate.home.zones.items())[1]
    fault = strike(scene, f"zone:{id_ if given == 'id' else name}")
    assert fault.dimensions == {"AvailabilityZone": name}
    scene.estate.aws.clock.move(SOON)  # by then its tasks are known to be unhealthy
    standing = scene.storefront.look()
    assert standing.share == pytest.approx(2 / 3)
    assert (standing.zones or {})[id_] is False


def test_a_zone_of_the_other_region_costs_nothing_at_home(scene: Scene) -> None:
    zone = next(iter(scene.estate.standby.zones))
    strike(scene, f"zone:{zone}@us-west-2")
    assert scene.storefront.look().well


def test_a_dark_region_serves_nobody(scene: Scene) -> None:
    assert strike(scene, "region:us-east-1").region == names.STANDBY
    assert (scene.storefront.look().share, why(scene)) == (0, ["us-east-1 does not answer"])


def test_in_a_slow_region_nobody_waits_for_an_answer(scene: Scene) -> None:
    strike(scene, "region-slow:us-east-1:2s")
    assert why(scene) == ["us-east-1 answers 2 s later than usual"]


def test_ill_tasks_serve_nobody(tasks: Scene) -> None:
    strike(tasks, "tasks:web")
    assert why(tasks) == ["web: 0 of 6 tasks answer, and 4 are needed"]


def test_a_bad_release_serves_nobody_once_it_is_deployed(tasks: Scene) -> None:
    strike(tasks, "release:web")
    assert tasks.storefront.look().well
    tasks.estate.aws.clock.move(2 * SOON)
    assert why(tasks) == ["web: 0 of 6 tasks answer, and 4 are needed"]


def test_too_many_customers_are_served_in_part(scene: Scene) -> None:
    strike(scene, "load:web:2")
    assert scene.storefront.look().share == pytest.approx(6 / 8)


def test_corrupt_orders_cost_what_is_corrupt(data: Scene) -> None:
    strike(data, "table:orders")
    assert data.storefront.look().share == pytest.approx(0.5)


def test_without_a_table_nobody_is_served(data: Scene) -> None:
    strike(data, "table-deleted:carts")
    assert why(data) == ["there is no table carts to read"]


@pytest.mark.parametrize("kind", ["objects", "objects-deleted"])
def test_pictures_cost_what_is_missing_or_wrong(data: Scene, kind: str) -> None:
    strike(data, f"{kind}:{names.ASSETS}00")
    assert data.storefront.look().share == pytest.approx(5 / 6)


def test_a_sick_database_serves_nobody(scene: Scene) -> None:
    strike(scene, "database")
    assert why(scene) == ["database shop-db takes no writes"]


def test_a_sick_cache_serves_nobody(scene: Scene) -> None:
    strike(scene, "cache")
    assert why(scene) == ["cache shop-cache takes no writes"]


def test_a_refused_call_is_refused_as_aws_refuses_it(scene: Scene) -> None:
    strike(scene, "deny:elasticloadbalancing:DescribeLoadBalancers")
    with pytest.raises(Exception, match="AccessDenied"):
        scene.estate.home.client("elbv2").describe_load_balancers()


def test_a_half_working_service_answers_who_only_looks(scene: Scene) -> None:
    strike(scene, "half-working:us-east-1:ecs")
    ecs = scene.estate.home.client("ecs")
    assert ecs.list_clusters()["clusterArns"]
    with pytest.raises(Exception, match="ServiceUnavailable"):
        ecs.update_service(cluster=names.CLUSTER, service=names.WEB, desiredCount=7)


def test_a_throttled_service_takes_two_calls_a_second(scene: Scene) -> None:
    strike(scene, "throttle:ecs")
    ecs = scene.estate.home.client("ecs")
    assert ecs.list_clusters()
    assert ecs.list_clusters()
    with pytest.raises(Exception, match="Throttling"):
        ecs.list_clusters()


def test_a_low_quota_is_what_aws_tells_in_the_standby_region(scene: Scene) -> None:
    strike(scene, "quota:3")
    quotas = scene.estate.standby.client("service-quotas")
    assert quotas.get_service_quota(ServiceCode="fargate", QuotaCode="L-3032A538")["Quota"]["Value"] == 3


async def test_a_write_is_acknowledged_only_where_writing_is_allowed(scene: Scene) -> None:
    ssm = scene.estate.home.client("ssm")
    await asyncio.to_thread(ssm.put_parameter, Name=names.FENCE, Value=names.STANDBY, Overwrite=True)
    refused = await scene.storefront.write("order-x", 1)
    await asyncio.to_thread(ssm.put_parameter, Name=names.FENCE, Value=names.HOME, Overwrite=True)
    assert isinstance(refused, Phrase)
    assert "the fence is up" in str(refused)


def _mend_data(estate: Estate) -> None:
    dynamodb, s3 = estate.home.client("dynamodb"), estate.home.client("s3")
    if names.CARTS not in dynamodb.list_tables()["TableNames"]:
        dynamodb.create_table(
            TableName=names.CARTS, AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}], BillingMode="PAY_PER_REQUEST",
        )  # fmt: skip
    for table in (names.ORDERS, names.CARTS):
        puts = [{"PutRequest": {"Item": order(*one)}} for one in list(laid_down(table).items())[::2]]
        dynamodb.batch_write_item(RequestItems={table: puts})
    for key, body in PICTURES.items():
        s3.put_object(Bucket=estate.home.bucket, Key=key, Body=body)


def _mend_service(estate: Estate) -> None:
    estate.home.client("ecs").update_service(
        cluster=names.CLUSTER, service=names.WEB, taskDefinition="web:1", forceNewDeployment=True
    )
    estate.aws.clock.move(5 * SOON)


def test_what_aws_does_not_let_anybody_break_any_more_is_told(scene: Scene) -> None:
    parse("deny:ecs:RegisterTaskDefinition").strike(scene)
    with pytest.raises(Refused, match=r"release:web cannot be broken now.*RegisterTaskDefinition"):
        parse("release").strike(scene)
