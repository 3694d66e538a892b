"""What Region switch says of a plan and of its executions, in the region that is asked. Reads only, data plane only."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import StringConstraints

from bot.errors import N_, ActionFailed, phrase
from bot.playbook.action import Aws

PlanArn = Annotated[
    str,
    StringConstraints(pattern=r"^arn:aws[a-zA-Z-]*:arc-region-switch::[0-9]{12}:plan/[a-zA-Z0-9-]{1,32}:[a-z0-9]{6}$"),
]

Plan = Mapping[str, Any]  # as GetPlanInRegion shows it
Execution = Mapping[str, Any]  # as ListPlanExecutions and GetPlanExecution show it

#: Over for good; every other state is one in which the plan cannot be started again.
WELL = frozenset({"completed", "completedWithExceptions"})
BADLY = frozenset({"failed", "canceled", "planExecutionTimedOut"})


@dataclass(frozen=True)
class Step:
    """`ungraceful`: the plan says how it is done when what it needs from the failing region is gone."""

    name: str
    block: str
    ungraceful: bool


def find_plan(aws: Aws, arn: str, region: str) -> Plan:
    """Raises `ActionFailed` when the region does not know the plan."""
    try:
        plan: Plan = aws.client("arc-region-switch", region).get_plan_in_region(arn=arn)["plan"]
    except ActionFailed as error:
        if error.code != "ResourceNotFoundException":
            raise
        what = N_(
            "{region} knows no Region switch plan {plan}. Correct its ARN, or the region: the plan names its own."
        )
        raise ActionFailed(phrase(what, region=region, plan=arn), code=error.code) from error
    return plan


def steps_for(plan: Plan, action: str, region: str) -> list[Step]:
    """What the plan does for that action in that region, in order; empty: it does not know how."""
    for flow in plan["workflows"]:
        if flow["workflowTargetAction"] == action and flow.get("workflowTargetRegion") in {None, region}:
            return list(_steps(flow.get("steps", ())))
    return []


def evaluation(aws: Aws, arn: str, region: str) -> tuple[str, tuple[str, ...]]:
    """What AWS's own regular check of the plan found: its state, and the warnings that still hold."""
    client = aws.client("arc-region-switch", region)
    answer = client.get_plan_evaluation_status(planArn=arn)
    state, found = str(answer.get("evaluationState", "unknown")), list(answer.get("warnings", ()))
    while token := answer.get("nextToken"):
        answer = client.get_plan_evaluation_status(planArn=arn, nextToken=token)
        found += answer.get("warnings", ())
    return state, tuple(_said(one) for one in found if one["warningStatus"] == "active")


def executions(aws: Aws, arn: str, region: str) -> list[Execution]:
    """All that this region knows of, newest first."""
    client = aws.client("arc-region-switch", region)
    answer = client.list_plan_executions(planArn=arn)
    found: list[Execution] = list(answer.get("items", ()))
    while token := answer.get("nextToken"):
        answer = client.list_plan_executions(planArn=arn, nextToken=token)
        found += answer.get("items", ())
    return sorted(found, key=lambda one: one["startTime"], reverse=True)


def find_execution(aws: Aws, arn: str, region: str, id_: str) -> Execution:
    """One execution with the states of all its steps."""
    client = aws.client("arc-region-switch", region)
    answer = client.get_plan_execution(planArn=arn, executionId=id_)
    execution: dict[str, Any] = {**answer, "stepStates": list(answer.get("stepStates", ()))}
    while token := answer.get("nextToken"):
        answer = client.get_plan_execution(planArn=arn, executionId=id_, nextToken=token)
        execution["stepStates"] += answer.get("stepStates", ())
    return execution


def failure_of(aws: Aws, arn: str, region: str, id_: str, step: str) -> str:
    """Why a step failed, in AWS's words; "-" when it does not say."""
    events = aws.client("arc-region-switch", region).list_plan_execution_events(planArn=arn, executionId=id_)["items"]
    failed = [one for one in events if one.get("type") == "stepFailed" and one.get("stepName") == step]
    if not failed:
        return "-"
    latest = max(failed, key=lambda one: one["timestamp"])
    return str(latest.get("error") or latest.get("description") or "-")


def _steps(steps: Sequence[Mapping[str, Any]]) -> Iterator[Step]:
    """Blocks that run side by side are steps of their own: AWS reports each under its name."""
    for step in steps:
        [settings] = step["executionBlockConfiguration"].values() or [{}]
        if inner := settings.get("steps"):
            yield from _steps(inner)
        else:
            yield Step(step["name"], step["executionBlockType"], bool(settings.get("ungraceful")))


def _said(warning: Mapping[str, Any]) -> str:
    step = warning.get("stepName")
    return f"{step}: {warning['warningMessage']}" if step else str(warning["warningMessage"])
