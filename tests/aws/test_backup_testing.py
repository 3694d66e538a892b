"""backup.restore_test, on the emulated AWS Backup."""

from datetime import timedelta
from typing import Any

import pytest

from bot.aws.backup.testing import RestoreTest, Trial
from bot.aws.dynamodb.compare import Compare, Tables
from bot.errors import ActionFailed
from bot.playbook.action import Done, Failed, Working
from bot.rehearsal.aws.emulator import EmulatedAws
from tests.aws.rehearsed import Cloud, Step
from tests.aws.vaults import VAULT, Vault

COPY = "carts-test-lb-inc-7"


@pytest.fixture
def vault(emulated: EmulatedAws) -> Vault:
    made = Vault(emulated)
    made.point(then=3600)
    made.tables.write("carts", {"1": "changed", "2": "new"})
    return made


@pytest.fixture
def cloud(vault: Vault) -> Cloud:
    return Cloud(vault.aws)


@pytest.fixture
def trial(cloud: Cloud) -> Step:
    return Step(RestoreTest(), Trial(vault=VAULT, table="carts"), cloud)


def validation(vault: Vault) -> Any:
    [job] = vault.aws.client("backup").list_restore_jobs()["RestoreJobs"]
    return job.get("ValidationStatus")


def test_the_newest_point_is_restored_compared_told_and_deleted_again(trial: Step, vault: Vault, cloud: Cloud) -> None:
    done = trial.run()
    assert isinstance(done, Done), done
    [point] = vault.aws.backup_vaults.of("us-east-1")
    took = done.output.pop("took")
    assert done.output == {
        "recovery_point": point.arn, "age": "1h", "items": 1, "differ": 1, "missing": 1, "recorded": True,
    }  # fmt: skip
    assert took in {"8s", "9s", "10s"}, "the job takes eight seconds, and is looked at every two"
    assert validation(vault) == "SUCCESSFUL"
    assert vault.tables.api.list_tables()["TableNames"] == ["carts"]
    assert cloud.changes("backup") == ["StartRestoreJob", "PutRestoreValidationResult"]
    assert vault.tables.items("carts") == {"1": "changed", "2": "new"}


def test_the_plan_shows_the_restore_and_that_its_table_goes_again(trial: Step, cloud: Cloud) -> None:
    plan = RestoreTest().plan(trial.params, cloud, trial.attempt())
    start, delete = plan.calls
    assert start.parameters["Metadata"]["targetTableName"] == COPY
    assert delete.parameters == {"TableName": COPY}
    assert plan.touches == (f"dynamodb:us-east-1:{COPY}",)
    assert isinstance(RestoreTest().act(trial.params, cloud, trial.attempt()), Working)


@pytest.mark.parametrize(("seconds", "good"), [(3600, True), (3599, False)])
def test_a_point_older_than_the_promise_fails_and_is_told_as_failed(
    seconds: int, good: bool, vault: Vault, cloud: Cloud
) -> None:
    params = Trial(vault=VAULT, table="carts", no_older_than=timedelta(seconds=seconds))
    progress = Step(RestoreTest(), params, cloud).run()
    assert isinstance(progress, Done if good else Failed)
    assert validation(vault) == ("SUCCESSFUL" if good else "FAILED")
    assert vault.tables.api.list_tables()["TableNames"] == ["carts"]


def test_an_empty_backup_of_a_table_that_holds_items_fails_and_leaves_nothing_behind(
    vault: Vault, cloud: Cloud
) -> None:
    vault.tables.create("baskets", {})
    vault.aws.inside(
        lambda: vault.aws.backup_vaults.add(VAULT, "arn:aws:dynamodb:us-east-1:123456789012:table/baskets")
    )
    vault.tables.write("baskets", {"1": "full"})
    failed = Step(RestoreTest(), Trial(vault=VAULT, table="baskets"), cloud).run()
    assert isinstance(failed, Failed)
    assert "nothing to compare" in str(failed.why)
    assert validation(vault) == "FAILED"
    assert set(vault.tables.api.list_tables()["TableNames"]) == {"baskets", "carts"}


