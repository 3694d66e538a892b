"""DynamoDB's restores, from a backup or to a moment: they yield the items as of then, and take their time.

moto copies what the table holds now, at once, whether or not recovery is on. A restored table loses what AWS drops
(TTL, tags, stream, recovery itself, deletion protection, auto scaling): that much moto does already.
Changes made through CloudFormation are not journaled.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.rehearsal.aws.backups import Backups
from bot.rehearsal.aws.call import Answer, AwsError, Call, Handler, Moto
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.journal import Journal, Key, key_of
from bot.rehearsal.aws.moto_app import backend
from bot.rehearsal.aws.wire import result_of

WRITES = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems")
STATEMENTS = ("ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction")
_READS = ("GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems")
_SETTINGS = ("UpdateTable", "DeleteTable", "UpdateTimeToLive", "TagResource")
_KEPT_FOR = timedelta(days=35)


@dataclass(frozen=True)
class RestoreTimes:
    """Seconds, divided by the clock's speed. AWS: ten minutes to hours, and a lag of about five minutes."""

    duration: float = 6.0
    lag: float = 5.0


@dataclass(frozen=True)
class Restoring:
    table: Any
    until: datetime


class Restores:
    def __init__(self, clock: Clock, times: RestoreTimes, backups: Backups) -> None:
        self._clock, self._times, self._backups = clock, times, backups
        self._journals: dict[tuple[str, str], Journal] = {}
        self._restoring: dict[tuple[str, str], Restoring] = {}

    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        by_name: dict[str, Handler] = {
            "RestoreTableToPointInTime": self._restore,
            "RestoreTableFromBackup": self._restore_backup,
            "DescribeTable": self._describe,
            "UpdateContinuousBackups": self._switch,
            "DescribeContinuousBackups": self._window,
            **dict.fromkeys(WRITES + STATEMENTS, self._write),
            **dict.fromkeys(_READS, self._read),
            **dict.fromkeys(_SETTINGS, self._set),
        }
        return {("dynamodb", name): handler for name, handler in by_name.items()}

    async def _switch(self, call: Call, moto: Moto) -> Answer:
        name = bare(call.parameters["TableName"])
        if self.creating(call.region, name):
            raise AwsError("ContinuousBackupsUnavailableException", f"Backups are being enabled for the table: {name}")
        reply = moto(call)
        if not reply.ok:
            return reply
        table = backend("dynamodb", call.region).tables[name]
        if not call.parameters["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]:
            self._journals.pop((call.region, name), None)
        elif self._journal(call.region, name) is None:
            self._journals[call.region, name] = Journal(table, self._clock.now())
        return self._with_window(call, result_of(call, reply))

    async def _window(self, call: Call, moto: Moto) -> Answer:
        reply = moto(call)
        return self._with_window(call, result_of(call, reply)) if reply.ok else reply

    async def _write(self, call: Call, moto: Moto) -> Answer:
        self._refuse_items(call)
        reply = moto(call)
        if not reply.ok:  # DynamoDB writes all of a call or nothing, except for a batch, which moto does not cut short
            return reply
        now = self._clock.now()
        if call.operation in STATEMENTS:
            for region, name in tuple(self._journals):
                if region == call.region and (journal := self._journal(region, name)):
                    journal.note(now)
        for name, attributes in _written(call):
            if journal := self._journal(call.region, name):
                journal.note(now, [journal.key_of(attributes)])
        return reply

    def arrived(self, region: str, name: str, keys: Iterable[Key], at: datetime) -> None:
        """Items that replication has written, and no call."""
        if journal := self._journal(region, name):
            journal.note(at, keys)

    async def _read(self, call: Call, moto: Moto) -> Answer:
        self._refuse_items(call)
        return moto(call)

    async def _set(self, call: Call, moto: Moto) -> Answer:
        name = bare(call.parameters.get("TableName") or call.parameters.get("ResourceArn", ""))
        if self.creating(call.region, name):
            raise AwsError("ResourceInUseException", f"Table is being created: {name}")
        journal = self._journal(call.region, name)
        reply = moto(call)
        if reply.ok and journal and call.operation == "DeleteTable":
            self._backups.keep_deleted(call.region, journal.table)
        return reply

    async def _describe(self, call: Call, moto: Moto) -> Answer:
        reply = moto(call)
        name = bare(call.parameters["TableName"])
        if not (reply.ok and self.creating(call.region, name)):
            return reply
        return {"Table": _in_progress(result_of(call, reply)["Table"])}

    async def _restore(self, call: Call, _: Moto) -> Answer:
        asked, dynamodb = call.parameters, backend("dynamodb", call.region)
        source = bare(asked.get("SourceTableName") or asked.get("SourceTableArn", ""))
        target = asked["TargetTableName"]
        if source not in dynamodb.tables:
            raise AwsError("TableNotFoundException", f"Table not found: {source}")
        if target in dynamodb.tables:
            raise AwsError("TableAlreadyExistsException", f"Table already exists: {target}")
        journal = self._journal(call.region, source)
        if journal is None:
            raise AwsError(
                "PointInTimeRecoveryUnavailableException",
                f"Point in time recovery is not enabled for table '{source}'",
            )
        at = self._asked_time(asked, journal)
        table = dynamodb.restore_table_to_point_in_time(target, source)
        table.items = journal.as_of(at)
        table.restore_date_time = at
        _carry_over(table, journal.table, asked)
        return self._begin(call.region, table)

    async def _restore_backup(self, call: Call, _: Moto) -> Answer:
        asked, dynamodb = call.parameters, backend("dynamodb", call.region)
        backup, target = self._backups.find(call.region, asked["BackupArn"]), asked["TargetTableName"]
        if target in dynamodb.tables:
            raise AwsError("TableAlreadyExistsException", f"Table already exists: {target}")
        table = dynamodb.restore_table_from_backup(target, backup.arn)
        table.restore_date_time = self._backups.made_at(backup)
        _carry_over(table, backup.table, asked)
        return self._begin(call.region, table)

    def begin(self, region: str, table: Any, until: datetime) -> None:
        """A new table of moto's is being restored until then, whoever restores it."""
        table.created_at = self._clock.now().replace(tzinfo=None)
        self._restoring[region, table.name] = Restoring(table, until)

    def items_as_of(self, region: str, name: str, at: datetime | None) -> tuple[datetime, list[Any]]:
        """The moment and moto's items of then, for an export; `at` None: the latest there is. Raises `AwsError`."""
        journal = self._journal(region, name)
        if journal is None:
            raise AwsError("PointInTimeRecoveryUnavailableException", f"Point in time recovery is off for '{name}'")
        earliest, latest = self._limits(journal)
        at = at or latest
        if not earliest <= at <= latest:
            raise AwsError("InvalidExportTimeException", f"{at} is not between {earliest} and {latest}")
        found = journal.as_of(at).values()
        return at, [item for one in found for item in (one.values() if journal.table.range_key_attr else [one])]

    def _begin(self, region: str, table: Any) -> Answer:
        self.begin(region, table, self._clock.now() + self._clock.scaled(self._times.duration))
        description = table.describe()["TableDescription"]
        return {"TableDescription": _in_progress(description) if self.creating(region, table.name) else description}

    def _asked_time(self, asked: Mapping[str, Any], journal: Journal) -> datetime:
        earliest, latest = self._limits(journal)
        if asked.get("UseLatestRestorableTime"):
            return latest
        if "RestoreDateTime" not in asked:
            raise AwsError("ValidationException", "Give RestoreDateTime or UseLatestRestorableTime.")
        at: datetime = asked["RestoreDateTime"].replace(tzinfo=UTC)
        if not earliest <= at <= latest:
            raise AwsError(
                "InvalidRestoreTimeException",
                f"The specified restore time {at.isoformat()} is not between {earliest.isoformat()} and {latest.isoformat()}",
            )
        return at

    def _limits(self, journal: Journal) -> tuple[datetime, datetime]:
        """Whole seconds, as clients send them."""
        now = self._clock.now()
        earliest = _second(max(journal.began_at, now - _KEPT_FOR))
        return earliest, max(earliest, _second(now - self._clock.scaled(self._times.lag)))

    def _with_window(self, call: Call, result: dict[str, Any]) -> dict[str, Any]:
        journal = self._journal(call.region, bare(call.parameters["TableName"]))
        if journal is not None:
            earliest, latest = self._limits(journal)
            window = result["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
            window |= {"EarliestRestorableDateTime": earliest, "LatestRestorableDateTime": latest}
        return result

    def _journal(self, region: str, name: str) -> Journal | None:
        """None if recovery is off, or if the table of that name is another one by now."""
        journal = self._journals.get((region, name))
        if journal is None or backend("dynamodb", region).tables.get(name) is not journal.table:
            return None
        return journal

    def creating(self, region: str, name: str) -> bool:
        """Whether that table is being restored: there, and not yet to be read or written."""
        restoring = self._restoring.get((region, name))
        if restoring is None or self._clock.now() >= restoring.until:
            return False
        return backend("dynamodb", region).tables.get(name) is restoring.table

    def _refuse_items(self, call: Call) -> None:
        if any(self.creating(call.region, name) for name in _touched(call)):
            raise AwsError("ResourceNotFoundException", "Requested resource not found")


def _written(call: Call) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each table and the attributes that hold the key of an item that the call writes."""
    asked = call.parameters
    if call.operation in {"PutItem", "UpdateItem", "DeleteItem"}:
        yield bare(asked["TableName"]), asked.get("Item") or asked["Key"]
    for name, requests in (asked.get("RequestItems") or {}).items() if call.operation == "BatchWriteItem" else ():
        for request in requests:
            wanted = request.get("PutRequest") or request["DeleteRequest"]
            yield bare(name), wanted.get("Item") or wanted["Key"]
    for entry in asked.get("TransactItems") or ():
        for kind, wanted in entry.items():
            if kind in {"Put", "Update", "Delete"}:
                yield bare(wanted["TableName"]), wanted.get("Item") or wanted["Key"]


def keys_written(call: Call, tables: Collection[str]) -> Iterator[tuple[str, Key]]:
    """The key of each item that the call writes in these tables."""
    for name, attributes in _written(call):
        if name in tables:
            yield name, key_of(backend("dynamodb", call.region).tables[name], attributes)


def _touched(call: Call) -> Iterator[str]:
    """The tables whose items the call reads or writes; of PartiQL statements, none."""
    asked = call.parameters
    if "TableName" in asked:
        yield bare(asked["TableName"])
    yield from (bare(name) for name in asked.get("RequestItems") or ())
    for entry in asked.get("TransactItems") or ():
        yield from (bare(wanted["TableName"]) for wanted in entry.values())


def _carry_over(table: Any, source: Any, asked: Mapping[str, Any]) -> None:
    """What AWS takes from the source, or from the request instead: billing, encryption, indexes."""
    table.billing_mode = asked.get("BillingModeOverride") or source.billing_mode
    table.sse_specification = source.sse_specification
    if (wanted := asked.get("GlobalSecondaryIndexOverride")) is not None:
        names = {index["IndexName"] for index in wanted}
        table.global_indexes = [index for index in table.global_indexes if index.name in names]


def _in_progress(description: Mapping[str, Any]) -> dict[str, Any]:
    indexes = [{**index, "IndexStatus": "CREATING"} for index in description.get("GlobalSecondaryIndexes") or ()]
    return {
        **description,
        "TableStatus": "CREATING",
        "ItemCount": 0,
        "RestoreSummary": {**description["RestoreSummary"], "RestoreInProgress": True},
        **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
    }


def bare(name_or_arn: str) -> str:
    return name_or_arn.rsplit(":table/", 1)[-1]


def _second(at: datetime) -> datetime:
    return datetime.fromtimestamp(math.floor(at.timestamp()), UTC)
