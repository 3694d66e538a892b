"""The small language in which Block Kit's rules are written down: shapes of objects, and checks of their fields.

A check is a function of a value and the place where it stands; it adds what is wrong to the place's list of problems,
in Slack's words, with Slack's JSON pointer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Where = Literal["message", "modal", "home"]


@dataclass(frozen=True)
class At:
    """A place in a JSON document that is being checked."""

    pointer: str
    surface: Where
    problems: list[str]

    def __truediv__(self, part: str | int) -> "At":
        return At(f"{self.pointer}/{part}", self.surface, self.problems)

    def wrong(self, what: str) -> None:
        self.problems.append(f"{what} [json-pointer:{self.pointer}]")


Check = Callable[[Any, At], None]


@dataclass(frozen=True)
class Shape:
    """An object: its required and optional fields, and rules about several of them. No other field is allowed."""

    required: Mapping[str, Check] = field(default_factory=dict)
    optional: Mapping[str, Check] = field(default_factory=dict)
    rules: Sequence[Check] = ()
    open: bool = False  # a block that Slack still changes: fields that we do not know are let through

    def __call__(self, value: Any, at: At) -> None:
        if not isinstance(value, dict):
            at.wrong("should be an object")
            return
        for name in self.required:
            if value.get(name) is None:
                at.wrong(f"missing required field: {name}")
        for name, part in value.items():
            check = self.required.get(name) or self.optional.get(name)
            if check is None:
                if not self.open:
                    at.wrong(f"invalid additional property: {name}")
            elif part is not None:
                check(part, at / name)
        for rule in self.rules:
            rule(value, at)


def anything(_value: Any, _at: At) -> None:
    """No rule."""


def string(longest: int, shortest: int = 0) -> Check:
    def check(value: Any, at: At) -> None:
        if not isinstance(value, str):
            at.wrong("should be a string")
        elif len(value) > longest:
            at.wrong(f"must be less than {longest + 1} characters")
        elif len(value) < shortest:
            at.wrong(f"must be more than {shortest - 1} characters")

    return check


def one_of(*allowed: Any) -> Check:
    def check(value: Any, at: At) -> None:
        if value not in allowed:
            at.wrong("must be one of: " + ", ".join(str(choice) for choice in allowed))

    return check


def number(least: int, most: int) -> Check:
    def check(value: Any, at: At) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            at.wrong("should be an integer")
        elif not least <= value <= most:
            at.wrong(f"must be between {least} and {most}")

    return check


def flag(value: Any, at: At) -> None:
    if not isinstance(value, bool):
        at.wrong("should be a boolean")


def listing(item: Check, least: int, most: int) -> Check:
    def check(value: Any, at: At) -> None:
        if not isinstance(value, list):
            at.wrong("should be an array")
            return
        if len(value) > most:
            at.wrong(f"no more than {most} items allowed")
        if len(value) < least:
            at.wrong(f"no fewer than {least} items allowed")
        for index, part in enumerate(value):
            item(part, at / index)

    return check


def exactly_one(*names: str) -> Check:
    def check(value: Any, at: At) -> None:
        if sum(value.get(name) is not None for name in names) != 1:
            at.wrong("must have exactly one of: " + ", ".join(names))

    return check


def at_least_one(*names: str) -> Check:
    def check(value: Any, at: At) -> None:
        if all(value.get(name) is None for name in names):
            at.wrong("must have at least one of: " + ", ".join(names))

    return check


def by_type(shapes: Mapping[str, Check], allowed: Sequence[str] | None = None) -> Check:
    """An object whose `type` says which shape it has; `allowed` narrows what may stand here."""

    def check(value: Any, at: At) -> None:
        if not isinstance(value, dict):
            at.wrong("should be an object")
        elif not isinstance(kind := value.get("type"), str):
            at.wrong("missing required field: type")
        elif kind not in shapes or (allowed is not None and kind not in allowed):
            at.wrong(f"unsupported type: {kind}")
        else:
            shapes[kind](value, at)

    return check


def plain(longest: int) -> Check:
    """A plain_text object."""
    return Shape(
        {"type": one_of("plain_text"), "text": string(longest, 1)},
        {"emoji": flag},
    )


def text(longest: int) -> Check:
    """A plain_text or mrkdwn object."""
    mrkdwn = Shape({"type": anything, "text": string(longest, 1)}, {"verbatim": flag})
    return by_type({"plain_text": plain(longest), "mrkdwn": mrkdwn})
