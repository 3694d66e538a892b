"""Stretches of time and what lies over what. All instants are in UTC; a stretch includes its start and excludes its end."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


class Stretch(NamedTuple):
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Span:
    """A stretch that belongs to somebody."""

    start: datetime
    end: datetime
    person: str


def merged(stretches: Iterable[Stretch]) -> list[Stretch]:
    """The same time in as few stretches as possible, in order; empty ones are left out."""
    found: list[Stretch] = []
    for start, end in sorted(stretch for stretch in stretches if stretch.start < stretch.end):
        if found and start <= found[-1].end:
            found[-1] = Stretch(found[-1].start, max(found[-1].end, end))
        else:
            found.append(Stretch(start, end))
    return found


def without(stretches: Iterable[Stretch], holes: Iterable[Stretch]) -> list[Stretch]:
    """What of the stretches is in none of the holes."""
    found: list[Stretch] = []
    gaps = merged(holes)
    for start, end in merged(stretches):
        since = start
        for hole in gaps:
            if hole.end <= since or hole.start >= end:
                continue
            found.append(Stretch(since, max(since, hole.start)))
            since = max(since, hole.end)
        found.append(Stretch(since, max(since, end)))
    return merged(found)


def within(spans: Iterable[Span], stretches: Iterable[Stretch]) -> Iterator[Span]:
    """What of the spans lies in the stretches; both are in order, and neither overlaps itself."""
    left = list(stretches)
    for span in spans:
        while left and left[0].end <= span.start:
            left.pop(0)
        for start, end in left:
            if start >= span.end:
                break
            yield Span(max(start, span.start), min(end, span.end), span.person)
