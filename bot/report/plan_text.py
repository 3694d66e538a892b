"""A plan as plain lines, for the terminal."""

import json
from collections.abc import Iterator

from bot.language import Words
from bot.playbook.plan import Plan, PlannedStep


def lines(plan: Plan, _: Words) -> Iterator[str]:
    """The exact calls of every step, each value before and after, and what it risks."""
    for step in plan.steps:
        yield f"  {step.step} ({step.uses or step.kind})"
        yield from (f"    {line}" for line in _step(step, plan.region, _))


def _step(step: PlannedStep, region: str, _: Words) -> Iterator[str]:
    if step.problem:
        yield f"! {_.phrase(step.problem)}"
    for call in step.plan.calls:
        parameters = json.dumps(call.parameters, ensure_ascii=False, default=str)
        yield f"{call.service}:{call.operation} {parameters} [{call.region or region}]"
    for change in step.plan.changes:
        yield f"{_.phrase(change.what)}: {change.before or '-'} → {change.after or '-'}"
    for warning in step.plan.warnings:
        yield f"! {_.phrase(warning)}"
    if step.unknown:
        yield _("Known only when it runs: {names}", names=", ".join(step.unknown))
