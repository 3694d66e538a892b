"""The form that takes a run back: what happens in which order, what stays and why, and how much of it. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from bot.incident.playbook_runs import reversal
from bot.incident.view import RunView
from bot.incident.wording import worded
from bot.language import Words
from bot.playbook.context import Context
from bot.playbook.reversal import Reversal
from bot.slack import views
from bot.slack.blocks import Block, bold, context, lines, listed, section
from bot.slack.limits import clip
from bot.slack.plan_text import pieces
from bot.slack.row_titles import Titles
from bot.slack.views import OPTIONS, choice_field, form, modal, text_field

CALLBACK = "run.undo"
#: The menu's `action_id`: choosing draws the form anew, so that people read what their choice means. Its values, with
#: the run before them, are `Choice.value`.
UNDO_CHOOSE = "undo.choose"
#: Names of the fields
WHAT, REGION = "what", "region"

_ROWS, _LENGTH = 60, 2_800
_WHOLE, _FROM, _ONLY = "whole", "from", "only"


@dataclass(frozen=True)
class Choice:
    """How much: the whole run, a row and all that happened after it, or (`only`) that row alone."""

    row: str | None = None
    only: bool = False

    def value(self, run: str) -> str:
        kind = _WHOLE if self.row is None else _ONLY if self.only else _FROM
        return " ".join((run, kind, *([self.row] if self.row else [])))

    @classmethod
    def read(cls, value: str) -> "Choice":
        """The choice of a menu's value; the whole run for anything else."""
        _, kind, row = [*value.split(" ", 2), "", "", ""][:3]
        return cls(row, kind == _ONLY) if row and kind in {_FROM, _ONLY} else cls()


def run_of(value: str) -> str:
    """The run that a menu's value is about."""
    return value.split(" ", 1)[0]


def undo_form(view: RunView, choice: Choice, _: Words) -> Block:
    """What would be taken back, in order; and again for what is chosen. It only says why when there is nothing."""
    run, playbook = view.run, worded(view.run, view.steps)
    title = bold(clip(playbook.title.for_reader(_.language), 200))
    everything = reversal(run, view.steps)
    if not everything.order:
        return modal(_("Not possible"), [section(lines(title, _("There is nothing to take back.")))], _)
    found = reversal(run, view.steps, choice.row, only=choice.only)
    titles = Titles(view, playbook, _)
    menu = choice_field(_choices(run.id, everything, titles, _), choice.value(run.id), UNDO_CHOOSE)
    chooser = views.field(WHAT, _("What is taken back?"), menu) | {"dispatch_action": True}
    blocks = [section(title), chooser, *_order(found, titles, _), *_stays(found, titles, _)]
    if playbook.tier == 3:
        blocks.append(_region(view, _))
    blocks.append(context(_("It begins at once. The latest change is taken back first, one after the other.")))
    return form(CALLBACK, _("Take it back"), _("Take it back"), blocks, _, r=run.id)


def _choices(run: str, everything: Reversal, titles: Titles, _: Words) -> dict[str, str]:
    """The whole run; each step alone, and with what came after it where that is less than all; then single elements."""
    steps = list(dict.fromkeys(titles.written_of(row) for row in everything.order))
    found = {Choice().value(run): _("The whole run")}
    for place, step in enumerate(steps):
        if 0 < place < len(steps) - 1:
            found[Choice(step).value(run)] = _("From there on: {step}", step=titles.of_step(step))
        if len(steps) > 1:
            found[Choice(step, only=True).value(run)] = _("Only: {step}", step=titles.of_step(step))
    for row in everything.order:
        if titles.written_of(row) != row:
            found[Choice(row, only=True).value(run)] = _("Only: {step}", step=titles.plain(row))
    fitting = [(value, label) for value, label in found.items() if views.fits_option(value)]
    return dict(fitting[:OPTIONS])


def _order(found: Reversal, titles: Titles, _: Words) -> Iterator[Block]:
    """In the order in which it happens; elements of one step that follow each other share a line."""
    groups = [list(rows) for _step, rows in groupby(found.order, key=titles.written_of)]
    rows = [f"{number}. {titles.together(group)}" for number, group in enumerate(groups[:_ROWS], start=1)]
    if len(groups) > _ROWS:
        rows.append(_("and {count} more", count=len(groups) - _ROWS))
    for text in pieces([_("*Taken back, in this order*"), *rows], _LENGTH):
        yield section(text)


def _stays(found: Reversal, titles: Titles, _: Words) -> Iterator[Block]:
    if found.stays:
        rows = [f"• {titles.text(row)}: {titles.why(why)}" for row, why in found.stays.items()]
        yield section(lines(_("⚠️ *Stays as it is*"), listed(rows, 10, _)))


def _region(view: RunView, _: Words) -> Block:
    region = Context.model_validate(view.run.context).region
    hint = _("Type {region}: that is where the run has acted.", region=region)
    return views.field(REGION, _("Name of the region"), text_field(most=60), hint=hint)
