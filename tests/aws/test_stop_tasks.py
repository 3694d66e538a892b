"""ecs.stop_bad_tasks, against the emulated AWS."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from bot.aws.ecs.service import Which
from bot.aws.ecs.stop_tasks import StopBadTasks, at_once
from bot.errors import ActionFailed
from bot.playbook.action import Done, Failed, Progress, Working
from bot.rehearsal.aws.emulator import EmulatedAws
from tests.aws.rehearsed import Step
from tests.aws.services import CLUSTER, Served


@dataclass
class Waves(Step):
    """A step that is acted again while it says that there is more to do."""

    def wait(self, progress: Progress, most: int = 100) -> Progress:
        for _ in range(most):
            if not isinstance(progress, Working):
                return progress
            self.cloud.aws.clock.move(progress.again_in)
            progress = self.act() if progress.more else self.look()
        raise AssertionError(f"It never ends: {self.notes[-1]}")


@pytest.fixture
def served(emulated: EmulatedAws) -> Served:
    """Six tasks, three of them unhealthy."""
    made = Served(emulated, desired=6)
    sicken(made, 3)
    emulated.calls.clear()
    return made


@pytest.fixture
def stop(served: Served) -> Step:
    return step_of(served)


def step_of(served: Served) -> Step:
    return Waves(StopBadTasks(), Which(cluster=CLUSTER, service=served.name), served.cloud)


def sicken(served: Served, count: int) -> None:
    served.aws.ecs.sicken_tasks(served.name, CLUSTER, count=count)


def tasks(served: Served, status: str = "RUNNING") -> list[dict[str, Any]]:
    arns = served.ecs.list_tasks(cluster=CLUSTER, serviceName=served.name, desiredStatus=status)["taskArns"]
    found: list[dict[str, Any]] = served.ecs.describe_tasks(cluster=CLUSTER, tasks=arns)["tasks"] if arns else []
    return found


def stops(served: Served) -> int:
    return len(served.aws.calls.of("ecs", "StopTask"))


def test_the_plan_shows_the_calls_that_act_makes(stop: Step, served: Served) -> None:
    plan = StopBadTasks().plan(stop.params, served.cloud, stop.attempt())
    sick = {one["taskArn"] for one in tasks(served) if one["healthStatus"] == "UNHEALTHY"}
    assert {call.parameters["task"] for call in plan.calls} == sick
    assert plan.touches == (f"ecs:us-east-1:shop/{served.name}",)
    assert stops(served) == 0
    StopBadTasks().act(stop.params, served.cloud, stop.attempt())
    made = [call.parameters for call in served.aws.calls.of("ecs", "StopTask")]
    assert made == [call.parameters for call in plan.calls[:2]]


def test_it_is_done_when_every_sick_task_has_been_replaced(stop: Step, served: Served) -> None:
    healthy = {one["taskArn"] for one in tasks(served) if one["healthStatus"] == "HEALTHY"}
    assert isinstance(stop.run(), Done)
    assert stops(served) == 3
    assert {one["healthStatus"] for one in tasks(served)} == {"HEALTHY"}
    assert healthy <= {one["taskArn"] for one in tasks(served)}  # these were left alone
    assert isinstance(StopBadTasks().look(stop.params, served.cloud, stop.attempt()), Done)


def test_at_most_a_third_is_missing_at_any_time(stop: Step, served: Served) -> None:
    progress, seen = stop.act(), []
    while isinstance(progress, Working):
        seen.append(served.seen["runningCount"])
        served.settle(0.5)
        progress = stop.act()
    assert isinstance(progress, Done)
    assert min(seen) == 4


@pytest.mark.parametrize(("desired", "most"), [(1, 1), (2, 1), (3, 1), (5, 1), (6, 2), (8, 2), (9, 3)])
def test_a_third_is_rounded_down_but_never_to_none(desired: int, most: int) -> None:
    assert at_once({"desiredCount": desired}) == most


def test_acting_twice_at_once_stops_no_more_than_a_third(stop: Step, served: Served) -> None:
    stop.act()
    stop.act(again=True)
    assert stops(served) == 2


def test_a_lost_answer_is_found(stop: Step, served: Served) -> None:
    served.aws.faults.lose_answer("ecs", "StopTask", times=1)
    with pytest.raises(ActionFailed):
        stop.act()
    assert isinstance(stop.run(), Done)
    assert stops(served) == 3


def test_throttling_may_be_tried_again(stop: Step, served: Served) -> None:
    served.aws.faults.throttle("ecs", "StopTask", times=1)
    with pytest.raises(ActionFailed) as failed:
        stop.act()
    assert failed.value.kind == "throttled"
    assert isinstance(stop.run(), Done)


def test_a_retry_calls_only_what_was_approved(stop: Step, served: Served) -> None:
    approved = stop.plan().calls
    again = step_of(served)
    again.number = 2
    assert again.plan().calls == approved


def test_without_sick_tasks_nothing_is_stopped(emulated: EmulatedAws) -> None:
    served = Served(emulated)
    emulated.calls.clear()
    assert step_of(served).plan().calls == ()
    assert isinstance(step_of(served).run(), Done)
    assert stops(served) == 0


def test_when_the_new_tasks_are_sick_too_it_stops_stopping(stop: Step, served: Served) -> None:
    served.aws.ecs.spoil_release(served.running)
    failed = stop.run()
    assert isinstance(failed, Failed)
    assert "roll back" in str(failed.why)
    assert stops(served) == 2


def test_when_most_are_sick_the_plan_says_to_look_for_one_cause(stop: Step, served: Served) -> None:
    assert len(stop.plan().warnings) == 1
    sicken(served, 4)
    assert any("roll back" in str(warning) for warning in stop.plan().warnings)


@pytest.mark.parametrize(("running", "stopped"), [(59, 0), (60, 1)])
def test_a_task_in_its_grace_period_is_left_alone(running: int, stopped: int, emulated: EmulatedAws) -> None:
    served = Served(emulated, desired=1, healthCheckGracePeriodSeconds=60)
    [task] = tasks(served)
    emulated.clock.move(timedelta(seconds=running) - (emulated.clock.now() - task["startedAt"]))
    sicken(served, 1)
    assert len(step_of(served).plan().calls) == stopped
