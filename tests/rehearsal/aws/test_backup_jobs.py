"""AWS Backup's vaults, backup jobs and copy jobs, as AWS gives them and moto does not."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bot.rehearsal.aws.emulator import EmulatedAws

ROLE = "arn:aws:iam::123456789012:role/lifeboat-backup"
CARTS = "arn:aws:dynamodb:us-east-1:123456789012:table/carts"


@pytest.fixture
def backup(aws: EmulatedAws) -> Any:
    """Vaults in two regions, and something to keep in them."""
    for region in ("us-east-1", "us-west-2"):
        aws.client("backup", region).create_backup_vault(BackupVaultName="shop")
    dynamodb, s3 = aws.client("dynamodb"), aws.client("s3")
    dynamodb.create_table(
        TableName="carts",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.put_item(TableName="carts", Item={"id": {"S": "1"}})
    s3.create_bucket(Bucket="images")
    s3.put_bucket_versioning(Bucket="images", VersioningConfiguration={"Status": "Enabled"})
    return aws.client("backup")


def start(backup: Any, resource: str = CARTS, **more: Any) -> dict[str, Any]:
    asked = {"BackupVaultName": "shop", "ResourceArn": resource, "IamRoleArn": ROLE, **more}
    made: dict[str, Any] = backup.start_backup_job(**asked)
    return made


def copy(backup: Any, point: str, **more: Any) -> str:
    vault = "arn:aws:backup:us-west-2:123456789012:backup-vault:shop"
    asked = {"RecoveryPointArn": point, "SourceBackupVaultName": "shop", "DestinationBackupVaultArn": vault, **more}
    return str(backup.start_copy_job(IamRoleArn=ROLE, **asked)["CopyJobId"])


def refusal(call: Any, **parameters: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return str(caught.value.response["Error"]["Code"])


def states(aws: EmulatedAws, describe: Any) -> list[str]:
    """What the job says of itself, every second."""
    seen = []
    for _ in range(8):
        seen.append(describe())
        aws.clock.move(timedelta(seconds=1))
    return list(dict.fromkeys(seen))


def test_a_backup_is_created_runs_and_completes_and_its_point_is_creating_until_then(
    backup: Any, aws: EmulatedAws
) -> None:
    job = start(backup)
    [point] = backup.list_recovery_points_by_resource(ResourceArn=CARTS)["RecoveryPoints"]
    assert (point["RecoveryPointArn"], point["Status"]) == (job["RecoveryPointArn"], "CREATING")
    seen = states(aws, lambda: backup.describe_backup_job(BackupJobId=job["BackupJobId"])["State"])
    assert seen == ["CREATED", "RUNNING", "COMPLETED"]
    found = backup.describe_recovery_point(BackupVaultName="shop", RecoveryPointArn=job["RecoveryPointArn"])
    assert (found["Status"], found["ResourceType"], found["ResourceName"]) == ("COMPLETED", "DynamoDB", "carts")
    assert found["CreationDate"] == job["CreationDate"]
    assert backup.describe_protected_resource(ResourceArn=CARTS)["LastRecoveryPointArn"] == job["RecoveryPointArn"]


def test_the_same_token_is_the_same_job_and_another_one_another(backup: Any) -> None:
    first = start(backup, IdempotencyToken="a")
    assert start(backup, IdempotencyToken="a")["BackupJobId"] == first["BackupJobId"]
    assert start(backup, IdempotencyToken="b")["BackupJobId"] != first["BackupJobId"]
    assert len(backup.list_backup_jobs(ByResourceArn=CARTS)["BackupJobs"]) == 2


def test_a_job_that_fails_leaves_no_point(backup: Any, aws: EmulatedAws) -> None:
    aws.backup_jobs.fail_next("The role may not read the table.")
    job = start(backup)["BackupJobId"]
    aws.clock.move(timedelta(seconds=6))
    found = backup.describe_backup_job(BackupJobId=job)
    assert (found["State"], found["StatusMessage"]) == ("FAILED", "The role may not read the table.")
    assert backup.list_recovery_points_by_backup_vault(BackupVaultName="shop")["RecoveryPoints"] == []


@pytest.mark.parametrize(
    ("resource", "code"),
    [
        ("arn:aws:dynamodb:us-east-1:123456789012:table/nothing", "ResourceNotFoundException"),
        ("arn:aws:s3:::nothing", "ResourceNotFoundException"),
        ("arn:aws:sqs:us-east-1:123456789012:queue", "InvalidParameterValueException"),
    ],
)
def test_what_is_not_there_or_cannot_be_backed_up_is_refused(resource: str, code: str, backup: Any) -> None:
    assert refusal(start, backup=backup, resource=resource) == code


def test_a_bucket_without_versions_is_not_backed_up(backup: Any, aws: EmulatedAws) -> None:
    aws.client("s3").create_bucket(Bucket="plain")
    assert refusal(start, backup=backup, resource="arn:aws:s3:::plain") == "InvalidRequestException"


def test_a_vault_that_is_not_there_is_refused(backup: Any) -> None:
    assert refusal(start, backup=backup, BackupVaultName="nowhere") == "ResourceNotFoundException"
    assert (
        refusal(backup.list_recovery_points_by_backup_vault, BackupVaultName="nowhere") == "ResourceNotFoundException"
    )


def test_points_are_listed_by_type_and_time(backup: Any, aws: EmulatedAws) -> None:
    start(backup)
    aws.clock.move(timedelta(hours=1))
    start(backup, "arn:aws:s3:::images")
    half = aws.clock.now() - timedelta(minutes=30)

    def names(**filters: Any) -> list[str]:
        found = backup.list_recovery_points_by_backup_vault(BackupVaultName="shop", **filters)["RecoveryPoints"]
        return [one["ResourceName"] for one in found]

    assert names() == ["carts", "images"]
    assert names(ByResourceType="S3") == ["images"]
    assert names(ByCreatedBefore=half) == ["carts"]
    assert names(ByCreatedAfter=half) == ["images"]


def test_a_copy_keeps_the_moment_and_is_known_in_its_own_region_alone(backup: Any, aws: EmulatedAws) -> None:
    made = start(backup)
    aws.clock.move(timedelta(hours=1))
    job = copy(backup, made["RecoveryPointArn"])
    seen = states(aws, lambda: backup.describe_copy_job(CopyJobId=job)["CopyJob"]["State"])
    assert seen == ["CREATED", "RUNNING", "COMPLETED"]
    point = backup.describe_copy_job(CopyJobId=job)["CopyJob"]["DestinationRecoveryPointArn"]
    there = aws.client("backup", "us-west-2").describe_recovery_point(BackupVaultName="shop", RecoveryPointArn=point)
    assert there["CreationDate"] == made["CreationDate"]
    assert there["SourceBackupVaultArn"] == "arn:aws:backup:us-east-1:123456789012:backup-vault:shop"
    asked = {"BackupVaultName": "shop", "RecoveryPointArn": point}
    assert refusal(backup.describe_recovery_point, **asked) == "ResourceNotFoundException"


def test_one_copy_of_a_resource_at_a_time_and_none_of_a_point_in_the_making(backup: Any, aws: EmulatedAws) -> None:
    point = start(backup)["RecoveryPointArn"]
    assert refusal(copy, backup=backup, point=point) == "InvalidRequestException"
    aws.clock.move(timedelta(seconds=6))
    job = copy(backup, point, IdempotencyToken="a")
    assert copy(backup, point, IdempotencyToken="a") == job
    assert refusal(copy, backup=backup, point=point) == "LimitExceededException"
    aws.clock.move(timedelta(seconds=6))
    assert copy(backup, point) != job


def test_a_continuous_point_is_available_and_never_copied(backup: Any, aws: EmulatedAws) -> None:
    point = aws.inside(lambda: aws.backup_vaults.add("shop", "arn:aws:s3:::images", continuous=True))
    assert ":recovery-point:continuous:" in point.arn
    found = backup.describe_recovery_point(BackupVaultName="shop", RecoveryPointArn=point.arn)
    assert found["Status"] == "AVAILABLE"
    assert refusal(copy, backup=backup, point=point.arn) == "InvalidRequestException"


def test_a_point_goes_when_its_days_are_over_or_it_is_deleted(backup: Any, aws: EmulatedAws) -> None:
    made = start(backup, Lifecycle={"DeleteAfterDays": 1})
    kept = start(backup)["RecoveryPointArn"]
    aws.clock.move(timedelta(days=1))
    [left] = backup.list_recovery_points_by_backup_vault(BackupVaultName="shop")["RecoveryPoints"]
    assert left["RecoveryPointArn"] == kept != made["RecoveryPointArn"]
    backup.delete_recovery_point(BackupVaultName="shop", RecoveryPointArn=kept)
    assert backup.list_recovery_points_by_backup_vault(BackupVaultName="shop")["RecoveryPoints"] == []


def test_a_job_of_another_region_is_not_found(backup: Any, aws: EmulatedAws) -> None:
    job = start(backup)["BackupJobId"]
    there = aws.client("backup", "us-west-2")
    assert refusal(there.describe_backup_job, BackupJobId=job) == "ResourceNotFoundException"
    assert refusal(there.describe_copy_job, CopyJobId=job) == "ResourceNotFoundException"
