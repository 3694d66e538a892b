"""routing_control.ready, .switch and .override, against the emulated AWS."""

from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from pydantic import ValidationError

from bot.aws import several
from bot.aws.routing_control.endpoints import endpoints_for
from bot.aws.routing_control.ready import Answering, Ready
from bot.aws.routing_control.states import States
from bot.aws.routing_control.switch import Override, Overriding, Switch
from bot.errors import ActionFailed
from bot.playbook.action import Asks, Done, Failed, Working
from bot.rehearsal.aws.emulator import EmulatedAws
from bot.rehearsal.aws.routing_config import ENDPOINT_REGIONS
from tests.aws.cells import HOME, STANDBY, Cells
from tests.aws.rehearsed import Step

OVER = {HOME: "Off", STANDBY: "On"}


@pytest.fixture
def cells(emulated: EmulatedAws) -> Cells:
    emulated.routing_controls.mend_endpoints()
    emulated.outages.forget()
    return Cells(emulated)


def switch(cells: Cells, *, on: Any = (STANDBY,), off: Any = (HOME,), number: int = 1, **given: Any) -> Step:
    params = States(**{**cells.given, **given}, on=on, off=off)
    return Step(Switch(), params, cells.cloud, number=number, known=cells.known)


def ready(cells: Cells, **given: Any) -> Step:
    return Step(Ready(), Answering(**cells.given, **given), cells.cloud, known=cells.known)


def all_but(*regions: str) -> list[str]:
    return [one for one in ENDPOINT_REGIONS if one not in regions]


def test_the_plan_shows_the_one_call_that_act_makes(cells: Cells) -> None:
    step = switch(cells)
    plan = Switch().plan(step.params, cells.cloud, step.attempt())
    [call] = plan.calls
    assert call.operation == "UpdateRoutingControlStates"
    assert [(str(one.what), one.before, one.after) for one in plan.changes] == [
        (f"Routing control {STANDBY}", "Off", "On"),
        (f"Routing control {HOME}", "On", "Off"),
    ]
    assert plan.foreseen == {"was_on": [cells.controls[HOME]], "was_off": [cells.controls[STANDBY]]}
    assert len(plan.touches) == 2
    assert cells.sent() == []
    assert isinstance(step.wait(Switch().act(step.params, cells.cloud, step.attempt())), Working | Done)
    [made] = cells.aws.calls.of("route53-recovery-cluster", "UpdateRoutingControlStates")
    assert made.parameters == call.parameters


def test_both_regions_change_in_one_call_and_another_endpoint_confirms_it(cells: Cells) -> None:
    step = switch(cells)
    done = step.run()
    assert isinstance(done, Done)
    assert cells.states == OVER
    [through] = cells.sent()
    assert done.output == {
        "was_on": [cells.controls[HOME]],
        "was_off": [cells.controls[STANDBY]],
        "through": through,
    }
    reads = [call.region for call in cells.aws.calls.of("route53-recovery-cluster", "GetRoutingControlState")]
    assert reads[-1] != through


def test_nothing_but_the_endpoints_is_asked(cells: Cells) -> None:
    switch(cells).run()
    assert {call.service for call in cells.aws.calls} == {"route53-recovery-cluster"}


def test_the_states_before_are_stored_before_anything_is_changed(cells: Cells) -> None:
    step = switch(cells)
    first = step.act()
    assert isinstance(first, Working)
    assert first.more
    assert first.memory["before"] == {cells.controls[HOME]: True, cells.controls[STANDBY]: False}
    assert cells.sent() == []


def test_the_undo_sets_the_states_before(cells: Cells) -> None:
    done = switch(cells).run()
    assert isinstance(done, Done)
    back = switch(cells, on=done.output["was_on"], off=done.output["was_off"], controls=[])
    assert isinstance(back.run(), Done)
    assert cells.states == {HOME: "On", STANDBY: "Off"}


@pytest.mark.parametrize("dead", [False, True])
@pytest.mark.parametrize("alive", ENDPOINT_REGIONS)
def test_one_endpoint_of_five_is_enough(cells: Cells, alive: str, dead: bool) -> None:
    for region in all_but(alive):
        cells.aws.routing_controls.fail_endpoint(region, dead=dead)
    step = switch(cells)
    done = step.run()
    assert isinstance(done, Done)
    assert cells.states == OVER
    assert done.output["through"] == alive
    assert "No other endpoint answers" in str(done.note)


