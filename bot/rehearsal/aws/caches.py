"""ElastiCache replication groups without cluster mode: promoting a replica, and what AWS refuses while it fails over itself.

moto keeps the groups, with one node each and every node in us-east-1a; the nodes, their roles and their zones are made good
here. Global datastores are `caches_global.py`. A sick primary is one that AWS does not notice: ElastiCache's own failover is
not emulated. Nor are cluster mode, single cache clusters, snapshots, changes that wait for the maintenance window, the data.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from bot.rehearsal.aws.caches_global import GlobalCaches
from bot.rehearsal.aws.call import Answer, AwsError, Call, Handler, Moto
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.metrics import Metric
from bot.rehearsal.aws.moto_app import backend
from bot.rehearsal.aws.outages import Outages
from bot.rehearsal.aws.query import answer_of, asking
from bot.rehearsal.aws.underway import Underway
from bot.rehearsal.aws.zones import zones_of

_HOME = "us-east-1"
_TAKES = 30.0  # seconds for a promotion, and for switching automatic failover on or off
_USUAL_LAG = 0.2  # seconds of a replica
Node = dict[str, Any]


class Caches:
    """`sicken_primary` gives a rehearsal something to promote; `answers` is for the shop's probe."""

    def __init__(self, clock: Clock, outages: Outages, seconds: float = _TAKES) -> None:
        self._clock, self._outages, self._seconds = clock, outages, seconds
        self._underway: Underway[tuple[str, str]] = Underway(clock)  # by region and group
        self._sick: set[tuple[str, str]] = set()  # region and node
        self._lags: dict[tuple[str, str], float] = {}  # region and node: seconds
        self.world = GlobalCaches(self._underway, seconds)

    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        by_name: dict[str, Handler] = {
            "CreateReplicationGroup": self._create,
            "DescribeReplicationGroups": self._describe,
            "ModifyReplicationGroup": self._modify,
            "TestFailover": self._test_failover,
        }
        return {**{("elasticache", name): handler for name, handler in by_name.items()}, **self.world.handlers}

    def sicken_primary(self, group: str, region: str = _HOME) -> str:
        """The primary takes no more writes, and AWS says that it is available. Returns the node's name."""
        node = self.primary(group, region)
        self._sick.add((region, node))
        return node

    def heal(self, node: str, region: str = _HOME) -> None:
        self._sick.discard((region, node))

    def lag_behind(self, node: str, seconds: float, region: str = _HOME) -> None:
        """How far a replica is behind its primary, as ReplicationLag tells it."""
        self._lags[region, node] = seconds

    @contextmanager
    def stuck(self) -> Iterator[None]:
        """Meanwhile nothing that has begun comes to its end."""
        with self._underway.stuck():
            yield

    def forget(self) -> None:
        """All is well: whatever is on its way is over, nothing is sick, no replica lags."""
        self._underway.forget()
        self._sick.clear()
        self._lags.clear()

    def primary(self, group: str, region: str = _HOME) -> str:
        self._underway.settle()
        return str(_primary(_group(region, group))["cache_cluster_id"])

    def answers(self, group: str, region: str = _HOME, now: datetime | None = None) -> bool:
        """Can it be written to at that moment, which is never before the last one that somebody asked about?"""
        at = now or self._clock.now()
        self._underway.settle()
        found = backend("elasticache", region).replication_groups.get(group)
        if found is None or self._outages.region_is_dark(region, at) or self.world.only_reads(region, group):
            return False
        node = _primary(found)
        dark = self._outages.zone_is_dark(node["preferred_availability_zone"], region, at)
        return not dark and (region, node["cache_cluster_id"]) not in self._sick

    def metric(self, metric: Metric, at: datetime) -> float | None:
        """Seconds that a replica is behind its primary."""
        name = metric.dimensions.get("CacheClusterId", "")
        if (metric.namespace, metric.name) != ("AWS/ElastiCache", "ReplicationLag"):
            return None
        groups = backend("elasticache", metric.region).replication_groups.values()
        nodes = {one["cache_cluster_id"]: one for group in groups if not group.cluster_enabled for one in _nodes(group)}
        if name not in nodes or nodes[name]["current_role"] == "primary":
            return None
        dark = self._outages.zone_is_dark(nodes[name]["preferred_availability_zone"], metric.region, at)
        return None if dark else self._lags.get((metric.region, name), _USUAL_LAG)

    async def _create(self, call: Call, moto: Moto) -> Answer:
        asked, name = call.parameters, call.parameters["ReplicationGroupId"]
        if (known := asked.get("GlobalReplicationGroupId")) is not None:
            self.world.join(known, call.region, name)
        answer_of(moto, call)
        group = backend("elasticache", call.region).replication_groups[name]
        if not group.cluster_enabled:
            _make_nodes(call.region, group, asked)
        return self._shown(call, moto, name)

    async def _describe(self, call: Call, moto: Moto) -> Answer:
        self._underway.settle()
        answer = answer_of(moto, call)
        return {**answer, "ReplicationGroups": [self._seen(call.region, one) for one in answer["ReplicationGroups"]]}

    async def _modify(self, call: Call, moto: Moto) -> Answer:
        """What is changed by the clock; the rest is moto's."""
        asked, name = call.parameters, call.parameters["ReplicationGroupId"]
        group = _group(call.region, name)
        if self._underway.status((call.region, name)) is not None:
            raise AwsError("InvalidReplicationGroupState", f"Replication group {name} is not available.")
        wanted = {key: asked[key] for key in ("AutomaticFailoverEnabled", "MultiAZEnabled") if key in asked}
        if "PrimaryClusterId" in asked:
            self._promote(call.region, group, asked)
        elif wanted:
            self._switch(call.region, group, wanted)
        else:
            answer_of(moto, call)
        return self._shown(call, moto, name)

    async def _test_failover(self, call: Call, _moto: Moto) -> Answer:
        """AWS offers it for tests, says that it is no tool for an emergency, and may block it in one: here it always does."""
        _group(call.region, call.parameters["ReplicationGroupId"])
        raise AwsError("TestFailoverNotAvailableFault", "TestFailover is not available at this time.")

    def _promote(self, region: str, group: Any, asked: Mapping[str, Any]) -> None:
        nodes = {one["cache_cluster_id"]: one for one in _nodes(group)}
        wanted = asked["PrimaryClusterId"]
        if not asked.get("ApplyImmediately"):
            raise AwsError("InvalidParameterCombination", "A promotion cannot wait: set ApplyImmediately.")
        if group.automatic_failover != "disabled" or group.multi_az != "disabled":
            raise AwsError("InvalidParameterCombination", "A replica cannot be promoted while Multi-AZ is enabled.")
        if wanted not in nodes:
            raise AwsError("CacheClusterNotFound", f"{wanted} is no node of the group.", 404)
        self._underway.begin(
            (region, group.replication_group_id), "modifying", self._seconds, lambda: _make_primary(group, wanted)
        )

    def _switch(self, region: str, group: Any, wanted: Mapping[str, bool]) -> None:
        """AWS keeps Multi-AZ only together with automatic failover, and automatic failover only with a replica."""
        fails_over = wanted.get("AutomaticFailoverEnabled", group.automatic_failover == "enabled")
        multi = wanted.get("MultiAZEnabled", group.multi_az == "enabled")
        if multi and not fails_over:
            raise AwsError("InvalidParameterCombination", "Multi-AZ needs automatic failover.")
        if fails_over and len(_nodes(group)) < 2:
            raise AwsError("InvalidParameterCombination", "Automatic failover needs a replica.")
        group.automatic_failover = "enabling" if fails_over else "disabling"
        group.multi_az = "enabled" if multi else "disabled"

        def switched() -> None:
            group.automatic_failover = "enabled" if fails_over else "disabled"

        self._underway.begin((region, group.replication_group_id), "modifying", self._seconds, switched)

    def _shown(self, call: Call, moto: Moto, name: str) -> dict[str, Any]:
        self._underway.settle()
        asked = asking(call, "DescribeReplicationGroups", ReplicationGroupId=name)
        return {"ReplicationGroup": self._seen(call.region, answer_of(moto, asked)["ReplicationGroups"][0])}

    def _seen(self, region: str, shown: Mapping[str, Any]) -> dict[str, Any]:
        name = shown["ReplicationGroupId"]
        status = self._underway.status((region, name)) or shown["Status"]
        return {**shown, "Status": status, "GlobalReplicationGroupInfo": self.world.info(region, name)}


