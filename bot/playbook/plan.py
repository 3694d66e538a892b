"""The plan of a run: what every step would do, before anything is done. Pure; the caller asks AWS.

People approve `plan_hash`: it covers the playbook, the inputs, every call with its parameters, and the values before and
after. It leaves out the figures inside warnings ("about 1,204 items"), which move all the time and change nothing that
is done; a new kind of warning does change it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from bot.errors import N_, LifeboatError, Phrase, phrase
from bot.playbook.action import StepPlan
from bot.playbook.context import Context
from bot.playbook.graph import order
from bot.playbook.inputs import as_text
from bot.playbook.model import Kind, Playbook, Step
from bot.playbook.rendering import bind, parameters
from bot.playbook.stored import canonical, decode, encode
from bot.playbook.template import evaluate, is_template, references

__all__ = ["Plan", "PlannedStep", "assemble", "bind", "digest", "from_json", "parameters", "plan_hash", "to_json"]

#: Asked for each action whose parameters are known or foreseen, and for each check whose parameters are known. It may
#: raise any LifeboatError: that becomes the step's `problem`. For a check it may return an empty StepPlan, or what
#: looking now has shown.
PlanStep = Callable[[Step, Mapping[str, Any]], StepPlan]
Outputs = Mapping[str, Mapping[str, Any]]

#: How a plan shows an expression that needs an output nobody knows yet.
PLACEHOLDER = "\u2039{}\u203a"


@dataclass(frozen=True)
class PlannedStep:
    """One step of a plan. In `parameters`, what only an earlier step can say stands in angle quotes: its expression.

    `unknown` names those outputs; such a step has no calls yet. `problem` says why the step could not be planned. What a
    step would act on may be foreseen and not exist yet: then a failure to plan it is a warning, and no problem.
    """

    step: str
    kind: Kind
    uses: str | None
    parameters: Mapping[str, Any]
    unknown: tuple[str, ...]
    plan: StepPlan
    problem: Phrase | None = None


@dataclass(frozen=True)
class Plan:
    """A run before it runs. `digest` is of the playbook as it was; `inputs` are texts, times in UTC."""

    playbook: str
    digest: str
    region: str
    inputs: Mapping[str, str]
    steps: tuple[PlannedStep, ...]

    @property
    def problems(self) -> dict[str, Phrase]:
        """Why it cannot run as it is, by step."""
        return {step.step: step.problem for step in self.steps if step.problem}


def assemble(playbook: Playbook, context: Context, values: Mapping[str, Any], plan_step: PlanStep) -> Plan:
    """Plan every step, each after those it needs. `values` are `Filled.values`; `plan_step` asks AWS, reading only."""
    foreseen: dict[str, Mapping[str, Any]] = {}
    steps = []
    for id_ in order(playbook):
        planned = _planned(playbook.step(id_), context, values, foreseen, plan_step)
        foreseen[id_] = planned.plan.foreseen
        steps.append(planned)
    inputs = {name: as_text(value) for name, value in values.items() if value is not None}
    return Plan(playbook.name, digest(playbook), context.region, inputs, tuple(steps))


def plan_hash(plan: Plan) -> str:
    """What an approval is bound to: the same in every process for the same plan."""
    content = to_json(plan)
    for step in content["steps"]:
        step["plan"]["warnings"] = sorted({warning["message"] for warning in step["plan"]["warnings"]})
    return sha256(canonical(content).encode()).hexdigest()


def digest(playbook: Playbook) -> str:
    """The hash of a playbook's content, whatever its YAML looked like."""
    return sha256(canonical(playbook.model_dump(mode="json")).encode()).hexdigest()


def to_json(plan: Plan) -> dict[str, Any]:
    """The plan as plain JSON values."""
    return {**vars(plan), "inputs": dict(plan.inputs), "steps": [encode(vars(step)) for step in plan.steps]}


def from_json(stored: Mapping[str, Any]) -> Plan:
    """The plan that `to_json` was given."""
    steps = (decode(step) for step in stored["steps"])
    planned = tuple(PlannedStep(**{**step, "unknown": tuple(step["unknown"])}) for step in steps)
    return Plan(**{**stored, "steps": planned})


def _planned(
    step: Step, context: Context, values: Mapping[str, Any], foreseen: Outputs, plan_step: PlanStep
) -> PlannedStep:
    variables = context.variables(values, foreseen)
    earlier = {name for name in references(step.parameters) if name[0] == "steps"}
    unknown = tuple(sorted(".".join(name) for name in earlier if _is_unknown(name, variables)))
    rendered: dict[str, Any] = {}
    plan, problem = StepPlan(), None
    try:
        rendered = _render(step.parameters, variables)
        if step.uses and not unknown and (step.action or not earlier):
            plan = plan_step(step, rendered)
    except LifeboatError as error:
        if earlier and rendered:
            plan = StepPlan(warnings=(phrase(_LATER, reason=error.phrase),))
        else:
            problem = error.phrase
    return PlannedStep(step.id, step.kind, step.uses, rendered, unknown, plan, problem)


_LATER = N_("Its calls are known only when the steps before it are done. As things are now: {reason}")


def _is_unknown(name: tuple[str, ...], variables: Mapping[str, Any]) -> bool:
    """An output that no earlier step has foreseen."""
    if name[0] != "steps" or len(name) < 3:
        return False
    return name[2] not in variables["steps"].get(name[1], {})


_EXPRESSION = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


def _render(value: Any, variables: Mapping[str, Any]) -> Any:
    """Like `evaluate`, but an expression that needs an unknown output is shown instead of being evaluated."""
    if isinstance(value, Mapping):
        return {key: _render(item, variables) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_render(item, variables) for item in value]
    if not is_template(value) or not any(_is_unknown(name, variables) for name in references(value)):
        return evaluate(value, variables)
    return _EXPRESSION.sub(lambda found: _shown(found, variables), value)


def _shown(found: re.Match[str], variables: Mapping[str, Any]) -> str:
    if any(_is_unknown(name, variables) for name in references(found[0])):
        return PLACEHOLDER.format(found[1].strip())
    return as_text(evaluate(found[0], variables))
