"""SSM Automation: executions of the documents that moto keeps, played step by step on the emulator's clock.

Nothing runs in a step: it takes its time and succeeds, unless it was told to fail; `aws:approve` waits for a signal.
The same client token gives the same execution, as AWS's idempotency says. Not emulated: targets, rate control, child
executions, branches, `onFailure`; outputs are the parameters.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from moto.ssm.exceptions import InvalidDocument

from bot.rehearsal.aws.call import Answer, AwsError, Call, Handler, Moto
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.moto_app import backend

_ENDED = {"Success", "Failed", "TimedOut", "Cancelled"}
_PARAMETER = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_APPROVAL_LASTS = 604_800  # seconds, when the step does not say


@dataclass
class Step:
    name: str
    action: str
    inputs: Mapping[str, Any]
    time_limit: timedelta
    status: str = "Pending"
    started_at: datetime | None = None
    ended_at: datetime | None = None
    failure: str = ""


@dataclass
class Execution:
    id: str
    request: Mapping[str, Any]
    version: str
    started_at: datetime
    steps: list[Step]
    status: str = "InProgress"
    ended_at: datetime | None = None
    failures: Mapping[str, str] = field(default_factory=dict)

    def advance(self, now: datetime, pace: timedelta) -> None:
        """Play what has happened until `now`; every step takes `pace`."""
        at = self.started_at
        for step in self.steps:
            if self.status in _ENDED:
                return
            if step.status == "Pending":
                step.status, step.started_at = "InProgress", at
            if step.status in {"InProgress", "Waiting"} and not self._play(step, now, pace):
                return
            at = step.ended_at or now
        if self.status not in _ENDED:
            self._end("Success", at)

    def signal(self, *, approved: bool, now: datetime) -> None:
        step = next((one for one in self.steps if one.status == "Waiting"), None)
        if step is None:
            raise AwsError("InvalidAutomationSignalException", "No step is waiting for an approval.")
        if approved:
            self._finish(step, "Success", now)
            self.status = "InProgress"
        else:
            step.failure = "Approval request was rejected."
            self._finish(step, "Failed", now)
            self._end("Failed", now)

    def stop(self, now: datetime) -> None:
        if self.status in _ENDED:
            raise AwsError("InvalidAutomationStatusUpdateException", "The execution has ended already.")
        for step in self.steps:
            if step.status in {"InProgress", "Waiting"}:
                self._finish(step, "Cancelled", now)
        self._end("Cancelled", now)

    def _play(self, step: Step, now: datetime, pace: timedelta) -> bool:
        """One running step; whether it has succeeded by now."""
        assert step.started_at is not None
        if step.action == "aws:approve":
            step.status = self.status = "Waiting"
            if now >= step.started_at + step.time_limit:
                step.failure = "The approval was not given in time."
                self._finish(step, "TimedOut", step.started_at + step.time_limit)
                self._end("TimedOut", step.started_at + step.time_limit)
            return False
        done_at = step.started_at + pace
        if now < done_at:
            return False
        step.failure = self.failures.get(step.name, "")
        self._finish(step, "Failed" if step.failure else "Success", done_at)
        if step.failure:
            self._end("Failed", done_at)
        return not step.failure

    def _finish(self, step: Step, status: str, at: datetime) -> None:
        step.status, step.ended_at = status, at

    def _end(self, status: str, at: datetime) -> None:
        self.status, self.ended_at = status, at


class Automations:
    """`fail_step` makes a step of a document fail from now on; `step_seconds` is divided by the clock's speed."""

    def __init__(self, clock: Clock, step_seconds: float = 2.0) -> None:
        self._clock, self._pace = clock, clock.scaled(step_seconds)
        self._executions: dict[tuple[str, str], Execution] = {}
        self._tokens: dict[tuple[str, str], Execution] = {}
        self._failures: dict[str, dict[str, str]] = {}

    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        return {
            ("ssm", "StartAutomationExecution"): self._start,
            ("ssm", "GetAutomationExecution"): self._get,
            ("ssm", "SendAutomationSignal"): self._signal,
            ("ssm", "StopAutomationExecution"): self._stop,
        }

    def fail_step(self, document: str, step: str, message: str = "Step fails on purpose.") -> None:
        self._failures.setdefault(document, {})[step] = message

    def count(self, region: str = "us-east-1") -> int:
        """How many executions were started there."""
        return sum(where == region for where, _ in self._executions)

    async def _start(self, call: Call, _moto: Moto) -> Answer:
        asked, now = call.parameters, self._clock.now()
        token = (call.region, str(asked.get("ClientToken", uuid4())).lower())
        known = self._tokens.get(token)
        if known is not None:
            if _without_token(known.request) != _without_token(asked):
                raise AwsError("IdempotentParameterMismatch", "The token was used with other parameters.")
            return {"AutomationExecutionId": known.id}
        version, content = _document(call.region, asked["DocumentName"], asked.get("DocumentVersion"))
        _check_parameters(content, asked.get("Parameters", {}))
        given = {name: ", ".join(values) for name, values in asked.get("Parameters", {}).items()}
        steps = [_step(each, given, self._clock) for each in content["mainSteps"]]
        failures = self._failures.get(asked["DocumentName"], {})
        execution = Execution(str(uuid4()), asked, version, now, steps, failures=failures)
        self._tokens[token] = self._executions[call.region, execution.id] = execution
        return {"AutomationExecutionId": execution.id}

    async def _get(self, call: Call, _moto: Moto) -> Answer:
        return {"AutomationExecution": _shown(self._execution(call))}

    async def _signal(self, call: Call, _moto: Moto) -> Answer:
        kind = call.parameters["SignalType"]
        if kind not in {"Approve", "Reject"}:
            raise AwsError("InvalidAutomationSignalException", f"The emulated AWS does not know the signal {kind}.")
        self._execution(call).signal(approved=kind == "Approve", now=self._clock.now())
        return {}

    async def _stop(self, call: Call, _moto: Moto) -> Answer:
        self._execution(call).stop(self._clock.now())
        return {}

    def _execution(self, call: Call) -> Execution:
        """The one that is meant, played up to now."""
        wanted = call.parameters["AutomationExecutionId"]
        execution = self._executions.get((call.region, wanted))
        if execution is None:
            raise AwsError("AutomationExecutionNotFoundException", f"There is no automation execution {wanted}.")
        execution.advance(self._clock.now(), self._pace)
        return execution


