"""JSON and back, for what a run stores: plans, calls, phrases, progress, and the times and durations inside them.

A value that JSON does not know becomes `{"$": kind, ...}`. `canonical` is the same text on every machine and in every
process, so that its hash can be approved.
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from bot.errors import LifeboatError, Phrase
from bot.playbook.action import Asks, Call, Change, Done, Failed, Need, StepPlan, Working

_TAG = "$"


def dumps(value: Any) -> str:
    """The value as canonical JSON text; `loads` gives it back. Raises `TypeError` for what cannot be stored."""
    return canonical(encode(value))


def loads(text: str) -> Any:
    """What `dumps` was given, except that a tuple inside a mapping or a list has become a list."""
    return decode(json.loads(text))


def canonical(encoded: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal texts."""
    return json.dumps(encoded, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def encode(value: Any) -> Any:
    """The value as plain JSON values. An error is stored as its phrase."""
    if value is None or isinstance(value, bool | int | float | str):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, Mapping):
        return _mapping(value)
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    if isinstance(value, LifeboatError):
        return encode(value.phrase)
    kind = type(value).__name__
    if is_dataclass(value) and _CLASSES.get(kind) is type(value):
        return {_TAG: kind} | {field.name: encode(getattr(value, field.name)) for field in fields(value)}
    return _scalar(value)


def decode(encoded: Any) -> Any:
    """The other way round. Raises `ValueError` for a kind that this version does not know."""
    if isinstance(encoded, list):
        return [decode(item) for item in encoded]
    if not isinstance(encoded, dict):
        return encoded
    if _TAG not in encoded:
        return {key: decode(item) for key, item in encoded.items()}
    kind = encoded[_TAG]
    if kind == "mapping":
        return {decode(key): decode(item) for key, item in encoded["items"]}
    if kind in _CLASSES:
        return _object(_CLASSES[kind], {key: decode(item) for key, item in encoded.items() if key != _TAG})
    if kind in _SCALARS:
        return _SCALARS[kind].read(encoded["value"])
    msg = f"{kind} is not a kind of stored value that this version knows"
    raise ValueError(msg)


def _utc(at: datetime) -> str:
    if at.tzinfo is None:
        msg = f"{at!r} has no zone, so nobody could tell later which instant it was"
        raise TypeError(msg)
    return at.astimezone(UTC).isoformat()


class _Scalar(NamedTuple):
    cls: type
    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


_SCALARS: Mapping[str, _Scalar] = {
    "time": _Scalar(datetime, _utc, datetime.fromisoformat),
    "duration": _Scalar(timedelta, timedelta.total_seconds, lambda seconds: timedelta(seconds=seconds)),
    "decimal": _Scalar(Decimal, str, Decimal),
    "bytes": _Scalar(bytes, lambda data: base64.b64encode(data).decode(), base64.b64decode),
}
_CLASSES: Mapping[str, type] = {
    cls.__name__: cls for cls in (Phrase, Call, Change, Need, StepPlan, Working, Done, Failed, Asks)
}


def _scalar(value: Any) -> Any:
    for kind, scalar in _SCALARS.items():
        if isinstance(value, scalar.cls):
            return {_TAG: kind, "value": scalar.write(value)}
    msg = f"{type(value).__name__} cannot be stored as JSON: {value!r}"
    raise TypeError(msg)


def _mapping(value: Mapping[Any, Any]) -> dict[str, Any]:
    if _TAG in value or not all(isinstance(key, str) for key in value):
        return {_TAG: "mapping", "items": [[encode(key), encode(item)] for key, item in value.items()]}
    return {str(key): encode(item) for key, item in value.items()}


def _object(cls: type, values: dict[str, Any]) -> Any:
    """The classes hold tuples and mappings, no lists: so every list was a tuple."""
    return cls(**{key: tuple(item) if isinstance(item, list) else item for key, item in values.items()})
