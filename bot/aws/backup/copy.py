"""`backup.copy_recovery_point`: a recovery point in another region too, while both regions are well.

The copy is restored in its own region alone. Of a continuous point AWS Backup makes no copy on demand.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import AwareDatetime, StringConstraints

from bot.aws.backup.back_up import ROLE, ROLES, RoleName, role_arn
from bot.aws.backup.points import Point, PointArn, Protected, chosen, faults, newest, vault_arn
from bot.aws.backup.restoring import POINTS
from bot.aws.calls import perform
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
    InputType,
    Need,
    Progress,
    StepPlan,
    Working,
    action,
)

#: "100 concurrent copies to another region". https://docs.aws.amazon.com/aws-backup/latest/devguide/aws-backup-limits.html
MOST_COPIES = 100
ENDED = frozenset({"FAILED", "PARTIAL"})
RUNNING = ("CREATED", "RUNNING")
_CALLS = (
    "backup:DescribeBackupVault",
    "backup:DescribeCopyJob",
    "backup:DescribeRecoveryPoint",
    "backup:ListCopyJobs",
    "backup:ListRecoveryPointsByBackupVault",
    "backup:StartCopyJob",
)


class Copied(Protected):
    """Into the vault `to_vault` (left out: of the same name) of the region `to_region`; the newest point, if none is named."""

    to_region: Annotated[str, InputType("region")]
    to_vault: Annotated[str, StringConstraints(pattern=r"^([a-zA-Z0-9_-]{2,50})?$")] = ""
    recovery_point: PointArn = ""
    before: AwareDatetime | None = None
    role: RoleName = ROLE


@action(
    "backup.copy_recovery_point",
    Copied,
    permissions=(*_CALLS, "iam:PassRole"),
    plane="control",
    changes=N_("Copies a recovery point into a vault of another region."),
    undo=N_("A copy harms nothing, and backups are never deleted by Lifeboat; it goes when its days are over."),
    undone_by=None,
    recognised_by=N_("AWS Backup lists the copies of a point, with the vault that each one is in."),
    resources={"backup:StartCopyJob": POINTS, "iam:PassRole": ROLES},
    outputs={"recovery_point": "str", "copy": "str", "made_at": "time"},
    calls=_CALLS,
    takes=timedelta(minutes=30),
    faults=faults,
)
class CopyRecoveryPoint:
    facts: ClassVar[Facts]

    def plan(self, params: Copied, aws: Aws, attempt: Attempt) -> StepPlan:
        touches = (f"backup:{aws.region}:{params.vault}/{params.name}",)
        call = _call(params, aws, attempt)
        if isinstance(call, Phrase):
            return StepPlan(warnings=(call,), touches=touches)
        running = sum(len(_jobs(aws, ByState=state)) for state in RUNNING)
        what = phrase(N_("Recovery point of {name} in {region}"), name=params.name, region=params.to_region)
        return StepPlan(
            calls=(call,),
            changes=(Change(what, None, call.parameters["RecoveryPointArn"]),),
            needs=(Need(phrase(N_("Copies at the same time")), 1, MOST_COPIES - running),),
            warnings=(phrase(N_("The copy is billed in {region}, and so is its transfer."), region=params.to_region),),
            touches=touches,
        )

    def act(self, params: Copied, aws: Aws, attempt: Attempt) -> Progress:
        if job := attempt.memory.get("job"):
            return _progress(params, aws, attempt, job)
        call = _call(params, aws, attempt)
        if isinstance(call, Phrase):
            return Failed(call)
        asked = call.parameters
        to = {"ByDestinationVaultArn": asked["DestinationBackupVaultArn"]}
        made = _jobs(aws, BySourceRecoveryPointArn=asked["RecoveryPointArn"], **to)
        known = next((job["CopyJobId"] for job in made if job["State"] not in ENDED), None)
        return _progress(params, aws, attempt, known or _started(aws, call))

    def look(self, params: Copied, aws: Aws, attempt: Attempt) -> Progress:
        return _progress(params, aws, attempt, attempt.memory["job"])


def _started(aws: Aws, call: Call) -> str:
    """The copy's job. AWS Backup makes one copy of a resource at a time: try again when the other one has ended."""
    try:
        return str(perform(aws, call)["CopyJobId"])
    except ActionFailed as error:
        if error.code != "LimitExceededException":
            raise
        raise ActionFailed(error.phrase, retry=True, code=error.code, kind="conflict") from error


