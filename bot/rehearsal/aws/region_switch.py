"""ARC Region switch: plans, and their executions played step by step on the emulator's clock. moto has none of it.

A plan is made with `CreatePlan`, as in AWS, and is then known in each of its regions; an execution belongs to the region
that it was started in. A step takes its time and succeeds, unless it was told to fail; a ManualApproval step waits. A
failed step pauses the execution until it is skipped, switched to ungraceful, or the execution is cancelled. Blocks that
AWS runs in parallel run one after another. What AWS does after a declined approval is not documented: here the step fails.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from bot.rehearsal.aws.call import Answer, AwsError, Call, Handler, Moto
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.moto_app import ACCOUNT
from bot.rehearsal.aws.paging import paged

_ENDED = {"completed", "completedWithExceptions", "canceled", "failed"}
_SETTINGS = ("recoveryTimeObjectiveMinutes", "description", "primaryRegion")


@dataclass
class Step:
    name: str
    block: str
    mode: str
    status: str = "notStarted"
    started_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass
class Execution:
    """`failures`: which steps fail, and whether ungraceful mode helps them."""

    id: str
    request: Mapping[str, Any]
    started_at: datetime
    steps: list[Step]
    failures: Mapping[str, bool]
    state: str = "inProgress"
    ended_at: datetime | None = None

    def advance(self, now: datetime, pace: timedelta) -> None:
        """Play what has happened until `now`; every step takes `pace`."""
        at = self.started_at
        for step in self.steps:
            if self.state in _ENDED:
                return
            if step.status == "notStarted":
                step.status, step.started_at = "running", at
            if step.status not in {"completed", "skipped"} and not self._play(step, now, pace):
                return
            at = step.ended_at or now
        if self.state not in _ENDED:
            skipped = any(step.status == "skipped" for step in self.steps)
            self.state, self.ended_at = ("completedWithExceptions" if skipped else "completed"), at

    def step(self, name: str, status: str) -> Step:
        found = next((one for one in self.steps if one.name == name and one.status == status), None)
        if found is None:
            raise AwsError("ResourceNotFoundException", f"Step {name} is not {status}.", 404)
        return found

    def _play(self, step: Step, now: datetime, pace: timedelta) -> bool:
        """One step that has begun; whether it is over well by now."""
        assert step.started_at is not None
        if step.block == "ManualApproval" and step.status == "running":
            step.status, self.state = "pendingApproval", "pendingManualApproval"
        if step.status != "running" or now < step.started_at + pace:
            return False
        step.ended_at = step.started_at + pace
        helps = self.failures.get(step.name)
        if helps is not None and not (helps and step.mode == "ungraceful"):
            step.status, self.state = "failed", "pausedByFailedStep"
            return False
        step.status = "completed"
        return True


@dataclass
class Plan:
    arn: str
    content: Mapping[str, Any]
    warnings: list[str] = field(default_factory=list)
    failures: dict[str, bool] = field(default_factory=dict)


class RegionSwitch:
    """`fail_step` and `warn` spoil a plan; `step_seconds` is divided by the clock's speed."""

    def __init__(self, clock: Clock, step_seconds: float = 2.0) -> None:
        self._clock, self._pace = clock, clock.scaled(step_seconds)
        self._plans: dict[str, Plan] = {}
        self._executions: dict[tuple[str, str], list[Execution]] = {}  # by region and plan
        self._tokens: dict[tuple[str, str, str], Execution] = {}  # by region, plan and client token

    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        by_name: dict[str, Handler] = {
            "CreatePlan": self._create,
            "GetPlanInRegion": self._get_plan,
            "ListPlansInRegion": self._list_plans,
            "GetPlanEvaluationStatus": self._evaluation,
            "StartPlanExecution": self._start,
            "ListPlanExecutions": self._list,
            "GetPlanExecution": self._get,
            "ListPlanExecutionEvents": self._events,
            "ApprovePlanExecutionStep": self._approve,
            "UpdatePlanExecutionStep": self._update_step,
            "CancelPlanExecution": self._cancel,
        }
        return {("arc-region-switch", name): handler for name, handler in by_name.items()}

    def fail_step(self, plan: str, step: str, *, ungraceful_helps: bool = False) -> None:
        """From now on that step of the plan fails; in ungraceful mode too, unless that helps."""
        self._plans[plan].failures[step] = ungraceful_helps

    def warn(self, plan: str, message: str) -> None:
        """The plan's evaluation finds something."""
        self._plans[plan].warnings.append(message)

    def executions(self, plan: str, region: str) -> list[Execution]:
        """All that were started in a region, played up to now."""
        found = self._executions.get((region, plan), [])
        for each in found:
            each.advance(self._clock.now(), self._pace)
        return found

    async def _create(self, call: Call, _moto: Moto) -> Answer:
        asked = call.parameters
        plan = Plan(f"arn:aws:arc-region-switch::{ACCOUNT}:plan/{asked['name']}:{uuid4().hex[:6]}", dict(asked))
        self._plans[plan.arn] = plan
        return {"plan": self._shown_plan(plan)}

    async def _get_plan(self, call: Call, _moto: Moto) -> Answer:
        return {"plan": self._shown_plan(self._plan(call, "arn"))}

    async def _list_plans(self, call: Call, _moto: Moto) -> Answer:
        here = [plan for plan in self._plans.values() if call.region in plan.content["regions"]]
        kept = ("arn", "owner", "name", "regions", "recoveryApproach", "primaryRegion", "version", "updatedAt")
        shown = [{k: v for k, v in self._shown_plan(plan).items() if k in kept} for plan in here]
        return paged(call, {"plans": shown})

    async def _evaluation(self, call: Call, _moto: Moto) -> Answer:
        plan, now = self._plan(call), self._clock.now()
        found = [
            {"version": "1", "warningStatus": "active", "warningUpdatedTime": now, "warningMessage": message}
            for message in plan.warnings
        ]
        state = "actionRequired" if found else "passed"
        about = {"planArn": plan.arn, "lastEvaluationTime": now, "lastEvaluatedVersion": "1", "region": call.region}
        return paged(call, {**about, "evaluationState": state, "warnings": found})

    async def _start(self, call: Call, _moto: Moto) -> Answer:
        asked, plan = call.parameters, self._plan(call)
        token = (call.region, plan.arn, str(asked.get("clientToken", uuid4())))
        execution = self._tokens.get(token)
        if execution is None:
            if any(
                one.state not in _ENDED for where in plan.content["regions"] for one in self.executions(plan.arn, where)
            ):
                raise AwsError("ConflictException", "The plan is being executed already.", 409)
            execution = self._new(plan, call)
            self._tokens[token] = execution
            self._executions.setdefault((call.region, plan.arn), []).append(execution)
        regions = {"activate": "activateRegion", "deactivate": "deactivateRegion"}
        named = {regions[asked["action"]]: asked["targetRegion"]} if asked["action"] in regions else {}
        return {"executionId": execution.id, "plan": plan.arn, "planVersion": "1", **named}

    async def _list(self, call: Call, _moto: Moto) -> Answer:
        plan, wanted = self._plan(call), call.parameters.get("state")
        found = [one for one in self.executions(plan.arn, call.region) if wanted in {None, one.state}]
        return paged(call, {"items": [_shown(one) for one in reversed(found)]})

    async def _get(self, call: Call, _moto: Moto) -> Answer:
        execution = self._execution(call)
        plan = self._plan(call)
        steps = [_shown_step(step) for step in execution.steps]
        return paged(call, {**_shown(execution), "stepStates": steps, "plan": self._shown_plan(plan)})

    async def _events(self, call: Call, _moto: Moto) -> Answer:
        failed = [step for step in self._execution(call).steps if step.status == "failed"]
        events = [
            {
                "timestamp": step.ended_at, "type": "stepFailed", "stepName": step.name, "eventId": uuid4().hex,
                "executionBlockType": step.block, "error": "The step fails on purpose.",
            }
            for step in failed
        ]  # fmt: skip
        return paged(call, {"items": events})

    async def _approve(self, call: Call, _moto: Moto) -> Answer:
        execution, now = self._execution(call), self._clock.now()
        step = execution.step(call.parameters["stepName"], "pendingApproval")
        step.ended_at = now
        approved = call.parameters["approval"] == "approve"
        step.status = "completed" if approved else "failed"
        execution.state = "inProgress" if approved else "pausedByFailedStep"
        return {}

    async def _update_step(self, call: Call, _moto: Moto) -> Answer:
        execution, now = self._execution(call), self._clock.now()
        step = execution.step(call.parameters["stepName"], "failed")
        execution.state = "inProgress"
        if call.parameters["actionToTake"] == "skip":
            step.status, step.ended_at = "skipped", now
        else:
            step.status, step.mode, step.started_at, step.ended_at = "running", "ungraceful", now, None
        return {}

    async def _cancel(self, call: Call, _moto: Moto) -> Answer:
        execution, now = self._execution(call), self._clock.now()
        if execution.state not in _ENDED:
            execution.state, execution.ended_at = "canceled", now
        return {}

    def _new(self, plan: Plan, call: Call) -> Execution:
        asked = call.parameters
        mode = asked.get("mode", "graceful")
        steps = [Step(one["name"], one["executionBlockType"], mode) for one in _workflow(plan, asked)]
        id_ = f"{call.region}/{uuid4().hex[:16]}"
        return Execution(id_, {**asked, "mode": mode}, self._clock.now(), steps, plan.failures)

    def _plan(self, call: Call, field: str = "planArn") -> Plan:
        plan = self._plans.get(call.parameters[field])
        if plan is None or call.region not in plan.content["regions"]:
            raise AwsError("ResourceNotFoundException", f"There is no plan {call.parameters[field]} here.", 404)
        return plan

    def _execution(self, call: Call) -> Execution:
        wanted = call.parameters["executionId"]
        for each in self.executions(self._plan(call).arn, call.region):
            if each.id == wanted:
                return each
        raise AwsError("ResourceNotFoundException", f"There is no execution {wanted}.", 404)

    def _shown_plan(self, plan: Plan) -> dict[str, Any]:
        asked = plan.content
        given = {name: asked[name] for name in _SETTINGS if name in asked}
        kept = ("name", "regions", "recoveryApproach", "workflows", "executionRole")
        about = {"arn": plan.arn, "owner": ACCOUNT, "version": "1", "updatedAt": self._clock.now()}
        return {**about, **{name: asked[name] for name in kept}, **given}


