"""Why a load balancer's traffic must not be shifted away from a zone now."""

from collections.abc import Iterator, Sequence

from bot.aws.zone.find import Balancer, Managed, Zone, find_managed
from bot.aws.zone.health import Health, health_of
from bot.errors import N_, Phrase, phrase
from bot.playbook.action import Aws

#: What a zone, a load balancer and its health are read with; an action that reads them lists these too.
READS = (
    "arc-zonal-shift:GetManagedResource",
    "ec2:DescribeAvailabilityZones",
    "ec2:DescribeInstances",
    "elasticloadbalancing:DescribeLoadBalancers",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth",
)
CALLS = tuple(one.replace("elasticloadbalancing:", "elbv2:") for one in READS)
#: What `obstacles` asks besides.
AUTOSHIFTS = "arc-zonal-shift:ListAutoshifts"


def obstacles(aws: Aws, zone: Zone, balancer: Balancer) -> list[Phrase]:
    """Why traffic must not be shifted away from the zone now; empty: it may. Stops at the first kind that is found."""
    if problem := _unready(zone, balancer):
        return [problem]
    managed = find_managed(aws, balancer)
    if managed is None:
        what = N_(
            "{name} has not opted in to zonal shift. Set its attribute zonal_shift.config.enabled to true beforehand; "
            "now, take the zone's subnet out of it."
        )
        return [phrase(what, name=balancer["LoadBalancerName"])]
    if problem := _shifted_otherwise(zone, balancer, managed) or _another_autoshift(aws, zone):
        return [problem]
    return list(_unhealthy(zone, balancer, health_of(aws, balancer)))


def listing(problems: Sequence[Phrase]) -> Phrase:
    """Whole sentences, one a line; each is translated for its reader."""
    fields = {f"problem{number}": problem for number, problem in enumerate(problems)}
    return Phrase("\n".join(f"{{{name}}}" for name in fields), fields)


def _unready(zone: Zone, balancer: Balancer) -> Phrase | None:
    name, zones = balancer["LoadBalancerName"], {one["ZoneName"] for one in balancer["AvailabilityZones"]}
    if balancer["State"]["Code"] not in {"active", "active_impaired"}:
        what = N_("{name} is {state}, not active. Wait until it is, then retry.")
        return phrase(what, name=name, state=balancer["State"]["Code"])
    if zone.name not in zones:
        what = N_("{name} is not in {zone}, so none of its traffic goes there. Leave it out.")
        return phrase(what, name=name, zone=zone.id)
    if len(zones) < 2:
        what = N_("{name} is in no other zone than {zone}, so its traffic has nowhere to go. Add a zone to it.")
        return phrase(what, name=name, zone=zone.id)
    return None


def _shifted_otherwise(zone: Zone, balancer: Balancer, managed: Managed) -> Phrase | None:
    """AWS, or somebody, shifts it already: a second shift would replace that one, or be refused."""
    name = balancer["LoadBalancerName"]
    for one in managed.get("autoshifts", ()):
        if one["appliedStatus"] == "APPLIED":
            what = N_(
                "AWS keeps the traffic of {name} away from {zone} already (autoshift since {since}). A shift of ours "
                "would overrule it. Leave it to AWS."
            )
            return phrase(what, name=name, zone=one["awayFrom"], since=one["startTime"])
    for one in managed["zonalShifts"]:
        if one["awayFrom"] != zone.id:
            what = N_(
                "The traffic of {name} is being kept away from {other} ({comment}); a load balancer can be shifted away "
                "from one zone only. Cancel that shift first if {other} is healthy again."
            )
            return phrase(what, name=name, other=one["awayFrom"], comment=one["comment"])
    return None


def _another_autoshift(aws: Aws, zone: Zone) -> Phrase | None:
    """AWS itself finds another zone bad: then this one must carry the traffic."""
    for one in aws.client("arc-zonal-shift").list_autoshifts(status="ACTIVE")["items"]:
        if one["awayFrom"] != zone.id:
            what = N_(
                "AWS is shifting traffic away from {other} too, since {since}. With more than one zone in trouble, "
                "consider switching the region."
            )
            return phrase(what, other=one["awayFrom"], since=one["startTime"])
    return None


def _unhealthy(zone: Zone, balancer: Balancer, groups: Sequence[Health]) -> Iterator[Phrase]:
    """Where the traffic would go must be healthy; and when nothing is, a shift has no effect at all."""
    name = balancer["LoadBalancerName"]
    for group in groups:
        bad = sorted(place for place in group.all if place not in {"", zone.name} and not group.healthy[place])
        if not group.healthy.total():
            what = N_(
                "No target of {group} behind {name} is healthy, so the load balancer sends traffic to all of them, and "
                "a shift has no effect. Mend the service first."
            )
            yield phrase(what, group=group.group, name=name)
        elif not group.outside(zone):
            what = N_("{group} behind {name} has no healthy target outside of {zone}. Start some in other zones first.")
            yield phrase(what, group=group.group, name=name, zone=zone.id)
        elif bad:
            what = N_(
                "{group} behind {name} has no healthy target in {zones} either. With more than one zone in trouble, "
                "consider switching the region."
            )
            yield phrase(what, group=group.group, name=name, zones=", ".join(bad))
