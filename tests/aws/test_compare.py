"""dynamodb.compare."""

import json
from typing import Any

import pytest

from bot.aws.dynamodb import compare
from bot.aws.dynamodb.compare import Compare, Tables
from bot.errors import ActionFailed
from bot.playbook.action import Done, Failed, Working
from tests.aws.fakes import Dynamo, World, attempt

PARAMS = Tables(left="live", right="restored")


@pytest.fixture
def tables(dynamodb: Dynamo) -> Dynamo:
    for name in ("live", "restored"):
        dynamodb._client.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
            AttributeDefinitions=[
                {"AttributeName": "id", "AttributeType": "B"},
                {"AttributeName": "at", "AttributeType": "N"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
    return dynamodb


def put(dynamodb: Dynamo, table: str, number: int, **values: Any) -> None:
    key = {"id": {"B": f"id-{number}".encode()}, "at": {"N": str(number)}}
    dynamodb._client.put_item(TableName=table, Item=key | values)


def run(world: World, params: Tables = PARAMS) -> Any:
    """Look until it is over, with memory going through JSON as it does through the database."""
    memory: Any = {}
    for _ in range(100):
        progress = Compare().look(params, world, attempt(memory=memory))
        if not isinstance(progress, Working):
            return progress
        memory = json.loads(json.dumps(progress.memory))
    raise AssertionError(memory)


def test_equal_tables(tables: Dynamo, world: World) -> None:
    for name in ("live", "restored"):
        put(tables, name, 1, tags={"SS": ["a", "b"] if name == "live" else ["b", "a"]})
    done = run(world)
    assert isinstance(done, Done)
    assert {k: done.output[k] for k in ("items", "differ", "missing", "extra")} == {
        "items": 1,
        "differ": 0,
        "missing": 0,
        "extra": 0,
    }
    assert done.output["complete"] is True
    assert set(done.output) == set(Compare.facts.outputs)
    assert tables.changes == []


def test_what_differs_is_missing_and_is_extra_is_counted(tables: Dynamo, world: World) -> None:
    for number in range(6):
        put(tables, "live", number, total={"N": "-1" if number < 3 else "5"})
    for number in range(1, 8):
        put(tables, "restored", number, total={"N": "5"})
    output = run(world).output
    assert (output["items"], output["differ"], output["missing"], output["extra"]) == (7, 2, 1, 2)


def test_lists_keep_their_order(tables: Dynamo, world: World) -> None:
    put(tables, "live", 1, path={"L": [{"S": "a"}, {"S": "b"}]})
    put(tables, "restored", 1, path={"L": [{"S": "b"}, {"S": "a"}]})
    assert run(world).output["differ"] == 1


def test_large_tables_take_several_looks_and_small_memory(
    tables: Dynamo, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare, "PAGE", 3)  # a small page instead of a table of thousands of items
    monkeypatch.setattr(compare, "PAGES_PER_LOOK", 2)
    for number in range(20):
        put(tables, "restored", number)
        if number != 11:
            put(tables, "live", number)
    first = Compare().look(PARAMS, world, attempt())
    assert isinstance(first, Working)
    assert len(json.dumps(first.memory)) < 500
    assert run(world).output["extra"] == 1
    assert run(world).output["items"] == 20


def test_a_look_that_was_lost_is_counted_once(tables: Dynamo, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "PAGE", 3)  # as above
    monkeypatch.setattr(compare, "PAGES_PER_LOOK", 1)
    for number in range(5):
        put(tables, "restored", number)
        put(tables, "live", number)
    Compare().look(PARAMS, world, attempt())
    assert run(world).output["items"] == 5


@pytest.mark.parametrize(("cap", "items", "complete"), [(4, 4, False), (5, 5, True), (6, 5, True)])
def test_no_more_items_than_the_cap_are_read(
    cap: int, items: int, complete: bool, tables: Dynamo, world: World
) -> None:
    for number in range(5):
        put(tables, "restored", number)
        put(tables, "live", number)
    output = run(world, Tables(left="live", right="restored", cap=cap)).output
    assert output["items"] == items
    if cap != 5:  # at exactly the cap, AWS may still name a last key
        assert output["complete"] is complete


def test_an_empty_restore_of_a_full_table_does_not_hold(tables: Dynamo, world: World) -> None:
    put(tables, "live", 1)
    failed = run(world)
    assert isinstance(failed, Failed)
    assert "empty" in str(failed.why)


def test_an_empty_restore_of_an_empty_table_holds(tables: Dynamo, world: World) -> None:
    assert isinstance(run(world), Done)


def test_a_restore_of_a_table_that_was_emptied_since_holds(tables: Dynamo, world: World) -> None:
    put(tables, "restored", 1)
    tables.described["live"] = {"ItemCount": 1}
    assert run(world).output["extra"] == 1


def test_keys_that_were_not_answered_are_asked_again(tables: Dynamo, world: World) -> None:
    for number in range(2):
        put(tables, "restored", number)
        put(tables, "live", number)

    def half(RequestItems: Any) -> Any:  # noqa: N803  # AWS's own name
        ((table, asked),) = RequestItems.items()
        answer = tables._client.batch_get_item(RequestItems={table: {"Keys": asked["Keys"][:1]}})
        rest = asked["Keys"][1:]
        return answer | {"UnprocessedKeys": {table: {"Keys": rest}} if rest else {}}

    tables.instead["batch_get_item"] = half
    output = run(world).output
    assert (output["items"], output["extra"], output["missing"]) == (2, 0, 0)


def test_keys_that_are_never_answered_are_not_taken_for_missing(tables: Dynamo, world: World) -> None:
    put(tables, "restored", 1)
    tables.instead["batch_get_item"] = lambda RequestItems: {"Responses": {}, "UnprocessedKeys": RequestItems}  # noqa: N803
    with pytest.raises(ActionFailed) as caught:
        run(world)
    assert caught.value.retry


def test_a_table_that_is_not_there(world: World, tables: Dynamo) -> None:
    failed = run(world, Tables(left="live", right="gone"))
    assert isinstance(failed, Failed)
    assert "gone" in str(failed.why)
