"""Makes a plan: every step after those it needs, with what is certain of them filled in. Pure; the caller asks AWS."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bot.errors import N_, LifeboatError, Phrase, phrase
from bot.playbook.action import Call, Need, StepPlan
from bot.playbook.context import Context
from bot.playbook.elements import row
from bot.playbook.foresight import Foresight
from bot.playbook.graph import order
from bot.playbook.inputs import as_text
from bot.playbook.model import Approval, LocalText, Playbook, Step
from bot.playbook.plan import Plan, PlannedStep, digest
from bot.playbook.rendering import Outputs, elements, holds, step_region
from bot.playbook.template import references

#: Asked for each action whose parameters are known or foreseen, and for each check whose parameters are known. The step
#: it is given has its region filled in, and of an element the element's id. It may raise any LifeboatError: that becomes
#: the step's `problem`. For a check it may return an empty StepPlan, or what looking now has shown.
PlanStep = Callable[[Step, Mapping[str, Any]], StepPlan]
#: What is wrong with a call by AWS's own service models; nothing, for one that can be sent.
CallProblems = Callable[[Call], Sequence[Phrase]]


def no_problems(_call: Call) -> Sequence[Phrase]:
    """Where nobody looks calls up in AWS's service models."""
    return ()


def assemble(
    playbook: Playbook, context: Context, values: Mapping[str, Any], plan_step: PlanStep,
    call_problems: CallProblems = no_problems,
) -> Plan:  # fmt: skip
    """Plan every step. `values` are `Filled.values`; `plan_step` asks AWS, reading only."""
    draft = _Draft(context, values, plan_step, call_problems)
    steps = [draft.step(playbook.step(id_)) for id_ in order(playbook)]
    inputs = {name: as_text(value) for name, value in values.items() if value is not None}
    valid_for = (playbook.approval or Approval()).expires
    return Plan(playbook.name, digest(playbook), context.region, inputs, tuple(_with_fixed(steps)), valid_for=valid_for)


@dataclass
class _Draft:
    """A plan in the making: what the steps so far will surely give, and which are surely left out."""

    context: Context
    values: Mapping[str, Any]
    plan_step: PlanStep
    call_problems: CallProblems
    foreseen: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)

    def step(self, step: Step) -> PlannedStep:
        """The plan of one step, after those it needs; what it foresees is kept for those that follow."""
        try:
            condition = self._holds(step)
        except LifeboatError as error:
            return replace(_blank(step), problem=error.phrase)
        if condition is False:
            self.left_out.add(step.id)
            return replace(_blank(step), holds=False, parameters=step.parameters)
        planned = self._each(step) if step.for_each else self._one(step, Foresight(step, *self._known))
        if condition is None:
            return _maybe(planned)
        if not step.for_each:
            self.foreseen[step.id] = planned.plan.foreseen
        return replace(planned, holds=True if step.when is not None else None)

    @property
    def _given(self) -> tuple[Context, Mapping[str, Any], Outputs]:
        return self.context, self.values, {**self.foreseen, **{id_: {} for id_ in self.left_out}}

    @property
    def _known(self) -> tuple[Context, Mapping[str, Any], Outputs, set[str]]:
        return self.context, self.values, self.foreseen, self.left_out

    def _holds(self, step: Step) -> bool | None:
        """None: the condition needs an output that nobody knows yet."""
        if Foresight(step, *self._known).unknown(step.when):
            return None
        return holds(step, *self._given)

    def _each(self, step: Step) -> PlannedStep:
        """One plan for each item when the list is known, else one with the item as a placeholder."""
        assert step.for_each
        general = Foresight(step, *self._known)
        if unknown := general.unknown(step.for_each.items):
            planned = self._one(step, general)
            return replace(planned, unknown=tuple(sorted({*unknown, *planned.unknown})))
        try:
            items = elements(step, *self._given)
            parameters = general.render(step.parameters)
        except LifeboatError as error:
            return replace(_blank(step), problem=error.phrase)
        each = (self._element(step, number, item) for number, item in enumerate(items))
        return replace(_blank(step), parameters=parameters, elements=tuple(each), listed=True)

    def _element(self, step: Step, number: int, item: Any) -> PlannedStep:
        """Known by its item where that is a plain text."""
        one = step.model_copy(update={"id": row(step.id, number)})
        planned = self._one(one, Foresight(step, *self._known, item), item)
        return replace(planned, item=item if isinstance(item, str) else "")

    def _one(self, step: Step, known: Foresight, item: Any = None) -> PlannedStep:
        planned, unknown = _blank(step), known.unknown([step.parameters, step.region])
        earlier = any(name.startswith("steps.") for name in _names(step))
        rendered: dict[str, Any] = {}
        try:
            region = "" if known.unknown(step.region) else step_region(step, *self._given, item)
            rendered = known.render(step.parameters)
            planned = replace(planned, parameters=rendered, unknown=unknown, region=region)
            if region:
                planned = self._asked(step.model_copy(update={"region": region}), planned, earlier=earlier)
        except LifeboatError as error:
            if not (earlier and rendered):
                return _with_problem(planned, error.phrase)
            return replace(planned, plan=StepPlan(warnings=(phrase(_LATER, reason=error.phrase),)))
        return planned

    def _asked(self, step: Step, planned: PlannedStep, *, earlier: bool) -> PlannedStep:
        """With what AWS says, where it can be asked already. Raises what `plan_step` raises."""
        if step.uses and (barred := self._barred(step, step.uses.partition(".")[0], planned.region)):
            return replace(planned, problem=barred)
        if not step.uses or planned.unknown or (earlier and not step.action):
            return planned
        plan = self.plan_step(step, planned.parameters)
        planned = replace(planned, plan=plan, fixed=step.action is not None)
        problem = next(self._problems(step, planned), None)
        return _with_problem(planned, problem) if problem else planned

    def _problems(self, step: Step, planned: PlannedStep) -> Iterator[Phrase]:
        for call in planned.plan.calls:
            if barred := self._barred(step, f"{call.service}:{call.operation}", call.region or planned.region):
                yield barred
            yield from self.call_problems(call)
        for need in planned.plan.needs:
            if need.available is not None and need.needed > need.available:
                yield _not_enough(need)

    def _barred(self, step: Step, what: str, region: str) -> Phrase | None:
        if not self.context.failing or region != self.context.failing or step.best_effort:
            return None
        said = N_(
            "{what} would be called in {region}, which is failing: a failover must not depend on it. "
            "Let the step act in another region, or mark it best_effort."
        )
        return phrase(said, what=what, region=region)


