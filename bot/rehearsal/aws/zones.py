"""The zones of a region: each has a name, which is the account's own, and an id, which means the same place everywhere."""

from dataclasses import dataclass
from functools import cache

from bot.rehearsal.aws.moto_app import backend


@dataclass(frozen=True)
class Zone:
    name: str
    id: str


@cache
def zones_of(region: str) -> tuple[Zone, ...]:
    """They are a table of moto's, and never change."""
    return tuple(Zone(one.name, one.zone_id) for one in backend("ec2", region).describe_availability_zones())


def zone_of(region: str, given: str) -> Zone:
    """By its name or its id. Raises ValueError when the region has none such."""
    for zone in zones_of(region):
        if given in {zone.name, zone.id}:
            return zone
    known = ", ".join(f"{zone.id} ({zone.name})" for zone in zones_of(region))
    raise ValueError(f"There is no zone {given} in {region}. Known: {known}.")
