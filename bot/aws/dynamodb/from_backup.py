"""`dynamodb.restore_backup`: a new table from an on-demand backup, for a table without point-in-time recovery.

As `dynamodb.restore_pitr` does it: beside the table, under the name that follows from the incident. Its undo is the same.
What AWS Backup keeps is not listed here; it is restored by AWS Backup alone.
"""

import json
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import AwareDatetime, StringConstraints

from bot.aws.calls import perform
from bot.aws.dynamodb.backups import Backup, backup_of, described, newest
from bot.aws.dynamodb.restoring import ON_NEW_TABLE, TAKEN, Restoring, cost, progress, warnings
from bot.aws.dynamodb.settings import snapshot
from bot.aws.dynamodb.table import (
    RESTORED,
    TABLES,
    Table,
    TableName,
    describe,
    is_restore_of,
    restored_name,
    touched,
)
from bot.aws.dynamodb.window import MOST_RESTORES, running_restores
from bot.errors import N_, ActionFailed, Phrase, phrase
from bot.playbook.action import (
    Attempt,
    Aws,
    Call,
    Change,
    Done,
    Facts,
    Failed,
    Figures,
    Need,
    Params,
    Progress,
    StepPlan,
    action,
    check,
)

BackupArn = Annotated[str, StringConstraints(pattern=r"^(|arn:[\w-]+:dynamodb:[^:]+:\d+:table/.+/backup/.+)$")]
#: Reads that every one of them makes.
_READS = ("dynamodb:DescribeBackup", "dynamodb:DescribeTable", "dynamodb:ListBackups")
_SNAPSHOT = (
    "application-autoscaling:DescribeScalableTargets",
    "application-autoscaling:DescribeScalingPolicies",
    "application-autoscaling:DescribeScheduledActions",
    "dynamodb:DescribeContinuousBackups",
    "dynamodb:DescribeContributorInsights",
    "dynamodb:DescribeKinesisStreamingDestination",
    "dynamodb:DescribeTimeToLive",
    "dynamodb:GetResourcePolicy",
    "dynamodb:ListTagsOfResource",
)


class FromBackup(Params):
    """`backup`: its ARN; left out, the newest one made no later than `before`. `on_demand`: bill the table per request."""

    table: TableName
    before: AwareDatetime
    backup: BackupArn = ""
    on_demand: bool = True


@check(
    "dynamodb.backup_ready",
    FromBackup,
    permissions=_READS,
    outputs={"backup": "str", "made_at": "time"},
    calls=_READS,
    takes=timedelta(seconds=5),
)
class BackupReady:
    """Holds when there is a backup that can be restored, and the new table's name is free or ours."""

    facts: ClassVar[Facts]

    def look(self, params: FromBackup, aws: Aws, attempt: Attempt) -> Progress:
        target = restored_name(params.table, attempt.incident)
        found, backup = describe(aws, target), _chosen(params, aws)
        if found is not None and not _is_ours(found, params):
            return Failed(_taken(target, params))
        if isinstance(backup, Phrase):
            return Failed(backup)
        made_at = backup["BackupCreationDateTime"]
        what = N_("{table} has the backup {backup} of {at}, {age} before the moment asked for.")
        fields = {"table": params.table, "backup": backup["BackupName"], "at": made_at, "age": params.before - made_at}
        return Done(phrase(what, **fields), {"backup": backup["BackupArn"], "made_at": made_at.isoformat()})


