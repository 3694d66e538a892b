"""A group that lets itself be shifted: it starts nothing in the zone for a while, and keeps what is there."""

from datetime import timedelta
from typing import Any

from bot.aws.asg.group import Group, Grouped, instances_in, names, subnets_of, touched
from bot.aws.calls import perform
from bot.aws.polling import SETTLING, next_look
from bot.aws.zonal_shift.lasting import Lasting, start_call
from bot.aws.zonal_shift.shifts import Shift, is_ours, shift_of
from bot.aws.zone.find import Zone, managed_of
from bot.errors import N_, ActionFailed, phrase
from bot.playbook.action import Attempt, Aws, Change, Done, Failed, Progress, StepPlan, Working


class Leaving(Grouped):
    """`expires_in`: when a group that is shifted takes the zone again by itself."""

    expires_in: Lasting = timedelta(hours=1)


def plan_shift(params: Leaving, aws: Aws, zone: Zone, group: Group, attempt: Attempt) -> StepPlan:
    arn, touches = group["AutoScalingGroupARN"], touched(aws, params.group)
    shift, there = shift_of(managed_of(aws, arn), zone), len(instances_in(group, zone))
    if shift is not None:
        what = N_("{group} is being shifted away from {zone} already ({comment}): that shift is used.")
        return StepPlan(warnings=(phrase(what, comment=shift["comment"], **names(params, zone)),), touches=touches)
    what = N_("{there} instances of {group} stay in {zone}; new ones start elsewhere.")
    return StepPlan(
        calls=(start_call(arn, zone, params.expires_in, attempt),),
        changes=(Change(phrase(N_("{group} starts instances in {zone}"), **names(params, zone)), "yes", "no"),),
        warnings=(phrase(what, there=there, **names(params, zone)),),
        touches=touches,
    )


def shift_away(params: Leaving, aws: Aws, zone: Zone, group: Group, attempt: Attempt) -> None:
    arn = group["AutoScalingGroupARN"]
    if shift_of(managed_of(aws, arn), zone) is None:
        try:
            perform(aws, start_call(arn, zone, params.expires_in, attempt))
        except ActionFailed as error:
            if error.code != "ConflictException":  # somebody was faster; looking tells who
                raise


def look_shift(params: Leaving, aws: Aws, zone: Zone, group: Group, attempt: Attempt) -> Progress:
    shift = shift_of(managed_of(aws, group["AutoScalingGroupARN"]), zone)
    if shift is None and attempt.now - attempt.started_at < SETTLING:
        note = phrase(N_("The shift of {group} away from {zone} is not visible yet"), **names(params, zone))
        return Working(note, again_in=next_look(attempt))
    if shift is None:
        what = N_("{group} is not being shifted away from {zone}: it has expired, or another one stands. Look at ARC.")
        return Failed(phrase(what, **names(params, zone)))
    if shift["appliedStatus"] != "APPLIED":
        return Working(phrase(N_("{group} is leaving {zone}"), **names(params, zone)), again_in=next_look(attempt))
    what = N_("{group} starts nothing in {zone} until {until}; {there} instances are still there.")
    said = phrase(what, until=shift["expiryTime"], there=len(instances_in(group, zone)), **names(params, zone))
    return Done(said, _output(group, shift, attempt), shift["expiryTime"])


def _output(group: Group, shift: Shift, attempt: Attempt) -> dict[str, Any]:
    return {
        "subnets_before": subnets_of(group),
        "capacity_before": int(group["DesiredCapacity"]),
        "capacity": int(group["DesiredCapacity"]),
        "shifted": is_ours(shift, attempt),
        "zonal_shift": shift["zonalShiftId"],
        "expires_at": shift["expiryTime"].isoformat(),
    }
