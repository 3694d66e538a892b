"""What a run asks people, with the templates of its questions and instructions filled in. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.incident.run import Run, Step
from bot.incident.walk import playbook_of
from bot.playbook import inputs
from bot.playbook.context import Context
from bot.playbook.model import LocalText, Playbook
from bot.playbook.stored import decode
from bot.playbook.template import BadTemplate, evaluate, is_template


def worded(run: Run, rows: Sequence[Step] = ()) -> Playbook:
    """The run's playbook as people read it: `ask` and `manual` say what their templates stand for.

    A text that names what is not known yet, such as the output of a step that has not run, stays as it is written.
    """
    playbook = playbook_of(run)
    if not any(is_template(_texts(step.ask)) or is_template(_texts(step.manual)) for step in playbook.steps):
        return playbook
    context = Context.model_validate(run.context)
    outputs = {row.step: decode(dict(row.output or {})) for row in rows if row.over and not row.undoes}
    known = context.variables(inputs.fill(playbook, context, run.inputs).values, outputs)
    steps = tuple(
        step.model_copy(update={"ask": _filled(step.ask, known), "manual": _filled(step.manual, known)})
        for step in playbook.steps
    )
    return playbook.model_copy(update={"steps": steps})


def _texts(text: LocalText | None) -> list[str]:
    return [text.en, text.ko] if text else []


def _filled(text: LocalText | None, known: Mapping[str, Any]) -> LocalText | None:
    return LocalText(en=_said(text.en, known), ko=_said(text.ko, known)) if text else None


def _said(text: str, known: Mapping[str, Any]) -> str:
    try:
        found = evaluate(text, known)
    except BadTemplate:
        return text
    return (inputs.as_text(found) if found is not None else "") or text
