"""A deleted table comes back under its own name, from the backup that DynamoDB itself made when it was deleted.

    dynamodb.can_undelete            check: is the table gone, and is that backup there?
    dynamodb.undelete_table          restore it, under the original name: nothing has to be pointed elsewhere
    dynamodb.apply_backup_settings   what is known of its settings: time to live and stream, from the backup, and recovery

DynamoDB keeps `<table>$DeletedTableBackup` for 35 days, and only of tables that had point-in-time recovery on.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Point-in-time-recovery.html
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from bot.aws.calls import perform
from bot.aws.dynamodb.backups import Backup, backup_of, described, newest
from bot.aws.dynamodb.restoring import ON_NEW_TABLE, TAKEN, Restoring, cost, progress, warnings
from bot.aws.dynamodb.table import TABLES, Table, TableName, describe, touched
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
    Working,
    action,
    check,
)

_READS = ("dynamodb:DescribeTable", "dynamodb:ListBackups")


class Deleted(Params):
    table: TableName


@check(
    "dynamodb.can_undelete",
    Deleted,
    permissions=_READS,
    outputs={"backup": "str", "deleted_at": "time"},
    calls=_READS,
    takes=timedelta(seconds=5),
)
class CanUndelete:
    """Holds when there is no table of that name, and DynamoDB's last backup of it can be restored."""

    facts: ClassVar[Facts]

    def look(self, params: Deleted, aws: Aws, attempt: Attempt) -> Progress:
        found, backup = describe(aws, params.table), newest(aws, params.table, "SYSTEM")
        if found is not None and found["TableStatus"] == "DELETING":
            return Working(phrase(N_("{table} is still being deleted."), table=params.table))
        problem = _problem(params, found, backup)
        if problem or backup is None:
            return Failed(problem or _no_backup(params))
        deleted_at = backup["BackupCreationDateTime"]
        what = N_("{table} was deleted at {at} ({age} ago) and can be restored as it was then.")
        note = phrase(what, table=params.table, at=deleted_at, age=attempt.now - deleted_at)
        return Done(note, {"backup": backup["BackupArn"], "deleted_at": deleted_at.isoformat()})


@action(
    "dynamodb.undelete_table",
    Deleted,
    permissions=(*_READS, "dynamodb:ListTables", "dynamodb:RestoreTableFromBackup", *ON_NEW_TABLE),
    plane="control",
    changes=N_("Restores a deleted table under its own name, with the items that it had when it was deleted."),
    undo=N_("A service uses the table at once, so it is not deleted again; whoever wants it gone deletes it by hand."),
    undone_by=None,
    recognised_by=N_("The table is there, and AWS says that it comes from the deleted table's backup."),
    # The table has its own name, which is any name; DynamoDB itself writes the items, in our name.
    resources={"dynamodb:RestoreTableFromBackup": TABLES} | dict.fromkeys(ON_NEW_TABLE, TABLES),
    outputs={"table": "dynamodb.table", "source": "dynamodb.table", "at": "time", "backup": "str"},
    calls=(*_READS, "dynamodb:ListTables", "dynamodb:RestoreTableFromBackup"),
    recovers=Figures(rpo=timedelta(), rto=None),
    takes=timedelta(minutes=20),
)
class UndeleteTable:
    facts: ClassVar[Facts]

    def plan(self, params: Deleted, aws: Aws, attempt: Attempt) -> StepPlan:  # noqa: ARG002  # nothing depends on it
        touches = (touched(aws, params.table),)
        found, backup = describe(aws, params.table), newest(aws, params.table, "SYSTEM")
        problem = _problem(params, found, backup)
        if problem or backup is None or found is not None:
            used = problem or phrase(N_("{target} exists already and is used if it fits."), target=params.table)
            return StepPlan(warnings=(used,), touches=touches)
        deleted_at = backup["BackupCreationDateTime"]
        return StepPlan(
            foreseen={"table": params.table},
            calls=(_restore_call(params, backup),),
            changes=(Change(phrase(N_("Table {target}"), target=params.table), None, str(backup["BackupName"])),),
            warnings=(*warnings(deleted_at), _unknown_settings()),
            touches=touches,
            needs=(Need(phrase(N_("Restores at the same time")), 1, MOST_RESTORES - running_restores(aws)),),
            loses=timedelta(),
            cost=cost(int(backup.get("BackupSizeBytes", 0))),
        )

    def act(self, params: Deleted, aws: Aws, attempt: Attempt) -> Progress:
        memory = {"asked_at": attempt.now.isoformat()}
        found, backup = describe(aws, params.table), newest(aws, params.table, "SYSTEM")
        if problem := _problem(params, found, backup):
            return Failed(problem)
        if found is None and backup is not None:
            try:
                perform(aws, _restore_call(params, backup))
            except ActionFailed as error:
                if error.code not in TAKEN:
                    raise
        return _progress(params, aws, attempt, memory)

    def look(self, params: Deleted, aws: Aws, attempt: Attempt) -> Progress:
        return _progress(params, aws, attempt, dict(attempt.memory))


