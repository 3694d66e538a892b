"""The buttons of a run and of its steps; each only where the run's state machine would take it."""

from collections.abc import Mapping

from bot.errors import N_
from bot.incident.playbook_runs import playbook_of
from bot.incident.run import Run
from bot.incident.view import RunView
from bot.language import Words
from bot.playbook import graph
from bot.playbook.graph import Event
from bot.slack.blocks import Block, button, confirmation
from bot.slack.values import encode_value

#: `value`: {"r": run, "h": plan hash}: who presses it approves exactly the plan that stands above it
RUN_APPROVE = "run.approve"
#: `value`: {"r": run}
RUN_ABORT = "run.abort"
PLAN_SHOW = "run.plan"
#: `value`: {"r": run, "s": step}
STEP_RETRY = "step.retry"
STEP_SKIP = "step.skip"
STEP_YES = "step.yes"
STEP_NO = "step.no"
STEP_CONFIRM = "step.confirm"

#: Which event of the state machine each button of a step stands for.
STEP_EVENTS: Mapping[str, Event] = {
    STEP_YES: "yes", STEP_NO: "no", STEP_CONFIRM: "confirm", STEP_RETRY: "retry", STEP_SKIP: "skip",
}  # fmt: skip
_LABELS: Mapping[str, str] = {
    STEP_YES: N_("Yes"), STEP_NO: N_("No"), STEP_CONFIRM: N_("Done"), STEP_RETRY: N_("Retry"), STEP_SKIP: N_("Skip"),
}  # fmt: skip
#: A step that only waits could be skipped too; its button would stand on every line, so the CLI does that (`lifeboat playbook skip`).
_WITH_BUTTONS = frozenset({"asking", "failed"})


def run_buttons(run: Run, _: Words) -> list[Block]:
    """What can be done with the whole run now."""
    found = []
    if run.status == "planned" and run.plan_hash:
        found.append(button(_("Run"), RUN_APPROVE, encode_value(r=run.id, h=run.plan_hash), style="primary"))
    if not run.ended:
        found.append(
            button(_("Abort"), RUN_ABORT, encode_value(r=run.id), style="danger", confirm=_are_you_sure(run, _))
        )
    if run.plan:
        found.append(button(_("Show the whole plan"), PLAN_SHOW, encode_value(r=run.id)))
    return found


def step_buttons(view: RunView, _: Words) -> dict[str, list[Block]]:
    """The buttons of each step that waits for a person, by step."""
    if view.run.status not in {"running", "needs_person"}:
        return {}
    states = {step.step: step.state for step in view.steps}
    allowed = graph.allowed(playbook_of(view.run), states)
    return {
        step: [
            _step_button(view.run, step, action_id, _) for action_id, event in STEP_EVENTS.items() if event in events
        ]
        for step, events in allowed.items()
        if states[step] in _WITH_BUTTONS
    }


def _step_button(run: Run, step: str, action_id: str, _: Words) -> Block:
    style = "primary" if action_id in {STEP_YES, STEP_CONFIRM, STEP_RETRY} else ""
    return button(_(_LABELS[action_id]), action_id, encode_value(r=run.id, s=step), style=style)


def _are_you_sure(run: Run, _: Words) -> Block:
    if run.status in {"planning", "planned"}:
        text = _("Nothing has been changed yet, and nothing will be.")
    else:
        text = _("No further step starts. What AWS has begun already goes on by itself.")
    return confirmation(_("Abort {name}?", name=run.name), text, _("Abort"), _("Keep it"))
