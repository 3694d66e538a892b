"""s3.shift_access_point, against the emulated AWS."""

from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from pydantic import ValidationError

from bot.aws.s3.access_point import CONTROL_REGIONS, Routes, ShiftAccessPoint, _controls
from bot.errors import ActionFailed
from bot.playbook.action import Done, Failed, Working
from bot.playbook.fence import Fence
from bot.rehearsal.aws.emulator import EmulatedAws
from tests.aws.rehearsed import Cloud, Step

HOME, STANDBY = "us-east-1", "us-west-2"
NUMBERS = count(1)


class Point:
    """An access point over a bucket at home, which gets the requests, and one in the standby region."""

    def __init__(self, aws: EmulatedAws) -> None:
        self.aws, self.cloud, number = aws, Cloud(aws, STANDBY), next(NUMBERS)
        names = {region: f"shop-{number}-{region}" for region in (HOME, STANDBY)}
        aws.client("s3", HOME).create_bucket(Bucket=names[HOME])
        location = {"LocationConstraint": STANDBY}
        aws.client("s3", STANDBY).create_bucket(Bucket=names[STANDBY], CreateBucketConfiguration=location)
        control = aws.client("s3control", "us-west-2")
        details = {"Name": f"shop-{number}", "Regions": [{"Bucket": name} for name in names.values()]}
        control.create_multi_region_access_point(AccountId=aws.account, ClientToken="1", Details=details)
        found = control.get_multi_region_access_point(AccountId=aws.account, Name=f"shop-{number}")
        self.arn = f"arn:aws:s3::{aws.account}:accesspoint/{found['AccessPoint']['Alias']}"
        self.turn(STANDBY, 0)
        aws.clock.move(timedelta(minutes=2))
        aws.calls.clear()

    def turn(self, region: str, dial: int) -> None:
        """By hand."""
        self.aws.client("s3control", "eu-west-1").submit_multi_region_access_point_routes(
            AccountId=self.aws.account, Mrap=self.arn, RouteUpdates=[{"Region": region, "TrafficDialPercentage": dial}]
        )

    @property
    def active(self) -> set[str]:
        return set(self.aws.access_points.active(self.arn))

    def sent(self) -> list[str]:
        calls = self.aws.calls.of("s3control", "SubmitMultiRegionAccessPointRoutes")
        return [one.region for one in calls if one.status == 200]


@pytest.fixture
def point(emulated: EmulatedAws) -> Point:
    emulated.outages.forget()
    return Point(emulated)


def shift(point: Point, *, on: Any = (STANDBY,), off: Any = (HOME,), number: int = 1) -> Step:
    return Step(ShiftAccessPoint(), Routes(access_point=point.arn, on=on, off=off), point.cloud, number=number)


def test_the_plan_shows_the_call_that_act_makes(point: Point) -> None:
    step = shift(point)
    plan = ShiftAccessPoint().plan(step.params, point.cloud, step.attempt())
    assert [(one.before, one.after) for one in plan.changes] == [("100 %", "0 %"), ("0 %", "100 %")]
    assert plan.foreseen == {"was_on": [HOME], "was_off": [STANDBY]}
    assert point.sent() == []
    assert isinstance(step.wait(ShiftAccessPoint().act(step.params, point.cloud, step.attempt())), Working | Done)
    [call], [made] = plan.calls, point.aws.calls.of("s3control", "SubmitMultiRegionAccessPointRoutes")
    assert made.parameters == call.parameters


def test_it_is_over_when_it_is_in_effect_which_takes_two_minutes(point: Point) -> None:
    step, began = shift(point), point.aws.clock.now()
    done = step.run()
    assert isinstance(done, Done)
    assert done.output == {"was_on": [HOME], "was_off": [STANDBY]}
    assert point.active == {STANDBY}
    assert point.aws.clock.now() - began >= timedelta(minutes=2)
    reads = [call.region for call in point.aws.calls.of("s3control", "GetMultiRegionAccessPointRoutes")]
    assert reads[-1] != point.sent()[0]
    assert isinstance(ShiftAccessPoint().look(step.params, point.cloud, step.attempt()), Done)


def test_the_undo_turns_the_dials_back(point: Point) -> None:
    done = shift(point).run()
    assert isinstance(done, Done)
    assert isinstance(shift(point, on=done.output["was_on"], off=done.output["was_off"]).run(), Done)
    assert point.active == {HOME}


