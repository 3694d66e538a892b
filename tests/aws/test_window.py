"""dynamodb.restore_window."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.aws.dynamodb.restore import Restore, RestorePitr
from bot.aws.dynamodb.window import RestoreWindow, Window
from bot.playbook.action import Done, Failed, Working
from tests.aws.fakes import T0, Dynamo, World, attempt

SECOND = timedelta(seconds=1)


def look(world: World, at: datetime, after: float = 0) -> Any:
    return RestoreWindow().look(Window(table="orders", at=at), world, attempt(after))


@pytest.fixture(autouse=True)
def table(orders: str) -> str:
    return orders


def test_both_ends_of_the_window_can_be_restored(world: World, dynamodb: Dynamo) -> None:
    for at in (dynamodb.earliest, dynamodb.latest):
        done = look(world, at)
        assert isinstance(done, Done)
    assert done.output == {"earliest": dynamodb.earliest.isoformat(), "latest": dynamodb.latest.isoformat()}
    assert set(done.output) == set(RestoreWindow.facts.outputs)
    assert dynamodb.changes == []


def test_a_fraction_of_a_second_beyond_the_window_is_within_it(world: World, dynamodb: Dynamo) -> None:
    """AWS restores to whole seconds, so that is the moment it will be."""
    assert isinstance(look(world, dynamodb.latest + timedelta(milliseconds=999)), Done)


def test_a_moment_before_the_window_says_which_may_be_chosen(world: World, dynamodb: Dynamo) -> None:
    failed = look(world, dynamodb.earliest - SECOND)
    assert isinstance(failed, Failed)
    assert str(dynamodb.earliest) in str(failed.why)
    assert str(dynamodb.latest) in str(failed.why)


def test_a_moment_in_the_future_is_refused(world: World) -> None:
    assert isinstance(look(world, T0 + 61 * SECOND, after=60), Failed)


def test_a_moment_that_becomes_restorable_soon_is_awaited(world: World, dynamodb: Dynamo) -> None:
    waiting = look(world, T0 + 60 * SECOND, after=60)
    assert isinstance(waiting, Working)
    dynamodb.latest = T0 + 60 * SECOND
    assert isinstance(look(world, T0 + 60 * SECOND, after=70), Done)


@pytest.mark.parametrize(("lag", "expected"), [(600, Working), (601, Failed)])
def test_nobody_waits_for_a_window_that_hangs(lag: int, expected: type, world: World, dynamodb: Dynamo) -> None:
    dynamodb.latest = T0 - lag * SECOND
    assert isinstance(look(world, T0), expected)


def test_recovery_that_is_off_fails_though_backups_are_said_to_be_enabled(world: World, dynamodb: Dynamo) -> None:
    off = {"PointInTimeRecoveryEnabled": False}
    dynamodb._client.update_continuous_backups(TableName="orders", PointInTimeRecoverySpecification=off)
    found = dynamodb.describe_continuous_backups(TableName="orders")["ContinuousBackupsDescription"]
    assert found["ContinuousBackupsStatus"] == "ENABLED"
    failed = look(world, T0)
    assert isinstance(failed, Failed)
    assert "recovery is off" in str(failed.why)


def test_a_table_that_is_not_there(world: World, dynamodb: Dynamo) -> None:
    dynamodb._client.delete_table(TableName="orders")
    failed = look(world, T0)
    assert isinstance(failed, Failed)
    assert "us-east-1" in str(failed.why)


def test_a_key_that_cannot_be_used(world: World, dynamodb: Dynamo) -> None:
    dynamodb.described["orders"] = {
        "SSEDescription": {"InaccessibleEncryptionDateTime": T0, "KMSMasterKeyArn": "key-1"}
    }
    failed = look(world, T0)
    assert isinstance(failed, Failed)
    assert "key-1" in str(failed.why)


def test_our_own_restore_of_that_moment_may_exist_and_another_may_not(world: World) -> None:
    RestorePitr().act(Restore(table="orders", at=T0), world, attempt())
    assert isinstance(look(world, T0), Done)
    assert isinstance(look(world, T0 - SECOND), Failed)


@pytest.mark.parametrize(("running", "expected"), [(49, Done), (50, Failed)])
def test_no_more_restores_than_dynamodb_allows(running: int, expected: type, world: World, dynamodb: Dynamo) -> None:
    names = [f"t-lb-{number}" for number in range(running)]
    dynamodb.instead["list_tables"] = lambda **_: {"TableNames": ["orders", *names]}
    for name in names:
        dynamodb.described[name] = {"RestoreSummary": {"RestoreInProgress": True}}
    tables = dynamodb.fake_describe_table
    dynamodb.instead["describe_table"] = lambda TableName: (  # noqa: N803  # AWS's own name
        {"Table": dynamodb.described[TableName]} if TableName in names else tables(TableName=TableName)
    )
    assert isinstance(look(world, T0), expected)


def test_tables_are_listed_page_by_page(world: World, dynamodb: Dynamo) -> None:
    pages = [{"TableNames": ["abc"], "LastEvaluatedTableName": "abc"}, {"TableNames": ["orders"]}]
    dynamodb.instead["list_tables"] = lambda **_: pages.pop(0)
    assert isinstance(look(world, T0), Done)
    assert ("list_tables", {"Limit": 100, "ExclusiveStartTableName": "abc"}) in dynamodb.calls
