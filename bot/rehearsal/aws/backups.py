"""DynamoDB's backups: those made on demand, and the one that DynamoDB itself makes of a table that is deleted.

moto keeps snapshots, but lists them without kinds, times or pages, and knows nothing of a deleted table's last backup.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.dynamodb.models.table import Backup

from bot.rehearsal.aws.call import Answer, AwsError, Call, Handler, Moto
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.moto_app import ACCOUNT, backend

SYSTEM_KEPT_FOR = timedelta(days=35)
_PAGE = 100


class Backups:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        return {
            ("dynamodb", "CreateBackup"): self._create,
            ("dynamodb", "DescribeBackup"): self._describe,
            ("dynamodb", "ListBackups"): self._list,
        }

    def keep_deleted(self, region: str, table: Any) -> None:
        """`<table>$DeletedTableBackup`: a single moment, kept for 35 days. Only recovery being on makes DynamoDB do it."""
        self._keep(region, f"{table.name}$DeletedTableBackup", table, "SYSTEM")

    def find(self, region: str, arn: str) -> Any:
        """The backup as moto holds it. Raises `AwsError`."""
        found = next((one for one in self._kept(region) if one.arn == arn), None)
        if found is None:
            raise AwsError("BackupNotFoundException", f"Backup not found: {arn}")
        return found

    def made_at(self, backup: Any) -> datetime:
        made: datetime = backup.creation_date_time
        return made.replace(tzinfo=UTC)

    async def _create(self, call: Call, _: Moto) -> Answer:
        name, tables = call.parameters["TableName"], backend("dynamodb", call.region).tables
        if name not in tables:
            raise AwsError("TableNotFoundException", f"Table not found: {name}")
        made = self._keep(call.region, call.parameters["BackupName"], tables[name], "USER")
        return {"BackupDetails": self._details(made)}

    async def _describe(self, call: Call, _: Moto) -> Answer:
        backup = self.find(call.region, call.parameters["BackupArn"])
        table = backup.table
        described = table.describe()["TableDescription"]
        source = {
            "TableName": table.name,
            "TableId": "-",
            "TableArn": table.table_arn,
            "TableSizeBytes": described["TableSizeBytes"],
            "KeySchema": described["KeySchema"],
            "TableCreationDateTime": described["CreationDateTime"],
            "ProvisionedThroughput": {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0},
            "ItemCount": described["ItemCount"],
            "BillingMode": table.billing_mode or "PROVISIONED",
        }
        features = {"TimeToLiveDescription": table.ttl}
        if table.stream_specification:
            features["StreamDescription"] = table.stream_specification
        details = {"SourceTableDetails": source, "SourceTableFeatureDetails": features}
        return {"BackupDescription": {"BackupDetails": self._details(backup), **details}}

    async def _list(self, call: Call, _: Moto) -> Answer:
        asked = call.parameters
        found = [one for one in self._kept(call.region) if _wanted(one, asked, self.made_at(one))]
        after = asked.get("ExclusiveStartBackupArn")
        start = next((at + 1 for at, one in enumerate(found) if one.arn == after), 0)
        end = start + min(int(asked.get("Limit", _PAGE)), _PAGE)
        page = [self._summary(one) for one in found[start:end]]
        more = {"LastEvaluatedBackupArn": page[-1]["BackupArn"]} if page and end < len(found) else {}
        return {"BackupSummaries": page, **more}

    def _keep(self, region: str, name: str, table: Any, kind: str) -> Any:
        made = Backup(ACCOUNT, region, name, table, type_=kind)
        made.creation_date_time = self._clock.now().replace(tzinfo=None)
        backend("dynamodb", region).backups[made.arn] = made
        return made

    def _kept(self, region: str) -> Iterator[Any]:
        """Without the deleted tables' backups that have expired."""
        for one in backend("dynamodb", region).backups.values():
            if one.type == "USER" or self._clock.now() < self.made_at(one) + SYSTEM_KEPT_FOR:
                yield one

    def _details(self, backup: Any) -> dict[str, Any]:
        expiry = {"BackupExpiryDateTime": self.made_at(backup) + SYSTEM_KEPT_FOR} if backup.type == "SYSTEM" else {}
        return {**backup.details, "BackupCreationDateTime": self.made_at(backup), **expiry}

    def _summary(self, backup: Any) -> dict[str, Any]:
        return {"TableName": backup.table.name, "TableArn": backup.table.table_arn, **self._details(backup)}


def _wanted(backup: Any, asked: Mapping[str, Any], made_at: datetime) -> bool:
    kind, before = asked.get("BackupType", "USER"), asked.get("TimeRangeUpperBound")
    if asked.get("TableName") not in {None, backup.table.name, backup.table.table_arn}:
        return False
    return kind in {"ALL", backup.type} and (before is None or made_at < before.replace(tzinfo=UTC))
