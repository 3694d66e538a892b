"""Words in the reader's language, times in the reader's zone: everything a person reads goes through `Words`.

The catalogue is `bot/locale/<language>/LC_MESSAGES/lifeboat.po`. English is the language of the message ids and needs
no file. A message that is missing in a catalogue is shown in English; a test fails before that can ship.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.errors import LifeboatError
from escalation.phrase import N_, Phrase

LOCALE = Path(__file__).parent / "locale"
LANGUAGES = ("en", "ko")


@cache
def _catalogue(language: str) -> Mapping[str, str]:
    if language == "en":
        return {}
    from babel.messages.pofile import read_po  # noqa: PLC0415  # only for readers who need it: Babel is slow to import

    with (LOCALE / language / "LC_MESSAGES" / "lifeboat.po").open("rb") as file:
        return {str(entry.id): str(entry.string) for entry in read_po(file) if entry.id and entry.string}


@cache
def zone(name: str) -> ZoneInfo:
    """The time zone of that name; UTC for a name that is none, since no message may fail for its clock."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


@dataclass(frozen=True)
class Words:
    """One reader: `_ = Words("ko", "Asia/Seoul")`, then `_("Acknowledged by {name}", name="Mina")`.

    `language` falls back to English when we have no catalogue for it, so "ko-KR" and "fr" are fine to pass.
    """

    language: str = "en"
    zone: str = "UTC"

    def __call__(self, message: str, /, **fields: Any) -> str:
        """The message in the reader's language with its fields filled in; phrases among the fields are translated too."""
        text = _catalogue(self.known).get(message, message)
        return text.format(**{name: self.value(field) for name, field in fields.items()})

    @property
    def known(self) -> str:
        """The language we have that is nearest to the reader's."""
        short = self.language.replace("_", "-").split("-")[0].lower()
        return short if short in LANGUAGES else "en"

    def value(self, field: Any) -> Any:
        """What stands in for a field: phrases and errors translated, times in the reader's zone."""
        match field:
            case Phrase():
                return self.phrase(field)
            case LifeboatError():
                return self.phrase(field.phrase)
            case datetime():
                return self.time(field)
            case timedelta():
                return self.duration(field)
            case _:
                return field

    def phrase(self, what: Phrase | LifeboatError | str) -> str:
        """A deferred text, now that its reader is known. A plain string is returned as it is."""
        if isinstance(what, str):
            return what
        if isinstance(what, LifeboatError):
            what = what.phrase
        return self(what.message, **what.fields).rstrip()

    def time(self, at: datetime) -> str:
        """`03:41:07 KST`: the hour as the reader's clock shows it."""
        local = at.astimezone(zone(self.zone))
        return f"{local:%H:%M:%S} {local.tzname()}"

    def day_and_time(self, at: datetime) -> str:
        """`2026-11-23 03:41 KST`."""
        local = at.astimezone(zone(self.zone))
        return f"{local:%Y-%m-%d %H:%M} {local.tzname()}"

    def duration(self, length: timedelta) -> str:
        """`1 h 05 min`, `4 min 10 s`, `30 min`, `9 s`; a negative length is shown with a minus."""
        seconds = int(length.total_seconds())
        sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
        hours, minutes, rest = seconds // 3600, seconds // 60 % 60, seconds % 60
        match hours, minutes, rest:
            case 0, 0, _:
                return sign + self(N_("{seconds} s"), seconds=rest)
            case 0, _, 0:
                return sign + self(N_("{minutes} min"), minutes=minutes)
            case 0, _, _:
                return sign + self(N_("{minutes} min {seconds:02d} s"), minutes=minutes, seconds=rest)
            case _, 0, _:
                return sign + self(N_("{hours} h"), hours=hours)
            case _:
                return sign + self(N_("{hours} h {minutes:02d} min"), hours=hours, minutes=minutes)
