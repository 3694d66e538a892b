"""asg.leave_zone and asg.return_to_zone, against emulated Auto Scaling groups whose instances live in zones."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from bot.aws.asg.leave_zone import LeaveZone, raised
from bot.aws.asg.return_to_zone import Back, ReturnToZone
from bot.aws.asg.shift import Leaving
from bot.aws.subnets import Split
from bot.errors import ActionFailed
from bot.playbook.action import Done, Failed, Lapsed, Renewed, Working
from bot.rehearsal.aws.emulator import EmulatedAws
from bot.rehearsal.aws.scaling_group import Boot
from tests.aws.rehearsed import Cloud, Step

BAD = "us-east-1a"
NUMBERS = count(1)


class Workers:
    """A group of its own over three zones, with so many instances."""

    def __init__(self, aws: EmulatedAws, desired: int = 3, **settings: Any) -> None:
        self.aws, self.cloud, self.name = aws, Cloud(aws), f"workers-{next(NUMBERS)}"
        self.asg: Any = aws.client("autoscaling")
        self.subnets = subnets(aws)
        self.asg.create_launch_configuration(
            LaunchConfigurationName=self.name, ImageId="ami-12c6146b", InstanceType="t3.micro"
        )
        asked = {"MinSize": 1, "MaxSize": 9, "DesiredCapacity": desired, "VPCZoneIdentifier": ",".join(self.subnets)}
        self.asg.create_auto_scaling_group(
            AutoScalingGroupName=self.name, LaunchConfigurationName=self.name, **(asked | settings)
        )
        self.settle()
        aws.calls.clear()

    def settle(self, seconds: float = 8) -> None:
        self.aws.clock.move(timedelta(seconds=seconds))

    @property
    def seen(self) -> dict[str, Any]:
        found: dict[str, Any] = self.asg.describe_auto_scaling_groups(AutoScalingGroupNames=[self.name])[
            "AutoScalingGroups"
        ][0]
        return found

    @property
    def settings(self) -> dict[str, Any]:
        """What a return must bring back, field by field."""
        names = ("MinSize", "MaxSize", "DesiredCapacity", "SuspendedProcesses", "Tags")
        return {name: self.seen[name] for name in names} | {"subnets": set(self.seen["VPCZoneIdentifier"].split(","))}

    def zones(self) -> Counter[str]:
        return Counter(one["AvailabilityZone"] for one in self.seen["Instances"])

    def changes(self) -> list[str]:
        return self.cloud.changes("autoscaling")


def subnets(aws: EmulatedAws) -> list[str]:
    wanted = [{"Name": "availability-zone", "Values": ["us-east-1a", "us-east-1b", "us-east-1c"]}]
    described = aws.client("ec2").describe_subnets(Filters=[*wanted, {"Name": "default-for-az", "Values": ["true"]}])
    return [one["SubnetId"] for one in sorted(described["Subnets"], key=lambda one: one["AvailabilityZone"])]


@pytest.fixture(autouse=True, scope="module")
def quick(started: EmulatedAws) -> None:
    """Instances that start and end quickly: every look while they do costs three calls."""
    started.autoscaling.boot = Boot(starting=timedelta(seconds=7), ending=timedelta(seconds=2))


@pytest.fixture
def workers(emulated: EmulatedAws) -> Iterator[Workers]:
    made = Workers(emulated)
    yield made
    made.asg.delete_auto_scaling_group(AutoScalingGroupName=made.name, ForceDelete=True)


def leaving(workers: Workers, **more: Any) -> Step:
    return Step(LeaveZone(), Leaving(group=workers.name, zone=BAD, **more), workers.cloud)


def returning(workers: Workers, **more: Any) -> Step:
    return Step(ReturnToZone(), Back(group=workers.name, zone=BAD, **more), workers.cloud, run_id="run-2")


def run(step: Step) -> Any:
    """As the engine does: a look that has more to do is followed by an act."""
    progress = step.act()
    for _ in range(60):
        if not isinstance(progress, Working):
            return progress
        step.cloud.aws.clock.move(progress.again_in)
        progress = step.act() if progress.more else step.look()
    raise AssertionError(step.notes[-1])


def test_the_plan_shows_what_is_changed_and_which_instances_end(workers: Workers) -> None:
    [bad] = [one["InstanceId"] for one in workers.seen["Instances"] if one["AvailabilityZone"] == BAD]
    step = leaving(workers)
    plan = LeaveZone().plan(step.params, workers.cloud, step.attempt())
    assert [call.operation for call in plan.calls] == [
        "CreateOrUpdateTags",
        "SuspendProcesses",
        "UpdateAutoScalingGroup",
    ]
    asked = plan.calls[-1].parameters
    assert (asked["VPCZoneIdentifier"], asked["DesiredCapacity"]) == (",".join(workers.subnets[1:]), 4)
    assert bad in {change.before for change in plan.changes}
    assert any("ended, by name" in str(one) for one in plan.warnings)
    assert [need.needed for need in plan.needs] == [1, 1]
    assert plan.touches == (f"asg:us-east-1:{workers.name}",)
    assert workers.changes() == []


def test_capacity_is_raised_before_any_instance_of_the_zone_ends(workers: Workers) -> None:
    step = leaving(workers)
    assert isinstance(step.act(), Working)
    assert workers.seen["DesiredCapacity"] == 4
    assert workers.zones()[BAD] == 1
    waiting = step.look()
    assert isinstance(waiting, Working)
    assert not waiting.more  # the new one is still starting
    assert "TerminateInstanceInAutoScalingGroup" not in workers.changes()
    workers.settle()
    ready = step.look()
    assert isinstance(ready, Working)
    assert ready.more
    step.act()
    assert workers.changes()[-1] == "TerminateInstanceInAutoScalingGroup"


def test_it_is_done_when_no_instance_is_left_in_the_zone(workers: Workers) -> None:
    done = run(leaving(workers))
    assert isinstance(done, Done)
    assert workers.zones() == {"us-east-1b": 2, "us-east-1c": 1} or workers.zones() == {
        "us-east-1b": 1,
        "us-east-1c": 2,
    }
    assert workers.seen["DesiredCapacity"] == 3  # it went down with the instance that ended
    assert (done.output["capacity_before"], done.output["capacity"], done.output["shifted"]) == (3, 3, False)
    assert set(done.output["subnets_before"]) == set(workers.subnets)
    assert isinstance(LeaveZone().look(leaving(workers).params, workers.cloud, leaving(workers).attempt()), Done)


def test_az_rebalance_is_suspended_before_the_subnets_change(workers: Workers) -> None:
    """Else AWS moves instances by itself, ending some before others are there."""
    LeaveZone().act(leaving(workers).params, workers.cloud, leaving(workers).attempt())
    assert workers.changes() == ["CreateOrUpdateTags", "SuspendProcesses", "UpdateAutoScalingGroup"]
    assert [one["ProcessName"] for one in workers.seen["SuspendedProcesses"]] == ["AZRebalance"]


@pytest.mark.parametrize(
    ("desired", "zones_left", "for_a_while"), [(3, 2, 4), (6, 2, 8), (7, 2, 10), (4, 1, 6), (0, 2, 0)]
)
def test_it_gets_as_many_more_as_the_zone_should_hold(desired: int, zones_left: int, for_a_while: int) -> None:
    assert raised({"DesiredCapacity": desired}, Split((), (), zones_left)) == for_a_while


def test_a_group_at_its_maximum_is_let_have_more_for_a_while(emulated: EmulatedAws) -> None:
    workers = Workers(emulated, desired=6, MaxSize=6)
    before = workers.settings
    assert isinstance(run(leaving(workers)), Done)
    assert workers.seen["MaxSize"] == 8
    assert isinstance(run(returning(workers)), Done)
    assert workers.settings == before


@pytest.mark.parametrize("operation", ["CreateOrUpdateTags", "SuspendProcesses", "UpdateAutoScalingGroup"])
def test_whatever_answer_was_lost_the_next_act_goes_on_from_there(workers: Workers, operation: str) -> None:
    before = workers.settings
    workers.aws.faults.lose_answer("autoscaling", operation, times=1)
    step = leaving(workers)
    with pytest.raises(ActionFailed):
        step.act()
    done = run(step)
    assert isinstance(done, Done)
    assert done.output["capacity_before"] == 3
    assert workers.changes().count(operation) == (2 if operation == "CreateOrUpdateTags" else 1)
    assert isinstance(run(returning(workers)), Done)
    assert workers.settings == before


def test_a_lost_answer_while_instances_end_ends_no_other(workers: Workers) -> None:
    step = leaving(workers)
    step.act()
    workers.settle()
    workers.aws.faults.lose_answer("autoscaling", "TerminateInstanceInAutoScalingGroup", times=1)
    with pytest.raises(ActionFailed):
        step.act()
    assert isinstance(step.wait(step.act()), Done)
    assert workers.changes().count("TerminateInstanceInAutoScalingGroup") == 1
    assert workers.seen["DesiredCapacity"] == 3


def test_it_comes_back_to_exactly_what_it_was(workers: Workers) -> None:
    before, subnets_before = workers.settings, workers.seen["VPCZoneIdentifier"]
    done = run(leaving(workers))
    assert ",".join(done.output["subnets_before"]) == subnets_before
    step = returning(workers, subnets=tuple(done.output["subnets_before"]))
    plan = ReturnToZone().plan(step.params, workers.cloud, step.attempt())
    assert [call.operation for call in plan.calls] == ["UpdateAutoScalingGroup", "ResumeProcesses", "DeleteTags"]
    assert isinstance(ReturnToZone().act(step.params, workers.cloud, step.attempt()), Working)
    back = step.wait(ReturnToZone().look(step.params, workers.cloud, step.attempt()))
    assert isinstance(back, Done)
    assert back.output == {"capacity": 3, "in_zone": 1}
    assert workers.settings == before
    assert workers.seen["VPCZoneIdentifier"] == subnets_before  # in its own order, too
    workers.settle(120)  # one elsewhere ends for it
    assert workers.zones() == {"us-east-1a": 1, "us-east-1b": 1, "us-east-1c": 1}


def test_a_half_done_evacuation_is_taken_back_to_what_it_was(workers: Workers) -> None:
    before = workers.settings
    leaving(workers).act()  # capacity is raised, nothing has ended yet
    assert workers.seen["DesiredCapacity"] == 4
    assert isinstance(run(returning(workers)), Done)
    assert workers.settings == before


def test_a_capacity_that_was_set_since_stays(workers: Workers) -> None:
    run(leaving(workers))
    workers.asg.set_desired_capacity(AutoScalingGroupName=workers.name, DesiredCapacity=7)
    assert isinstance(run(returning(workers)), Done)
    assert workers.seen["DesiredCapacity"] == 7


def test_processes_that_somebody_had_suspended_stay_suspended(workers: Workers) -> None:
    workers.asg.suspend_processes(AutoScalingGroupName=workers.name, ScalingProcesses=["AZRebalance"])
    workers.aws.calls.clear()
    assert isinstance(run(leaving(workers)), Done)
    assert "SuspendProcesses" not in workers.changes()
    step = returning(workers)
    assert [call.operation for call in step.plan().calls] == ["UpdateAutoScalingGroup", "DeleteTags"]


def test_a_group_that_is_not_in_the_zone_is_left_alone(workers: Workers) -> None:
    run(leaving(workers))
    workers.aws.calls.clear()
    step = leaving(workers)
    assert step.plan().calls == ()
    assert isinstance(run(step), Done)
    assert workers.changes() == []


def test_a_group_with_subnets_in_no_other_zone_is_refused(emulated: EmulatedAws) -> None:
    workers = Workers(emulated, VPCZoneIdentifier=subnets(emulated)[0])
    step = leaving(workers)
    assert "no other zone" in str(step.plan().warnings[0])
    assert isinstance(step.act(), Failed)
    assert workers.changes() == []


def test_nobody_guesses_which_subnets_it_had(workers: Workers) -> None:
    workers.asg.update_auto_scaling_group(
        AutoScalingGroupName=workers.name, VPCZoneIdentifier=",".join(workers.subnets[1:])
    )
    step = returning(workers)
    assert "Name all" in str(step.plan().warnings[0])
    assert isinstance(step.act(), Failed)


def test_an_unknown_group_is_an_error_that_names_it(emulated: EmulatedAws) -> None:
    step = Step(LeaveZone(), Leaving(group="wrokers", zone=BAD), Cloud(emulated))
    with pytest.raises(ActionFailed, match="wrokers"):
        step.act()


SHIFTS = {"ZonalShiftEnabled": True, "ImpairedZoneHealthCheckBehavior": "IgnoreUnhealthy"}


def test_a_group_that_lets_itself_is_shifted_and_keeps_its_subnets(emulated: EmulatedAws) -> None:
    workers = Workers(emulated, AvailabilityZoneImpairmentPolicy=SHIFTS)
    before = workers.settings
    step = leaving(workers)
    [call] = step.plan().calls
    assert (call.operation, call.parameters["resourceIdentifier"]) == (
        "StartZonalShift",
        workers.seen["AutoScalingGroupARN"],
    )
    done = run(step)
    assert isinstance(done, Done)
    assert done.output["shifted"] is True
    assert done.until is not None
    assert "1 instances are still there" in str(done.note)
    assert workers.changes() == []
    assert isinstance(run(leaving(workers)), Done)  # adopted
    assert workers.cloud.changes("arc-zonal-shift") == ["StartZonalShift"]

    workers.aws.clock.move(timedelta(minutes=45))
    step.memory = done.output
    renewed = LeaveZone().renew(step.params, workers.cloud, step.attempt())
    assert isinstance(renewed, Renewed)
    assert renewed.until > done.until

    assert isinstance(run(returning(workers)), Done)
    assert workers.cloud.changes("arc-zonal-shift")[-1] == "CancelZonalShift"
    assert workers.settings == before
    assert isinstance(LeaveZone().renew(step.params, workers.cloud, step.attempt()), Lapsed)


def test_a_groups_shift_that_is_not_ours_stays(emulated: EmulatedAws) -> None:
    workers = Workers(emulated, AvailabilityZoneImpairmentPolicy=SHIFTS)
    zones = emulated.client("ec2").describe_availability_zones()["AvailabilityZones"]
    bad = next(one["ZoneId"] for one in zones if one["ZoneName"] == BAD)
    emulated.client("arc-zonal-shift").start_zonal_shift(
        resourceIdentifier=workers.seen["AutoScalingGroupARN"], awayFrom=bad, expiresIn="30m", comment="by hand"
    )
    assert isinstance(run(leaving(workers)), Done)
    assert isinstance(run(returning(workers)), Done)
    assert workers.cloud.changes("arc-zonal-shift") == ["StartZonalShift"]
