"""`ssm.run_automation`: an SSM Automation document as a step, its approvals and its progress shown where the run is.

The client token makes a second start the first one's answer. AWS does not say for how long it remembers a token, so after a
restart an `act` whose first call may have been sent long ago fails, and a person looks (`_TOKENS_LAST`).
"""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, ClassVar

from pydantic import Field, StringConstraints

from bot.aws.automation_document import find_document, misfits, steps_of
from bot.aws.calls import perform
from bot.aws.polling import next_look
from bot.aws.tokens import uuid_of
from bot.errors import N_, Phrase, phrase
from bot.playbook.action import (
    Asks,
    Attempt,
    Aws,
    Call,
    Change,
    Done,
    Facts,
    Failed,
    Params,
    Progress,
    StepPlan,
    Working,
    action,
)

_TOKENS_LAST = timedelta(minutes=15)
_WELL = frozenset({"Success", "CompletedWithSuccess"})
_BADLY = frozenset({"Failed", "TimedOut", "Cancelled", "Rejected", "CompletedWithFailure", "Exited"})
_OVER = _WELL | _BADLY

Execution = Mapping[str, Any]  # as GetAutomationExecution shows it
Step = Mapping[str, Any]
Value = str | tuple[str, ...]


class Run(Params):
    """`parameters`: those of the document; a list for a StringList. `version`: the default one when it is left out."""

    document: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_\-.:/]{3,128}$")]
    version: Annotated[str | None, Field(pattern=r"^([$]LATEST|[1-9][0-9]*)$")] = None
    parameters: Annotated[Mapping[str, Value], Field(max_length=200)] = {}


@action(
    "ssm.run_automation",
    Run,
    permissions=(
        "ssm:DescribeDocument",
        "ssm:GetAutomationExecution",
        "ssm:GetDocument",
        "ssm:SendAutomationSignal",
        "ssm:StartAutomationExecution",
    ),
    calls=(
        "ssm:DescribeDocument",
        "ssm:GetAutomationExecution",
        "ssm:GetDocument",
        "ssm:SendAutomationSignal",
        "ssm:StartAutomationExecution",
    ),
    resources={
        "ssm:StartAutomationExecution": ("arn:{partition}:ssm:{region}:{account}:automation-definition/*",),
        "ssm:SendAutomationSignal": ("arn:{partition}:ssm:{region}:{account}:automation-execution/*",),
    },
    plane="control",
    changes=N_("Has AWS run the document: whatever its steps do, in the order that it states."),
    undo=N_(
        "AWS does not take an automation back. The playbook names the document or the action that does, or why there is none."
    ),
    undone_by=None,
    recognised_by=N_("AWS answers a second start with the same client token with the execution of the first."),
    outputs={"execution": "str", "outputs": "list"},
    takes=timedelta(minutes=5),
)
class RunAutomation:
    facts: ClassVar[Facts]

    def plan(self, params: Run, aws: Aws, attempt: Attempt) -> StepPlan:
        document, content = find_document(aws, params.document, params.version)
        if problem := misfits(document, content, params.parameters):
            return StepPlan(warnings=(problem,))
        what = N_("Step {number} of document {document}: {name}")
        steps = steps_of(content)
        return StepPlan(
            calls=(_start_call(params, attempt),),
            changes=tuple(
                Change(phrase(what, number=number, document=params.document, name=step.name), None, step.action)
                for number, step in enumerate(steps, 1)
            ),
            warnings=tuple(
                phrase(N_("The document asks for an approval at {step}; the question comes here."), step=step.name)
                for step in steps
                if step.action == "aws:approve"
            ),
            touches=(f"ssm-automation:{aws.region}:{params.document}",),
        )

    def act(self, params: Run, aws: Aws, attempt: Attempt) -> Progress:
        found = attempt.memory.get("execution")
        if found is None:
            if attempt.again and attempt.now - attempt.started_at > _TOKENS_LAST:
                return Failed(_perhaps_begun(params, aws))
            problem = misfits(*find_document(aws, params.document, params.version), params.parameters)
            if problem:
                return Failed(problem)
            found = perform(aws, _start_call(params, attempt))["AutomationExecutionId"]
        execution = _find(aws, found)
        memory = {**attempt.memory, "execution": found}
        if attempt.answer is not None and "asked" in memory:
            return self._answered(aws, attempt, execution, memory)
        return _progress(execution, attempt, memory)

    def look(self, params: Run, aws: Aws, attempt: Attempt) -> Progress:
        found = attempt.memory.get("execution")
        if found is None:
            return Failed(_perhaps_begun(params, aws))
        return _progress(_find(aws, found), attempt, attempt.memory)

    def _answered(self, aws: Aws, attempt: Attempt, execution: Execution, memory: Mapping[str, Any]) -> Progress:
        """Pass a person's word on to AWS; an answer that has arrived already is not sent again."""
        step, yes = memory["asked"], attempt.answer == "yes"
        waiting = _waiting(execution)
        if waiting and waiting["StepName"] == step:
            perform(aws, _signal_call(execution, attempt))
        if not yes:
            what = N_("Step {step} of the automation was declined, so AWS ends execution {id} there.")
            return Failed(phrase(what, step=step, id=execution["AutomationExecutionId"]))
        rest = {name: value for name, value in memory.items() if name != "asked"}
        note = phrase(N_("AWS goes on with step {step}"), step=step)
        return Working(note, again_in=next_look(attempt), memory={**rest, "told": [*memory.get("told", ()), step]})


