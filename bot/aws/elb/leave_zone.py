"""Take a load balancer out of a zone by its subnets: `elb.leave_zone`, for one that has not opted in to zonal shift.

It is a change of the control plane, and takes minutes; a zonal shift takes seconds and ends by itself. An application
load balancer keeps at least two zones. A network load balancer gives up its address in the zone: an Elastic IP address
comes back with it, one that AWS chose does not.
"""

from datetime import timedelta
from typing import ClassVar

from bot.aws.calls import perform
from bot.aws.elb.subnets import ARNS, as_text, left_by, mappings_of, note_down, outside, set_subnets, shown
from bot.aws.elb.subnets import inside as subnets_inside
from bot.aws.polling import SETTLING, next_look
from bot.aws.zonal_shift.shifts import Where, touched
from bot.aws.zone.find import Balancer, Zone, find_balancer, find_zone
from bot.aws.zone.health import health_of
from bot.errors import N_, Phrase, phrase
from bot.playbook.action import (
    Attempt,
    Aws,
    Change,
    Done,
    Facts,
    Failed,
    Figures,
    Need,
    Progress,
    StepPlan,
    Working,
    action,
)

_READS = (
    "ec2:DescribeAvailabilityZones",
    "ec2:DescribeInstances",
    "elasticloadbalancing:DescribeLoadBalancers",
    "elasticloadbalancing:DescribeTags",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth",
)
_CHANGES = ("elasticloadbalancing:AddTags", "elasticloadbalancing:SetSubnets")


@action(
    "elb.leave_zone",
    Where,
    permissions=(*_READS, *_CHANGES),
    calls=tuple(one.replace("elasticloadbalancing:", "elbv2:") for one in (*_READS, *_CHANGES)),
    resources=dict.fromkeys(_CHANGES, ARNS),
    plane="control",
    changes=N_("Takes the zone's subnets out of the load balancer, so that none of its traffic goes there."),
    undo=N_("Gives the load balancer its subnets back."),
    undone_by="elb.return_to_zone",
    recognised_by=N_("The load balancer is not in the zone; what it had there is written on it as a tag."),
    outputs={"load_balancer": "str", "mappings": "str"},
    recovers=Figures(rpo=timedelta(), rto=timedelta(minutes=10)),
    takes=timedelta(minutes=3),
    looks_up=True,
)
class LeaveZone:
    facts: ClassVar[Facts]

    def plan(self, params: Where, aws: Aws, attempt: Attempt) -> StepPlan:  # noqa: ARG002  # nothing depends on it
        zone, balancer = find_zone(aws, params.zone), find_balancer(aws, params.load_balancer)
        name, touches = balancer["LoadBalancerName"], touched(aws, balancer)
        if problem := _refused(zone, balancer):
            return StepPlan(warnings=(problem,), touches=touches)
        if not subnets_inside(balancer, zone):
            said = phrase(N_("{name} is not in {zone}, so none of its traffic goes there."), name=name, zone=zone.id)
            return StepPlan(warnings=(said,), touches=touches)
        rest, before = outside(balancer, zone), mappings_of(balancer)
        what = phrase(N_("The subnets of {name}"), name=name)
        return StepPlan(
            calls=(note_down(balancer, zone), set_subnets(balancer, rest)),
            changes=(Change(what, shown(before), shown(rest)),),
            warnings=_warnings(zone, balancer),
            foreseen={"load_balancer": balancer["LoadBalancerArn"], "mappings": as_text(before)},
            disturbs=(phrase(N_("Connections to {name} through {zone} break."), name=name, zone=zone.id),),
            touches=touches,
            needs=_needs(aws, zone, balancer),
        )

    def act(self, params: Where, aws: Aws, attempt: Attempt) -> Progress:
        zone, balancer = find_zone(aws, params.zone), find_balancer(aws, params.load_balancer)
        before = as_text(mappings_of(balancer))
        if not subnets_inside(balancer, zone):
            return self.look(params, aws, attempt)
        if problem := _refused(zone, balancer):
            return Failed(problem)
        for call in (note_down(balancer, zone), set_subnets(balancer, outside(balancer, zone))):
            perform(aws, call)
        note = phrase(N_("{name} is leaving {zone}"), name=balancer["LoadBalancerName"], zone=zone.id)
        return Working(note, again_in=next_look(attempt), memory={"mappings": before})

    def look(self, params: Where, aws: Aws, attempt: Attempt) -> Progress:
        zone, balancer = find_zone(aws, params.zone), find_balancer(aws, params.load_balancer)
        name = balancer["LoadBalancerName"]
        if not subnets_inside(balancer, zone) and balancer["State"]["Code"].startswith("active"):
            what = N_("{name} is in {zones} now; clients follow as their DNS answers expire.")
            zones = ", ".join(sorted(one["ZoneName"] for one in balancer["AvailabilityZones"]))
            return Done(phrase(what, name=name, zones=zones), _output(aws, zone, balancer, attempt))
        if attempt.now - attempt.started_at > 5 * SETTLING:
            what = N_("{name} is still in {zone}. Look at it in EC2, then retry the step.")
            return Failed(phrase(what, name=name, zone=zone.id))
        note = phrase(N_("{name} is leaving {zone}"), name=name, zone=zone.id)
        return Working(note, again_in=next_look(attempt), memory=attempt.memory)


def _refused(zone: Zone, balancer: Balancer) -> Phrase | None:
    fields = {"name": balancer["LoadBalancerName"], "zone": zone.id}
    if balancer["Type"] not in {"application", "network"}:
        return phrase(N_("{name} is a gateway load balancer, whose subnets cannot be changed so."), **fields)
    least, rest = (
        (2, len(outside(balancer, zone))) if balancer["Type"] == "application" else (1, len(outside(balancer, zone)))
    )
    if subnets_inside(balancer, zone) and rest < least:
        what = N_("{name} would be left with {rest} zones, and needs {least}. Add a subnet in another zone first.")
        return phrase(what, rest=rest, least=least, **fields)
    return None


def _warnings(zone: Zone, balancer: Balancer) -> tuple[Phrase, ...]:
    fields = {"name": balancer["LoadBalancerName"], "zone": zone.id}
    warnings = [
        phrase(
            N_("This changes the load balancer itself, and does not end by itself: give {name} its subnets back."),
            **fields,
        )
    ]
    if balancer["Type"] == "network":
        what = N_(
            "{name} is a network load balancer: its address in {zone} is given up, and comes back only where it is an "
            "Elastic IP address. AWS refuses this where an endpoint service uses the zone."
        )
        warnings.append(phrase(what, **fields))
    return tuple(warnings)


def _needs(aws: Aws, zone: Zone, balancer: Balancer) -> tuple[Need, ...]:
    """What must be left to take the traffic."""
    what = N_("Healthy targets of {group} outside of {zone}")
    groups = health_of(aws, balancer)
    return tuple(Need(phrase(what, group=one.group, zone=zone.id), 1, one.outside(zone)) for one in groups)


def _output(aws: Aws, zone: Zone, balancer: Balancer, attempt: Attempt) -> dict[str, str]:
    """From what is written on the load balancer, when the process died right after the call."""
    known = attempt.memory.get("mappings")
    if known is None:
        known = as_text([*mappings_of(balancer), *(left_by(aws, balancer, zone) or [])])
    return {"load_balancer": balancer["LoadBalancerArn"], "mappings": known}
