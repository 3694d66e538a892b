"""Subnets and the zones that they are in."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.aws.zone.find import Zone
from bot.playbook.action import Aws


@dataclass(frozen=True)
class Split:
    """A thing's subnets, in its own order: those in a zone, and the rest. `zones`: how many zones the rest is in."""

    inside: tuple[str, ...]
    outside: tuple[str, ...]
    zones: int


def split(aws: Aws, zone: Zone, subnets: Sequence[str]) -> Split:
    if not subnets:
        return Split((), (), 0)
    described = aws.client("ec2").describe_subnets(SubnetIds=list(subnets))["Subnets"]
    where = {one["SubnetId"]: one["AvailabilityZone"] for one in described}
    inside = tuple(one for one in subnets if where[one] == zone.name)
    outside = tuple(one for one in subnets if where[one] != zone.name)
    return Split(inside, outside, len({where[one] for one in outside}))
