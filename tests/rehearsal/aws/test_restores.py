from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bot.rehearsal.aws.emulator import EmulatedAws

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

MINUTE = timedelta(minutes=1)


@pytest.fixture
def orders(aws: EmulatedAws) -> Any:
    """A client of a table with recovery switched on at noon, a minute ago, holding three orders since before that."""
    dynamodb = aws.client("dynamodb")
    _create(dynamodb, "orders")
    for name in ("kept", "changed", "deleted"):
        dynamodb.put_item(TableName="orders", Item=_item(name, "original"))
    _recovery(dynamodb, "orders", on=True)
    aws.clock.move(MINUTE)
    return dynamodb


def _create(dynamodb: Any, name: str, **more: Any) -> None:
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "line", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "line", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
        **more,
    )


def _recovery(dynamodb: Any, name: str, *, on: bool) -> None:
    dynamodb.update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": on}
    )


def _key(name: str) -> dict[str, Any]:
    return {"id": {"S": name}, "line": {"N": "1"}}


def _item(name: str, state: str) -> dict[str, Any]:
    return {**_key(name), "state": {"S": state}}


def _states(dynamodb: Any, table: str) -> dict[str, str]:
    return {item["id"]["S"]: item["state"]["S"] for item in dynamodb.scan(TableName=table)["Items"]}


def _restore(aws: EmulatedAws, **asked: Any) -> dict[str, Any]:
    """The table that a restore gives once it is over."""
    dynamodb = aws.client("dynamodb")
    dynamodb.restore_table_to_point_in_time(SourceTableName="orders", TargetTableName="restored", **asked)
    aws.clock.move(timedelta(seconds=6))
    table: dict[str, Any] = dynamodb.describe_table(TableName="restored")["Table"]
    return table


async def test_a_restore_yields_the_items_as_of_the_asked_time(aws: EmulatedAws, orders: Any) -> None:
    orders.put_item(TableName="orders", Item=_item("before", "inserted"))
    update = {"UpdateExpression": "SET #s = :s", "ExpressionAttributeNames": {"#s": "state"}}
    orders.update_item(
        TableName="orders", Key=_key("changed"), ExpressionAttributeValues={":s": {"S": "new"}}, **update
    )
    aws.clock.move(MINUTE)
    asked = aws.clock.now()
    aws.clock.move(timedelta(seconds=1))
    orders.delete_item(TableName="orders", Key=_key("deleted"))
    orders.update_item(
        TableName="orders", Key=_key("changed"), ExpressionAttributeValues={":s": {"S": "bad"}}, **update
    )
    orders.put_item(TableName="orders", Item=_item("kept", "overwritten"))
    orders.put_item(TableName="orders", Item=_item("after", "inserted"))
    aws.clock.move(MINUTE)
    table = _restore(aws, RestoreDateTime=asked)
    expected = {"kept": "original", "changed": "new", "deleted": "original", "before": "inserted"}
    assert _states(orders, "restored") == expected
    assert table["RestoreSummary"]["RestoreDateTime"] == asked
    assert table["RestoreSummary"]["SourceTableArn"].endswith(":table/orders")
    assert _states(orders, "orders")["kept"] == "overwritten"


async def test_a_change_at_the_very_second_is_in_and_one_later_is_not(aws: EmulatedAws, orders: Any) -> None:
    at = aws.clock.now()
    orders.put_item(TableName="orders", Item=_item("kept", "at the second"))
    aws.clock.move(timedelta(seconds=0.001))
    orders.put_item(TableName="orders", Item=_item("kept", "after it"))
    aws.clock.move(MINUTE)
    _restore(aws, RestoreDateTime=at)
    assert _states(orders, "restored")["kept"] == "at the second"


