"""Read fields of other people's JSON without trusting their types: every reader has an answer for any value."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from bot.incident.alarm import State
from bot.storable import storable as storable  # noqa: PLC0414  # the readers of this package know it from here

DEEPEST = 20
LONGEST_FINGERPRINT = 512

_STATES: Mapping[str, State] = {"OK": "ok", "ALARM": "alarm", "INSUFFICIENT_DATA": "no_data"}


def load(text: str) -> Any:
    """The JSON value in `text` with every string storable and every number finite; None when it is not JSON."""
    try:
        return _tidy(json.loads(text, parse_constant=lambda _: None))
    except (ValueError, RecursionError):
        return None


def _tidy(value: Any, depth: int = 0) -> Any:
    if depth > DEEPEST:
        return "…"
    match value:
        case str():
            return storable(value)
        case float() if not math.isfinite(value):
            return None
        case list():
            return [_tidy(item, depth + 1) for item in value]
        case dict():
            return {storable(key): _tidy(item, depth + 1) for key, item in value.items()}
        case _:
            return value


def embedded(value: Any) -> Mapping[str, Any]:
    """An object that AWS sends as JSON inside a string, as `reasonData` is."""
    return mapping(load(value) if isinstance(value, str) else value)


def text(value: Any) -> str:
    """The value as text; "" for None, JSON for objects."""
    match value:
        case None:
            return ""
        case str():
            return value
        case _:
            return json.dumps(value, ensure_ascii=False, default=str)


def mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def sequence(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()


def number(value: Any) -> float | None:
    """A finite number, also when it came as text ("66.6"); None otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def whole(value: Any) -> int | None:
    found = number(value)
    return None if found is None else int(found)


def state(value: Any) -> State:
    """CloudWatch's state. One that we do not know is an alarm: somebody should look."""
    return _STATES.get(text(value), "alarm")


def previous(value: Any) -> State | None:
    return _STATES.get(text(value))


def moment(value: Any) -> datetime | None:
    """A time in any spelling that AWS uses: `…+0000` (alarms), `…Z` (EventBridge), RFC 1123 (Health). UTC if it has no zone."""
    if not isinstance(value, str):
        return None
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            found = read(value)
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None


class Arn(NamedTuple):
    """The parts of an ARN; all empty when the text is none."""

    partition: str = ""
    service: str = ""
    region: str = ""
    account: str = ""
    resource: str = ""


def arn(value: Any) -> Arn:
    parts = text(value).split(":", 5)
    return Arn(*parts[1:]) if len(parts) == len(Arn._fields) + 1 and parts[0] == "arn" else Arn()


def first(values: Any) -> str:
    """The first of a list as text, "" when there is none."""
    found = sequence(values)
    return text(found[0]) if found else ""


def fingerprint(*parts: str) -> str:
    """The parts joined; the end of an overlong one is replaced by its hash, because a unique index has a limit."""
    joined = "|".join(parts)
    if len(joined) <= LONGEST_FINGERPRINT:
        return joined
    return joined[: LONGEST_FINGERPRINT - 65] + "#" + hashlib.sha256(joined.encode()).hexdigest()


def brief(value: Any, longest: int = 2_000, most: int = 50) -> Any:
    """The value cut to what a person would read: long texts, long lists and big objects end early."""
    match value:
        case str() if len(value) > longest:
            return value[: longest - 1] + "…"
        case list() | tuple():
            return [brief(item, longest, most) for item in value[:most]]
        case Mapping():
            return {str(key)[:200]: brief(item, longest, most) for key, item in list(value.items())[:most]}
        case _:
            return value