@action(
    "dynamodb.restore_backup",
    FromBackup,
    permissions=(*_READS, *_SNAPSHOT, "dynamodb:ListTables", "dynamodb:RestoreTableFromBackup", *ON_NEW_TABLE),
    plane="control",
    changes=N_("Makes a new table beside the damaged one, with the items of a backup."),
    undo=N_("Deletes the new table, and only if this incident restored it."),
    undone_by="dynamodb.delete_restored",
    recognised_by=N_("The new table's name follows from the source and the incident, and AWS names source and backup."),
    # A backup's ARN lies below its table's: `table/orders/backup/0123`.
    resources={"dynamodb:RestoreTableFromBackup": TABLES} | dict.fromkeys(ON_NEW_TABLE, RESTORED),
    outputs={"table": "dynamodb.table", "source": "dynamodb.table", "at": "time", "source_settings": "str"},
    calls=(*_READS, *_SNAPSHOT, "dynamodb:ListTables", "dynamodb:RestoreTableFromBackup"),
    # As old as the backup is: most are made daily.
    recovers=Figures(rpo=timedelta(days=1), rto=None),
    takes=timedelta(minutes=20),
)
class RestoreBackup:
    facts: ClassVar[Facts]

    def plan(self, params: FromBackup, aws: Aws, attempt: Attempt) -> StepPlan:
        target = restored_name(params.table, attempt.incident)
        touches = (touched(aws, target),)
        if describe(aws, target) is not None:
            used = phrase(N_("{target} exists already and is used if it fits."), target=target)
            return StepPlan(warnings=(used,), foreseen={"table": target}, touches=touches)
        backup = _chosen(params, aws)
        if isinstance(backup, Phrase):
            return StepPlan(warnings=(backup,), touches=touches)
        made_at = backup["BackupCreationDateTime"]
        source = f"{params.table} @ {backup['BackupName']}"
        return StepPlan(
            foreseen={"table": target},
            calls=(_restore_call(params, backup, target),),
            changes=(Change(phrase(N_("Table {target}"), target=target), None, source),),
            warnings=(*warnings(made_at), _settings_are_lost()),
            touches=touches,
            needs=(Need(phrase(N_("Restores at the same time")), 1, MOST_RESTORES - running_restores(aws)),),
            loses=max(attempt.now - made_at, timedelta()),
            cost=cost(int(backup.get("BackupSizeBytes", 0))),
        )

    def act(self, params: FromBackup, aws: Aws, attempt: Attempt) -> Progress:
        target = restored_name(params.table, attempt.incident)
        settings = json.dumps(snapshot(aws, params.table), sort_keys=True)
        memory = {"asked_at": attempt.now.isoformat(), "source_settings": settings}
        if describe(aws, target) is None:
            backup = _chosen(params, aws)
            if isinstance(backup, Phrase):
                return Failed(backup)
            try:
                perform(aws, _restore_call(params, backup, target))
            except ActionFailed as error:
                if error.code not in TAKEN:
                    raise
        return _progress(params, aws, attempt, memory)

    def look(self, params: FromBackup, aws: Aws, attempt: Attempt) -> Progress:
        return _progress(params, aws, attempt, dict(attempt.memory))


def _chosen(params: FromBackup, aws: Aws) -> Backup | Phrase:
    """The backup that is meant, or why there is none."""
    if params.backup:
        found = described(aws, params.backup)
        details: Backup | None = found and found["BackupDetails"]
        if found and details and details["BackupStatus"] == "AVAILABLE":
            if found["SourceTableDetails"]["TableName"] == params.table:
                return details
            what = N_("{backup} is a backup of {other}, not of {table}. Correct the table or the backup.")
            other = found["SourceTableDetails"]["TableName"]
            return phrase(what, backup=params.backup, other=other, table=params.table)
        what = N_("The backup {backup} cannot be restored ({status}). Choose one that is AVAILABLE.")
        return phrase(what, backup=params.backup, status=details["BackupStatus"] if details else "-")
    backup = newest(aws, params.table, "USER", params.before)
    if backup is not None:
        return backup
    what = N_(
        "There is no on-demand backup of {table} from before {before}. Look for one in AWS Backup, whose backups are "
        "restored there, or choose a later moment."
    )
    return phrase(what, table=params.table, before=params.before)


def _restore_call(params: FromBackup, backup: Backup, target: str) -> Call:
    parameters: dict[str, Any] = {"TargetTableName": target, "BackupArn": backup["BackupArn"]}
    if params.on_demand:
        parameters["BillingModeOverride"] = "PAY_PER_REQUEST"
    return Call("dynamodb", "RestoreTableFromBackup", parameters)


def _settings_are_lost() -> Phrase:
    return phrase(N_("Settings are lost by a restore and are applied again by the step dynamodb.reapply_settings."))


def _is_ours(found: Table, params: FromBackup) -> bool:
    """Made from the backup asked for; where none was named, from one that is old enough. A newer one may exist by now."""
    arn = backup_of(found)
    if arn is None or not is_restore_of(found, params.table):
        return False
    return arn == params.backup if params.backup else _moment(found) <= params.before


def _moment(found: Table) -> datetime:
    """When the backup was made that the table comes from."""
    moment: datetime = found["RestoreSummary"]["RestoreDateTime"]
    return moment


def _taken(target: str, params: FromBackup) -> Phrase:
    what = N_(
        "Table {target} exists already and does not come from that backup of {table}. If nobody needs it, delete it "
        "(dynamodb.delete_restored), then retry."
    )
    return phrase(what, target=target, table=params.table)


def _progress(params: FromBackup, aws: Aws, attempt: Attempt, memory: dict[str, Any]) -> Progress:
    target = restored_name(params.table, attempt.incident)
    found = describe(aws, target)
    if found is not None and not _is_ours(found, params):
        return Failed(_taken(target, params))
    at = params.before if found is None else _moment(found)
    settings = memory.get("source_settings", "{}")
    return progress(found, Restoring(target, params.table, at), attempt, memory, source_settings=settings)
