"""DynamoDB Streams of global tables: every change of a replica, in the order in which it happened there, from anywhere.

Nothing in a record tells a client's write from a replicated one, as in AWS. Streams of other tables are moto's. One shard
that never closes and forgets nothing: that AWS keeps records for a day is not emulated.
"""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from bot.rehearsal.aws.call import Answer, AwsError, Call, Handler, Moto
from bot.rehearsal.aws.global_tables import GlobalTables, Write
from bot.rehearsal.aws.moto_app import backend

SHARD = "shardId-00000001541626099285-f35f62ef"
_FIRST = 100000000000000000000
_MOST = 1000


class Streams:
    def __init__(self, tables: GlobalTables) -> None:
        self._tables = tables

    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        return {
            ("dynamodbstreams", "DescribeStream"): self._describe,
            ("dynamodbstreams", "GetShardIterator"): self._iterator,
            ("dynamodbstreams", "GetRecords"): self._records,
        }

    async def _describe(self, call: Call, moto: Moto) -> Answer:
        arn = call.parameters["StreamArn"]
        name = _table(arn)
        if not self._tables.is_global(name, call.region):
            return moto(call)
        table = backend("dynamodb", call.region).tables[name]
        return {
            "StreamDescription": {
                "StreamArn": arn,
                "StreamLabel": table.latest_stream_label,
                "StreamStatus": "ENABLED",
                "StreamViewType": "NEW_AND_OLD_IMAGES",
                "TableName": name,
                "KeySchema": table.schema,
                "Shards": [{"ShardId": SHARD, "SequenceNumberRange": {"StartingSequenceNumber": str(_FIRST)}}],
            }
        }

    async def _iterator(self, call: Call, moto: Moto) -> Answer:
        asked = call.parameters
        name = _table(asked["StreamArn"])
        if not self._tables.is_global(name, call.region):
            return moto(call)
        match asked["ShardIteratorType"]:
            case "TRIM_HORIZON":
                start = 0
            case "LATEST":
                start = len(self._tables.history(name, call.region))
            case "AT_SEQUENCE_NUMBER":
                start = int(asked["SequenceNumber"]) - _FIRST
            case _:
                start = int(asked["SequenceNumber"]) - _FIRST + 1
        return {"ShardIterator": f"global|{name}|{start}"}

    async def _records(self, call: Call, moto: Moto) -> Answer:
        kind, *rest = call.parameters["ShardIterator"].split("|")
        if kind != "global":
            return moto(call)
        name, start = rest[0], int(rest[1])
        if not self._tables.is_global(name, call.region):
            raise AwsError("ResourceNotFoundException", "Requested resource not found: Stream not found")
        most = int(call.parameters.get("Limit") or _MOST)
        page = self._tables.history(name, call.region)[start : start + most]
        records = [_record(write, start + number) for number, write in enumerate(page)]
        return {"Records": records, "NextShardIterator": f"global|{name}|{start + len(page)}"}


def _record(write: Write, number: int) -> dict[str, Any]:
    images = {"OldImage": write.before, "NewImage": write.after}
    kind = "INSERT" if write.before is None else "REMOVE" if write.after is None else "MODIFY"
    shown = {name: item.to_json()["Attributes"] for name, item in images.items() if item is not None}
    table = backend("dynamodb", write.region).tables[write.table]
    names = (table.hash_key_attr, table.range_key_attr)
    keys = {name: part.to_json() for name, part in zip(names, write.key, strict=True) if name}
    return {
        "eventID": f"{number:032x}",
        "eventName": kind,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": write.region,
        "dynamodb": {
            "ApproximateCreationDateTime": write.at.astimezone(UTC).replace(microsecond=0),
            "Keys": keys,
            "SequenceNumber": str(_FIRST + number),
            "SizeBytes": 1,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
            **shown,
        },
    }


def _table(arn: str) -> str:
    return str(arn.split("/")[1])
