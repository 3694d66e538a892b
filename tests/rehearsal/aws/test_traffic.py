"""What CloudWatch tells of requests, by zone, and of tasks, and of what Fargate has left."""

from datetime import timedelta

import pytest

from bot.aws.fargate import QUOTA
from bot.aws.quotas import room
from bot.rehearsal.aws.emulator import EmulatedAws
from tests.aws.rehearsed import Cloud
from tests.rehearsal.aws.balanced import CLUSTER, SERVICE, STARTED, ZONES, Balanced

A, B, C = ZONES
REGION = "us-east-1"


@pytest.fixture
def shop(aws: EmulatedAws) -> Balanced:
    """Three healthy tasks, and some minutes of requests."""
    made = Balanced(aws)
    made.after(STARTED)
    made.after(600)
    return made


def last(shop: Balanced, name: str, namespace: str = "AWS/ApplicationELB", **dimensions: str) -> float | None:
    """The figure of the minute that has just ended."""
    if namespace == "AWS/ApplicationELB":
        dimensions = {"LoadBalancer": shop.balancer.partition(":loadbalancer/")[2], **dimensions}
    now = shop.aws.clock.now()
    points = shop.aws.client("cloudwatch").get_metric_statistics(
        Namespace=namespace, MetricName=name, StartTime=now - timedelta(minutes=5), EndTime=now, Period=60,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()], Statistics=["Sum"],
    )["Datapoints"]  # fmt: skip
    latest = max(points, key=lambda point: point["Timestamp"], default=None)
    if latest is None or latest["Timestamp"] < now - timedelta(minutes=1):
        return None
    return float(latest["Sum"])


def by_zone(shop: Balanced, name: str) -> dict[str, float | None]:
    return {zone: last(shop, name, AvailabilityZone=zone) for zone in ZONES}


def hosts(shop: Balanced, name: str) -> dict[str, float | None]:
    group = shop.group.rpartition(":")[2]
    return {zone: last(shop, name, TargetGroup=group, AvailabilityZone=zone) for zone in ZONES}


def served(shop: Balanced) -> float:
    return round(shop.aws.traffic.served(shop.balancer, REGION, shop.aws.clock.now()), 3)


async def test_requests_are_spread_over_the_nodes_and_go_well(shop: Balanced) -> None:
    assert by_zone(shop, "RequestCount") == {A: 200, B: 200, C: 200}
    assert last(shop, "RequestCount") == 600
    assert by_zone(shop, "HTTPCode_Target_5XX_Count") == {A: 0, B: 0, C: 0}
    assert by_zone(shop, "TargetResponseTime") == {A: 0.05, B: 0.05, C: 0.05}
    assert hosts(shop, "HealthyHostCount") == {A: 1, B: 1, C: 1}
    assert served(shop) == 1


async def test_a_dark_zone_loses_its_node_and_at_first_what_others_send_into_it(shop: Balanced) -> None:
    shop.aws.outages.darken_zone(A)
    assert served(shop) == 0.444  # two of three nodes, and two of three targets behind them
    shop.after(19.9)
    assert served(shop) == 0.444
    shop.after(0.1)
    assert served(shop) == 0.667
    shop.after(60)
    assert by_zone(shop, "RequestCount") == {A: None, B: 200, C: 200}
    assert by_zone(shop, "HTTPCode_ELB_5XX_Count") == {A: None, B: 0, C: 0}
    assert hosts(shop, "HealthyHostCount") == {A: 0, B: 1, C: 1}


async def test_the_past_is_told_as_it_was(shop: Balanced) -> None:
    at = shop.aws.clock.now()
    shop.aws.outages.darken_zone(A)
    shop.after(600)
    assert shop.aws.traffic.served(shop.balancer, REGION, at - timedelta(seconds=1)) == 1
    assert shop.aws.traffic.served(shop.balancer, REGION, at) < 0.5


async def test_a_shift_takes_the_requests_out_of_the_zone(shop: Balanced) -> None:
    opted = [{"Key": "zonal_shift.config.enabled", "Value": "true"}]
    shop.elb.modify_load_balancer_attributes(LoadBalancerArn=shop.balancer, Attributes=opted)
    [zone] = shop.ec2.describe_availability_zones(ZoneNames=[A])["AvailabilityZones"]
    shop.aws.client("arc-zonal-shift").start_zonal_shift(
        resourceIdentifier=shop.balancer, awayFrom=zone["ZoneId"], expiresIn="1h", comment="-"
    )
    shop.aws.outages.darken_zone(A)
    shop.after(60)
    assert by_zone(shop, "RequestCount") == {A: None, B: 300, C: 300}
    assert served(shop) == 1


async def test_a_release_that_errs_shows_in_the_errors_of_the_targets(shop: Balanced) -> None:
    bad = shop.register()
    shop.aws.ecs.spoil_release(bad, "errors")
    shop.update(taskDefinition=bad)
    shop.after(120)
    assert by_zone(shop, "HTTPCode_Target_5XX_Count") == {A: 200, B: 200, C: 200}
    assert hosts(shop, "HealthyHostCount") == {A: 1, B: 1, C: 1}
    assert last(shop, "TargetResponseTime") is None
    assert served(shop) == 0


async def test_with_nothing_healthy_everything_is_tried(shop: Balanced) -> None:
    shop.aws.ecs.sicken_tasks(SERVICE, CLUSTER)
    shop.after(120)
    assert hosts(shop, "UnHealthyHostCount") == {A: 1, B: 1, C: 1}
    assert last(shop, "HTTPCode_Target_5XX_Count") == 600
    assert served(shop) == 0


async def test_a_dark_region_serves_nobody(shop: Balanced) -> None:
    shop.aws.outages.darken_region(REGION)
    assert served(shop) == 0


async def test_tasks_are_counted_and_share_the_load(shop: Balanced) -> None:
    service = {"ClusterName": CLUSTER, "ServiceName": SERVICE}
    assert last(shop, "RunningTaskCount", "ECS/ContainerInsights", **service) == 3
    assert last(shop, "CPUUtilization", "AWS/ECS", **service) == 50
    shop.update(desiredCount=6)
    shop.after(60)
    assert last(shop, "RunningTaskCount", "ECS/ContainerInsights", **service) == 6
    assert last(shop, "DesiredTaskCount", "ECS/ContainerInsights", **service) == 6
    assert last(shop, "CPUUtilization", "AWS/ECS", **service) == 25
    assert last(shop, "RunningTaskCount", "ECS/ContainerInsights", ClusterName=CLUSTER, ServiceName="none") is None


async def test_the_quota_has_room_for_what_the_tasks_leave(shop: Balanced) -> None:
    cloud, now = Cloud(shop.aws), shop.aws.clock.now()
    assert room(cloud, *QUOTA, now) == 4000 - 0.75
    shop.aws.quotas.set(*QUOTA, 2)
    assert room(cloud, *QUOTA, now) == 1.25
    default = shop.aws.client("service-quotas").get_aws_default_service_quota(ServiceCode=QUOTA[0], QuotaCode=QUOTA[1])
    assert default["Quota"]["Value"] == 6
