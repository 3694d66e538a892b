"""alb.can_shift, alb.shift_target_group and alb.restore_actions, against the emulated AWS."""

import json
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from bot.aws.alb.restore import Before, RestoreActions
from bot.aws.alb.shift import CanShift, Shift, ShiftTargetGroup
from bot.aws.listener_actions import sendable, shifted
from bot.errors import ActionFailed
from bot.playbook.action import Done, Failed, Working
from bot.rehearsal.aws.emulator import EmulatedAws
from tests.aws.colours import Colours
from tests.aws.rehearsed import Step


@pytest.fixture
def colours(emulated: EmulatedAws) -> Colours:
    return Colours(emulated)


def shift(colours: Colours, rule: str = "", to: str = "", healthy: int = 2) -> Step:
    params = Shift(rule=rule or colours.listener, to=to or colours.green, healthy=healthy)
    return Step(ShiftTargetGroup(), params, colours.cloud)


def can(colours: Colours, rule: str = "", healthy: int = 2) -> Any:
    step = shift(colours, rule, healthy=healthy)
    return CanShift().look(step.params, colours.cloud, step.attempt())


def restore(colours: Colours, rule: str, actions: str) -> Step:
    params = Before(rule=rule, actions=actions, shifted_to=colours.green)
    return Step(RestoreActions(), params, colours.cloud)


def test_the_plan_shows_the_call_that_act_makes(colours: Colours) -> None:
    step = shift(colours)
    plan = ShiftTargetGroup().plan(step.params, colours.cloud, step.attempt())
    [call] = plan.calls
    assert call.operation == "ModifyListener"
    [change] = plan.changes
    blue, green = (arn.split("/")[1] for arn in (colours.blue, colours.green))
    assert (change.before, change.after) == (f"{blue} 1", f"{blue} 0, {green} 100")
    assert plan.touches == (f"elb:us-east-1:{colours.name}",)
    assert [(need.needed, need.available) for need in plan.needs] == [(2, 2)]
    assert colours.changes == []
    assert isinstance(ShiftTargetGroup().act(step.params, colours.cloud, step.attempt()), Done)
    assert colours.aws.calls.of("elbv2", "ModifyListener")[-1].parameters == call.parameters
    assert isinstance(ShiftTargetGroup().look(step.params, colours.cloud, step.attempt()), Done)


def test_a_listener_and_a_rule_are_shifted_each_alone(colours: Colours) -> None:
    assert isinstance(shift(colours, colours.rule).run(), Done)
    assert colours.weights(colours.rule) == (0, 100)
    assert "ForwardConfig" not in colours.actions(colours.listener)[0]
    assert colours.changes == ["ModifyRule"]


def test_a_target_group_may_be_given_by_its_name(colours: Colours) -> None:
    assert isinstance(shift(colours, to=colours.green.split("/")[1]).run(), Done)
    assert colours.weights(colours.listener) == (0, 100)


@pytest.mark.parametrize(("healthy", "enough"), [(2, True), (3, False)])
def test_a_target_group_with_fewer_healthy_targets_than_asked_is_refused(
    healthy: int, enough: bool, colours: Colours
) -> None:
    assert isinstance(can(colours, healthy=healthy), Done if enough else Failed)
    assert isinstance(shift(colours, healthy=healthy).act(), Done if enough else Failed)
    assert colours.changes == (["ModifyListener"] if enough else [])


def test_sick_targets_do_not_count(colours: Colours) -> None:
    zones = colours.aws.client("ec2").describe_availability_zones()["AvailabilityZones"]
    colours.aws.zonal_shifts.sicken_zone(zones[0]["ZoneId"])
    failed = shift(colours).act()
    assert isinstance(failed, Failed)
    assert "has 1 healthy targets, and 2 are asked for" in str(failed.why)
    [need] = shift(colours).plan().needs
    assert (need.needed, need.available) == (2, 1)  # which makes the plan a refusal


@pytest.mark.parametrize(("healthy", "good"), [(0, False), (1, True), (1000, True), (1001, False)])
def test_from_one_to_a_thousand_targets_may_be_asked_for(healthy: int, good: bool) -> None:
    rule = "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/web/1/2"
    if good:
        assert Shift(rule=rule, to="green", healthy=healthy)
    else:
        with pytest.raises(ValidationError):
            Shift(rule=rule, to="green", healthy=healthy)


def test_a_second_act_writes_nothing(colours: Colours) -> None:
    step = shift(colours)
    step.act()
    assert isinstance(step.act(again=True), Done)
    assert step.plan().calls == ()
    assert colours.changes == ["ModifyListener"]


@pytest.mark.parametrize("operation", ["ModifyListener", "ModifyRule"])
def test_a_lost_answer_is_found(operation: str, colours: Colours) -> None:
    colours.aws.faults.lose_answer("elbv2", operation, times=1)
    step = shift(colours, colours.rule if operation == "ModifyRule" else colours.listener)
    with pytest.raises(ActionFailed):
        step.act()
    assert isinstance(step.run(), Done)
    assert colours.changes == [operation]


