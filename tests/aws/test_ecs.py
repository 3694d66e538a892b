"""ecs.restart_service, ecs.can_restart and ecs.service_steady."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.aws.ecs.restart import CanRestart, RestartService
from bot.aws.ecs.service import Which
from bot.aws.ecs.steady import ServiceSteady, Steady
from bot.aws.session import Session
from bot.errors import ActionFailed
from bot.playbook.action import Call, Done, Failed, Working
from tests.aws.fakes import T0, Ecs, Targets, World, attempt, refused

PARAMS = Which(cluster="shop", service="orders")
GROUP = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/orders/1"


@pytest.fixture
def ecs() -> Ecs:
    return Ecs()


@pytest.fixture
def targets() -> Targets:
    return Targets()


@pytest.fixture
def aws(ecs: Ecs, targets: Targets) -> World:
    return World(Session("us-east-1"), ecs=ecs, elbv2=targets)


def act(aws: World, after: float = 0, *, again: bool | None = None) -> Any:
    """Later than at first it is `again`, as the run says after a crash, unless the test says otherwise."""
    known = replace(attempt(after), again=after > 0 if again is None else again)
    return RestartService().act(PARAMS, aws, known)


def look(aws: World, memory: Any, after: float = 5) -> Any:
    return RestartService().look(PARAMS, aws, attempt(after, json.loads(json.dumps(memory))))


def test_the_plan_shows_the_call_that_act_makes(aws: World, ecs: Ecs) -> None:
    plan = RestartService().plan(PARAMS, aws, attempt())
    asked = {"cluster": "shop", "service": "orders", "forceNewDeployment": True}
    assert plan.calls == (Call("ecs", "UpdateService", asked),)
    assert (plan.changes[0].before, plan.changes[0].after) == ("ecs-svc/1 (orders:7)", "orders:7")
    assert [str(disturbed) for disturbed in plan.disturbs] == ["orders: down to 50 % of its tasks run meanwhile."]
    assert plan.touches == ("ecs:us-east-1:shop/orders",)
    assert ecs.changes == []
    act(aws)
    assert ("update_service", asked) in ecs.calls


def test_it_is_done_only_when_the_new_tasks_are_all_that_runs(aws: World, ecs: Ecs) -> None:
    memory = act(aws).memory
    for change in ({"runningCount": 1}, {"runningCount": 2, "pendingCount": 1}, {"pendingCount": 0}):
        ecs.service |= change
        assert isinstance(look(aws, memory), Working)  # the old deployment is still there
    ecs.service["deployments"] = ecs.service["deployments"][:1]
    assert isinstance(look(aws, memory), Working)  # not rolled out yet
    ecs.finish()
    for change in ({"runningCount": 1}, {"runningCount": 3}, {"runningCount": 2, "pendingCount": 1}):
        ecs.service |= change
        assert isinstance(look(aws, memory), Working)
    ecs.service["pendingCount"] = 0
    done = look(aws, memory)
    assert isinstance(done, Done)
    assert done.output == {"deployment": "ecs-svc/2", "running": 2}
    assert set(done.output) == set(RestartService.facts.outputs)


def test_a_second_act_adopts_the_deployment(aws: World, ecs: Ecs) -> None:
    memories = [act(aws, after).memory for after in (0, 1, 30)]
    assert ecs.count("update_service") == 1
    assert {memory["deployment"] for memory in memories} == {"ecs-svc/2"}


def test_a_restart_whose_answer_was_lost_is_adopted(aws: World, ecs: Ecs) -> None:
    ecs.fail_after["update_service"] = refused("ReadTimeoutError", retry=True)
    with pytest.raises(ActionFailed):
        act(aws)
    assert isinstance(act(aws, 5), Working)
    assert ecs.count("update_service") == 1


def test_a_restart_that_ended_before_we_came_back_is_recognised(aws: World, ecs: Ecs) -> None:
    act(aws)
    ecs.finish()
    memory = act(aws, 300).memory
    assert ecs.count("update_service") == 1
    assert isinstance(look(aws, memory, 301), Done)


def test_a_look_without_memory_finds_the_deployment_itself(aws: World, ecs: Ecs) -> None:
    act(aws)
    ecs.finish()
    assert isinstance(look(aws, {}), Done)


def test_the_deployment_before_the_attempt_is_not_taken_for_ours(aws: World) -> None:
    assert isinstance(look(aws, {}, 59), Working)
    assert isinstance(look(aws, {}, 60), Failed)


@pytest.mark.parametrize(("early", "adopted"), [(10, True), (11, False)])
def test_clocks_may_differ_by_ten_seconds(early: int, adopted: bool, aws: World, ecs: Ecs) -> None:
    ecs.service["deployments"][0]["createdAt"] = T0 - timedelta(seconds=early)
    act(aws, again=True)
    assert ecs.count("update_service") == (0 if adopted else 1)


def test_a_first_act_never_takes_somebody_elses_fresh_deployment_for_its_own(aws: World, ecs: Ecs) -> None:
    ecs.service["deployments"][0]["createdAt"] = T0 - timedelta(seconds=3)
    act(aws)
    assert ecs.count("update_service") == 1


def test_a_deployment_of_someone_else_is_not_disturbed(aws: World, ecs: Ecs) -> None:
    ecs.deploy()
    failed = act(aws)
    assert isinstance(failed, Failed)
    assert "ecs-svc/2" in str(failed.why)
    assert ecs.changes == []
    assert RestartService().plan(PARAMS, aws, attempt()).calls == ()
    assert isinstance(CanRestart().look(PARAMS, aws, attempt()), Failed)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"status": "DRAINING"}, "DRAINING"),
        ({"desiredCount": 0}, "no tasks"),
        ({"deploymentController": {"type": "CODE_DEPLOY"}}, "CODE_DEPLOY"),
    ],
)
def test_a_service_that_cannot_be_restarted_says_why(change: Any, word: str, aws: World, ecs: Ecs) -> None:
    ecs.service |= change
    for progress in (act(aws), CanRestart().look(PARAMS, aws, attempt())):
        assert isinstance(progress, Failed)
        assert word in str(progress.why)
    assert ecs.changes == []


def test_a_service_that_is_not_there(aws: World) -> None:
    with pytest.raises(ActionFailed, match="no service gone in cluster shop"):
        RestartService().act(Which(cluster="shop", service="gone"), aws, attempt())


def test_a_sick_service_may_be_restarted(aws: World, ecs: Ecs) -> None:
    ecs.service |= {"runningCount": 0, "pendingCount": 2}
    assert isinstance(CanRestart().look(PARAMS, aws, attempt()), Done)
    assert ecs.changes == []


def test_a_failed_rollout_ends_the_wait(aws: World, ecs: Ecs) -> None:
    memory = act(aws).memory
    ecs.service["deployments"][0] |= {"rolloutState": "FAILED", "rolloutStateReason": "circuit breaker"}
    failed = look(aws, memory)
    assert isinstance(failed, Failed)
    assert "circuit breaker" in str(failed.why)


def test_a_rollback_is_not_taken_for_our_success(aws: World, ecs: Ecs) -> None:
    memory = act(aws).memory
    ecs.deploy()
    ecs.finish()
    failed = look(aws, memory)
    assert isinstance(failed, Failed)
    assert "ecs-svc/3" in str(failed.why)


def test_tasks_that_fail_to_start_end_the_wait(aws: World, ecs: Ecs) -> None:
    memory = act(aws).memory
    memory = look(aws, memory).memory
    ecs.service["deployments"][0]["failedTasks"] = 1
    failed = look(aws, memory)
    assert isinstance(failed, Failed)
    assert "failed to start: 1" in str(failed.why)


def test_tasks_that_had_failed_before_we_adopted_do_not_end_it(aws: World, ecs: Ecs) -> None:
    act(aws)
    ecs.service["deployments"][0]["failedTasks"] = 1
    memory = act(aws, 30).memory
    assert isinstance(look(aws, memory), Working)
    ecs.service["deployments"][0]["failedTasks"] = 2
    assert isinstance(look(aws, memory), Failed)


@pytest.mark.parametrize(("before", "expected"), [(10, Failed), (11, Working)])
def test_no_room_for_a_task_ends_the_wait_if_it_is_news(before: int, expected: type, aws: World, ecs: Ecs) -> None:
    memory = act(aws).memory
    message = "(service orders) was unable to place a task because no container instance met all of its requirements."
    ecs.service["events"] = [{"createdAt": T0 - timedelta(seconds=before), "message": message}]
    assert isinstance(look(aws, memory), expected)


def test_running_tasks_must_also_be_healthy_behind_the_load_balancer(aws: World, ecs: Ecs, targets: Targets) -> None:
    ecs.service["loadBalancers"] = [{"targetGroupArn": GROUP}, {"loadBalancerName": "classic"}]
    memory = act(aws).memory
    ecs.finish()
    targets.healthy = 1
    waiting = look(aws, memory)
    assert isinstance(waiting, Working)
    assert "1 of 2" in str(waiting.note)
    targets.healthy = 2
    assert isinstance(look(aws, memory), Done)
    assert targets.calls[0] == ("describe_target_health", {"TargetGroupArn": GROUP})


def test_looking_never_changes_anything(aws: World, ecs: Ecs) -> None:
    memory = act(aws).memory
    look(aws, memory)
    look(aws, {})
    assert ecs.count("update_service") == 1


STEADY = Steady(cluster="shop", service="orders")


def test_a_service_is_steady_when_it_has_stayed_so(aws: World, ecs: Ecs) -> None:
    first = ServiceSteady().look(STEADY, aws, attempt(0))
    assert isinstance(first, Working)
    assert isinstance(ServiceSteady().look(STEADY, aws, attempt(14, first.memory)), Working)
    assert isinstance(ServiceSteady().look(STEADY, aws, attempt(15, first.memory)), Done)
    assert ecs.changes == []


def test_a_service_that_stumbles_begins_anew(aws: World, ecs: Ecs) -> None:
    ecs.service["runningCount"] = 1
    waiting = ServiceSteady().look(STEADY, aws, attempt(10, {"steady_since": T0.isoformat()}))
    assert isinstance(waiting, Working)
    assert "steady_since" not in waiting.memory


def test_a_service_whose_rollout_failed_is_not_awaited(aws: World, ecs: Ecs) -> None:
    ecs.service["deployments"][0]["rolloutState"] = "FAILED"
    assert isinstance(ServiceSteady().look(STEADY, aws, attempt()), Failed)


@pytest.mark.parametrize("delay", ["0", "30", "300"])
def test_the_deregistration_delay_is_told(delay: str, aws: World, ecs: Ecs, targets: Targets) -> None:
    ecs.service["loadBalancers"] = [{"targetGroupArn": GROUP}]
    targets.delay = delay
    [_, drains] = RestartService().plan(PARAMS, aws, attempt()).warnings
    assert str(drains).endswith(f"deregistration delay: {delay} s.")
