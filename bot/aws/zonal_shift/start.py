"""Keep the traffic of a load balancer away from a zone, for a while: `zonal_shift.start`."""

from datetime import timedelta
from typing import ClassVar

from bot.aws.calls import perform
from bot.aws.polling import SETTLING, next_look
from bot.aws.zonal_shift.lasting import RENEWS, Lasting, renewed, start_call
from bot.aws.zonal_shift.shifts import ARNS, Shift, Where, is_ours, shift_of, touched
from bot.aws.zone.find import Balancer, Zone, find_balancer, find_managed, find_zone
from bot.aws.zone.health import health_of, still_used
from bot.aws.zone.obstacles import AUTOSHIFTS, CALLS, READS, listing, obstacles
from bot.errors import N_, ActionFailed, Phrase, phrase
from bot.playbook.action import (
    Attempt,
    Aws,
    Change,
    Done,
    Facts,
    Failed,
    Figures,
    Lapsed,
    Need,
    Progress,
    Renewed,
    StepPlan,
    Working,
    action,
)

_KEEP_ALIVE = 300  # seconds; a client may stay on its connection, and so in the zone, for as long as this
_MOVED = N_(
    "Clients of {name} that are connected through {zone} come back through another zone when they connect again."
)


class Away(Where):
    """`expires_in`: when the traffic comes back by itself; AWS takes whole minutes, up to 72 hours."""

    expires_in: Lasting = timedelta(hours=1)


@action(
    "zonal_shift.start",
    Away,
    permissions=(
        *READS,
        *RENEWS[1:],
        AUTOSHIFTS,
        "arc-zonal-shift:StartZonalShift",
        "elasticloadbalancing:DescribeLoadBalancerAttributes",
    ),
    calls=(
        *CALLS,
        *RENEWS[1:],
        AUTOSHIFTS,
        "arc-zonal-shift:StartZonalShift",
        "elbv2:DescribeLoadBalancerAttributes",
    ),
    resources={
        "arc-zonal-shift:GetManagedResource": ARNS,
        "arc-zonal-shift:StartZonalShift": ARNS,
        "arc-zonal-shift:UpdateZonalShift": ARNS,
    },
    plane="data",
    changes=N_("Keeps the traffic of the load balancer away from the zone until the shift expires."),
    undo=N_("Cancels the shift: traffic goes to the zone again."),
    undone_by="zonal_shift.cancel",
    recognised_by=N_("The load balancer is being shifted away from that zone already; it can have one shift only."),
    outputs={"zonal_shift": "str", "load_balancer": "str", "zone": "zone", "expires_at": "time", "adopted": "bool"},
    recovers=Figures(rpo=timedelta(), rto=timedelta(minutes=5)),
    takes=timedelta(minutes=1),
    looks_up=True,
)
class Start:
    facts: ClassVar[Facts]

    def plan(self, params: Away, aws: Aws, attempt: Attempt) -> StepPlan:
        zone, balancer = find_zone(aws, params.zone), find_balancer(aws, params.load_balancer)
        name, touches = balancer["LoadBalancerName"], touched(aws, balancer)
        if problems := obstacles(aws, zone, balancer):
            return StepPlan(warnings=(listing(problems),), touches=touches, needs=_needs(aws, zone, balancer))
        managed = find_managed(aws, balancer)
        assert managed is not None  # else it was an obstacle
        if (shift := shift_of(managed, zone)) is not None:
            return StepPlan(warnings=(_taken_over(name, zone, shift),), touches=touches)
        what = phrase(N_("Share of the traffic of {name} that {zone} may get"), name=name, zone=zone.id)
        return StepPlan(
            calls=(start_call(balancer["LoadBalancerArn"], zone, params.expires_in, attempt),),
            changes=(Change(what, f"{managed['appliedWeights'].get(zone.id, 1):g}", "0"),),
            warnings=_warnings(aws, zone, balancer),
            foreseen={"load_balancer": balancer["LoadBalancerArn"], "zone": zone.id},
            disturbs=(phrase(_MOVED, name=name, zone=zone.id),),
            touches=touches,
            needs=_needs(aws, zone, balancer),
        )

    def act(self, params: Away, aws: Aws, attempt: Attempt) -> Progress:
        zone, balancer = find_zone(aws, params.zone), find_balancer(aws, params.load_balancer)
        managed = find_managed(aws, balancer)
        if managed is None or shift_of(managed, zone) is None:
            if problems := obstacles(aws, zone, balancer):
                return Failed(listing(problems))
            try:
                perform(aws, start_call(balancer["LoadBalancerArn"], zone, params.expires_in, attempt))
            except ActionFailed as error:
                if error.code != "ConflictException":  # somebody was faster; looking tells who
                    raise
        return self.look(params, aws, attempt)

    def look(self, params: Away, aws: Aws, attempt: Attempt) -> Progress:
        zone, balancer = find_zone(aws, params.zone), find_balancer(aws, params.load_balancer)
        name, managed = balancer["LoadBalancerName"], find_managed(aws, balancer)
        shift = shift_of(managed, zone)
        if managed is None or shift is None:
            return _not_shifted(name, zone, attempt)
        applied = managed["appliedWeights"].get(zone.id) == 0 and shift["appliedStatus"] == "APPLIED"
        if applied and not still_used(aws, zone, balancer):  # as ELB itself says, which did not start the shift
            return _shifted(name, zone, balancer, shift, attempt)
        if attempt.now - attempt.started_at > 5 * SETTLING:
            what = N_(
                "The shift of {name} away from {zone} does not take effect: another one outranks it. Look at ARC."
            )
            return Failed(phrase(what, name=name, zone=zone.id))
        note = phrase(N_("The traffic of {name} is leaving {zone}"), name=name, zone=zone.id)
        return Working(note, again_in=next_look(attempt))

    def renew(self, params: Away, aws: Aws, attempt: Attempt) -> Renewed | Lapsed:
        zone, balancer = find_zone(aws, params.zone), find_balancer(aws, params.load_balancer)
        name, arn = balancer["LoadBalancerName"], balancer["LoadBalancerArn"]
        return renewed(aws, name, arn, zone, params.expires_in, attempt)


