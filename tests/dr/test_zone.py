"""A zone goes dark, and comes back."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bot.rehearsal.rehearsal import Rehearsal
from tests.dr.conftest import Theatre

HOME = "us-east-1"
DARK = "zone:use1-az1"
#: Where the database's writer and the cache's primary stand.
OF_THE_WRITER = "us-east-1a"


@pytest.mark.told_again
def test_a_dark_zone_is_left_and_the_shop_answers_every_request(theatre: Theatre) -> None:
    night = theatre.rehearses("evacuate-zone", DARK)
    night.passed()
    assert night.seen["lost"] == []


def test_what_left_a_zone_comes_back_when_it_is_well(theatre: Theatre) -> None:
    night = theatre.rehearses("return-to-zone", DARK)
    night.passed()
    assert night.seen["rows"]["services[0]"]["output"]["in_zone"] == 2


@pytest.mark.timeout(240)  # on a machine that is busy with much else
@pytest.mark.told_again
def test_a_zone_is_kept_away_from_for_long_and_given_back_as_it_was(theatre: Theatre) -> None:
    """Its shifts last ten minutes, and are renewed; undo brings back what was before, compared field by field."""
    seen = theatre.plays(held_and_taken_back, zone=OF_THE_WRITER)
    assert seen["left"] == ["succeeded", 2]
    assert {name for name in seen["before"] if seen["before"][name] != seen["during"][name]} == {
        "web", "api", "workers", "writer", "primary",
    }  # fmt: skip
    assert seen["renewed"] == 2  # shifts that still hold
    assert seen["taken_back"] == ["undone", 0]
    assert seen["after"] == seen["before"]


async def held_and_taken_back(night: Rehearsal, zone: str) -> dict[str, Any]:
    """Left, held for longer than a shift lasts, and then taken back."""
    before = await asyncio.to_thread(settings, night)
    await night.break_(f"zone:{zone}")
    await night.paged()
    run = await night.run("evacuate-zone", {"expires_in": "10m"})
    left = [run.status, await asyncio.to_thread(shifts, night)]
    during = await asyncio.to_thread(settings, night)
    await night.pass_time(timedelta(minutes=12))
    renewed = await asyncio.to_thread(shifts, night)
    await night.mend(HOME)
    async with night.core.store.begin() as tx:
        await night.core.runs.undo(tx, run.id, "mina")
    run = await night.until_rests(run.id)
    await night.pass_time(timedelta(minutes=3))
    return {
        "before": before, "left": left, "during": during, "renewed": renewed,
        "taken_back": [run.status, await asyncio.to_thread(shifts, night)],
        "after": await asyncio.to_thread(settings, night),
    }  # fmt: skip


def shifts(night: Rehearsal) -> int:
    active = night.aws.client("arc-zonal-shift", HOME).list_zonal_shifts(status="ACTIVE")
    return len(active["items"])


def settings(night: Rehearsal) -> dict[str, Any]:
    """What an evacuation changes, as AWS describes it."""
    ecs, client = night.aws.client("ecs", HOME), night.aws.client
    found: dict[str, Any] = {}
    for service in ecs.describe_services(cluster="shop", services=["web", "api"])["services"]:
        tags = ecs.list_tags_for_resource(resourceArn=service["serviceArn"])["tags"]
        kept = ("networkConfiguration", "desiredCount", "availabilityZoneRebalancing")
        found[service["serviceName"]] = {name: service[name] for name in kept} | {"tags": tags}
    [group] = client("autoscaling", HOME).describe_auto_scaling_groups()["AutoScalingGroups"]
    kept = ("MinSize", "MaxSize", "DesiredCapacity", "SuspendedProcesses", "Tags", "VPCZoneIdentifier")
    found["workers"] = {name: group[name] for name in kept}
    [cluster] = client("rds", HOME).describe_db_clusters(DBClusterIdentifier="shop-db")["DBClusters"]
    found["writer"] = [one["DBInstanceIdentifier"] for one in cluster["DBClusterMembers"] if one["IsClusterWriter"]]
    [cache] = client("elasticache", HOME).describe_replication_groups()["ReplicationGroups"]
    nodes = cache["NodeGroups"][0]["NodeGroupMembers"]
    found["primary"] = [one["CacheClusterId"] for one in nodes if one["CurrentRole"] == "primary"]
    return found
