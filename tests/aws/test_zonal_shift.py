"""zonal_shift.start and zonal_shift.cancel, against the emulated AWS."""

import asyncio
from datetime import timedelta

import pytest
from pydantic import ValidationError

from bot.aws.zonal_shift.cancel import Back, Cancel
from bot.aws.zonal_shift.extend import Extend, Longer
from bot.aws.zonal_shift.start import Away, Start
from bot.errors import ActionFailed
from bot.playbook.action import Call, Done, Failed, Lapsed, Renewed, Working
from bot.rehearsal.aws.emulator import EmulatedAws
from bot.rehearsal.front import LOAD_BALANCERS, Front
from tests.aws.rehearsed import Cloud, Step

WEB, API = LOAD_BALANCERS


@pytest.fixture(scope="module")
def built(started: EmulatedAws) -> Front:
    made = Front(started)
    made.build()
    return made


@pytest.fixture
def front(built: Front, emulated: EmulatedAws) -> Front:
    for name in LOAD_BALANCERS:
        built.opt_in(name)
    emulated.zonal_shifts.sicken_zone(built.zones["us-east-1a"])
    return built


@pytest.fixture
def bad(front: Front) -> str:
    return front.zones["us-east-1a"]


@pytest.fixture
def cloud(front: Front) -> Cloud:
    return Cloud(front.aws)


@pytest.fixture
def start(cloud: Cloud, bad: str) -> Step:
    return Step(Start(), Away(load_balancer=WEB, zone=bad), cloud)


@pytest.fixture
def cancel(cloud: Cloud, bad: str) -> Step:
    return Step(Cancel(), Back(load_balancer=WEB, zone=bad), cloud)


def by_hand(front: Front, zone: str) -> str:
    made = front.aws.client("arc-zonal-shift").start_zonal_shift(
        resourceIdentifier=front.arns[WEB], awayFrom=zone, expiresIn="30m", comment="by hand"
    )
    return str(made["zonalShiftId"])


def test_the_plan_shows_the_call_that_act_makes(start: Step, front: Front, bad: str, cloud: Cloud) -> None:
    plan = Start().plan(start.params, cloud, start.attempt())
    [call] = plan.calls
    assert call == Call(
        "arc-zonal-shift",
        "StartZonalShift",
        {
            "resourceIdentifier": front.arns[WEB],
            "awayFrom": bad,
            "expiresIn": "60m",
            "comment": "Lifeboat inc-7 run-1/switch/1",
        },
    )
    assert [(change.before, change.after) for change in plan.changes] == [("1", "0")]
    assert plan.touches == ("elb:us-east-1:shop-web",)
    assert [(need.needed, need.available) for need in plan.needs] == [(1, 2)]
    assert any("tasks do not" in str(warning) for warning in plan.warnings)
    assert cloud.changes("arc-zonal-shift") == []
    start.act()
    assert cloud.aws.calls.of("arc-zonal-shift", "StartZonalShift")[-1].parameters == call.parameters


def test_it_is_done_when_the_zone_gets_nothing_any_more(start: Step, front: Front, bad: str) -> None:
    assert isinstance(start.act(), Working)  # accepted, not yet applied
    assert front.weights(WEB)[bad] == 1
    front.aws.clock.move(timedelta(seconds=2))
    done = Start().look(start.params, start.cloud, start.attempt())
    assert isinstance(done, Done)
    assert front.weights(WEB) == {zone: 0 if zone == bad else 1 for zone in front.zones.values()}
    assert done.output["adopted"] is False
    assert done.output["zone"] == bad
    assert set(done.output) == set(Start.facts.outputs)
    assert front.weights(API)[bad] == 1  # the other one is not touched


