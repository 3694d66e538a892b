"""Texts as every database takes them: PostgreSQL refuses NUL, and a lone surrogate is not UTF-8.

They come from outside (a broken client, a terminal that is not UTF-8), and must not cost us an alarm or a command.
"""

import json
import re
from functools import lru_cache
from typing import Any

_ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode  # `dumps` would make an encoder each time
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
#: How `json.dumps` writes NUL; a backslash that is itself escaped before `u0000` is no NUL.
_NUL_IN_JSON = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")

_NOTHING: dict[str | bytes, None] = {"null": None, b"null": None}
_EMPTY = frozenset({"{}", b"{}"})


def storable(text: str) -> str:
    """The text with U+FFFD in place of what cannot be stored."""
    if _is_storable(text):
        return text
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def storable_json(value: Any) -> str:
    """The value as JSON whose texts are storable. Raises `ValueError` for a number that is not finite."""
    written = storable(_ENCODE(value))
    if "\\u0000" not in written:
        return written
    return _NUL_IN_JSON.sub("\\1\N{REPLACEMENT CHARACTER}", written)


def stored_json(text: str | bytes) -> Any:
    """The value of stored JSON, not to be changed: long texts that are read again and again are parsed once.

    Most columns of most rows hold nothing, and that is told without a parser. A run's playbook, context and plan are frozen,
    and a wide run's rows are read at each of its steps.
    """
    if text in _NOTHING:
        return _NOTHING[text]
    if text in _EMPTY:
        return {}
    return _parsed(text) if len(text) > _LONG else json.loads(text)


#: From here on looking a text up costs less than parsing it.
_LONG = 200


@lru_cache(maxsize=2_000)
def _parsed(text: str | bytes) -> Any:
    return json.loads(text)


def _is_storable(text: str) -> bool:
    """Nearly always, and told a hundred times faster than by looking at each character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text
