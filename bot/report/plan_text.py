"""A plan as plain lines, for the terminal."""

import json
from collections.abc import Iterator, Mapping

from bot.language import Words
from bot.playbook.action import Call
from bot.playbook.model import Playbook, Step
from bot.playbook.plan import Plan, PlannedStep
from bot.report.plan_facts import Weight, about, summary

_MARKS: Mapping[Weight, str] = {"stop": "!! ", "warning": "! ", "fact": ""}


def lines(plan: Plan, _: Words, playbook: Playbook | None = None) -> Iterator[str]:
    """What matters of the whole, then each step with its exact calls, each value before and after, and what it risks.

    `playbook`: the run's, for the titles of the steps and what they ask people.
    """
    if playbook and playbook.targets.caveat:
        yield f"  {_MARKS['warning']}{playbook.targets.caveat.for_reader(_.language)}"
    for fact in summary(plan, _):
        yield f"  {_MARKS[fact.weight]}{fact.text}"
    written = {step.id: step for step in playbook.steps} if playbook else {}
    for step in plan.steps:
        known = written.get(step.step)
        title = f": {known.title.for_reader(_.language)}" if known and known.title else ""
        yield f"  {step.step} ({step.uses or step.kind}){title}"
        yield from (f"    {line}" for line in _for_people(known, _))
        yield from (f"    {line}" for line in _step(step, plan.region, _))


def _for_people(written: Step | None, _: Words) -> Iterator[str]:
    """What a person will be asked, or has to do by hand."""
    if written and written.ask:
        yield _("A person is asked: {question}", question=written.ask.for_reader(_.language))
    if written and written.manual:
        yield _("By hand: {what}", what=written.manual.for_reader(_.language))


def _step(step: PlannedStep, region: str, _: Words) -> Iterator[str]:
    yield from (f"{_MARKS[fact.weight]}{fact.text}" for fact in about(step, region, _))
    for call in step.plan.calls:
        yield _call(call, step.region or region)
    for change in step.plan.changes:
        yield f"{_.phrase(change.what)}: {change.before or '-'} → {change.after or '-'}"
    if step.unknown:
        yield _("Known only when it runs: {names}", names=", ".join(step.unknown))
    for element in step.elements:
        yield element.step
        yield from (f"  {line}" for line in _element(element, region, _))


def _element(element: PlannedStep, region: str, _: Words) -> Iterator[str]:
    """Without what all elements have in common, which stands above them."""
    alone = PlannedStep(
        element.step, element.kind, element.uses, element.parameters, element.unknown, element.plan, element.problem,
        region=element.region,
    )  # fmt: skip
    yield from _step(alone, element.region or region, _)


def _call(call: Call, region: str) -> str:
    parameters = json.dumps(call.parameters, ensure_ascii=False, default=str)
    return f"{call.service}:{call.operation} {parameters} [{call.region or region}]"
