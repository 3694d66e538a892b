"""The backups of a table: those made on demand, and the one that DynamoDB keeps of a deleted table with recovery on."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Literal

from bot.aws.dynamodb.table import Table
from bot.errors import ActionFailed
from bot.playbook.action import Aws

Backup = Mapping[str, Any]
#: More than a year of hourly backups; a table with more is asked about by the backup's ARN.
MOST_PAGES = 100


def newest(aws: Aws, table: str, kind: Literal["USER", "SYSTEM"], before: datetime | None = None) -> Backup | None:
    """The newest backup that can be restored, made no later than `before`, as it is listed; None: there is none."""
    usable = (one for one in _listed(aws, table, kind) if one["BackupStatus"] == "AVAILABLE")
    early = [one for one in usable if before is None or one["BackupCreationDateTime"] <= before]
    return max(early, key=lambda one: one["BackupCreationDateTime"], default=None)


def described(aws: Aws, arn: str) -> Backup | None:
    """`BackupDetails`, `SourceTableDetails` and `SourceTableFeatureDetails`; None: there is no such backup."""
    try:
        found: Backup = aws.client("dynamodb").describe_backup(BackupArn=arn)["BackupDescription"]
    except ActionFailed as error:
        if error.code == "BackupNotFoundException":
            return None
        raise
    return found


def backup_of(table: Table) -> str | None:
    """The ARN of the backup that a table was restored from; None: it was not."""
    arn = table.get("RestoreSummary", {}).get("SourceBackupArn")
    return str(arn) if arn else None


def _listed(aws: Aws, table: str, kind: str) -> Iterator[Backup]:
    start: Mapping[str, str] = {}
    for _ in range(MOST_PAGES):
        page = aws.client("dynamodb").list_backups(TableName=table, BackupType=kind, **start)
        yield from page["BackupSummaries"]
        if not page.get("LastEvaluatedBackupArn"):
            return
        start = {"ExclusiveStartBackupArn": page["LastEvaluatedBackupArn"]}
