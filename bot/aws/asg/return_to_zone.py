"""Give a group the zone back that it left: `asg.return_to_zone`. Its instances spread over it again by themselves."""

from datetime import timedelta
from typing import Annotated, Any, ClassVar

from bot.aws.asg.group import (
    ARNS,
    Group,
    Grouped,
    find_group,
    instances_in,
    is_shiftable,
    is_suspended,
    left_by,
    names,
    resume,
    serving_outside,
    strike_out,
    subnets_of,
    touched,
)
from bot.aws.calls import perform
from bot.aws.left import Left
from bot.aws.polling import SETTLING, next_look
from bot.aws.subnets import split
from bot.aws.zonal_shift.lasting import cancel_call
from bot.aws.zonal_shift.shifts import is_ours, shift_of
from bot.aws.zone.find import Zone, find_zone, managed_of
from bot.errors import N_, Phrase, phrase
from bot.playbook.action import (
    Attempt,
    Aws,
    Call,
    Change,
    Done,
    Facts,
    Failed,
    InputType,
    Progress,
    StepPlan,
    Working,
    action,
)

_CALLS = (
    "arc-zonal-shift:CancelZonalShift",
    "arc-zonal-shift:GetManagedResource",
    "autoscaling:DeleteTags",
    "autoscaling:DescribeAutoScalingGroups",
    "autoscaling:ResumeProcesses",
    "autoscaling:UpdateAutoScalingGroup",
    "ec2:DescribeAvailabilityZones",
    "ec2:DescribeSubnets",
)
_CHANGING = tuple(one for one in _CALLS if not one.partition(":")[2].startswith(("Describe", "Get")))


class Back(Grouped):
    """`subnets`: all that it shall have; left out, what it has and what is written on it.

    `only_ours`: leave a shift alone that something outside of this incident has started.
    """

    subnets: Annotated[tuple[str, ...], InputType("list")] | None = None
    only_ours: bool = True


@action(
    "asg.return_to_zone",
    Back,
    permissions=_CALLS,
    calls=_CALLS,
    resources=dict.fromkeys(_CHANGING, ARNS),
    plane="control",
    changes=N_("Gives the group the zone's subnets, its capacity and its balance back, or cancels its shift."),
    undo=N_("Takes the group out of the zone again."),
    undone_by="asg.leave_zone",
    recognised_by=N_("The group has the zone's subnets, and nothing is written on it about the zone any more."),
    outputs={"capacity": "int", "in_zone": "int"},
    takes=timedelta(minutes=5),
)
class ReturnToZone:
    facts: ClassVar[Facts]

    def plan(self, params: Back, aws: Aws, attempt: Attempt) -> StepPlan:
        zone, group = find_zone(aws, params.zone), find_group(aws, params.group)
        touches = touched(aws, params.group)
        if problem := _unknown(params, aws, zone, group):
            return StepPlan(warnings=(problem,), touches=touches)
        calls = _calls(params, aws, zone, group, attempt)
        if not calls:
            said = phrase(N_("{group} is in {zone} already."), **names(params, zone))
            return StepPlan(warnings=(said,), touches=touches)
        moved = phrase(N_("Instances of {group} move into {zone}: some elsewhere end."), **names(params, zone))
        return StepPlan(calls=calls, changes=_changes(params, zone, group), disturbs=(moved,), touches=touches)

    def act(self, params: Back, aws: Aws, attempt: Attempt) -> Progress:
        zone, group = find_zone(aws, params.zone), find_group(aws, params.group)
        if problem := _unknown(params, aws, zone, group):
            return Failed(problem)
        for call in _calls(params, aws, zone, group, attempt):
            perform(aws, call)
        return self.look(params, aws, attempt)

    def look(self, params: Back, aws: Aws, attempt: Attempt) -> Progress:
        zone, group = find_zone(aws, params.zone), find_group(aws, params.group)
        there = [one for one in instances_in(group, zone) if one["LifecycleState"] == "InService"]
        waiting = attempt.now - attempt.started_at < 10 * SETTLING
        if not is_shiftable(group) and not there and _belongs_there(aws, zone, group) and waiting:
            note = phrase(N_("No instance of {group} does its work in {zone} yet"), **names(params, zone))
            return Working(note, again_in=next_look(attempt))
        what = N_("{group} is back in {zone}: {there} of {all} instances do their work there.")
        serving = serving_outside(group, zone) + len(there)
        note = phrase(what, there=len(there), all=serving, **names(params, zone))
        return Done(note, {"capacity": int(group["DesiredCapacity"]), "in_zone": len(there)})


