"""How far a run is, as a list: its steps, the elements that need eyes, and what is taken back. Pure.

Rows without buttons share a block, so that forty steps fit into a message. When it is still too much, what wants eyes
stays, then what lies nearest to it; the rest is counted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.errors import N_
from bot.incident.run import Step
from bot.incident.timeline import restore
from bot.incident.view import RunView
from bot.incident.wording import worded
from bot.language import Words
from bot.playbook.about import about
from bot.playbook.model import Playbook
from bot.playbook.model import Step as Written
from bot.slack.blocks import Block, Who, actions, bold, code, context, escape, flat, lines, moment, section
from bot.slack.limits import SECTION, clip
from bot.slack.plan_text import pieces, step_title
from bot.slack.row_titles import item_name
from bot.slack.run_buttons import row_buttons

#: A message of more rows cannot be read at night; Slack's own limit is 50 blocks.
ROWS, WITH_BUTTONS = 40, 12
#: Slack refuses a message whose blocks are too long as a whole; this leaves room for the rest of it.
_CHARACTERS = 11_000
#: In a longer run only the rows that want eyes have their notes.
_SHORT_RUN = 12
_NOTE, _TITLE, _NAMES = 400, 150, 5
#: As wide as an icon; ordinary blanks at the beginning of a line may be lost.
_INDENT = "\u2003\u2002"

_ICONS = {
    "waiting": "⚪", "running": "⏳", "asking": "✋", "done": "✅", "failed": "❌", "skipped": "⏭️", "aborted": "⏹️",
}  # fmt: skip
_COUNTS = {
    "waiting": N_("{count} waiting"), "running": N_("{count} running"), "asking": N_("{count} waiting for a person"),
    "done": N_("{count} done"), "failed": N_("{count} failed"), "skipped": N_("{count} skipped"),
    "aborted": N_("{count} aborted"),
}  # fmt: skip
#: The smaller, the longer it stays in a message that is full.
_URGENCY = {"failed": 0, "asking": 0, "running": 1}
_LEAST = 2


@dataclass(frozen=True)
class _Line:
    """One row as it is shown; `order` is its place in the list."""

    order: int
    row: Step
    text: str
    buttons: Sequence[Block]

    @property
    def urgency(self) -> int:
        return _URGENCY.get(self.row.state, _LEAST)


def run_rows(view: RunView, _: Words, who: Who) -> list[Block]:
    """The blocks of all rows, at most `ROWS` of them."""
    found = list(_lines(view, _, who))
    shown = _chosen(found)
    blocks = _laid_out(shown, _)
    left = [line.row.state for line in found if line not in shown]
    if left:
        counts = [_(_COUNTS[state], count=left.count(state)) for state in dict.fromkeys(left)]
        blocks.append(context(_("and {count} more steps: {states}", count=len(left), states=", ".join(counts))))
    silent = sum(bool(line.buttons) for line in found) - min(WITH_BUTTONS, sum(bool(line.buttons) for line in shown))
    if silent:
        blocks.append(
            context(_("{count} more wait for a person: their buttons come when these are settled.", count=silent))
        )
    return blocks


def _lines(view: RunView, _: Words, who: Who) -> Iterator[_Line]:
    """Every row that may be shown, in the order of the playbook; undos come last."""
    drawer = _Drawer(view, _, who)
    buttons = row_buttons(view, _)
    rows = sorted(view.steps, key=lambda row: row.position)
    own = [row for row in rows if not row.undoes and not row.is_element]
    undos = [row for row in rows if row.undoes]
    shown = [one for row in own for one in (row, *drawer.wanted(row))] + undos
    first_undo = undos[0].step if undos else None
    for order, row in enumerate(shown):
        text = drawer.text(row, short=len(shown) <= _SHORT_RUN)
        if row.step == first_undo:
            text = "\n" + lines(_("*Taken back*, the latest change first"), text)
        yield _Line(order, row, text, buttons.get(row.step, ()))


def _chosen(found: Sequence[_Line]) -> list[_Line]:
    """As many as fit: what wants eyes first, then what lies nearest to it, else to the latest that moved."""
    wanted = [line for line in found if line.urgency < _LEAST]
    moved = [line for line in found if line.row.state != "waiting"]
    centre = next((line.order for line in (*wanted, *moved[-1:])), 0)
    nearest = sorted(found, key=lambda line: (line.urgency, abs(line.order - centre)))
    shown, size = [], 0
    for line in nearest[:ROWS]:
        size += len(line.text)
        if size > _CHARACTERS:
            break
        shown.append(line)
    return sorted(shown, key=lambda line: line.order)


def _laid_out(shown: Sequence[_Line], _: Words) -> list[Block]:
    """Rows with buttons have a block of their own; the others share as few as possible."""
    blocks: list[Block] = []
    together: list[str] = []
    with_buttons = 0

    def flush() -> None:
        blocks.extend(_wide(text) for text in pieces(together, SECTION))
        together.clear()

    for line in shown:
        together.append(line.text)
        if line.buttons and with_buttons < WITH_BUTTONS:
            with_buttons += 1
            flush()
            blocks.extend(actions(*line.buttons))
    flush()
    return blocks


def _wide(text: str) -> Block:
    """A section that Slack does not fold: half a list is worse than none."""
    return section(text) | {"expand": True}


class _Drawer:
    """Draws the rows of one run."""

    def __init__(self, view: RunView, _: Words, who: Who) -> None:
        self.view, self._, self.who = view, _, who
        self.playbook: Playbook = worded(view.run, view.steps)
        self.written = {step.id: step for step in self.playbook.steps}
        undone = frozenset(row.undoes for row in view.steps if row.undoes and row.state == "done")
        self.taken_back = undone | {row.step for row in view.steps if self._all_undone(row, undone)}

    def elements(self, row: Step) -> list[Step]:
        return [one for one in self.view.steps if one.is_element and one.of == row.step]

    def _all_undone(self, row: Step, undone: frozenset[str | None]) -> bool:
        """Whether all elements are taken back that had happened."""
        happened = [one.step for one in self.elements(row) if one.happened is not None]
        return bool(happened) and undone.issuperset(happened)

    def wanted(self, row: Step) -> list[Step]:
        """The elements of a `for_each` step that have a row of their own: those that wait for a person."""
        return [one for one in self.elements(row) if one.state in {"failed", "asking"}]

    def text(self, row: Step, *, short: bool) -> str:
        """What stands below the first line is indented, so that the steps themselves are what the eye finds."""
        written = self.written[row.written]
        elements = self.elements(row) if not row.is_element and not row.undoes else []
        first = " · ".join([self._name(row, written), *self._timing(row, written), *self._tries(row, written)])
        below = (
            self._summary(elements) if elements else "",
            self._question(row, written),
            self._left_out(row, written),
            self._note(row, short=short and not elements) if row.state != "running" or not elements else "",
            self._decision(row),
        )
        deeper = _INDENT if row.is_element else ""
        mark = f"{deeper}↳ " if row.is_element else ""
        return lines(
            f"{mark}{_ICONS[row.state]} {first}",
            *(f"{_INDENT}{deeper}{line}" for text in below for line in text.split("\n") if line),
        )

    def _note(self, row: Step, *, short: bool) -> str:
        """The latest word on the row: always where eyes are wanted, elsewhere only in a short run."""
        loud = row.state in {"running", "asking", "failed"}
        if not row.note or row.question or row.state == "waiting" or self._was_left_out(row) or not (loud or short):
            return ""
        return escape(clip(self._.phrase(restore(row.note)), _NOTE))

    def _name(self, row: Step, written: Written) -> str:
        title = clip(step_title(written, self._), _TITLE)
        if row.is_element:
            return bold(clip(item_name(row), _TITLE))
        if row.step in self.taken_back:
            return f"{bold(title)} · {self._('taken back')}"
        if row.undoes:
            item = f" · {code(clip(item_name(row), 80))}" if row.item is not None else ""
            return bold(title) + item
        return bold(title)

    def _timing(self, row: Step, written: Written) -> Iterator[str]:
        """How long it took, or has taken of what is usual; what is usual, when it waits."""
        _, usual = self._, self._usual(row)
        if row.started_at and row.ended_at:
            yield _.duration(row.ended_at - row.started_at)
        elif row.started_at and row.state == "running":
            yield self._elapsed(row, usual)
            if row.deadline_at and (usual is None or self.view.now - row.started_at > usual):
                yield _("given up at {at}", at=moment(row.deadline_at, _))
        elif row.state == "waiting" and usual and not written.for_each:
            yield _("about {length}", length=about(usual))

    def _elapsed(self, row: Step, usual: timedelta | None) -> str:
        _, started = self._, row.started_at or self.view.now
        gone = timedelta(minutes=(self.view.now - started) // timedelta(minutes=1))
        if usual is None or not gone:
            since = moment(started, _)
            return (
                _("since {at}, about {length}", at=since, length=about(usual)) if usual else _("since {at}", at=since)
            )
        if gone > usual * 1.5:
            return _("{elapsed}, usually about {length}", elapsed=gone, length=about(usual))
        return _("{elapsed} of about {length}", elapsed=gone, length=about(usual))

    def _usual(self, row: Step) -> timedelta | None:
        spread = self.view.expected.get(row.written)
        known = spread and not row.undoes and not row.is_element and spread.p50
        return spread.p50 if spread and known else None

    def _tries(self, row: Step, written: Written) -> Iterator[str]:
        if row.retries and written.retry and row.state in {"running", "failed"}:
            tries, of = row.retries + 1, written.retry.times + 1
            yield self._("try {number} of {count}", number=tries, count=max(of, tries))
        elif row.attempt > 1:
            yield self._("attempt {number}", number=row.attempt)

    def _summary(self, elements: Sequence[Step]) -> str:
        """4 of 12 done, 2 running, 1 failed: web-3"""
        _, states = self._, [one.state for one in elements]
        parts = [_("{done} of {count} done", done=states.count("done"), count=len(states))]
        for state in ("running", "asking", "skipped", "aborted", "failed"):
            named = [code(clip(item_name(one), 60)) for one in elements if one.state == state]
            if named:
                count = _(_COUNTS[state], count=len(named))
                some = ", ".join(named[:_NAMES]) + (" …" if len(named) > _NAMES else "")
                parts.append(_("{what}: {names}", what=count, names=some) if state in {"running", "failed"} else count)
        return ", ".join(parts)

    def _question(self, row: Step, written: Written) -> str:
        """What the person is asked: by the action itself, or by the step where its title does not say it already."""
        _ = self._
        if row.state != "asking":
            return ""
        if row.question:
            return escape(clip(_.phrase(restore(row.question)), 1_000))
        words = written.ask or written.manual
        if words is None:
            return (
                _("It depends on a control plane that may be down. Do it all the same?") if written.break_glass else ""
            )
        return escape(clip(words.for_reader(_.language), 1_000)) if written.title else ""

    def _was_left_out(self, row: Step) -> bool:
        written = self.written[row.written]
        return row.state == "skipped" and not row.decided_by and written.when is not None

    def _left_out(self, row: Step, written: Written) -> str:
        if not self._was_left_out(row):
            return ""
        return self._("Left out, because this does not hold: {condition}", condition=code(clip(str(written.when), 200)))

    def _decision(self, row: Step) -> str:
        _ = self._
        if not row.decided_by:
            return ""
        name = self.who(row.decided_by)
        match row.state:
            case "skipped" if row.reason:
                return _("Skipped by {name}: {reason}", name=name, reason=escape(flat(clip(row.reason, 300))))
            case "skipped":
                return _("Skipped by {name}.", name=name)
            case "aborted":
                return _("Aborted by {name}.", name=name)
            case "done" | "running" if self._was_asked(row):
                return _("Agreed by {name}.", name=name)
        return ""

    def _was_asked(self, row: Step) -> bool:
        """By the playbook, or by its action, whose answer is spent: else nobody decides on a first attempt that goes on."""
        written = self.written[row.written]
        whole = written.for_each and not row.is_element
        spent = row.attempt == 1 and not row.undoes and not whole
        return written.asks_first or written.kind == "manual" or row.answer is not None or spent