def test_when_all_endpoints_are_dead_it_goes_on_asking_and_then_says_so(cells: Cells) -> None:
    for region in ENDPOINT_REGIONS:
        cells.aws.routing_controls.fail_endpoint(region, dead=True)
    step = switch(cells)
    failed = step.run()
    assert isinstance(failed, Failed)
    assert failed.kind == "unavailable"
    assert "None of the 5 endpoints answers" in str(failed.why)
    assert "ConnectionClosedError" in str(failed.why)
    asked = cells.aws.calls.of("route53-recovery-cluster")
    assert len(asked) > 2 * len(ENDPOINT_REGIONS)
    assert cells.aws.clock.now() - asked[0].at > timedelta(minutes=2)


def test_when_all_of_them_die_after_the_change_it_does_not_look_for_ever(cells: Cells) -> None:
    step = switch(cells)
    step.act()
    sent = step.act()
    for region in ENDPOINT_REGIONS:
        cells.aws.routing_controls.fail_endpoint(region)
    failed = step.wait(sent)
    assert isinstance(failed, Failed)
    assert failed.kind == "unavailable"
    assert len(cells.aws.calls) < 200
    cells.aws.routing_controls.mend_endpoints()
    assert isinstance(step.look(), Done)


def test_an_endpoint_that_comes_back_is_used(cells: Cells) -> None:
    for region in ENDPOINT_REGIONS:
        cells.aws.routing_controls.fail_endpoint(region)
    step = switch(cells)
    assert isinstance(step.act(), Working)
    cells.aws.routing_controls.mend_endpoints()
    assert isinstance(step.wait(step.act()), Done)


def test_those_that_were_silent_before_are_asked_again_in_the_next_round(cells: Cells) -> None:
    step = switch(cells)
    order = [one.region for one in endpoints_for(cells.cluster, (), step.attempt())]
    step.memory = {"silent": dict.fromkeys(order[:3], "ConnectTimeoutError")}
    for region in order[3:]:
        cells.aws.routing_controls.fail_endpoint(region)
    assert isinstance(step.act(), Working)  # the two that were left do not answer either
    assert isinstance(step.act(), Working)
    assert cells.aws.calls[-1].region == order[0]
    assert isinstance(step.run(), Done)