def test_the_load_balancer_itself_must_say_that_it_leaves_the_zone_out(
    start: Step, front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ARC says that the shift is applied; ELB, which did not start it, is believed."""
    start.act()
    front.aws.clock.move(timedelta(seconds=2))
    with monkeypatch.context() as patch:  # the emulated ELB never lags behind ARC, as AWS's may
        patch.setattr("bot.aws.zonal_shift.start.still_used", lambda *_: 1)
        assert isinstance(start.look(), Working)
        front.aws.clock.move(timedelta(minutes=6))
        assert isinstance(start.look(), Failed)
    assert isinstance(start.look(), Done)


def test_a_second_act_of_the_same_attempt_starts_nothing(start: Step, cloud: Cloud) -> None:
    Start().act(start.params, cloud, start.attempt())
    again = Start().act(start.params, cloud, start.attempt(again=True))
    assert isinstance(start.wait(again), Done)
    assert cloud.changes("arc-zonal-shift") == ["StartZonalShift"]


def test_a_shift_whose_answer_was_lost_is_found(start: Step, cloud: Cloud) -> None:
    cloud.aws.faults.lose_answer("arc-zonal-shift", "StartZonalShift", times=1)
    with pytest.raises(ActionFailed):
        start.act()
    assert isinstance(start.run(), Done)
    assert cloud.changes("arc-zonal-shift") == ["StartZonalShift"]


def test_a_shift_that_somebody_started_is_used_and_told(start: Step, front: Front, bad: str, cloud: Cloud) -> None:
    by_hand(front, bad)
    [warning] = start.plan().warnings
    assert "by hand" in str(warning)
    done = start.run()
    assert isinstance(done, Done)
    assert done.output["adopted"] is True
    assert cloud.changes("arc-zonal-shift").count("StartZonalShift") == 1  # that one


def test_a_shift_away_from_another_zone_stops_it(start: Step, front: Front, cloud: Cloud) -> None:
    by_hand(front, front.zones["us-east-1c"])
    assert start.plan().calls == ()
    refused = start.act()
    assert isinstance(refused, Failed)
    assert "by hand" in str(refused.why)


async def test_when_somebody_is_faster_his_shift_decides(start: Step, front: Front, bad: str) -> None:
    """Between our look and our call: AWS answers with a conflict, and looking again tells what is true."""
    ours = front.aws.hold("arc-zonal-shift", "StartZonalShift")
    acting = asyncio.create_task(asyncio.to_thread(start.act))
    await ours.reached()
    await asyncio.to_thread(by_hand, front, bad)
    ours.release()
    done = start.wait(await acting)
    assert isinstance(done, Done)
    assert done.output["adopted"] is True


def test_a_refused_permission_is_named(start: Step, cloud: Cloud) -> None:
    cloud.aws.faults.deny("arc-zonal-shift", "StartZonalShift")
    with pytest.raises(ActionFailed, match="arc-zonal-shift:StartZonalShift"):
        start.act()


def test_throttling_may_be_tried_again(start: Step, cloud: Cloud) -> None:
    cloud.aws.faults.throttle("arc-zonal-shift", "StartZonalShift", times=1)
    with pytest.raises(ActionFailed) as failed:
        start.act()
    assert failed.value.kind == "throttled"
    assert isinstance(start.run(), Done)


def test_a_shift_that_ended_early_is_a_failure(start: Step, front: Front) -> None:
    start.run()
    front.aws.clock.move(timedelta(minutes=61))
    gone = start.look()
    assert isinstance(gone, Failed)
    assert "expired" in str(gone.why)


@pytest.mark.parametrize(
    ("lasting", "good"),
    [
        (timedelta(seconds=59), False),
        (timedelta(minutes=1), True),
        (timedelta(hours=72), True),
        (timedelta(hours=73), False),
    ],
)
def test_a_shift_lasts_from_a_minute_to_three_days(lasting: timedelta, good: bool) -> None:
    if good:
        assert Away(load_balancer=WEB, zone="use1-az1", expires_in=lasting)
    else:
        with pytest.raises(ValidationError):
            Away(load_balancer=WEB, zone="use1-az1", expires_in=lasting)


def test_the_undo_brings_the_traffic_back(start: Step, cancel: Step, front: Front, bad: str, cloud: Cloud) -> None:
    start.run()
    plan = Cancel().plan(cancel.params, cloud, cancel.attempt())
    assert [call.operation for call in plan.calls] == ["CancelZonalShift"]
    assert any("not healthy" in str(warning) for warning in plan.warnings)  # the zone is still sick
    assert isinstance(Cancel().act(cancel.params, cloud, cancel.attempt()), Done)
    assert front.weights(WEB)[bad] == 1
    assert isinstance(cancel.run(), Done)  # once more changes nothing
    assert cloud.changes("arc-zonal-shift").count("CancelZonalShift") == 1
    assert isinstance(Cancel().look(cancel.params, cloud, cancel.attempt()), Done)


def test_the_undo_leaves_a_shift_that_is_not_ours(start: Step, cancel: Step, front: Front, bad: str) -> None:
    by_hand(front, bad)
    front.aws.clock.move(timedelta(seconds=2))
    start.run()
    left = cancel.run()
    assert isinstance(left, Done)
    assert "so it stays" in str(left.note)
    assert front.weights(WEB)[bad] == 0


def test_it_can_be_told_to_cancel_any_shift(front: Front, bad: str, cloud: Cloud) -> None:
    by_hand(front, bad)
    step = Step(Cancel(), Back(load_balancer=WEB, zone=bad, only_ours=False), cloud)
    assert isinstance(step.run(), Done)
    assert front.aws.zonal_shifts.active(front.arns[WEB]) == []


def test_a_lost_answer_of_the_undo_is_no_failure(start: Step, cancel: Step, cloud: Cloud) -> None:
    start.run()
    cloud.aws.faults.lose_answer("arc-zonal-shift", "CancelZonalShift", times=1)
    with pytest.raises(ActionFailed):
        cancel.act()
    assert isinstance(cancel.run(), Done)


def renew(step: Step, *, again: bool = False) -> Renewed | Lapsed:
    """As the run does it: with the step's outputs."""
    done = step.look()
    if isinstance(done, Done):
        step.memory = done.output
    return Start().renew(step.params, step.cloud, step.attempt(again=again))


def shifted(step: Step) -> Done:
    done = step.run()
    assert isinstance(done, Done)
    return done


def test_it_says_until_when_the_shift_lasts(start: Step, front: Front) -> None:
    done = shifted(start)
    assert done.until is not None
    assert done.until.isoformat() == done.output["expires_at"]
    [shift] = front.aws.zonal_shifts.active(front.arns[WEB])
    assert done.until == shift.expires_at


def test_a_renewed_shift_lasts_as_long_again(start: Step, cloud: Cloud, front: Front) -> None:
    first = shifted(start)
    front.aws.clock.move(timedelta(minutes=45))
    renewed = renew(start)
    assert isinstance(renewed, Renewed)
    assert renewed.until == front.aws.clock.now() + timedelta(hours=1)
    assert renewed.output == {"expires_at": renewed.until.isoformat()}
    assert first.until is not None
    assert renewed.until > first.until
    assert cloud.changes("arc-zonal-shift") == ["StartZonalShift", "UpdateZonalShift"]


def test_a_renewal_that_was_done_and_not_recorded_is_not_done_again(start: Step, cloud: Cloud, front: Front) -> None:
    shifted(start)
    front.aws.clock.move(timedelta(minutes=45))
    until = renew(start)
    front.aws.clock.move(timedelta(seconds=12))
    assert renew(start, again=True) == until
    assert cloud.changes("arc-zonal-shift").count("UpdateZonalShift") == 1


def test_a_renewal_whose_answer_was_lost_is_found(start: Step, cloud: Cloud, front: Front) -> None:
    shifted(start)
    front.aws.clock.move(timedelta(minutes=45))
    front.aws.faults.lose_answer("arc-zonal-shift", "UpdateZonalShift", times=1)
    with pytest.raises(ActionFailed):
        renew(start)
    assert isinstance(renew(start, again=True), Renewed)
    assert cloud.changes("arc-zonal-shift").count("UpdateZonalShift") == 1


def test_aws_own_autoshift_is_given_way_to(start: Step, cloud: Cloud, front: Front, bad: str) -> None:
    shifted(start)
    front.aws.clock.move(timedelta(minutes=45))
    front.aws.zonal_shifts.start_autoshift(bad)
    lapsed = renew(start)
    assert isinstance(lapsed, Lapsed)
    assert "takes over" in str(lapsed.why)
    front.aws.zonal_shifts.end_autoshift(bad)
    other = front.zones["us-east-1b"]
    front.aws.zonal_shifts.start_autoshift(other)
    lapsed = renew(start)
    assert isinstance(lapsed, Lapsed)
    assert f"away from {other}" in str(lapsed.why)
    assert lapsed.aloud
    assert cloud.changes("arc-zonal-shift") == ["StartZonalShift"]


def test_a_shift_of_somebody_else_is_never_renewed(start: Step, front: Front, bad: str, cloud: Cloud) -> None:
    by_hand(front, bad)
    assert shifted(start).output["adopted"]
    lapsed = renew(start)
    assert isinstance(lapsed, Lapsed)
    assert "by hand" in str(lapsed.why)
    assert "UpdateZonalShift" not in cloud.changes("arc-zonal-shift")


def test_a_shift_that_has_ended_is_told_and_one_that_was_cancelled_only_noted(
    start: Step, cancel: Step, front: Front
) -> None:
    done = shifted(start)
    start.memory = done.output
    cancel.run()
    noted = Start().renew(start.params, start.cloud, start.attempt())
    assert isinstance(noted, Lapsed)
    assert not noted.aloud
    start.memory = shifted(start).output
    front.aws.clock.move(timedelta(hours=2))
    told = Start().renew(start.params, start.cloud, start.attempt())
    assert isinstance(told, Lapsed)
    assert told.aloud


def test_a_person_may_let_it_last_longer(start: Step, cloud: Cloud, front: Front, bad: str) -> None:
    shifted(start)
    step = Step(Extend(), Longer(load_balancer=WEB, zone=bad, expires_in=timedelta(hours=4)), cloud)
    plan = Extend().plan(step.params, cloud, step.attempt())
    [call] = plan.calls
    assert (call.operation, call.parameters["expiresIn"]) == ("UpdateZonalShift", "240m")
    done = Extend().act(step.params, cloud, step.attempt())
    assert isinstance(done, Done)
    [shift] = front.aws.zonal_shifts.active(front.arns[WEB])
    assert shift.expires_at == front.aws.clock.now() + timedelta(hours=4)
    front.aws.clock.move(timedelta(seconds=30))
    assert Extend().act(step.params, cloud, step.attempt(again=True)) == done  # set, never added to
    assert isinstance(Extend().look(step.params, cloud, step.attempt()), Done)
    assert cloud.changes("arc-zonal-shift").count("UpdateZonalShift") == 1


def test_only_a_shift_of_the_incident_is_extended_unless_asked(front: Front, cloud: Cloud, bad: str) -> None:
    by_hand(front, bad)
    ours = Longer(load_balancer=WEB, zone=bad, expires_in=timedelta(hours=4))
    step = Step(Extend(), ours, cloud)
    assert "by hand" in str(step.plan().warnings[0])
    assert isinstance(step.act(), Failed)
    anyones = Step(Extend(), ours.model_copy(update={"only_ours": False}), cloud)
    assert isinstance(anyones.act(), Done)


def test_nothing_can_be_extended_where_nothing_is_shifted(front: Front, cloud: Cloud, bad: str) -> None:
    step = Step(Extend(), Longer(load_balancer=WEB, zone=bad), cloud)
    assert step.plan().calls == ()
    assert isinstance(step.act(), Failed)
    assert isinstance(step.look(), Failed)


@pytest.mark.parametrize("wrong", [timedelta(seconds=59), timedelta(hours=72, seconds=1)])
def test_a_shift_is_extended_by_what_aws_takes(wrong: timedelta) -> None:
    assert Longer(load_balancer=WEB, zone="use1-az1", expires_in=timedelta(hours=72))
    with pytest.raises(ValidationError):
        Longer(load_balancer=WEB, zone="use1-az1", expires_in=wrong)
