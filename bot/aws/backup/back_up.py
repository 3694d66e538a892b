"""`backup.start_backup`: a recovery point of a table or a bucket as it is now, such as before a risky change."""

from collections.abc import Mapping
from datetime import UTC, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import Field, StringConstraints

from bot.aws.backup.points import Protected, faults, vault_arn
from bot.aws.calls import perform
from bot.aws.dynamodb.table import describe
from bot.aws.polling import SETTLING, next_look
from bot.aws.tokens import uuid_of
from bot.errors import N_, ActionFailed, Phrase, phrase
from bot.playbook.action import (
    Attempt,
    Aws,
    Call,
    Change,
    Done,
    Facts,
    Failed,
    Progress,
    StepPlan,
    Working,
    action,
)

#: The role that AWS Backup backs up and copies with; Lifeboat may pass no other to it.
ROLE = "lifeboat-backup"
RoleName = Annotated[str, StringConstraints(pattern=r"^lifeboat-backup[\w+=,.@-]{0,48}$")]
ROLES = ("arn:{partition}:iam::{account}:role/lifeboat-backup*",)
VAULTS = ("arn:{partition}:backup:{region}:{account}:backup-vault:*",)
ENDED = frozenset({"ABORTED", "EXPIRED", "FAILED", "PARTIAL"})
_CALLS = ("backup:DescribeBackupJob", "backup:DescribeBackupVault", "backup:StartBackupJob", "dynamodb:DescribeTable")


class BackUp(Protected):
    """`keep_days`: AWS Backup deletes the point then; left out, it is kept until somebody does."""

    role: RoleName = ROLE
    keep_days: int | None = Field(default=None, ge=1, le=36_500)


@action(
    "backup.start_backup",
    BackUp,
    permissions=(*_CALLS, "iam:PassRole"),
    plane="control",
    changes=N_("Has AWS Backup make a recovery point of a table or a bucket as it is now."),
    undo=N_("A backup harms nothing, and backups are never deleted by Lifeboat; it goes when its days are over."),
    undone_by=None,
    recognised_by=N_("AWS Backup answers the same token with the same job."),
    resources={"backup:StartBackupJob": VAULTS, "iam:PassRole": ROLES},
    outputs={"recovery_point": "str", "job": "str", "made_at": "time"},
    calls=_CALLS,
    takes=timedelta(minutes=15),
    faults=faults,
)
class StartBackup:
    facts: ClassVar[Facts]

    def plan(self, params: BackUp, aws: Aws, attempt: Attempt) -> StepPlan:
        call = _call(params, aws, attempt)
        touches = (f"backup:{aws.region}:{params.vault}/{params.name}",)
        if isinstance(call, Phrase):
            return StepPlan(warnings=(call,), touches=touches)
        what = phrase(N_("Recovery point of {name} in the vault {vault}"), name=params.name, vault=params.vault)
        days = f"{params.keep_days} d" if params.keep_days else "∞"
        return StepPlan(calls=(call,), changes=(Change(what, None, days),), touches=touches)

    def act(self, params: BackUp, aws: Aws, attempt: Attempt) -> Progress:
        """The token makes a second call the first one's job, whether or not its answer was lost."""
        if not attempt.memory.get("job"):
            call = _call(params, aws, attempt)
            if isinstance(call, Phrase):
                return Failed(call)
            return _progress(params, aws, attempt, perform(aws, call)["BackupJobId"])
        return self.look(params, aws, attempt)

    def look(self, params: BackUp, aws: Aws, attempt: Attempt) -> Progress:
        return _progress(params, aws, attempt, attempt.memory["job"])


def _progress(params: BackUp, aws: Aws, attempt: Attempt, job: str) -> Progress:
    found = _described(aws, attempt, job)
    state, fields = found["State"], {"name": params.name, "vault": params.vault}
    if state in ENDED:
        what = N_(
            "AWS Backup made no backup of {name} ({state}): {message} Correct what it names, then retry the step."
        )
        return Failed(phrase(what, state=state, message=found.get("StatusMessage") or "-", **fields))
    if state != "COMPLETED":
        what = N_("Backing up {name} into the vault {vault}: {state} for {elapsed}")
        note = phrase(what, state=state, elapsed=attempt.now - attempt.started_at, **fields)
        return Working(note, again_in=next_look(attempt), memory={"job": job})
    made_at = found["CreationDate"].astimezone(UTC)
    note = phrase(N_("{name} as of {at} is in the vault {vault}."), at=made_at, **fields)
    return Done(note, {"recovery_point": found["RecoveryPointArn"], "job": job, "made_at": made_at.isoformat()})


def _described(aws: Aws, attempt: Attempt, job: str) -> Mapping[str, Any]:
    """The job; one that was accepted a moment ago may not be visible yet."""
    try:
        found: Mapping[str, Any] = aws.client("backup").describe_backup_job(BackupJobId=job)
    except ActionFailed as error:
        if error.code != "ResourceNotFoundException" or attempt.now - attempt.started_at >= SETTLING:
            raise
        return {"State": "CREATED"}
    return found


def _call(params: BackUp, aws: Aws, attempt: Attempt) -> Call | Phrase:
    """What starts it; a phrase says what is missing."""
    vault = vault_arn(aws, params.vault)
    resource = _resource(params, aws, vault) if vault else None
    if vault is None or resource is None:
        gone = params.vault if vault is None else params.name
        return phrase(N_("There is no {gone} in {region}. Check name and region."), gone=gone, region=aws.region)
    parameters: dict[str, Any] = {
        "BackupVaultName": params.vault,
        "ResourceArn": resource,
        "IamRoleArn": role_arn(vault, params.role),
        "IdempotencyToken": uuid_of(attempt),
    }
    if params.keep_days:
        parameters["Lifecycle"] = {"DeleteAfterDays": params.keep_days}
    return Call("backup", "StartBackupJob", parameters)


def role_arn(vault: str, role: str) -> str:
    """In the account of a vault, which is told by the vault's ARN."""
    _, partition, _, _, account, *_ = vault.split(":")
    return f"arn:{partition}:iam::{account}:role/{role}"


def _resource(params: BackUp, aws: Aws, vault: str) -> str | None:
    """The ARN of what is backed up; None: there is no such table. Whether a bucket is there, AWS Backup says."""
    if params.table and describe(aws, params.table) is None:
        return None
    return params.arn_beside(vault)
