"""The settings that a restore loses: each is read on a table, and turned into the calls that give it to another.

A value is JSON and None means "off", so that two tables can be compared and a snapshot can be stored. What names the
table itself (an ARN in a policy) is read as a placeholder, because it differs between any two tables.
Source of the list: the DynamoDB guide, "Restoring a table to a point in time".
"""

import json
from collections.abc import Mapping
from typing import Any, Protocol

from bot.aws.dynamodb import scaling
from bot.aws.dynamodb.table import Table, describe, indexes
from bot.errors import N_, ActionFailed
from bot.playbook.action import Aws, Call

PLACEHOLDER = "{table arn}"
ON = frozenset({"ENABLED", "ENABLING", "ACTIVE"})


class Setting(Protocol):
    """`name` is a msgid; `key` names the value in a snapshot."""

    name: str
    key: str

    def read(self, aws: Aws, table: Table) -> Any:
        """The setting's value on a table; None: off."""
        ...

    def calls(self, table: Table, wanted: Any) -> tuple[Call, ...]:
        """What gives `wanted` to the table."""
        ...


class Tags:
    name, key = N_("tags"), "tags"

    def read(self, aws: Aws, table: Table) -> Any:
        tags: dict[str, str] = {}
        page: Mapping[str, Any] = {}
        start: Mapping[str, str] = {}
        while not page or "NextToken" in page:
            page = aws.client("dynamodb").list_tags_of_resource(ResourceArn=table["TableArn"], **start)
            # Nobody but AWS may write tags that begin with "aws:".
            tags |= {tag["Key"]: tag["Value"] for tag in page["Tags"] if not tag["Key"].startswith("aws:")}
            start = {"NextToken": page.get("NextToken", "")}
        return tags or None

    def calls(self, table: Table, wanted: Any) -> tuple[Call, ...]:
        tags = [{"Key": key, "Value": value} for key, value in sorted(wanted.items())]
        return (Call("dynamodb", "TagResource", {"ResourceArn": table["TableArn"], "Tags": tags}),)


class TimeToLive:
    name, key = N_("time to live"), "time_to_live"

    def read(self, aws: Aws, table: Table) -> Any:
        ttl = aws.client("dynamodb").describe_time_to_live(TableName=table["TableName"])["TimeToLiveDescription"]
        return ttl["AttributeName"] if ttl.get("TimeToLiveStatus") in ON else None

    def calls(self, table: Table, wanted: Any) -> tuple[Call, ...]:
        specification = {"Enabled": True, "AttributeName": wanted}
        parameters = {"TableName": table["TableName"], "TimeToLiveSpecification": specification}
        return (Call("dynamodb", "UpdateTimeToLive", parameters),)