def _needs(aws: Aws, zone: Zone, balancer: Balancer) -> tuple[Need, ...]:
    """What must be left to take the traffic: AWS does not say how much that is, so this is the least of it."""
    what = N_("Healthy targets of {group} outside of {zone}")
    groups = health_of(aws, balancer)
    return tuple(Need(phrase(what, group=one.group, zone=zone.id), 1, one.outside(zone)) for one in groups)


def _warnings(aws: Aws, zone: Zone, balancer: Balancer) -> tuple[Phrase, ...]:
    warnings = [
        phrase(N_("Traffic moves, tasks do not: ECS goes on placing tasks in {zone}."), zone=zone.id),
        phrase(N_("While this shift lasts, AWS cannot shift this load balancer by itself (autoshift).")),
    ]
    for group in health_of(aws, balancer):
        left, now = group.outside(zone), group.healthy.total()
        if left < now:
            what = N_(
                "{left} of {now} healthy targets of {group} carry all of its traffic. Scale out if that is too few."
            )
            warnings.append(phrase(what, left=left, now=now, group=group.group))
    if (seconds := _keep_alive(aws, balancer)) > _KEEP_ALIVE:
        what = N_("Clients may stay connected through {zone} for up to {seconds} s (client_keep_alive.seconds).")
        warnings.append(phrase(what, zone=zone.id, seconds=seconds))
    return tuple(warnings)


def _keep_alive(aws: Aws, balancer: Balancer) -> int:
    """Seconds; 0 for a load balancer that has no such setting."""
    answer = aws.client("elbv2").describe_load_balancer_attributes(LoadBalancerArn=balancer["LoadBalancerArn"])
    settings = {one["Key"]: one["Value"] for one in answer["Attributes"]}
    return int(settings.get("client_keep_alive.seconds") or 0)


def _taken_over(name: str, zone: Zone, shift: Shift) -> Phrase:
    what = N_("The traffic of {name} is kept away from {zone} already, until {until} ({comment}): that shift is used.")
    return phrase(what, name=name, zone=zone.id, until=shift["expiryTime"], comment=shift["comment"])


def _shifted(name: str, zone: Zone, balancer: Balancer, shift: Shift, attempt: Attempt) -> Done:
    what = N_("The traffic of {name} is kept away from {zone} until {until}; connected clients follow within minutes.")
    output = {
        "zonal_shift": shift["zonalShiftId"],
        "load_balancer": balancer["LoadBalancerArn"],
        "zone": zone.id,
        "expires_at": shift["expiryTime"].isoformat(),
        "adopted": not is_ours(shift, attempt),
    }
    until = shift["expiryTime"]
    return Done(phrase(what, name=name, zone=zone.id, until=until), output, until)


def _not_shifted(name: str, zone: Zone, attempt: Attempt) -> Progress:
    if attempt.now - attempt.started_at < SETTLING:
        note = phrase(N_("The shift of {name} away from {zone} is not visible yet"), name=name, zone=zone.id)
        return Working(note, again_in=next_look(attempt))
    what = N_("There is no shift of {name} away from {zone}: it has expired, or somebody cancelled it. Retry the step.")
    return Failed(phrase(what, name=name, zone=zone.id))