def _document(region: str, name: str, version: str | None) -> tuple[str, Mapping[str, Any]]:
    wanted = None if version in {None, "$DEFAULT"} else version
    try:
        found = backend("ssm", region).get_document(name, wanted, None, "JSON")
    except InvalidDocument as error:
        raise AwsError("AutomationDefinitionNotFoundException", f"There is no automation document {name}.") from error
    return str(found["DocumentVersion"]), json.loads(found["Content"])


def _without_token(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """Tokens are the same in capital letters."""
    return {name: value for name, value in asked.items() if name != "ClientToken"}


def _check_parameters(content: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    declared = content.get("parameters", {})
    unknown = given.keys() - declared.keys()
    missing = {name for name, one in declared.items() if "default" not in one} - given.keys()
    if unknown or missing:
        what = f"Unknown parameters: {sorted(unknown)}. Missing parameters: {sorted(missing)}."
        raise AwsError("InvalidAutomationExecutionParametersException", what)


def _step(content: Mapping[str, Any], given: Mapping[str, str], clock: Clock) -> Step:
    limit = clock.scaled(float(content.get("timeoutSeconds", _APPROVAL_LASTS)))
    return Step(content["name"], content["action"], _filled(content.get("inputs", {}), given), limit)


def _filled(value: Any, given: Mapping[str, str]) -> Any:
    """The inputs of a step with the document's parameters in them, as AWS shows them."""
    if isinstance(value, str):
        return _PARAMETER.sub(lambda found: given.get(found[1], found[0]), value)
    if isinstance(value, Mapping):
        return {name: _filled(part, given) for name, part in value.items()}
    return [_filled(part, given) for part in value] if isinstance(value, list) else value


def _shown(execution: Execution) -> dict[str, Any]:
    current = next((step for step in execution.steps if step.status in {"InProgress", "Waiting"}), None)
    failed = next((step for step in execution.steps if step.failure), None)
    shown = {
        "AutomationExecutionId": execution.id,
        "DocumentName": execution.request["DocumentName"],
        "DocumentVersion": execution.version,
        "ExecutionStartTime": execution.started_at,
        "ExecutionEndTime": execution.ended_at,
        "AutomationExecutionStatus": execution.status,
        "StepExecutions": [_shown_step(step) for step in execution.steps],
        "StepExecutionsTruncated": False,
        "Parameters": execution.request.get("Parameters", {}),
        "Outputs": execution.request.get("Parameters", {}) if execution.status == "Success" else {},
        "FailureMessage": f"Step fails when it is {failed.action}. {failed.failure}" if failed else None,
        "CurrentStepName": current.name if current else None,
        "CurrentAction": current.action if current else None,
    }
    return {name: value for name, value in shown.items() if value is not None}


def _shown_step(step: Step) -> dict[str, Any]:
    shown = {
        "StepName": step.name,
        "Action": step.action,
        "StepStatus": step.status,
        "ExecutionStartTime": step.started_at,
        "ExecutionEndTime": step.ended_at,
        "Inputs": {name: json.dumps(value) for name, value in step.inputs.items()},
        "FailureMessage": step.failure or None,
        "StepExecutionId": step.name,
    }
    return {name: value for name, value in shown.items() if value is not None}