def _problem(params: Deleted, found: Table | None, backup: Backup | None) -> Phrase | None:
    """Why there is nothing to bring back; None: there is, or it is back already."""
    if backup is None:
        return _no_backup(params) if found is None else _exists(params)
    if found is not None and backup_of(found) != backup["BackupArn"]:
        return _exists(params)
    return None


def _exists(params: Deleted) -> Phrase:
    what = N_("Table {table} exists, so it is left alone. To restore an earlier state of it, use restore-table.")
    return phrase(what, table=params.table)


def _no_backup(params: Deleted) -> Phrase:
    what = N_(
        "DynamoDB has no backup of a deleted table {table}: recovery was off, or it was deleted more than 35 days ago. "
        "Check name and region; restore an on-demand backup (dynamodb.restore_backup) or one of AWS Backup instead."
    )
    return phrase(what, table=params.table)


def _restore_call(params: Deleted, backup: Backup) -> Call:
    return Call(
        "dynamodb", "RestoreTableFromBackup", {"TargetTableName": params.table, "BackupArn": backup["BackupArn"]}
    )


def _unknown_settings() -> Phrase:
    return phrase(
        N_(
            "Of the settings, AWS remembers time to live and stream. Tags, resource policy, auto scaling, deletion "
            "protection, Kinesis destination, contributor insights and replicas must be set again by hand."
        )
    )


def _progress(params: Deleted, aws: Aws, attempt: Attempt, memory: Mapping[str, Any]) -> Progress:
    found = describe(aws, params.table)
    arn = found and backup_of(found)
    if found is not None and not arn:
        return Failed(_exists(params))
    at: datetime = attempt.started_at if found is None else found["RestoreSummary"]["RestoreDateTime"]
    return progress(found, Restoring(params.table, params.table, at), attempt, memory, backup=arn or "")


class Restored(Params):
    """`table`: one that was restored from the backup with the ARN `backup`."""

    table: TableName
    backup: str


@action(
    "dynamodb.apply_backup_settings",
    Restored,
    permissions=(
        "dynamodb:DescribeBackup",
        "dynamodb:DescribeContinuousBackups",
        "dynamodb:DescribeTable",
        "dynamodb:DescribeTimeToLive",
        "dynamodb:UpdateContinuousBackups",
        "dynamodb:UpdateTable",
        "dynamodb:UpdateTimeToLive",
    ),
    plane="control",
    changes=N_("Gives an undeleted table what its backup knows of its settings: time to live, stream, and recovery."),
    undo=N_("The table had these settings before it was deleted, so they are not taken back."),
    undone_by=None,
    recognised_by=N_("Each setting is read on the table, and written only where it differs."),
    resources=dict.fromkeys(
        ("dynamodb:UpdateContinuousBackups", "dynamodb:UpdateTable", "dynamodb:UpdateTimeToLive"), TABLES
    ),
    outputs={"left": "str"},
    calls=(
        "dynamodb:DescribeBackup",
        "dynamodb:DescribeContinuousBackups",
        "dynamodb:DescribeTable",
        "dynamodb:DescribeTimeToLive",
        "dynamodb:UpdateContinuousBackups",
        "dynamodb:UpdateTable",
        "dynamodb:UpdateTimeToLive",
    ),
    takes=timedelta(minutes=1),
)
class ApplyBackupSettings:
    facts: ClassVar[Facts]

    def plan(self, params: Restored, aws: Aws, attempt: Attempt) -> StepPlan:  # noqa: ARG002  # nothing depends on it
        table, backup = describe(aws, params.table), described(aws, params.backup)
        touches = (touched(aws, params.table),)
        if problem := _not_from(params, table, backup):
            return StepPlan(warnings=(problem,), touches=touches)
        assert table is not None
        assert backup is not None
        calls = _calls(table, _missing(aws, table, backup))
        changes = tuple(
            Change(phrase(N_("Table {target}"), target=params.table), None, call.operation) for call in calls
        )
        return StepPlan(calls=calls, changes=changes, warnings=(_unknown_settings(),), touches=touches)

    def act(self, params: Restored, aws: Aws, attempt: Attempt) -> Progress:
        table, backup = describe(aws, params.table), described(aws, params.backup)
        if problem := _not_from(params, table, backup):
            return Failed(problem)
        assert table is not None
        assert backup is not None
        for call in _calls(table, _missing(aws, table, backup)):
            perform(aws, call)
        return self.look(params, aws, attempt)

    def look(self, params: Restored, aws: Aws, attempt: Attempt) -> Progress:
        table, backup = describe(aws, params.table), described(aws, params.backup)
        if problem := _not_from(params, table, backup):
            return Failed(problem)
        assert table is not None
        assert backup is not None
        if missing := _missing(aws, table, backup):
            names = ", ".join(missing)
            if attempt.now - attempt.started_at > timedelta(minutes=5):
                what = N_("{table} still lacks: {missing}. Someone may have changed them meanwhile; retry the step.")
                return Failed(phrase(what, table=params.table, missing=names))
            return Working(phrase(N_("AWS is applying: {settings}"), settings=names))
        left = _unknown_settings()
        note = phrase(N_("{table} has the settings that its backup knows. {left}"), table=params.table, left=left)
        return Done(note, {"left": str(left)})


