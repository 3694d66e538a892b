"""Durations as people write them: `90s`, `5m`, `2h`, `1d`, `1h30m`."""

import re
from datetime import timedelta
from functools import lru_cache
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema

from escalation.errors import BadValue
from escalation.phrase import N_, phrase
from escalation.refusal import shown

_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_PATTERN = r"(?=.)" + "".join(rf"(?:(?P<{unit}>[0-9]+){unit})?" for unit in _UNITS)
_SECOND = timedelta(seconds=1)


@lru_cache(maxsize=1024)  # the same few are read with every incident's chain
def parse_duration(text: str) -> timedelta:
    """`1h30m` as a timedelta: whole numbers with d, h, m, s, the larger unit first. Raises `BadValue`."""
    match = re.fullmatch(_PATTERN, text)
    if not match:
        what = phrase(N_("{value} is not a duration."), value=shown(text))
        raise BadValue(what, phrase(N_("Write a number with a unit, such as 90s, 5m, 2h, 1d or 1h30m.")))
    try:
        return timedelta(seconds=sum(int(number or 0) * _UNITS[unit] for unit, number in match.groupdict().items()))
    except (OverflowError, ValueError) as error:  # Python refuses to read integers of more than 4300 digits
        what = phrase(N_("this duration is longer than can be counted."))
        raise BadValue(what, phrase(N_("Write a shorter one."))) from error


@lru_cache(maxsize=1024)
def format_duration(length: timedelta) -> str:
    """The shortest text that `parse_duration` reads back: `1h30m`, `0s`. Raises ValueError below a second or zero."""
    if length < timedelta() or length % _SECOND:
        message = f"{length!r} cannot be written as a duration: only whole seconds, and none below zero, can be."
        raise ValueError(message)
    rest = length // _SECOND
    text = ""
    for unit, size in _UNITS.items():
        number, rest = divmod(rest, size)
        text += f"{number}{unit}" if number else ""
    return text or "0s"


def _read(value: Any) -> timedelta:
    match value:
        case timedelta():
            return value
        case str():
            return parse_duration(value)
        case int() | float() if not isinstance(value, bool):
            what = phrase(N_("{value} has no unit."), value=value)
            raise BadValue(what, phrase(N_("Write {value}s for seconds, or {value}m for minutes."), value=value))
        case _:
            what = phrase(N_("{value} is not a duration."), value=shown(value))
            raise BadValue(what, phrase(N_("Write a number with a unit, such as 90s, 5m, 2h, 1d or 1h30m.")))


def _above_zero(length: timedelta) -> timedelta:
    if length <= timedelta():
        raise BadValue(phrase(N_("must be longer than nothing.")), phrase(N_("Write 1s or more.")))
    return length


#: A timedelta that is written `5m` in YAML and in JSON.
Duration = Annotated[
    timedelta,
    BeforeValidator(_read),
    PlainSerializer(format_duration, return_type=str, when_used="json"),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
            "examples": ["90s", "5m", "1h30m"],
        }
    ),
]
#: A duration of at least a second, for waits and deadlines.
PositiveDuration = Annotated[Duration, AfterValidator(_above_zero)]
