"""`backup.restore_test`: does the newest recovery point of a table restore, how long does that take, and what is in it?

For a quiet hour, not for an incident. It restores beside the table, compares the two, tells AWS Backup the verdict, and
deletes the table that it made, and no other. What it measures is the RTO that this way really has, and the point's age
the RPO. In four stages, each safe to begin again: restore, compare, tell, delete.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field

from bot.aws.backup.outcome import completed, table_progress
from bot.aws.backup.points import Protected, VaultName, chosen
from bot.aws.backup.restoring import POINTS, ROLE, ROLES, RUNNING, RoleName, Target, encryption_of, ours, start_call
from bot.aws.calls import perform
from bot.aws.dynamodb.compare import Tables, compared
from bot.aws.dynamodb.restoring import cost
from bot.aws.dynamodb.table import RESTORED, TABLES, TableName, describe, is_restore_of, restored_name, touched
from bot.aws.polling import next_look
from bot.errors import N_, ActionFailed, Phrase, phrase
from bot.playbook.action import (
    Attempt,
    Aws,
    Call,
    Change,
    Done,
    Facts,
    Failed,
    Params,
    Progress,
    StepPlan,
    Working,
    action,
)
from escalation.duration import Duration, format_duration

#: What PutRestoreValidationResult takes as a message.
LONGEST_MESSAGE = 1024
_CALLS = (
    "backup:DescribeBackupVault",
    "backup:DescribeRecoveryPoint",
    "backup:DescribeRestoreJob",
    "backup:GetRecoveryPointRestoreMetadata",
    "backup:GetRestoreJobMetadata",
    "backup:ListRecoveryPointsByBackupVault",
    "backup:ListRestoreJobsByProtectedResource",
    "backup:PutRestoreValidationResult",
    "backup:StartRestoreJob",
    "dynamodb:BatchGetItem",
    "dynamodb:DeleteTable",
    "dynamodb:DescribeTable",
    "dynamodb:Scan",
)


class Trial(Params):
    """`no_older_than`: the promise; the test fails when the newest point is older. `cap`: items compared at most."""

    vault: VaultName
    table: TableName
    role: RoleName = ROLE
    no_older_than: Duration = timedelta(days=1)
    cap: int = Field(default=10_000, ge=1, le=10_000_000)


class Found(BaseModel):
    """What the test has shown so far; stored between calls. `wrong`: why the backup is not good enough."""

    point: str
    job: str
    stage: Literal["restore", "compare", "tell", "delete"] = "restore"
    tally: dict[str, Any] = {}
    wrong: Literal["", "old", "useless"] = ""
    output: dict[str, Any] = {}


@action(
    "backup.restore_test",
    Trial,
    permissions=(*_CALLS, "iam:PassRole"),
    plane="control",
    changes=N_(
        "Restores the newest recovery point of a table beside it, compares the two, and deletes what it restored."
    ),
    undo=N_("It leaves nothing behind; a table that a test could not delete is deleted by dynamodb.delete_restored."),
    undone_by="dynamodb.delete_restored",
    recognised_by=N_("AWS Backup lists the restore jobs of the table, each with what it restores into."),
    resources={
        "backup:StartRestoreJob": POINTS,
        "dynamodb:BatchGetItem": TABLES,
        "dynamodb:DeleteTable": RESTORED,
        "dynamodb:Scan": TABLES,
        "iam:PassRole": ROLES,
    },
    outputs={
        "recovery_point": "str",
        "age": "duration",
        "took": "duration",
        "items": "int",
        "differ": "int",
        "missing": "int",
        "recorded": "bool",
    },
    calls=_CALLS,
    takes=timedelta(minutes=40),
)
class RestoreTest:
    facts: ClassVar[Facts]

    def plan(self, params: Trial, aws: Aws, attempt: Attempt) -> StepPlan:
        target = _target(params, aws, attempt)
        touches = (touched(aws, _test_name(params, attempt)),)
        if isinstance(target, Phrase):
            return StepPlan(warnings=(target,), touches=touches)
        source = f"{params.table} @ {target.point.holds.isoformat()}"
        return StepPlan(
            calls=(start_call(target, params.role, attempt), _deletion(target)),
            changes=(Change(phrase(N_("Table {target}"), target=target.name), None, source),),
            warnings=(phrase(N_("The table is deleted again when it has been compared.")),),
            touches=touches,
            cost=cost(target.point.size),
        )

    def act(self, params: Trial, aws: Aws, attempt: Attempt) -> Progress:
        if not attempt.memory:
            return self._begin(params, aws, attempt)
        found = Found.model_validate(attempt.memory)
        target = _aim(params, aws, attempt, found.point)
        if found.stage != "tell" or isinstance(target, Phrase):
            return self.look(params, aws, attempt)
        found.output["recorded"] = _tell(aws, found)
        if describe(aws, target.name) is not None:
            if problem := _not_ours(params, aws, target, found):
                return Failed(problem)
            perform(aws, _deletion(target))
        return _on(found, "delete", phrase(N_("Deleting {table}"), table=target.name), next_look(attempt))

    def look(self, params: Trial, aws: Aws, attempt: Attempt) -> Progress:
        found = Found.model_validate(attempt.memory)
        target = _aim(params, aws, attempt, found.point)
        if isinstance(target, Phrase):
            return Failed(target)
        if found.stage == "restore":
            return _restored(params, aws, attempt, target, found)
        if found.stage == "compare":
            return _compared(params, aws, target, found)
        if found.stage == "tell":
            return _on(found, "tell", phrase(N_("{table} is compared."), table=target.name), more=True)
        if describe(aws, target.name) is not None:
            return _on(found, "delete", phrase(N_("Deleting {table}"), table=target.name), next_look(attempt))
        return _verdict(params, found)

    def _begin(self, params: Trial, aws: Aws, attempt: Attempt) -> Progress:
        target = _target(params, aws, attempt)
        if isinstance(target, Phrase):
            return Failed(target)
        there = describe(aws, target.name) is not None
        job = ours(aws, target, attempt.started_at)
        if there and job is None:
            what = N_("Table {target} exists already and no test made it. If nobody needs it, delete it; then retry.")
            return Failed(phrase(what, target=target.name))
        if job is None or (not there and job["Status"] not in RUNNING):
            job = perform(aws, start_call(target, params.role, attempt))
        found = Found(point=job.get("RecoveryPointArn", target.point.arn), job=job["RestoreJobId"])
        note = phrase(N_("Restoring {target} to see whether that works"), target=target.name)
        return _on(found, "restore", note, next_look(attempt))


def _restored(params: Trial, aws: Aws, attempt: Attempt, target: Target, found: Found) -> Progress:
    """Until the table is there; then its time is taken."""
    job = completed(target, aws, attempt, {"job": found.job})
    seen = job if isinstance(job, Working | Failed) else table_progress(target, aws, attempt, job)
    if isinstance(seen, Working):
        return _on(found, "restore", seen.note, seen.again_in)
    if isinstance(job, Working | Failed) or not isinstance(seen, Done):
        return seen
    age = job["CreationDate"] - target.point.holds
    times = {"age": _whole(age), "took": _whole(attempt.now - job["CreationDate"])}
    found.output = {"recovery_point": target.point.arn, **times}
    found.wrong = "old" if age > params.no_older_than else ""
    return _on(found, "compare", phrase(N_("{target} is restored; comparing it"), target=target.name))


def _compared(params: Trial, aws: Aws, target: Target, found: Found) -> Progress:
    progress = compared(Tables(left=params.table, right=target.name, cap=params.cap), aws, found.tally)
    if isinstance(progress, Working):
        found.tally = dict(progress.memory)
        return _on(found, "compare", progress.note, progress.again_in)
    if isinstance(progress, Done):
        counts = ("items", "differ", "missing")
        found.output |= {name: progress.output[name] for name in counts}
    else:
        found.wrong = "useless"
    return _on(found, "tell", phrase(N_("{table} is compared."), table=target.name), more=True)


def _on(found: Found, stage: Any, note: Phrase, again_in: timedelta = timedelta(), *, more: bool = False) -> Working:
    found.stage = stage
    return Working(note, again_in, found.model_dump(), more)


def _tell(aws: Aws, found: Found) -> bool:
    """Whether AWS Backup has taken the verdict down; it may take none for a job that no testing plan of its own started."""
    said = {"RestoreJobId": found.job, "ValidationStatus": "FAILED" if found.wrong else "SUCCESSFUL"}
    message = ", ".join(f"{name}: {value}" for name, value in found.output.items())
    said["ValidationStatusMessage"] = message[:LONGEST_MESSAGE]
    try:
        perform(aws, Call("backup", "PutRestoreValidationResult", said))
    except ActionFailed as error:
        if error.code not in {"InvalidRequestException", "InvalidParameterValueException"}:
            raise
        return False
    return True


def _not_ours(params: Trial, aws: Aws, target: Target, found: Found) -> Phrase | None:
    """Why the table is not deleted; None: our own job made it, out of a backup of the very table."""
    table = describe(aws, target.name)
    made = aws.client("backup").describe_restore_job(RestoreJobId=found.job).get("CreatedResourceArn")
    if table is None or (made == table["TableArn"] and is_restore_of(table, params.table)):
        return None
    what = N_("{table} is not what this test restored, so it is not deleted. Look at it, and delete it by hand.")
    return phrase(what, table=target.name)


def _verdict(params: Trial, found: Found) -> Progress:
    output = found.output
    fields = {"table": params.table, "age": output["age"], "took": output["took"]}
    if found.wrong == "old":
        what = N_(
            "The newest recovery point of {table} is {age} old, and {promise} is promised. Look at the backup plan."
        )
        return Failed(phrase(what, promise=format_duration(params.no_older_than), **fields))
    if found.wrong:
        what = N_(
            "The newest recovery point of {table} was restored in {took} and holds nothing to compare. Do not rely on "
            "it: look at the backup plan and at the role that it uses."
        )
        return Failed(phrase(what, **fields))
    what = N_(
        "{table} was restored from a point {age} old in {took}: {items} items, {differ} differ, {missing} are newer."
    )
    counts = {name: output[name] for name in ("items", "differ", "missing")}
    return Done(phrase(what, **fields, **counts), output)


def _target(params: Trial, aws: Aws, attempt: Attempt) -> Target | Phrase:
    """As it is asked of AWS Backup, which is told how the data is encrypted too."""
    target = _aim(params, aws, attempt)
    if isinstance(target, Phrase):
        return target
    return replace(target, encryption=encryption_of(aws, target.point))


def _aim(params: Trial, aws: Aws, attempt: Attempt, point_arn: str = "") -> Target | Phrase:
    """The newest point, or the one that the trial began with; a phrase says why there is none."""
    wanted = Protected(vault=params.vault, table=params.table)
    point = chosen(aws, wanted, attempt.now, point_arn, attempt.now)
    if isinstance(point, Phrase):
        return point
    return Target(point, _test_name(params, attempt))


def _test_name(params: Trial, attempt: Attempt) -> str:
    """Another one than a real restore of the same incident has."""
    return restored_name(f"{params.table}-test", attempt.incident)


def _deletion(target: Target) -> Call:
    return Call("dynamodb", "DeleteTable", {"TableName": target.name})


def _whole(length: timedelta) -> str:
    return format_duration(timedelta(seconds=max(int(length.total_seconds()), 0)))
