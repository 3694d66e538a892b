"""Take a group's instances out of a zone: `asg.leave_zone`. Shift the traffic first: that takes seconds, this minutes.

A group that has opted in to zonal shift is shifted: it starts nothing in the zone any more, and keeps what is there. Any
other loses the zone's subnets: it is kept from moving instances by itself, gets more capacity in the very call that takes
the subnets out, and the zone's instances end only when as many as before do their work elsewhere.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

from bot.aws.asg.group import (
    ARNS,
    Group,
    Instance,
    find_group,
    instances_in,
    is_shiftable,
    is_suspended,
    left_by,
    names,
    note_down,
    serving_outside,
    subnets_of,
    suspend,
    touched,
)
from bot.aws.asg.shift import Leaving, look_shift, plan_shift, shift_away
from bot.aws.calls import perform
from bot.aws.left import Left
from bot.aws.polling import SETTLING, next_look
from bot.aws.subnets import Split, addresses, split
from bot.aws.zonal_shift.lasting import RENEWS, renewed
from bot.aws.zone.find import Zone, find_zone
from bot.errors import N_, Phrase, phrase
from bot.playbook.action import (
    Attempt,
    Aws,
    Call,
    Change,
    Done,
    Facts,
    Failed,
    Figures,
    Lapsed,
    Progress,
    Renewed,
    StepPlan,
    Working,
    action,
)

_CALLS = (
    *RENEWS,
    "arc-zonal-shift:StartZonalShift",
    "autoscaling:CreateOrUpdateTags",
    "autoscaling:DescribeAutoScalingGroups",
    "autoscaling:SuspendProcesses",
    "autoscaling:TerminateInstanceInAutoScalingGroup",
    "autoscaling:UpdateAutoScalingGroup",
    "ec2:DescribeAvailabilityZones",
    "ec2:DescribeSubnets",
)
_CHANGING = tuple(one for one in _CALLS if not one.partition(":")[2].startswith(("Describe", "Get", "List")))


@action(
    "asg.leave_zone",
    Leaving,
    permissions=_CALLS,
    calls=_CALLS,
    resources=dict.fromkeys(_CHANGING, ARNS),
    plane="control",
    changes=N_("Starts instances in the other zones, and then ends those in the zone; or shifts a group that lets itself."),
    undo=N_("Gives the group its subnets and its capacity back, or cancels the shift."),
    undone_by="asg.return_to_zone",
    recognised_by=N_("The group has no subnet in the zone, or is being shifted; what it was is written on it as a tag."),
    outputs={
        "subnets_before": "list", "capacity_before": "int", "capacity": "int", "shifted": "bool", "zonal_shift": "str",
        "expires_at": "str",
    },
    recovers=Figures(rpo=timedelta(), rto=timedelta(minutes=10)),
    takes=timedelta(minutes=5),
)  # fmt: skip
class LeaveZone:
    facts: ClassVar[Facts]

    def plan(self, params: Leaving, aws: Aws, attempt: Attempt) -> StepPlan:
        zone, group = find_zone(aws, params.zone), find_group(aws, params.group)
        touches = touched(aws, params.group)
        if is_shiftable(group):
            return plan_shift(params, aws, zone, group, attempt)
        where = split(aws, zone, subnets_of(group))
        if problem := _refused(group, zone, where):
            return StepPlan(warnings=(problem,), touches=touches)
        if not where.inside:
            said = phrase(N_("{group} has no subnet in {zone} any more."), group=params.group, zone=zone.id)
            return StepPlan(warnings=(said,), touches=touches)
        return StepPlan(
            calls=_calls(group, zone, where),
            changes=_changes(group, zone, where),
            warnings=(phrase(_ENDS, group=params.group, count=len(instances_in(group, zone))),),
            foreseen={"subnets_before": subnets_of(group), "capacity_before": group["DesiredCapacity"]},
            disturbs=(
                phrase(N_("What the instances of {group} in {zone} are doing ends with them."), **names(params, zone)),
            ),
            touches=touches,
            needs=addresses(aws, where.outside, raised(group, where) - group["DesiredCapacity"]),
        )

    def act(self, params: Leaving, aws: Aws, attempt: Attempt) -> Progress:
        zone, group = find_zone(aws, params.zone), find_group(aws, params.group)
        if is_shiftable(group):
            shift_away(params, aws, zone, group, attempt)
            return self.look(params, aws, attempt)
        where = split(aws, zone, subnets_of(group))
        if problem := _refused(group, zone, where):
            return Failed(problem)
        for call in _calls(group, zone, where) if where.inside else _endings(group, zone):
            perform(aws, call)
        progress = self.look(params, aws, attempt)
        if where.inside and isinstance(progress, Working):
            return replace(progress, memory={"subnets_before": subnets_of(group)})
        return progress

    def look(self, params: Leaving, aws: Aws, attempt: Attempt) -> Progress:
        zone, group = find_zone(aws, params.zone), find_group(aws, params.group)
        if is_shiftable(group):
            return look_shift(params, aws, zone, group, attempt)
        if split(aws, zone, subnets_of(group)).inside:
            return _not_left(params, zone, attempt)
        there, serving, wanted = instances_in(group, zone), serving_outside(group, zone), _wanted(group, zone)
        fields = {**names(params, zone), "serving": serving, "wanted": wanted, "there": len(there)}
        if serving < wanted and there:
            what = N_(
                "{group}: {serving} of {wanted} instances do their work outside of {zone}; {there} are still in it"
            )
            return Working(phrase(what, **fields), again_in=next_look(attempt), memory=attempt.memory)
        if there:
            what = N_("{group}: {there} instances in {zone} are ending; {serving} do their work elsewhere")
            return Working(
                phrase(what, **fields),
                again_in=next_look(attempt),
                memory=attempt.memory,
                more=bool(_leavers(group, zone)),
            )
        if serving < wanted:
            what = N_("{group}: {serving} of {wanted} instances do their work, all outside of {zone}")
            return Working(phrase(what, **fields), again_in=next_look(attempt), memory=attempt.memory)
        what = N_("No instance of {group} is in {zone}: {serving} do their work in other zones.")
        return Done(phrase(what, **fields), _output(group, zone, attempt))

    def renew(self, params: Leaving, aws: Aws, attempt: Attempt) -> Renewed | Lapsed:
        zone, group = find_zone(aws, params.zone), find_group(aws, params.group)
        return renewed(aws, params.group, group["AutoScalingGroupARN"], zone, params.expires_in, attempt)


_ENDS = N_(
    "{count} instances of {group} are ended, by name, once as many as before do their work elsewhere. What is on their "
    "disks alone is lost."
)


def raised(group: Group, where: Split) -> int:
    """What it must have for a while, so that the other zones have all that it had, before the zone's instances end."""
    desired = int(group["DesiredCapacity"])
    return desired + -(-desired // (where.zones + 1))


def _calls(group: Group, zone: Zone, where: Split) -> tuple[Call, ...]:
    """What it was is written down first; an earlier act may have come only so far."""
    desired, most = raised(group, where), int(group["MaxSize"])
    asked: dict[str, Any] = {
        "AutoScalingGroupName": group["AutoScalingGroupName"],
        "VPCZoneIdentifier": ",".join(where.outside),
        "DesiredCapacity": desired,
    }
    if desired > most:
        asked["MaxSize"] = desired
    calls = [] if _is_noted(group, zone) else [note_down(group, zone, _before(group, where))]
    calls += [] if is_suspended(group) else [suspend(group)]
    return (*calls, Call("autoscaling", "UpdateAutoScalingGroup", asked))


def _before(group: Group, where: Split) -> Left:
    settings = {"desired": str(group["DesiredCapacity"]), "max": str(group["MaxSize"])}
    settings["raised"] = str(raised(group, where))
    if is_suspended(group):
        settings["rebalance"] = "suspended"
    return Left(where.inside, settings)


def _is_noted(group: Group, zone: Zone) -> bool:
    """By an act that died on its way; a note of another day stands on a group that moves instances by itself."""
    return left_by(group, zone) is not None and is_suspended(group)


def _leavers(group: Group, zone: Zone) -> list[Instance]:
    """The zone's instances that may end now, because enough others do their work."""
    if serving_outside(group, zone) < _wanted(group, zone):
        return []
    return [one for one in instances_in(group, zone) if not one["LifecycleState"].startswith("Terminat")]


def _endings(group: Group, zone: Zone) -> list[Call]:
    """The capacity goes down with them, never below what it was. AZRebalance is suspended, so AWS leaves them where they are."""
    over = int(group["DesiredCapacity"]) - _wanted(group, zone)
    calls = []
    for number, one in enumerate(_leavers(group, zone)):
        asked = {"InstanceId": one["InstanceId"], "ShouldDecrementDesiredCapacity": number < over}
        calls.append(Call("autoscaling", "TerminateInstanceInAutoScalingGroup", asked))
    return calls


def _wanted(group: Group, zone: Zone) -> int:
    """How many it had; of a group about which nothing is written, how many it shall have."""
    left = left_by(group, zone)
    return int(left.settings.get("desired", group["DesiredCapacity"]) if left else group["DesiredCapacity"])


def _changes(group: Group, zone: Zone, where: Split) -> tuple[Change, ...]:
    name, desired = group["AutoScalingGroupName"], raised(group, where)
    ids = ", ".join(one["InstanceId"] for one in instances_in(group, zone))
    changes = [
        Change(
            phrase(N_("The subnets of {group}"), group=name), ", ".join(subnets_of(group)), ", ".join(where.outside)
        ),
        Change(
            phrase(N_("The capacity of {group}, for a while"), group=name), str(group["DesiredCapacity"]), str(desired)
        ),
    ]
    if desired > group["MaxSize"]:
        changes.append(
            Change(phrase(N_("The most that {group} may have"), group=name), str(group["MaxSize"]), str(desired))
        )
    if ids:
        changes.append(Change(phrase(N_("Instances of {group} in {zone}"), group=name, zone=zone.id), ids, None))
    return tuple(changes)


def _refused(group: Group, zone: Zone, where: Split) -> Phrase | None:
    fields = {"group": group["AutoScalingGroupName"], "zone": zone.id}
    if group.get("Status"):
        return phrase(N_("{group} is being deleted."), **fields)
    if not subnets_of(group):
        return phrase(N_("{group} has no subnets that could be changed. Take it out of {zone} by hand."), **fields)
    if where.inside and not where.outside:
        return phrase(N_("{group} has subnets in no other zone than {zone}. Give it one elsewhere first."), **fields)
    return None


def _not_left(params: Leaving, zone: Zone, attempt: Attempt) -> Progress:
    if attempt.now - attempt.started_at < SETTLING:
        note = phrase(N_("{group} still has a subnet in {zone}"), **names(params, zone))
        return Working(note, again_in=next_look(attempt))
    what = N_("{group} has a subnet in {zone} again: somebody gave it back. Ask them, then retry.")
    return Failed(phrase(what, **names(params, zone)))


def _output(group: Group, zone: Zone, attempt: Attempt) -> dict[str, Any]:
    """From what is written on the group, when the process died right after the call."""
    left, now = left_by(group, zone) or Left(), subnets_of(group)
    before = attempt.memory.get("subnets_before") or [*now, *(one for one in left.subnets if one not in now)]
    return {
        "subnets_before": before,
        "capacity_before": _wanted(group, zone),
        "capacity": int(group["DesiredCapacity"]),
        "shifted": False,
        "zonal_shift": "",
        "expires_at": "",
    }
