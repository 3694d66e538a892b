"""Five of everything that AWS Backup lists, and what to ask then: rows for the test over all lists."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from bot.rehearsal.aws.emulator import EmulatedAws

HOME = "us-east-1"
COUNT = 5
ROLE = "arn:aws:iam::123456789012:role/lifeboat-restore"
TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/carts"
FAR_VAULT = "arn:aws:backup:us-west-2:123456789012:backup-vault:shop"
SELECTED: Mapping[str, Any] = {"RecoveryPointSelection": {"Algorithm": "LATEST_WITHIN_WINDOW"}}


def vault(aws: EmulatedAws) -> Any:
    """The client of a region with a vault and a table."""
    for region in (HOME, "us-west-2"):
        aws.client("backup", region).create_backup_vault(BackupVaultName="shop")
    aws.client("dynamodb").create_table(
        TableName="carts",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return aws.client("backup")


def backup_jobs(aws: EmulatedAws) -> Mapping[str, str]:
    backup = vault(aws)
    for _ in range(COUNT):
        backup.start_backup_job(BackupVaultName="shop", ResourceArn=TABLE, IamRoleArn=ROLE)
    return {}


def points_of_a_vault(aws: EmulatedAws) -> Mapping[str, str]:
    return {**backup_jobs(aws), "BackupVaultName": "shop"}


def points_of_a_table(aws: EmulatedAws) -> Mapping[str, str]:
    return {**backup_jobs(aws), "ResourceArn": TABLE}


def copies(aws: EmulatedAws) -> Mapping[str, str]:
    backup = vault(aws)
    point = aws.inside(lambda: aws.backup_vaults.add("shop", TABLE))
    where = {"SourceBackupVaultName": "shop", "DestinationBackupVaultArn": FAR_VAULT, "IamRoleArn": ROLE}
    for _ in range(COUNT):
        backup.start_copy_job(RecoveryPointArn=point.arn, **where)
        aws.clock.move(timedelta(seconds=10))
    return {}


def restores(aws: EmulatedAws) -> Mapping[str, str]:
    backup = vault(aws)
    point = aws.inside(lambda: aws.backup_vaults.add("shop", TABLE))
    for number in range(COUNT):
        asked = {"RecoveryPointArn": point.arn, "IamRoleArn": ROLE}
        backup.start_restore_job(Metadata={"targetTableName": f"carts-{number}"}, **asked)
    return {}


def restores_of_a_table(aws: EmulatedAws) -> Mapping[str, str]:
    return {**restores(aws), "ResourceArn": TABLE}


def testing_plans(aws: EmulatedAws) -> Mapping[str, str]:
    for number in range(COUNT):
        plan = {"RestoreTestingPlanName": f"plan_{number}", "ScheduleExpression": "cron(0 5 ? * 1 *)", **SELECTED}
        aws.client("backup").create_restore_testing_plan(RestoreTestingPlan=plan)
    return {}


def testing_selections(aws: EmulatedAws) -> Mapping[str, str]:
    testing_plans(aws)
    where = {"RestoreTestingPlanName": "plan_0"}
    for number in range(COUNT):
        one = {"RestoreTestingSelectionName": f"one_{number}", "ProtectedResourceType": "DynamoDB", "IamRoleArn": ROLE}
        aws.client("backup").create_restore_testing_selection(RestoreTestingSelection=one, **where)
    return where


BACKUP_LISTS: Mapping[tuple[str, str], tuple[Callable[[EmulatedAws], Mapping[str, Any]], int, str]] = {
    ("backup", "ListBackupJobs"): (backup_jobs, COUNT, HOME),
    ("backup", "ListCopyJobs"): (copies, COUNT, HOME),
    ("backup", "ListRecoveryPointsByBackupVault"): (points_of_a_vault, COUNT, HOME),
    ("backup", "ListRecoveryPointsByResource"): (points_of_a_table, COUNT, HOME),
    ("backup", "ListRestoreJobs"): (restores, COUNT, HOME),
    ("backup", "ListRestoreJobsByProtectedResource"): (restores_of_a_table, COUNT, HOME),
    ("backup", "ListRestoreTestingPlans"): (testing_plans, COUNT, HOME),
    ("backup", "ListRestoreTestingSelections"): (testing_selections, COUNT, HOME),
}
