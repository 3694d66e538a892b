"""People who take turns: whose turn it is from when until when.

A hand-off is at a local time of the schedule's zone, summer and winter: 09:00 stays 09:00, so the turn in which the clock
changes is an hour shorter or longer. A turn that a clock skips altogether (an hour's turn at 02:00 in spring) is nobody's.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema, field_validator

from escalation.errors import BadValue
from escalation.fields import Day, Name, WallTime, Written
from escalation.local_time import instant
from escalation.phrase import N_, phrase
from escalation.refusal import shown
from escalation.spans import Span

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)

_UNITS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}
_EVERY = r"(?:([1-9][0-9]{0,2}) )?(hour|day|week)s?"


def _period(written: Any) -> str:
    if not isinstance(written, str) or not re.fullmatch(_EVERY, written):
        what = phrase(N_("{value} is no length of a turn."), value=shown(written))
        raise BadValue(what, phrase(N_("Write week, day or hour, or several: 2 weeks, 12 hours.")))
    return written


#: How long a turn is: `week`, `2 weeks`, `12 hours`.
Period = Annotated[
    str,
    BeforeValidator(_period),
    WithJsonSchema({"type": "string", "pattern": f"^{_EVERY}$", "examples": ["week", "12 hours"]}),
]


class HandOff(Written):
    """When the next person of a rotation takes over."""

    day: Weekday | None = None
    """The weekday, where turns are weeks."""
    time: WallTime
    """The time of day in the schedule's time zone, in quotes: "09:00"."""


class Rotation(Written):
    """People who take turns in the order in which they are listed, and then from the first again."""

    every: Period = "week"
    """How long each turn is: week, day, hour, or several of them, such as 2 weeks or 12 hours."""
    hand_off: HandOff
    """When the next person takes over: in turns of hours, at this time and each turn after it."""
    start: Day
    """The day on which the first person's first turn begins; in turns of weeks, on the weekday of the hand-off."""
    people: tuple[Name, ...] = Field(min_length=1)
    """Names from people.yaml."""

    @field_validator("hand_off")
    @classmethod
    def _day_of_weeks_only(cls, hand_off: HandOff, info: ValidationInfo) -> HandOff:
        every = info.data.get("every")
        if every and _is_weekly(every) and hand_off.day is None:
            what = phrase(N_("turns of weeks need the weekday of their hand-off."))
            raise BadValue(what, phrase(N_("Write hand_off: {{day: monday, time: …}}.")))
        if every and not _is_weekly(every) and hand_off.day is not None:
            what = phrase(N_("a weekday means nothing where turns are not weeks."))
            raise BadValue(what, phrase(N_("Remove hand_off.day, or write every: week.")))
        return hand_off

    @field_validator("start")
    @classmethod
    def _on_hand_off_day(cls, start: date, info: ValidationInfo) -> date:
        hand_off = info.data.get("hand_off")
        if hand_off and hand_off.day and WEEKDAYS[start.weekday()] != hand_off.day:
            day = start + timedelta(days=(WEEKDAYS.index(hand_off.day) - start.weekday()) % 7)
            what = phrase(N_("{start} is not the weekday of the hand-off."), start=start.isoformat())
            raise BadValue(what, phrase(N_("Write {day}, or change hand_off.day."), day=day.isoformat()))
        return start

    @property
    def length(self) -> timedelta:
        """Of one turn, by the local clock."""
        found = re.fullmatch(_EVERY, self.every)
        assert found is not None  # the field's own check
        return int(found[1] or 1) * _UNITS[found[2]]

    @property
    def begins(self) -> datetime:
        """The first hand-off, by the local clock."""
        return datetime.combine(self.start, self.hand_off.time)


def _is_weekly(every: str) -> bool:
    return every.rstrip("s").endswith("week")


def turns(rotation: Rotation, zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[Span]:
    """The turns that overlap a stretch of time, each whole, in order; none before the rotation's start."""
    turn = max(turn_at(rotation, zone, start), 0)
    since = _hand_off(rotation, zone, turn)
    while since < end:
        until = _hand_off(rotation, zone, turn + 1)
        if since < until:
            yield Span(since, until, rotation.people[turn % len(rotation.people)])
        turn, since = turn + 1, until


def turn_at(rotation: Rotation, zone: ZoneInfo, at: datetime) -> int:
    """How many hand-offs lie between the rotation's start and `at`; negative before it."""
    turn = (at.astimezone(zone).replace(tzinfo=None) - rotation.begins) // rotation.length
    # A clock that is set back shows a time again that is over, by a day at most where a zone changes sides.
    while _hand_off(rotation, zone, turn) > at:
        turn -= 1
    while _hand_off(rotation, zone, turn + 1) <= at:
        turn += 1
    return turn


def _hand_off(rotation: Rotation, zone: ZoneInfo, turn: int) -> datetime:
    return instant(rotation.begins + turn * rotation.length, zone)


def day_of(at: datetime, zone: ZoneInfo) -> date:
    """The date that the zone's calendars show."""
    return at.astimezone(zone).date()