def _calls(params: Back, aws: Aws, zone: Zone, group: Group, attempt: Attempt) -> tuple[Call, ...]:
    """What is missing. What is written on the group goes last, when nothing of it is needed any more."""
    if is_shiftable(group):
        shift = shift_of(managed_of(aws, group["AutoScalingGroupARN"]), zone)
        ours = shift is not None and (is_ours(shift, attempt) or not params.only_ours)
        return (cancel_call(shift),) if shift is not None and ours else ()
    left = left_by(group, zone)
    calls = []
    if asked := _restored(params, group, left):
        calls.append(Call("autoscaling", "UpdateAutoScalingGroup", {"AutoScalingGroupName": params.group, **asked}))
    if left is not None and is_suspended(group) and left.settings.get("rebalance") != "suspended":
        calls.append(resume(group))
    if left is not None:
        calls.append(strike_out(group, zone))
    return tuple(calls)


def _restored(params: Back, group: Group, left: Left | None) -> dict[str, Any]:
    """What is not as it was. A capacity that somebody, or a scaling policy, has set since stays as it is."""
    found: dict[str, Any] = {}
    wanted = _wanted(params, group, left)
    if set(wanted) != set(subnets_of(group)):
        found["VPCZoneIdentifier"] = ",".join(wanted)
    before = {name: int(value) for name, value in (left or Left()).settings.items() if value.isdigit()}
    if before and before["desired"] < group["DesiredCapacity"] <= before["raised"]:
        found["DesiredCapacity"] = before["desired"]
    if before and group["MaxSize"] == before["raised"] > before["max"]:
        found["MaxSize"] = before["max"]
    return found


def _wanted(params: Back, group: Group, left: Left | None) -> list[str]:
    """What people have added or taken out since stays so, unless all subnets are named."""
    now = subnets_of(group)
    if params.subnets:
        return list(params.subnets)
    return [*now, *(one for one in (left or Left()).subnets if one not in now)]


def _unknown(params: Back, aws: Aws, zone: Zone, group: Group) -> Phrase | None:
    """Nobody says which subnets it had there."""
    if is_shiftable(group) or split(aws, zone, _wanted(params, group, left_by(group, zone))).inside:
        return None
    what = N_("Nothing says which subnets {group} had in {zone}. Name all that it shall have.")
    return phrase(what, **names(params, zone))


def _belongs_there(aws: Aws, zone: Zone, group: Group) -> bool:
    """With at least one instance for each zone, one belongs there."""
    where = split(aws, zone, subnets_of(group))
    return bool(where.inside) and int(group["DesiredCapacity"]) > where.zones


def _changes(params: Back, zone: Zone, group: Group) -> tuple[Change, ...]:
    left, name = left_by(group, zone), params.group
    asked = _restored(params, group, left)
    shown = {
        "VPCZoneIdentifier": (N_("The subnets of {group}"), ", ".join(subnets_of(group))),
        "DesiredCapacity": (N_("The capacity of {group}"), str(group["DesiredCapacity"])),
        "MaxSize": (N_("The most that {group} may have"), str(group["MaxSize"])),
    }
    return tuple(
        Change(phrase(shown[key][0], group=name), shown[key][1], str(value).replace(",", ", "))
        for key, value in asked.items()
    )