def _progress(params: Copied, aws: Aws, attempt: Attempt, id_: str) -> Progress:
    """Over when the other region itself has the copy."""
    job = _described(aws, attempt, id_)
    state, fields = job["State"], {"name": params.name, "region": params.to_region}
    if state in ENDED:
        what = N_("{name} was not copied to {region} ({state}): {message} Correct what it names, then retry the step.")
        return Failed(phrase(what, state=state, message=job.get("StatusMessage") or "-", **fields))
    made_at = _made_at(params, aws, job["DestinationRecoveryPointArn"]) if state == "COMPLETED" else None
    if made_at is None:
        what = N_("Copying {name} to {region}: {state} for {elapsed}")
        note = phrase(what, state=state, elapsed=attempt.now - attempt.started_at, **fields)
        return Working(note, again_in=next_look(attempt), memory={"job": id_})
    copy = {"recovery_point": job["SourceRecoveryPointArn"], "copy": job["DestinationRecoveryPointArn"]}
    note = phrase(
        N_("{name} as of {at} can be restored in {region}, and that copy nowhere else."), at=made_at, **fields
    )
    return Done(note, copy | {"made_at": made_at.isoformat()})


def _described(aws: Aws, attempt: Attempt, job: str) -> Mapping[str, Any]:
    """The job; one that was accepted a moment ago may not be visible yet."""
    try:
        found: Mapping[str, Any] = aws.client("backup").describe_copy_job(CopyJobId=job)["CopyJob"]
    except ActionFailed as error:
        if error.code != "ResourceNotFoundException" or attempt.now - attempt.started_at >= SETTLING:
            raise
        return {"State": "CREATED"}
    return found


def _made_at(params: Copied, aws: Aws, arn: str) -> datetime | None:
    """The moment that the copy holds; None: it is not there yet."""
    backup = aws.client("backup", params.to_region)
    try:
        found = backup.describe_recovery_point(BackupVaultName=params.to_vault or params.vault, RecoveryPointArn=arn)
    except ActionFailed as error:
        if error.code == "ResourceNotFoundException":
            return None
        raise
    made_at: datetime = found["CreationDate"].astimezone(UTC)
    return made_at if found["Status"] in {"AVAILABLE", "COMPLETED"} else None


def _call(params: Copied, aws: Aws, attempt: Attempt) -> Call | Phrase:
    """What starts it; a phrase says why there is nothing to copy, or nowhere to copy it to."""
    if params.to_region == aws.region:
        return phrase(N_("The recovery point is in {region} already. Name another region."), region=aws.region)
    before = params.before or attempt.now
    single = None if params.recovery_point else newest(aws, params, before, attempt.now, of_one_moment=True)
    point = single or chosen(aws, params, before, params.recovery_point, attempt.now)
    if isinstance(point, Point) and point.is_continuous:
        what = N_("{arn} is continuous, and AWS Backup copies none on demand. Back up {name} first, and copy that.")
        return phrase(what, arn=point.arn, name=params.name)
    if isinstance(point, Phrase):
        return point
    vault = vault_arn(aws, params.to_vault or params.vault, params.to_region)
    if vault is None:
        what = N_("There is no vault {vault} in {region}. Make it there, or name another one.")
        return phrase(what, vault=params.to_vault or params.vault, region=params.to_region)
    return Call(
        "backup",
        "StartCopyJob",
        {
            "RecoveryPointArn": point.arn,
            "SourceBackupVaultName": params.vault,
            "DestinationBackupVaultArn": vault,
            "IamRoleArn": role_arn(vault, params.role),
            "IdempotencyToken": uuid_of(attempt),
        },
    )


def _jobs(aws: Aws, **where: str) -> list[dict[str, str]]:
    """The copies of the region that fit, the newest thousand."""
    return list(aws.client("backup").list_copy_jobs(**where)["CopyJobs"])