async def test_every_way_of_writing_is_remembered(aws: EmulatedAws, orders: Any) -> None:
    orders.batch_write_item(
        RequestItems={
            "orders": [{"PutRequest": {"Item": _item("batch", "1")}}, {"DeleteRequest": {"Key": _key("deleted")}}]
        }
    )
    orders.transact_write_items(
        TransactItems=[
            {"Put": {"TableName": "orders", "Item": _item("transact", "1")}},
            {"Delete": {"TableName": "orders", "Key": _key("changed")}},
        ]
    )
    orders.execute_statement(Statement="INSERT INTO \"orders\" VALUE {'id': 'partiql', 'line': 1, 'state': '1'}")
    before = aws.clock.now()
    aws.clock.move(MINUTE)
    for name in ("batch", "transact", "partiql", "kept"):
        orders.delete_item(TableName="orders", Key=_key(name))
    aws.clock.move(MINUTE)
    assert _states(orders, "orders") == {}
    _restore(aws, RestoreDateTime=before)
    assert _states(orders, "restored") == {"kept": "original", "batch": "1", "transact": "1", "partiql": "1"}


async def test_a_write_that_was_refused_is_not_remembered(aws: EmulatedAws, orders: Any) -> None:
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        orders.put_item(
            TableName="orders", Item=_item("kept", "refused"), ConditionExpression="attribute_not_exists(id)"
        )
    aws.clock.move(MINUTE)
    _restore(aws, UseLatestRestorableTime=True)
    assert _states(orders, "restored")["kept"] == "original"


async def test_the_window_lags_behind_now_and_begins_when_recovery_was_switched_on(
    aws: EmulatedAws, orders: Any
) -> None:
    described = orders.describe_continuous_backups(TableName="orders")["ContinuousBackupsDescription"]
    window = described["PointInTimeRecoveryDescription"]
    assert window["PointInTimeRecoveryStatus"] == "ENABLED"
    assert window["EarliestRestorableDateTime"] == NOON
    assert window["LatestRestorableDateTime"] == aws.clock.now() - timedelta(seconds=5)


@pytest.mark.parametrize(
    ("since_noon", "restorable"),
    [
        (timedelta(seconds=-1), False),
        (timedelta(), True),
        (timedelta(seconds=55), True),
        (timedelta(seconds=56), False),
    ],
)
async def test_a_time_outside_of_the_window_is_refused(
    aws: EmulatedAws, orders: Any, since_noon: timedelta, restorable: bool
) -> None:
    if restorable:
        _restore(aws, RestoreDateTime=NOON + since_noon)
        return
    with pytest.raises(orders.exceptions.InvalidRestoreTimeException):
        _restore(aws, RestoreDateTime=NOON + since_noon)


async def test_a_restore_that_cannot_be_is_refused_as_aws_refuses_it(aws: EmulatedAws, orders: Any) -> None:
    _create(orders, "unprotected")

    def restore(source: str, target: str) -> None:
        orders.restore_table_to_point_in_time(
            SourceTableName=source, TargetTableName=target, UseLatestRestorableTime=True
        )

    with pytest.raises(orders.exceptions.PointInTimeRecoveryUnavailableException):
        restore("unprotected", "restored")
    with pytest.raises(orders.exceptions.TableAlreadyExistsException):
        restore("orders", "unprotected")
    with pytest.raises(orders.exceptions.TableNotFoundException):
        restore("missing", "restored")
    _recovery(orders, "orders", on=False)
    with pytest.raises(orders.exceptions.PointInTimeRecoveryUnavailableException):
        restore("orders", "restored")


async def test_a_table_of_the_same_name_does_not_inherit_the_history(aws: EmulatedAws, orders: Any) -> None:
    orders.delete_table(TableName="orders")
    _create(orders, "orders")
    with pytest.raises(orders.exceptions.PointInTimeRecoveryUnavailableException):
        _restore(aws, UseLatestRestorableTime=True)


