"""dynamodb.can_undelete, dynamodb.undelete_table and dynamodb.apply_backup_settings, on the emulated AWS."""

from datetime import timedelta
from typing import Any

import pytest

from bot.aws.dynamodb.undelete import ApplyBackupSettings, CanUndelete, Deleted, Restored, UndeleteTable
from bot.errors import ActionFailed
from bot.playbook.action import Call, Done, Failed, Working
from bot.rehearsal.aws.emulator import EmulatedAws
from tests.aws.rehearsed import Cloud, Step
from tests.aws.tables import Tables

ITEMS = {"1": "paid", "2": "sent"}


@pytest.fixture
def tables(emulated: EmulatedAws) -> Tables:
    made = Tables(emulated)
    made.forget()
    made.create("orders", ITEMS)
    emulated.calls.clear()
    return made


@pytest.fixture
def cloud(tables: Tables) -> Cloud:
    return Cloud(tables.aws)


@pytest.fixture
def undelete(cloud: Cloud) -> Step:
    return Step(UndeleteTable(), Deleted(table="orders"), cloud)


@pytest.fixture
def deleted(tables: Tables) -> Tables:
    tables.api.delete_table(TableName="orders")
    tables.aws.clock.move(timedelta(minutes=3))
    tables.aws.calls.clear()
    return tables


def restores(cloud: Cloud) -> int:
    return len(cloud.aws.calls.of("dynamodb", "RestoreTableFromBackup"))


def can(cloud: Cloud) -> Any:
    return CanUndelete().look(Deleted(table="orders"), cloud, Step(CanUndelete(), None, cloud).attempt())


def test_a_deleted_table_comes_back_under_its_own_name_with_what_it_held(deleted: Tables, undelete: Step) -> None:
    done = undelete.run()
    assert isinstance(done, Done), done
    assert (done.output["table"], done.output["source"]) == ("orders", "orders")
    assert deleted.items("orders") == ITEMS


def test_the_check_says_when_it_was_deleted(deleted: Tables, cloud: Cloud) -> None:
    done = can(cloud)
    assert isinstance(done, Done)
    assert set(done.output) == set(CanUndelete.facts.outputs)
    assert done.output["deleted_at"] == (deleted.aws.clock.now() - timedelta(minutes=3)).isoformat()


def test_the_plan_shows_the_call_that_act_makes(deleted: Tables, undelete: Step, cloud: Cloud) -> None:
    plan = UndeleteTable().plan(undelete.params, cloud, undelete.attempt())
    [call] = plan.calls
    assert call == Call("dynamodb", "RestoreTableFromBackup", {**call.parameters, "TargetTableName": "orders"})
    assert plan.touches == ("dynamodb:us-east-1:orders",)
    assert plan.loses == timedelta()
    assert "by hand" in str(plan.warnings[-1])
    assert restores(cloud) == 0
    UndeleteTable().act(undelete.params, cloud, undelete.attempt())
    assert dict(deleted.aws.calls.of("dynamodb", "RestoreTableFromBackup")[0].parameters) == dict(call.parameters)


def test_a_table_that_exists_is_never_touched(undelete: Step, cloud: Cloud) -> None:
    assert undelete.plan().calls == ()
    assert isinstance(undelete.act(), Failed)
    assert isinstance(can(cloud), Failed)
    assert restores(cloud) == 0


def test_a_table_that_somebody_made_anew_meanwhile_is_never_touched(deleted: Tables, undelete: Step) -> None:
    deleted.create("orders", {"3": "new"})
    assert isinstance(undelete.act(), Failed)
    assert isinstance(undelete.look(), Failed)
    assert deleted.items("orders") == {"3": "new"}


def test_a_table_without_recovery_left_nothing_behind(tables: Tables, undelete: Step, cloud: Cloud) -> None:
    tables.create("carts", ITEMS, recovery=False)
    tables.api.delete_table(TableName="carts")
    step = Step(UndeleteTable(), Deleted(table="carts"), cloud)
    assert step.plan().calls == ()
    failed = step.act()
    assert isinstance(failed, Failed)
    assert "35 days" in str(failed.why)


