"""zone.empty and zone.healthy: what is looked at after a zone was left, and before traffic comes back to it."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from bot.aws.zone.empty import Emptied, Empty
from bot.aws.zone.healthy import Healthy, Returning
from bot.playbook.action import Done, Failed, Progress, Working
from bot.rehearsal.aws.emulator import EmulatedAws
from bot.rehearsal.front import LOAD_BALANCERS, Front
from tests.aws.rehearsed import Cloud, Step
from tests.aws.services import CLUSTER, Served

WEB, API = LOAD_BALANCERS
BAD = "us-east-1a"
NUMBERS = count(1)


@pytest.fixture(scope="module")
def built(started: EmulatedAws) -> Front:
    made = Front(started)
    made.build()
    return made


@pytest.fixture
def front(built: Front, emulated: EmulatedAws) -> Front:
    assert emulated is built.aws
    emulated.clock.move(timedelta(minutes=10))
    return built


def looked(step: Step) -> Progress:
    return step.wait(step.look())


def empty(front: Front, **what: Any) -> Step:
    return Step(Empty(), Emptied(zone=BAD, **what), Cloud(front.aws))


def healthy(front: Front, **what: Any) -> Step:
    return Step(Healthy(), Returning(zone=BAD, **what), Cloud(front.aws))


@pytest.fixture
def group(front: Front) -> Iterator[str]:
    name, asg = f"left-{next(NUMBERS)}", front.aws.client("autoscaling")
    vpc = front.aws.client("elbv2").describe_load_balancers(Names=[WEB])["LoadBalancers"][0]["AvailabilityZones"]
    asg.create_launch_configuration(LaunchConfigurationName=name, ImageId="ami-12c6146b", InstanceType="t3.micro")
    asg.create_auto_scaling_group(
        AutoScalingGroupName=name, LaunchConfigurationName=name, MinSize=0, MaxSize=6, DesiredCapacity=3,
        VPCZoneIdentifier=",".join(one["SubnetId"] for one in vpc),
    )  # fmt: skip
    yield name
    asg.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)


def test_tasks_and_instances_that_stay_are_named_after_a_while(front: Front, group: str) -> None:
    served = Served(front.aws, desired=3)
    step = empty(front, services=(f"{CLUSTER}/{served.name}",), groups=(group,))
    assert isinstance(step.look(), Working)  # it may be ending
    failed = looked(step)
    assert isinstance(failed, Failed)
    assert served.name in str(failed.why)
    assert group in str(failed.why)


def test_a_zone_without_anything_of_ours_is_left(front: Front, group: str) -> None:
    front.aws.client("autoscaling").update_auto_scaling_group(AutoScalingGroupName=group, DesiredCapacity=0)
    front.aws.clock.move(timedelta(minutes=2))
    assert isinstance(Empty().look(empty(front).params, Cloud(front.aws), empty(front).attempt()), Done)
    assert isinstance(looked(empty(front, groups=(group,))), Done)


def test_traffic_may_come_back_when_all_is_healthy_and_stays_so(front: Front) -> None:
    step = healthy(front, load_balancers=LOAD_BALANCERS)
    watching = Healthy().look(step.params, step.cloud, step.attempt())
    assert isinstance(watching, Working)
    assert isinstance(looked(step), Done)


def test_a_sick_target_starts_the_watch_anew(front: Front) -> None:
    step = healthy(front, load_balancers=(WEB,), steady_for=timedelta(minutes=2))
    step.look()
    bad = front.zones[BAD]
    front.aws.clock.move(timedelta(minutes=1))
    front.aws.zonal_shifts.sicken_zone(bad)
    sick = step.look()
    assert isinstance(sick, Working)
    assert "0 of" in str(sick.note)
    front.aws.zonal_shifts.heal_zone(bad)
    front.aws.clock.move(timedelta(minutes=1))
    assert isinstance(step.look(), Working)
    front.aws.clock.move(timedelta(minutes=2))
    assert isinstance(step.look(), Done)


def test_a_zone_without_any_target_is_not_healthy_yet(front: Front) -> None:
    """Its services have not come back: traffic would find nothing there."""
    elb = front.aws.client("elbv2")
    target = {"Id": "10.0.0.100", "AvailabilityZone": BAD}
    elb.deregister_targets(TargetGroupArn=front.groups[WEB], Targets=[target])
    front.aws.clock.move(timedelta(minutes=10))
    waiting = healthy(front, load_balancers=(WEB,)).look()
    assert isinstance(waiting, Working)
    assert "0 of 0" in str(waiting.note)
    elb.register_targets(TargetGroupArn=front.groups[WEB], Targets=[target])


def test_nobody_returns_to_a_zone_that_aws_itself_keeps_away_from(front: Front) -> None:
    front.aws.zonal_shifts.start_autoshift(front.zones[BAD])
    assert isinstance(healthy(front).look(), Failed)
    front.aws.zonal_shifts.end_autoshift(front.zones[BAD])
    front.aws.zonal_shifts.start_autoshift(front.zones["us-east-1b"])
    assert isinstance(healthy(front).look(), Done)  # another zone's trouble keeps nobody from this one