def test_a_round_that_takes_longer_than_a_lease_allows_goes_on_where_it_was(
    cells: Cells, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Brief:
        """Real time passes in time-outs only, which no test waits for."""

        def __init__(self) -> None:
            self.asked = 0

        def is_over(self) -> bool:
            self.asked += 1
            return self.asked > 2

    monkeypatch.setattr(several, "Slice", Brief)
    order = [one.region for one in endpoints_for(cells.cluster, (), switch(cells).attempt())]
    for region in order[:4]:
        cells.aws.routing_controls.fail_endpoint(region)
    step = switch(cells)
    asked = []
    for _ in range(3):
        cells.aws.calls.clear()
        step.act()
        asked.append([call.region for call in cells.aws.calls][:2])
    assert asked == [order[:2], order[2:4], [order[4]] * 2]
    assert "4 of 5 endpoints do not answer" in step.notes[1]
    assert isinstance(step.run(), Done)


def test_the_endpoint_in_the_failing_region_is_never_asked(cells: Cells) -> None:
    steps = (switch(cells, number=number) for number in count(1))
    step = next(one for one in steps if endpoints_for(cells.cluster, (), one.attempt())[0].region == HOME)
    attempt = step.attempt()
    progress: Any = Switch().act(step.params, cells.fenced, attempt)
    while isinstance(progress, Working):
        attempt = replace(attempt, memory=progress.memory)
        work = Switch().act if progress.more else Switch().look
        progress = work(step.params, cells.fenced, attempt)
    assert isinstance(progress, Done)
    assert cells.aws.calls.of("route53-recovery-cluster", region=HOME) == []


def test_somebody_elses_update_is_waited_for(cells: Cells) -> None:
    cells.aws.routing_controls.conflict(times=2)
    step = switch(cells)
    assert isinstance(step.run(), Done)
    assert cells.states == OVER
    assert sum("Somebody else's update" in note for note in step.notes) == 2


def test_a_safety_rule_is_shown_and_obeyed(cells: Cells) -> None:
    failed = switch(cells, on=(), off=(HOME, STANDBY)).run()
    assert isinstance(failed, Failed)
    assert "one-is-on" in str(failed.why)
    assert "routing_control.override" in str(failed.why)
    assert cells.states == {HOME: "On", STANDBY: "Off"}


def test_an_undo_right_after_the_change_waits_until_the_rule_lets_it_through(cells: Cells) -> None:
    done = switch(cells).run()
    assert isinstance(done, Done)
    back = switch(cells, on=done.output["was_on"], off=done.output["was_off"])
    assert isinstance(back.run(), Done)
    assert cells.states == {HOME: "On", STANDBY: "Off"}
    assert any("perhaps because of the change just before" in note for note in back.notes)


def test_a_refusal_is_not_asked_of_the_other_endpoints(cells: Cells) -> None:
    cells.aws.faults.deny("route53-recovery-cluster", "UpdateRoutingControlStates")
    step = switch(cells)
    step.act()
    with pytest.raises(ActionFailed, match="UpdateRoutingControlStates is missing"):
        step.act()
    assert len(cells.aws.calls.of("route53-recovery-cluster", "UpdateRoutingControlStates")) == 1


def test_throttling_at_one_endpoint_is_left_behind(cells: Cells) -> None:
    cells.aws.faults.throttle("route53-recovery-cluster", times=2)
    assert isinstance(switch(cells).run(), Done)


def test_a_lost_answer_is_sent_to_the_next_endpoint_which_does_no_harm(cells: Cells) -> None:
    """There the rule of the wait period refuses it: it is seen that it was done."""
    cells.aws.faults.lose_answer("route53-recovery-cluster", "UpdateRoutingControlStates", times=1)
    step = switch(cells)
    assert isinstance(step.run(), Done)
    assert cells.states == OVER
    assert not any("refuses" in note for note in step.notes)


def test_after_a_crash_between_the_call_and_its_record_the_same_is_sent_again(cells: Cells) -> None:
    step = switch(cells)
    step.act()
    Switch().act(step.params, cells.cloud, step.attempt())
    done = step.wait(step.act(again=True))
    assert isinstance(done, Done)
    assert done.output["was_on"] == [cells.controls[HOME]]
    assert len(set(cells.sent())) == 1  # the order of the endpoints is the attempt's own


def test_what_is_so_already_is_not_sent(cells: Cells) -> None:
    step = switch(cells, on=(HOME,), off=(STANDBY,))
    assert "so already" in str(step.plan().warnings[0])
    assert step.plan().calls == ()
    assert isinstance(step.run(), Done)
    assert cells.sent() == []


def test_a_retry_that_finds_it_done_does_not_take_it_for_the_states_before(cells: Cells) -> None:
    switch(cells).run()
    done = switch(cells, number=2).run()
    assert isinstance(done, Done)
    assert done.output.keys() == {"through"}


def test_states_that_somebody_changes_meanwhile_are_told(cells: Cells) -> None:
    step = switch(cells)
    step.act()
    step.act()
    cells.set(HOME, "On")
    seen = Switch().look(step.params, cells.cloud, step.attempt())
    assert isinstance(seen, Working)
    cells.aws.clock.move(timedelta(minutes=2))
    failed = Switch().look(step.params, cells.cloud, step.attempt())
    assert isinstance(failed, Failed)
    assert "somebody changed them" in str(failed.why)


def test_endpoints_that_nobody_knows_are_not_looked_up(cells: Cells) -> None:
    step = switch(cells)
    step.known = {}
    for call in (step.plan, step.act):
        with pytest.raises(ActionFailed, match=r"endpoints of .* are not known"):
            call()
    assert list(cells.aws.calls) == []
    given = [f"{one['region']}={one['url']}" for one in cells.endpoints[:1]]
    step.params = switch(cells, endpoints=given).params
    assert isinstance(step.run(), Done)


def test_old_knowledge_is_told(cells: Cells) -> None:
    step = switch(cells)
    cells.aws.clock.move(timedelta(days=3))
    assert any("last seen at" in str(warning) for warning in step.plan().warnings)


def test_endpoints_are_in_an_order_of_the_attempt_and_not_of_the_list(cells: Cells) -> None:
    orders = [
        tuple(one.region for one in endpoints_for(cells.cluster, (), switch(cells, number=number).attempt()))
        for number in range(1, 9)
    ]
    assert {frozenset(order) for order in orders} == {frozenset(ENDPOINT_REGIONS)}
    assert len({order[0] for order in orders}) > 1
    assert orders[0] == tuple(one.region for one in endpoints_for(cells.cluster, (), switch(cells).attempt()))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"on": (), "off": ()}, "says of no routing control"),
        ({"on": (HOME,), "off": (HOME,)}, f"{HOME} cannot be both"),
        ({"on": ("eu-west-1",)}, f"Known: {HOME}, {STANDBY}"),
        ({"controls": ["home=arn:aws:iam::1:role/x"]}, "not a name and the ARN"),
        ({"endpoints": ["us-east-1=http://example.com/v1"]}, "endpoints"),
        ({"cluster": "shop"}, "cluster"),
    ],
)
def test_parameters_that_cannot_be_meant_are_refused(cells: Cells, given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        switch(cells, **given)


def override(cells: Cells) -> Step:
    params = Overriding(**cells.given, off=(HOME, STANDBY), rules=[cells.rule])
    return Step(Override(), params, cells.cloud, known=cells.known)


def test_a_safety_rule_is_overridden_only_when_a_person_says_so(cells: Cells) -> None:
    step = override(cells)
    plan = Override().plan(step.params, cells.cloud, step.attempt())
    assert plan.calls[0].parameters["SafetyRulesToOverride"] == [cells.rule]
    asked = Override().act(step.params, cells.cloud, step.attempt())
    assert isinstance(asked, Asks)
    assert cells.rule in str(asked.question)
    assert isinstance(step.act("no"), Failed)
    assert cells.sent() == []
    assert isinstance(step.wait(step.act("yes")), Done)
    assert cells.states == {HOME: "Off", STANDBY: "Off"}
    assert isinstance(Override().look(step.params, cells.cloud, step.attempt()), Done)


def test_an_answer_that_was_lost_in_a_crash_is_asked_for_again(cells: Cells) -> None:
    step = override(cells)
    Override().act(step.params, cells.cloud, step.attempt("yes"))  # the process dies
    assert isinstance(step.act(again=True), Asks)
    assert cells.sent() == []


def test_every_endpoint_is_asked_whether_it_is_ready(cells: Cells) -> None:
    step = ready(cells)
    done = step.wait(Ready().look(step.params, cells.cloud, step.attempt()))
    assert isinstance(done, Done)
    assert done.output == {"answering": 5, "on": [HOME], "off": [STANDBY]}
    assert {call.region for call in cells.aws.calls} == set(ENDPOINT_REGIONS)
    assert cells.sent() == []


@pytest.mark.parametrize(("silent", "holds"), [(2, True), (3, False)])
def test_fewer_endpoints_than_asked_for_are_not_ready(cells: Cells, silent: int, holds: bool) -> None:
    for region in ENDPOINT_REGIONS[:silent]:
        cells.aws.routing_controls.fail_endpoint(region)
    step = ready(cells, least=3)
    seen = step.wait(step.look())
    assert isinstance(seen, Done if holds else Failed)
    assert "EndpointTemporarilyUnavailable" in str(seen.note if isinstance(seen, Done) else seen.why)  # type: ignore[union-attr]


def test_endpoints_that_disagree_are_not_ready(cells: Cells) -> None:
    step = ready(cells)
    step.look()
    cells.set(STANDBY, "On")
    seen = step.wait(step.look())
    assert isinstance(seen, Failed)
    assert "do not say the same" in str(seen.why)


def test_without_a_routing_control_nothing_could_be_asked(cells: Cells) -> None:
    with pytest.raises(ValidationError, match="controls"):
        Answering(cluster=cells.cluster)