def _workflow(plan: Plan, asked: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The steps of the workflow for that action in that region; one without a region is for all of them."""
    for flow in plan.content["workflows"]:
        fits = flow.get("workflowTargetRegion") in {None, asked["targetRegion"]}
        if (
            flow["workflowTargetAction"] == asked["action"]
            and fits
            and asked["targetRegion"] in plan.content["regions"]
        ):
            return list(_flat(flow.get("steps", [])))
    raise AwsError("IllegalArgumentException", f"The plan cannot {asked['action']} {asked['targetRegion']}.")


def _flat(steps: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for step in steps:
        inner = step["executionBlockConfiguration"].get("parallelConfig", {}).get("steps")
        found += _flat(inner) if inner else [step]
    return found


def _shown(execution: Execution) -> dict[str, Any]:
    asked = execution.request
    shown = {
        "planArn": asked["planArn"],
        "executionId": execution.id,
        "version": "1",
        "comment": asked.get("comment"),
        "startTime": execution.started_at,
        "endTime": execution.ended_at,
        "mode": asked["mode"],
        "executionState": execution.state,
        "executionAction": asked["action"],
        "executionRegion": asked["targetRegion"],
        "actualRecoveryTime": _took(execution),
    }
    return {name: value for name, value in shown.items() if value is not None}


def _took(execution: Execution) -> str | None:
    """ISO 8601, in whole seconds as AWS writes it."""
    if execution.ended_at is None or not execution.state.startswith("completed"):
        return None
    return f"PT{int((execution.ended_at - execution.started_at).total_seconds())}S"


def _shown_step(step: Step) -> dict[str, Any]:
    times = {"startTime": step.started_at, "endTime": step.ended_at}
    known = {name: at for name, at in times.items() if at is not None}
    return {"name": step.name, "status": step.status, "stepMode": step.mode, **known}
