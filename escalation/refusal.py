"""What pydantic refuses, in words that can be translated: (what is wrong, what to do) for one of its errors."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from escalation.errors import BadValue
from escalation.phrase import N_, Phrase, phrase

Told = tuple[Phrase | str, Phrase | str]

_A_LIST = N_("must be a list.")
_A_MAPPING = N_("must be a mapping of names to values.")
_DASHES = N_("Begin each entry with a dash: - entry.")
_COLONS = N_("Write lines of the form name: value.")

#: pydantic's type of error -> (what, todo). Its numbers (`ge`, `max_length` …) and the refused `value` fill the fields.
#: https://docs.pydantic.dev/latest/errors/validation_errors/
_WORDS: Mapping[str, tuple[str, str]] = {
    "bool_parsing": (N_("must be true or false."), ""),
    "bool_type": (N_("must be true or false."), ""),
    "dict_type": (_A_MAPPING, _COLONS),
    "float_parsing": (N_("must be a number."), ""),
    "float_type": (N_("must be a number."), ""),
    "greater_than": (N_("{value} is too small: it must be more than {gt}."), ""),
    "greater_than_equal": (N_("{value} is too small: {ge} is the least."), ""),
    "int_from_float": (N_("must be a whole number."), ""),
    "int_parsing": (N_("must be a whole number."), ""),
    "int_type": (N_("must be a whole number."), ""),
    "less_than": (N_("{value} is too big: it must be less than {lt}."), ""),
    "less_than_equal": (N_("{value} is too big: {le} is the most."), ""),
    "list_type": (_A_LIST, _DASHES),
    "mapping_type": (_A_MAPPING, _COLONS),
    "model_attributes_type": (_A_MAPPING, _COLONS),
    "model_type": (_A_MAPPING, _COLONS),
    "string_pattern_mismatch": (N_("{value} does not have the right form."), N_("It must match {pattern}.")),
    "string_too_long": (N_("is too long: {max_length} characters are the most."), ""),
    "string_too_short": (N_("is too short: {min_length} characters are the least."), ""),
    "string_type": (N_("must be text."), N_("Put it in quotes.")),
    "too_long": (N_("has too many entries: {max_length} are the most."), ""),
    "too_short": (N_("has too few entries: {min_length} are the least."), ""),
    "tuple_type": (_A_LIST, _DASHES),
}
_LENGTH = re.compile(r"datetime\.timedelta\((.*)\)")
_UNIT = re.compile(r"(days|seconds|microseconds)=(-?\d+)")


def refusal(detail: Mapping[str, Any]) -> Told:
    """The words for one of `ValidationError.errors()`; pydantic's own English for the kinds that are not listed."""
    kind, context, value = detail["type"], detail.get("ctx", {}), detail.get("input")
    cause = context.get("error")
    if isinstance(cause, BadValue):
        return cause.what, cause.todo
    if kind in {"literal_error", "enum"}:
        choices = context["expected"].replace(" or ", ", ").replace("'", "")  # pydantic lists them as 'a', 'b' or 'c'
        return phrase(N_("{value} is not a choice here."), value=shown(value)), phrase(
            N_("Choose: {choices}."), choices=choices
        )
    if kind in {"too_short", "string_too_short"} and context["min_length"] == 1:
        return phrase(N_("must not be empty.")), ""
    if kind not in _WORDS:
        return f"{detail['msg']}.", ""
    what, todo = _WORDS[kind]
    limits = {name: _limit(limit) for name, limit in context.items()}
    fields = {**limits, "value": value if isinstance(value, timedelta) else shown(value)}
    return phrase(what, **fields), phrase(todo, **fields) if todo else ""


def _limit(limit: Any) -> Any:
    """The limit of a length, which pydantic gives as Python writes it: `datetime.timedelta(days=3)`."""
    written = _LENGTH.fullmatch(limit) if isinstance(limit, str) else None
    return timedelta(**{unit: int(number) for unit, number in _UNIT.findall(written[1])}) if written else limit


def shown(value: Any) -> str:
    """A value as it may stand in a message: quoted, and never longer than a line."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
