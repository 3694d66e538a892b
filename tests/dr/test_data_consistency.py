"""Two regions that were apart: no write is lost on the way home, and every write that contradicts another is listed."""

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from bot.rehearsal.estate.names import HOME, ORDERS
from bot.rehearsal.estate.site import Site
from bot.rehearsal.estate.tables import order
from bot.rehearsal.rehearsal import Rehearsal
from tests.dr.conftest import Theatre
from tests.support.rehearsals import verdict

_WELL = timedelta(minutes=61)


async def apart(night: Rehearsal, playbook: str, breaks: Sequence[str]) -> Any:
    """Home takes a write that nobody else sees, goes dark, and writes on when it is back, because nobody has told it."""
    home, standby = night.estate.sites
    await writes(home, "lost", 1)
    for one in breaks:
        await night.break_(one)
    await night.paged()
    assert (await night.run("region-failover")).status == "succeeded"
    assert await night.until_well()
    await writes(standby, "lost", 2)
    await night.mend(HOME)
    await writes(home, "arrived", 3)
    await night.pass_time(_WELL)
    night.mark()
    run = await night.run(playbook)
    seen = await verdict(night, run)
    kept = {key: await reads(home, key) for key in ("lost", "arrived")}
    return {**seen, "listed": await listed(night, seen["rows"]["reconcile"]["output"]["report"]), "kept": kept}


async def writes(site: Site, key: str, total: int) -> None:
    await asyncio.to_thread(site.client("dynamodb").put_item, TableName=ORDERS, Item=order(key, total))


async def reads(site: Site, key: str) -> Any:
    asked = {"TableName": ORDERS, "Key": {"id": {"S": key}}, "ConsistentRead": True}
    return (await asyncio.to_thread(lambda: site.client("dynamodb").get_item(**asked))).get("Item")


async def listed(night: Rehearsal, folder: str) -> Any:
    """What was written down for the owner of the data."""
    bucket, _, prefix = folder.removeprefix("s3://").partition("/")
    asked = {"Bucket": bucket, "Key": f"{prefix.rstrip('/')}/{ORDERS}.json"}
    answer = await asyncio.to_thread(lambda: night.estate.standby.client("s3").get_object(**asked))
    return json.loads(answer["Body"].read())["writes"]


def test_every_write_that_contradicts_another_is_listed_for_the_owner_and_none_of_the_customers_is_lost(
    theatre: Theatre,
) -> None:
    night = theatre.rehearses("region-failback", "region:us-east-1", story=apart)
    night.passed()
    assert night.seen["lost"] == []
    found = {(one["key"]["id"]["S"], one["fate"]) for one in night.seen["listed"]}
    assert {("lost", "lost"), ("arrived", "arrived")} <= found
    assert {key for key, fate in found if fate != "arrived"} >= {one["key"] for one in night.seen["conflicts"]}
    kept = {key: item["total"]["N"] for key, item in night.seen["kept"].items()}
    assert kept == {"lost": "2", "arrived": "3"}, (
        "the tables are left as they are: the last writer wins, and people decide"
    )
