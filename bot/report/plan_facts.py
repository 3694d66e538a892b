"""What a reader must know of a plan before agreeing to it, as sentences: the worst first. For the terminal and Slack alike."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from typing import Literal

from bot.errors import N_
from bot.language import Words
from bot.playbook.action import Need
from bot.playbook.forecast import Spread
from bot.playbook.plan import Plan, PlannedStep

#: `stop`: it cannot run, or not wholly. `warning`: it costs or risks something.
Weight = Literal["stop", "warning", "fact"]

#: From so many runs on, the 95th percentile is no longer simply the longest of them.
_MANY = 20


@dataclass(frozen=True)
class Fact:
    weight: Weight
    text: str


def summary(plan: Plan, _: Words) -> Iterator[Fact]:
    """Of the whole plan: what refuses it, data lost, who is disturbed, missing permissions, duration, cost, expiry."""
    for step, why in plan.problems.items():
        yield Fact("stop", _("Step {step}: {why}", step=step, why=why))
    yield from _lost(plan.loses, _)
    for disturbed in plan.disturbs:
        yield Fact("warning", _.phrase(disturbed))
    if plan.missing:
        yield Fact("warning", _("IAM permissions that seem to be missing: {names}", names=", ".join(plan.missing)))
    yield from _lasting(plan, _)
    if plan.cost:
        yield Fact("fact", _("Costs about ${dollars}, once.", dollars=f"{plan.cost:,.2f}"))
    if plan.valid_for is not None:
        yield Fact("fact", _("The plan can be approved for {length}.", length=plan.valid_for))
    if plan.unchecked:
        yield Fact("fact", _.phrase(plan.unchecked))


def about(step: PlannedStep, region: str, _: Words) -> Iterator[Fact]:
    """Of one step: whether it runs, and what goes with it. `region`: the plan's own, which is not repeated."""
    if step.problem:
        yield Fact("stop", _.phrase(step.problem))
    yield from _condition(step, _)
    if step.listed and not step.elements:
        yield Fact("fact", _("Its list is empty: there is nothing to do."))
    if step.break_glass:
        text = _("It depends on a control plane of all regions: a person must allow it when its turn comes.")
        yield Fact("warning", text)
    for warning in step.plan.warnings:
        yield Fact("warning", _.phrase(warning))
    if step.best_effort:
        yield Fact("fact", _("Best effort: if it fails, the rest goes on."))
    places = dict.fromkeys(row.region for row in step.rows if row.region and row.region != region)
    for place in places:
        yield Fact("fact", _("It acts in {region}.", region=place))
    for need in step.plan.needs:
        yield Fact("fact", _needed(need, _))
    yield from _way_back(step, _)


def lasting(spread: Spread, _: Words) -> str:
    """How long it takes, and how far that is to be trusted."""
    usual, rare = _rounded(spread.p50), _rounded(spread.p95)
    if spread.stated:
        if usual == rare:
            return _("Takes about {usual}, as stated; no run has shown all of it yet.", usual=usual)
        return _(
            "Takes about {usual}, at most {rare}; partly stated, no run has shown all of it yet.",
            usual=usual,
            rare=rare,
        )
    if spread.samples < _MANY:
        said = N_("Takes about {usual}, at most {rare} so far (earlier runs: {samples}).")
    else:
        said = N_("Takes about {usual}, 19 times in 20 at most {rare} (earlier runs: {samples}).")
    return _(said, usual=usual, rare=rare, samples=spread.samples)


def _lost(loses: timedelta | None, _: Words) -> Iterator[Fact]:
    if loses is None:
        return
    if loses > timedelta():
        length = timedelta(seconds=ceil(loses.total_seconds()))  # 0.8 s is not none
        yield Fact("warning", _("Data of the last {length} would be lost.", length=length))
    else:
        yield Fact("fact", _("No data would be lost."))


def _lasting(plan: Plan, _: Words) -> Iterator[Fact]:
    if plan.duration is None and plan.untimed:
        steps = ", ".join(plan.untimed)
        yield Fact(
            "fact",
            _("How long it takes is not known: no run has shown it, and nothing is stated for {steps}.", steps=steps),
        )
    elif plan.duration and plan.duration.p95:
        yield Fact("fact", lasting(plan.duration, _))


def _condition(step: PlannedStep, _: Words) -> Iterator[Fact]:
    if step.left_out:
        yield Fact("fact", _("Left out, for this does not hold: {when}", when=step.when))
    elif step.conditional:
        yield Fact("warning", _("Only if this holds when its turn comes: {when}", when=step.when))
    elif step.when:
        yield Fact("fact", _("It runs, for this holds: {when}", when=step.when))


def _needed(need: Need, _: Words) -> str:
    what, needed = _.phrase(need.what), f"{need.needed:g}"
    if need.available is None:
        return _("{what}: {needed} needed; AWS does not say how much there is.", what=what, needed=needed)
    return _(
        "{what}: {needed} needed, {available} available.", what=what, needed=needed, available=f"{need.available:g}"
    )


def _way_back(step: PlannedStep, _: Words) -> Iterator[Fact]:
    if step.left_out:
        return
    if step.undo:
        yield Fact("fact", _("Taken back by {action}.", action=step.undo))
    elif step.irreversible:
        why = step.irreversible.get(_.known) or next(iter(step.irreversible.values()))
        yield Fact("warning", _("It cannot be taken back: {why}", why=why))


def _rounded(length: timedelta) -> timedelta:
    """Seconds say nothing beside many minutes."""
    if length < timedelta(minutes=10):
        return timedelta(seconds=round(length.total_seconds()))
    return timedelta(minutes=round(length.total_seconds() / 60))
