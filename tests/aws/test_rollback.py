"""ecs.can_roll_back and ecs.rollback_task_definition, against the emulated AWS."""

from dataclasses import replace
from typing import Any

import pytest

from bot.aws.ecs.rollback import Back, CanRollBack, RollbackTaskDefinition
from bot.aws.ecs.service import Which
from bot.errors import ActionFailed
from bot.playbook.action import Call, Done, Failed, Working
from bot.rehearsal.aws.emulator import EmulatedAws
from tests.aws.rehearsed import Step
from tests.aws.services import CLUSTER, REGISTRY, Served


@pytest.fixture
def served(emulated: EmulatedAws) -> Served:
    """At its second release, which is bad; nothing that was done to build it is on the log."""
    made = Served(emulated)
    made.release()
    emulated.calls.clear()
    return made


@pytest.fixture
def back(served: Served) -> Step:
    return rollback(served)


def rollback(served: Served, **more: Any) -> Step:
    return Step(RollbackTaskDefinition(), Back(cluster=CLUSTER, service=served.name, **more), served.cloud)


def can(served: Served) -> Any:
    return Step(CanRollBack(), Which(cluster=CLUSTER, service=served.name), served.cloud).look()


def test_the_plan_shows_the_call_that_act_makes(back: Step, served: Served) -> None:
    plan = RollbackTaskDefinition().plan(back.params, served.cloud, back.attempt())
    asked = {"cluster": CLUSTER, "service": served.name, "taskDefinition": served.arn(f"{served.name}:1")}
    assert plan.calls == (Call("ecs", "UpdateService", asked),)
    assert [(one.before, one.after) for one in plan.changes] == [(f"{served.name}:2", f"{served.name}:1")]
    assert plan.touches == (f"ecs:us-east-1:shop/{served.name}",)
    assert served.updates() == []
    RollbackTaskDefinition().act(back.params, served.cloud, back.attempt())
    assert served.updates() == [asked]


def test_the_plan_says_that_data_does_not_go_back(back: Step) -> None:
    assert any("migration" in str(warning) for warning in back.plan().warnings)


def test_it_is_done_when_only_tasks_of_the_good_release_run(back: Step, served: Served) -> None:
    assert isinstance(back.act(), Working)
    assert isinstance(RollbackTaskDefinition().look(back.params, served.cloud, back.attempt()), Working)
    done = back.wait(back.look())
    assert isinstance(done, Done)
    assert set(done.output) == set(RollbackTaskDefinition.facts.outputs)
    assert done.output["task_definition"] == served.arn(f"{served.name}:1")
    assert {one["taskDefinition"] for one in served.seen["deployments"]} == {served.arn(f"{served.name}:1")}


def test_the_last_successful_release_is_taken_and_not_the_last_one(served: Served) -> None:
    bad = served.register()
    served.aws.ecs.spoil_release(bad, "crashes")
    served.deploy(bad)
    served.settle()
    assert isinstance(rollback(served).run(), Done)
    assert served.running == f"{served.name}:2"


