"""What a thing was before it left a zone, written on the thing itself as a tag.

Whoever brings it back finds it there: another run, another incident, a person in AWS's console, or Lifeboat after its own
database was lost. It is written before the change, and removed when everything is as it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.aws.zone.find import Zone


@dataclass(frozen=True)
class Left:
    """`subnets`: those that were taken out; `settings`: what else was changed, and its value before."""

    subnets: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)


def tag_of(zone: Zone) -> str:
    """The tag's key; one for each zone, because a thing may have to leave another one before it is back."""
    return f"lifeboat:left:{zone.id}"


def as_value(left: Left) -> str:
    """At most 256 characters, as AWS takes them: one zone has few of a thing's subnets."""
    return " ".join([*(f"{name}={value}" for name, value in left.settings.items()), *left.subnets])


def read(value: str) -> Left:
    """What `as_value` wrote."""
    words = value.split()
    settings = (word.partition("=") for word in words if "=" in word)
    return Left(tuple(word for word in words if "=" not in word), {name: setting for name, _, setting in settings})