def test_the_failing_region_is_not_asked_though_it_is_one_of_the_five(point: Point) -> None:
    steps = (shift(point, number=number) for number in count(1))
    step = next(one for one in steps if _controls(one.attempt())[0].region == HOME)
    fenced: Any = Fence(point.cloud, HOME)
    progress: Any = ShiftAccessPoint().act(step.params, fenced, step.attempt())
    while isinstance(progress, Working):
        step.memory = progress.memory
        point.aws.clock.move(progress.again_in)
        work = ShiftAccessPoint().act if progress.more else ShiftAccessPoint().look
        progress = work(step.params, fenced, step.attempt())
    assert isinstance(progress, Done)
    assert point.active == {STANDBY}
    assert point.aws.calls.of("s3control", region=HOME) == []


@pytest.mark.parametrize("alive", CONTROL_REGIONS)
def test_one_control_region_takes_it_when_four_are_dark(point: Point, alive: str) -> None:
    for region in CONTROL_REGIONS:
        if region != alive:
            point.aws.outages.darken_region(region)
    step = shift(point)
    progress: Any = step.act()
    while isinstance(progress, Working) and progress.more:
        progress = step.act()
    assert step.memory["through"] == alive
    assert isinstance(step.wait(progress), Done)
    assert point.sent() == [alive]


def test_when_none_of_the_five_answers_it_says_so(point: Point) -> None:
    for region in CONTROL_REGIONS:
        point.aws.outages.darken_region(region)
    failed = shift(point).run()
    assert isinstance(failed, Failed)
    assert failed.kind == "unavailable"
    assert "None of S3's failover controls answers" in str(failed.why)


def test_requests_never_go_nowhere(point: Point) -> None:
    step = shift(point, on=(), off=(HOME,))
    assert "would go nowhere" in str(step.plan().warnings[0])
    failed = step.run()
    assert isinstance(failed, Failed)
    assert point.sent() == []
    assert point.active == {HOME}


def test_a_region_that_the_access_point_does_not_have_is_told(point: Point) -> None:
    failed = shift(point, on=("eu-west-1",)).run()
    assert isinstance(failed, Failed)
    assert f"only in {HOME}, {STANDBY}" in str(failed.why)


def test_a_lost_answer_is_sent_again_elsewhere_which_does_no_harm(point: Point) -> None:
    point.aws.faults.lose_answer("s3control", "SubmitMultiRegionAccessPointRoutes", times=1)
    done = shift(point).run()
    assert isinstance(done, Done)
    assert done.output["was_on"] == [HOME]
    assert point.active == {STANDBY}


def test_after_a_crash_between_the_call_and_its_record_the_states_before_are_still_known(point: Point) -> None:
    step = shift(point)
    step.act()
    ShiftAccessPoint().act(step.params, point.cloud, step.attempt())
    done = step.wait(step.act(again=True))
    assert isinstance(done, Done)
    assert done.output["was_on"] == [HOME]


def test_what_is_so_already_is_not_sent(point: Point) -> None:
    step = shift(point, on=(HOME,), off=(STANDBY,))
    assert "so already" in str(step.plan().warnings[0])
    assert isinstance(step.run(), Done)
    assert point.sent() == []


def test_a_retry_that_finds_it_done_does_not_take_it_for_what_was_before(point: Point) -> None:
    shift(point).run()
    done = shift(point, number=2).run()
    assert isinstance(done, Done)
    assert done.output == {}


def test_dials_that_somebody_turns_meanwhile_are_told(point: Point) -> None:
    step = shift(point)
    step.act()
    step.act()
    point.turn(HOME, 100)
    assert isinstance(step.look(), Working)
    point.aws.clock.move(timedelta(minutes=1))
    failed = step.look()
    assert isinstance(failed, Failed)
    assert "somebody changed it" in str(failed.why)


def test_a_permission_that_is_missing_is_told_at_once(point: Point) -> None:
    point.aws.faults.deny("s3control", "SubmitMultiRegionAccessPointRoutes")
    step = shift(point)
    step.act()
    with pytest.raises(ActionFailed, match="permission"):
        step.act()
    assert len(point.aws.calls.of("s3control", "SubmitMultiRegionAccessPointRoutes")) == 1


@pytest.mark.parametrize(
    ("given", "says"),
    [({"on": (), "off": ()}, "of no region"), ({"on": (HOME,)}, "cannot be both"), ({"on": ("home",)}, "pattern")],
)
def test_parameters_that_cannot_be_meant_are_refused(point: Point, given: Any, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        shift(point, **given)
