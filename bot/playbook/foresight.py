"""What a template says before the run: an output that nobody knows yet stands as its expression, in angle quotes. Pure."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from bot.playbook.context import Context
from bot.playbook.inputs import as_text
from bot.playbook.model import Step
from bot.playbook.rendering import Outputs, Values, variables
from bot.playbook.template import evaluate, is_template, references

#: How a plan shows an expression that needs what nobody knows yet.
PLACEHOLDER = "\u2039{}\u203a"

_EXPRESSION = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_NO_ITEM = object()


class Foresight:
    """What is known for one step. `foreseen`: outputs that are certain; `left_out`: steps that surely give none.

    Without an `item`, the item of a `for_each` is one of the things that nobody knows.
    """

    def __init__(
        self, step: Step, context: Context, values: Values, foreseen: Outputs, left_out: Collection[str],
        item: Any = _NO_ITEM,
    ) -> None:  # fmt: skip
        known = {**foreseen, **{id_: {} for id_ in left_out}}
        self.variables = variables(step, context, values, known, None if item is _NO_ITEM else item)
        self._settled = {spelling for id_ in left_out for spelling in (id_, id_.replace("-", "_"))}
        self._item = step.for_each.name if step.for_each and item is _NO_ITEM else None

    def unknown(self, value: Any) -> tuple[str, ...]:
        """The dotted names in the value's templates that nobody can fill in yet."""
        return tuple(sorted(".".join(name) for name in references(value) if self._is_unknown(name)))

    def render(self, value: Any) -> Any:
        """Like `evaluate`, but an expression that needs something unknown is shown instead of being evaluated."""
        if isinstance(value, Mapping):
            return {key: self.render(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.render(item) for item in value]
        if not is_template(value) or not self.unknown(value):
            return evaluate(value, self.variables)
        return _EXPRESSION.sub(self._shown, value)

    def _shown(self, found: re.Match[str]) -> str:
        if self.unknown(found[0]):
            return PLACEHOLDER.format(found[1].strip())
        return as_text(evaluate(found[0], self.variables))

    def _is_unknown(self, name: tuple[str, ...]) -> bool:
        if name[0] == self._item:
            return True
        if name[0] != "steps" or len(name) < 3 or name[1] in self._settled:
            return False
        return name[2] not in self.variables["steps"].get(name[1], {})