class PointInTimeRecovery:
    name, key = N_("point-in-time recovery"), "point_in_time_recovery"

    def read(self, aws: Aws, table: Table) -> Any:
        found = aws.client("dynamodb").describe_continuous_backups(TableName=table["TableName"])
        recovery = found["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
        if recovery.get("PointInTimeRecoveryStatus") not in ON:
            return None
        return {"RecoveryPeriodInDays": recovery.get("RecoveryPeriodInDays", 35)}

    def calls(self, table: Table, wanted: Any) -> tuple[Call, ...]:
        specification = {"PointInTimeRecoveryEnabled": True, **wanted}
        parameters = {"TableName": table["TableName"], "PointInTimeRecoverySpecification": specification}
        return (Call("dynamodb", "UpdateContinuousBackups", parameters),)


class ResourcePolicy:
    name, key = N_("resource policy"), "resource_policy"

    def read(self, aws: Aws, table: Table) -> Any:
        try:
            policy = aws.client("dynamodb").get_resource_policy(ResourceArn=table["TableArn"])["Policy"]
        except ActionFailed as error:
            if error.code == "PolicyNotFoundException":
                return None
            raise
        return json.loads(policy.replace(table["TableArn"], PLACEHOLDER))

    def calls(self, table: Table, wanted: Any) -> tuple[Call, ...]:
        policy = json.dumps(wanted).replace(PLACEHOLDER, table["TableArn"])
        return (Call("dynamodb", "PutResourcePolicy", {"ResourceArn": table["TableArn"], "Policy": policy}),)


class ContributorInsights:
    """Of the table itself (key "") and of each index."""

    name, key = N_("contributor insights"), "contributor_insights"

    def read(self, aws: Aws, table: Table) -> Any:
        names = ["", *(index["IndexName"] for index in indexes(table))]
        return {name: mode for name in names if (mode := self._mode(aws, table, name))} or None

    def _mode(self, aws: Aws, table: Table, index: str) -> str | None:
        where = {"TableName": table["TableName"]} | ({"IndexName": index} if index else {})
        found = aws.client("dynamodb").describe_contributor_insights(**where)
        if found.get("ContributorInsightsStatus") not in ON:
            return None
        return str(found.get("ContributorInsightsMode", "ACCESSED_AND_THROTTLED_KEYS"))

    def calls(self, table: Table, wanted: Any) -> tuple[Call, ...]:
        return tuple(self._call(table, index, mode) for index, mode in sorted(wanted.items()))

    def _call(self, table: Table, index: str, mode: str) -> Call:
        where = {"TableName": table["TableName"]} | ({"IndexName": index} if index else {})
        what = {"ContributorInsightsAction": "ENABLE", "ContributorInsightsMode": mode}
        return Call("dynamodb", "UpdateContributorInsights", where | what)


class KinesisDestination:
    name, key = N_("Kinesis destination"), "kinesis_destination"

    def read(self, aws: Aws, table: Table) -> Any:
        found = aws.client("dynamodb").describe_kinesis_streaming_destination(TableName=table["TableName"])
        streams = found.get("KinesisDataStreamDestinations", ())
        precision = "ApproximateCreationDateTimePrecision"
        on = {s["StreamArn"]: s.get(precision, "MILLISECOND") for s in streams if s["DestinationStatus"] in ON}
        return on or None

    def calls(self, table: Table, wanted: Any) -> tuple[Call, ...]:
        return tuple(self._call(table, stream, precision) for stream, precision in sorted(wanted.items()))

    def _call(self, table: Table, stream: str, precision: str) -> Call:
        parameters = {
            "TableName": table["TableName"],
            "StreamArn": stream,
            "EnableKinesisStreamingConfiguration": {"ApproximateCreationDateTimePrecision": precision},
        }
        return Call("dynamodb", "EnableKinesisStreamingDestination", parameters)


class AutoScaling:
    name, key = N_("auto scaling"), "auto_scaling"

    def read(self, aws: Aws, table: Table) -> Any:
        return scaling.read(aws, table)

    def calls(self, table: Table, wanted: Any) -> tuple[Call, ...]:
        return scaling.calls(table, wanted)


class DeletionProtection:
    name, key = N_("deletion protection"), "deletion_protection"

    def read(self, aws: Aws, table: Table) -> Any:  # noqa: ARG002  # the description says it already
        return bool(table.get("DeletionProtectionEnabled")) or None

    def calls(self, table: Table, wanted: Any) -> tuple[Call, ...]:
        parameters = {"TableName": table["TableName"], "DeletionProtectionEnabled": wanted}
        return (Call("dynamodb", "UpdateTable", parameters),)


class Stream:
    name, key = N_("stream"), "stream"

    def read(self, aws: Aws, table: Table) -> Any:  # noqa: ARG002  # the description says it already
        stream = table.get("StreamSpecification", {})
        return stream.get("StreamViewType") if stream.get("StreamEnabled") else None

    def calls(self, table: Table, wanted: Any) -> tuple[Call, ...]:
        specification = {"StreamEnabled": True, "StreamViewType": wanted}
        parameters = {"TableName": table["TableName"], "StreamSpecification": specification}
        return (Call("dynamodb", "UpdateTable", parameters),)


#: Changes of the table itself come last: while it is UPDATING, DynamoDB refuses the others.
SETTINGS: tuple[Setting, ...] = (
    Tags(),
    TimeToLive(),
    PointInTimeRecovery(),
    ResourcePolicy(),
    ContributorInsights(),
    KinesisDestination(),
    AutoScaling(),
    DeletionProtection(),
    Stream(),
)


def snapshot(aws: Aws, name: str) -> dict[str, Any]:
    """Every setting of a table that is on, for the record; empty when there is no such table.

    A setting that cannot be read is recorded as such: a restore must not wait for what only its record needs.
    """
    table = describe(aws, name)
    if table is None:
        return {}
    values = {setting.key: _read_or_reason(setting, aws, table) for setting in SETTINGS}
    return {key: value for key, value in values.items() if value is not None}


def _read_or_reason(setting: Setting, aws: Aws, table: Table) -> Any:
    try:
        return setting.read(aws, table)
    except ActionFailed as error:
        return {"unreadable": str(error)}
