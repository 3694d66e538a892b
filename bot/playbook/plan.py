"""The plan of a run: what every step would do, before anything is done. Pure; `planning.py` makes it.

People approve `plan_hash`: it covers the playbook, the inputs, every call with its parameters, the values before and
after, whom it disturbs, what it needs and which permissions are missing. It leaves out what moves all the time and
changes nothing that is done: figures ("about 1,204 items"), what is available, what would be lost, cost, durations.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

from bot.errors import Phrase
from bot.playbook.action import Call, StepPlan
from bot.playbook.forecast import Spread
from bot.playbook.model import Kind, Playbook
from bot.playbook.stored import canonical, decode, encode


@dataclass(frozen=True)
class PlannedStep:
    """One step of a plan, or one element of a `for_each` (`step` is then `evacuate[0]`, and `item` what it is about).

    In `parameters`, what only an earlier step can say stands in angle quotes: its expression. `unknown` names those
    outputs; such a step has no calls yet. `problem` says why the step could not be planned. What a step would act on
    may be foreseen and not exist yet: then a failure to plan it is a warning, and no problem.

    `when` is the step's condition as it is written, "" for none; `holds` is what it says already: a step that does not
    hold is left out and has no calls. `elements`: one plan for each item, once the list is known (`listed`). `undo`
    names the action that takes the step back; else `irreversible` says why there is none, by language. `fixed`: nothing
    that comes before it in the run changes what it calls, so `same_calls` can tell whether the world has changed.
    """

    step: str
    kind: Kind
    uses: str | None
    parameters: Mapping[str, Any]
    unknown: tuple[str, ...]
    plan: StepPlan
    problem: Phrase | None = None
    when: str = ""
    holds: bool | None = None
    region: str = ""
    elements: tuple["PlannedStep", ...] = ()
    listed: bool = False
    best_effort: bool = False
    break_glass: bool = False
    undo: str | None = None
    irreversible: Mapping[str, str] = field(default_factory=dict)
    fixed: bool = False
    item: str = ""

    @property
    def left_out(self) -> bool:
        """Whether it is certain that the step does not run."""
        return bool(self.when) and self.holds is False

    @property
    def conditional(self) -> bool:
        """Whether the step may be left out, and nobody knows yet."""
        return bool(self.when) and self.holds is None

    @property
    def rows(self) -> tuple["PlannedStep", ...]:
        """What is really done: the step itself, or its elements."""
        return self.elements or (self,)


@dataclass(frozen=True)
class Plan:
    """A run before it runs. `digest` is of the playbook as it was; `inputs` are texts, times in UTC.

    `missing`: IAM actions that the caller lacks, as far as IAM says; `unchecked`: why it was not asked about (all of)
    them. `duration` None: nobody knows how long the steps in `untimed` take. `usual`: how long each action and check
    says that it takes, by its name. `valid_for`: how long it may be approved.
    """

    playbook: str
    digest: str
    region: str
    inputs: Mapping[str, str]
    steps: tuple[PlannedStep, ...]
    missing: tuple[str, ...] = ()
    unchecked: Phrase | None = None
    duration: Spread | None = None
    untimed: tuple[str, ...] = ()
    usual: Mapping[str, timedelta] = field(default_factory=dict)
    valid_for: timedelta | None = None

    @property
    def rows(self) -> Iterator[PlannedStep]:
        """Every step or element that does something."""
        for step in self.steps:
            yield from step.rows

    @property
    def problems(self) -> dict[str, Phrase]:
        """Why it cannot run as it is, by step or element."""
        found = {step.step: step.problem for step in (*self.steps, *self.rows)}
        return {step: problem for step, problem in found.items() if problem}

    @property
    def disturbs(self) -> tuple[Phrase, ...]:
        """Who or what feels it, each once."""
        every = (disturbed for row in self.rows for disturbed in row.plan.disturbs)
        return tuple({str(disturbed): disturbed for disturbed in every}.values())

    @property
    def loses(self) -> timedelta | None:
        """How much of the latest data would be gone, at most; None: no step says."""
        return max((row.plan.loses for row in self.rows if row.plan.loses is not None), default=None)

    @property
    def cost(self) -> Decimal | None:
        """In US dollars, once, of the steps that say; None: no step says."""
        known = [row.plan.cost for row in self.rows if row.plan.cost is not None]
        return sum(known, Decimal(0)) if known else None


def touches(plan: Plan) -> tuple[str, ...]:
    """Every resource that the run changes, sorted: no other run may change them meanwhile."""
    return tuple(sorted({resource for row in plan.rows for resource in row.plan.touches}))


def planned_step(plan: Plan, row: str) -> PlannedStep | None:
    """What was planned for a step or an element; None when it was not known that there would be one."""
    return next((step for step in (*plan.rows, *plan.steps) if step.step == row), None)


def same_calls(approved: PlannedStep | None, now: StepPlan, token: str = "") -> bool:
    """Whether the step would call nothing that was not approved; false: somebody else changed the world since.

    Fewer calls are fine: an earlier try has made them. What was not known when the plan was made is not compared, and
    neither are client tokens and what else names the attempt: `token` is `Attempt.token` without its number.
    """
    if approved is None or not approved.fixed:
        return True
    agreed = {_signature(call, token) for call in approved.plan.calls}
    return all(_signature(call, token) in agreed for call in now.calls)


def plan_hash(plan: Plan) -> str:
    """What an approval is bound to: the same in every process for the same plan."""
    content = {
        "playbook": plan.playbook, "digest": plan.digest, "region": plan.region, "inputs": plan.inputs,
        "missing": plan.missing, "steps": [_agreed(step) for step in plan.steps],
    }  # fmt: skip
    return sha256(canonical(encode(content)).encode()).hexdigest()


def digest(playbook: Playbook) -> str:
    """The hash of a playbook's content, whatever its YAML looked like."""
    return sha256(canonical(playbook.model_dump(mode="json")).encode()).hexdigest()