def test_an_on_demand_backup_is_not_taken_for_that_of_the_deletion(tables: Tables, undelete: Step) -> None:
    backup = tables.back_up("orders", "nightly")
    tables.write("orders", {"3": "late"})
    tables.api.delete_table(TableName="orders")
    done = undelete.run()
    assert isinstance(done, Done)
    assert done.output["backup"] != backup
    assert "3" in tables.items("orders")


@pytest.mark.parametrize(("days", "found"), [(35, False), (34, True)])
def test_it_comes_back_for_thirty_five_days(days: int, found: bool, deleted: Tables, cloud: Cloud) -> None:
    deleted.aws.clock.move(timedelta(days=days))
    assert isinstance(can(cloud), Done if found else Failed)


def test_of_two_deletions_the_latest_counts(deleted: Tables, undelete: Step) -> None:
    deleted.create("orders", {"9": "second"})
    deleted.api.delete_table(TableName="orders")
    assert isinstance(undelete.run(), Done)
    assert deleted.items("orders") == {"9": "second"}


def test_a_second_act_restores_nothing_twice(deleted: Tables, undelete: Step, cloud: Cloud) -> None:
    undelete.act()
    assert isinstance(UndeleteTable().look(undelete.params, cloud, undelete.attempt()), Working)
    assert isinstance(undelete.act(again=True), Working)
    assert isinstance(undelete.wait(undelete.look()), Done)
    assert isinstance(undelete.act(again=True), Done)
    assert restores(cloud) == 1


def test_a_restore_whose_answer_was_lost_is_adopted(deleted: Tables, undelete: Step, cloud: Cloud) -> None:
    deleted.aws.faults.lose_answer("dynamodb", "RestoreTableFromBackup", times=1)
    with pytest.raises(ActionFailed) as caught:
        undelete.act()
    assert caught.value.retry
    assert isinstance(undelete.wait(undelete.act(again=True)), Done)
    assert restores(cloud) == 1


def test_throttling_is_tried_again(deleted: Tables, undelete: Step) -> None:
    deleted.aws.faults.throttle("dynamodb", "RestoreTableFromBackup", times=1)
    with pytest.raises(ActionFailed) as caught:
        undelete.act()
    assert (caught.value.retry, caught.value.kind) == (True, "throttled")
    assert isinstance(undelete.run(), Done)


def test_what_the_backup_knows_of_the_settings_is_applied_and_the_rest_is_named(
    deleted: Tables, undelete: Step, cloud: Cloud
) -> None:
    backup = undelete.run().output["backup"]  # type: ignore[union-attr]
    step = Step(ApplyBackupSettings(), Restored(table="orders", backup=backup), cloud)
    asked = [call.operation for call in ApplyBackupSettings().plan(step.params, cloud, step.attempt()).calls]
    assert asked == ["UpdateTimeToLive", "UpdateContinuousBackups", "UpdateTable"]
    ApplyBackupSettings().act(step.params, cloud, step.attempt())
    done = ApplyBackupSettings().look(step.params, cloud, step.attempt())
    assert isinstance(done, Done)
    assert "auto scaling" in done.output["left"]
    table = deleted.api.describe_table(TableName="orders")["Table"]
    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    ttl = deleted.api.describe_time_to_live(TableName="orders")["TimeToLiveDescription"]
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}
    before = len(cloud.changes("dynamodb"))
    assert isinstance(step.act(again=True), Done)
    assert len(cloud.changes("dynamodb")) == before


def test_settings_are_applied_to_no_table_that_does_not_come_from_the_backup(tables: Tables, cloud: Cloud) -> None:
    backup = tables.back_up("orders", "nightly")
    step = Step(ApplyBackupSettings(), Restored(table="orders", backup=backup), cloud)
    assert step.plan().calls == ()
    assert isinstance(step.act(), Failed)
    assert isinstance(step.look(), Failed)
