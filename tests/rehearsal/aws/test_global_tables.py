"""Global tables through plain boto3: replicas, their lag, conflicts, and a region that is away for a while."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bot.rehearsal.aws.emulator import EmulatedAws

HOME, STANDBY = "us-east-1", "us-west-2"


@pytest.fixture
def orders(aws: EmulatedAws) -> str:
    """A global table `orders` with one item, both replicas ready."""
    home = aws.client("dynamodb", HOME)
    home.create_table(
        TableName="orders", BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )  # fmt: skip
    put(aws, HOME, "old", "1")
    home.update_table(TableName="orders", ReplicaUpdates=[{"Create": {"RegionName": STANDBY}}])
    later(aws, 10)
    return "orders"


def put(aws: EmulatedAws, region: str, key: str, total: str) -> None:
    aws.client("dynamodb", region).put_item(TableName="orders", Item={"id": {"S": key}, "total": {"N": total}})


def total(aws: EmulatedAws, region: str, key: str) -> str | None:
    found = aws.client("dynamodb", region).get_item(TableName="orders", Key={"id": {"S": key}})
    return str(found["Item"]["total"]["N"]) if "Item" in found else None


def later(aws: EmulatedAws, seconds: float) -> None:
    aws.clock.move(timedelta(seconds=seconds))


def test_a_replica_is_made_with_the_items_and_each_region_names_the_others(aws: EmulatedAws, orders: str) -> None:
    assert total(aws, STANDBY, "old") == "1"
    for region, other in ((HOME, STANDBY), (STANDBY, HOME)):
        table = aws.client("dynamodb", region).describe_table(TableName=orders)["Table"]
        assert [(one["RegionName"], one["ReplicaStatus"]) for one in table["Replicas"]] == [(other, "ACTIVE")]
        assert table["TableArn"].split(":")[3] == region
        assert table["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"


def test_a_new_replica_is_not_ready_at_once(aws: EmulatedAws, orders: str) -> None:
    home = aws.client("dynamodb", HOME)
    home.update_table(TableName=orders, ReplicaUpdates=[{"Create": {"RegionName": "eu-west-1"}}])
    shown = home.describe_table(TableName=orders)["Table"]["Replicas"]
    assert {one["RegionName"]: one["ReplicaStatus"] for one in shown} == {"eu-west-1": "CREATING", STANDBY: "ACTIVE"}
    assert aws.client("dynamodb", "eu-west-1").describe_table(TableName=orders)["Table"]["TableStatus"] == "CREATING"


def test_a_write_is_seen_elsewhere_only_after_the_lag(aws: EmulatedAws, orders: str) -> None:
    aws.global_tables.lag = 2
    put(aws, HOME, "a", "5")
    later(aws, 1.9)
    assert total(aws, STANDBY, "a") is None
    later(aws, 0.2)
    assert total(aws, STANDBY, "a") == "5"


def test_a_deletion_and_a_batch_are_replicated_too(aws: EmulatedAws, orders: str) -> None:
    home = aws.client("dynamodb", HOME)
    home.delete_item(TableName=orders, Key={"id": {"S": "old"}})
    home.batch_write_item(RequestItems={orders: [{"PutRequest": {"Item": {"id": {"S": "b"}, "total": {"N": "7"}}}}]})
    home.execute_statement(Statement="INSERT INTO orders VALUE {'id': 'c', 'total': 8}")
    later(aws, 2)
    assert [total(aws, STANDBY, key) for key in ("old", "b", "c")] == [None, "7", "8"]


def test_the_last_writer_wins_in_every_region_and_the_other_write_is_lost(aws: EmulatedAws, orders: str) -> None:
    put(aws, HOME, "a", "1")
    later(aws, 0.5)
    put(aws, STANDBY, "a", "2")
    later(aws, 5)
    assert [total(aws, region, "a") for region in (HOME, STANDBY)] == ["2", "2"]
    [lost] = aws.global_tables.lost(orders)
    assert (lost.origin, lost.after.to_json()["Attributes"]["total"]) == (HOME, {"N": "1"})


def test_nothing_crosses_to_a_dark_region_and_its_backlog_arrives_when_it_returns(
    aws: EmulatedAws, orders: str
) -> None:
    put(aws, HOME, "late", "1")
    aws.outages.darken_region(HOME)
    put(aws, STANDBY, "new", "2")
    later(aws, 3600)
    assert total(aws, STANDBY, "late") is None
    assert (aws.global_tables.waiting(orders, STANDBY), aws.global_tables.waiting(orders, HOME)) == (1, 1)
    aws.outages.light_region(HOME)
    assert total(aws, STANDBY, "late") == "1"
    assert total(aws, HOME, "new") == "2"


def test_an_older_write_from_a_returning_region_does_not_undo_a_newer_one(aws: EmulatedAws, orders: str) -> None:
    put(aws, HOME, "a", "1")
    aws.outages.darken_region(HOME)
    later(aws, 60)
    put(aws, STANDBY, "a", "2")
    aws.outages.light_region(HOME)
    later(aws, 5)
    assert [total(aws, region, "a") for region in (HOME, STANDBY)] == ["2", "2"]


def test_the_latency_is_measured_in_the_writers_region(aws: EmulatedAws, orders: str) -> None:
    put(aws, HOME, "a", "1")
    later(aws, 30)
    assert latency(aws, HOME, STANDBY) == [1000.0]
    assert latency(aws, STANDBY, HOME) == []


def latency(aws: EmulatedAws, region: str, receiving: str) -> list[float]:
    now = aws.clock.now()
    found = aws.client("cloudwatch", region).get_metric_statistics(
        Namespace="AWS/DynamoDB", MetricName="ReplicationLatency", Period=60, Statistics=["Maximum"],
        Dimensions=[{"Name": "TableName", "Value": "orders"}, {"Name": "ReceivingRegion", "Value": receiving}],
        StartTime=now - timedelta(minutes=10), EndTime=now,
    )  # fmt: skip
    return [point["Maximum"] for point in found["Datapoints"]]


def test_it_is_known_where_and_when_an_item_was_written(aws: EmulatedAws, orders: str) -> None:
    put(aws, STANDBY, "a", "1")
    later(aws, 2)
    seen = [(one.region, one.origin) for one in aws.global_tables.history(orders) if one.key[0].value == "a"]
    assert seen == [(STANDBY, STANDBY), (HOME, STANDBY)]


def test_the_stream_shows_every_change_of_a_replica_from_anywhere(aws: EmulatedAws, orders: str) -> None:
    put(aws, STANDBY, "a", "1")
    later(aws, 2)
    put(aws, HOME, "a", "2")
    streams = aws.client("dynamodbstreams", HOME)
    arn = aws.client("dynamodb", HOME).describe_table(TableName=orders)["Table"]["LatestStreamArn"]
    [shard] = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    asked: dict[str, Any] = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    page = streams.get_records(ShardIterator=streams.get_shard_iterator(**asked)["ShardIterator"])
    seen = [(one["eventName"], one["dynamodb"]["NewImage"]["total"]["N"]) for one in page["Records"]]
    assert seen == [("INSERT", "1"), ("MODIFY", "2")]
    assert streams.get_records(ShardIterator=page["NextShardIterator"])["Records"] == []


def test_a_replica_can_be_removed_and_the_rest_goes_on(aws: EmulatedAws, orders: str) -> None:
    home = aws.client("dynamodb", HOME)
    home.update_table(TableName=orders, ReplicaUpdates=[{"Delete": {"RegionName": STANDBY}}])
    put(aws, HOME, "a", "1")
    later(aws, 5)
    assert "Replicas" not in home.describe_table(TableName=orders)["Table"]
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        aws.client("dynamodb", STANDBY).describe_table(TableName=orders)


def test_recovery_to_a_moment_knows_what_was_replicated(aws: EmulatedAws, orders: str) -> None:
    standby = aws.client("dynamodb", STANDBY)
    on = {"PointInTimeRecoveryEnabled": True}
    standby.update_continuous_backups(TableName=orders, PointInTimeRecoverySpecification=on)
    later(aws, 20)
    put(aws, HOME, "a", "1")
    later(aws, 20)
    at = aws.clock.now()
    put(aws, HOME, "a", "2")
    later(aws, 20)
    standby.restore_table_to_point_in_time(SourceTableName=orders, TargetTableName="then", RestoreDateTime=at)
    later(aws, 10)
    found = standby.get_item(TableName="then", Key={"id": {"S": "a"}})["Item"]
    assert found["total"]["N"] == "1"
