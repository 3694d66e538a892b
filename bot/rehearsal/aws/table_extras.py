"""DynamoDB settings that moto does not know: contributor insights and Kinesis destinations, kept by table."""

from collections.abc import Mapping
from typing import Any

from bot.rehearsal.aws.call import Answer, AwsError, Call, Handler, Moto
from bot.rehearsal.aws.moto_app import backend

Key = tuple[str, str]  # region, table


class TableExtras:
    def __init__(self) -> None:
        self._insights: dict[Key, str] = {}
        self._streams: dict[Key, list[dict[str, Any]]] = {}

    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        return {
            ("dynamodb", "DescribeContributorInsights"): self._describe_insights,
            ("dynamodb", "UpdateContributorInsights"): self._update_insights,
            ("dynamodb", "DescribeKinesisStreamingDestination"): self._describe_streams,
            ("dynamodb", "EnableKinesisStreamingDestination"): self._enable_stream,
        }

    async def _describe_insights(self, call: Call, _moto: Moto) -> Answer:
        key = _key(call)
        return {"TableName": key[1], "ContributorInsightsStatus": self._insights.get(key, "DISABLED")}

    async def _update_insights(self, call: Call, _moto: Moto) -> Answer:
        key = _key(call)
        enabled = call.parameters["ContributorInsightsAction"] == "ENABLE"
        self._insights[key] = "ENABLED" if enabled else "DISABLED"
        return {"TableName": key[1], "ContributorInsightsStatus": self._insights[key]}

    async def _describe_streams(self, call: Call, _moto: Moto) -> Answer:
        key = _key(call)
        return {"TableName": key[1], "KinesisDataStreamDestinations": self._streams.get(key, [])}

    async def _enable_stream(self, call: Call, _moto: Moto) -> Answer:
        key, arn = _key(call), call.parameters["StreamArn"]
        self._streams.setdefault(key, []).append({"StreamArn": arn, "DestinationStatus": "ACTIVE"})
        return {"TableName": key[1], "StreamArn": arn, "DestinationStatus": "ACTIVE"}


def _key(call: Call) -> Key:
    """The table that is meant. AWS refuses these calls for a table that does not exist."""
    name = str(call.parameters["TableName"]).rsplit("/", 1)[-1]
    if name not in backend("dynamodb", call.region).tables:
        raise AwsError("ResourceNotFoundException", f"Requested resource not found: Table: {name} not found")
    return call.region, name
