"""Maintenance windows of lifeboat.yaml: while one is open, no playbook starts by itself. Pure.

A local time means what it means in a schedule of people (`escalation.local_time`), also when clocks change.
"""

from datetime import datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from escalation.duration import PositiveDuration
from escalation.errors import BadValue
from escalation.fields import Moment, WallTime, Written, ZoneName
from escalation.local_time import instant
from escalation.phrase import N_, phrase
from escalation.rotation import WEEKDAYS, Weekday

_WEEK = timedelta(days=7)


class Weekly(Written):
    """A moment of each week."""

    day: Weekday
    """The weekday."""
    time: WallTime
    """The time of day, in quotes: "02:00"."""


class Freeze(Written):
    """One window: `from` and `until`, or `every` week `for` so long. It includes its start and excludes its end."""

    start: Moment | None = Field(default=None, alias="from")
    """When it begins: 2026-12-24 18:00."""
    end: Moment | None = Field(default=None, alias="until")
    """When it is over: 2026-12-27 09:00."""
    every: Weekly | None = None
    """When it begins each week: {day: saturday, time: "02:00"}."""
    length: PositiveDuration | None = Field(default=None, alias="for", le=_WEEK)
    """How long it lasts each week, such as 4h."""
    zone: ZoneName | None = None
    """The zone of its times, such as Asia/Seoul; lifeboat.yaml's own when left out."""
    reason: str = ""
    """Why, for people to read."""

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        given = [part is not None for part in (self.start, self.end, self.every, self.length)]
        if given not in ([True, True, False, False], [False, False, True, True]):
            todo = phrase(N_("Give from and until, or every and for."))
            raise BadValue(phrase(N_("it is not clear when this window is open.")), todo)
        return self

    def open_until(self, now: datetime, default_zone: str) -> datetime | None:
        """When the window that `now` lies in is over; None when it lies in none."""
        zone = ZoneInfo(self.zone or default_zone)
        if self.start and self.end:
            start, end = instant(self.start, zone), instant(self.end, zone)
            return end if start <= now < end else None
        return self._weekly(now, zone)

    def _weekly(self, now: datetime, zone: ZoneInfo) -> datetime | None:
        assert self.every is not None
        assert self.length is not None
        today = now.astimezone(zone).date()
        for back in range(8):  # a window of a whole week may have begun on this weekday a week ago
            day = today - timedelta(days=back)
            if WEEKDAYS[day.weekday()] != self.every.day:
                continue
            start = instant(datetime.combine(day, self.every.time), zone)
            if start <= now < start + self.length:
                return start + self.length
        return None
