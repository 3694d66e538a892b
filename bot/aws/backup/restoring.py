"""What is asked of a restore job of AWS Backup, and how a second call finds the job that the first one started."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from pydantic import StringConstraints

from bot.aws.backup.points import Point
from bot.aws.polling import CLOCK_SKEW
from bot.aws.tokens import uuid_of
from bot.errors import ActionFailed
from bot.playbook.action import Attempt, Aws, Call

#: The role that AWS Backup restores with; Lifeboat may pass no other to it.
ROLE = "lifeboat-restore"
RoleName = Annotated[str, StringConstraints(pattern=r"^lifeboat-restore[\w+=,.@-]{0,48}$")]
ROLES = ("arn:{partition}:iam::{account}:role/lifeboat-restore*",)
#: Points of AWS Backup, and of DynamoDB where it keeps them itself.
POINTS = (
    "arn:{partition}:backup:{region}:{account}:recovery-point:*",
    "arn:{partition}:dynamodb:{region}:{account}:table/*/backup/*",
)
#: Who looks for a job reads so many pages of a resource's jobs, the newest of the last 30 days.
MOST_PAGES = 10
OVER = frozenset({"FAILED", "ABORTED"})
RUNNING = frozenset({"PENDING", "RUNNING"})

Job = Mapping[str, Any]


@dataclass(frozen=True)
class Target:
    """Where the data goes: the new table `name`, or the bucket `name`; `keys`: only these objects, five at most."""

    point: Point
    name: str
    keys: tuple[str, ...] = ()
    encryption: Mapping[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        """Of what the restore makes, or fills."""
        _, partition, _, region, account, *_ = self.point.arn.split(":", 5)
        if self.point.kind == "S3":
            return f"arn:{partition}:s3:::{self.name}"
        return f"arn:{partition}:dynamodb:{region}:{account}:table/{self.name}"

    @property
    def metadata(self) -> dict[str, str]:
        if self.point.kind == "DynamoDB":
            return {"targetTableName": self.name, **self.encryption}
        made = {"DestinationBucketName": self.name, **self.encryption}
        if self.point.is_continuous:
            made["RestoreTime"] = self.point.holds.isoformat().replace("+00:00", "Z")
        if self.keys:
            made["ItemsToRestore"] = json.dumps([f"s3://{self.point.name}/{key}" for key in self.keys])
        return made


def start_call(target: Target, role: str, attempt: Attempt) -> Call:
    """Tags are not asked for: AWS Backup copies none to tables and buckets.

    https://docs.aws.amazon.com/aws-backup/latest/devguide/restoring-a-backup.html
    """
    return Call(
        "backup",
        "StartRestoreJob",
        {
            "RecoveryPointArn": target.point.arn,
            "Metadata": target.metadata,
            "IamRoleArn": target.point.role_arn(role),
            "IdempotencyToken": uuid_of(attempt),
            "ResourceType": target.point.kind,
        },
    )


def encryption_of(aws: Aws, point: Point) -> dict[str, str]:
    """How the restored data is encrypted: as before, where the key of then is in the point's own region.

    A copy in another region cannot use the original's key. Names are compared without regard to case, as AWS does.
    """
    answer = aws.client("backup").get_recovery_point_restore_metadata(
        BackupVaultName=point.vault, RecoveryPointArn=point.arn
    )
    known = {name.lower(): value for name, value in answer.get("RestoreMetadata", {}).items()}
    key = known.get("kmsmasterkeyarn", "")
    if point.kind != "DynamoDB":
        return {"EncryptionType": known["encryptiontype"]} if "encryptiontype" in known else {}
    if key and key.split(":")[3:4] == point.arn.split(":")[3:4]:
        return {"encryptionType": "KMS", "kmsMasterKeyArn": key}
    return {"encryptionType": "Default"}


def described(aws: Aws, job: str) -> Job | None:
    """None: AWS Backup knows no such job, or not yet."""
    try:
        found: Job = aws.client("backup").describe_restore_job(RestoreJobId=job)
    except ActionFailed as error:
        if error.code == "ResourceNotFoundException":
            return None
        raise
    return found


def ours(aws: Aws, target: Target, since: datetime) -> Job | None:
    """The job that restores into the target, or did; None: there is none that came to anything.

    A table's name is made for the incident. A bucket has been restored into before, perhaps: there, it is a job that runs
    with the very same parameters, or one that was started after `since`.
    """
    for job in _jobs(aws, target.point.resource):
        if job["Status"] in OVER:
            continue
        if target.point.kind == "DynamoDB" and _makes(aws, job, target):
            return job
        fresh = job["Status"] in RUNNING or job["CreationDate"] >= since - CLOCK_SKEW
        if target.point.kind != "DynamoDB" and fresh and _asked_with(aws, job) == target.metadata:
            return job
    return None


def _jobs(aws: Aws, resource: str) -> Iterator[Job]:
    where: dict[str, str] = {"ResourceArn": resource}
    for _ in range(MOST_PAGES):
        page = aws.client("backup").list_restore_jobs_by_protected_resource(**where)
        yield from page["RestoreJobs"]
        if not page.get("NextToken"):
            return
        where["NextToken"] = page["NextToken"]


def _makes(aws: Aws, job: Job, target: Target) -> bool:
    """What a running job makes is told by the metadata that it was asked with, not yet by the job itself."""
    if "CreatedResourceArn" in job:
        return bool(job["CreatedResourceArn"] == target.arn)
    asked = {name.lower(): value for name, value in _asked_with(aws, job).items()}
    return asked.get("targettablename") == target.name


def _asked_with(aws: Aws, job: Job) -> dict[str, str]:
    answer = aws.client("backup").get_restore_job_metadata(RestoreJobId=job["RestoreJobId"])
    return dict(answer.get("Metadata", {}))
