"""Every change of a table in the last 24 hours, as its stream has it: read in slices, with a place to go on from."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from bot.aws.slices import Slice
from bot.playbook.action import Aws

#: What reading a stream needs.
READS = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")
CALLS = ("dynamodbstreams:DescribeStream", "dynamodbstreams:GetRecords", "dynamodbstreams:GetShardIterator")
#: An open shard may show an empty page though more is to come; so many of them mean its end.
_EMPTY = 3
_PAGE = 1000

Record = Mapping[str, Any]  # the `dynamodb` part of a stream record


class Place(BaseModel):
    """Where reading has come to. `shards`: those that are left, the first one being read; None: not begun."""

    shards: list[str] | None = None
    sequence: str | None = None

    @property
    def over(self) -> bool:
        return self.shards == []


def records(aws: Aws, region: str, arn: str, place: Place, space: Slice) -> Iterator[Record]:
    """The records from `place` on, which moves along, until the slice is over or the stream is."""
    if place.shards is None:
        place.shards = list(_shards(aws, region, arn))
    streams = aws.client("dynamodbstreams", region)
    while place.shards and not space.is_over():
        start = {"SequenceNumber": place.sequence} if place.sequence else {}
        kind = "AFTER_SEQUENCE_NUMBER" if place.sequence else "TRIM_HORIZON"
        asked = {"StreamArn": arn, "ShardId": place.shards[0], "ShardIteratorType": kind, **start}
        iterator, empty = streams.get_shard_iterator(**asked).get("ShardIterator"), 0
        while iterator and empty < _EMPTY and not space.is_over():
            page = streams.get_records(ShardIterator=iterator, Limit=_PAGE)
            space.spend()
            empty = 0 if page["Records"] else empty + 1
            for record in page["Records"]:
                yield record["dynamodb"]
                place.sequence = record["dynamodb"]["SequenceNumber"]
            iterator = page.get("NextShardIterator")
        if not iterator or empty == _EMPTY:
            place.shards, place.sequence = place.shards[1:], None


def _shards(aws: Aws, region: str, arn: str) -> Iterator[str]:
    asked: dict[str, Any] = {"StreamArn": arn}
    while True:
        found = aws.client("dynamodbstreams", region).describe_stream(**asked)["StreamDescription"]
        yield from (one["ShardId"] for one in found["Shards"])
        if not (last := found.get("LastEvaluatedShardId")):
            return
        asked["ExclusiveStartShardId"] = last
