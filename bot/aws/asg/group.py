"""What is asked of an Auto Scaling group: its subnets, its instances by zone, and what it was before it left one."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import StringConstraints

from bot.aws.left import Left, as_value, read, tag_of
from bot.aws.zone.find import Zone, ZoneName
from bot.errors import N_, ActionFailed, phrase
from bot.playbook.action import Aws, Call, InputType, Params

#: What IAM calls a group.
ARNS = ("arn:{partition}:autoscaling:{region}:{account}:autoScalingGroup:*:autoScalingGroupName/*",)
#: The process that moves instances between zones by itself.
REBALANCE = "AZRebalance"

Group = Mapping[str, Any]  # as DescribeAutoScalingGroups shows it
Instance = Mapping[str, Any]


class Grouped(Params):
    group: Annotated[str, InputType("str"), StringConstraints(min_length=1, max_length=255)]
    zone: ZoneName


def find_group(aws: Aws, name: str) -> Group:
    """Raises `ActionFailed` when there is none such."""
    found = aws.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    if found:
        group: Group = found[0]
        return group
    what = N_("There is no Auto Scaling group {name} in {region}. Check the step's parameters.")
    raise ActionFailed(phrase(what, name=name, region=aws.region), code="GroupNotFound")


def subnets_of(group: Group) -> list[str]:
    return [one.strip() for one in group.get("VPCZoneIdentifier", "").split(",") if one.strip()]


def is_shiftable(group: Group) -> bool:
    """It has opted in to zonal shift."""
    return bool(group.get("AvailabilityZoneImpairmentPolicy", {}).get("ZonalShiftEnabled"))


def is_suspended(group: Group) -> bool:
    """It does not move instances between zones by itself."""
    return any(one["ProcessName"] == REBALANCE for one in group.get("SuspendedProcesses", ()))


def instances_in(group: Group, zone: Zone) -> list[Instance]:
    return [one for one in group["Instances"] if one["AvailabilityZone"] == zone.name]


def serving_outside(group: Group, zone: Zone) -> int:
    """How many instances do their work in other zones."""
    outside = (one for one in group["Instances"] if one["AvailabilityZone"] != zone.name)
    return sum(one["LifecycleState"] == "InService" and one["HealthStatus"] == "Healthy" for one in outside)


def left_by(group: Group, zone: Zone) -> Left | None:
    """What is written on the group about that zone."""
    return next((read(one.get("Value", "")) for one in group.get("Tags", ()) if one["Key"] == tag_of(zone)), None)


def note_down(group: Group, zone: Zone, left: Left) -> Call:
    return Call("autoscaling", "CreateOrUpdateTags", {"Tags": [{**_tag(group, zone), "Value": as_value(left)}]})


def strike_out(group: Group, zone: Zone) -> Call:
    return Call("autoscaling", "DeleteTags", {"Tags": [_tag(group, zone)]})


def suspend(group: Group) -> Call:
    asked = {"AutoScalingGroupName": group["AutoScalingGroupName"], "ScalingProcesses": [REBALANCE]}
    return Call("autoscaling", "SuspendProcesses", asked)


def resume(group: Group) -> Call:
    asked = {"AutoScalingGroupName": group["AutoScalingGroupName"], "ScalingProcesses": [REBALANCE]}
    return Call("autoscaling", "ResumeProcesses", asked)


def touched(aws: Aws, name: str) -> tuple[str, ...]:
    return (f"asg:{aws.region}:{name}",)


def names(params: Grouped, zone: Zone) -> dict[str, str]:
    """What most sentences name."""
    return {"group": params.group, "zone": zone.id}


def _tag(group: Group, zone: Zone) -> dict[str, Any]:
    """Its instances do not get it."""
    return {
        "ResourceId": group["AutoScalingGroupName"],
        "ResourceType": "auto-scaling-group",
        "Key": tag_of(zone),
        "PropagateAtLaunch": False,
    }
