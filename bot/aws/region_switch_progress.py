"""What the state of an execution means for the step that watches it: wait, ask a person, done, or failed. Pure."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter, ValidationError

from bot.aws.polling import next_look
from bot.aws.region_switch_plan import BADLY, WELL, Execution, steps_for
from bot.errors import N_, Phrase, phrase
from bot.playbook.action import Asks, Attempt, Done, Failed, Progress, Working

#: Gives AWS's reason for the failure of a step; asked only when it is needed.
Why = Callable[[str], str]
_DURATION = TypeAdapter(timedelta)


def steps_in(execution: Execution, status: str) -> list[str]:
    return [one["name"] for one in execution["stepStates"] if one["status"] == status]


def progress(execution: Execution, attempt: Attempt, memory: Mapping[str, Any], why: Why) -> Progress:
    """What the execution's state means for the step. AWS shows an answer of ours with a delay: `told` holds those."""
    state, told = execution["executionState"], memory.get("told", ())
    if state in WELL | BADLY:
        return ended(execution, memory) if state == "completed" else _ended_otherwise(execution, memory, why)
    waiting = [step for step in steps_in(execution, "pendingApproval") if step not in told]
    if waiting:
        question = N_("AWS's plan asks: may step {step} begin? “No” declines it, and the plan stops there.")
        asked = {**memory, "asked": "approval", "step": waiting[0]}
        return Asks(phrase(question, step=waiting[0]), memory=asked)
    if state == "pausedByFailedStep":
        return _failed_step(execution, attempt, memory, why)
    return Working(_note(execution), again_in=next_look(attempt), memory=memory)


def _failed_step(execution: Execution, attempt: Attempt, memory: Mapping[str, Any], why: Why) -> Progress:
    for one in execution["stepStates"]:
        if one["status"] != "failed":
            continue
        step, graceful = one["name"], one.get("stepMode") == "graceful"
        if graceful and step in memory.get("told", ()):
            return Working(_note(execution), again_in=next_look(attempt), memory=memory)
        planned = {
            each.name: each
            for each in steps_for(execution["plan"], execution["executionAction"], execution["executionRegion"])
        }
        if not graceful or step not in planned or not planned[step].ungraceful:
            return Failed(stays_paused(execution, step, why))
        error = why(step)
        question = N_(
            "Step {step} of AWS's plan has failed: {error} Run it again in ungraceful mode? It then does not wait for the "
            "region that is left, and that region's latest data may be lost."
        )
        asked = {**memory, "asked": "ungraceful", "step": step}
        return Asks(phrase(question, step=step, error=error), memory=asked)
    return Working(_note(execution), again_in=next_look(attempt), memory=memory)


def _note(execution: Execution) -> Phrase:
    states = execution["stepStates"]
    over = sum(one["status"] in {"completed", "skipped", "canceled"} for one in states)
    now = next((one["name"] for one in states if one["status"] not in {"completed", "skipped", "canceled"}), "-")
    fields = {"step": now, "number": min(over + 1, len(states)), "all": len(states)}
    match execution["executionState"]:
        case "pausedByOperator":
            return phrase(
                N_("Somebody has paused the plan in AWS at step {step}; it goes on when they resume it"), **fields
            )
        case "completedMonitoringApplicationHealth":
            return phrase(N_("All {all} steps are done; AWS waits for the application's alarms to be green"), **fields)
    return phrase(N_("AWS executes step {number} of {all}: {step}"), **fields)


def ended(execution: Execution, memory: Mapping[str, Any]) -> Done:
    exceptions = [one["name"] for one in execution["stepStates"] if one["status"] != "completed"]
    took = execution.get("actualRecoveryTime", "")
    output = {"execution": memory["execution"], "recovery_time": took, "exceptions": exceptions}
    if exceptions:
        what = N_("AWS has executed the plan except for {steps}; recovery took {took}.")
        return Done(phrase(what, steps=", ".join(exceptions), took=_length(took)), output)
    what = N_("AWS has executed all {all} steps of the plan; recovery took {took}.")
    return Done(phrase(what, all=len(execution["stepStates"]), took=_length(took)), output)


def _length(written: str) -> timedelta | str:
    """AWS's ISO 8601 (`PT4M32S`) for people to read."""
    try:
        return _DURATION.validate_python(written)
    except ValidationError:
        return written or "-"


def _ended_otherwise(execution: Execution, memory: Mapping[str, Any], why: Why) -> Progress:
    """Ended, and not as planned: with exceptions only a person can say that it will do."""
    left = [one["name"] for one in execution["stepStates"] if one["status"] != "completed"]
    if execution["executionState"] == "completedWithExceptions":
        question = N_("AWS has ended the plan with exceptions; not done: {steps}. Is the switch good enough to go on?")
        asked = {**memory, "asked": "exceptions", "step": ""}
        return Asks(phrase(question, steps=", ".join(left) or "-"), memory=asked)
    failed = next(iter(steps_in(execution, "failed")), left[0] if left else "-")
    error = why(failed)
    what = N_(
        "AWS has ended the plan at step {step} ({state}): {error} Look at execution {id} in AWS, then retry the step."
    )
    fields = {"state": execution["executionState"], "error": error, "id": execution["executionId"]}
    return Failed(phrase(what, step=failed, **fields))


def declined(execution: Execution, step: str) -> Phrase:
    what = N_("Step {step} of AWS's plan was declined, so the plan does not go on. Cancel execution {id} in AWS.")
    return phrase(what, step=step, id=execution["executionId"])


def not_accepted(execution: Execution) -> Phrase:
    what = N_("AWS has ended the plan with exceptions, and that was not accepted. Look at execution {id} in AWS.")
    return phrase(what, id=execution["executionId"])


def stays_paused(execution: Execution, step: str, why: Why) -> Phrase:
    error = why(step)
    what = N_(
        "Step {step} of AWS's plan has failed: {error} Execution {id} is paused. Mend the cause and go on there, or skip the "
        "step there; then retry this one, and it takes up the same execution."
    )
    return phrase(what, step=step, error=error, id=execution["executionId"])
