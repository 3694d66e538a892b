"""ecs.can_scale_out, ecs.scale_out and ecs.scale_back, against the emulated AWS."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from bot.aws.ecs.scale_back import ScaleBack, ScaledOut
from bot.aws.ecs.scale_out import CanScaleOut, Out, ScaleOut
from bot.errors import ActionFailed
from bot.playbook.action import Done, Failed, Working
from bot.rehearsal.aws.emulator import EmulatedAws
from tests.aws.rehearsed import Step
from tests.aws.services import CLUSTER, Served

MINIMUM, DESIRED = "RegisterScalableTarget", "UpdateService"


class Scaled(Served):
    """Two tasks, which autoscaling holds between two and ten."""

    def __init__(self, aws: EmulatedAws, *, minimum: int = 2, **settings: Any) -> None:
        super().__init__(aws, desired=2, **settings)
        self.scaling = aws.client("application-autoscaling")
        self.hold(minimum, 10)
        aws.calls.clear()

    def hold(self, minimum: int, most: int = 10) -> None:
        which = {"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}
        limits = {"MinCapacity": minimum, "MaxCapacity": most}
        self.scaling.register_scalable_target(**which, ResourceId=f"service/{CLUSTER}/{self.name}", **limits)

    @property
    def limits(self) -> tuple[int, int]:
        asked = {"ServiceNamespace": "ecs", "ResourceIds": [f"service/{CLUSTER}/{self.name}"]}
        [target] = self.scaling.describe_scalable_targets(**asked)["ScalableTargets"]
        return target["MinCapacity"], target["MaxCapacity"]

    @property
    def changes(self) -> list[str]:
        return [one.operation for one in self.aws.calls if one.operation in {MINIMUM, DESIRED}]


@pytest.fixture
def scaled(emulated: EmulatedAws) -> Scaled:
    return Scaled(emulated)


def out(scaled: Served, tasks: int = 6) -> Step:
    return Step(ScaleOut(), Out(cluster=CLUSTER, service=scaled.name, tasks=tasks), scaled.cloud)


def back(scaled: Served, tasks: int = 2, minimum: int = 2, scaled_to: int = 6) -> Step:
    params = ScaledOut(cluster=CLUSTER, service=scaled.name, tasks=tasks, minimum=minimum, scaled_to=scaled_to)
    return Step(ScaleBack(), params, scaled.cloud)


def can(scaled: Served, tasks: int = 6) -> Any:
    params = Out(cluster=CLUSTER, service=scaled.name, tasks=tasks)
    return CanScaleOut().look(params, scaled.cloud, out(scaled).attempt())


def test_the_plan_shows_the_calls_that_act_makes(scaled: Scaled) -> None:
    step = out(scaled)
    plan = ScaleOut().plan(step.params, scaled.cloud, step.attempt())
    assert [one.operation for one in plan.calls] == [MINIMUM, DESIRED]
    assert [(one.before, one.after) for one in plan.changes] == [("2", "6"), ("2", "6")]
    assert plan.touches == (f"ecs:us-east-1:shop/{scaled.name}",)
    assert scaled.changes == []
    ScaleOut().act(step.params, scaled.cloud, step.attempt())
    made = [one for one in scaled.aws.calls if one.operation in {MINIMUM, DESIRED}]
    assert [dict(one.parameters) for one in made] == [one.parameters for one in plan.calls]


def test_autoscaling_minimum_before_desired(scaled: Scaled) -> None:
    """Without it, autoscaling takes the new tasks away again; in the other order, it may do so in between."""
    assert isinstance(out(scaled).run(), Done)
    assert scaled.changes == [MINIMUM, DESIRED]
    assert scaled.limits == (6, 10)


def test_it_is_done_when_so_many_run(scaled: Scaled) -> None:
    step = out(scaled)
    assert isinstance(step.act(), Working)
    assert isinstance(ScaleOut().look(step.params, scaled.cloud, step.attempt()), Working)
    done = step.wait(step.look())
    assert isinstance(done, Done)
    assert done.output == {"running": 6}
    assert scaled.seen["runningCount"] == 6


def test_scaling_starts_no_deployment(scaled: Scaled) -> None:
    before = [one["id"] for one in scaled.seen["deployments"]]
    out(scaled).run()
    assert [one["id"] for one in scaled.seen["deployments"]] == before


@pytest.mark.parametrize("tasks", [1, 2])
def test_it_never_scales_down(tasks: int, scaled: Scaled) -> None:
    step = out(scaled, tasks)
    assert step.plan().calls == ()
    assert isinstance(step.run(), Done)
    assert scaled.changes == []
    assert scaled.seen["desiredCount"] == 2
    assert scaled.limits == (2, 10)


def test_it_never_lowers_what_autoscaling_has_raised_meanwhile(scaled: Scaled) -> None:
    """Between our look and our call."""
    step = out(scaled)
    step.plan()
    scaled.ecs.update_service(cluster=CLUSTER, service=scaled.name, desiredCount=8)
    scaled.aws.calls.clear()
    assert isinstance(step.run(), Done)
    assert scaled.changes == [MINIMUM]
    assert scaled.seen["desiredCount"] == 8


def test_a_service_without_autoscaling_has_no_minimum_to_raise(emulated: EmulatedAws) -> None:
    served = Served(emulated, desired=2)
    assert can(served).output == {"tasks": 2, "minimum": 0}
    assert isinstance(out(served).run(), Done)
    assert emulated.calls.of("application-autoscaling", MINIMUM) == []
    assert isinstance(back(served, minimum=0).run(), Done)
    assert served.seen["desiredCount"] == 2


@pytest.mark.parametrize(("tasks", "allowed"), [(10, True), (11, False)])
def test_autoscaling_maximum_is_the_limit(tasks: int, allowed: bool, scaled: Scaled) -> None:
    assert isinstance(can(scaled, tasks), Done if allowed else Failed)
    assert bool(out(scaled, tasks).plan().calls) is allowed
    if not allowed:
        failed = out(scaled, tasks).act()
        assert isinstance(failed, Failed)
        assert "at most 10" in str(failed.why)
        assert scaled.changes == []


@pytest.mark.parametrize(("tasks", "good"), [(0, False), (1, True), (5000, True), (5001, False)])
def test_a_service_has_from_one_to_five_thousand_tasks(tasks: int, good: bool) -> None:
    if good:
        assert Out(cluster="c", service="s", tasks=tasks)
    else:
        with pytest.raises(ValidationError):
            Out(cluster="c", service="s", tasks=tasks)


def test_the_plan_counts_free_addresses_in_each_zone(scaled: Scaled) -> None:
    """Four more over three zones: two in one of them, and nobody knows in which."""
    needs = {str(need.what): need for need in out(scaled).plan().needs}
    zones = [needs[f"Free addresses for tasks in us-east-1{zone}"] for zone in "abc"]
    assert [need.needed for need in zones] == [2, 2, 2]
    assert all(need.available is not None and need.available > 1000 for need in zones)


def test_the_plan_asks_for_the_vcpus_of_the_tasks_that_are_new(scaled: Scaled) -> None:
    [vcpus] = [need for need in out(scaled).plan().needs if "Fargate" in str(need.what)]
    assert vcpus.needed == 4 * 0.25


def test_a_daemon_service_has_no_number_of_tasks(scaled: Scaled) -> None:
    from bot.rehearsal.aws.moto_app import backend

    found = backend("ecs", "us-east-1").services[f"{CLUSTER}:{scaled.name}"]
    found.scheduling_strategy = "DAEMON"
    failed = out(scaled).act()
    assert isinstance(failed, Failed)
    assert "DAEMON" in str(failed.why)
    assert isinstance(can(scaled), Failed)


def test_a_second_act_changes_nothing_more(scaled: Scaled) -> None:
    step = out(scaled)
    step.act()
    step.act(again=True)
    assert isinstance(step.run(), Done)
    assert scaled.changes == [MINIMUM, DESIRED]


@pytest.mark.parametrize(("service", "operation"), [("application-autoscaling", MINIMUM), ("ecs", DESIRED)])
def test_a_lost_answer_is_found(service: str, operation: str, scaled: Scaled) -> None:
    scaled.aws.faults.lose_answer(service, operation, times=1)
    step = out(scaled)
    with pytest.raises(ActionFailed):
        step.act()
    assert isinstance(step.run(), Done)
    assert scaled.changes == [MINIMUM, DESIRED]


@pytest.mark.parametrize(("service", "operation"), [("application-autoscaling", MINIMUM), ("ecs", DESIRED)])
def test_throttling_may_be_tried_again(service: str, operation: str, scaled: Scaled) -> None:
    scaled.aws.faults.throttle(service, operation, times=1)
    step = out(scaled)
    with pytest.raises(ActionFailed) as failed:
        step.act()
    assert failed.value.kind == "throttled"
    assert isinstance(step.run(), Done)


@pytest.mark.parametrize(("after", "expected"), [(59, Working), (60, Failed)])
def test_what_somebody_lowers_meanwhile_is_told(after: int, expected: type, scaled: Scaled) -> None:
    step = out(scaled)
    step.act()
    scaled.hold(2)
    scaled.aws.clock.move(timedelta(seconds=after))
    assert isinstance(step.look(), expected)


def test_the_undo_gives_both_the_values_from_before(scaled: Scaled) -> None:
    before = can(scaled).output
    out(scaled).run()
    scaled.aws.calls.clear()
    step = back(scaled, **before)
    plan = ScaleBack().plan(step.params, scaled.cloud, step.attempt())
    assert [one.operation for one in plan.calls] == [MINIMUM, DESIRED]
    assert isinstance(ScaleBack().act(step.params, scaled.cloud, step.attempt()), Done)
    assert scaled.limits == (2, 10)
    assert scaled.seen["desiredCount"] == 2
    assert isinstance(ScaleBack().look(step.params, scaled.cloud, step.attempt()), Done)
    assert isinstance(step.run(), Done)  # once more changes nothing
    assert scaled.changes == [MINIMUM, DESIRED]


def test_the_undo_leaves_what_has_changed_since(scaled: Scaled) -> None:
    out(scaled).run()
    scaled.hold(3)
    scaled.ecs.update_service(cluster=CLUSTER, service=scaled.name, desiredCount=9)
    assert back(scaled).plan().calls == ()
    assert isinstance(back(scaled).run(), Done)
    assert (scaled.limits, scaled.seen["desiredCount"]) == ((3, 10), 9)


def test_the_undo_of_a_half_done_step_takes_back_its_half(scaled: Scaled) -> None:
    scaled.aws.faults.deny("ecs", DESIRED)
    with pytest.raises(ActionFailed, match="ecs:UpdateService"):
        out(scaled).act()
    scaled.aws.faults.clear()
    assert isinstance(back(scaled).run(), Done)
    assert scaled.limits == (2, 10)
    assert scaled.changes == [MINIMUM, DESIRED, MINIMUM]  # the one in the middle was denied


def test_the_undo_raises_nothing(scaled: Scaled) -> None:
    out(scaled).run()
    assert back(scaled, tasks=7, minimum=6).plan().calls == ()
