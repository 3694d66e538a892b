"""Aurora global clusters through plain boto3."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bot.rehearsal.aws.emulator import EmulatedAws

HOME, STANDBY = "us-east-1", "us-west-2"
ENGINE = "aurora-postgresql"


class World:
    """A cluster `db` at home, and its secondary of the same name."""

    def __init__(self, aws: EmulatedAws) -> None:
        self.aws = aws
        self.clients = {region: aws.client("rds", region) for region in (HOME, STANDBY)}
        login = {"MasterUsername": "shop", "MasterUserPassword": "p" * 12}
        made = self._make(HOME, **login)
        self.clients[HOME].create_global_cluster(GlobalClusterIdentifier="world", SourceDBClusterIdentifier=made)
        self.arns = {HOME: made, STANDBY: self._make(STANDBY, GlobalClusterIdentifier="world")}

    def _make(self, region: str, **more: str) -> str:
        rds = self.clients[region]
        made = rds.create_db_cluster(DBClusterIdentifier="db", Engine=ENGINE, **more)["DBCluster"]
        rds.create_db_instance(
            DBInstanceIdentifier="db-1", DBClusterIdentifier="db", DBInstanceClass="db.r6g.large", Engine=ENGINE
        )
        return str(made["DBClusterArn"])

    def seen(self, region: str = STANDBY) -> dict[str, Any]:
        found: dict[str, Any] = self.clients[region].describe_global_clusters(GlobalClusterIdentifier="world")[
            "GlobalClusters"
        ][0]
        return found

    def member(self, of: str, region: str = STANDBY) -> dict[str, Any]:
        return next(one for one in self.seen(region)["GlobalClusterMembers"] if one["DBClusterArn"] == self.arns[of])

    def writer(self) -> str:
        return next(region for region in self.arns if self.member(region)["IsWriter"])

    def ask(self, operation: str, region: str, target: str, **more: Any) -> Any:
        call = getattr(self.clients[region], operation)
        return call(GlobalClusterIdentifier="world", TargetDbClusterIdentifier=self.arns[target], **more)

    def refused(self, operation: str, region: str, target: str, **more: Any) -> str:
        with pytest.raises(ClientError) as error:
            self.ask(operation, region, target, **more)
        return str(error.value.response["Error"]["Code"])

    def answers(self) -> tuple[bool, bool]:
        return self.aws.databases.answers("db", HOME), self.aws.databases.answers("db", STANDBY)


@pytest.fixture
def world(aws: EmulatedAws) -> World:
    return World(aws)


async def test_a_member_of_each_region_is_told_in_each_region(aws: EmulatedAws, world: World) -> None:
    for region in (HOME, STANDBY):
        assert world.member(HOME, region)["Readers"] == [world.arns[STANDBY]]
        assert world.member(STANDBY, region)["SynchronizationStatus"] == "connected"
    assert aws.client("rds", "eu-west-1").describe_global_clusters()["GlobalClusters"] == []
    pages = world.clients[HOME].get_paginator("describe_global_clusters").paginate()
    assert [one["GlobalClusterIdentifier"] for page in pages for one in page["GlobalClusters"]] == ["world"]
    assert world.answers() == (True, False)


async def test_a_failover_passes_through_its_states(aws: EmulatedAws, world: World) -> None:
    shown = world.ask("failover_global_cluster", STANDBY, STANDBY, AllowDataLoss=True)["GlobalCluster"]
    assert shown["Status"] == "failing-over"
    assert shown["FailoverState"] == {
        "Status": "pending",
        "FromDbClusterArn": world.arns[HOME],
        "ToDbClusterArn": world.arns[STANDBY],
        "IsDataLossAllowed": True,
    }
    aws.clock.move(timedelta(seconds=5))
    assert world.seen()["FailoverState"]["Status"] == "failing-over"
    assert world.answers() == (False, False)
    aws.clock.move(timedelta(seconds=85))
    assert "FailoverState" not in world.seen()
    assert (world.seen()["Status"], world.writer(), world.answers()) == ("available", STANDBY, (False, True))


async def test_a_failover_is_taken_in_the_region_that_shall_write(world: World) -> None:
    """In the dead region nobody could ask for it."""
    wrong = world.refused("failover_global_cluster", HOME, STANDBY, AllowDataLoss=True)
    assert wrong == "InvalidGlobalClusterStateFault"


async def test_a_switchover_is_taken_in_the_region_that_writes(aws: EmulatedAws, world: World) -> None:
    assert world.refused("switchover_global_cluster", STANDBY, STANDBY) == "InvalidGlobalClusterStateFault"
    world.ask("switchover_global_cluster", HOME, STANDBY)
    assert world.seen()["FailoverState"]["IsDataLossAllowed"] is False
    assert world.refused("switchover_global_cluster", HOME, STANDBY) == "InvalidGlobalClusterStateFault"
    aws.clock.move(timedelta(minutes=1))
    assert world.writer() == STANDBY
    assert world.member(HOME)["SynchronizationStatus"] == "connected"


async def test_without_permission_to_lose_data_a_failover_is_a_switchover(aws: EmulatedAws, world: World) -> None:
    world.ask("failover_global_cluster", HOME, STANDBY)
    aws.clock.move(timedelta(minutes=1))
    assert world.writer() == STANDBY
    both = {"AllowDataLoss": True, "Switchover": True}
    assert world.refused("failover_global_cluster", HOME, HOME, **both) == "InvalidParameterCombination"


async def test_a_switchover_needs_the_other_region(aws: EmulatedAws, world: World) -> None:
    aws.outages.darken_region(STANDBY)
    assert world.refused("switchover_global_cluster", HOME, STANDBY) == "InvalidDBClusterStateFault"


async def test_the_primary_a_stranger_and_a_headless_cluster_cannot_become_the_primary(
    aws: EmulatedAws, world: World
) -> None:
    lose = {"AllowDataLoss": True}
    assert world.refused("failover_global_cluster", HOME, HOME, **lose) == "InvalidDBClusterStateFault"
    world.arns["stranger"] = world.arns[STANDBY] + "-2"
    assert world.refused("failover_global_cluster", STANDBY, "stranger", **lose) == "DBClusterNotFoundFault"
    world.clients[STANDBY].delete_db_instance(DBInstanceIdentifier="db-1", SkipFinalSnapshot=True)
    aws.clock.move(timedelta(minutes=1))
    assert world.refused("failover_global_cluster", STANDBY, STANDBY, **lose) == "InvalidDBClusterStateFault"
    with pytest.raises(world.clients[HOME].exceptions.GlobalClusterNotFoundFault):
        world.clients[HOME].describe_global_clusters(GlobalClusterIdentifier="other")


async def test_the_old_primary_is_built_anew_once_its_region_is_back(aws: EmulatedAws, world: World) -> None:
    aws.outages.darken_region(HOME)
    world.ask("failover_global_cluster", STANDBY, STANDBY, AllowDataLoss=True)
    aws.clock.move(timedelta(hours=3))
    assert world.member(HOME)["SynchronizationStatus"] == "pending-resync"
    aws.outages.light_region(HOME)
    aws.clock.move(timedelta(seconds=299))
    assert world.member(HOME)["SynchronizationStatus"] == "pending-resync"
    assert world.answers() == (False, True)
    assert snapshots(world) == []
    aws.clock.move(timedelta(seconds=1))
    assert world.member(HOME)["SynchronizationStatus"] == "connected"
    [kept] = snapshots(world)
    assert kept.startswith("rds:unplanned-global-failover-db-2026-03-01")
    assert world.answers() == (False, True)


def snapshots(world: World) -> list[str]:
    found = world.clients[HOME].describe_db_cluster_snapshots(SnapshotType="automated")["DBClusterSnapshots"]
    names = [str(one["DBClusterSnapshotIdentifier"]) for one in found]
    return [name for name in names if "failover" in name]


def lag(aws: EmulatedAws, region: str, name: str = "AuroraGlobalDBRPOLag") -> list[float]:
    now = aws.clock.now()
    found = aws.client("cloudwatch", region).get_metric_statistics(
        Namespace="AWS/RDS", MetricName=name, Dimensions=[{"Name": "DBClusterIdentifier", "Value": "db"}],
        StartTime=now - timedelta(minutes=3), EndTime=now, Period=60, Statistics=["Maximum"],
    )["Datapoints"]  # fmt: skip
    return [one["Maximum"] for one in found]


async def test_a_secondary_tells_its_lag_while_the_primary_is_there(aws: EmulatedAws, world: World) -> None:
    aws.clock.move(timedelta(minutes=10))
    assert lag(aws, HOME) == []
    assert lag(aws, STANDBY) == lag(aws, STANDBY, "AuroraGlobalDBReplicationLag") == [800.0] * 3
    aws.databases.world.lag_behind("world", 90)
    assert lag(aws, STANDBY) == [90.0] * 3
    assert lag(aws, STANDBY, "CPUUtilization") == []
    aws.outages.darken_region(HOME)
    aws.clock.move(timedelta(minutes=10))
    assert lag(aws, STANDBY) == []
    assert world.writer() == HOME
