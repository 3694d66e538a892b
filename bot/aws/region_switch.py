"""ARC Region switch: AWS's own engine for failovers, as a step. We start a plan, show how it goes, and pass answers on.

Everything here is Region switch's data plane, asked in the region that shall be active: the failing region and the control
plane in us-east-1 take no part (so `GetPlanInRegion`, never `GetPlan`).

A failed step pauses the execution. We offer to run that step again in ungraceful mode, where the plan says how; skipping
it is never offered, because what follows a step that was left out (traffic to a database that was not promoted) is for
somebody to decide who looks at the plan in AWS. When they have, a retry takes the same execution up again.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, ClassVar

from pydantic import StringConstraints

from bot.aws.calls import perform
from bot.aws.polling import next_look
from bot.aws.region_switch_plan import (
    BADLY,
    WELL,
    Execution,
    Plan,
    PlanArn,
    Step,
    evaluation,
    executions,
    failure_of,
    find_execution,
    find_plan,
    steps_for,
)
from bot.aws.region_switch_progress import Why, declined, ended, not_accepted, progress, stays_paused, steps_in
from bot.aws.tokens import comment_of, is_of_attempt, is_of_step, uuid_of
from bot.errors import N_, Phrase, phrase
from bot.playbook.action import (
    Attempt,
    Aws,
    Call,
    Change,
    Done,
    Facts,
    Failed,
    InputType,
    Params,
    Progress,
    StepPlan,
    Working,
    action,
    check,
)

_READS = (
    "arc-region-switch:GetPlanEvaluationStatus",
    "arc-region-switch:GetPlanInRegion",
    "arc-region-switch:ListPlanExecutions",
)
_DOES = (
    *_READS,
    "arc-region-switch:ApprovePlanExecutionStep",
    "arc-region-switch:GetPlanExecution",
    "arc-region-switch:ListPlanExecutionEvents",
    "arc-region-switch:StartPlanExecution",
    "arc-region-switch:UpdatePlanExecutionStep",
)
_PLANS = ("arn:{partition}:arc-region-switch::{account}:plan/*",)


class Which(Params):
    """`region`: the region to activate, or with `do: deactivate` the one to leave."""

    plan: PlanArn
    region: Annotated[str, InputType("region")]
    do: Annotated[str, StringConstraints(pattern=r"^(activate|deactivate)$")] = "activate"


class Switch(Which):
    """`mode`: `ungraceful` does not wait for what the failing region no longer gives, and may lose its latest data."""

    mode: Annotated[str, StringConstraints(pattern=r"^(graceful|ungraceful)$")] = "graceful"


@check(
    "region_switch.plan_ready",
    Which,
    permissions=_READS,
    calls=_READS,
    resources=dict.fromkeys(_READS, _PLANS),
    takes=timedelta(seconds=5),
)
class PlanReady:
    """Holds when the plan knows this switch, is not being executed, and AWS's evaluation of it has found nothing."""

    facts: ClassVar[Facts]

    def look(self, params: Which, aws: Aws, attempt: Attempt) -> Progress:  # noqa: ARG002  # nothing depends on it
        region = _where(params, aws)
        plan = find_plan(aws, params.plan, region)
        if problem := _unfit(params, plan) or _being_executed(plan, executions(aws, params.plan, region)):
            return Failed(problem)
        state, warnings = evaluation(aws, params.plan, region)
        if warnings or state == "actionRequired":
            what = N_(
                "AWS finds fault with plan {plan}: {warnings} Mend it, or skip this check if that does not matter now."
            )
            return Failed(phrase(what, plan=plan["name"], warnings=" ".join(warnings) or state))
        if state != "passed":
            what = N_("Plan {plan} can be executed from {region}, but AWS has not evaluated it lately ({state}).")
            return Done(phrase(what, plan=plan["name"], region=region, state=state))
        return Done(phrase(N_("Plan {plan} can be executed from {region}."), plan=plan["name"], region=region))


