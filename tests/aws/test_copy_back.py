"""dynamodb.copy_back and dynamodb.undo_copy_back, on the emulated AWS."""

from typing import Any

import pytest

from bot.aws.dynamodb import copy_back
from bot.aws.dynamodb.conditional import MOST_ATTRIBUTES, fits, from_json, to_json
from bot.aws.dynamodb.copy_back import Copied, CopyBack
from bot.aws.dynamodb.from_backup import FromBackup, RestoreBackup
from bot.aws.dynamodb.undo_copy_back import PutBack, UndoCopyBack
from bot.aws.slices import Slice
from bot.errors import ActionFailed
from bot.playbook.action import Done, Failed, Working
from bot.rehearsal.aws.emulator import EmulatedAws
from tests.aws.buckets import BUCKET, Bucket
from tests.aws.rehearsed import Cloud, Step
from tests.aws.tables import Tables
from tests.aws.test_s3_undelete import goes_on

RESTORED = "orders-lb-inc-7"
RIGHT = {"1": "paid", "2": "sent", "3": "paid"}
LIVE = {"1": "damaged", "3": "paid", "9": "born later"}


@pytest.fixture
def tables(emulated: EmulatedAws) -> Tables:
    """`orders` was right, then one item was damaged, one deleted and one born."""
    Bucket(emulated)
    made = Tables(emulated)
    made.forget()
    made.create("orders", RIGHT, recovery=False)
    made.back_up("orders", "right")
    params = FromBackup(table="orders", before=made.aws.clock.now())
    assert isinstance(Step(RestoreBackup(), params, Cloud(emulated)).run(), Done)
    made.write("orders", LIVE)
    made.api.delete_item(TableName="orders", Key={"id": {"S": "2"}})
    emulated.calls.clear()
    return made


def step_of(tables: Tables, **more: Any) -> Step:
    return Step(CopyBack(), Copied(restored=RESTORED, live="orders", bucket=BUCKET, **more), Cloud(tables.aws))


def undo_of(tables: Tables, done: Any) -> Step:
    params = PutBack(live="orders", bucket=BUCKET, pre_images=done.output["pre_images"])
    return Step(UndoCopyBack(), params, Cloud(tables.aws))


def test_damaged_and_deleted_items_come_back_and_newer_ones_stay(tables: Tables) -> None:
    done = goes_on(step_of(tables))
    assert isinstance(done, Done), done
    assert (done.output["written"], done.output["conflicts"]) == (2, 0)
    assert tables.items("orders") == RIGHT | {"9": "born later"}
    assert not tables.aws.calls.of("dynamodb", "BatchWriteItem")


def test_the_undo_gives_back_what_was_there_before(tables: Tables) -> None:
    done = goes_on(step_of(tables))
    undo = undo_of(tables, done)
    assert UndoCopyBack().plan(undo.params, undo.cloud, undo.attempt()).calls
    assert isinstance(UndoCopyBack().act(undo.params, undo.cloud, undo.attempt()), Done)
    assert tables.items("orders") == LIVE
    again = UndoCopyBack().act(undo.params, undo.cloud, undo.attempt())
    assert isinstance(again, Done)
    assert again.output["written"] == 0
    assert isinstance(UndoCopyBack().look(undo.params, undo.cloud, undo.attempt()), Done)


def test_the_undo_leaves_what_somebody_changed_since(tables: Tables) -> None:
    done = goes_on(step_of(tables))
    tables.write("orders", {"1": "refunded"})
    undone = goes_on(undo_of(tables, done))
    assert undone.output == {"written": 1, "passed_over": 1}
    assert tables.items("orders")["1"] == "refunded"


def test_the_plan_counts_and_changes_nothing(tables: Tables) -> None:
    step = step_of(tables)
    plan = CopyBack().plan(step.params, step.cloud, step.attempt())
    assert plan.changes[0].before == "1 + 1"
    assert plan.touches == ("dynamodb:us-east-1:orders",)
    assert tables.items("orders") == LIVE


@pytest.mark.parametrize(("cap", "expected"), [(2, Done), (1, Failed)])
def test_above_the_cap_nothing_is_written(cap: int, expected: type, tables: Tables) -> None:
    step = step_of(tables, cap=cap)
    assert bool(step.plan().calls) is (expected is Done)
    assert isinstance(goes_on(step), expected)
    if expected is Failed:
        assert tables.items("orders") == LIVE


