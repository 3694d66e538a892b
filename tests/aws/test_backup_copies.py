"""backup.start_backup and backup.copy_recovery_point, on the emulated AWS Backup."""

from datetime import timedelta
from typing import Any

import pytest

from bot.aws.backup.back_up import BackUp, StartBackup
from bot.aws.backup.copy import Copied, CopyRecoveryPoint
from bot.aws.backup.ready import Before, RecoveryPointReady
from bot.aws.backup.restore import FromPoint, RestoreRecoveryPoint
from bot.errors import ActionFailed
from bot.playbook.action import Done, Failed, Working
from bot.rehearsal.aws.emulator import EmulatedAws
from tests.aws.buckets import BUCKET
from tests.aws.rehearsed import Cloud, Step
from tests.aws.vaults import VAULT, Vault

ROLE = "arn:aws:iam::123456789012:role/lifeboat-backup"


@pytest.fixture
def vault(emulated: EmulatedAws) -> Vault:
    return Vault(emulated)


@pytest.fixture
def cloud(vault: Vault) -> Cloud:
    return Cloud(vault.aws)


def backup(cloud: Cloud, **params: Any) -> Step:
    asked = {"vault": VAULT, "table": "carts", **params}
    return Step(StartBackup(), BackUp(**asked), cloud)


def copying(cloud: Cloud, **params: Any) -> Step:
    asked = {"vault": VAULT, "table": "carts", "to_region": "us-west-2", **params}
    return Step(CopyRecoveryPoint(), Copied(**asked), cloud)


def test_a_backup_holds_what_the_table_held_when_it_was_asked_for(vault: Vault, cloud: Cloud) -> None:
    step = backup(cloud)
    step.act()
    vault.tables.write("carts", {"1": "later"})
    done = step.wait(step.look())
    assert isinstance(done, Done), done
    restore = FromPoint(
        vault=VAULT, table="carts", before=vault.aws.clock.now(), recovery_point=done.output["recovery_point"]
    )
    restored = Step(RestoreRecoveryPoint(), restore, cloud).run()
    assert isinstance(restored, Done)
    assert vault.tables.items(restored.output["table"]) == {"1": "full"}


def test_its_plan_shows_the_call_with_the_days_it_is_kept(vault: Vault, cloud: Cloud) -> None:
    step = backup(cloud, keep_days=7)
    plan = StartBackup().plan(step.params, cloud, step.attempt())
    [call] = plan.calls
    assert call.parameters["Lifecycle"] == {"DeleteAfterDays": 7}
    assert call.parameters["IamRoleArn"] == ROLE
    assert plan.touches == ("backup:us-east-1:shop/carts",)
    StartBackup().act(step.params, cloud, step.attempt())
    [asked] = cloud.aws.calls.of("backup", "StartBackupJob")
    assert asked.parameters == call.parameters


@pytest.mark.parametrize(("days", "there"), [(6.99, True), (7, False)])
def test_it_is_gone_when_its_days_are_over(days: float, there: bool, vault: Vault, cloud: Cloud) -> None:
    assert isinstance(backup(cloud, keep_days=7).run(), Done)
    [point] = vault.aws.backup_vaults.of("us-east-1")
    vault.aws.clock.move(point.made_at + timedelta(days=days) - vault.aws.clock.now())
    assert bool(list(vault.aws.backup_vaults.of("us-east-1"))) == there


def test_a_bucket_is_backed_up_by_its_name(vault: Vault, cloud: Cloud) -> None:
    vault.bucket.put("a", "1")
    assert isinstance(backup(cloud, table=None, bucket=BUCKET).run(), Done)


def test_a_backup_whose_answer_was_lost_is_not_made_twice(vault: Vault, cloud: Cloud) -> None:
    vault.aws.faults.lose_answer("backup", "StartBackupJob", times=1)
    step = backup(cloud)
    with pytest.raises(ActionFailed) as caught:
        step.act()
    assert caught.value.retry
    assert isinstance(step.wait(step.act(again=True)), Done)
    assert len(list(vault.aws.backup_vaults.of("us-east-1"))) == 1


def test_a_backup_that_fails_is_told_with_its_reason(vault: Vault, cloud: Cloud) -> None:
    vault.aws.backup_jobs.fail_next("The role may not read the table.")
    failed = backup(cloud).run()
    assert isinstance(failed, Failed)
    assert "The role may not read" in str(failed.why)
    assert list(vault.aws.backup_vaults.of("us-east-1")) == []


@pytest.mark.parametrize("wrong", [{"vault": "nowhere"}, {"table": "nothing"}])
def test_a_vault_or_a_table_that_is_not_there_is_said(wrong: dict[str, str], cloud: Cloud) -> None:
    step = backup(cloud, **wrong)
    assert step.plan().calls == ()
    failed = step.act()
    assert isinstance(failed, Failed)
    assert next(iter(wrong.values())) in str(failed.why)


def test_both_are_looked_at_until_they_end(vault: Vault, cloud: Cloud) -> None:
    step = backup(cloud)
    step.act()
    assert isinstance(StartBackup().look(step.params, cloud, step.attempt()), Working)
    step.run()
    copied = copying(cloud)
    copied.act()
    assert isinstance(CopyRecoveryPoint().look(copied.params, cloud, copied.attempt()), Working)


