"""backup.restore_recovery_point for the objects of a bucket, on the emulated AWS Backup."""

import json
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from bot.aws.backup.ready import Before, RecoveryPointReady
from bot.aws.backup.restore import FromPoint, RestoreRecoveryPoint
from bot.playbook.action import Done, Failed, Working
from bot.rehearsal.aws.emulator import EmulatedAws
from tests.aws.buckets import BUCKET
from tests.aws.rehearsed import Cloud, Step
from tests.aws.vaults import VAULT, Vault

ASIDE = "shop-restored"


@pytest.fixture
def vault(emulated: EmulatedAws) -> Vault:
    made = Vault(emulated)
    made.bucket.put("a", "1", Metadata={"owner": "shop"}, Tagging="team=shop")
    made.bucket.put("b", "1")
    return made


@pytest.fixture
def cloud(vault: Vault) -> Cloud:
    return Cloud(vault.aws)


@pytest.fixture
def aside(vault: Vault) -> str:
    """An empty bucket that keeps versions."""
    vault.bucket.api.create_bucket(Bucket=ASIDE)
    on = {"Status": "Enabled"}
    vault.bucket.api.put_bucket_versioning(Bucket=ASIDE, VersioningConfiguration=on)
    return ASIDE


def step(vault: Vault, cloud: Cloud, **params: Any) -> Step:
    asked = FromPoint(**{"vault": VAULT, "bucket": BUCKET, "before": vault.aws.clock.now(), **params})
    return Step(RestoreRecoveryPoint(), asked, cloud)


def asked_metadata(vault: Vault, done: Done) -> dict[str, str]:
    """What the job was asked with."""
    found = vault.aws.client("backup").get_restore_job_metadata(RestoreJobId=done.output["job"])
    return dict(found["Metadata"])


def test_objects_that_are_gone_for_good_come_back_with_metadata_and_tags(vault: Vault, cloud: Cloud) -> None:
    vault.bucket_point()
    for version in list(vault.bucket.versions()):
        for key in ("a", "b"):
            vault.bucket.api.delete_object(Bucket=BUCKET, Key=key, VersionId=version)
    assert vault.bucket.objects() == {}
    done = step(vault, cloud).run()
    assert isinstance(done, Done), done
    assert vault.bucket.objects() == {"a": "1", "b": "1"}
    assert vault.bucket.api.head_object(Bucket=BUCKET, Key="a")["Metadata"] == {"owner": "shop"}
    assert vault.bucket.api.get_object_tagging(Bucket=BUCKET, Key="a")["TagSet"] == [{"Key": "team", "Value": "shop"}]
    assert (done.output["bucket"], done.output["objects"], done.output["partial"]) == (BUCKET, 2, "")


def test_an_s3_restore_never_overwrites_a_key_and_never_deletes_one(vault: Vault, cloud: Cloud) -> None:
    vault.bucket_point()
    vault.bucket.put("a", "damaged")
    vault.bucket.put("c", "new")
    vault.bucket.delete("b")
    vault.bucket.later()
    restore = step(vault, cloud)
    assert any("never overwritten" in str(one) for one in restore.plan().warnings)
    done = restore.run()
    assert isinstance(done, Done)
    assert vault.bucket.objects() == {"a": "damaged", "b": "1", "c": "new"}
    assert done.output["objects"] == 1


def test_beside_the_bucket_everything_is_as_it_was(vault: Vault, cloud: Cloud, aside: str) -> None:
    vault.bucket_point()
    vault.bucket.put("a", "damaged")
    done = step(vault, cloud, to=aside).run()
    assert isinstance(done, Done)
    assert done.output["bucket"] == aside
    body = vault.bucket.api.get_object(Bucket=aside, Key="a")["Body"].read()
    assert body == b"1"
    assert vault.bucket.objects()["a"] == "damaged"


def test_completed_with_a_status_message_can_be_partial(vault: Vault, cloud: Cloud, aside: str) -> None:
    vault.bucket_point()
    vault.aws.restore_jobs.lose("b")
    done = step(vault, cloud, to=aside).run()
    assert isinstance(done, Done)
    assert "1 of 2 objects could not be restored" in done.output["partial"]
    assert "only a part" in str(done.note)


def test_a_key_that_was_asked_for_and_did_not_come_is_a_failure(vault: Vault, cloud: Cloud, aside: str) -> None:
    vault.bucket_point()
    vault.aws.restore_jobs.lose("b")
    failed = step(vault, cloud, to=aside, keys=("a", "b")).run()
    assert isinstance(failed, Failed)
    assert "b is not there" in str(failed.why)
    assert "could not be restored" in str(failed.why)