def test_throttling_may_be_tried_again(colours: Colours) -> None:
    colours.aws.faults.throttle("elbv2", "ModifyListener", times=1)
    with pytest.raises(ActionFailed) as failed:
        shift(colours).act()
    assert failed.value.retry
    assert isinstance(shift(colours).run(), Done)


@pytest.mark.parametrize("which", ["listener", "rule"])
def test_the_undo_restores_the_stored_actions_exactly(which: str, colours: Colours) -> None:
    rule = getattr(colours, which)
    before = colours.actions(rule)
    stored = can(colours, rule).output["actions"]
    shift(colours, rule).run()
    step = restore(colours, rule, stored)
    plan = RestoreActions().plan(step.params, colours.cloud, step.attempt())
    assert len(plan.calls) == 1
    assert isinstance(RestoreActions().act(step.params, colours.cloud, step.attempt()), Done)
    assert colours.actions(rule) == before
    assert isinstance(RestoreActions().look(step.params, colours.cloud, step.attempt()), Done)
    assert isinstance(step.run(), Done)  # once more writes nothing
    assert len(colours.changes) == 2


def test_the_undo_leaves_what_somebody_has_changed_since(colours: Colours) -> None:
    stored = can(colours).output["actions"]
    shift(colours).run()
    colours.elb.modify_listener(ListenerArn=colours.listener, DefaultActions=[colours.weighed(50, 50)])
    step = restore(colours, colours.listener, stored)
    assert step.plan().calls == ()
    failed = step.act()
    assert isinstance(failed, Failed)
    assert "50" in str(failed.why)
    assert colours.weights(colours.listener) == (50, 50)


@pytest.mark.parametrize(("after", "expected"), [(59, Working), (60, Failed)])
def test_what_somebody_shifts_back_meanwhile_is_told(after: int, expected: type, colours: Colours) -> None:
    step = shift(colours)
    step.act()
    colours.elb.modify_listener(ListenerArn=colours.listener, DefaultActions=[colours.weighed(100, 0)])
    colours.aws.clock.move(timedelta(seconds=after))
    assert isinstance(step.look(), expected)


def test_stickiness_stays_and_is_told(colours: Colours) -> None:
    colours.elb.modify_listener(ListenerArn=colours.listener, DefaultActions=[colours.weighed(100, 0, sticky=True)])
    [warning] = shift(colours).plan().warnings
    assert "600 s" in str(warning)
    shift(colours).run()
    [forward] = colours.actions(colours.listener)
    assert forward["ForwardConfig"]["TargetGroupStickinessConfig"]["DurationSeconds"] == 600


def test_a_sign_in_before_the_forward_is_written_back_with_its_secret() -> None:
    """AWS replaces the whole list, and never shows the secret: without this flag a shift would break the sign-in."""
    sign_in = {"Type": "authenticate-oidc", "Order": 1, "AuthenticateOidcConfig": {"ClientId": "shop"}}
    forward = {"Type": "forward", "Order": 2, "TargetGroupArn": "arn:a:targetgroup/blue/1"}
    actions = shifted([sign_in, forward], "arn:a:targetgroup/green/2")
    assert [one["Type"] for one in actions] == ["authenticate-oidc", "forward"]
    assert sendable(actions[0])["AuthenticateOidcConfig"] == {"ClientId": "shop", "UseExistingClientSecret": True}
    assert actions[1]["Order"] == 2
    assert sendable(actions[1]) == actions[1]


def test_a_rule_that_forwards_nowhere_has_no_traffic_to_shift(colours: Colours) -> None:
    page = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503", "ContentType": "text/plain"}}
    colours.elb.modify_listener(ListenerArn=colours.listener, DefaultActions=[page])
    colours.aws.calls.clear()
    assert shift(colours).plan().calls == ()
    assert isinstance(shift(colours).act(), Failed)
    assert isinstance(can(colours), Failed)
    assert colours.changes == []


def test_the_default_rule_is_changed_at_its_listener(colours: Colours) -> None:
    rules = colours.elb.describe_rules(ListenerArn=colours.listener)["Rules"]
    [default] = [one["RuleArn"] for one in rules if one["IsDefault"]]
    with pytest.raises(ActionFailed, match="Give the listener's ARN"):
        shift(colours, default).act()


def test_what_is_not_there_is_told(colours: Colours) -> None:
    for step in (shift(colours, to="purple"), shift(colours, colours.listener[:-1] + "z")):
        with pytest.raises(ActionFailed, match="There is no"):
            step.act()
    assert colours.changes == []


def test_what_was_there_before_is_json(colours: Colours) -> None:
    assert json.loads(can(colours).output["actions"]) == colours.actions(colours.listener)
