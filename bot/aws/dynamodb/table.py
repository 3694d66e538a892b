"""What the actions ask of a table: its description, and whether it is a table that Lifeboat restored."""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import StringConstraints

from bot.errors import ActionFailed
from bot.playbook.action import Aws, InputType

LONGEST_NAME = 255
#: What IAM calls the tables. `RESTORED`: every name that `restored_name` can give, and no other.
TABLES = ("arn:{partition}:dynamodb:{region}:{account}:table/*",)
RESTORED = ("arn:{partition}:dynamodb:{region}:{account}:table/*-lb-*",)
TableName = Annotated[str, InputType("dynamodb.table"), StringConstraints(pattern=r"^[A-Za-z0-9_.-]{3,255}$")]
Table = Mapping[str, Any]


def restored_name(table: str, incident: str) -> str:
    """The one name under which an incident restores a table: `orders-lb-<incident>`.

    A name that would be too long is cut and gets a digest of the whole, so that two long names stay two names.
    """
    suffix = _suffix(incident)
    room = LONGEST_NAME - len(suffix)
    if len(table) > room:
        digest = hashlib.sha256(table.encode()).hexdigest()[:8]
        table = f"{table[: room - len(digest) - 1]}-{digest}"
    return table + suffix


def has_name_of(incident: str, table: str) -> bool:
    """Whether the name is one that this incident gives to a restored table."""
    return table.endswith(_suffix(incident)) and len(table) > len(_suffix(incident))


def _suffix(incident: str) -> str:
    return "-lb-" + re.sub(r"[^A-Za-z0-9_.-]", "-", incident)[:100]


def describe(aws: Aws, name: str) -> Table | None:
    """The table as AWS describes it; None: there is no such table."""
    try:
        table: Table = aws.client("dynamodb").describe_table(TableName=name)["Table"]
    except ActionFailed as error:
        if error.code == "ResourceNotFoundException":
            return None
        raise
    return table


def touched(aws: Aws, name: str) -> str:
    """How a table is named among the resources that no other run may change meanwhile."""
    return f"dynamodb:{aws.region}:{name}"


def whole_second(at: datetime) -> datetime:
    """AWS restores to whole seconds; rounded down, so that nothing after `at` comes back."""
    return at.astimezone(UTC).replace(microsecond=0)


def restored_from(table: Table) -> str | None:
    """The ARN of the table that this one was restored from; None: it was not restored from a table."""
    arn = table.get("RestoreSummary", {}).get("SourceTableArn")
    return str(arn) if arn else None


def is_restore_of(table: Table, source: str, at: datetime | None = None) -> bool:
    """Whether `table` was restored from the table named `source` here (and, if given, as of `at`)."""
    here = str(table["TableArn"]).rpartition("/")[0]
    if restored_from(table) != f"{here}/{source}":
        return False
    moment = table["RestoreSummary"].get("RestoreDateTime")
    return at is None or (moment is not None and whole_second(moment) == whole_second(at))


def indexes(table: Table) -> list[Mapping[str, Any]]:
    """The global secondary indexes."""
    return list(table.get("GlobalSecondaryIndexes", ()))


def is_ready(table: Table) -> bool:
    """Whether the table can be used: active, all items there, every index built."""
    restoring = table.get("RestoreSummary", {}).get("RestoreInProgress", False)
    active = table["TableStatus"] == "ACTIVE" and all(index["IndexStatus"] == "ACTIVE" for index in indexes(table))
    return active and not restoring


def on_demand(table: Table) -> bool:
    """Whether the table is billed per request. A provisioned table that never was says nothing about its mode."""
    return bool(table.get("BillingModeSummary", {}).get("BillingMode") == "PAY_PER_REQUEST")