def test_single_objects_are_named_and_nothing_else_comes(vault: Vault, cloud: Cloud, aside: str) -> None:
    vault.bucket_point()
    done = step(vault, cloud, to=aside, keys=("b",)).run()
    assert isinstance(done, Done)
    assert json.loads(asked_metadata(vault, done)["ItemsToRestore"]) == [f"s3://{BUCKET}/b"]
    assert [one["Key"] for one in vault.bucket.api.list_objects_v2(Bucket=aside)["Contents"]] == ["b"]


@pytest.mark.parametrize(("keys", "taken"), [(5, True), (6, False)])
def test_five_keys_are_the_most(keys: int, taken: bool, vault: Vault, cloud: Cloud) -> None:
    wanted = tuple(map(str, range(keys)))
    if taken:
        assert step(vault, cloud, keys=wanted).params.keys == wanted
    else:
        with pytest.raises(ValidationError):
            step(vault, cloud, keys=wanted)


def test_a_bucket_without_versions_is_refused_before_anything_is_asked(vault: Vault, cloud: Cloud) -> None:
    vault.bucket_point()
    vault.bucket.versioning("Suspended")
    restore = step(vault, cloud)
    assert restore.plan().calls == ()
    assert isinstance(restore.act(), Failed)
    assert cloud.changes("backup") == []


def test_a_continuous_point_needs_its_moment_and_gives_the_bucket_as_of_then(
    vault: Vault, cloud: Cloud, aside: str
) -> None:
    vault.bucket_point(continuous=True)
    moment = vault.bucket.later(60)
    vault.bucket.put("a", "damaged")
    vault.aws.clock.move(timedelta(minutes=15))
    done = step(vault, cloud, to=aside, before=moment).run()
    assert isinstance(done, Done), done
    assert asked_metadata(vault, done)["RestoreTime"] == moment.isoformat().replace("+00:00", "Z")
    assert vault.bucket.api.get_object(Bucket=aside, Key="a")["Body"].read() == b"1"
    assert done.output["at"] == moment.isoformat()


@pytest.mark.parametrize(("minutes", "found"), [(15, True), (14, False)])
def test_a_continuous_point_is_up_to_fifteen_minutes_behind(
    minutes: int, found: bool, vault: Vault, cloud: Cloud
) -> None:
    point = vault.bucket_point(then=3600, continuous=True)
    asked = Before(vault=VAULT, bucket=BUCKET, before=vault.ago(minutes * 60))
    progress = RecoveryPointReady().look(asked, cloud, Step(RecoveryPointReady(), asked, cloud).attempt())
    assert isinstance(progress, Done if found else Failed)
    if found:
        assert isinstance(progress, Done)
        assert progress.output["age"] == "15m"
    named = asked.model_copy(update={"recovery_point": point.arn})
    assert isinstance(RecoveryPointReady().look(named, cloud, Step(None, named, cloud).attempt()), type(progress))


def test_the_same_restore_of_another_day_is_not_taken_for_ours(vault: Vault, cloud: Cloud, aside: str) -> None:
    vault.bucket_point()
    step(vault, cloud, to=aside, before=vault.ago(0)).run()
    vault.bucket.api.delete_object(Bucket=aside, Key="a")
    vault.aws.clock.move(timedelta(hours=3))
    again = step(vault, cloud, to=aside)
    again.run_id = "run-2"
    assert isinstance(again.run(), Done)
    assert cloud.changes("backup") == ["StartRestoreJob", "StartRestoreJob"]
    assert vault.bucket.api.head_object(Bucket=aside, Key="a")


def test_one_that_is_running_is_adopted_by_the_next_attempt(vault: Vault, cloud: Cloud, aside: str) -> None:
    vault.bucket_point()
    restore = step(vault, cloud, to=aside)
    restore.act()
    restore.number, restore.memory = 2, {}
    assert isinstance(restore.act(again=True), Working)
    assert cloud.changes("backup") == ["StartRestoreJob"]


def test_a_job_that_failed_is_not_adopted_by_the_next_attempt(vault: Vault, cloud: Cloud, aside: str) -> None:
    vault.bucket_point()
    vault.aws.restore_jobs.fail_next("The role may not write to the bucket.")
    restore = step(vault, cloud, to=aside)
    failed = restore.run()
    assert isinstance(failed, Failed)
    assert "may not write" in str(failed.why)
    restore.number, restore.memory = 2, {}
    assert isinstance(restore.run(), Done)
