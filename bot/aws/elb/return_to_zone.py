"""Give a load balancer the subnets back that it had in a zone: `elb.return_to_zone`."""

import json
from datetime import timedelta
from typing import Annotated, ClassVar

from bot.aws.calls import perform
from bot.aws.elb.subnets import ARNS, Mapped, inside, left_by, mappings_of, set_subnets, shown, strike_out
from bot.aws.polling import SETTLING, next_look
from bot.aws.zonal_shift.shifts import Where, touched
from bot.aws.zone.find import Balancer, Zone, find_balancer, find_zone
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

_READS = (
    "ec2:DescribeAvailabilityZones",
    "elasticloadbalancing:DescribeLoadBalancers",
    "elasticloadbalancing:DescribeTags",
)
_CHANGES = ("elasticloadbalancing:RemoveTags", "elasticloadbalancing:SetSubnets")


class Back(Where):
    """`mappings`: as `elb.leave_zone` gave them; left out, what it has and what is written on it."""

    mappings: Annotated[str, InputType("str")] | None = None


@action(
    "elb.return_to_zone",
    Back,
    permissions=(*_READS, *_CHANGES),
    calls=tuple(one.replace("elasticloadbalancing:", "elbv2:") for one in (*_READS, *_CHANGES)),
    resources=dict.fromkeys(_CHANGES, ARNS),
    plane="control",
    changes=N_("Gives the load balancer the zone's subnets back, so that traffic goes there again."),
    undo=N_("Takes the zone's subnets out of the load balancer again."),
    undone_by="elb.leave_zone",
    recognised_by=N_("The load balancer is in the zone, and nothing is written on it about the zone any more."),
    takes=timedelta(minutes=3),
    looks_up=True,
)
class ReturnToZone:
    facts: ClassVar[Facts]

    def plan(self, params: Back, aws: Aws, attempt: Attempt) -> StepPlan:  # noqa: ARG002  # nothing depends on it
        zone, balancer = find_zone(aws, params.zone), find_balancer(aws, params.load_balancer)
        name, touches = balancer["LoadBalancerName"], touched(aws, balancer)
        wanted, calls = _wanted(params, aws, zone, balancer), _calls(params, aws, zone, balancer)
        if not calls:
            why = _is_back(name, zone) if inside(balancer, zone) else _unknown(name, zone)
            return StepPlan(warnings=(why,), touches=touches)
        what = phrase(N_("The subnets of {name}"), name=name)
        change = Change(what, shown(mappings_of(balancer)), shown(wanted))
        return StepPlan(calls=calls, changes=(change,), touches=touches)

    def act(self, params: Back, aws: Aws, attempt: Attempt) -> Progress:
        zone, balancer = find_zone(aws, params.zone), find_balancer(aws, params.load_balancer)
        calls = _calls(params, aws, zone, balancer)
        if not calls and not inside(balancer, zone):
            return Failed(_unknown(balancer["LoadBalancerName"], zone))
        for call in calls:
            perform(aws, call)
        return self.look(params, aws, attempt)

    def look(self, params: Back, aws: Aws, attempt: Attempt) -> Progress:
        zone, balancer = find_zone(aws, params.zone), find_balancer(aws, params.load_balancer)
        name = balancer["LoadBalancerName"]
        if inside(balancer, zone) and balancer["State"]["Code"].startswith("active"):
            return Done(_is_back(name, zone))
        if attempt.now - attempt.started_at > 5 * SETTLING:
            what = N_("{name} is not in {zone} yet. Look at it in EC2, then retry the step.")
            return Failed(phrase(what, name=name, zone=zone.id))
        return Working(
            phrase(N_("{name} is coming back to {zone}"), name=name, zone=zone.id), again_in=next_look(attempt)
        )


def _calls(params: Back, aws: Aws, zone: Zone, balancer: Balancer) -> tuple[Call, ...]:
    """What is missing. What is written on the load balancer goes last, when it is not needed any more."""
    wanted, left = _wanted(params, aws, zone, balancer), left_by(aws, balancer, zone)
    has, wants = ({one["SubnetId"] for one in some} for some in (mappings_of(balancer), wanted))
    calls = [set_subnets(balancer, wanted)] if wants != has else []
    if left is not None and (calls or inside(balancer, zone)):
        calls.append(strike_out(balancer, zone))
    return tuple(calls)


def _wanted(params: Back, aws: Aws, zone: Zone, balancer: Balancer) -> list[Mapped]:
    """What people have added or taken out since stays so, unless all subnets are named."""
    if params.mappings:
        found: list[Mapped] = json.loads(params.mappings)
        return found
    now = mappings_of(balancer)
    has = {one["SubnetId"] for one in now}
    return [*now, *(one for one in left_by(aws, balancer, zone) or () if one["SubnetId"] not in has)]


def _is_back(name: str, zone: Zone) -> Phrase:
    return phrase(N_("{name} is in {zone}."), name=name, zone=zone.id)


def _unknown(name: str, zone: Zone) -> Phrase:
    what = N_("Nothing says which subnets {name} had in {zone}. Give it one by hand.")
    return phrase(what, name=name, zone=zone.id)
