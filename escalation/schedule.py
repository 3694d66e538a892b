"""Who is on call at which instant. Pure: everything follows from the schedule and the instants that are asked for.

The rule for clocks that change (daylight saving and other moves of a zone's clock):

- A hand-off is at a local time of the schedule's zone, summer and winter: 09:00 stays 09:00, so the shift in which the
  clock changes is an hour shorter or longer.
- A local time means the first instant at which the clock shows it or a later one. So a time that the clock skips (02:30
  in spring) means the instant at which it skips, and one that comes twice (01:30 in autumn) the first of the two.
- An override's `from` and `until` follow the same rule, unless they carry an offset of their own.

A shift includes its start and excludes its end, so that at a hand-off exactly the next person is on call.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationInfo, field_validator
from pydantic.json_schema import SkipJsonSchema

from escalation.errors import BadValue
from escalation.fields import Day, Moment, Name, WallTime, Written, ZoneName
from escalation.phrase import N_, phrase

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)

#: Why somebody, or nobody, is on call.
Because = Literal["rotation", "override", "nobody"]
_SECOND = timedelta(seconds=1)


class HandOff(Written):
    """When the next person of a rotation takes over."""

    day: Weekday
    """The weekday."""
    time: WallTime
    """The time of day in the schedule's time zone, in quotes: "09:00"."""


class Rotation(Written):
    """People who take turns, a week each, in the order in which they are listed, and then from the first again."""

    every: Literal["week"] = "week"
    """How long each turn is."""
    hand_off: HandOff
    """When the next person takes over."""
    start: Day
    """The day on which the first person's first turn begins, on the weekday of the hand-off. Before it nobody is on call."""
    people: tuple[Name, ...] = Field(min_length=1)
    """Names from people.yaml."""

    @field_validator("start")
    @classmethod
    def _on_hand_off_day(cls, start: date, info: ValidationInfo) -> date:
        hand_off = info.data.get("hand_off")
        if hand_off and WEEKDAYS[start.weekday()] != hand_off.day:
            day = start + timedelta(days=(WEEKDAYS.index(hand_off.day) - start.weekday()) % 7)
            what = phrase(N_("{start} is not the weekday of the hand-off."), start=start.isoformat())
            raise BadValue(what, phrase(N_("Write {day}, or change hand_off.day."), day=day.isoformat()))
        return start


class Override(Written):
    """One person instead of whoever the rotation says, for a while. Where two overlap, the later one in the list counts."""

    person: Name
    """Who is on call then: a name from people.yaml."""
    start: Moment = Field(alias="from")
    """When it begins, in the schedule's time zone: 2026-12-24 18:00."""
    end: Moment = Field(alias="until")
    """When it is over, in the schedule's time zone: 2026-12-26 09:00."""


class Schedule(Written):
    """One schedule of schedules.yaml; the entry's name there is its `key`."""

    key: SkipJsonSchema[Name]
    time_zone: ZoneName
    """The zone of every time in this schedule, such as Asia/Seoul."""
    rotation: Rotation
    """Who takes turns."""
    overrides: tuple[Override, ...] = ()
    """Exceptions: holidays, swapped shifts."""

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def span(self, override: Override) -> tuple[datetime, datetime]:
        """When an override of this schedule begins and when it is over, in UTC."""
        return instant(override.start, self.zone), instant(override.end, self.zone)


@dataclass(frozen=True)
class Shift:
    """From `start` up to, and not including, `end` these people are on call: none of them is a gap, and said so."""

    start: datetime
    end: datetime
    people: tuple[str, ...]
    because: Because


def on_call(schedule: Schedule, at: datetime) -> tuple[str, ...]:
    """Who is on call at an instant; empty when nobody is. Raises ValueError when `at` has no zone."""
    people, _ = _at(schedule, utc(at))
    return people


def shifts(schedule: Schedule, start: datetime, end: datetime) -> list[Shift]:
    """The shifts from `start` to `end`, cut off at both: without a hole between them, gaps included as shifts of nobody.

    Times are in UTC. A hand-off from somebody to themselves does not end a shift.
    """
    begin, end = utc(start), utc(end)
    bounds = sorted({begin, *_changes(schedule, begin, end), end})
    found: list[Shift] = []
    for since, until in pairwise(bounds) if begin < end else ():
        people, because = _at(schedule, since)
        last = found[-1] if found else None
        if last and (last.people, last.because) == (people, because):
            found[-1] = Shift(last.start, until, people, because)
        else:
            found.append(Shift(since, until, people, because))
    return found


def instant(local: datetime, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, that a local time means by the rule above; a time that carries an offset means itself."""
    if local.tzinfo:
        return local.astimezone(UTC)
    meant = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if meant.astimezone(zone).replace(tzinfo=None) == local:
        return meant
    before, after = local.replace(tzinfo=zone, fold=1).astimezone(UTC), meant
    old = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:  # zoneinfo does not tell when a clock skips, so it is searched for
        middle = before + (after - before) // _SECOND // 2 * _SECOND
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after


def utc(at: datetime) -> datetime:
    """The same instant in UTC. Raises ValueError for a time that has no zone and so is no instant."""
    if at.tzinfo is None:
        message = f"{at} has no time zone: pass an instant, such as datetime.now(UTC)."
        raise ValueError(message)
    return at.astimezone(UTC)


def _at(schedule: Schedule, at: datetime) -> tuple[tuple[str, ...], Because]:
    for override in reversed(schedule.overrides):
        start, end = schedule.span(override)
        if start <= at < end:
            return (override.person,), "override"
    turn = _turn(schedule, at)
    if turn < 0:
        return (), "nobody"
    people = schedule.rotation.people
    return (people[turn % len(people)],), "rotation"


def _turn(schedule: Schedule, at: datetime) -> int:
    """How many hand-offs lie between the start of the rotation and `at`; negative before it."""
    days = (at.astimezone(schedule.zone).date() - schedule.rotation.start).days
    turn = days // 7 + 1  # one too many at first: a clock that is set back at midnight shows the day before again
    while _hand_off(schedule, turn) > at:
        turn -= 1
    return turn


def _hand_off(schedule: Schedule, turn: int) -> datetime:
    rotation = schedule.rotation
    day = rotation.start + timedelta(weeks=turn)
    return instant(datetime.combine(day, rotation.hand_off.time), schedule.zone)


def _changes(schedule: Schedule, start: datetime, end: datetime) -> Iterator[datetime]:
    """The instants between `start` and `end` at which somebody else may be on call."""
    for override in schedule.overrides:
        yield from (edge for edge in schedule.span(override) if start < edge < end)
    turn = max(_turn(schedule, start) + 1, 0)
    while (edge := _hand_off(schedule, turn)) < end:
        yield edge
        turn += 1
