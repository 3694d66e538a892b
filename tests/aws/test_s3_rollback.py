"""s3.can_roll_back, s3.rollback_prefix and s3.as_of, on the emulated AWS."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.aws.models import problems_of
from bot.aws.s3 import rollback
from bot.aws.s3.checks import AsOf, CanRollBack, Checked
from bot.aws.s3.rollback import LARGEST_COPY, TAG, RollbackPrefix, RolledBack, needed
from bot.aws.s3.versions import Entry, History
from bot.aws.slices import Slice
from bot.errors import ActionFailed
from bot.playbook.action import Done, Failed, Working
from bot.rehearsal.aws.emulator import EmulatedAws
from tests.aws.buckets import BUCKET, Bucket
from tests.aws.rehearsed import Cloud, Step
from tests.aws.test_s3_undelete import goes_on

RIGHT = {"changed": "right", "deleted": "right", "same": "right"}


@pytest.fixture
def bucket(emulated: EmulatedAws) -> Bucket:
    return Bucket(emulated)


@pytest.fixture
def at(bucket: Bucket) -> datetime:
    """The moment before the damage: one object is changed after it, one deleted, one born, one stays, one stays gone."""
    for key, body in (RIGHT | {"gone": "right"}).items():
        bucket.put(key, body, ContentType="text/x-shop", Tagging="team=web")
    bucket.later()
    bucket.delete("gone")
    moment = bucket.later()
    bucket.put("changed", "damaged")
    bucket.delete("deleted")
    bucket.put("born", "later")
    bucket.put("gone", "again")
    bucket.later()
    bucket.aws.calls.clear()
    return moment


def step_of(bucket: Bucket, at: datetime, prefix: str = "") -> Step:
    return Step(RollbackPrefix(), RolledBack(bucket=BUCKET, prefix=prefix, at=at), Cloud(bucket.aws))


def look(action: Any, bucket: Bucket, at: datetime, prefix: str = "") -> Any:
    params = Checked(bucket=BUCKET, prefix=prefix, at=at)
    return action.look(params, Cloud(bucket.aws), step_of(bucket, at).attempt())


def test_all_is_as_it_was_and_no_version_is_lost(bucket: Bucket, at: datetime) -> None:
    before = bucket.versions()
    assert isinstance(look(AsOf(), bucket, at), Failed)
    done = goes_on(step_of(bucket, at))
    assert isinstance(done, Done), done
    assert bucket.objects() == RIGHT
    assert (done.output["copied"], done.output["hidden"]) == (2, 2)
    assert before <= bucket.versions()
    assert isinstance(
        AsOf().look(Checked(bucket=BUCKET, at=at), Cloud(bucket.aws), step_of(bucket, at).attempt()), Done
    )


def test_metadata_and_tags_come_with_the_copy(bucket: Bucket, at: datetime) -> None:
    goes_on(step_of(bucket, at))
    assert bucket.api.head_object(Bucket=BUCKET, Key="changed")["ContentType"] == "text/x-shop"
    tags = {tag["Key"]: tag["Value"] for tag in bucket.api.get_object_tagging(Bucket=BUCKET, Key="changed")["TagSet"]}
    assert tags["team"] == "web"
    assert TAG in tags


def test_the_plan_counts_objects_and_bytes_and_changes_nothing(bucket: Bucket, at: datetime) -> None:
    before, step = bucket.versions(), step_of(bucket, at)
    plan = RollbackPrefix().plan(step.params, step.cloud, step.attempt())
    assert [call.operation for call in plan.calls] == ["CopyObject", "DeleteObject"]
    assert [problem for call in plan.calls for problem in problems_of(call)] == [], "the planner would refuse the run"
    assert [change.before for change in plan.changes] == ["2 (0.0 MiB)", "2"]
    assert plan.loses == timedelta(seconds=120)
    assert set(plan.foreseen) == {"before"}
    assert bucket.versions() == before


def test_the_same_with_the_moment_before_our_run_undoes_it(bucket: Bucket, at: datetime) -> None:
    damaged = bucket.objects()
    done = goes_on(step_of(bucket, at))
    bucket.later()
    undone = goes_on(step_of(bucket, datetime.fromisoformat(done.output["before"])))
    assert isinstance(undone, Done)
    assert bucket.objects() == damaged


def test_a_second_act_copies_nothing_twice(bucket: Bucket, at: datetime) -> None:
    goes_on(step_of(bucket, at))
    before = bucket.versions()
    again = goes_on(step_of(bucket, at))
    assert (again.output["copied"], again.output["hidden"]) == (0, 0)
    assert bucket.versions() == before


def test_our_own_copy_is_recognised_by_its_tag_where_etags_differ(
    bucket: Bucket, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = step_of(bucket, at)
    goes_on(first)
    before = bucket.versions()
    # With KMS, no two encryptions of the same bytes have the same ETag.
    monkeypatch.setattr(rollback, "needed", _never_by_etag)
    first.memory = {}
    assert first.act(again=True).output["copied"] == 0  # type: ignore[union-attr]
    assert bucket.versions() == before


def _never_by_etag(history: History, params: RolledBack) -> Any:
    unlike = History(history.key, (_unlike(history.latest), *history.entries[1:]))
    return needed(unlike, params)


def _unlike(entry: Entry) -> Entry:
    return Entry(entry.key, entry.version, entry.made_at, entry.is_latest, entry.is_marker, "?", entry.size)


def test_a_copy_whose_answer_was_lost_is_not_made_again(bucket: Bucket, at: datetime) -> None:
    bucket.aws.faults.lose_answer("s3", "CopyObject", times=1)
    step = step_of(bucket, at)
    with pytest.raises(ActionFailed) as caught:
        RollbackPrefix().act(step.params, step.cloud, step.attempt())
    assert caught.value.retry
    step.act(again=True)
    assert len(bucket.aws.calls.of("s3", "CopyObject")) == 2
    assert bucket.objects() == RIGHT


def test_throttling_is_tried_again(bucket: Bucket, at: datetime) -> None:
    bucket.aws.faults.throttle("s3", "CopyObject", times=1)
    step = step_of(bucket, at)
    with pytest.raises(ActionFailed) as caught:
        step.act()
    assert caught.value.kind == "throttled"
    assert isinstance(goes_on(step), Done)
    assert bucket.objects() == RIGHT


@pytest.mark.parametrize(("milliseconds", "body"), [(-1, "first"), (0, "second"), (999, "second")])
def test_last_modified_knows_whole_seconds_and_that_very_second_counts(
    milliseconds: int, body: str, bucket: Bucket
) -> None:
    bucket.put("a", "first")
    bucket.later()
    bucket.put("a", "second")
    moment = bucket.later()
    bucket.put("a", "third")
    bucket.later()
    goes_on(step_of(bucket, moment + timedelta(milliseconds=milliseconds)))
    assert bucket.body("a") == body


@pytest.mark.parametrize(("size", "need"), [(LARGEST_COPY, "copy"), (LARGEST_COPY + 1, "refused")])
def test_an_object_of_more_than_five_gigabytes_is_refused(size: int, need: str, at: datetime) -> None:
    then = Entry("big", "1", at, is_latest=False, etag="right", size=size)
    now = Entry("big", "2", at + timedelta(minutes=1), is_latest=True, etag="damaged")
    assert needed(History("big", (now, then)), RolledBack(bucket=BUCKET, at=at))[0] == need


def test_what_is_refused_is_told_at_the_end_and_the_others_are_rolled_back(bucket: Bucket) -> None:
    bucket.put("archived", "right", StorageClass="GLACIER")
    bucket.put("plain", "right")
    at = bucket.later()
    bucket.put("archived", "damaged")
    bucket.put("plain", "damaged")
    bucket.later()
    step = step_of(bucket, at)
    assert any("archived" in str(warning) for warning in step.plan().warnings)
    failed = goes_on(step)
    assert isinstance(failed, Failed)
    assert "archived" in str(failed.why)
    assert bucket.body("plain") == "right"


@pytest.mark.parametrize("key_count", [1, 3])
def test_a_history_longer_than_a_page_is_read_to_its_end(
    key_count: int, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.rehearsal.aws.objects._PAGE", 10)
    bucket.put("k0", "right")
    at = bucket.later()
    for number in range(15):
        bucket.put("k0", str(number))
    for number in range(1, key_count):
        bucket.put(f"k{number}", "later")
    bucket.later()
    goes_on(step_of(bucket, at))
    assert bucket.objects() == {"k0": "right"}


def test_a_large_prefix_is_done_in_pieces_and_goes_on_where_it_was(
    bucket: Bucket, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollback, "Slice", lambda: Slice(calls=2))
    step = step_of(bucket, at)
    progress = step.act()
    assert isinstance(progress, Working)
    assert progress.more
    assert isinstance(goes_on(step), Done)
    assert bucket.objects() == RIGHT


def test_only_what_is_below_the_prefix_is_touched(bucket: Bucket, at: datetime) -> None:
    goes_on(step_of(bucket, at, prefix="ch"))
    assert bucket.objects() == {"changed": "right", "same": "right", "born": "later", "gone": "again"}


def test_a_bucket_whose_versioning_is_suspended_is_left_alone(bucket: Bucket, at: datetime) -> None:
    bucket.versioning("Suspended")
    step = step_of(bucket, at)
    assert step.plan().calls == ()
    assert isinstance(step.act(), Failed)
    assert isinstance(RollbackPrefix().look(step.params, step.cloud, step.attempt()), Failed)
    assert isinstance(CanRollBack().look(Checked(bucket=BUCKET, at=at), step.cloud, step.attempt()), Failed)


def test_the_check_wants_a_past_moment_a_bucket_and_something_in_it(bucket: Bucket, at: datetime) -> None:
    assert isinstance(look(CanRollBack(), bucket, at), Done)
    assert isinstance(look(CanRollBack(), bucket, bucket.aws.clock.now()), Done)
    assert isinstance(look(CanRollBack(), bucket, bucket.aws.clock.now() + timedelta(seconds=1)), Failed)
    assert isinstance(look(CanRollBack(), bucket, at, prefix="nothing/"), Failed)
    absent = Checked(bucket="not-there", at=at)
    assert isinstance(CanRollBack().look(absent, Cloud(bucket.aws), step_of(bucket, at).attempt()), Failed)