_LATER = N_("Its calls are known only when the steps before it are done. As things are now: {reason}")


def _blank(step: Step) -> PlannedStep:
    """What the playbook alone says of a step."""
    match step.irreversible:
        case LocalText() as text:
            why = text.model_dump()
        case str() as text:
            why = {"en": text}
        case _:
            why = {}
    return PlannedStep(
        step.id, step.kind, step.uses, {}, (), StepPlan(), when="" if step.when is None else str(step.when),
        best_effort=step.best_effort, break_glass=step.break_glass, undo=step.undo.action if step.undo else None,
        irreversible=why,
    )  # fmt: skip


def _names(step: Step) -> Iterator[str]:
    """Every dotted name that its parameters and its region are made of."""
    return (".".join(name) for name in references([step.parameters, step.region]))


def _with_problem(planned: PlannedStep, why: Phrase) -> PlannedStep:
    """A step whose failure holds up nothing does not hold up the plan either."""
    if not planned.best_effort:
        return replace(planned, problem=why)
    said = phrase(N_("It would fail as things are now, and nothing depends on it: {reason}"), reason=why)
    return replace(planned, plan=replace(planned.plan, warnings=(*planned.plan.warnings, said)))


def _maybe(planned: PlannedStep) -> PlannedStep:
    """A step that may be left out: why it cannot run now is told, and does not refuse the plan."""
    planned = replace(planned, elements=tuple(map(_maybe, planned.elements)), fixed=False)
    if planned.problem is None:
        return planned
    said = phrase(N_("If it is not left out, and as things are now: {reason}"), reason=planned.problem)
    plan = replace(planned.plan, warnings=(*planned.plan.warnings, said))
    return replace(planned, problem=None, plan=plan)


def _not_enough(need: Need) -> Phrase:
    what = N_("Not enough: {what}: {needed:g} needed, {available:g} available. Free some or have the limit raised.")
    return phrase(what, what=need.what, needed=need.needed, available=need.available)


def _with_fixed(steps: Sequence[PlannedStep]) -> Iterator[PlannedStep]:
    """What an earlier step or element changes may change the calls of those after it: they are not fixed."""
    changed: set[str] = set()
    for step in steps:
        rows = []
        for one in step.rows:
            rows.append(replace(one, fixed=one.fixed and changed.isdisjoint(one.plan.touches)))
            changed |= set(one.plan.touches)
        yield replace(step, elements=tuple(rows)) if step.elements else rows[0]
