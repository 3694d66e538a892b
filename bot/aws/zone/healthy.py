"""May traffic come back to a zone? `zone.healthy`: what stands there is well, and AWS itself does not stay away from it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, ClassVar

from bot.aws.polling import next_look
from bot.aws.zone.find import Zone, ZoneName, find_balancer, find_zone
from bot.aws.zone.health import health_of
from bot.aws.zone.obstacles import AUTOSHIFTS, listing
from bot.errors import N_, Phrase, phrase
from bot.playbook.action import Attempt, Aws, Done, Facts, Failed, InputType, Params, Progress, Working, check
from escalation.duration import Duration

_READS = (
    AUTOSHIFTS,
    "ec2:DescribeAvailabilityZones",
    "ec2:DescribeInstances",
    "elasticloadbalancing:DescribeLoadBalancers",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth",
)


class Returning(Params):
    """`load_balancers`: whose targets must be there, and healthy; None: nobody's. `steady_for`: without a break."""

    zone: ZoneName
    load_balancers: Annotated[tuple[str, ...], InputType("elb.load_balancers")] | None = None
    steady_for: Duration = timedelta(seconds=30)


@check(
    "zone.healthy",
    Returning,
    permissions=_READS,
    calls=tuple(one.replace("elasticloadbalancing:", "elbv2:") for one in _READS),
    takes=timedelta(minutes=1),
    looks_up=True,
)
class Healthy:
    """Holds when every target in the zone is healthy, and has stayed so; a load balancer without any there must wait."""

    facts: ClassVar[Facts]

    def look(self, params: Returning, aws: Aws, attempt: Attempt) -> Progress:
        zone = find_zone(aws, params.zone)
        for one in aws.client("arc-zonal-shift").list_autoshifts(status="ACTIVE")["items"]:
            if one["awayFrom"] == zone.id:
                what = N_("AWS itself keeps away from {zone} since {since} (autoshift). Wait until it comes back.")
                return Failed(phrase(what, zone=zone.id, since=one["startTime"]))
        if sick := list(_sick(params, aws, zone)):
            return Working(listing(sick), again_in=next_look(attempt), memory={"since": ""})
        if not params.load_balancers:
            return Done(phrase(N_("AWS does not keep away from {zone}."), zone=zone.id))
        since = datetime.fromisoformat(attempt.memory.get("since") or attempt.now.isoformat())
        if attempt.now - since < params.steady_for:
            note = phrase(N_("What stands in {zone} is healthy; watching whether it stays so"), zone=zone.id)
            return Working(note, again_in=params.steady_for, memory={"since": since.isoformat()})
        return Done(phrase(N_("What stands in {zone} is healthy."), zone=zone.id))


def _sick(params: Returning, aws: Aws, zone: Zone) -> Iterator[Phrase]:
    for name in params.load_balancers or ():
        for group in health_of(aws, find_balancer(aws, name)):
            there, healthy = group.all[zone.name], group.healthy[zone.name]
            if not there or healthy < there:
                what = N_("{group}: {healthy} of {there} targets in {zone} are healthy")
                yield phrase(what, group=group.group, healthy=healthy, there=there, zone=zone.id)
