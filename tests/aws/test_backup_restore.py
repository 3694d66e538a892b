"""backup.recovery_point_ready and backup.restore_recovery_point for tables, on the emulated AWS Backup."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from bot.aws.backup.ready import Before, RecoveryPointReady
from bot.aws.backup.restore import FromPoint, RestoreRecoveryPoint
from bot.aws.dynamodb.reapply import ReapplySettings, Settings
from bot.aws.dynamodb.restore import DeleteRestored, Restored
from bot.errors import ActionFailed
from bot.playbook.action import Done, Failed, Progress, Working
from bot.rehearsal.aws import backup_vaults
from bot.rehearsal.aws.backup_vaults import Point
from bot.rehearsal.aws.emulator import EmulatedAws
from tests.aws.rehearsed import Cloud, Step
from tests.aws.vaults import VAULT, Vault

TARGET = "carts-lb-inc-7"


@pytest.fixture
def vault(emulated: EmulatedAws) -> Vault:
    return Vault(emulated)


@pytest.fixture
def cloud(vault: Vault) -> Cloud:
    return Cloud(vault.aws)


@pytest.fixture
def right(vault: Vault) -> Point:
    """Made when the data was right; then it was damaged, and backed up again."""
    made = vault.point()
    vault.tables.write("carts", {"1": "damaged", "2": "new"})
    vault.point()
    return made


@pytest.fixture
def restore(right: Point, vault: Vault, cloud: Cloud) -> Step:
    return Step(RestoreRecoveryPoint(), FromPoint(vault=VAULT, table="carts", before=vault.ago(90)), cloud)


def look(vault: Vault, cloud: Cloud, **params: Any) -> Progress:
    asked = Before(**{"vault": VAULT, "table": "carts", "before": vault.aws.clock.now(), **params})
    return RecoveryPointReady().look(asked, cloud, Step(RecoveryPointReady(), asked, cloud).attempt())


def test_the_newest_point_from_before_the_damage_is_restored_beside_the_table(restore: Step, vault: Vault) -> None:
    done = restore.run()
    assert isinstance(done, Done), done
    assert done.output["table"] == TARGET
    assert vault.tables.items(TARGET) == {"1": "full"}
    assert vault.tables.items("carts") == {"1": "damaged", "2": "new"}


def test_the_plan_shows_the_call_and_how_much_would_be_lost(restore: Step, right: Point, cloud: Cloud) -> None:
    plan = RestoreRecoveryPoint().plan(restore.params, cloud, restore.attempt())
    [call] = plan.calls
    assert call.operation == "StartRestoreJob"
    token = call.parameters["IdempotencyToken"]
    assert call.parameters == {
        "RecoveryPointArn": right.arn,
        "Metadata": {"targetTableName": TARGET, "encryptionType": "Default"},
        "IamRoleArn": "arn:aws:iam::123456789012:role/lifeboat-restore",
        "IdempotencyToken": token,
        "ResourceType": "DynamoDB",
    }
    assert (plan.loses, plan.foreseen) == (timedelta(seconds=120), {"table": TARGET})
    assert plan.touches == (f"dynamodb:us-east-1:{TARGET}",)
    RestoreRecoveryPoint().act(restore.params, cloud, restore.attempt())
    [asked] = cloud.aws.calls.of("backup", "StartRestoreJob")
    hidden = {"Metadata": "(hidden)"}  # AWS marks it as sensitive
    assert asked.parameters == {**call.parameters, **hidden}


def test_its_settings_are_applied_by_the_same_step_as_after_any_restore(restore: Step, cloud: Cloud) -> None:
    restore.run()
    assert isinstance(Step(ReapplySettings(), Settings(like="carts", to=TARGET), cloud).run(), Done)


def test_its_undo_deletes_the_restored_table_and_no_other(restore: Step, vault: Vault, cloud: Cloud) -> None:
    restore.run()
    assert isinstance(Step(DeleteRestored(), Restored(table="carts"), cloud).act(), Failed)
    assert isinstance(Step(DeleteRestored(), Restored(table=TARGET), cloud).run(), Done)
    assert vault.tables.api.list_tables()["TableNames"] == ["carts"]


def test_percent_done_may_stay_0_so_only_the_status_counts(restore: Step, vault: Vault) -> None:
    assert isinstance(restore.act(), Working)
    job = restore.memory["job"]
    assert vault.aws.client("backup").describe_restore_job(RestoreJobId=job)["PercentDone"] == "0.00%"
    assert isinstance(restore.wait(restore.look()), Done)
    assert not any("%" in note for note in restore.notes)


def test_it_waits_on_the_poller_and_not_on_eventbridge(restore: Step, cloud: Cloud) -> None:
    restore.run()
    assert not cloud.aws.calls.of("events")
    assert len(cloud.aws.calls.of("backup", "DescribeRestoreJob")) > 1


def test_the_end_is_seen_at_the_table_itself_and_not_at_backups_word_alone(restore: Step, vault: Vault) -> None:
    restore.act()
    vault.aws.clock.move(timedelta(seconds=10))
    vault.tables.api.delete_table(TableName=TARGET)
    waiting = restore.look()
    assert isinstance(waiting, Working), "AWS may not show for a while what it has made"
    vault.aws.clock.move(timedelta(seconds=60))
    failed = restore.look()
    assert isinstance(failed, Failed)
    assert "no such table" in str(failed.why)


@pytest.mark.parametrize(("seconds", "waits"), [(59, True), (60, False)])
def test_a_job_that_aws_does_not_show_yet_is_waited_for_a_minute(
    seconds: int, waits: bool, restore: Step, vault: Vault, right: Point
) -> None:
    restore.attempt()
    restore.memory = {"job": "accepted-a-moment-ago", "point": right.arn}
    vault.aws.clock.move(timedelta(seconds=seconds))
    assert isinstance(restore.look(), Working if waits else Failed)


def test_a_job_that_made_something_else_is_not_taken_for_ours(restore: Step, vault: Vault, right: Point) -> None:
    asked = {"RecoveryPointArn": right.arn, "Metadata": {"targetTableName": "elsewhere"}, "IamRoleArn": "role"}
    other = vault.aws.client("backup").start_restore_job(**asked)["RestoreJobId"]
    vault.aws.clock.move(timedelta(seconds=10))
    restore.memory = {"job": other, "point": right.arn}
    failed = restore.look()
    assert isinstance(failed, Failed)
    assert "elsewhere" in str(failed.why)


def test_a_restore_that_aws_backup_fails_is_told_with_its_reason_and_can_be_tried_again(
    restore: Step, vault: Vault
) -> None:
    vault.aws.restore_jobs.fail_next("The role has no permission to restore.")
    failed = restore.run()
    assert isinstance(failed, Failed)
    assert "The role has no permission" in str(failed.why)
    restore.number, restore.memory = 2, {}
    assert isinstance(restore.run(), Done)


def test_a_restore_whose_answer_was_lost_is_adopted(restore: Step, vault: Vault, cloud: Cloud) -> None:
    vault.aws.faults.lose_answer("backup", "StartRestoreJob", times=1)
    with pytest.raises(ActionFailed) as caught:
        restore.act()
    assert caught.value.retry
    assert isinstance(restore.wait(restore.act(again=True)), Done)
    assert cloud.changes("backup") == ["StartRestoreJob"]


def test_a_process_that_died_after_the_call_finds_its_job_by_what_it_restores_into(
    restore: Step, vault: Vault, cloud: Cloud
) -> None:
    restore.act()
    restore.memory, restore.number = {}, 2
    assert isinstance(restore.wait(restore.act(again=True)), Done)
    assert cloud.changes("backup") == ["StartRestoreJob"]
    assert isinstance(restore.act(), Done)
    assert cloud.changes("backup") == ["StartRestoreJob"]


def test_the_token_is_the_attempts_own_whoever_asks_and_whenever(restore: Step, vault: Vault) -> None:
    """AWS Backup may not list for a while what it has accepted: then the token alone makes a second call the first one."""

    def token() -> str:
        [call] = restore.plan().calls
        return str(call.parameters["IdempotencyToken"])

    first = token()
    vault.aws.clock.move(timedelta(minutes=5))
    assert token() == first
    restore.number = 2
    assert token() != first


def test_a_newer_point_meanwhile_does_not_make_our_own_restore_a_strangers(
    restore: Step, right: Point, vault: Vault
) -> None:
    restore.act()
    restore.params = restore.params.model_copy(update={"before": vault.aws.clock.now()})
    progress = restore.wait(restore.act(again=True))
    assert isinstance(progress, Done)
    assert vault.tables.items(TARGET) == {"1": "full"}
    assert progress.output["recovery_point"] == right.arn


def test_a_table_that_somebody_else_made_is_neither_used_nor_overwritten(
    restore: Step, vault: Vault, cloud: Cloud
) -> None:
    vault.tables.create(TARGET, {})
    failed = restore.act()
    assert isinstance(failed, Failed)
    assert TARGET in str(failed.why)
    assert cloud.changes("backup") == []


def test_a_table_from_another_point_is_not_taken_for_the_one_that_is_named(
    restore: Step, right: Point, vault: Vault, cloud: Cloud
) -> None:
    Step(RestoreRecoveryPoint(), FromPoint(vault=VAULT, table="carts", before=vault.aws.clock.now()), cloud).run()
    named = FromPoint(vault=VAULT, table="carts", before=vault.aws.clock.now(), recovery_point=right.arn)
    assert isinstance(Step(RestoreRecoveryPoint(), named, cloud).act(), Failed)
    assert isinstance(restore.act(), Failed), "it holds what was written after the moment asked for"
    assert cloud.changes("backup") == ["StartRestoreJob"]


def test_throttled_it_is_tried_again_and_denied_it_says_which_permission(restore: Step, vault: Vault) -> None:
    vault.aws.faults.throttle("backup", "StartRestoreJob", times=1)
    with pytest.raises(ActionFailed) as throttled:
        restore.act()
    assert (throttled.value.retry, throttled.value.kind) == (True, "throttled")
    vault.aws.faults.deny("backup", "StartRestoreJob", times=1)
    with pytest.raises(ActionFailed, match="backup:StartRestoreJob") as denied:
        restore.act()
    assert not denied.value.retry
    assert isinstance(restore.run(), Done)


@pytest.mark.parametrize(("seconds", "found"), [(-1, False), (0, True)])
def test_a_point_of_that_very_moment_counts_and_a_later_one_does_not(
    seconds: int, found: bool, vault: Vault, cloud: Cloud
) -> None:
    made = vault.point()
    progress = look(vault, cloud, before=made.made_at + timedelta(seconds=seconds))
    assert isinstance(progress, Done if found else Failed)
    if isinstance(progress, Done):
        assert progress.output == {
            "recovery_point": made.arn, "made_at": made.made_at.isoformat(), "age": "1m", "exists": True,
        }  # fmt: skip


def test_the_age_of_the_point_is_told_as_what_would_be_lost(vault: Vault, cloud: Cloud) -> None:
    vault.point(then=26 * 3600)
    done = look(vault, cloud)
    assert isinstance(done, Done)
    assert done.output["age"] == "1d2h"


@pytest.mark.parametrize("status", ["CREATING", "PARTIAL", "EXPIRED", "DELETING", "STOPPED"])
def test_only_a_completed_or_available_point_can_be_restored(status: str, vault: Vault, cloud: Cloud) -> None:
    made = vault.point()
    vault.aws.backup_vaults.change(made, status=status)
    assert isinstance(look(vault, cloud), Failed)
    named = look(vault, cloud, recovery_point=made.arn)
    assert isinstance(named, Failed)
    assert status in str(named.why)
    vault.aws.backup_vaults.change(made, status="AVAILABLE")
    assert isinstance(look(vault, cloud), Done)


def test_a_table_that_is_gone_is_told_because_nothing_can_be_compared_with_it(vault: Vault, cloud: Cloud) -> None:
    vault.point()
    vault.tables.api.delete_table(TableName="carts")
    done = look(vault, cloud)
    assert isinstance(done, Done)
    assert done.output["exists"] is False
    params = FromPoint(vault=VAULT, table="carts", before=vault.aws.clock.now())
    assert isinstance(Step(RestoreRecoveryPoint(), params, cloud).run(), Done)
    assert vault.tables.items(TARGET) == {"1": "full"}


def test_a_point_that_is_named_must_be_of_that_table_and_early_enough(right: Point, vault: Vault, cloud: Cloud) -> None:
    other = look(vault, cloud, table="baskets", recovery_point=right.arn)
    assert isinstance(other, Failed)
    assert "carts" in str(other.why)
    early = look(vault, cloud, recovery_point=right.arn, before=right.made_at - timedelta(seconds=1))
    assert isinstance(early, Failed)
    unknown = look(vault, cloud, recovery_point=f"{right.arn}0")
    assert isinstance(unknown, Failed)


def test_no_point_is_said_and_nothing_is_planned(vault: Vault, cloud: Cloud) -> None:
    step = Step(RestoreRecoveryPoint(), FromPoint(vault=VAULT, table="carts", before=vault.aws.clock.now()), cloud)
    assert step.plan().calls == ()
    failed = step.act()
    assert isinstance(failed, Failed)
    assert VAULT in str(failed.why)
    assert RestoreRecoveryPoint().look(step.params, cloud, step.attempt()) == failed


def test_points_of_more_than_one_page_are_all_looked_at(
    vault: Vault, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup_vaults, "MOST", 2)  # a thousand points of AWS would take a while
    newest = [vault.point(then=1) for _ in range(5)][-1]
    done = look(vault, cloud)
    assert isinstance(done, Done)
    assert done.output["recovery_point"] == newest.arn
    assert len(vault.aws.calls.of("backup", "ListRecoveryPointsByBackupVault")) == 3


def test_only_the_points_of_the_table_itself_are_listed_however_many_others_the_vault_keeps(
    vault: Vault, cloud: Cloud
) -> None:
    vault.point()
    look(vault, cloud)
    [asked] = vault.aws.calls.of("backup", "ListRecoveryPointsByBackupVault")
    assert asked.parameters["ByResourceArn"] == "arn:aws:dynamodb:us-east-1:123456789012:table/carts"


def test_a_key_of_the_points_own_region_is_used_again_and_one_of_another_region_is_not(
    restore: Step, vault: Vault, right: Point
) -> None:
    table = right.content.table
    for region, wanted in (("us-east-1", "KMS"), ("eu-west-1", "Default")):
        key = f"arn:aws:kms:{region}:123456789012:key/k"
        table.sse_specification = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}
        [call] = restore.plan().calls
        assert call.parameters["Metadata"]["encryptionType"] == wanted
        assert call.parameters["Metadata"].get("kmsMasterKeyArn") == (key if wanted == "KMS" else None)


@pytest.mark.parametrize("named", [{}, {"table": "carts", "bucket": "shop-images"}])
def test_either_a_table_or_a_bucket_is_named(named: dict[str, str], vault: Vault) -> None:
    with pytest.raises(ValidationError, match="either a table or a bucket"):
        FromPoint(vault=VAULT, before=vault.aws.clock.now(), **named)
    faults = RestoreRecoveryPoint.facts.faults
    assert faults
    assert len(list(faults(named))) == 1
    assert list(faults({"table": "carts"})) == []


def test_it_restores_with_the_restore_role_and_may_pass_no_other() -> None:
    assert RestoreRecoveryPoint.facts.resources["iam:PassRole"] == (
        "arn:{partition}:iam::{account}:role/lifeboat-restore*",
    )
    with pytest.raises(ValidationError):
        FromPoint(vault=VAULT, table="carts", before="2026-01-01T00:00:00Z", role="admin")