async def test_a_table_that_is_being_restored_cannot_be_used_yet(aws: EmulatedAws, orders: Any) -> None:
    answer = orders.restore_table_to_point_in_time(
        SourceTableName="orders", TargetTableName="restored", UseLatestRestorableTime=True
    )["TableDescription"]
    assert (answer["TableStatus"], answer["RestoreSummary"]["RestoreInProgress"]) == ("CREATING", True)
    aws.clock.move(timedelta(seconds=5.9))
    table = orders.describe_table(TableName="restored")["Table"]
    assert (table["TableStatus"], table["RestoreSummary"]["RestoreInProgress"]) == ("CREATING", True)
    for use in (
        lambda: orders.get_item(TableName="restored", Key=_key("kept")),
        lambda: orders.scan(TableName="restored"),
        lambda: orders.put_item(TableName="restored", Item=_item("new", "1")),
        lambda: orders.batch_get_item(RequestItems={"restored": {"Keys": [_key("kept")]}}),
        lambda: orders.transact_write_items(
            TransactItems=[{"Put": {"TableName": "restored", "Item": _item("new", "1")}}]
        ),
    ):
        with pytest.raises(orders.exceptions.ResourceNotFoundException):
            use()
    with pytest.raises(orders.exceptions.ResourceInUseException):
        orders.update_table(TableName="restored", DeletionProtectionEnabled=True)
    with pytest.raises(orders.exceptions.ContinuousBackupsUnavailableException):
        _recovery(orders, "restored", on=True)
    aws.clock.move(timedelta(seconds=0.1))
    table = orders.describe_table(TableName="restored")["Table"]
    assert (table["TableStatus"], table["RestoreSummary"]["RestoreInProgress"]) == ("ACTIVE", False)
    assert orders.get_item(TableName="restored", Key=_key("kept"))["Item"] == _item("kept", "original")


async def test_settings_are_lost_as_aws_loses_them(aws: EmulatedAws, orders: Any) -> None:
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    orders.update_table(TableName="orders", StreamSpecification=stream, DeletionProtectionEnabled=True)
    orders.update_time_to_live(
        TableName="orders", TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"}
    )
    source = orders.describe_table(TableName="orders")["Table"]["TableArn"]
    orders.tag_resource(ResourceArn=source, Tags=[{"Key": "class", "Value": "critical"}])
    table = _restore(aws, UseLatestRestorableTime=True)
    assert "StreamSpecification" not in table
    assert table["DeletionProtectionEnabled"] is False
    assert orders.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"] == []
    ttl = orders.describe_time_to_live(TableName="restored")["TimeToLiveDescription"]
    assert ttl["TimeToLiveStatus"] == "DISABLED"
    backups = orders.describe_continuous_backups(TableName="restored")["ContinuousBackupsDescription"]
    assert backups["ContinuousBackupsStatus"] == "ENABLED"  # always, even without recovery
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "DISABLED"
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"


async def test_indexes_come_along_unless_the_request_leaves_them_out(aws: EmulatedAws) -> None:
    dynamodb = aws.client("dynamodb")
    index = {
        "IndexName": "by-line",
        "KeySchema": [{"AttributeName": "line", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    _create(dynamodb, "orders", GlobalSecondaryIndexes=[index])
    _recovery(dynamodb, "orders", on=True)
    dynamodb.restore_table_to_point_in_time(
        SourceTableName="orders", TargetTableName="with", UseLatestRestorableTime=True
    )
    creating = dynamodb.describe_table(TableName="with")["Table"]["GlobalSecondaryIndexes"]
    assert [each["IndexStatus"] for each in creating] == ["CREATING"]
    dynamodb.restore_table_to_point_in_time(
        SourceTableName="orders",
        TargetTableName="without",
        UseLatestRestorableTime=True,
        GlobalSecondaryIndexOverride=[],
    )
    aws.clock.move(timedelta(seconds=6))
    ready = dynamodb.describe_table(TableName="with")["Table"]["GlobalSecondaryIndexes"]
    assert [each["IndexStatus"] for each in ready] == ["ACTIVE"]
    assert not dynamodb.describe_table(TableName="without")["Table"].get("GlobalSecondaryIndexes")
