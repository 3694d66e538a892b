"""Windows of time: hours, weekdays and public holidays to which a layer of a schedule is restricted.

Times are local, by the rule of `local_time.py`. A window that ends at or before it begins goes on into the next day; its
day is the one on which it begins. Public holidays are those of the library `holidays`, by their countries' own laws.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from escalation.errors import BadValue
from escalation.fields import WallTime, Written
from escalation.local_time import instant
from escalation.nearest import suggestion
from escalation.phrase import N_, phrase
from escalation.refusal import shown
from escalation.rotation import WEEKDAYS, Weekday, day_of
from escalation.spans import Stretch, merged

_DAY = timedelta(days=1)
_MIDNIGHT = time()


@cache
def _countries() -> dict[str, list[str]]:
    """The regions of each country whose holidays are known."""
    from holidays.utils import list_supported_countries  # noqa: PLC0415  # slow to import, and most schedules need none

    return {code: list(regions) for code, regions in list_supported_countries(include_aliases=False).items()}


@cache
def _calendar(country: str) -> Any:
    from holidays import country_holidays  # noqa: PLC0415  # as above

    code, _, region = country.partition("-")
    return country_holidays(code, subdiv=region or None)


def _known_country(written: Any) -> str:
    code, _, region = written.partition("-") if isinstance(written, str) else ("", "", "")
    if code not in _countries():
        what = phrase(N_("the public holidays of {value} are not known."), value=shown(written))
        raise BadValue(what, phrase(N_("Write a country's two letters, such as KR, or with a region: DE-BY.")))
    if region and region not in _countries()[code]:
        what = phrase(N_("{country} has no part {region}."), country=code, region=shown(region))
        raise BadValue(what, suggestion(region, _countries()[code]))
    return str(written)


#: A country by its two letters (ISO 3166-1), or a region of one: `KR`, `DE-BY`.
Country = Annotated[
    str,
    BeforeValidator(_known_country),
    WithJsonSchema({"type": "string", "pattern": "^[A-Z]{2}(-.+)?$", "examples": ["KR", "DE-BY"]}),
]


class Window(Written):
    """Some hours of some days. What is left out does not restrict; what is given must all fit."""

    days: tuple[Weekday, ...] = ()
    """Only windows that begin on these weekdays."""
    holidays: Country | None = None
    """Only windows that begin on a public holiday of this country, such as KR or DE-BY."""
    start: WallTime | None = Field(default=None, alias="from")
    """When it begins, in quotes: "21:00". Left out: at midnight."""
    end: WallTime | None = Field(default=None, alias="until")
    """When it is over, in quotes; the next day when that is not after the start. Left out: at midnight."""

    @model_validator(mode="after")
    def _restricts_something(self) -> Self:
        if not self.model_fields_set:
            what = phrase(N_("this window is all of the time."))
            raise BadValue(what, phrase(N_("Write days, holidays, or from and until; or remove it.")))
        return self

    def begins_on(self, day: date) -> bool:
        """Whether it is there on a day of the schedule's calendar."""
        of_week = not self.days or WEEKDAYS[day.weekday()] in self.days
        return of_week and (self.holidays is None or day in _calendar(self.holidays))

    def on(self, day: date, zone: ZoneInfo) -> Stretch:
        """When it is, on a day on which it is there."""
        start, end = self.start or _MIDNIGHT, self.end or _MIDNIGHT
        last = day if start < end else day + _DAY
        return Stretch(instant(datetime.combine(day, start), zone), instant(datetime.combine(last, end), zone))


def stretches(windows: Iterable[Window], zone: ZoneInfo, start: datetime, end: datetime) -> list[Stretch]:
    """When any of the windows is open between two instants, cut off at both."""
    open_ = [window.on(day, zone) for day in _days(zone, start, end) for window in windows if window.begins_on(day)]
    return merged(Stretch(max(one.start, start), min(one.end, end)) for one in open_)


def _days(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[date]:
    """Every day on which a window could begin that is open between two instants."""
    day, last = day_of(start, zone) - _DAY, day_of(end, zone)
    while day <= last:
        yield day
        day += _DAY
