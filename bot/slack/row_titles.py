"""The rows of a run by what people know them by. Pure."""

from collections.abc import Sequence

from bot.incident.run import Step
from bot.incident.view import RunView
from bot.language import Words
from bot.playbook.model import LocalText, Playbook
from bot.playbook.stored import decode
from bot.slack.blocks import bold, code, escape, flat
from bot.slack.limits import clip
from bot.slack.plan_text import step_title

#: More elements than these are not read one by one.
_ITEMS = 15


class Titles:
    """Each row in plain text for a menu, or as mrkdwn."""

    def __init__(self, view: RunView, playbook: Playbook, _: Words) -> None:
        self._, self.written = _, {step.id: step for step in playbook.steps}
        self.rows: dict[str, Step] = {row.step: row for row in view.steps}

    def written_of(self, name: str) -> str:
        """The playbook's step behind a row."""
        return self.rows[name].written

    def of_step(self, step: str) -> str:
        return flat(step_title(self.written[step], self._))

    def together(self, names: Sequence[str]) -> str:
        """Rows of one step in one line."""
        items = [code(clip(item_name(self.rows[name]), 80)) for name in names if self.rows[name].is_element]
        title = bold(clip(self.of_step(self.written_of(names[0])), 120))
        if not items:
            return title
        return f"{title}: {', '.join(items[:_ITEMS])}" + (" …" if len(items) > _ITEMS else "")

    def plain(self, name: str) -> str:
        row = self.rows[name]
        title = step_title(self.written[row.written], self._)
        return flat(f"{title} ({item_name(row)})" if row.is_element else title)

    def text(self, name: str) -> str:
        row = self.rows[name]
        title = bold(clip(step_title(self.written[row.written], self._), 120))
        return f"{title} · {code(clip(item_name(row), 80))}" if row.is_element else title

    def why(self, why: object) -> str:
        text = why.for_reader(self._.language) if isinstance(why, LocalText) else str(self._.value(why))
        return escape(flat(clip(text, 250)))


def item_name(row: Step) -> str:
    """An element by what it is about: the item itself, or the most telling of its values."""
    item = decode(row.item)
    if isinstance(item, dict):
        item = next((item[name] for name in ("name", "id", "service", "arn") if name in item), item)
    return flat(str(item)) if item not in (None, "") else row.step
