"""The buttons of a run and of its rows; each only where the run's state machine would take it."""

from collections.abc import Mapping

from bot.errors import N_
from bot.incident.playbook_runs import playbook_of, presses, reversal
from bot.incident.run import Run
from bot.incident.view import RunView
from bot.language import Words
from bot.playbook.graph import Event
from bot.slack.blocks import Block, button, confirmation
from bot.slack.values import encode_value

#: `value`: {"r": run, "h": plan hash}: who presses it approves exactly the plan that stands above it. For a region it
#: opens a form in which its name is typed.
RUN_APPROVE = "run.approve"
#: `value`: {"r": run}
RUN_REPLAN = "run.replan"
RUN_NOW = "run.now"
RUN_ABORT = "run.abort"
RUN_UNDO = "run.undo"
PLAN_SHOW = "run.plan"
#: `value`: {"r": run, "s": row}
STEP_RETRY = "step.retry"
STEP_SKIP = "step.skip"
STEP_YES = "step.yes"
STEP_NO = "step.no"
STEP_CONFIRM = "step.confirm"

#: Which event of the state machine each button of a row stands for.
STEP_EVENTS: Mapping[str, Event] = {
    STEP_YES: "yes", STEP_NO: "no", STEP_CONFIRM: "confirm", STEP_RETRY: "retry", STEP_SKIP: "skip",
}  # fmt: skip
_LABELS: Mapping[str, str] = {
    STEP_YES: N_("Yes"), STEP_NO: N_("No"), STEP_CONFIRM: N_("Done"), STEP_RETRY: N_("Retry"), STEP_SKIP: N_("Skip"),
}  # fmt: skip
#: A step that only waits could be skipped too; its button would stand on every line, so the CLI does that (`lifeboat playbook skip`).
_WITH_BUTTONS = frozenset({"asking", "failed"})


def run_buttons(view: RunView, _: Words) -> list[Block]:
    """What can be done with the whole run now."""
    run, over = view.run, view.incident.resolved
    value = encode_value(r=run.id)
    found = []
    if run.status == "planned" and run.plan_hash and not over:
        found.append(_approve(run, _))
    if run.status == "announced":
        found.append(button(_("Run now"), RUN_NOW, value, style="primary"))
        found.append(button(_("Stop"), RUN_ABORT, value, style="danger"))  # at once: it begins within a minute
    elif not run.ended:
        found.append(button(_("Abort"), RUN_ABORT, value, style="danger", confirm=_are_you_sure(run, _)))
    if run.status in {"planned", "expired", "refused"} and not over:
        found.append(button(_("Plan anew"), RUN_REPLAN, value))
    if reversal(run, view.steps).order:
        found.append(button(_("Undo…"), RUN_UNDO, value))
    if run.plan:
        found.append(button(_("Show the whole plan"), PLAN_SHOW, value))
    return found


def row_buttons(view: RunView, _: Words) -> dict[str, list[Block]]:
    """The buttons of each row that waits for a person, by row."""
    states = {row.step: row.state for row in view.steps}
    return {
        row: [_row_button(view.run, row, action_id, _) for action_id, event in STEP_EVENTS.items() if event in events]
        for row, events in presses(view.run, view.steps).items()
        if states[row] in _WITH_BUTTONS
    }


def _approve(run: Run, _: Words) -> Block:
    label = _("Run…") if playbook_of(run).tier == 3 else _("Run")
    return button(label, RUN_APPROVE, encode_value(r=run.id, h=run.plan_hash or ""), style="primary")


def _row_button(run: Run, row: str, action_id: str, _: Words) -> Block:
    style = "primary" if action_id in {STEP_YES, STEP_CONFIRM, STEP_RETRY} else ""
    return button(_(_LABELS[action_id]), action_id, encode_value(r=run.id, s=row), style=style)


def _are_you_sure(run: Run, _: Words) -> Block:
    if run.status in {"planning", "planned"}:
        text = _("Nothing has been changed yet, and nothing will be.")
    elif run.status == "undoing":
        text = _("Nothing more is taken back. What AWS has begun already goes on by itself.")
    else:
        text = _("No further step starts. What AWS has begun already goes on by itself.")
    return confirmation(_("Abort {name}?", name=run.name), text, _("Abort"), _("Keep it"))
