"""Who is on call at which instant. Pure: everything follows from the schedule and the instants that are asked for.

A schedule has layers, each a rotation that may be restricted to some hours and days; where several have somebody, the last
one counts, so that a night layer lies over a day layer. Overrides are exceptions to all of them.

A shift includes its start and excludes its end, so that at a hand-off exactly the next person is on call. What a local
time means when clocks change: `local_time.py`. Override's `from` and `until` follow it, unless they carry an offset.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from escalation.errors import BadValue
from escalation.fields import Name, Written, ZoneName
from escalation.local_time import instant, utc
from escalation.override import Override
from escalation.phrase import N_, phrase
from escalation.rotation import Rotation, turns
from escalation.spans import Span, Stretch, within, without
from escalation.windows import Window, stretches

#: Why somebody, or nobody, is on call.
Because = Literal["rotation", "override", "nobody"]
_MOMENT = timedelta(microseconds=1)


class Layer(Written):
    """A rotation, and when it counts. Where another layer further down in the list has somebody too, that one counts."""

    name: str = Field(default="", max_length=60)
    """What people call it, such as nights."""
    rotation: Rotation
    """Who takes turns."""
    only: tuple[Window, ...] = ()
    """Only in these windows of time. Left out: always."""
    except_: tuple[Window, ...] = Field(default=(), alias="except")
    """Never in these windows of time, such as public holidays."""


class Schedule(Written):
    """One schedule of schedules.yaml; the entry's name there is its `key`."""

    key: SkipJsonSchema[Name]
    time_zone: ZoneName
    """The zone of every time in this schedule, such as Asia/Seoul."""
    rotation: Rotation | None = None
    """Who takes turns, where one layer without restrictions is enough."""
    layers: tuple[Layer, ...] = ()
    """Several rotations, each for its hours and days; of those that have somebody the last one counts."""
    overrides: tuple[Override, ...] = ()
    """Exceptions: holidays, swapped shifts."""

    @model_validator(mode="after")
    def _has_somebody(self) -> Self:
        if (self.rotation is None) == (not self.layers):
            what = phrase(N_("a schedule has either a rotation or layers."))
            raise BadValue(what, phrase(N_("Write one of the two.")))
        return self

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def every_layer(self) -> tuple[Layer, ...]:
        """Its layers; a plain rotation is one."""
        return (Layer(rotation=self.rotation),) if self.rotation else self.layers

    @property
    def everybody(self) -> tuple[str, ...]:
        """Who takes turns in it, each once."""
        return tuple(dict.fromkeys(name for layer in self.every_layer for name in layer.rotation.people))

    def span(self, override: Override) -> Stretch:
        """When an override of this schedule begins and when it is over."""
        return Stretch(instant(override.start, self.zone), instant(override.end, self.zone))


@dataclass(frozen=True)
class Shift:
    """From `start` up to, and not including, `end` these people are on call: none of them is a gap, and said so.

    The first is the one that the layers or an override give; the others were added by overrides.
    """

    start: datetime
    end: datetime
    people: tuple[str, ...]
    because: Because


def on_call(schedule: Schedule, at: datetime) -> tuple[str, ...]:
    """Who is on call at an instant; empty when nobody is. Raises ValueError when `at` has no zone."""
    [shift] = shifts(schedule, at, utc(at) + _MOMENT)
    return shift.people


def shifts(schedule: Schedule, start: datetime, end: datetime) -> list[Shift]:
    """The shifts from `start` to `end`, cut off at both: without a hole between them, gaps included as shifts of nobody.

    Times are in UTC. A hand-off from somebody to themselves does not end a shift.
    """
    begin, end = utc(start), utc(end)
    if begin >= end:
        return []
    duties = [_Duty(list(duty(layer, schedule.zone, begin, end))) for layer in schedule.every_layer]
    exceptions = [(schedule.span(one), one) for one in schedule.overrides]
    found: list[Shift] = []
    for since, until in pairwise(_bounds(begin, end, duties, [span for span, _ in exceptions])):
        below = [duty_.at(since) for duty_ in reversed(duties)]
        people, because = _with(below, [one for span, one in exceptions if span.start <= since < span.end])
        last = found[-1] if found else None
        if last and (last.people, last.because) == (people, because):
            found[-1] = Shift(last.start, until, people, because)
        else:
            found.append(Shift(since, until, people, because))
    return found


def duty(layer: Layer, zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[Span]:
    """Whose turn it is in a layer between two instants, where its windows let it count."""
    whole = Stretch(start, end)
    open_ = stretches(layer.only, zone, start, end) if layer.only else [whole]
    if layer.except_:
        open_ = without(open_, stretches(layer.except_, zone, start, end))
    return within(turns(layer.rotation, zone, start, end), open_)


class _Duty:
    """The spans of one layer, asked for instants that only go forward."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self.spans, self._next = spans, 0

    def at(self, instant_: datetime) -> str | None:
        while self._next < len(self.spans) and self.spans[self._next].end <= instant_:
            self._next += 1
        if self._next < len(self.spans) and self.spans[self._next].start <= instant_:
            return self.spans[self._next].person
        return None


def _bounds(begin: datetime, end: datetime, duties: Sequence[_Duty], exceptions: Sequence[Stretch]) -> list[datetime]:
    """Every instant at which somebody else may be on call."""
    edges = {edge for duty_ in duties for span in duty_.spans for edge in (span.start, span.end)}
    edges |= {edge for span in exceptions for edge in span}
    return sorted({begin, end, *(edge for edge in edges if begin < edge < end)})


def _with(layers: Sequence[str | None], overrides: Sequence[Override]) -> tuple[tuple[str, ...], Because]:
    """Who is on call, with the person of each layer from the top, and the overrides that hold, in their order."""
    swapped = _swapped(overrides)
    removed: set[str] = set()
    added: list[str] = []
    instead: str | None = None
    for one in overrides:
        if one.person:
            instead, added, removed = one.person, [], removed - {one.person}
        elif one.add:
            added, removed = [*added, one.add], removed - {one.add}
        elif one.remove:
            removed, added = removed | {one.remove}, [name for name in added if name != one.remove]
            instead = None if instead == one.remove else instead
    planned = [swapped.get(name, name) for name in layers if name]
    first = instead or next((name for name in planned if name not in removed), None)
    people = tuple(dict.fromkeys(name for name in (first, *added) if name))
    return people, _because(people, overrides)


def _because(people: Collection[str], overrides: Sequence[Override]) -> Because:
    if overrides:
        return "override"
    return "rotation" if people else "nobody"


def _swapped(overrides: Sequence[Override]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for one in overrides:
        if one.swap:
            left, right = one.swap
            found |= {left: right, right: left}
    return found