def test_an_item_that_changes_after_it_was_seen_is_a_conflict_and_stays(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = copy_back._keep

    def meanwhile(*about: Any) -> None:
        keep(*about)
        tables.write("orders", {"1": "paid by card"})

    monkeypatch.setattr(copy_back, "_keep", meanwhile)  # the only moment between seeing and writing
    done = goes_on(step_of(tables))
    assert (done.output["written"], done.output["conflicts"]) == (1, 1)
    assert tables.items("orders")["1"] == "paid by card"


def test_an_attribute_that_nobody_saw_survives(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    keep = copy_back._keep

    def meanwhile(*about: Any) -> None:
        keep(*about)
        key = {"TableName": "orders", "Key": {"id": {"S": "1"}}}
        tables.api.update_item(**key, UpdateExpression="SET note = :n", ExpressionAttributeValues={":n": {"S": "new"}})

    monkeypatch.setattr(copy_back, "_keep", meanwhile)
    goes_on(step_of(tables))
    item = tables.api.get_item(TableName="orders", Key={"id": {"S": "1"}})["Item"]
    assert (item["state"], item["note"]) == ({"S": "paid"}, {"S": "new"})


def test_the_items_are_kept_before_the_first_is_changed(tables: Tables) -> None:
    tables.aws.faults.deny("s3", "PutObject")
    with pytest.raises(ActionFailed):
        goes_on(step_of(tables))
    assert tables.items("orders") == LIVE


def test_what_a_crashed_act_has_changed_is_undone_too(tables: Tables) -> None:
    tables.aws.faults.lose_answer("dynamodb", "UpdateItem", times=1)
    step = step_of(tables)
    with pytest.raises(ActionFailed) as caught:
        CopyBack().act(step.params, step.cloud, step.attempt())
    assert caught.value.retry
    done = goes_on(step)
    assert tables.items("orders") == RIGHT | {"9": "born later"}
    goes_on(undo_of(tables, done))
    assert tables.items("orders") == LIVE


def test_a_second_act_writes_nothing_twice(tables: Tables) -> None:
    goes_on(step_of(tables))
    before = len(Cloud(tables.aws).changes("dynamodb"))
    assert goes_on(step_of(tables)).output["written"] == 0
    changes = Cloud(tables.aws).changes("dynamodb")[before:]
    assert set(changes) <= {"BatchGetItem", "Scan"}


def test_throttling_is_tried_again(tables: Tables) -> None:
    tables.aws.faults.throttle("dynamodb", "UpdateItem", times=1)
    step = step_of(tables)
    with pytest.raises(ActionFailed) as caught:
        goes_on(step)
    assert caught.value.kind == "throttled"
    assert isinstance(goes_on(step), Done)


def test_many_items_are_done_in_pieces_and_undone_in_pieces(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copy_back, "PAGE", 1)
    monkeypatch.setattr(copy_back, "Slice", lambda: Slice(calls=1))
    step = step_of(tables)
    first = step.act()
    assert isinstance(first, Working)
    assert first.more
    done = goes_on(step)
    assert (done.output["written"], tables.items("orders")) == (2, RIGHT | {"9": "born later"})
    goes_on(undo_of(tables, done))
    assert tables.items("orders") == LIVE


def test_a_table_that_was_not_restored_from_the_live_one_is_refused(tables: Tables) -> None:
    tables.create("carts", {}, recovery=False)
    params = Copied(restored="carts", live="orders", bucket=BUCKET)
    step = Step(CopyBack(), params, Cloud(tables.aws))
    assert step.plan().calls == ()
    assert isinstance(step.act(), Failed)
    assert isinstance(CopyBack().look(params, step.cloud, step.attempt()), Failed)


@pytest.mark.parametrize(("count", "fit"), [(MOST_ATTRIBUTES, True), (MOST_ATTRIBUTES + 1, False)])
def test_an_item_with_too_many_attributes_is_not_tried(count: int, fit: bool) -> None:
    assert fits(None, {f"a{number}": {"S": "x"} for number in range(count)}) is fit


def test_bytes_come_back_from_json_wherever_they_are() -> None:
    item = {"a": {"B": b"\x00"}, "b": {"M": {"c": {"L": [{"BS": [b"\x01"]}, {"S": "x"}]}}}, "n": {"NULL": True}}
    assert from_json(to_json(item)) == item
