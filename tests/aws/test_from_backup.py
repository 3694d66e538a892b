"""dynamodb.backup_ready and dynamodb.restore_backup, on the emulated AWS."""

from datetime import timedelta

import pytest

from bot.aws.dynamodb.from_backup import BackupReady, FromBackup, RestoreBackup
from bot.aws.dynamodb.reapply import ReapplySettings, Settings
from bot.errors import ActionFailed
from bot.playbook.action import Done, Failed, Working
from bot.rehearsal.aws.emulator import EmulatedAws
from tests.aws.rehearsed import Cloud, Step
from tests.aws.tables import Tables

TARGET = "orders-lb-inc-7"


@pytest.fixture
def tables(emulated: EmulatedAws) -> Tables:
    """Backed up when right, then damaged, then backed up again."""
    made = Tables(emulated)
    made.forget()
    made.create("orders", {"1": "paid"}, recovery=False)
    return made


@pytest.fixture
def right(tables: Tables) -> str:
    arn = tables.back_up("orders", "right")
    tables.write("orders", {"1": "damaged"})
    tables.back_up("orders", "damaged")
    tables.aws.calls.clear()
    return arn


@pytest.fixture
def cloud(tables: Tables) -> Cloud:
    return Cloud(tables.aws)


@pytest.fixture
def params(right: str, tables: Tables) -> FromBackup:
    return FromBackup(table="orders", before=tables.aws.clock.now() - timedelta(seconds=90))


@pytest.fixture
def restore(params: FromBackup, cloud: Cloud) -> Step:
    return Step(RestoreBackup(), params, cloud)


def test_the_newest_backup_from_before_the_damage_is_restored_beside_it(restore: Step, tables: Tables) -> None:
    done = restore.run()
    assert isinstance(done, Done), done
    assert done.output["table"] == TARGET
    assert tables.items(TARGET) == {"1": "paid"}
    assert tables.items("orders") == {"1": "damaged"}


def test_its_settings_are_applied_by_the_same_step_as_after_any_restore(restore: Step, cloud: Cloud) -> None:
    restore.run()
    assert isinstance(Step(ReapplySettings(), Settings(like="orders", to=TARGET), cloud).run(), Done)


def test_the_plan_shows_the_call_and_how_old_the_backup_is(
    params: FromBackup, restore: Step, cloud: Cloud, right: str
) -> None:
    plan = RestoreBackup().plan(params, cloud, restore.attempt())
    [call] = plan.calls
    assert call.parameters == {
        "TargetTableName": TARGET,
        "BackupArn": right,
        "BillingModeOverride": "PAY_PER_REQUEST",
    }
    assert plan.loses == timedelta(seconds=120)
    assert plan.foreseen == {"table": TARGET}
    RestoreBackup().act(params, cloud, restore.attempt())
    assert cloud.changes("dynamodb") == ["RestoreTableFromBackup"]


@pytest.mark.parametrize(("seconds", "found"), [(-1, False), (0, True)])
def test_a_backup_of_that_very_moment_counts_and_a_later_one_does_not(
    seconds: int, found: bool, right: str, tables: Tables, cloud: Cloud
) -> None:
    made_at = tables.aws.clock.now() - timedelta(seconds=120)
    params = FromBackup(table="orders", before=made_at + timedelta(seconds=seconds))
    progress = BackupReady().look(params, cloud, Step(BackupReady(), params, cloud).attempt())
    assert isinstance(progress, Done if found else Failed)
    if isinstance(progress, Done):
        assert progress.output == {"backup": right, "made_at": made_at.isoformat()}


def test_a_backup_that_is_named_must_be_of_that_table(right: str, tables: Tables, cloud: Cloud) -> None:
    tables.create("carts", {}, recovery=False)
    params = FromBackup(table="carts", before=tables.aws.clock.now(), backup=right)
    failed = Step(RestoreBackup(), params, cloud).act()
    assert isinstance(failed, Failed)
    assert "orders" in str(failed.why)


def test_no_backup_is_said_with_where_to_look(tables: Tables, cloud: Cloud) -> None:
    step = Step(RestoreBackup(), FromBackup(table="orders", before=tables.aws.clock.now()), cloud)
    assert step.plan().calls == ()
    failed = step.act()
    assert isinstance(failed, Failed)
    assert "AWS Backup" in str(failed.why)


def test_more_backups_than_a_page_are_all_looked_at(tables: Tables, cloud: Cloud) -> None:
    for number in range(101):
        tables.back_up("orders", f"hourly-{number}", then=1)
    now = tables.aws.clock.now()
    params = FromBackup(table="orders", before=now)
    done = BackupReady().look(params, cloud, Step(BackupReady(), params, cloud).attempt())
    assert isinstance(done, Done)
    assert done.output["made_at"] == (now - timedelta(seconds=1)).isoformat()


def test_a_newer_backup_meanwhile_does_not_make_our_own_restore_a_strangers(restore: Step, tables: Tables) -> None:
    restore.act()
    restore.params = restore.params.model_copy(update={"before": tables.aws.clock.now()})
    assert isinstance(restore.act(again=True), Working)


def test_a_table_from_another_backup_is_neither_used_nor_overwritten(
    restore: Step, cloud: Cloud, params: FromBackup, tables: Tables
) -> None:
    newest = FromBackup(table="orders", before=tables.aws.clock.now())
    Step(RestoreBackup(), newest, cloud).run()
    assert isinstance(restore.act(), Failed)
    assert isinstance(RestoreBackup().look(params, cloud, restore.attempt()), Failed)
    assert cloud.changes("dynamodb") == ["RestoreTableFromBackup"]


def test_a_restore_whose_answer_was_lost_is_adopted(restore: Step, tables: Tables, cloud: Cloud) -> None:
    tables.aws.faults.lose_answer("dynamodb", "RestoreTableFromBackup", times=1)
    with pytest.raises(ActionFailed) as caught:
        restore.act()
    assert caught.value.retry
    assert isinstance(restore.wait(restore.act(again=True)), Done)
    assert cloud.changes("dynamodb") == ["RestoreTableFromBackup"]