def to_json(plan: Plan) -> dict[str, Any]:
    """The plan as plain JSON values."""
    duration = encode(vars(plan.duration)) if plan.duration else None
    rest = {name: value for name, value in vars(plan).items() if name not in {"steps", "duration"}}
    return encode(rest) | {"steps": [_step_to_json(step) for step in plan.steps], "duration": duration}  # type: ignore[no-any-return]


def from_json(stored: Mapping[str, Any]) -> Plan:
    """The plan that `to_json` was given, or an older version of it: what that did not say is as if nobody knew."""
    rest = {name: _tuple(decode(value)) for name, value in stored.items() if name not in {"steps", "duration"}}
    duration = Spread(**decode(stored["duration"])) if stored.get("duration") else None
    return Plan(**rest, steps=tuple(_step_from_json(step) for step in stored["steps"]), duration=duration)


def _step_to_json(step: PlannedStep) -> dict[str, Any]:
    rest = {name: value for name, value in vars(step).items() if name != "elements"}
    return encode(rest) | {"elements": [_step_to_json(element) for element in step.elements]}  # type: ignore[no-any-return]


def _step_from_json(stored: Mapping[str, Any]) -> PlannedStep:
    rest = {name: decode(value) for name, value in stored.items() if name != "elements"}
    elements = tuple(_step_from_json(element) for element in stored.get("elements", ()))
    return PlannedStep(**{**rest, "unknown": tuple(rest["unknown"]), "elements": elements})


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _signature(call: Call, token: str) -> str:
    steady = {name: value for name, value in call.parameters.items() if not name.lower().endswith("token")}
    written = canonical(encode([call.service, call.operation, call.region, steady]))
    return re.sub(rf"{re.escape(token)}/\d+", token, written) if token else written


def _agreed(step: PlannedStep) -> dict[str, Any]:
    """What whoever approves agrees to, of one step."""
    plan = step.plan
    return {
        "step": step.step, "kind": step.kind, "uses": step.uses, "parameters": step.parameters,
        "unknown": step.unknown, "problem": _without_figures(step.problem) if step.problem else None,
        "holds": step.holds, "region": step.region, "elements": [_agreed(element) for element in step.elements],
        "calls": plan.calls, "changes": plan.changes, "foreseen": plan.foreseen, "touches": sorted(plan.touches),
        "warnings": sorted({warning.message for warning in plan.warnings}),
        "disturbs": [_without_figures(disturbed) for disturbed in plan.disturbs],
        "needs": [[_without_figures(need.what), need.needed] for need in plan.needs],
    }  # fmt: skip


def _without_figures(what: Phrase) -> Any:
    """A phrase without what moves by itself: numbers, times, durations."""
    names = {name: value for name, value in what.fields.items() if isinstance(value, str | Phrase)}
    return [what.message, {n: _without_figures(v) if isinstance(v, Phrase) else v for n, v in names.items()}]
