"""What people agreed to, as the engine asks for it: what the plan changes, and whether a step still does what it said."""

from collections.abc import Iterator

from bot.playbook.action import StepPlan
from bot.playbook.plan import Plan, PlannedStep


def touches(plan: Plan) -> tuple[str, ...]:
    """Every resource that no other run may change meanwhile, sorted."""
    return tuple(sorted({resource for step in _all(plan) for resource in step.plan.touches}))


def planned_step(plan: Plan, row: str) -> PlannedStep | None:
    """What was planned for a row: a step, or one element of it."""
    return next((step for step in _all(plan) if step.step == row), None)


def same_calls(approved: PlannedStep | None, now: StepPlan) -> bool:
    """Whether a step would still make the calls that were approved. What nobody could know then is not compared."""
    if approved is None or approved.unknown or approved.problem:
        return True
    return approved.plan.calls == now.calls


def _all(plan: Plan) -> Iterator[PlannedStep]:
    for step in plan.steps:
        yield step
        yield from getattr(step, "elements", ())
