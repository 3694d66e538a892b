"""RDS through plain boto3: failovers, Multi-AZ, restores, deletions, and what the shop's probe would find."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.emulator import EmulatedAws
from tests.rehearsal.aws.conftest import NOON

HOME = "us-east-1"
ENGINE = "aurora-postgresql"


@pytest.fixture
def rds(aws: EmulatedAws) -> Any:
    """With a cluster `db` of two instances, an hour old."""
    client = aws.client("rds")
    build(client)
    aws.clock.move(timedelta(hours=1))
    return client


def build(client: Any) -> None:
    client.create_db_cluster(
        DBClusterIdentifier="db",
        Engine=ENGINE,
        MasterUsername="shop",
        MasterUserPassword="p" * 12,
        DeletionProtection=False,
    )
    for name in ("db-1", "db-2"):
        client.create_db_instance(
            DBInstanceIdentifier=name, DBClusterIdentifier="db", DBInstanceClass="db.r6g.large", Engine=ENGINE
        )


def cluster(rds: Any, name: str = "db") -> dict[str, Any]:
    found: dict[str, Any] = rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]
    return found


def writer(rds: Any) -> str:
    return next(one["DBInstanceIdentifier"] for one in cluster(rds)["DBClusterMembers"] if one["IsClusterWriter"])


def status(rds: Any, name: str) -> str:
    return str(rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]["DBInstanceStatus"])


def refused(call: Any, **parameters: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(**parameters)
    return str(error.value.response["Error"]["Code"])


async def test_instances_are_in_zones_of_their_own(rds: Any) -> None:
    zones = [one["AvailabilityZone"] for one in rds.describe_db_instances()["DBInstances"]]
    assert zones == ["us-east-1a", "us-east-1b"]
    assert [one["DBInstanceIdentifier"] for one in of_cluster(rds, "db")] == ["db-1", "db-2"]
    assert of_cluster(rds, "other") == []


def of_cluster(rds: Any, name: str) -> list[Any]:
    found: list[Any] = rds.describe_db_instances(Filters=[{"Name": "db-cluster-id", "Values": [name]}])["DBInstances"]
    return found


async def test_a_failover_takes_its_time_and_moves_the_writer(aws: EmulatedAws, rds: Any) -> None:
    shown = rds.failover_db_cluster(DBClusterIdentifier="db", TargetDBInstanceIdentifier="db-2")["DBCluster"]
    assert shown["Status"] == "failing-over"
    assert not aws.databases.answers("db")
    aws.clock.move(timedelta(seconds=19))
    assert (cluster(rds)["Status"], writer(rds)) == ("failing-over", "db-1")
    aws.clock.move(timedelta(seconds=1))
    assert (cluster(rds)["Status"], writer(rds)) == ("available", "db-2")
    assert aws.databases.answers("db")


async def test_boto3_waits_until_a_cluster_is_available(aws: EmulatedAws, rds: Any) -> None:
    rds.failover_db_cluster(DBClusterIdentifier="db")
    aws.clock.move(timedelta(seconds=20))
    rds.get_waiter("db_cluster_available").wait(DBClusterIdentifier="db", WaiterConfig={"MaxAttempts": 1})
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier="db-1", WaiterConfig={"MaxAttempts": 1})


async def test_boto3_pages_through_instances(rds: Any) -> None:
    pages = list(rds.get_paginator("describe_db_instances").paginate(PaginationConfig={"PageSize": 1}))
    assert [one["DBInstanceIdentifier"] for page in pages for one in page["DBInstances"]] == ["db-1", "db-2"]


@pytest.mark.parametrize(("target", "code"), [("db-1", "InvalidDBInstanceState"), ("db-9", "InvalidDBInstanceState")])
async def test_only_a_reader_can_take_over(rds: Any, target: str, code: str) -> None:
    wanted = {"DBClusterIdentifier": "db", "TargetDBInstanceIdentifier": target}
    assert refused(rds.failover_db_cluster, **wanted) == code


async def test_a_cluster_fails_over_once_at_a_time_and_needs_a_second_instance(aws: EmulatedAws, rds: Any) -> None:
    rds.failover_db_cluster(DBClusterIdentifier="db")
    assert refused(rds.failover_db_cluster, DBClusterIdentifier="db") == "InvalidDBClusterStateFault"
    aws.clock.move(timedelta(minutes=1))
    rds.delete_db_instance(DBInstanceIdentifier="db-1", SkipFinalSnapshot=True)
    aws.clock.move(timedelta(minutes=1))
    assert refused(rds.failover_db_cluster, DBClusterIdentifier="db") == "InvalidDBClusterStateFault"
    assert refused(rds.failover_db_cluster, DBClusterIdentifier="none") == "DBClusterNotFoundFault"


async def test_a_reader_that_reboots_cannot_take_over(aws: EmulatedAws, rds: Any) -> None:
    rds.reboot_db_instance(DBInstanceIdentifier="db-2")
    assert status(rds, "db-2") == "rebooting"
    wanted = {"DBClusterIdentifier": "db", "TargetDBInstanceIdentifier": "db-2"}
    assert refused(rds.failover_db_cluster, **wanted) == "InvalidDBInstanceState"
    aws.clock.move(timedelta(minutes=1))
    assert status(rds, "db-2") == "available"


async def test_a_sick_writer_is_one_that_aws_takes_to_be_well(aws: EmulatedAws, rds: Any) -> None:
    assert aws.databases.sicken_writer("db") == "db-1"
    assert (cluster(rds)["Status"], status(rds, "db-1")) == ("available", "available")
    assert not aws.databases.answers("db")
    rds.failover_db_cluster(DBClusterIdentifier="db")
    aws.clock.move(timedelta(seconds=20))
    assert aws.databases.answers("db")
    rds.failover_db_cluster(DBClusterIdentifier="db", TargetDBInstanceIdentifier="db-1")
    aws.clock.move(timedelta(seconds=20))
    assert not aws.databases.answers("db")
    aws.databases.heal("db-1")
    assert aws.databases.answers("db", HOME, aws.clock.now())


async def test_a_writer_in_a_dark_zone_or_region_cannot_be_written_to(aws: EmulatedAws, rds: Any) -> None:
    aws.outages.darken_zone("us-east-1b")
    assert aws.databases.answers("db")
    aws.outages.darken_zone("us-east-1a")
    assert not aws.databases.answers("db")
    aws.outages.light_zone("us-east-1a")
    aws.outages.darken_region(HOME)
    assert not aws.databases.answers("db")
    assert not aws.databases.answers("none")


# Multi-AZ instances.


@pytest.fixture
def ledger(rds: Any) -> str:
    rds.create_db_instance(
        DBInstanceIdentifier="ledger", DBInstanceClass="db.m6g.large", Engine="postgres", MultiAZ=True, AllocatedStorage=20,
        MasterUsername="shop", MasterUserPassword="p" * 12,
    )  # fmt: skip
    return "ledger"


def zones(rds: Any, name: str) -> tuple[str, str]:
    found = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
    return found["AvailabilityZone"], found["SecondaryAvailabilityZone"]


async def test_a_forced_failover_swaps_the_zones(aws: EmulatedAws, rds: Any, ledger: str) -> None:
    assert zones(rds, ledger) == ("us-east-1a", "us-east-1b")
    rds.reboot_db_instance(DBInstanceIdentifier=ledger, ForceFailover=True)
    assert refused(rds.reboot_db_instance, DBInstanceIdentifier=ledger, ForceFailover=True) == "InvalidDBInstanceState"
    aws.clock.move(timedelta(minutes=1))
    assert zones(rds, ledger) == ("us-east-1b", "us-east-1a")


async def test_a_reboot_swaps_nothing_and_force_needs_a_standby(aws: EmulatedAws, rds: Any, ledger: str) -> None:
    rds.reboot_db_instance(DBInstanceIdentifier=ledger)
    aws.clock.move(timedelta(minutes=1))
    assert zones(rds, ledger) == ("us-east-1a", "us-east-1b")
    assert (
        refused(rds.reboot_db_instance, DBInstanceIdentifier="db-1", ForceFailover=True)
        == "InvalidParameterCombination"
    )
    assert refused(rds.reboot_db_instance, DBInstanceIdentifier="none") == "DBInstanceNotFound"


# Restores and deletions.


def restore(rds: Any, at: datetime | None = None, **more: Any) -> dict[str, Any]:
    moment = {"RestoreToTime": at} if at else {}
    asked = {"DBClusterIdentifier": "copy", "SourceDBClusterIdentifier": "db", **moment, **more}
    shown: dict[str, Any] = rds.restore_db_cluster_to_point_in_time(**asked)["DBCluster"]
    return shown


async def test_a_restored_cluster_takes_its_time_and_has_no_instance(aws: EmulatedAws, rds: Any) -> None:
    shown = restore(rds, aws.clock.now() - timedelta(minutes=10))
    assert (shown["Status"], shown["DBClusterMembers"]) == ("creating", [])
    add = {
        "DBInstanceIdentifier": "copy-1",
        "DBClusterIdentifier": "copy",
        "DBInstanceClass": "db.r6g.large",
        "Engine": ENGINE,
    }
    assert refused(rds.create_db_instance, **add) == "InvalidDBClusterStateFault"
    aws.clock.move(timedelta(minutes=10))
    assert cluster(rds, "copy")["Status"] == "available"
    assert not aws.databases.answers("copy")
    rds.create_db_instance(**add)
    assert status(rds, "copy-1") == "creating"
    assert not aws.databases.answers("copy")
    aws.clock.move(timedelta(minutes=5))
    assert status(rds, "copy-1") == "available"
    assert aws.databases.answers("copy")


async def test_a_restore_loses_what_aws_loses(aws: EmulatedAws, rds: Any) -> None:
    rds.modify_db_cluster(DBClusterIdentifier="db", DeletionProtection=True, VpcSecurityGroupIds=["sg-1"])
    rds.create_global_cluster(GlobalClusterIdentifier="world", SourceDBClusterIdentifier=cluster(rds)["DBClusterArn"])
    shown = restore(rds, UseLatestRestorableTime=True)
    assert not shown["DeletionProtection"]
    assert [one["VpcSecurityGroupId"] for one in shown["VpcSecurityGroups"]] != ["sg-1"]
    assert "GlobalClusterIdentifier" not in shown
    assert cluster(rds)["GlobalClusterIdentifier"] == "world"
    assert shown["EngineVersion"] == cluster(rds)["EngineVersion"]


@pytest.mark.parametrize(("seconds", "good"), [(3600, True), (3601, False), (300, True), (299, False)])
async def test_a_moment_must_lie_in_the_window(aws: EmulatedAws, rds: Any, seconds: int, good: bool) -> None:
    at = aws.clock.now() - timedelta(seconds=seconds)
    shown = cluster(rds)
    assert (shown["EarliestRestorableTime"] <= at <= shown["LatestRestorableTime"]) is good
    if good:
        assert restore(rds, at)
    else:
        assert refused(lambda: restore(rds, at)) == "InvalidRestoreFault"


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"RestoreToTime": datetime(2026, 3, 1, 12, 30, tzinfo=UTC), "UseLatestRestorableTime": True},
        {"RestoreToTime": datetime(2026, 3, 1, 12, 30, tzinfo=UTC), "RestoreType": "copy-on-write"},
    ],
)
async def test_a_restore_names_one_moment(rds: Any, asked: dict[str, Any]) -> None:
    wanted = {"DBClusterIdentifier": "copy", "SourceDBClusterIdentifier": "db", **asked}
    assert refused(rds.restore_db_cluster_to_point_in_time, **wanted) == "InvalidParameterCombination"


async def test_a_name_is_taken_once(aws: EmulatedAws, rds: Any) -> None:
    restore(rds, aws.clock.now() - timedelta(minutes=10))
    assert refused(lambda: restore(rds, UseLatestRestorableTime=True)) == "DBClusterAlreadyExistsFault"


async def test_a_cluster_goes_after_its_instances(aws: EmulatedAws, rds: Any) -> None:
    gone = {"DBClusterIdentifier": "db", "SkipFinalSnapshot": True}
    assert refused(rds.delete_db_cluster, **gone) == "InvalidDBClusterStateFault"
    for name in ("db-1", "db-2"):
        rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    assert refused(rds.delete_db_instance, DBInstanceIdentifier="db-1") == "InvalidDBInstanceState"
    assert refused(rds.delete_db_cluster, DBClusterIdentifier="db") == "InvalidParameterCombination"
    rds.modify_db_cluster(DBClusterIdentifier="db", DeletionProtection=True)
    assert refused(rds.delete_db_cluster, **gone) == "InvalidParameterCombination"
    rds.modify_db_cluster(DBClusterIdentifier="db", DeletionProtection=False)
    assert rds.delete_db_cluster(**gone)["DBCluster"]["Status"] == "deleting"
    assert refused(rds.delete_db_cluster, **gone) == "InvalidDBClusterStateFault"
    aws.clock.move(timedelta(minutes=2))
    assert rds.describe_db_clusters()["DBClusters"] == rds.describe_db_instances()["DBInstances"] == []


async def test_quotas_are_told(aws: EmulatedAws, rds: Any) -> None:
    aws.databases.quotas["DBInstances"] = 3
    quotas = {
        one["AccountQuotaName"]: (one["Used"], one["Max"]) for one in rds.describe_account_attributes()["AccountQuotas"]
    }
    assert quotas == {"DBClusters": (1, 40), "DBInstances": (2, 3)}


async def test_a_filter_that_nobody_emulates_is_refused_and_not_passed_over(rds: Any) -> None:
    strange = [{"Name": "engine", "Values": [ENGINE]}]
    assert refused(rds.describe_db_instances, Filters=strange) == "InvalidParameterValue"


async def test_a_clock_that_runs_faster_shortens_everything() -> None:
    async with EmulatedAws(clock=Clock(start=NOON, speed=10)) as quick:
        rds = quick.client("rds")
        build(rds)
        rds.failover_db_cluster(DBClusterIdentifier="db")
        quick.clock.move(timedelta(seconds=2))
        assert writer(rds) == "db-2"


# Metrics.


def lags(aws: EmulatedAws, instance: str, minutes: int = 5) -> Iterator[float]:
    now = aws.clock.now()
    asked = {"Namespace": "AWS/RDS", "MetricName": "AuroraReplicaLag", "Period": 60, "Statistics": ["Maximum"]}
    found = aws.client("cloudwatch").get_metric_statistics(
        **asked,
        StartTime=now - timedelta(minutes=minutes),
        EndTime=now,
        Dimensions=[{"Name": "DBInstanceIdentifier", "Value": instance}],
    )
    yield from (one["Maximum"] for one in sorted(found["Datapoints"], key=lambda one: one["Timestamp"]))


@pytest.mark.usefixtures("rds")
async def test_cloudwatch_tells_how_far_a_reader_is_behind(aws: EmulatedAws) -> None:
    assert list(lags(aws, "db-1")) == []  # it writes
    assert list(lags(aws, "db-2")) == [20.0] * 5
    aws.databases.lag_behind("db-2", 700)
    assert list(lags(aws, "db-2")) == [700.0] * 5
    aws.databases.sicken_writer("db")
    aws.clock.move(timedelta(minutes=3))
    assert len(list(lags(aws, "db-2"))) == 2  # from before
    aws.databases.heal("db-1")
    aws.outages.darken_zone("us-east-1b")
    aws.clock.move(timedelta(minutes=4))
    assert len(list(lags(aws, "db-2"))) == 1


async def test_metrics_that_somebody_puts_are_told_as_ever(aws: EmulatedAws) -> None:
    cloudwatch, now = aws.client("cloudwatch"), aws.clock.now()
    point = {"MetricName": "Orders", "Value": 3.0, "Timestamp": now - timedelta(minutes=2)}
    cloudwatch.put_metric_data(Namespace="Shop", MetricData=[point])
    query = {
        "Id": "a",
        "MetricStat": {"Metric": {"Namespace": "Shop", "MetricName": "Orders"}, "Period": 60, "Stat": "Sum"},
    }
    asked = {
        "MetricDataQueries": [query, {**query, "Id": "b"}],
        "StartTime": now - timedelta(minutes=5),
        "EndTime": now,
    }
    for _ in range(2):  # asking leaves nothing behind
        results = cloudwatch.get_metric_data(**asked)["MetricDataResults"]
        assert [one["Values"] for one in results] == [[3.0], [3.0]]
