"""s3.undelete, on the emulated AWS."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.aws.models import problems_of
from bot.aws.s3 import undelete
from bot.aws.s3.undelete import Undelete, Undeleted
from bot.aws.slices import Slice
from bot.errors import ActionFailed
from bot.playbook.action import Done, Failed, Working
from bot.rehearsal.aws.emulator import EmulatedAws
from bot.rehearsal.aws.moto_app import backend
from tests.aws.buckets import BUCKET, Bucket
from tests.aws.rehearsed import Cloud, Step


@pytest.fixture
def bucket(emulated: EmulatedAws) -> Bucket:
    return Bucket(emulated)


@pytest.fixture
def at(bucket: Bucket) -> datetime:
    """The last moment at which all was there; `early` had been deleted before."""
    for key in ("a", "b", "early"):
        bucket.put(key, f"content of {key}")
    bucket.later()
    bucket.delete("early")
    moment = bucket.later()
    bucket.aws.calls.clear()
    return moment


def step_of(bucket: Bucket, at: datetime, prefix: str = "") -> Step:
    return Step(Undelete(), Undeleted(bucket=BUCKET, prefix=prefix, at=at), Cloud(bucket.aws))


def goes_on(step: Step) -> Any:
    """As the engine calls an act that has more to do."""
    progress = step.act()
    while isinstance(progress, Working):
        assert progress.more
        progress = step.act()
    return progress


def test_what_was_deleted_later_is_there_again_and_what_was_gone_before_stays_gone(
    bucket: Bucket, at: datetime
) -> None:
    bucket.delete("a")
    bucket.delete("b")
    done = goes_on(step_of(bucket, at))
    assert isinstance(done, Done), done
    assert done.output == {"undeleted": 2, "lost": 0}
    assert bucket.objects() == {"a": "content of a", "b": "content of b"}
    assert bucket.markers() == 1


def test_the_plan_counts_and_changes_nothing(bucket: Bucket, at: datetime) -> None:
    bucket.delete("a")
    step = step_of(bucket, at)
    plan = Undelete().plan(step.params, step.cloud, step.attempt())
    assert [call.operation for call in plan.calls] == ["DeleteObjects"]
    assert [problem for call in plan.calls for problem in problems_of(call)] == [], "the planner would refuse the run"
    assert (plan.changes[0].before, plan.changes[0].after) == ("1", "0")
    assert plan.touches == (f"s3:us-east-1:{BUCKET}",)
    assert bucket.markers() == 2


def test_no_version_is_ever_removed(bucket: Bucket, at: datetime) -> None:
    before = bucket.versions()
    bucket.delete("a")
    bucket.put("b", "new")
    goes_on(step_of(bucket, at))
    assert before <= bucket.versions()
    assert bucket.body("b") == "new"


@pytest.mark.parametrize(("seconds", "back"), [(0, False), (1, True)])
def test_a_marker_of_that_very_second_stays_and_one_of_the_next_goes(seconds: int, back: bool, bucket: Bucket) -> None:
    bucket.put("a", "content")
    bucket.later()
    at = bucket.later(seconds)
    bucket.delete("a")
    goes_on(step_of(bucket, at + timedelta(milliseconds=500)))
    assert ("a" in bucket.objects()) is back


def test_an_object_that_was_deleted_twice_is_there_after_one_run(bucket: Bucket, at: datetime) -> None:
    bucket.delete("a")
    bucket.delete("a")
    assert goes_on(step_of(bucket, at)).output["undeleted"] == 1
    assert "a" in bucket.objects()


def test_a_bucket_whose_versioning_is_suspended_is_left_alone(bucket: Bucket, at: datetime) -> None:
    bucket.delete("a")
    bucket.versioning("Suspended")
    step = step_of(bucket, at)
    assert step.plan().calls == ()
    failed = step.act()
    assert isinstance(failed, Failed)
    assert "Suspended" in str(failed.why)
    assert isinstance(Undelete().look(step.params, step.cloud, step.attempt()), Failed)


def test_an_object_whose_versions_a_lifecycle_rule_removed_is_told_as_lost(bucket: Bucket, at: datetime) -> None:
    version = bucket.put("old", "content")
    bucket.delete("old")
    bucket.api.delete_object(Bucket=BUCKET, Key="old", VersionId=version)
    step = step_of(bucket, at)
    assert any("lifecycle" in str(warning) for warning in step.plan().warnings)
    assert goes_on(step).output == {"undeleted": 0, "lost": 1}


def test_keys_that_s3_refuses_inside_a_good_answer_are_a_failure(bucket: Bucket, at: datetime) -> None:
    class Refusing:
        def delete_objects(self, **_: Any) -> Any:
            return {"Errors": [{"Key": "a", "Code": "AccessDenied", "Message": "no"}]}

    class Elsewhere:
        region = "us-east-1"

        def client(self, *_: Any) -> Any:
            return Refusing()

    with pytest.raises(ActionFailed) as caught:
        undelete._remove(Elsewhere(), BUCKET, [("a", "1")])
    assert "AccessDenied" in str(caught.value)
    assert not caught.value.retry


def test_a_second_act_and_a_lost_answer_remove_nothing_twice(bucket: Bucket, at: datetime) -> None:
    bucket.delete("a")
    bucket.aws.faults.lose_answer("s3", "DeleteObjects", times=1)
    step = step_of(bucket, at)
    with pytest.raises(ActionFailed) as caught:
        Undelete().act(step.params, step.cloud, step.attempt())
    assert caught.value.retry
    assert isinstance(step.act(again=True), Done)
    assert len(bucket.aws.calls.of("s3", "DeleteObjects")) == 1


def test_throttling_is_tried_again(bucket: Bucket, at: datetime) -> None:
    bucket.delete("a")
    bucket.aws.faults.throttle("s3", "ListObjectVersions", times=1)
    step = step_of(bucket, at)
    with pytest.raises(ActionFailed) as caught:
        step.act()
    assert (caught.value.retry, caught.value.kind) == (True, "throttled")
    assert isinstance(goes_on(step), Done)


def test_a_large_bucket_is_done_in_pieces_that_each_fit_a_lease(
    bucket: Bucket, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = backend("s3", "aws")
    for number in range(1100):
        objects.put_object(BUCKET, f"many/{number:04}", b"x")
        objects.delete_object(BUCKET, f"many/{number:04}")
    monkeypatch.setattr(undelete, "Slice", lambda: Slice(calls=1))  # a small room: the count of calls is what limits
    step = step_of(bucket, at, prefix="many/")
    progress = step.act()
    assert isinstance(progress, Working)
    assert progress.more
    assert goes_on(step).output == {"undeleted": 1100, "lost": 0}
    assert len(bucket.aws.calls.of("s3", "DeleteObjects")) >= 2