@action(
    "region_switch.execute_plan",
    Switch,
    permissions=_DOES,
    calls=_DOES,
    resources=dict.fromkeys(_DOES, _PLANS),
    plane="data",
    changes=N_("Has AWS execute the plan: its steps move the application to the region, or away from it."),
    undo=N_(
        "A plan is not taken back: switching back is a decision and a playbook of its own, such as switch-region-back."
    ),
    undone_by=None,
    recognised_by=N_("An execution of the plan whose comment carries this attempt's token."),
    outputs={"execution": "str", "recovery_time": "str", "exceptions": "list"},
    takes=timedelta(minutes=10),
)
class ExecutePlan:
    facts: ClassVar[Facts]

    def plan(self, params: Switch, aws: Aws, attempt: Attempt) -> StepPlan:
        region = _where(params, aws)
        plan = find_plan(aws, params.plan, region)
        touches = (f"region-switch:{params.plan}",)
        if problem := _unfit(params, plan) or _being_executed(plan, executions(aws, params.plan, region)):
            return StepPlan(warnings=(problem,), touches=touches)
        steps = steps_for(plan, params.do, params.region)
        what = N_("Step {number} of AWS's plan: {name}")
        everybody = phrase(
            N_("Everybody who uses what plan {plan} switches is disturbed until AWS has executed it."),
            plan=plan["name"],
        )
        return StepPlan(
            calls=(_start_call(params, region, attempt),),
            changes=tuple(
                Change(phrase(what, number=number, name=step.name), None, step.block)
                for number, step in enumerate(steps, 1)
            ),
            warnings=_warnings(params, steps, evaluation(aws, params.plan, region)[1]),
            disturbs=(everybody,),
            touches=touches,
        )

    def act(self, params: Switch, aws: Aws, attempt: Attempt) -> Progress:
        region = _where(params, aws)
        found = attempt.memory.get("execution") or _ours(params, aws, attempt)
        if found is None:
            plan = find_plan(aws, params.plan, region)
            if problem := _unfit(params, plan) or _being_executed(plan, executions(aws, params.plan, region)):
                return Failed(problem)
            found = perform(aws, _start_call(params, region, attempt))["executionId"]
        execution = find_execution(aws, params.plan, region, found)
        memory = {**attempt.memory, "execution": found}
        if attempt.answer is not None and "asked" in memory:
            return self._answered(params, aws, attempt, execution, memory)
        return progress(execution, attempt, memory, _why(params, aws, execution))

    def look(self, params: Switch, aws: Aws, attempt: Attempt) -> Progress:
        found = attempt.memory.get("execution") or _ours(params, aws, attempt)
        if found is None:
            return Failed(phrase(N_("No execution of {plan} has begun. Retry the step."), plan=params.plan))
        execution = find_execution(aws, params.plan, _where(params, aws), found)
        memory = {**attempt.memory, "execution": found}
        return progress(execution, attempt, memory, _why(params, aws, execution))

    def _answered(
        self, params: Switch, aws: Aws, attempt: Attempt, execution: Execution, memory: Mapping[str, Any]
    ) -> Progress:
        """Pass a person's word on to AWS; an answer that has arrived already is not sent again."""
        asked, step, yes = memory["asked"], memory["step"], attempt.answer == "yes"
        rest = {name: value for name, value in memory.items() if name not in {"asked", "step"}}
        if asked == "exceptions":
            return ended(execution, rest) if yes else Failed(not_accepted(execution))
        if asked == "approval":
            if step in steps_in(execution, "pendingApproval"):
                perform(aws, _approval_call(params, aws, execution, step, attempt))
            if not yes:
                return Failed(declined(execution, step))
        elif not yes:
            return Failed(stays_paused(execution, step, _why(params, aws, execution)))
        elif step in steps_in(execution, "failed"):
            perform(aws, _ungraceful_call(params, aws, execution, step, attempt))
        rest["told"] = [*memory.get("told", ()), step]
        note = phrase(N_("AWS goes on with step {step}"), step=step)
        return Working(note, again_in=next_look(attempt), memory=rest)