def test_a_table_that_no_test_made_is_neither_used_nor_deleted(trial: Step, vault: Vault, cloud: Cloud) -> None:
    vault.tables.create(COPY, {"1": "precious"})
    assert isinstance(trial.act(), Failed)
    assert cloud.changes("backup") == []
    assert vault.tables.items(COPY) == {"1": "precious"}


def test_a_table_that_somebody_put_in_place_of_the_restored_one_stays(trial: Step, vault: Vault) -> None:
    trial.act()
    vault.aws.clock.move(timedelta(seconds=10))
    while trial.memory["stage"] != "tell":
        trial.look()
    vault.tables.api.delete_table(TableName=COPY)
    vault.tables.create(COPY, {"1": "precious"})
    failed = trial.act()
    assert isinstance(failed, Failed)
    assert "by hand" in str(failed.why)
    assert vault.tables.items(COPY) == {"1": "precious"}


def test_a_verdict_that_aws_backup_does_not_take_is_no_failure_of_the_test(trial: Step, vault: Vault) -> None:
    trial.act()
    vault.aws.clock.move(timedelta(seconds=10))
    while trial.memory["stage"] != "tell":
        trial.look()
    vault.aws.restore_jobs.refuse_validation = True
    done = trial.wait(trial.act())
    assert isinstance(done, Done)
    assert done.output["recorded"] is False


def test_it_goes_on_after_a_kill_at_every_moment_and_restores_and_deletes_once(
    trial: Step, vault: Vault, cloud: Cloud
) -> None:
    """Every call is made four times: for processes that died before they wrote down what came of it."""
    for operation in ("StartRestoreJob", "PutRestoreValidationResult"):
        vault.aws.faults.lose_answer("backup", operation, times=1)
    vault.aws.faults.lose_answer("dynamodb", "DeleteTable", times=1)
    progress, lost = None, 0
    for _ in range(60):
        before = trial.memory
        looks = bool(before) and before["stage"] != "tell"
        for again in (False, True, True, True):
            trial.memory = before
            try:
                progress = trial.look() if looks else trial.act(again=again)
            except ActionFailed as error:
                lost += error.retry
        if not isinstance(progress, Working):
            break
        vault.aws.clock.move(max(progress.again_in, timedelta(seconds=1)))
    assert isinstance(progress, Done), progress
    assert lost == 3
    assert cloud.changes("backup").count("StartRestoreJob") == 1
    assert [call.status for call in vault.aws.calls.of("dynamodb", "DeleteTable")] == [None]
    assert vault.tables.api.list_tables()["TableNames"] == ["carts"]


def test_it_is_denied_with_the_permission_that_is_missing(trial: Step, vault: Vault) -> None:
    vault.aws.faults.deny("backup", "StartRestoreJob", times=1)
    with pytest.raises(ActionFailed, match="backup:StartRestoreJob"):
        trial.act()
    assert isinstance(trial.run(), Done)


def test_a_restore_that_fails_is_told_with_its_reason(trial: Step, vault: Vault) -> None:
    vault.aws.restore_jobs.fail_next("The role may not restore.")
    failed = trial.run()
    assert isinstance(failed, Failed)
    assert "may not restore" in str(failed.why)


def test_without_a_point_there_is_nothing_to_test(vault: Vault, cloud: Cloud) -> None:
    step = Step(RestoreTest(), Trial(vault=VAULT, table="nothing"), cloud)
    assert step.plan().calls == ()
    assert isinstance(step.act(), Failed)


def test_the_comparison_is_the_one_that_a_playbook_makes(trial: Step, vault: Vault, cloud: Cloud) -> None:
    done = trial.run()
    assert isinstance(done, Done)
    vault.tables.create("carts-copy", {"1": "full"})
    tables = Tables(left="carts", right="carts-copy")
    same = Compare().look(tables, cloud, Step(Compare(), tables, cloud).attempt())
    assert isinstance(same, Done)
    assert {name: same.output[name] for name in ("items", "differ", "missing")} == {
        name: done.output[name] for name in ("items", "differ", "missing")
    }


def test_it_is_looked_at_until_it_ends(trial: Step, cloud: Cloud) -> None:
    trial.act()
    assert isinstance(RestoreTest().look(trial.params, cloud, trial.attempt()), Working)
