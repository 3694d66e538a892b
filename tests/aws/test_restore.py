"""dynamodb.restore_pitr and dynamodb.delete_restored."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.aws.dynamodb.restore import DeleteRestored, Restore, Restored, RestorePitr
from bot.errors import ActionFailed
from bot.playbook.action import Call, Done, Failed, Working
from tests.aws.fakes import T0, Dynamo, Recorded, World, attempt, refused

AT = T0 - timedelta(minutes=6, microseconds=-250_000)
MOMENT = "2026-11-23T02:54:00+00:00"
TARGET = "orders-lb-inc-7"


@pytest.fixture
def params(orders: str) -> Restore:
    return Restore(table=orders, at=AT)


def test_the_plan_shows_the_call_that_act_makes(params: Restore, world: World, dynamodb: Dynamo) -> None:
    plan = RestorePitr().plan(params, world, attempt())
    assert dynamodb.changes == []
    RestorePitr().act(params, world, attempt())
    asked = {
        "SourceTableName": "orders",
        "TargetTableName": TARGET,
        "RestoreDateTime": MOMENT,
        "BillingModeOverride": "PAY_PER_REQUEST",
    }
    assert plan.calls == (Call("dynamodb", "RestoreTableToPointInTime", asked),)
    assert ("restore_table_to_point_in_time", asked) in dynamodb.calls
    assert (plan.changes[0].before, plan.changes[0].after) == (None, f"orders @ {MOMENT}")


def test_the_plan_foresees_the_new_tables_name_for_the_steps_after_it(
    params: Restore, world: World, dynamodb: Dynamo
) -> None:
    plan = RestorePitr().plan(params, world, attempt())
    assert plan.foreseen == {"table": plan.calls[0].parameters["TargetTableName"]}


def test_the_plan_says_what_it_costs_what_is_lost_and_what_it_needs(
    params: Restore, world: World, dynamodb: Dynamo
) -> None:
    dynamodb.described["orders"] = {"TableSizeBytes": 10 * 2**30 + 1}
    plan = RestorePitr().plan(params, world, attempt())
    assert plan.cost == Decimal("1.51")
    assert plan.loses == T0 - AT
    assert [(need.needed, need.available) for need in plan.needs] == [(1, 50)]
    assert plan.disturbs == ()
    assert plan.touches == (f"dynamodb:us-east-1:{TARGET}",)


def test_restores_that_run_already_leave_less_room(orders: str, world: World, dynamodb: Dynamo) -> None:
    RestorePitr().act(Restore(table=orders, at=AT), world, attempt(incident="inc-8"))
    plan = RestorePitr().plan(Restore(table=orders, at=AT), world, attempt())
    assert plan.needs[0].available == 49


def test_the_undo_touches_the_table_that_it_deletes(restored: str, world: World) -> None:
    plan = DeleteRestored().plan(Restored(table=restored), world, attempt())
    assert plan.touches == (f"dynamodb:us-east-1:{restored}",)


def test_a_plan_is_json(params: Restore, world: World) -> None:
    json.dumps([call.parameters for call in RestorePitr().plan(params, world, attempt()).calls])


def test_capacity_is_kept_when_asked(orders: str, world: World) -> None:
    plan = RestorePitr().plan(Restore(table=orders, at=AT, on_demand=False), world, attempt())
    assert "BillingModeOverride" not in plan.calls[0].parameters


def test_it_is_not_done_until_items_and_indexes_are_there(params: Restore, world: World, dynamodb: Dynamo) -> None:
    started = RestorePitr().act(params, world, attempt())
    assert isinstance(started, Working)
    dynamodb.restoring.clear()
    dynamodb.building.add(TARGET)
    assert isinstance(RestorePitr().look(params, world, attempt(5, started.memory)), Working)
    dynamodb.building.clear()
    done = RestorePitr().look(params, world, attempt(9, started.memory))
    assert isinstance(done, Done)
    assert done.output["table"] == TARGET
    assert done.output["at"] == MOMENT
    assert json.loads(done.output["source_settings"])["point_in_time_recovery"] == {"RecoveryPeriodInDays": 35}


def test_an_active_table_that_is_still_being_filled_is_not_done(
    params: Restore, world: World, dynamodb: Dynamo
) -> None:
    RestorePitr().act(params, world, attempt())
    dynamodb.described[TARGET] = {"TableStatus": "ACTIVE"}
    assert isinstance(RestorePitr().look(params, world, attempt(5)), Working)


def test_a_second_act_adopts_and_never_restores_twice(params: Restore, world: World, dynamodb: Dynamo) -> None:
    for _ in range(3):
        assert isinstance(RestorePitr().act(params, world, attempt()), Working)
    assert dynamodb.count("restore_table_to_point_in_time") == 1


def test_a_restore_whose_answer_was_lost_is_adopted(params: Restore, world: World, dynamodb: Dynamo) -> None:
    dynamodb.fail_after["restore_table_to_point_in_time"] = refused("ReadTimeoutError", retry=True)
    with pytest.raises(ActionFailed):
        RestorePitr().act(params, world, attempt())
    assert isinstance(RestorePitr().act(params, world, attempt(3)), Working)
    assert dynamodb.count("restore_table_to_point_in_time") == 1


def test_a_restore_that_another_process_began_just_now_is_adopted(
    params: Restore, world: World, dynamodb: Dynamo
) -> None:
    dynamodb.fail_after["restore_table_to_point_in_time"] = refused("TableAlreadyExistsException")
    assert isinstance(RestorePitr().act(params, world, attempt()), Working)


def test_a_restore_to_another_moment_is_not_adopted(params: Restore, world: World, dynamodb: Dynamo) -> None:
    RestorePitr().act(params, world, attempt())
    other = Restore(table=params.table, at=AT - timedelta(seconds=1))
    failed = RestorePitr().act(other, world, attempt())
    assert isinstance(failed, Failed)
    assert TARGET in str(failed.why)
    assert dynamodb.count("restore_table_to_point_in_time") == 1


def test_a_foreign_table_of_that_name_is_not_adopted(params: Restore, world: World, dynamodb: Dynamo) -> None:
    _foreign_table(dynamodb, TARGET)
    assert isinstance(RestorePitr().act(params, world, attempt()), Failed)
    assert dynamodb.changes == []


def test_a_refused_restore_is_told_to_the_run(params: Restore, world: World, dynamodb: Dynamo) -> None:
    dynamodb.fail_before["restore_table_to_point_in_time"] = refused("LimitExceededException", retry=True)
    with pytest.raises(ActionFailed) as caught:
        RestorePitr().act(params, world, attempt())
    assert caught.value.retry


@pytest.mark.parametrize(("after", "expected"), [(59, Working), (60, Failed)])
def test_a_table_that_is_not_visible_yet_is_awaited_for_a_minute(
    after: int, expected: type, params: Restore, world: World
) -> None:
    memory = {"asked_at": T0.isoformat(), "source_settings": "{}"}
    assert isinstance(RestorePitr().look(params, world, attempt(after, memory)), expected)


def test_the_minute_counts_from_the_call_not_from_the_start(params: Restore, world: World) -> None:
    memory = {"asked_at": (T0 + timedelta(minutes=9)).isoformat()}
    assert isinstance(RestorePitr().look(params, world, attempt(570, memory)), Working)


def test_a_table_in_a_state_that_never_ends_fails(params: Restore, world: World, dynamodb: Dynamo) -> None:
    RestorePitr().act(params, world, attempt())
    dynamodb.described[TARGET] = {"TableStatus": "INACCESSIBLE_ENCRYPTION_CREDENTIALS"}
    failed = RestorePitr().look(params, world, attempt(5))
    assert isinstance(failed, Failed)
    assert "INACCESSIBLE_ENCRYPTION_CREDENTIALS" in str(failed.why)


@pytest.mark.parametrize("retry", [False, True])
def test_a_setting_that_cannot_be_read_does_not_stop_the_restore(
    retry: bool, params: Restore, world: World, dynamodb: Dynamo
) -> None:
    dynamodb.fail_before["describe_contributor_insights"] = refused("SomeException", retry=retry)
    started = RestorePitr().act(params, world, attempt())
    assert isinstance(started, Working)
    assert "unreadable" in json.loads(started.memory["source_settings"])["contributor_insights"]


def test_look_only_reads(params: Restore, world: World, dynamodb: Dynamo) -> None:
    RestorePitr().act(params, world, attempt())
    before = len(dynamodb.changes)
    RestorePitr().look(params, world, attempt(5))
    assert len(dynamodb.changes) == before


def _foreign_table(dynamodb: Dynamo, name: str) -> None:
    dynamodb._client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


@pytest.fixture
def restored(params: Restore, world: World, dynamodb: Dynamo) -> str:
    RestorePitr().act(params, world, attempt())
    dynamodb.restoring.clear()
    dynamodb.calls.clear()
    return TARGET


def test_a_restored_table_is_deleted_and_twice_is_once(restored: str, world: World, dynamodb: Dynamo) -> None:
    params = Restored(table=restored)
    assert [call.operation for call in DeleteRestored().plan(params, world, attempt()).calls] == ["DeleteTable"]
    assert isinstance(DeleteRestored().act(params, world, attempt()), Done)
    assert isinstance(DeleteRestored().act(params, world, attempt()), Done)
    assert dynamodb.count("delete_table") == 1


def test_protection_that_was_copied_from_the_source_does_not_stop_the_undo(
    restored: str, world: World, dynamodb: Dynamo
) -> None:
    dynamodb._client.update_table(TableName=restored, DeletionProtectionEnabled=True)
    params = Restored(table=restored)
    plan = DeleteRestored().plan(params, world, attempt())
    assert [call.operation for call in plan.calls] == ["UpdateTable", "DeleteTable"]
    assert isinstance(DeleteRestored().act(params, world, attempt()), Done)


@pytest.mark.parametrize("table", ["orders", "inc-7", "carts-lb-inc-7"])
def test_a_table_that_we_did_not_restore_is_never_deleted(
    table: str, restored: str, world: World, dynamodb: Dynamo
) -> None:
    if table != "orders":
        _foreign_table(dynamodb, table)
    failed = DeleteRestored().act(Restored(table=table), world, attempt())
    assert isinstance(failed, Failed)
    assert table in str(failed.why)
    assert dynamodb.changes == []


def test_the_restored_table_of_another_incident_is_never_deleted(restored: str, world: World, dynamodb: Dynamo) -> None:
    params = Restored(table=restored)
    assert isinstance(DeleteRestored().act(params, world, attempt(incident="inc-8")), Failed)
    assert isinstance(DeleteRestored().act(params, world, attempt(incident="7")), Failed)
    assert dynamodb.changes == []


def test_a_table_in_use_is_not_deleted(restored: str, world: World, dynamodb: Dynamo, ssm: Recorded) -> None:
    ssm.put_parameter(Name="/shop/table", Value=restored, Type="String")
    params = Restored(table=restored, pointer="/shop/table")
    failed = DeleteRestored().act(params, world, attempt())
    assert isinstance(failed, Failed)
    assert "/shop/table" in str(failed.why)
    assert dynamodb.changes == []
    assert DeleteRestored().plan(params, world, attempt()).calls == ()


@pytest.mark.parametrize("value", ["orders", None])
def test_a_table_that_nothing_points_at_is_deleted(
    value: str | None, restored: str, world: World, ssm: Recorded
) -> None:
    if value:
        ssm.put_parameter(Name="/shop/table", Value=value, Type="String")
    assert isinstance(DeleteRestored().act(Restored(table=restored, pointer="/shop/table"), world, attempt()), Done)


def test_a_table_that_is_being_deleted_is_awaited(restored: str, world: World, dynamodb: Dynamo) -> None:
    dynamodb.described[restored] = {"TableStatus": "DELETING"}
    assert isinstance(DeleteRestored().act(Restored(table=restored), world, attempt()), Working)
    assert dynamodb.changes == []


def test_a_table_that_stays_is_a_failure(restored: str, world: World) -> None:
    assert isinstance(DeleteRestored().look(Restored(table=restored), world, attempt(59)), Working)
    assert isinstance(DeleteRestored().look(Restored(table=restored), world, attempt(60)), Failed)


def test_a_restore_that_is_still_running_cannot_be_deleted_yet(restored: str, world: World, dynamodb: Dynamo) -> None:
    dynamodb.fail_before["delete_table"] = refused("ResourceInUseException", retry=True)
    with pytest.raises(ActionFailed) as caught:
        DeleteRestored().act(Restored(table=restored), world, attempt())
    assert caught.value.retry


def test_outputs_are_what_the_facts_promise(params: Restore, world: World, dynamodb: Dynamo) -> None:
    started: Any = RestorePitr().act(params, world, attempt())
    dynamodb.restoring.clear()
    done: Any = RestorePitr().look(params, world, attempt(5, started.memory))
    assert set(done.output) == set(RestorePitr.facts.outputs)