def _where(params: Which, aws: Aws) -> str:
    """The region to ask: the one that shall be active. It is the step's own when another one is left."""
    return params.region if params.do == "activate" else aws.region


def _why(params: Which, aws: Aws, execution: Execution) -> Why:
    """Asks AWS for the reason of a step's failure."""
    return lambda step: failure_of(aws, params.plan, _where(params, aws), execution["executionId"], step)


def _ours(params: Switch, aws: Aws, attempt: Attempt) -> str | None:
    """The execution that this attempt began, or one that an earlier attempt of the step began and that did not end badly."""
    for one in executions(aws, params.plan, _where(params, aws)):
        comment = one.get("comment", "")
        earlier = is_of_step(comment, attempt) and one["executionState"] not in BADLY
        if is_of_attempt(comment, attempt) or earlier:
            return str(one["executionId"])
    return None


def _unfit(params: Which, plan: Plan) -> Phrase | None:
    if params.region not in plan["regions"]:
        what = N_("Plan {plan} is for {regions}, not for {region}. Choose one of these, or another plan.")
        return phrase(what, plan=plan["name"], regions=", ".join(plan["regions"]), region=params.region)
    if not steps_for(plan, params.do, params.region):
        what = N_("Plan {plan} has no workflow to {do} {region}. Add one to the plan beforehand.")
        return phrase(what, plan=plan["name"], do=params.do, region=params.region)
    return None


def _being_executed(plan: Plan, known: list[Execution]) -> Phrase | None:
    """AWS executes a plan once at a time; what somebody else has begun is theirs to end."""
    for one in known:
        if one["executionState"] not in WELL | BADLY:
            what = N_(
                "Plan {plan} is being executed already: {do} {region} since {since} ({state}). Wait until that has ended, "
                "or cancel it in AWS."
            )
            fields = {"do": one["executionAction"], "region": one["executionRegion"], "since": one["startTime"]}
            return phrase(what, plan=plan["name"], state=one["executionState"], **fields)
    return None


def _warnings(params: Switch, steps: list[Step], found: tuple[str, ...]) -> tuple[Phrase, ...]:
    approvals = ", ".join(step.name for step in steps if step.block == "ManualApproval")
    said = [phrase(N_("AWS's evaluation of the plan: {warning}"), warning=warning) for warning in found]
    if params.mode == "ungraceful":
        said.append(
            phrase(
                N_(
                    "Ungraceful: what the region that is left has not replicated yet is lost, or has to be merged later."
                )
            )
        )
    if approvals:
        said.append(phrase(N_("AWS's plan asks for an approval at {steps}; the question comes here."), steps=approvals))
    said.append(
        phrase(N_("AWS does not say how much data would be lost: look at the replication lag before you approve."))
    )
    return tuple(said)


def _start_call(params: Switch, region: str, attempt: Attempt) -> Call:
    parameters = {
        "planArn": params.plan,
        "targetRegion": params.region,
        "action": params.do,
        "mode": params.mode,
        "comment": comment_of(attempt),
        "clientToken": uuid_of(attempt),
    }
    return Call("arc-region-switch", "StartPlanExecution", parameters, region)


def _approval_call(params: Switch, aws: Aws, execution: Execution, step: str, attempt: Attempt) -> Call:
    parameters = {
        "planArn": params.plan,
        "executionId": execution["executionId"],
        "stepName": step,
        "approval": "approve" if attempt.answer == "yes" else "decline",
        "comment": comment_of(attempt),
    }
    return Call("arc-region-switch", "ApprovePlanExecutionStep", parameters, _where(params, aws))


def _ungraceful_call(params: Switch, aws: Aws, execution: Execution, step: str, attempt: Attempt) -> Call:
    parameters = {
        "planArn": params.plan,
        "executionId": execution["executionId"],
        "stepName": step,
        "actionToTake": "switchToUngraceful",
        "comment": comment_of(attempt),
    }
    return Call("arc-region-switch", "UpdatePlanExecutionStep", parameters, _where(params, aws))
