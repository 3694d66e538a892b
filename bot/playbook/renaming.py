"""Templates under other names: what a playbook calls `table` may be an input, or an expression, of another playbook."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.errors import N_, Told, phrase
from bot.playbook.template import is_template, tokens

_SPACES = frozenset({"whitespace"})


class NotAnExpression(Told):
    """A value that cannot stand within a template."""


@dataclass(frozen=True)
class Renaming:
    """`part` is what the steps' names begin with; `given` has the expression that each of its inputs stands for."""

    part: str
    given: Mapping[str, str]

    def step(self, name: str) -> str:
        return f"{self.part}-{name}"

    def of_step(self, written: Mapping[str, Any]) -> dict[str, Any]:
        """The step; what it calls the item of its list is its own name."""
        rule = written.get("for_each")
        item = rule.get("as", "item") if isinstance(rule, Mapping) else None
        inner = Renaming(self.part, {name: one for name, one in self.given.items() if name != item})
        lists = {"for_each": self.of(rule)} if item else {}
        return {**inner.of(written), **lists}

    def of(self, value: Any) -> Any:
        """The value with every template in it under the other names."""
        if isinstance(value, str):
            return "".join(self._renamed(value)) if is_template(value) else value
        if isinstance(value, Mapping):
            return {key: self.of(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.of(item) for item in value]
        return value

    def _renamed(self, text: str) -> Iterator[str]:
        before: list[str] = []  # the last meaningful tokens of this expression
        for kind, value in tokens(text):
            yield self._token(kind, value, before)
            if kind in {"variable_begin", "variable_end"}:
                before.clear()
            elif kind not in _SPACES:
                before.append(value)

    def _token(self, kind: str, value: str, before: list[str]) -> str:
        below = before[-1:] == ["."]
        of_steps = before[-2:] in (["steps", "."], ["steps", "["]) and before[-3:-2] != ["."]
        if kind == "name" and of_steps and below:
            return self.step(value).replace("-", "_")
        if kind == "string" and of_steps:
            return repr(self.step(value[1:-1]))
        if kind == "name" and not below and before[-1:] != ["|"] and value in self.given:
            return f"({self.given[value]})"
        return value


def expression(value: Any) -> str:
    """The value as it stands within a template: `{{ a }}-x` is `a ~ '-x'`. Raises `NotAnExpression`."""
    if isinstance(value, str):
        pieces = list(_pieces(value))
        return pieces[0] if len(pieces) == 1 else " ~ ".join(f"({piece})" for piece in pieces)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return json.dumps(value)
    if isinstance(value, list):
        return f"[{', '.join(expression(item) for item in value)}]"
    raise NotAnExpression(phrase(N_("{value} cannot be given to a playbook."), value=repr(value)))


def _pieces(text: str) -> Iterator[str]:
    """The texts and the expressions that it is made of."""
    if not is_template(text):
        yield _quoted(text)
        return
    inside: list[str] = []
    for kind, value in tokens(text):
        if kind == "data":
            yield _quoted(value)
        elif kind == "variable_begin":
            inside.clear()
        elif kind == "variable_end":
            yield "".join(inside).strip()
        else:
            inside.append(value)


def _quoted(text: str) -> str:
    """As Jinja2 reads it back: it knows Python's escapes."""
    return repr(text)
