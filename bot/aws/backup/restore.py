"""`backup.restore_recovery_point`: what a recovery point holds, in a new table, or where a bucket lacks objects.

A table is restored beside the damaged one, under the name that follows from the incident, as every restore of a table
here. Objects are restored into a bucket that exists and keeps versions: AWS Backup overwrites no key and deletes none, so
it brings back what is missing and repairs nothing that was overwritten (`s3.rollback_prefix` does).
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, ClassVar

from pydantic import AwareDatetime, Field

from bot.aws.backup.outcome import progress
from bot.aws.backup.points import Bucket, PointArn, Protected, chosen, faults
from bot.aws.backup.restoring import (
    POINTS,
    ROLE,
    ROLES,
    RUNNING,
    Job,
    RoleName,
    Target,
    encryption_of,
    ours,
    start_call,
)
from bot.aws.calls import perform
from bot.aws.dynamodb.restoring import cost
from bot.aws.dynamodb.table import describe, restored_name, touched
from bot.aws.s3.versions import not_versioned
from bot.errors import N_, Phrase, phrase
from bot.playbook.action import (
    Attempt,
    Aws,
    Change,
    Facts,
    Failed,
    Figures,
    InputType,
    Progress,
    StepPlan,
    action,
)

#: What AWS Backup takes as ItemsToRestore.
MOST_KEYS = 5
_BACKUP = (
    "backup:DescribeBackupVault",
    "backup:DescribeRecoveryPoint",
    "backup:DescribeRestoreJob",
    "backup:GetRecoveryPointRestoreMetadata",
    "backup:GetRestoreJobMetadata",
    "backup:ListRecoveryPointsByBackupVault",
    "backup:ListRestoreJobsByProtectedResource",
    "backup:StartRestoreJob",
)
_LOOKS = ("dynamodb:DescribeTable", "s3:GetBucketVersioning")
Keys = Annotated[tuple[str, ...], InputType("list"), Field(max_length=MOST_KEYS)]


class FromPoint(Protected):
    """`recovery_point`: an ARN; left out, the newest one that holds nothing later than `before`.

    Of a bucket: `to` is the bucket that objects are restored into (left out: the same), `keys` are the only ones wanted.
    """

    before: AwareDatetime
    recovery_point: PointArn = ""
    role: RoleName = ROLE
    to: Bucket | None = None
    keys: Keys = ()


@action(
    "backup.restore_recovery_point",
    FromPoint,
    permissions=(*_BACKUP, "dynamodb:DescribeTable", "iam:PassRole", "s3:GetBucketVersioning", "s3:ListBucketVersions"),
    plane="control",
    changes=N_("Restores a recovery point: a table beside the damaged one, or the objects that a bucket lacks."),
    undo=N_(
        "Deletes the new table, and only if this incident restored it. Objects stay: only missing ones were brought back."
    ),
    undone_by="dynamodb.delete_restored",
    recognised_by=N_("AWS Backup lists the restore jobs of the resource, each with what it restores into."),
    resources={"backup:StartRestoreJob": POINTS, "iam:PassRole": ROLES},
    outputs={
        "recovery_point": "str",
        "at": "time",
        "partial": "str",
        "table": "dynamodb.table",
        "bucket": "s3.bucket",
        "objects": "int",
        "job": "str",
    },
    calls=(*_BACKUP, *_LOOKS, "s3:ListObjectVersions"),
    # As old as the recovery point is: most are made daily.
    recovers=Figures(rpo=timedelta(days=1), rto=None),
    takes=timedelta(minutes=30),
    faults=faults,
)
class RestoreRecoveryPoint:
    facts: ClassVar[Facts]

    def plan(self, params: FromPoint, aws: Aws, attempt: Attempt) -> StepPlan:
        place, foreseen = _place(params, aws, attempt)
        touches = (place,)
        target = _target(params, aws, attempt)
        if isinstance(target, Phrase):
            return StepPlan(warnings=(target,), touches=touches)
        if params.table and describe(aws, target.name) is not None:
            used = phrase(N_("{target} exists already and is used if it fits."), target=target.name)
            return StepPlan(warnings=(used,), foreseen=foreseen, touches=touches)
        source = f"{params.name} @ {target.point.holds.isoformat()}"
        return StepPlan(
            foreseen=foreseen,
            calls=(start_call(target, params.role, attempt),),
            changes=(Change(_what(target), None, source),),
            warnings=_warnings(target),
            touches=touches,
            loses=max(attempt.now - target.point.holds, timedelta()),
            cost=cost(target.point.size) if params.table else None,
        )

    def act(self, params: FromPoint, aws: Aws, attempt: Attempt) -> Progress:
        target = _target(params, aws, attempt)
        if isinstance(target, Phrase):
            return Failed(target)
        there = params.table is not None and describe(aws, target.name) is not None
        job = ours(aws, target, attempt.started_at)
        if there and (job is None or not _fits(params, job)):
            return Failed(_taken(target))
        if job is None or (params.table and not there and job["Status"] not in RUNNING):
            job = perform(aws, start_call(target, params.role, attempt))
        memory = {"job": job["RestoreJobId"], "point": job.get("RecoveryPointArn", target.point.arn)}
        return _progress(params, aws, attempt, memory)

    def look(self, params: FromPoint, aws: Aws, attempt: Attempt) -> Progress:
        return _progress(params, aws, attempt, dict(attempt.memory))


def _progress(params: FromPoint, aws: Aws, attempt: Attempt, memory: Mapping[str, Any]) -> Progress:
    """Of the very point that is being restored: another one may be the newest by now."""
    target = _aim(params, aws, attempt, memory.get("point", ""))
    return Failed(target) if isinstance(target, Phrase) else progress(target, aws, attempt, memory)


def _fits(params: FromPoint, job: Job) -> bool:
    """Whether the job restores what is asked for: the point that is named, or else one that is old enough."""
    if params.recovery_point:
        return bool(job["RecoveryPointArn"] == params.recovery_point)
    return bool(job["RecoveryPointCreationDate"] <= params.before)


def _target(params: FromPoint, aws: Aws, attempt: Attempt) -> Target | Phrase:
    """As it is asked of AWS Backup, which is told how the data is encrypted too."""
    target = _aim(params, aws, attempt)
    if isinstance(target, Phrase):
        return target
    return replace(target, encryption=encryption_of(aws, target.point))


def _aim(params: FromPoint, aws: Aws, attempt: Attempt, point_arn: str = "") -> Target | Phrase:
    """What is restored, and into what; a phrase says why it cannot be."""
    point = chosen(aws, params, params.before, point_arn or params.recovery_point, attempt.now)
    if isinstance(point, Phrase):
        return point
    if params.bucket and (problem := not_versioned(aws, params.to or params.bucket)):
        return problem
    name = restored_name(params.table, attempt.incident) if params.table else params.to or params.name
    return Target(point, name, params.keys)


def _place(params: FromPoint, aws: Aws, attempt: Attempt) -> tuple[str, Mapping[str, Any]]:
    """What no other run may change meanwhile, and what is certain of the outputs."""
    if params.table:
        target = restored_name(params.table, attempt.incident)
        return touched(aws, target), {"table": target}
    return f"s3:{aws.region}:{params.to or params.name}", {"bucket": params.to or params.name}


def _what(target: Target) -> Phrase:
    if target.point.kind == "DynamoDB":
        return phrase(N_("Table {target}"), target=target.name)
    return phrase(N_("Objects that {bucket} lacks"), bucket=target.name)


def _warnings(target: Target) -> tuple[Phrase, ...]:
    point = target.point
    said = [
        phrase(N_("AWS Backup promises no time for a restore; a large bucket takes hours.")),
        phrase(N_("What was written after {at}, when the recovery point was made, is not restored."), at=point.holds),
    ]
    if point.kind == "DynamoDB":
        what = N_("Settings are lost by a restore and are applied again by the step dynamodb.reapply_settings.")
        return (*said, phrase(what))
    what = N_(
        "An object that {bucket} has is never overwritten, and none is removed: what was overwritten stays damaged. "
        "Restore into another bucket to compare, or roll back with s3.rollback_prefix."
    )
    return (*said, phrase(what, bucket=target.name))


def _taken(target: Target) -> Phrase:
    what = N_(
        "Table {target} exists already and does not come from the recovery point {point}. If nobody needs it, delete it "
        "(dynamodb.delete_restored), then retry."
    )
    return phrase(what, target=target.name, point=target.point.arn)
