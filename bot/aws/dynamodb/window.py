"""`dynamodb.restore_window`: whether a table can be restored to a moment, before anything is done."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, ClassVar

from pydantic import AwareDatetime

from bot.aws.dynamodb.table import TableName, describe, is_restore_of, restored_name, whole_second
from bot.aws.polling import next_look
from bot.errors import N_, ActionFailed, Phrase, phrase
from bot.playbook.action import Attempt, Aws, Done, Facts, Failed, Params, Progress, Working, check

#: The newest restorable moment usually lies five minutes back; more than twice that is not the usual lag.
LONGEST_LAG = timedelta(minutes=10)
#: DynamoDB's own limit per account and region.
MOST_RESTORES = 50
NAMES_LOOKED_AT = 1000


class Window(Params):
    table: TableName
    at: AwareDatetime


@check(
    "dynamodb.restore_window",
    Window,
    permissions=("dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTable", "dynamodb:ListTables"),
    outputs={"earliest": "time", "latest": "time"},
    calls=("dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTable", "dynamodb:ListTables"),
    takes=timedelta(seconds=5),
)
class RestoreWindow:
    """Holds when recovery is on, the moment is restorable, the key works, and the target's name is free or ours."""

    facts: ClassVar[Facts]

    def look(self, params: Window, aws: Aws, attempt: Attempt) -> Progress:
        problem = _source_problem(params, aws) or _target_problem(params, aws, attempt) or _crowded(aws)
        return problem or _window(params, aws, attempt)


def _source_problem(params: Window, aws: Aws) -> Failed | None:
    source = describe(aws, params.table)
    if source is None:
        what = N_(
            "There is no table {table} in {region}. Check the name and the region; a deleted table is restored "
            "from its last backup ({table}$DeletedTableBackup), not to a moment."
        )
        return Failed(phrase(what, table=params.table, region=aws.region))
    locked_since = source.get("SSEDescription", {}).get("InaccessibleEncryptionDateTime")
    if locked_since:
        what = N_("The key of table {table} cannot be used since {since}. Enable the KMS key {key} again, then retry.")
        key = source["SSEDescription"].get("KMSMasterKeyArn", "-")
        return Failed(phrase(what, table=params.table, since=locked_since, key=key))
    return None


def _target_problem(params: Window, aws: Aws, attempt: Attempt) -> Failed | None:
    target = restored_name(params.table, attempt.incident)
    found = describe(aws, target)
    if found is None or is_restore_of(found, params.table, params.at):
        return None
    return Failed(name_taken(target, params.table, params.at))


def name_taken(target: str, table: str, at: datetime) -> Phrase:
    """What to say when the table's name is used by something that is not this restore."""
    what = N_(
        "Table {target} exists already and is not a restore of {table} as of {at}. If nobody needs it, delete it "
        "(dynamodb.delete_restored); to keep it, ask for the moment it was restored to."
    )
    return phrase(what, target=target, table=table, at=at)


def running_restores(aws: Aws) -> int:
    """Counts the restores that Lifeboat started; AWS itself has no list of those under way."""
    names = (name for name in islice(_table_names(aws), NAMES_LOOKED_AT) if "-lb-" in name)
    tables = filter(None, (describe(aws, name) for name in names))
    return sum(bool(table.get("RestoreSummary", {}).get("RestoreInProgress")) for table in tables)


def _crowded(aws: Aws) -> Failed | None:
    running = running_restores(aws)
    if running < MOST_RESTORES:
        return None
    what = N_("{running} restores are running, and DynamoDB allows {most} at once. Retry when one of them has ended.")
    return Failed(phrase(what, running=running, most=MOST_RESTORES))


def _table_names(aws: Aws) -> Any:
    start: Mapping[str, str] = {}
    while True:
        page = aws.client("dynamodb").list_tables(Limit=100, **start)
        yield from page["TableNames"]
        if "LastEvaluatedTableName" not in page:
            return
        start = {"ExclusiveStartTableName": page["LastEvaluatedTableName"]}


def _window(params: Window, aws: Aws, attempt: Attempt) -> Progress:
    recovery = _recovery(aws, params.table)
    # ContinuousBackupsStatus is always ENABLED and says nothing about this.
    if recovery.get("PointInTimeRecoveryStatus") != "ENABLED":
        what = N_(
            "Point-in-time recovery is off for table {table}: there is no moment to restore. Restore from an on-demand "
            "backup instead, and switch recovery on for the next time."
        )
        return Failed(phrase(what, table=params.table))
    earliest, latest = recovery["EarliestRestorableDateTime"], recovery["LatestRestorableDateTime"]
    moment = whole_second(params.at)
    if earliest <= moment <= latest:
        note = phrase(N_("{table} can be restored as of {at}."), table=params.table, at=params.at)
        return Done(note, {"earliest": earliest.isoformat(), "latest": latest.isoformat()})
    if latest < moment <= attempt.now and moment - latest <= LONGEST_LAG:
        what = N_(
            "{at} becomes restorable in about {wait}: DynamoDB is at {latest}. To go on now, start again with {latest}."
        )
        note = phrase(what, at=params.at, wait=moment - latest, latest=latest)
        return Working(note, again_in=next_look(attempt))
    what = N_("{table} cannot be restored as of {at}: only from {earliest} to {latest}. Choose a moment between these.")
    return Failed(phrase(what, table=params.table, at=params.at, earliest=earliest, latest=latest))


def _recovery(aws: Aws, table: str) -> Mapping[str, Any]:
    try:
        backups = aws.client("dynamodb").describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    except ActionFailed as error:
        if error.code == "TableNotFoundException":  # deleted since we described it
            return {}
        raise
    recovery: Mapping[str, Any] = backups.get("PointInTimeRecoveryDescription", {})
    return recovery
