"""Subnets and the zones that they are in."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bot.aws.zone.find import Zone
from bot.errors import N_, phrase
from bot.playbook.action import Aws, Need


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


def addresses(aws: Aws, subnets: Sequence[str], more: int) -> tuple[Need, ...]:
    """A task, or an instance, takes an address of its subnet: what `more` of them need in each zone."""
    if more <= 0 or not subnets:
        return ()
    free = Counter[str]()
    for subnet in aws.client("ec2").describe_subnets(SubnetIds=list(subnets))["Subnets"]:
        free[subnet["AvailabilityZone"]] += subnet["AvailableIpAddressCount"]
    each = -(-more // len(free))
    what = N_("Free addresses for tasks in {zone}")
    return tuple(Need(phrase(what, zone=zone), each, free[zone]) for zone in sorted(free))