def _group(region: str, name: str) -> Any:
    found = backend("elasticache", region).replication_groups.get(name)
    if found is None:
        raise AwsError("ReplicationGroupNotFoundFault", f"Replication group {name} not found.", 404)
    return found


def _nodes(group: Any) -> list[Node]:
    [shard] = group.node_groups
    nodes: list[Node] = shard["node_group_members"]
    return nodes


def _primary(group: Any) -> Node:
    return next(one for one in _nodes(group) if one["current_role"] == "primary")


def _make_primary(group: Any, wanted: str) -> None:
    for node in _nodes(group):
        node["current_role"] = "primary" if node["cache_cluster_id"] == wanted else "replica"


def _make_nodes(region: str, group: Any, asked: Mapping[str, Any]) -> None:
    """As many as were asked for, spread over the zones that were asked for, else over the first three."""
    count = asked.get("NumCacheClusters") or asked.get("ReplicasPerNodeGroup", 0) + 1
    zones = asked.get("PreferredCacheClusterAZs") or [zone.name for zone in zones_of(region)[:3]]
    first = _nodes(group)[0]
    made = []
    for number in range(count):
        name = f"{group.replication_group_id}-{number + 1:03}"
        address = first["read_endpoint"]["address"].replace(first["cache_cluster_id"], name, 1)
        endpoint = {**first["read_endpoint"], "address": address}
        role = "primary" if number == 0 else "replica"
        zone = zones[number % len(zones)]
        made.append(
            {
                **first,
                "cache_cluster_id": name,
                "read_endpoint": endpoint,
                "preferred_availability_zone": zone,
                "current_role": role,
            }
        )
    group.node_groups[0]["node_group_members"] = made
    group.member_clusters[:] = [one["cache_cluster_id"] for one in made]
