"""ElastiCache through plain boto3: promotions, what forbids them, and global datastores."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bot.rehearsal.aws.emulator import EmulatedAws

HOME, STANDBY = "us-east-1", "us-west-2"
MINUTE = timedelta(minutes=1)
ON = {"AutomaticFailoverEnabled": True, "MultiAZEnabled": True}
OFF = {"AutomaticFailoverEnabled": False, "MultiAZEnabled": False}


@pytest.fixture
def client(aws: EmulatedAws) -> Any:
    found = aws.client("elasticache")
    make(found, "cache", NumCacheClusters=3, **ON)
    return found


def make(client: Any, name: str, **more: Any) -> None:
    client.create_replication_group(ReplicationGroupId=name, ReplicationGroupDescription="-", **more)


def group(client: Any, name: str = "cache") -> dict[str, Any]:
    found: dict[str, Any] = client.describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"][0]
    return found


def nodes(client: Any, name: str = "cache") -> list[tuple[str, str, str]]:
    [shard] = group(client, name)["NodeGroups"]
    return [
        (one["CacheClusterId"], one["PreferredAvailabilityZone"], one["CurrentRole"])
        for one in shard["NodeGroupMembers"]
    ]


def modify(client: Any, name: str = "cache", **more: Any) -> dict[str, Any]:
    asked = {"ReplicationGroupId": name, "ApplyImmediately": True, **more}
    shown: dict[str, Any] = client.modify_replication_group(**asked)["ReplicationGroup"]
    return shown


def refused(client: Any, name: str = "cache", **more: Any) -> str:
    with pytest.raises(ClientError) as error:
        modify(client, name, **more)
    return str(error.value.response["Error"]["Code"])


async def test_nodes_are_as_many_as_asked_for_and_in_zones_of_the_region(aws: EmulatedAws, client: Any) -> None:
    assert nodes(client) == [
        ("cache-001", "us-east-1a", "primary"),
        ("cache-002", "us-east-1b", "replica"),
        ("cache-003", "us-east-1c", "replica"),
    ]
    other = aws.client("elasticache", STANDBY)
    make(other, "few", NumCacheClusters=2, PreferredCacheClusterAZs=["us-west-2c", "us-west-2a"])
    assert [zone for _, zone, _ in nodes(other, "few")] == ["us-west-2c", "us-west-2a"]
    assert group(other, "few")["MemberClusters"] == ["few-001", "few-002"]
    assert [one["ReplicationGroupId"] for one in client.describe_replication_groups()["ReplicationGroups"]] == ["cache"]


async def test_a_replica_is_not_promoted_while_aws_fails_over_itself(client: Any) -> None:
    assert refused(client, PrimaryClusterId="cache-002") == "InvalidParameterCombination"


async def test_a_promotion_takes_its_time(aws: EmulatedAws, client: Any) -> None:
    assert modify(client, **OFF)["AutomaticFailover"] == "disabling"
    assert refused(client, PrimaryClusterId="cache-002") == "InvalidReplicationGroupState"
    aws.clock.move(MINUTE)
    assert (group(client)["Status"], group(client)["AutomaticFailover"]) == ("available", "disabled")
    assert modify(client, PrimaryClusterId="cache-002")["Status"] == "modifying"
    assert aws.caches.primary("cache") == "cache-001"
    aws.clock.move(timedelta(seconds=30))
    assert aws.caches.primary("cache") == "cache-002"
    assert modify(client, **ON)["AutomaticFailover"] == "enabling"
    aws.clock.move(MINUTE)
    assert (group(client)["AutomaticFailover"], group(client)["MultiAZ"]) == ("enabled", "enabled")


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"AutomaticFailoverEnabled": False}, "InvalidParameterCombination"),  # Multi-AZ needs it
        ({**OFF, "ReplicationGroupId": "none"}, "ReplicationGroupNotFoundFault"),
    ],
)
async def test_what_aws_refuses(client: Any, asked: dict[str, Any], code: str) -> None:
    assert refused(client, **asked) == code


async def test_a_promotion_cannot_wait_and_names_a_node_of_the_group(aws: EmulatedAws, client: Any) -> None:
    modify(client, **OFF)
    aws.clock.move(MINUTE)
    assert refused(client, PrimaryClusterId="other-001") == "CacheClusterNotFound"
    assert refused(client, PrimaryClusterId="cache-002", ApplyImmediately=False) == "InvalidParameterCombination"


async def test_automatic_failover_needs_a_replica(client: Any) -> None:
    make(client, "lone", NumCacheClusters=1)
    assert refused(client, "lone", AutomaticFailoverEnabled=True) == "InvalidParameterCombination"


async def test_other_settings_are_changed_at_once(client: Any) -> None:
    assert modify(client, ReplicationGroupDescription="new")["Description"] == "new"


async def test_test_failover_is_blocked_when_it_would_be_needed(client: Any) -> None:
    with pytest.raises(client.exceptions.TestFailoverNotAvailableFault):
        client.test_failover(ReplicationGroupId="cache", NodeGroupId="0001")


async def test_a_sick_primary_is_one_that_aws_takes_to_be_well(aws: EmulatedAws, client: Any) -> None:
    assert aws.caches.answers("cache")
    node = aws.caches.sicken_primary("cache")
    assert group(client)["Status"] == "available"
    assert not aws.caches.answers("cache")
    aws.caches.heal(node)
    assert aws.caches.answers("cache")
    aws.outages.darken_zone("us-east-1a")
    assert not aws.caches.answers("cache")
    aws.outages.light_zone("us-east-1a")
    aws.outages.darken_region(HOME)
    assert not aws.caches.answers("cache")
    assert not aws.caches.answers("none")


async def test_cloudwatch_tells_how_far_a_replica_is_behind(aws: EmulatedAws, client: Any) -> None:
    aws.caches.lag_behind("cache-002", 3)
    assert (lag(aws, "cache-001"), lag(aws, "cache-002"), lag(aws, "cache-003")) == ([], [3.0], [0.2])
    aws.outages.darken_zone("us-east-1c")
    aws.clock.move(MINUTE * 2)
    assert lag(aws, "cache-003") == []
    assert group(client)["Status"] == "available"


def lag(aws: EmulatedAws, node: str) -> list[float]:
    now = aws.clock.now()
    found = aws.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/ElastiCache", MetricName="ReplicationLag", Dimensions=[{"Name": "CacheClusterId", "Value": node}],
        StartTime=now - MINUTE, EndTime=now, Period=60, Statistics=["Maximum"],
    )["Datapoints"]  # fmt: skip
    return [one["Maximum"] for one in found]


# Global datastores.


@pytest.fixture
def store(aws: EmulatedAws, client: Any) -> str:
    made = client.create_global_replication_group(
        GlobalReplicationGroupIdSuffix="shop", PrimaryReplicationGroupId="cache"
    )
    name = str(made["GlobalReplicationGroup"]["GlobalReplicationGroupId"])
    assert made["GlobalReplicationGroup"]["Status"] == "primary-only"
    make(aws.client("elasticache", STANDBY), "cache", NumCacheClusters=2, GlobalReplicationGroupId=name)
    return name


def roles(client: Any, store: str) -> dict[str, str]:
    asked = {"GlobalReplicationGroupId": store, "ShowMemberInfo": True}
    [found] = client.describe_global_replication_groups(**asked)["GlobalReplicationGroups"]
    return {one["ReplicationGroupRegion"]: one["Role"] for one in found["Members"]}


async def test_a_global_failover_is_taken_in_the_region_that_shall_write(
    aws: EmulatedAws, client: Any, store: str
) -> None:
    asked = {"GlobalReplicationGroupId": store, "PrimaryRegion": STANDBY, "PrimaryReplicationGroupId": "cache"}
    assert roles(client, store) == {HOME: "PRIMARY", STANDBY: "SECONDARY"}
    assert group(client)["GlobalReplicationGroupInfo"]["GlobalReplicationGroupMemberRole"] == "PRIMARY"
    with pytest.raises(client.exceptions.InvalidGlobalReplicationGroupStateFault):
        client.failover_global_replication_group(**asked)
    there = aws.client("elasticache", STANDBY)
    assert there.failover_global_replication_group(**asked)["GlobalReplicationGroup"]["Status"] == "modifying"
    with pytest.raises(there.exceptions.InvalidGlobalReplicationGroupStateFault):
        there.failover_global_replication_group(**asked)
    aws.clock.move(MINUTE)
    assert roles(there, store) == {HOME: "SECONDARY", STANDBY: "PRIMARY"}
    assert (aws.caches.answers("cache", HOME), aws.caches.answers("cache", STANDBY)) == (False, True)
    with pytest.raises(there.exceptions.InvalidParameterValueException):
        there.failover_global_replication_group(**asked)


async def test_a_datastore_that_is_not_there_is_named(client: Any, store: str) -> None:
    [found] = client.describe_global_replication_groups()["GlobalReplicationGroups"]
    assert (found["GlobalReplicationGroupId"], "Members" in found) == (store, False)
    with pytest.raises(client.exceptions.GlobalReplicationGroupNotFoundFault):
        client.describe_global_replication_groups(GlobalReplicationGroupId="none")
    with pytest.raises(client.exceptions.ReplicationGroupNotFoundFault):
        client.create_global_replication_group(GlobalReplicationGroupIdSuffix="x", PrimaryReplicationGroupId="none")
