"""A list of points, each green or red, as one text that a person reads from top to bottom. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from bot.errors import N_, Phrase, phrase

Colour = Literal["green", "red", "grey"]
_MARK = {"red": "❌", "green": "✅", "grey": "▫️"}


@dataclass(frozen=True)
class Point:
    """`name`: what a person writes to accept it though it is red. Grey: worth knowing, and no reason to stop."""

    name: str
    colour: Colour
    said: Phrase


def green(name: str, said: Phrase) -> Point:
    return Point(name, "green", said)


def red(name: str, said: Phrase) -> Point:
    return Point(name, "red", said)


def grey(name: str, said: Phrase) -> Point:
    return Point(name, "grey", said)


def stopping(points: Sequence[Point], accepted: Collection[str]) -> list[str]:
    """The names of the red points that nobody has accepted."""
    return list(dict.fromkeys(point.name for point in points if point.colour == "red" and point.name not in accepted))


def listed(head: Phrase, points: Sequence[Point], accepted: Collection[str]) -> Phrase:
    """The head, then every point on a line of its own: the red ones first."""
    order = {"red": 0, "green": 1, "grey": 2}
    lines = {
        f"line{number}": _line(point, accepted)
        for number, point in enumerate(sorted(points, key=lambda one: order[one.colour]))
    }
    return Phrase("\n".join(f"{{{name}}}" for name in ("head", *lines)), {"head": head, **lines})


def _line(point: Point, accepted: Collection[str]) -> Phrase:
    if point.colour == "red" and point.name in accepted:
        return phrase(N_("⚠️ {name}: {said} (accepted)"), name=point.name, said=point.said)
    return Phrase("{mark} {name}: {said}", {"mark": _MARK[point.colour], "name": point.name, "said": point.said})
