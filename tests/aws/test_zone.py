"""zone.can_shift: a pre-check that can say no."""

from typing import Any

import pytest

from bot.aws.zone.can_shift import CanShift, Shiftable
from bot.aws.zone.find import find_zone
from bot.errors import ActionFailed
from bot.playbook.action import Done, Failed
from bot.rehearsal.aws.emulator import EmulatedAws
from bot.rehearsal.front import LOAD_BALANCERS, Front
from tests.aws.rehearsed import Cloud, Step

WEB, API = LOAD_BALANCERS


@pytest.fixture(scope="module")
def built(started: EmulatedAws) -> Front:
    made = Front(started)
    made.build()
    return made


@pytest.fixture
def front(built: Front, emulated: EmulatedAws) -> Front:
    for name in LOAD_BALANCERS:
        built.opt_in(name)
    return built


@pytest.fixture
def bad(front: Front) -> str:
    """The zone in trouble."""
    return front.zones["us-east-1a"]


def can_shift(front: Front, zone: str, *names: str) -> Any:
    params = Shiftable(zone=zone, load_balancers=names or LOAD_BALANCERS)
    cloud = Cloud(front.aws)
    front.aws.calls.clear()
    ended = CanShift().look(params, cloud, Step(CanShift(), params, cloud).attempt())
    assert cloud.changes("arc-zonal-shift") == []
    return ended


def test_load_balancers_that_can_do_without_the_zone_may_be_shifted(front: Front, bad: str) -> None:
    front.aws.zonal_shifts.sicken_zone(bad)
    assert isinstance(can_shift(front, bad), Done)
    assert isinstance(can_shift(front, "us-east-1a", front.arns[WEB]), Done)  # a zone's name, a load balancer's ARN
    assert isinstance(can_shift(front, bad, front.arns[WEB].partition("loadbalancer/")[2]), Done)  # as alarms call it


def test_a_zone_is_told_by_its_id_or_its_name(front: Front, bad: str) -> None:
    cloud = Cloud(front.aws)
    assert find_zone(cloud, bad) == find_zone(cloud, "us-east-1a")
    with pytest.raises(ActionFailed, match="us-east-1a"):
        find_zone(cloud, "use1-az9")


def test_a_load_balancer_that_has_not_opted_in_is_refused(front: Front, bad: str) -> None:
    front.opt_in(API, on=False)
    refused = can_shift(front, bad)
    assert isinstance(refused, Failed)
    assert str(refused.why).startswith("shop-api has not opted in")
    assert isinstance(can_shift(front, bad, WEB), Done)


def test_aws_own_autoshift_is_not_overruled(front: Front, bad: str) -> None:
    front.aws.zonal_shifts.start_autoshift(bad)
    refused = can_shift(front, bad)
    assert "autoshift" in str(refused.why)
    front.aws.zonal_shifts.end_autoshift(bad)
    assert isinstance(can_shift(front, bad), Done)


def test_an_autoshift_of_another_zone_means_that_more_than_one_is_bad(front: Front, bad: str) -> None:
    front.aws.zonal_shifts.start_autoshift(front.zones["us-east-1b"])
    assert isinstance(can_shift(front, bad), Failed)


def test_a_load_balancer_that_is_shifted_away_from_another_zone_is_refused(front: Front, bad: str) -> None:
    other = front.zones["us-east-1c"]
    front.aws.client("arc-zonal-shift").start_zonal_shift(
        resourceIdentifier=front.arns[WEB], awayFrom=other, expiresIn="30m", comment="by hand"
    )
    refused = can_shift(front, bad)
    assert "by hand" in str(refused.why)
    assert isinstance(can_shift(front, other, WEB), Done)  # that very shift would be used


def test_a_second_sick_zone_makes_it_a_matter_of_the_region(front: Front, bad: str) -> None:
    front.aws.zonal_shifts.sicken_zone(bad)
    front.aws.zonal_shifts.sicken_zone(front.zones["us-east-1b"])
    refused = can_shift(front, bad, WEB)
    assert "us-east-1b" in str(refused.why)
    assert "region" in str(refused.why)


def test_without_healthy_targets_elsewhere_nothing_is_shifted(front: Front, bad: str) -> None:
    for name in ("us-east-1b", "us-east-1c"):
        front.aws.zonal_shifts.sicken_zone(front.zones[name])
    assert "no healthy target outside" in str(can_shift(front, bad, WEB).why)
    front.aws.zonal_shifts.sicken_zone(bad)
    assert "no effect" in str(can_shift(front, bad, WEB).why)  # it fails open


def test_what_is_not_in_the_zone_has_nothing_to_shift(front: Front) -> None:
    assert "is not in" in str(can_shift(front, "us-east-1f", WEB).why)


def test_every_obstacle_is_told_at_once(front: Front, bad: str) -> None:
    for name in LOAD_BALANCERS:
        front.opt_in(name, on=False)
    assert len(str(can_shift(front, bad).why).splitlines()) == 2


def test_no_load_balancer_at_all_is_no_yes(front: Front, bad: str) -> None:
    params = Shiftable(zone=bad, load_balancers=())
    cloud = Cloud(front.aws)
    assert isinstance(CanShift().look(params, cloud, Step(CanShift(), params, cloud).attempt()), Failed)


def test_the_zone_of_instances_is_looked_up(front: Front, bad: str) -> None:
    ec2, elb = front.aws.client("ec2"), front.aws.client("elbv2")
    vpc = elb.describe_load_balancers(Names=[WEB])["LoadBalancers"][0]["VpcId"]
    subnet = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"][0]
    made = ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1, SubnetId=subnet["SubnetId"])["Instances"][
        0
    ]
    group = elb.create_target_group(Name="instances", Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0]
    elb.register_targets(TargetGroupArn=group["TargetGroupArn"], Targets=[{"Id": made["InstanceId"]}])
    elb.create_listener(
        LoadBalancerArn=front.arns[WEB], Protocol="HTTP", Port=81,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}],
    )  # fmt: skip
    assert "instances" in str(can_shift(front, subnet["AvailabilityZone"], WEB).why)


def test_an_unknown_load_balancer_is_an_error_that_names_it(front: Front, bad: str) -> None:
    with pytest.raises(ActionFailed, match="shop-wep"):
        can_shift(front, bad, "shop-wep")
