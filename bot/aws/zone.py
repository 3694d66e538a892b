"""A zone, the load balancers in it, and whether they can do without it: `zone.can_shift`.

A zone has a name (`us-east-1a`) and an id (`use1-az6`). Only the id means the same place in every account, and zonal
shifts take nothing else; both may be given here.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, ClassVar

from pydantic import StringConstraints

from bot.errors import N_, ActionFailed, Phrase, phrase
from bot.playbook.action import Attempt, Aws, Done, Facts, Failed, InputType, Params, Progress, check

ZoneName = Annotated[str, InputType("zone"), StringConstraints(min_length=1, max_length=40)]
LoadBalancers = Annotated[tuple[str, ...], InputType("elb.load_balancers")]

Balancer = Mapping[str, Any]  # as DescribeLoadBalancers shows it
Managed = Mapping[str, Any]  # as GetManagedResource shows it

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


@dataclass(frozen=True)
class Zone:
    id: str
    name: str


@dataclass(frozen=True)
class Health:
    """Targets of one target group by zone name; "" where AWS does not say the zone."""

    group: str
    healthy: Counter[str]
    all: Counter[str]

    def outside(self, zone: Zone) -> int:
        """How many healthy targets are left when nothing goes to the zone any more."""
        return self.healthy.total() - self.healthy[zone.name]


class Shiftable(Params):
    """`load_balancers`: their names or ARNs. Each is shifted on its own; all must be able to do without the zone."""

    zone: ZoneName
    load_balancers: LoadBalancers


@check(
    "zone.can_shift",
    Shiftable,
    permissions=(*READS, AUTOSHIFTS),
    calls=(*CALLS, AUTOSHIFTS),
    takes=timedelta(seconds=5),
    looks_up=True,
)
class CanShift:
    """Holds when each load balancer has opted in, nothing else shifts it, and the other zones have healthy targets."""

    facts: ClassVar[Facts]

    def look(self, params: Shiftable, aws: Aws, attempt: Attempt) -> Progress:  # noqa: ARG002  # nothing depends on it
        zone = find_zone(aws, params.zone)
        found = [
            problem for name in params.load_balancers for problem in obstacles(aws, zone, find_balancer(aws, name))
        ]
        if not params.load_balancers:
            return Failed(phrase(N_("No load balancer is named, so there is nothing to shift. Name at least one.")))
        if found:
            return Failed(listing(found))
        what = N_("{count} load balancers can do without {zone}: they have opted in, and the other zones are healthy.")
        return Done(phrase(what, count=len(params.load_balancers), zone=zone.id))


def find_zone(aws: Aws, given: str) -> Zone:
    """By its id or its name. Raises `ActionFailed` when the region has none such."""
    zones = aws.client("ec2").describe_availability_zones()["AvailabilityZones"]
    for zone in zones:
        if given in {zone["ZoneId"], zone["ZoneName"]}:
            return Zone(zone["ZoneId"], zone["ZoneName"])
    known = ", ".join(sorted(f"{zone['ZoneId']} ({zone['ZoneName']})" for zone in zones))
    what = N_("There is no zone {zone} in {region}. Known: {known}.")
    raise ActionFailed(phrase(what, zone=given, region=aws.region, known=known), code="InvalidAz")


def find_balancer(aws: Aws, given: str) -> Balancer:
    """By its name, its ARN, or `app/<name>/<id>` as alarms call it. Raises `ActionFailed` when there is none such."""
    name = given.split("/")[1] if given.startswith(("app/", "net/")) else given
    by = {"LoadBalancerArns": [given]} if given.startswith("arn:") else {"Names": [name]}
    try:
        found: list[Balancer] = aws.client("elbv2").describe_load_balancers(**by)["LoadBalancers"]
    except ActionFailed as error:
        if error.code not in {"LoadBalancerNotFound", "LoadBalancerNotFoundException"}:
            raise
        found = []
    if found:
        return found[0]
    what = N_("There is no load balancer {name} in {region}. Check the step's parameters.")
    raise ActionFailed(phrase(what, name=given, region=aws.region), code="LoadBalancerNotFound")


def find_managed(aws: Aws, balancer: Balancer) -> Managed | None:
    """What zonal shift knows of it; None: it has not opted in."""
    try:
        managed: Managed = aws.client("arc-zonal-shift").get_managed_resource(
            resourceIdentifier=balancer["LoadBalancerArn"]
        )
    except ActionFailed as error:
        if error.code == "ResourceNotFoundException":
            return None
        raise
    return managed


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


def health_of(aws: Aws, balancer: Balancer) -> list[Health]:
    """One per target group that has targets."""
    elb = aws.client("elbv2")
    groups = elb.describe_target_groups(LoadBalancerArn=balancer["LoadBalancerArn"])["TargetGroups"]
    found = []
    for group in groups:
        described = elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])["TargetHealthDescriptions"]
        if described:
            found.append(_health(group["TargetGroupName"], described, _zones_of_instances(aws, described)))
    return found


def listing(problems: Sequence[Phrase]) -> Phrase:
    """Whole sentences, one a line; each is translated for its reader."""
    fields = {f"problem{number}": problem for number, problem in enumerate(problems)}
    return Phrase("\n".join(f"{{{name}}}" for name in fields), fields)


def _health(group: str, described: Sequence[Mapping[str, Any]], zones: Mapping[str, str]) -> Health:
    healthy, every = Counter[str](), Counter[str]()
    for one in described:
        target = one["Target"]
        zone = target.get("AvailabilityZone") or zones.get(target["Id"], "")
        every[zone] += 1
        healthy[zone] += one["TargetHealth"]["State"] == "healthy"
    return Health(group, healthy, every)


def _zones_of_instances(aws: Aws, described: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """ELB names the zone of an address, and not that of an instance."""
    ids = sorted({one["Target"]["Id"] for one in described if one["Target"]["Id"].startswith("i-")})
    if not ids:
        return {}
    reservations = aws.client("ec2").describe_instances(InstanceIds=ids)["Reservations"]
    instances = [instance for one in reservations for instance in one["Instances"]]
    return {one["InstanceId"]: one["Placement"]["AvailabilityZone"] for one in instances}


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
