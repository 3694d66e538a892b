"""Region switch through plain boto3."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bot.rehearsal.aws.emulator import EmulatedAws
from bot.rehearsal.front import APPROVAL, CAPACITY, OTHER_REGION, REGION, TRAFFIC, Front


@pytest.fixture
def plan(aws: EmulatedAws) -> str:
    return Front(aws).make_plan()


@pytest.fixture
def arc(aws: EmulatedAws) -> Any:
    return aws.client("arc-region-switch", OTHER_REGION)


def start(arc: Any, plan: str, **more: Any) -> str:
    asked = {"planArn": plan, "targetRegion": OTHER_REGION, "action": "activate", **more}
    return str(arc.start_plan_execution(**asked)["executionId"])


def states(arc: Any, plan: str, execution: str) -> tuple[str, list[str]]:
    found = arc.get_plan_execution(planArn=plan, executionId=execution)
    return found["executionState"], [step["status"] for step in found["stepStates"]]


def approve(arc: Any, plan: str, execution: str, approval: str = "approve") -> None:
    arc.approve_plan_execution_step(planArn=plan, executionId=execution, stepName=APPROVAL, approval=approval)


def later(aws: EmulatedAws, seconds: float) -> None:
    aws.clock.move(timedelta(seconds=seconds))


async def test_an_execution_waits_for_its_approval_and_then_takes_its_time(
    aws: EmulatedAws, arc: Any, plan: str
) -> None:
    id_ = start(arc, plan)
    assert states(arc, plan, id_) == ("pendingManualApproval", ["pendingApproval", "notStarted", "notStarted"])
    approve(arc, plan, id_)
    assert states(arc, plan, id_) == ("inProgress", ["completed", "running", "notStarted"])
    later(aws, 2)
    assert states(arc, plan, id_)[1] == ["completed", "completed", "running"]
    later(aws, 2)
    found = arc.get_plan_execution(planArn=plan, executionId=id_)
    assert (found["executionState"], found["actualRecoveryTime"]) == ("completed", "PT4S")


async def test_the_same_token_is_the_same_execution_and_another_one_must_wait(arc: Any, plan: str) -> None:
    id_ = start(arc, plan, clientToken="one")
    assert start(arc, plan, clientToken="one") == id_
    with pytest.raises(arc.exceptions.ConflictException):
        start(arc, plan, clientToken="two")
    arc.cancel_plan_execution(planArn=plan, executionId=id_)
    assert states(arc, plan, id_)[0] == "canceled"
    assert start(arc, plan, clientToken="two") != id_
    assert len(arc.list_plan_executions(planArn=plan)["items"]) == 2
    assert len(arc.list_plan_executions(planArn=plan, state="canceled")["items"]) == 1


async def test_a_failed_step_pauses_it_until_somebody_decides(aws: EmulatedAws, arc: Any, plan: str) -> None:
    aws.region_switch.fail_step(plan, CAPACITY, ungraceful_helps=True)
    aws.region_switch.fail_step(plan, TRAFFIC)
    id_ = start(arc, plan)
    states(arc, plan, id_)
    approve(arc, plan, id_)
    later(aws, 2)
    assert states(arc, plan, id_) == ("pausedByFailedStep", ["completed", "failed", "notStarted"])
    [event] = arc.list_plan_execution_events(planArn=plan, executionId=id_)["items"]
    assert (event["type"], event["stepName"]) == ("stepFailed", CAPACITY)
    update = {"planArn": plan, "executionId": id_, "comment": "-"}
    arc.update_plan_execution_step(**update, stepName=CAPACITY, actionToTake="switchToUngraceful")
    later(aws, 4)
    assert states(arc, plan, id_) == ("pausedByFailedStep", ["completed", "completed", "failed"])
    arc.update_plan_execution_step(**update, stepName=TRAFFIC, actionToTake="skip")
    assert states(arc, plan, id_) == ("completedWithExceptions", ["completed", "completed", "skipped"])


async def test_a_declined_approval_lets_nothing_else_begin(aws: EmulatedAws, arc: Any, plan: str) -> None:
    id_ = start(arc, plan)
    states(arc, plan, id_)
    approve(arc, plan, id_, "decline")
    later(aws, 60)
    assert states(arc, plan, id_)[1] == ["failed", "notStarted", "notStarted"]


async def test_a_plan_is_known_in_its_regions_and_an_execution_where_it_was_started(
    aws: EmulatedAws, arc: Any, plan: str
) -> None:
    id_ = start(arc, plan)
    home = aws.client("arc-region-switch", REGION)
    assert home.get_plan_in_region(arn=plan)["plan"]["regions"] == [REGION, OTHER_REGION]
    assert home.list_plan_executions(planArn=plan)["items"] == []
    with pytest.raises(ClientError, match="There is no execution"):
        home.get_plan_execution(planArn=plan, executionId=id_)
    elsewhere = aws.client("arc-region-switch", "eu-west-1")
    assert elsewhere.list_plans_in_region()["plans"] == []
    with pytest.raises(ClientError, match="There is no plan"):
        elsewhere.get_plan_in_region(arn=plan)


async def test_an_evaluation_finds_what_it_was_told_to_find(aws: EmulatedAws, arc: Any, plan: str) -> None:
    assert arc.get_plan_evaluation_status(planArn=plan)["evaluationState"] == "passed"
    aws.region_switch.warn(plan, "No capacity.")
    found = arc.get_plan_evaluation_status(planArn=plan)
    assert (found["evaluationState"], found["warnings"][0]["warningMessage"]) == ("actionRequired", "No capacity.")


async def test_what_the_plan_does_not_know_is_refused(arc: Any, plan: str) -> None:
    with pytest.raises(ClientError, match="IllegalArgument"):
        start(arc, plan, action="deactivate")
    with pytest.raises(ClientError, match="IllegalArgument"):
        start(arc, plan, targetRegion="eu-west-1")
