"""region_switch.execute_plan and region_switch.plan_ready, against the emulated AWS."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from bot.aws.region_switch import ExecutePlan, PlanReady, Switch, Which
from bot.errors import ActionFailed
from bot.playbook.action import Asks, Done, Failed, Working
from bot.playbook.fence import Fence
from bot.rehearsal.aws.emulator import EmulatedAws
from bot.rehearsal.front import APPROVAL, CAPACITY, OTHER_REGION, REGION, TRAFFIC, Front
from tests.aws.rehearsed import Cloud, Step

SERVICE = "arc-region-switch"


@pytest.fixture
def plan(emulated: EmulatedAws) -> str:
    """A plan with an approval, a step that knows an ungraceful way, and one that does not."""
    return Front(emulated).make_plan()


@pytest.fixture
def cloud(emulated: EmulatedAws) -> Cloud:
    emulated.calls.clear()
    return Cloud(emulated, OTHER_REGION)


@pytest.fixture
def switch(plan: str, cloud: Cloud) -> Step:
    return Step(ExecutePlan(), Switch(plan=plan, region=OTHER_REGION), cloud)


def state(step: Step) -> Any:
    [execution] = step.cloud.aws.region_switch.executions(step.params.plan, OTHER_REGION)
    return execution


def ready(plan: str, cloud: Cloud, region: str = OTHER_REGION, **more: str) -> Any:
    params = Which(plan=plan, region=region, **more)
    return PlanReady().look(params, cloud, Step(PlanReady(), params, cloud).attempt())


def test_the_plan_shows_the_steps_of_aws_and_the_call(switch: Step, cloud: Cloud, plan: str) -> None:
    shown = ExecutePlan().plan(switch.params, cloud, switch.attempt())
    [call] = shown.calls
    assert (call.operation, call.region) == ("StartPlanExecution", OTHER_REGION)
    assert call.parameters["mode"] == "graceful"
    assert call.parameters["comment"] == "Lifeboat inc-7 run-1/switch/1"
    assert [(change.before, change.after) for change in shown.changes] == [
        (None, "ManualApproval"),
        (None, "ECSServiceScaling"),
        (None, "ARCRoutingControl"),
    ]
    assert shown.touches == (f"region-switch:{plan}",)
    assert any(APPROVAL in str(warning) for warning in shown.warnings)
    assert cloud.changes(SERVICE) == []
    switch.act()
    assert cloud.aws.calls.of(SERVICE, "StartPlanExecution")[0].parameters == call.parameters


def test_it_asks_for_the_approval_of_aws_and_then_waits_to_the_end(switch: Step, cloud: Cloud) -> None:
    asked = switch.act()
    assert isinstance(asked, Asks)
    assert APPROVAL in switch.questions[0]
    done = switch.wait(switch.act("yes"))
    assert isinstance(done, Done)
    assert state(switch).state == "completed"
    assert done.output["recovery_time"].startswith("PT")
    assert isinstance(done.note.fields["took"], timedelta), "people do not read ISO 8601"
    assert done.output["exceptions"] == []
    assert set(done.output) == set(ExecutePlan.facts.outputs)
    assert any(f"3 of 3: {TRAFFIC}" in note for note in switch.notes)
    assert cloud.changes(SERVICE) == ["StartPlanExecution", "ApprovePlanExecutionStep"]


def test_nothing_is_asked_of_the_region_that_fails_or_of_the_control_plane(switch: Step, cloud: Cloud) -> None:
    cloud.aws.faults.cut(region=REGION)
    fenced = Fence(cloud, REGION)
    params = switch.params
    assert isinstance(PlanReady().look(Which(plan=params.plan, region=OTHER_REGION), fenced, switch.attempt()), Done)
    ExecutePlan().plan(params, fenced, switch.attempt())
    assert isinstance(switch.run(["yes"]), Done)
    assert {call.region for call in cloud.aws.calls} == {OTHER_REGION}
    assert not cloud.aws.calls.of(SERVICE, "GetPlan")


def test_a_second_act_of_the_same_attempt_begins_nothing(switch: Step, cloud: Cloud) -> None:
    ExecutePlan().act(switch.params, cloud, switch.attempt())
    again = ExecutePlan().act(switch.params, cloud, switch.attempt(again=True))
    assert isinstance(again, Asks)
    assert cloud.changes(SERVICE) == ["StartPlanExecution"]
    assert state(switch).id == again.memory["execution"]


def test_an_execution_whose_answer_was_lost_is_found(switch: Step, cloud: Cloud) -> None:
    cloud.aws.faults.lose_answer(SERVICE, "StartPlanExecution", times=1)
    with pytest.raises(ActionFailed):
        switch.act()
    assert isinstance(switch.run(["yes"]), Done)
    assert cloud.changes(SERVICE).count("StartPlanExecution") == 1


def test_one_that_aws_does_not_list_yet_is_still_the_same_one(switch: Step, cloud: Cloud, plan: str) -> None:
    """The client token is the second guard, behind the comment."""
    [call] = switch.plan().calls
    first = cloud.client(SERVICE).start_plan_execution(**call.parameters)["executionId"]
    again = cloud.client(SERVICE).start_plan_execution(**call.parameters)["executionId"]
    assert first == again


def test_an_approval_that_was_given_is_not_given_twice(switch: Step, cloud: Cloud) -> None:
    switch.act()
    cloud.aws.faults.lose_answer(SERVICE, "ApprovePlanExecutionStep", times=1)
    with pytest.raises(ActionFailed):
        switch.act("yes")
    assert isinstance(switch.wait(switch.act("yes", again=True)), Done)
    assert cloud.changes(SERVICE).count("ApprovePlanExecutionStep") == 1


def test_a_no_declines_the_step_and_ends_it(switch: Step, cloud: Cloud) -> None:
    switch.act()
    declined = switch.act("no")
    assert isinstance(declined, Failed)
    assert "declined" in str(declined.why)
    asked = cloud.aws.calls.of(SERVICE, "ApprovePlanExecutionStep")[0].parameters
    assert asked["approval"] == "decline"
    assert state(switch).state != "completed"


def test_a_failed_step_may_be_done_again_ungracefully(switch: Step, cloud: Cloud, plan: str) -> None:
    cloud.aws.region_switch.fail_step(plan, CAPACITY, ungraceful_helps=True)
    asked = switch.run(["yes"])
    assert isinstance(asked, Asks)
    assert "ungraceful" in switch.questions[-1]
    assert "on purpose" in switch.questions[-1]  # AWS's own words
    assert isinstance(switch.wait(switch.act("yes")), Done)
    assert cloud.aws.calls.of(SERVICE, "UpdatePlanExecutionStep")[0].parameters["actionToTake"] == "switchToUngraceful"


def test_a_step_that_fails_ungracefully_too_is_left_to_people(switch: Step, cloud: Cloud, plan: str) -> None:
    cloud.aws.region_switch.fail_step(plan, CAPACITY)
    left = switch.run(["yes", "yes"])
    assert isinstance(left, Failed)
    assert "is paused" in str(left.why)
    assert state(switch).state == "pausedByFailedStep"
    assert len(switch.questions) == 2


def test_a_step_without_an_ungraceful_way_is_not_offered_one(switch: Step, cloud: Cloud, plan: str) -> None:
    cloud.aws.region_switch.fail_step(plan, TRAFFIC)
    left = switch.run(["yes", "yes"])
    assert isinstance(left, Failed)
    assert TRAFFIC in str(left.why)
    assert not cloud.aws.calls.of(SERVICE, "UpdatePlanExecutionStep")  # and never a skip


def test_a_no_leaves_the_failed_step_as_it_is(switch: Step, cloud: Cloud, plan: str) -> None:
    cloud.aws.region_switch.fail_step(plan, CAPACITY, ungraceful_helps=True)
    assert isinstance(switch.run(["yes", "no"]), Failed)
    assert state(switch).state == "pausedByFailedStep"


def test_a_retry_takes_up_the_execution_that_people_have_mended(switch: Step, cloud: Cloud, plan: str) -> None:
    cloud.aws.region_switch.fail_step(plan, TRAFFIC)
    switch.run(["yes"])
    cloud.client(SERVICE).update_plan_execution_step(
        planArn=plan, executionId=switch.memory["execution"], stepName=TRAFFIC, actionToTake="skip", comment="by hand"
    )
    second = Step(ExecutePlan(), switch.params, cloud, number=2)
    asked = second.run()
    assert isinstance(asked, Asks)  # completed with exceptions is no success until a person says so
    assert TRAFFIC in second.questions[0]
    done = second.act("yes")
    assert isinstance(done, Done)
    assert done.output["exceptions"] == [TRAFFIC]
    assert "except for" in str(done.note)
    assert cloud.changes(SERVICE).count("StartPlanExecution") == 1


def test_exceptions_that_nobody_accepts_are_a_failure(switch: Step, cloud: Cloud, plan: str) -> None:
    cloud.aws.region_switch.fail_step(plan, TRAFFIC)
    switch.run(["yes"])
    cloud.client(SERVICE).update_plan_execution_step(
        planArn=plan, executionId=switch.memory["execution"], stepName=TRAFFIC, actionToTake="skip", comment="by hand"
    )
    assert isinstance(Step(ExecutePlan(), switch.params, cloud, number=2).run(["no"]), Failed)


def test_a_retry_after_a_bad_end_begins_anew(switch: Step, cloud: Cloud, plan: str) -> None:
    switch.act()
    cloud.client(SERVICE).cancel_plan_execution(planArn=plan, executionId=switch.memory["execution"])
    ended = ExecutePlan().look(switch.params, cloud, switch.attempt())
    assert isinstance(ended, Failed)
    assert "canceled" in str(ended.why)
    assert isinstance(Step(ExecutePlan(), switch.params, cloud, number=2).run(["yes"]), Done)
    assert len(cloud.aws.region_switch.executions(plan, OTHER_REGION)) == 2


def test_what_somebody_else_has_begun_is_not_disturbed(switch: Step, cloud: Cloud, plan: str) -> None:
    theirs = {"planArn": plan, "targetRegion": OTHER_REGION, "action": "activate", "comment": "by hand"}
    cloud.client(SERVICE).start_plan_execution(**theirs)
    assert switch.plan().calls == ()
    refused = switch.act()
    assert isinstance(refused, Failed)
    assert "being executed already" in str(refused.why)
    assert isinstance(ready(plan, cloud), Failed)
    assert cloud.changes(SERVICE) == ["StartPlanExecution"]


def test_ungraceful_is_said_in_the_plan_and_asked_of_aws(plan: str, cloud: Cloud) -> None:
    step = Step(ExecutePlan(), Switch(plan=plan, region=OTHER_REGION, mode="ungraceful"), cloud)
    shown = step.plan()
    assert shown.calls[0].parameters["mode"] == "ungraceful"
    assert any("Ungraceful" in str(warning) for warning in shown.warnings)


def test_a_plan_is_ready_when_aws_finds_nothing(plan: str, cloud: Cloud) -> None:
    assert isinstance(ready(plan, cloud), Done)
    cloud.aws.region_switch.warn(plan, "The role may not scale the service.")
    found = ready(plan, cloud)
    assert isinstance(found, Failed)
    assert "may not scale" in str(found.why)
    assert cloud.changes(SERVICE) == []


def test_a_plan_that_cannot_do_this_is_refused(plan: str, cloud: Cloud) -> None:
    refused = ready(plan, cloud, do="deactivate")
    assert "no workflow" in str(refused.why)
    with pytest.raises(ActionFailed, match="eu-west-1"):
        ready(plan, cloud, region="eu-west-1")  # that region does not know the plan
    with pytest.raises(ActionFailed, match="knows no Region switch plan"):
        ready(plan[:-6] + "zzzzzz", cloud)


def test_a_deactivation_is_run_from_the_region_that_stays(emulated: EmulatedAws) -> None:
    plan = Front(emulated).make_plan("deactivate")
    step = Step(ExecutePlan(), Switch(plan=plan, region=REGION, do="deactivate"), Cloud(emulated, OTHER_REGION))
    [call] = step.plan().calls
    assert (call.region, call.parameters["targetRegion"]) == (OTHER_REGION, REGION)
    assert isinstance(step.run(["yes"]), Done)
    assert emulated.region_switch.executions(plan, REGION) == []


def test_a_step_that_waits_is_looked_at_later_and_later(switch: Step, cloud: Cloud) -> None:
    switch.act()
    working = switch.act("yes")
    assert isinstance(working, Working)
    assert working.again_in == timedelta(seconds=2)


def test_what_is_no_plan_is_refused_before_anything_is_asked() -> None:
    for bad in ({"plan": "shop"}, {"mode": "careless"}, {"do": "postRecovery"}):
        good = {"plan": "arn:aws:arc-region-switch::123456789012:plan/shop:abc123", "region": OTHER_REGION}
        assert Switch(**good)
        with pytest.raises(ValidationError):
            Switch(**{**good, **bad})