def _start_call(params: Run, attempt: Attempt) -> Call:
    parameters: dict[str, Any] = {"DocumentName": params.document, "ClientToken": uuid_of(attempt)}
    if params.version:
        parameters["DocumentVersion"] = params.version
    if params.parameters:
        parameters["Parameters"] = {name: _values(value) for name, value in params.parameters.items()}
    return Call("ssm", "StartAutomationExecution", parameters)


def _signal_call(execution: Execution, attempt: Attempt) -> Call:
    parameters = {
        "AutomationExecutionId": execution["AutomationExecutionId"],
        "SignalType": "Approve" if attempt.answer == "yes" else "Reject",
        "Payload": {"Comment": [f"Lifeboat {attempt.incident}"]},
    }
    return Call("ssm", "SendAutomationSignal", parameters)


def _values(value: Value) -> list[str]:
    """AWS takes a list for every parameter, with one item for a plain text."""
    return [value] if isinstance(value, str) else list(value)


def _find(aws: Aws, id_: str) -> Execution:
    execution: Execution = aws.client("ssm").get_automation_execution(AutomationExecutionId=id_)["AutomationExecution"]
    return execution


def _waiting(execution: Execution) -> Step | None:
    """The step that waits for an approval, if one does."""
    return next(
        (one for one in _steps(execution) if one.get("Action") == "aws:approve" and one["StepStatus"] == "Waiting"),
        None,
    )


def _steps(execution: Execution) -> Sequence[Step]:
    steps: Sequence[Step] = execution.get("StepExecutions", ())
    return steps


def _progress(execution: Execution, attempt: Attempt, memory: Mapping[str, Any]) -> Progress:
    """What the execution's state means for the step. AWS shows an answer of ours with a delay: `told` holds those."""
    status = execution["AutomationExecutionStatus"]
    if status in _WELL:
        return _done(execution)
    if status in _BADLY:
        return Failed(_why(execution))
    waiting = _waiting(execution)
    if waiting and waiting["StepName"] not in memory.get("told", ()):
        question = N_("The automation asks at step {step}: {message} Approve it? “No” ends the automation.")
        asked = {**memory, "asked": waiting["StepName"]}
        return Asks(phrase(question, step=waiting["StepName"], message=_message(waiting)), memory=asked)
    steps = _steps(execution)
    over = sum(one["StepStatus"] in _OVER for one in steps)
    fields = {"step": execution.get("CurrentStepName") or "-", "number": min(over + 1, len(steps)), "all": len(steps)}
    note = phrase(N_("AWS runs step {number} of {all}: {step}"), **fields)
    return Working(note, again_in=next_look(attempt), memory=memory)


def _message(step: Step) -> str:
    """What the document's author wrote to whoever approves; AWS shows inputs as JSON texts."""
    said = str(step.get("Inputs", {}).get("Message", ""))
    if said.startswith('"'):
        said = str(json.loads(said))
    return said or "-"


def _done(execution: Execution) -> Done:
    given = execution.get("Outputs", {})
    outputs = [f"{name}={value}" for name, values in sorted(given.items()) for value in values]
    output = {"execution": execution["AutomationExecutionId"], "outputs": outputs}
    what = N_("AWS has run all {all} steps of {document}.")
    return Done(phrase(what, all=len(_steps(execution)), document=execution["DocumentName"]), output)


def _why(execution: Execution) -> Phrase:
    """The step that failed, and AWS's words for it; what was done before it stays done."""
    failed = next((one for one in _steps(execution) if one["StepStatus"] in _BADLY), {})
    what = N_(
        "AWS has ended the automation at step {step} ({status}): {reason} What the steps before it did stays. Look at "
        "execution {id} in AWS, then retry the step or go on by hand."
    )
    fields = {
        "step": failed.get("StepName", "-"),
        "status": execution["AutomationExecutionStatus"],
        "reason": failed.get("FailureMessage") or execution.get("FailureMessage") or "-",
        "id": execution["AutomationExecutionId"],
    }
    return phrase(what, **fields)


def _perhaps_begun(params: Run, aws: Aws) -> Phrase:
    what = N_(
        "Whether the automation {document} was begun is not known: Lifeboat ended while it was starting it. Look at the "
        "executions of Systems Manager in {region}; if there is none, retry the step."
    )
    return phrase(what, document=params.document, region=aws.region)