@pytest.mark.parametrize("make", [backup, copying])
def test_a_job_that_aws_does_not_show_yet_is_waited_for_a_minute(make: Any, vault: Vault, cloud: Cloud) -> None:
    step = make(cloud)
    step.attempt()
    step.memory = {"job": "accepted-a-moment-ago"}
    vault.aws.clock.move(timedelta(seconds=59))
    assert isinstance(step.look(), Working)
    vault.aws.clock.move(timedelta(seconds=1))
    with pytest.raises(ActionFailed, match="accepted-a-moment-ago"):
        step.look()


def test_a_copied_point_is_restored_in_its_own_region_and_nowhere_else(vault: Vault, cloud: Cloud) -> None:
    made = vault.point()
    done = copying(cloud).run()
    assert isinstance(done, Done), done
    assert (done.output["recovery_point"], done.output["made_at"]) == (made.arn, made.made_at.isoformat())
    params = FromPoint(vault=VAULT, table="carts", before=vault.aws.clock.now(), recovery_point=done.output["copy"])
    here = Step(RestoreRecoveryPoint(), params, cloud).act()
    assert isinstance(here, Failed)
    assert "only in its own region" in str(here.why)
    there = Step(RestoreRecoveryPoint(), params, Cloud(vault.aws, "us-west-2")).run()
    assert isinstance(there, Done), there
    tables = vault.aws.client("dynamodb", "us-west-2").list_tables()["TableNames"]
    assert there.output["table"] in tables


def test_the_copies_of_another_regions_table_are_found_by_its_name(vault: Vault, cloud: Cloud) -> None:
    vault.point()
    made = copying(cloud).run()
    assert isinstance(made, Done)
    there = Cloud(vault.aws, "us-west-2")
    asked = Before(vault=VAULT, table="carts", before=vault.aws.clock.now())
    done = RecoveryPointReady().look(asked, there, Step(RecoveryPointReady(), asked, there).attempt())
    assert isinstance(done, Done)
    assert (done.output["recovery_point"], done.output["exists"]) == (made.output["copy"], False)


def test_the_plan_of_a_copy_shows_the_call_and_the_room_there_is(vault: Vault, cloud: Cloud) -> None:
    made = vault.point()
    step = copying(cloud)
    plan = CopyRecoveryPoint().plan(step.params, cloud, step.attempt())
    [call] = plan.calls
    assert call.parameters["RecoveryPointArn"] == made.arn
    assert call.parameters["DestinationBackupVaultArn"].startswith("arn:aws:backup:us-west-2:")
    assert call.parameters["IamRoleArn"] == ROLE
    [need] = plan.needs
    assert (need.needed, need.available) == (1, 100)
    CopyRecoveryPoint().act(step.params, cloud, step.attempt())
    [asked] = cloud.aws.calls.of("backup", "StartCopyJob")
    assert asked.parameters == call.parameters
    assert step.plan().needs[0].available == 99


def test_a_copy_that_is_under_way_or_there_is_adopted(vault: Vault, cloud: Cloud) -> None:
    vault.point()
    vault.aws.faults.lose_answer("backup", "StartCopyJob", times=1)
    step = copying(cloud)
    with pytest.raises(ActionFailed):
        step.act()
    step.number = 2
    assert isinstance(step.wait(step.act(again=True)), Done)
    other = copying(cloud)
    other.run_id = "run-2"
    assert isinstance(other.act(), Done)
    assert cloud.changes("backup") == ["StartCopyJob"]


def test_one_copy_of_a_resource_at_a_time_so_the_second_waits_for_the_first(vault: Vault, cloud: Cloud) -> None:
    first, second = vault.point(), vault.point()
    copying(cloud, recovery_point=first.arn).act()
    step = copying(cloud, recovery_point=second.arn)
    with pytest.raises(ActionFailed) as caught:
        step.act()
    assert (caught.value.retry, caught.value.kind) == (True, "conflict")
    vault.aws.clock.move(timedelta(seconds=10))
    assert isinstance(step.run(), Done)


def test_a_continuous_point_is_not_copied_and_the_newest_other_one_is(vault: Vault, cloud: Cloud) -> None:
    vault.bucket.put("a", "1")
    continuous = vault.bucket_point(then=3600, continuous=True)
    step = copying(cloud, table=None, bucket=BUCKET, recovery_point=continuous.arn, before=vault.ago(1800))
    failed = step.act()
    assert isinstance(failed, Failed)
    assert "continuous" in str(failed.why)
    made = vault.bucket_point()
    done = copying(cloud, table=None, bucket=BUCKET).run()
    assert isinstance(done, Done)
    assert done.output["recovery_point"] == made.arn


def test_a_copy_that_fails_is_told_and_the_next_attempt_makes_another(vault: Vault, cloud: Cloud) -> None:
    vault.point()
    vault.aws.backup_jobs.fail_next("The destination vault's key may not be used.")
    step = copying(cloud)
    failed = step.run()
    assert isinstance(failed, Failed)
    assert "key may not be used" in str(failed.why)
    step.number, step.memory = 2, {}
    assert isinstance(step.run(), Done)


@pytest.mark.parametrize("wrong", [{"to_region": "us-east-1"}, {"to_vault": "nowhere"}, {"table": "nothing"}])
def test_nothing_is_asked_where_there_is_nothing_to_copy_or_nowhere_to_copy_it_to(
    wrong: dict[str, str], vault: Vault, cloud: Cloud
) -> None:
    vault.point()
    step = copying(cloud, **wrong)
    assert step.plan().calls == ()
    assert isinstance(step.act(), Failed)
    assert cloud.changes("backup") == []
