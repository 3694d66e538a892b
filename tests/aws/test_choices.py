"""What forms offer."""

from typing import Any

import boto3
import pytest
import structlog

from bot.aws.choices import MOST, choices
from bot.aws.session import Session
from bot.playbook.inputs import Reader, parse
from tests.aws.fakes import T0, Recorded, World, refused


def tables(count: int) -> None:
    client = boto3.client("dynamodb", "us-east-1")
    for number in range(count):
        client.create_table(
            TableName=f"orders-{number:03}",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )


def test_tables_of_every_page_are_listed(session: Session) -> None:
    tables(101)  # a page has 100
    assert choices("dynamodb.table", session, {}) == [f"orders-{number:03}" for number in range(101)]


def test_no_menu_is_longer_than_five_hundred_and_no_page_is_asked_for_beyond() -> None:
    dynamodb = Recorded()
    pages = {"": (0, "299"), "299": (300, "599"), "599": (600, "")}

    def page(ExclusiveStartTableName: str = "") -> Any:  # noqa: N803  # AWS's own name
        first, following = pages[ExclusiveStartTableName]
        names = [f"t{number}" for number in range(first, first + 300)]
        return {"TableNames": names, **({"LastEvaluatedTableName": following} if following else {})}

    dynamodb.instead["list_tables"] = page
    found = choices("dynamodb.table", World(Session("us-east-1"), dynamodb=dynamodb), {})
    assert (len(found), found[-1]) == (MOST, "t499")
    assert dynamodb.count("list_tables") == 2


def test_services_are_those_of_the_cluster_in_the_form(session: Session) -> None:
    ecs = boto3.client("ecs", "us-east-1")
    for cluster in ("shop", "office"):
        ecs.create_cluster(clusterName=cluster)
    ecs.register_task_definition(family="web", containerDefinitions=[{"name": "web", "image": "web", "memory": 64}])
    ecs.create_service(cluster="shop", serviceName="checkout", taskDefinition="web", desiredCount=0)
    assert sorted(choices("ecs.cluster", session, {})) == ["office", "shop"]
    assert choices("ecs.service", session, {"cluster": "shop"}) == ["checkout"]
    assert choices("ecs.service", session, {"cluster": "office"}) == []
    assert choices("ecs.service", session, {}) == []
    assert choices("ecs.service", session, {"cluster": "gone"}) == []


def test_zones_are_ids_and_regions_are_names(session: Session) -> None:
    zones, regions = choices("zone", session, {}), choices("region", session, {})
    assert "use1-az1" in zones
    assert {"us-east-1", "ap-northeast-2"} <= set(regions)
    assert zones == sorted(zones)
    assert [parse("zone", zone, Reader(T0)) for zone in zones] == zones
    assert [parse("region", region, Reader(T0)) for region in regions] == regions


def test_parameters_of_every_page_are_listed(session: Session) -> None:
    ssm = boto3.client("ssm", "us-east-1")
    for number in range(51):
        ssm.put_parameter(Name=f"/shop/{number:02}", Value="x", Type="String")
    assert sorted(choices("ssm.parameter", session, {})) == [f"/shop/{number:02}" for number in range(51)]


def test_load_balancers_are_named_and_gateways_left_out(session: Session) -> None:
    ec2, elb = boto3.client("ec2", "us-east-1"), boto3.client("elbv2", "us-east-1")
    subnets = [one["SubnetId"] for one in ec2.describe_subnets()["Subnets"][:2]]
    for name, kind in (("web", "application"), ("tcp", "network"), ("gate", "gateway")):
        elb.create_load_balancer(Name=name, Subnets=subnets, Type=kind)
    found = choices("elb.load_balancers", session, {})
    assert sorted(found) == ["tcp", "web"]
    assert parse("elb.load_balancers", ", ".join(found), Reader(T0)) == found


@pytest.mark.parametrize("code", ["AccessDeniedException", "EndpointConnectionError", "ThrottlingException"])
def test_trouble_in_aws_gives_no_choices_and_a_reason_in_the_log(
    code: str, session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    structlog.reset_defaults()  # whatever a test before has made quiet
    dynamodb = Recorded(session.client("dynamodb"))
    dynamodb.fail_before["list_tables"] = refused(code)
    assert choices("dynamodb.table", World(session, dynamodb=dynamodb), {}) == []
    assert code in "".join(capsys.readouterr())


def test_what_aws_cannot_list_has_no_choices(session: Session) -> None:
    assert choices("duration", session, {}) == []
