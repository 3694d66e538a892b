"""Let the traffic of a load balancer come back to a zone: `zonal_shift.cancel`."""

from datetime import timedelta
from typing import ClassVar

from bot.aws.calls import perform
from bot.aws.polling import SETTLING, next_look
from bot.aws.zonal_shift.lasting import cancel_call
from bot.aws.zonal_shift.shifts import ARNS, Shift, Where, is_ours, shift_of, touched
from bot.aws.zone.find import Balancer, Zone, find_balancer, find_managed, find_zone
from bot.aws.zone.health import health_of
from bot.aws.zone.obstacles import CALLS, READS
from bot.errors import N_, Phrase, phrase
from bot.playbook.action import (
    Attempt,
    Aws,
    Change,
    Done,
    Facts,
    Failed,
    Progress,
    StepPlan,
    Working,
    action,
)


class Back(Where):
    """`only_ours`: leave a shift alone that something outside of this incident has started."""

    only_ours: bool = True


@action(
    "zonal_shift.cancel",
    Back,
    permissions=(*READS, "arc-zonal-shift:CancelZonalShift"),
    calls=(*CALLS, "arc-zonal-shift:CancelZonalShift"),
    resources={"arc-zonal-shift:CancelZonalShift": ARNS, "arc-zonal-shift:GetManagedResource": ARNS},
    plane="data",
    changes=N_("Ends the shift: the load balancer sends traffic to the zone again."),
    undo=N_("Starts the shift again."),
    undone_by="zonal_shift.start",
    recognised_by=N_("The load balancer is not being shifted away from that zone."),
    takes=timedelta(minutes=1),
    looks_up=True,
)
class Cancel:
    facts: ClassVar[Facts]

    def plan(self, params: Back, aws: Aws, attempt: Attempt) -> StepPlan:
        zone, balancer = find_zone(aws, params.zone), find_balancer(aws, params.load_balancer)
        name, managed = balancer["LoadBalancerName"], find_managed(aws, balancer)
        shift = shift_of(managed, zone)
        if managed is None or shift is None or _is_left(params, shift, attempt):
            return StepPlan(warnings=(_nothing(name, zone, shift),))
        what = phrase(N_("Share of the traffic of {name} that {zone} may get"), name=name, zone=zone.id)
        return StepPlan(
            calls=(cancel_call(shift),),
            changes=(Change(what, f"{managed['appliedWeights'].get(zone.id, 0):g}", "1"),),
            warnings=_sick_in(aws, zone, balancer),
            touches=touched(aws, balancer),
        )

    def act(self, params: Back, aws: Aws, attempt: Attempt) -> Progress:
        zone, balancer = find_zone(aws, params.zone), find_balancer(aws, params.load_balancer)
        managed = find_managed(aws, balancer)
        shift = shift_of(managed, zone)
        if shift is not None and not _is_left(params, shift, attempt):
            perform(aws, cancel_call(shift))
        return self.look(params, aws, attempt)

    def look(self, params: Back, aws: Aws, attempt: Attempt) -> Progress:
        zone, balancer = find_zone(aws, params.zone), find_balancer(aws, params.load_balancer)
        name, managed = balancer["LoadBalancerName"], find_managed(aws, balancer)
        shift = shift_of(managed, zone)
        if shift is None or _is_left(params, shift, attempt):
            return Done(_nothing(name, zone, shift))
        if attempt.now - attempt.started_at > 5 * SETTLING:
            what = N_("The shift of {name} away from {zone} is still there. Cancel it in ARC, then retry.")
            return Failed(phrase(what, name=name, zone=zone.id))
        note = phrase(N_("The shift of {name} away from {zone} is being cancelled"), name=name, zone=zone.id)
        return Working(note, again_in=next_look(attempt))


def _is_left(params: Back, shift: Shift, attempt: Attempt) -> bool:
    return params.only_ours and not is_ours(shift, attempt)


def _sick_in(aws: Aws, zone: Zone, balancer: Balancer) -> tuple[Phrase, ...]:
    """Traffic that comes back must find something healthy."""
    what = N_("{sick} of {all} targets of {group} in {zone} are not healthy, and traffic comes back to the zone.")
    return tuple(
        phrase(what, sick=sick, all=one.all[zone.name], group=one.group, zone=zone.id)
        for one in health_of(aws, balancer)
        if (sick := one.all[zone.name] - one.healthy[zone.name])
    )


def _nothing(name: str, zone: Zone, shift: Shift | None) -> Phrase:
    if shift is None:
        return phrase(N_("The traffic of {name} is not kept away from {zone}."), name=name, zone=zone.id)
    what = N_("This incident did not start the shift of {name} away from {zone} ({comment}), so it stays.")
    return phrase(what, name=name, zone=zone.id, comment=shift["comment"])
