"""Let a shift last longer: `zonal_shift.extend`. A run renews its own shifts by itself; this is for a person."""

from datetime import timedelta
from typing import ClassVar

from bot.aws.calls import perform
from bot.aws.polling import CLOCK_SKEW
from bot.aws.zonal_shift.lasting import Lasting, extend_call
from bot.aws.zonal_shift.shifts import ARNS, Shift, Where, is_ours, shift_of, touched
from bot.aws.zone.find import Zone, find_balancer, find_managed, find_zone
from bot.errors import N_, Phrase, phrase
from bot.playbook.action import Attempt, Aws, Change, Done, Facts, Failed, Progress, StepPlan, action


class Longer(Where):
    """`expires_in`: from now on. `only_ours`: leave a shift alone that something outside of this incident has started."""

    expires_in: Lasting = timedelta(hours=1)
    only_ours: bool = True


@action(
    "zonal_shift.extend",
    Longer,
    permissions=(
        "arc-zonal-shift:GetManagedResource",
        "arc-zonal-shift:UpdateZonalShift",
        "ec2:DescribeAvailabilityZones",
        "elasticloadbalancing:DescribeLoadBalancers",
    ),
    calls=(
        "arc-zonal-shift:GetManagedResource",
        "arc-zonal-shift:UpdateZonalShift",
        "ec2:DescribeAvailabilityZones",
        "elbv2:DescribeLoadBalancers",
    ),
    resources={"arc-zonal-shift:UpdateZonalShift": ARNS, "arc-zonal-shift:GetManagedResource": ARNS},
    plane="data",
    changes=N_("Lets the shift end later."),
    undo=N_("The shift ends by itself; cancel it to end it now."),
    undone_by="zonal_shift.cancel",
    recognised_by=N_("The shift lasts that long already: the time is set, never added to."),
    outputs={"zonal_shift": "str", "expires_at": "time"},
    takes=timedelta(seconds=5),
    looks_up=True,
)
class Extend:
    facts: ClassVar[Facts]

    def plan(self, params: Longer, aws: Aws, attempt: Attempt) -> StepPlan:
        zone, balancer = find_zone(aws, params.zone), find_balancer(aws, params.load_balancer)
        name, shift = balancer["LoadBalancerName"], shift_of(find_managed(aws, balancer), zone)
        if shift is None:
            return StepPlan(warnings=(_none(name, zone),), touches=touched(aws, balancer))
        if problem := _left_alone(params, name, zone, shift, attempt):
            return StepPlan(warnings=(problem,), touches=touched(aws, balancer))
        what = phrase(N_("The shift of {name} away from {zone} ends"), name=name, zone=zone.id)
        until = attempt.now + params.expires_in
        return StepPlan(
            calls=(extend_call(shift, params.expires_in),),
            changes=(Change(what, f"{shift['expiryTime']:%H:%M} UTC", f"{until:%H:%M} UTC"),),
            warnings=(
                phrase(N_("While this shift lasts, AWS cannot shift this load balancer by itself (autoshift).")),
            ),
            touches=touched(aws, balancer),
        )

    def act(self, params: Longer, aws: Aws, attempt: Attempt) -> Progress:
        zone, balancer = find_zone(aws, params.zone), find_balancer(aws, params.load_balancer)
        name, shift = balancer["LoadBalancerName"], shift_of(find_managed(aws, balancer), zone)
        if shift is None:
            return Failed(_none(name, zone))
        if problem := _left_alone(params, name, zone, shift, attempt):
            return Failed(problem)
        if _ends_too_soon(params, shift, attempt):
            perform(aws, extend_call(shift, params.expires_in))
        return self.look(params, aws, attempt)

    def look(self, params: Longer, aws: Aws, attempt: Attempt) -> Progress:
        zone, balancer = find_zone(aws, params.zone), find_balancer(aws, params.load_balancer)
        name, shift = balancer["LoadBalancerName"], shift_of(find_managed(aws, balancer), zone)
        if shift is None:
            return Failed(_none(name, zone))
        until = shift["expiryTime"]
        if _ends_too_soon(params, shift, attempt):
            what = N_("The shift of {name} away from {zone} still ends at {until}. Retry the step.")
            return Failed(phrase(what, name=name, zone=zone.id, until=until))
        what = N_("The traffic of {name} is kept away from {zone} until {until}.")
        output = {"zonal_shift": shift["zonalShiftId"], "expires_at": until.isoformat()}
        return Done(phrase(what, name=name, zone=zone.id, until=until), output)


def _ends_too_soon(params: Longer, shift: Shift, attempt: Attempt) -> bool:
    """Whole minutes are sent, and the two clocks differ."""
    return bool(shift["expiryTime"] < attempt.started_at + params.expires_in - timedelta(minutes=1) - CLOCK_SKEW)


def _left_alone(params: Longer, name: str, zone: Zone, shift: Shift, attempt: Attempt) -> Phrase | None:
    if not params.only_ours or is_ours(shift, attempt):
        return None
    what = N_("This incident did not start the shift of {name} away from {zone} ({comment}), so it stays.")
    return phrase(what, name=name, zone=zone.id, comment=shift["comment"])


def _none(name: str, zone: Zone) -> Phrase:
    what = N_("There is no shift of {name} away from {zone} that could last longer. Start one.")
    return phrase(what, name=name, zone=zone.id)