def _not_from(params: Restored, table: Table | None, backup: Backup | None) -> Phrase | None:
    """Why the table's settings are left alone; None: it comes from that backup."""
    if table is None or backup is None:
        gone = params.table if table is None else params.backup
        return phrase(N_("There is no {gone}. Check the step's parameters."), gone=gone)
    if backup_of(table) != params.backup:
        what = N_("{table} was not restored from {backup}, so its settings are left alone.")
        return phrase(what, table=params.table, backup=params.backup)
    return None


def _missing(aws: Aws, table: Table, backup: Backup) -> dict[str, Any]:
    """The settings that the backup knows and the table lacks, each by the parameter that sets it."""
    known, missing = backup.get("SourceTableFeatureDetails", {}), dict[str, Any]()
    wanted = known.get("TimeToLiveDescription", {})
    have = aws.client("dynamodb").describe_time_to_live(TableName=table["TableName"])["TimeToLiveDescription"]
    if wanted.get("TimeToLiveStatus") == "ENABLED" and have.get("TimeToLiveStatus") not in {"ENABLED", "ENABLING"}:
        missing["TimeToLiveSpecification"] = {"Enabled": True, "AttributeName": wanted["AttributeName"]}
    if backup["BackupDetails"]["BackupType"] == "SYSTEM" and not _recovery_is_on(aws, table):
        missing["PointInTimeRecoverySpecification"] = {"PointInTimeRecoveryEnabled": True}
    stream = known.get("StreamDescription", {})
    if stream.get("StreamEnabled") and not table.get("StreamSpecification", {}).get("StreamEnabled"):
        missing["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": stream["StreamViewType"]}
    return missing


def _calls(table: Table, missing: Mapping[str, Any]) -> tuple[Call, ...]:
    """The change of the table itself comes last: while it is UPDATING, DynamoDB refuses the others."""
    name = table["TableName"]
    possible = (
        Call("dynamodb", "UpdateTimeToLive", _with(name, missing, "TimeToLiveSpecification")),
        Call("dynamodb", "UpdateContinuousBackups", _with(name, missing, "PointInTimeRecoverySpecification")),
        Call("dynamodb", "UpdateTable", _with(name, missing, "StreamSpecification")),
    )
    return tuple(call for call in possible if len(call.parameters) > 1)


def _with(name: str, missing: Mapping[str, Any], parameter: str) -> dict[str, Any]:
    return {"TableName": name} | {key: value for key, value in missing.items() if key == parameter}


def _recovery_is_on(aws: Aws, table: Table) -> bool:
    """Only a table that had it on leaves a backup behind when it is deleted."""
    found = aws.client("dynamodb").describe_continuous_backups(TableName=table["TableName"])
    recovery = found["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
    return bool(recovery.get("PointInTimeRecoveryStatus") == "ENABLED")
