"""The shop's data in DynamoDB, and the parameters that say which table it uses and which region may write."""

from collections.abc import Iterator, Mapping
from typing import Any

from bot.rehearsal.estate.names import CARTS, FENCE, HOME, ORDERS, POINTER
from bot.rehearsal.estate.site import Site

ORDERS_THERE, CARTS_THERE = 40, 10
_BATCH = 25
#: The one that somebody made by hand, when the shop was young.
BACKUP = "orders-by-hand"


def lay_down(home: Site, standby: Site) -> None:
    """The orders and the carts, older than the night that is rehearsed."""
    for name, count in ((ORDERS, ORDERS_THERE), (CARTS, CARTS_THERE)):
        _table(home, name)
        _fill(home, name, count)
    home.client("dynamodb").create_backup(TableName=ORDERS, BackupName=BACKUP)
    replica = {"Create": {"RegionName": standby.region}}
    home.client("dynamodb").update_table(TableName=ORDERS, ReplicaUpdates=[replica])
    for site in (home, standby):
        ssm = site.client("ssm")
        ssm.put_parameter(Name=POINTER, Value=ORDERS, Type="String")
        ssm.put_parameter(Name=FENCE, Value=HOME, Type="String")


def order(key: str, total: int) -> dict[str, Any]:
    """One order as DynamoDB has it."""
    return {"id": {"S": key}, "total": {"N": str(total)}}


def laid_down(name: str) -> Mapping[str, int]:
    """The totals that a table begins with, by key."""
    count = ORDERS_THERE if name == ORDERS else CARTS_THERE
    return {f"{name[:-1]}-{number:04}": 10 + number for number in range(count)}


def _table(site: Site, name: str) -> None:
    dynamodb = site.client("dynamodb")
    dynamodb.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        Tags=[{"Key": "team", "Value": "shop"}],
    )
    dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"})
    dynamodb.update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )


def _fill(site: Site, name: str, count: int) -> None:
    items = [order(key, total) for key, total in laid_down(name).items()]
    for batch in _batches(items[:count]):
        puts = [{"PutRequest": {"Item": item}} for item in batch]
        site.client("dynamodb").batch_write_item(RequestItems={name: puts})


def _batches(items: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(items), _BATCH):
        yield items[start : start + _BATCH]
