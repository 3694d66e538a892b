"""A plan as people read it before they press Run: the exact calls, what changes, and what it risks. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.errors import N_
from bot.language import Words
from bot.playbook.action import Call, Change
from bot.playbook.model import Playbook
from bot.playbook.model import Step as PlaybookStep
from bot.playbook.plan import Plan, PlannedStep
from bot.report.plan_facts import Weight, about, summary
from bot.slack.blocks import EMPTY, bold, code, escape, flat, lines, listed, preformatted
from bot.slack.limits import clip

_ICONS: Mapping[Weight, str] = {"stop": "🚫", "warning": "⚠️", "fact": "▪️"}
#: One line of a phone's screen should not push the others out of sight.
_LINE, _FACTS = 400, 14
_KINDS = {"check": N_("looks"), "action": N_("changes"), "ask": N_("asks"), "manual": N_("by hand")}


def step_title(step: PlaybookStep, _: Words) -> str:
    """What people know the step by."""
    written = step.title or step.ask or step.manual
    return written.for_reader(_.language) if written else step.id


def titles(playbook: Playbook, _: Words) -> Mapping[str, str]:
    return {step.id: step_title(step, _) for step in playbook.steps}


def heading(number: int, step: PlannedStep, title: str, _: Words) -> str:
    return f"{bold(clip(f'{number}. {title}', 200))} · {_(_KINDS[step.kind])}"


def overview(plan: Plan, _: Words) -> str:
    """What matters of the whole plan, one line each, for a phone: the worst first."""
    facts = [f"{_ICONS[fact.weight]} {escape(clip(flat(fact.text), _LINE))}" for fact in summary(plan, _)]
    return listed(facts, _FACTS, _)


def details(step: PlannedStep, _: Words, region: str = "") -> Iterator[str]:
    """What the step would do, piece by piece: what stops it, warnings, changes, then the calls. `region`: the plan's."""
    for fact in about(step, region or step.region, _):
        yield f"{_ICONS[fact.weight]} {escape(clip(fact.text, _LINE))}"
    yield from _done(step, _)
    for element in step.elements:
        yield from _element(element, _)


def _done(step: PlannedStep, _: Words) -> Iterator[str]:
    for change in step.plan.changes:
        yield _change(change, _)
    for call in step.plan.calls:
        yield _call(call)
    if step.uses and not step.plan.calls and not step.elements and not step.left_out:
        yield lines(code(step.uses), _parameters(step.parameters))
    if step.unknown:
        yield _("Known only later: {names}", names=", ".join(code(name) for name in step.unknown))


def _element(element: PlannedStep, _: Words) -> Iterator[str]:
    """What it does and what is wrong with it; what all elements have in common stands above them."""
    yield f"• {code(clip(flat(element.item or element.step), 150))}"
    if element.problem:
        yield f"{_ICONS['stop']} {escape(clip(_.phrase(element.problem), _LINE))}"
    for warning in element.plan.warnings:
        yield f"{_ICONS['warning']} {escape(clip(_.phrase(warning), _LINE))}"
    yield from _done(element, _)


def short(number: int, step: PlannedStep, title: str, _: Words, most: int, region: str = "") -> tuple[str, bool]:
    """The step for the run's message, and whether something was left out of it: whole pieces or none."""
    text = heading(number, step, title, _)
    for piece in details(step, _, region):
        if len(text) + len(piece) >= most:
            return text, True
        text = f"{text}\n{piece}"
    return text, False


def pieces(texts: Sequence[str], most: int) -> Iterator[str]:
    """The texts joined, as few pieces of at most so many characters as whole texts allow."""
    gathered = ""
    for text in texts:
        if gathered and len(gathered) + len(text) >= most:
            yield gathered
            gathered = ""
        gathered = f"{gathered}\n{text}" if gathered else text
    if gathered:
        yield gathered


def _change(change: Change, _: Words) -> str:
    before, after = (code(clip(value, 300)) if value else EMPTY for value in (change.before, change.after))
    return f"• {escape(flat(_.phrase(change.what)))}: {before} → {after}"


def _call(call: Call) -> str:
    where = f" · {code(call.region)}" if call.region else ""
    return lines(f"{code(f'{call.service} {call.operation}')}{where}", _parameters(call.parameters))


def _parameters(parameters: Mapping[str, Any]) -> str:
    if not parameters:
        return ""
    return preformatted("\n".join(f"{name} = {_shown(value)}" for name, value in parameters.items()))


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False, default=str)
