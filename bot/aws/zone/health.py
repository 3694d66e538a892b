"""The targets of load balancers, by the zone that they are in."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.aws.zone.find import Balancer, Zone
from bot.errors import ActionFailed
from bot.playbook.action import Aws


@dataclass(frozen=True)
class Health:
    """Targets of one target group by zone name; "" where AWS does not say the zone."""

    group: str
    healthy: Counter[str]
    all: Counter[str]

    def outside(self, zone: Zone) -> int:
        """How many healthy targets are left when nothing goes to the zone any more."""
        return self.healthy.total() - self.healthy[zone.name]


def health_of(aws: Aws, balancer: Balancer) -> list[Health]:
    """One per target group that has targets."""
    elb = aws.client("elbv2")
    found = []
    for group in _groups(aws, balancer):
        described = elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])["TargetHealthDescriptions"]
        if described:
            found.append(_health(group["TargetGroupName"], described, _zones_of_instances(aws, described)))
    return found


def still_used(aws: Aws, zone: Zone, balancer: Balancer) -> int:
    """How many targets in the zone ELB says it still uses, as if there were no shift. With cross-zone balancing off, DNS decides.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_AdministrativeOverride.html
    """
    elb = aws.client("elbv2")
    used = 0
    for group in _groups(aws, balancer):
        described = elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])["TargetHealthDescriptions"]
        there = (one for one in described if one["Target"].get("AvailabilityZone") == zone.name)
        used += sum(one.get("AdministrativeOverride", {}).get("State") == "no_override" for one in there)
    return used


def _groups(aws: Aws, balancer: Balancer) -> Sequence[Mapping[str, Any]]:
    """None at all, for a load balancer that only redirects, is an error to AWS."""
    try:
        answer = aws.client("elbv2").describe_target_groups(LoadBalancerArn=balancer["LoadBalancerArn"])
    except ActionFailed as error:
        if error.code not in {"TargetGroupNotFound", "TargetGroupNotFoundException"}:
            raise
        return []
    groups: Sequence[Mapping[str, Any]] = answer["TargetGroups"]
    return groups


def _health(group: str, described: Sequence[Mapping[str, Any]], zones: Mapping[str, str]) -> Health:
    healthy, every = Counter[str](), Counter[str]()
    for one in described:
        if one["TargetHealth"]["State"] == "draining":
            continue  # it is on its way out, wherever it was
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
