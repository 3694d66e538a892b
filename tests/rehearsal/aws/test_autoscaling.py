"""Auto Scaling groups whose instances come, go and are spread over zones."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bot.rehearsal.aws.emulator import EmulatedAws
from tests.rehearsal.aws.balanced import ZONES

A, B, C = ZONES
WORKERS = "shop-workers"
STARTED, ENDED = 30, 10
IMPAIRED = 120  # until EC2 is sure that an instance does not answer
SPREAD = {A: 1, B: 1, C: 1}


class Workers:
    """A group of three, over three zones."""

    def __init__(self, aws: EmulatedAws) -> None:
        self.aws, self.asg, self.ec2 = aws, aws.client("autoscaling"), aws.client("ec2")
        wanted = [{"Name": "availability-zone", "Values": list(ZONES)}]
        found = self.ec2.describe_subnets(Filters=wanted)["Subnets"]
        self.subnets = {one["AvailabilityZone"]: one["SubnetId"] for one in found}
        self.asg.create_launch_configuration(
            LaunchConfigurationName=WORKERS, ImageId="ami-12c6146b", InstanceType="t3.micro"
        )
        self.asg.create_auto_scaling_group(
            AutoScalingGroupName=WORKERS, LaunchConfigurationName=WORKERS, MinSize=1, MaxSize=6, DesiredCapacity=3,
            VPCZoneIdentifier=self.within(*ZONES),
        )  # fmt: skip

    def within(self, *zones: str) -> str:
        return ",".join(self.subnets[zone] for zone in zones)

    def update(self, **changes: Any) -> None:
        self.asg.update_auto_scaling_group(AutoScalingGroupName=WORKERS, **changes)

    def after(self, seconds: float) -> dict[str, int]:
        self.aws.clock.move(timedelta(seconds=seconds))
        return self.working()

    def group(self) -> dict[str, Any]:
        found: dict[str, Any] = self.asg.describe_auto_scaling_groups(AutoScalingGroupNames=[WORKERS])[
            "AutoScalingGroups"
        ][0]
        return found

    def working(self) -> dict[str, int]:
        """How many instances do their work, by zone."""
        return dict(
            Counter(
                one["AvailabilityZone"] for one in self.group()["Instances"] if one["LifecycleState"] == "InService"
            )
        )

    def states(self) -> dict[str, int]:
        return dict(Counter(one["LifecycleState"] for one in self.group()["Instances"]))

    def suspend(self, *processes: str) -> None:
        self.asg.suspend_processes(AutoScalingGroupName=WORKERS, ScalingProcesses=list(processes))

    def zone_id(self, name: str) -> str:
        return str(self.ec2.describe_availability_zones(ZoneNames=[name])["AvailabilityZones"][0]["ZoneId"])

    def shift(self, zone: str, **more: Any) -> None:
        self.update(AvailabilityZoneImpairmentPolicy={"ZonalShiftEnabled": True, **more})
        self.aws.client("arc-zonal-shift").start_zonal_shift(
            resourceIdentifier=self.group()["AutoScalingGroupARN"], awayFrom=self.zone_id(zone), expiresIn="1h",
            comment="-",
        )  # fmt: skip
        self.aws.clock.move(timedelta(seconds=2))


@pytest.fixture
def workers(aws: EmulatedAws) -> Workers:
    made = Workers(aws)
    made.after(STARTED)
    return made


async def test_a_new_group_starts_its_instances_one_in_each_zone(aws: EmulatedAws) -> None:
    workers = Workers(aws)
    assert workers.states() == {"Pending": 3}
    assert workers.after(STARTED - 1) == {}
    assert workers.after(1) == SPREAD
    instances = [one for all_ in workers.ec2.describe_instances()["Reservations"] for one in all_["Instances"]]
    assert Counter(one["Placement"]["AvailabilityZone"] for one in instances) == SPREAD
    assert {one["SubnetId"] for one in instances} == set(workers.subnets.values())


async def test_more_and_fewer_are_spread_too(workers: Workers) -> None:
    workers.update(DesiredCapacity=5)
    assert sorted(workers.after(STARTED).values()) == [1, 2, 2]
    workers.asg.set_desired_capacity(AutoScalingGroupName=WORKERS, DesiredCapacity=3)
    assert workers.states() == {"InService": 3, "Terminating": 2}
    assert workers.after(ENDED) == SPREAD
    assert workers.states() == {"InService": 3}


@pytest.mark.parametrize(("capacity", "good"), [(0, False), (1, True), (6, True), (7, False)])
async def test_a_capacity_is_within_its_bounds(workers: Workers, capacity: int, good: bool) -> None:
    if good:
        workers.update(DesiredCapacity=capacity)
    else:
        with pytest.raises(ClientError, match="must be between"):
            workers.update(DesiredCapacity=capacity)


async def test_a_zone_that_is_taken_away_is_left_once_others_work(workers: Workers) -> None:
    workers.update(VPCZoneIdentifier=workers.within(B, C))
    assert workers.working() == SPREAD
    assert workers.states() == {"InService": 3, "Pending": 1}
    assert workers.after(STARTED).get(A) is None
    assert sum(workers.working().values()) == 3
    workers.update(VPCZoneIdentifier=workers.within(*ZONES))
    workers.after(STARTED)
    assert workers.after(STARTED) == SPREAD  # and is used again


async def test_without_rebalancing_its_instances_stay_until_they_are_ended(workers: Workers) -> None:
    workers.suspend("AZRebalance")
    workers.update(VPCZoneIdentifier=workers.within(B, C), DesiredCapacity=5)
    assert workers.after(STARTED) == {A: 1, B: 2, C: 2}
    [stray] = [one for one in workers.group()["Instances"] if one["AvailabilityZone"] == A]
    ended = workers.asg.terminate_instance_in_auto_scaling_group(
        InstanceId=stray["InstanceId"], ShouldDecrementDesiredCapacity=True
    )
    assert ended["Activity"]["StatusCode"] == "InProgress"
    assert workers.group()["DesiredCapacity"] == 4
    assert workers.after(STARTED) == {B: 2, C: 2}
    workers.update(VPCZoneIdentifier=workers.within(*ZONES))
    workers.after(2 * STARTED)
    assert workers.working() == {B: 2, C: 2}
    workers.asg.resume_processes(AutoScalingGroupName=WORKERS, ScalingProcesses=["AZRebalance"])
    workers.after(STARTED)
    assert workers.working()[A] == 1


async def test_the_least_is_never_undercut_by_ending_instances(workers: Workers) -> None:
    workers.update(MinSize=3)
    first = workers.group()["Instances"][0]["InstanceId"]
    end = workers.asg.terminate_instance_in_auto_scaling_group
    with pytest.raises(ClientError, match="min size"):
        end(InstanceId=first, ShouldDecrementDesiredCapacity=True)
    end(InstanceId=first, ShouldDecrementDesiredCapacity=False)
    assert workers.after(STARTED) == SPREAD  # it was replaced
    with pytest.raises(ClientError, match="Instance Id not found"):
        end(InstanceId=first, ShouldDecrementDesiredCapacity=False)


async def test_what_somebody_ends_in_ec2_is_replaced(workers: Workers) -> None:
    workers.ec2.terminate_instances(InstanceIds=[workers.group()["Instances"][0]["InstanceId"]])
    assert sum(workers.working().values()) == 2
    assert workers.after(STARTED) == SPREAD


async def test_in_a_dark_zone_instances_are_impaired_and_replaced_there_in_vain(workers: Workers) -> None:
    workers.aws.outages.darken_zone(A)
    statuses = workers.ec2.describe_instance_status()["InstanceStatuses"]
    assert {one["AvailabilityZone"]: one["SystemStatus"]["Status"] for one in statuses} == {
        A: "impaired",
        B: "ok",
        C: "ok",
    }
    before = {one["InstanceId"] for one in workers.group()["Instances"]}
    workers.after(IMPAIRED)
    assert workers.states() == {"InService": 2, "Terminating": 1, "Pending": 1}
    [new] = [one for one in workers.group()["Instances"] if one["InstanceId"] not in before]
    assert new["AvailabilityZone"] == A
    activities = workers.asg.describe_scaling_activities(AutoScalingGroupName=WORKERS)["Activities"]
    assert "EC2 health check" in activities[1]["Cause"]


async def test_what_replaces_the_unhealthy_can_be_suspended(workers: Workers) -> None:
    workers.suspend("ReplaceUnhealthy")
    workers.aws.outages.darken_zone(A)
    workers.after(IMPAIRED)
    assert [one["HealthStatus"] for one in workers.group()["Instances"]].count("Unhealthy") == 1
    workers.aws.outages.light_zone(A)
    workers.after(60)
    assert {one["HealthStatus"] for one in workers.group()["Instances"]} == {"Healthy"}


async def test_a_group_that_has_not_opted_in_cannot_be_shifted(workers: Workers) -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        workers.aws.client("arc-zonal-shift").get_managed_resource(
            resourceIdentifier=workers.group()["AutoScalingGroupARN"]
        )


async def test_a_shifted_group_starts_nothing_in_that_zone(workers: Workers) -> None:
    workers.shift(A, ImpairedZoneHealthCheckBehavior="ReplaceUnhealthy")
    group = workers.group()
    assert group["AvailabilityZoneImpairmentPolicy"]["ZonalShiftEnabled"] is True
    managed = workers.aws.client("arc-zonal-shift").get_managed_resource(
        resourceIdentifier=group["AutoScalingGroupARN"]
    )
    assert managed["name"] == WORKERS
    assert managed["appliedWeights"] == {workers.zone_id(A): 0, workers.zone_id(B): 1, workers.zone_id(C): 1}
    assert workers.working() == SPREAD  # what is there stays
    workers.update(DesiredCapacity=5)
    assert workers.after(STARTED) == {A: 1, B: 2, C: 2}
    workers.aws.outages.darken_zone(A)
    workers.after(IMPAIRED)
    assert workers.after(STARTED).get(A) is None
    assert sum(workers.working().values()) == 5


async def test_a_shifted_group_may_let_the_unhealthy_be(workers: Workers) -> None:
    workers.shift(A, ImpairedZoneHealthCheckBehavior="IgnoreUnhealthy")
    workers.aws.outages.darken_zone(A)
    assert workers.after(2 * IMPAIRED) == SPREAD


async def test_its_instances_are_targets_by_themselves(workers: Workers) -> None:
    elb = workers.aws.client("elbv2")
    vpc = workers.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    group = elb.create_target_group(Name="workers", Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0]
    workers.asg.attach_load_balancer_target_groups(
        AutoScalingGroupName=WORKERS, TargetGroupARNs=[group["TargetGroupArn"]]
    )
    workers.update(DesiredCapacity=4)
    workers.after(STARTED)
    workers.aws.outages.darken_zone(A)
    workers.suspend("ReplaceUnhealthy")
    workers.after(60)  # two checks of thirty seconds
    health = elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])["TargetHealthDescriptions"]
    dark = workers.working()[A]
    assert Counter(one["TargetHealth"]["State"] for one in health) == {"healthy": 4 - dark, "unhealthy": dark}


async def test_its_size_is_told_by_instance_too(workers: Workers) -> None:
    instances = workers.asg.describe_auto_scaling_instances()["AutoScalingInstances"]
    assert {one["LifecycleState"] for one in instances} == {"InService"}
    workers.asg.set_instance_health(InstanceId=instances[0]["InstanceId"], HealthStatus="Unhealthy")
    workers.after(STARTED + ENDED)
    assert instances[0]["InstanceId"] not in {one["InstanceId"] for one in workers.group()["Instances"]}
    workers.asg.delete_auto_scaling_group(AutoScalingGroupName=WORKERS, ForceDelete=True)
    assert workers.asg.describe_auto_scaling_groups()["AutoScalingGroups"] == []
