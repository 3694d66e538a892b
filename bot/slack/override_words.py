"""What somebody typed after `/dr override`, understood: an exception to a schedule. Pure.

primary                      I take the pager until the end of the shift
primary 2h                   I take it for two hours
primary @jun 2h              jun instead of everybody else
primary + @jun until 18:00   jun too; `- @jun`: not jun; `@mina = @jun 3d`: the two swap
cancel k3v9x2ab              take one back
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.errors import N_, Refused, phrase
from escalation.duration import parse_duration
from escalation.errors import BadValue
from escalation.local_time import instant
from escalation.override import Override

_UNTIL = re.compile(r"(?:until|까지)?\s*(\d{1,2}):(\d{2})(?:\s*까지)?")
_USAGE = N_(
    "Write /dr override primary @jun 2h; also + @jun (besides), - @jun (not), @mina = @jun (swap), until 18:00."
)


@dataclass(frozen=True)
class Asked:
    """`people` none: the one who typed. `kind` as in `Override`. `end` None: until the end of the shift."""

    schedule: str
    kind: str
    people: tuple[str, ...]
    end: datetime | None

    def override(self, now: datetime, me: str) -> Override:
        """The exception, for a known end."""
        who = self.people or (me,)
        value = list(who) if self.kind == "swap" else who[0]
        return Override.model_validate({self.kind: value, "from": now, "until": self.end})


def understood(words: Sequence[str], find: Callable[[str], str], zone_of: Callable[[str], str], now: datetime) -> Asked:
    """What the words ask for. `find` gives a person's key or raises; `zone_of` a schedule's zone. Raises `Refused`."""
    if not words:
        raise Refused(phrase(_USAGE))
    schedule, rest = words[0].casefold(), list(words[1:])
    zone = zone_of(schedule)
    sign = rest.pop(0) if rest and rest[0] in {"+", "-"} else ""
    people: list[str] = []
    while rest and not _is_time(rest[0]):
        word = rest.pop(0)
        if word == "=":
            sign = "="
            continue
        people.append(find(word))
    kind = {"+": "add", "-": "remove", "=": "swap"}.get(sign, "person")
    if len(people) != (2 if kind == "swap" else 1) and (people or kind != "person"):
        raise Refused(phrase(_USAGE))
    return Asked(schedule, kind, tuple(people), _end(" ".join(rest), zone, now))


def _is_time(word: str) -> bool:
    return word.casefold() in {"until", "까지"} or bool(re.match(r"\d", word))


def _end(text: str, zone: str, now: datetime) -> datetime | None:
    """`2h`, `until 18:00` (the next one, by the schedule's clock), or nothing."""
    if not text:
        return None
    if clock := _UNTIL.fullmatch(text.casefold()):
        return _next(int(clock[1]), int(clock[2]), zone, now)
    try:
        return now + parse_duration(text.strip("`").casefold())
    except BadValue as error:
        raise Refused(phrase(_USAGE)) from error


def _next(hour: int, minute: int, zone: str, now: datetime) -> datetime:
    try:
        clock = time(hour, minute)
    except ValueError as error:
        raise Refused(phrase(_USAGE)) from error
    here = ZoneInfo(zone)
    today = now.astimezone(here).date()
    days = (instant(datetime.combine(today + timedelta(days=ahead), clock), here) for ahead in (0, 1))
    return next(at for at in days if at > now)