def test_a_deployment_that_hangs_is_rolled_back_while_it_is_under_way(served: Served) -> None:
    bad = served.register()
    served.aws.ecs.spoil_release(bad, "crashes")
    served.deploy(bad)
    served.settle()
    assert served.seen["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    assert isinstance(can(served), Done)
    assert isinstance(rollback(served).run(), Done)


def test_a_second_act_starts_nothing(back: Step, served: Served) -> None:
    back.act()
    back.act(again=True)
    assert isinstance(back.run(), Done)
    assert len(served.updates()) == 1


def test_a_rollback_that_has_ended_before_we_came_back_is_recognised(back: Step, served: Served) -> None:
    back.act()
    served.settle()
    back.memory = {}
    assert isinstance(back.run(), Done)
    assert len(served.updates()) == 1
    assert served.running == f"{served.name}:1"


def test_a_lost_answer_is_no_second_step_back(served: Served) -> None:
    served.release()
    served.aws.calls.clear()
    step = rollback(served)
    served.aws.faults.lose_answer("ecs", "UpdateService", times=1)
    with pytest.raises(ActionFailed):
        step.act()
    assert isinstance(step.run(), Done)
    assert served.running == f"{served.name}:2"  # not :1
    assert len(served.updates()) == 1


def test_a_rollback_under_way_is_adopted_by_a_later_attempt(served: Served) -> None:
    served.release()
    first, second = rollback(served), rollback(served)
    first.act()
    served.settle(1)
    second.number = 2
    assert second.plan().calls == ()
    assert isinstance(second.run(), Done)
    assert served.running == f"{served.name}:2"


def test_a_newer_release_that_somebody_deploys_meanwhile_is_not_taken_for_ours(back: Step, served: Served) -> None:
    back.act()
    served.release()
    assert isinstance(back.look(), Failed)


def test_the_undo_goes_forward_to_what_ran_before(back: Step, served: Served) -> None:
    before = can(served).output
    assert before == {"current": served.arn(f"{served.name}:2"), "good": served.arn(f"{served.name}:1")}
    back.run()
    undo = rollback(served, task_definition=before["current"])
    assert [one.parameters["taskDefinition"] for one in undo.plan().calls] == [before["current"]]
    assert isinstance(undo.run(), Done)
    assert isinstance(undo.run(), Done)
    assert served.running == f"{served.name}:2"
    assert len(served.updates()) == 2


def test_an_undo_of_what_was_never_done_is_done(served: Served) -> None:
    undo = rollback(served, task_definition=f"{served.name}:2")
    assert undo.plan().calls == ()
    assert isinstance(undo.run(), Done)
    assert served.updates() == []


@pytest.mark.parametrize("controller", ["CODE_DEPLOY", "EXTERNAL"])
def test_a_service_of_another_controller_is_refused(controller: str, emulated: EmulatedAws) -> None:
    """A CodeDeploy service refuses another task definition in UpdateService."""
    served = Served(emulated, deploymentController={"type": controller})
    emulated.calls.clear()
    for progress in (rollback(served).act(), can(served)):
        assert isinstance(progress, Failed)
        assert controller in str(progress.why)
    assert rollback(served).plan().calls == ()
    assert served.updates() == []


def test_a_first_release_has_nothing_to_go_back_to(emulated: EmulatedAws) -> None:
    served = Served(emulated)
    for progress in (can(served), rollback(served).act()):
        assert isinstance(progress, Failed)
        assert "90 days" in str(progress.why)


def test_a_release_that_is_inactive_is_refused(back: Step, served: Served) -> None:
    served.ecs.deregister_task_definition(taskDefinition=f"{served.name}:1")
    failed = back.act()
    assert isinstance(failed, Failed)
    assert "INACTIVE" in str(failed.why)
    assert served.updates() == []


def test_a_release_whose_image_has_left_the_registry_is_refused(back: Step, served: Served) -> None:
    served.ecr.batch_delete_image(repositoryName=served.name, imageIds=[{"imageTag": "r1"}])
    failed = back.act()
    assert isinstance(failed, Failed)
    assert "no longer in ECR" in str(failed.why)


def test_a_tag_that_has_moved_would_bring_other_code_and_is_refused(back: Step, served: Served) -> None:
    served.push("r1", content="the bad code")
    failed = back.act()
    assert isinstance(failed, Failed)
    assert "has moved" in str(failed.why)
    assert served.updates() == []


def test_an_image_by_digest_is_looked_up_by_digest(emulated: EmulatedAws) -> None:
    served = Served(emulated)
    digest = served.push("x")
    served.release(f"{REGISTRY}/{served.name}@{digest}")
    served.release()
    assert isinstance(rollback(served).run(), Done)
    asked = emulated.calls.of("ecr", "DescribeImages")[-1].parameters
    assert asked["imageIds"] == [{"imageDigest": digest}]


def test_an_image_of_another_registry_is_no_obstacle_and_told(emulated: EmulatedAws) -> None:
    served = Served(emulated)
    served.release("public.ecr.aws/nginx/nginx:1")
    served.release()
    emulated.calls.clear()
    plan = rollback(served).plan()
    assert len(plan.calls) == 1
    assert any("public.ecr.aws/nginx" in str(warning) for warning in plan.warnings)
    assert emulated.calls.of("ecr", "DescribeImages") == []


def test_what_the_circuit_breaker_rolled_back_is_not_rolled_back_further(emulated: EmulatedAws) -> None:
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    served = Served(emulated, deploymentConfiguration=breaker)
    served.release()
    bad = served.register()
    emulated.ecs.spoil_release(bad, "crashes")
    served.deploy(bad)
    served.settle(120)
    assert served.running == f"{served.name}:2"
    failed = can(served)
    assert isinstance(failed, Failed)
    assert "ROLLBACK_SUCCESSFUL" in str(failed.why)


def test_the_hundred_and_first_deployment_is_read_too(served: Served) -> None:
    """ECS answers a hundred at a time, and describes twenty revisions at a time."""
    history = served.aws.ecs.rollouts["us-east-1", CLUSTER, served.name].history
    newest = history[0]
    history[:0] = [replace(newest, id=f"ecs-svc/{number}") for number in range(99)]
    assert len(history) == 101
    assert isinstance(can(served), Done)
    assert len(served.aws.calls.of("ecs", "ListServiceDeployments")) == 2


def test_throttling_may_be_tried_again(back: Step, served: Served) -> None:
    served.aws.faults.throttle("ecs", "UpdateService", times=1)
    with pytest.raises(ActionFailed) as failed:
        back.act()
    assert failed.value.kind == "throttled"
    assert isinstance(back.run(), Done)


@pytest.mark.parametrize("operation", ["ListServiceDeployments", "DescribeServiceRevisions"])
def test_a_history_that_we_may_not_read_is_told(operation: str, back: Step, served: Served) -> None:
    served.aws.faults.deny("ecs", operation)
    with pytest.raises(ActionFailed, match=f"ecs:{operation}"):
        back.act()
    assert served.updates() == []


def test_checking_finds_it_without_changing(served: Served) -> None:
    step = Step(CanRollBack(), Which(cluster=CLUSTER, service=served.name), served.cloud)
    assert isinstance(CanRollBack().look(step.params, served.cloud, step.attempt()), Done)
    assert served.updates() == []
