"""Aurora global clusters: which region writes, and how another one comes to do so. moto knows who is a member, and no more.

FailoverGlobalCluster is taken in the region of the cluster that shall write, SwitchoverGlobalCluster in the region of the
one that does. After a failover the old primary is read-only; when its region is there again, AWS keeps a snapshot of what it
held and builds it anew. Which error AWS gives in a wrong region is not documented: here it is a fault of the global state.
Not emulated: write forwarding, detaching a member, a failover that AWS cancels, versions that do not fit each other.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from moto.backends import get_backend

from bot.rehearsal.aws.call import Answer, AwsError, Call, Handler, Moto
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.databases_times import DatabaseTimes
from bot.rehearsal.aws.metrics import Metric
from bot.rehearsal.aws.moto_app import ACCOUNT, backend
from bot.rehearsal.aws.outages import Outages
from bot.rehearsal.aws.paging import paged
from bot.rehearsal.aws.query import answer_of
from bot.rehearsal.aws.underway import Underway

#: Milliseconds that a secondary cluster is usually behind.
USUAL_LAG = 800.0
_LAGS = {"AuroraGlobalDBRPOLag", "AuroraGlobalDBReplicationLag"}
_LOOKS = timedelta(seconds=5)  # how long AWS verifies both clusters first


@dataclass(frozen=True)
class Move:
    """The writer's place moves from one member (an ARN) to another; `loses`: it is a failover."""

    source: str
    target: str
    loses: bool


class GlobalDatabases:
    """`lag_behind` sets how far the secondaries of a global cluster are behind."""

    def __init__(
        self, clock: Clock, outages: Outages, underway: Underway[tuple[str, str, str]], times: DatabaseTimes
    ) -> None:
        self._clock, self._outages, self._underway, self._times = clock, outages, underway, times
        self._moves: dict[str, Move] = {}
        self._lags: dict[str, float] = {}
        self._left: dict[str, datetime] = {}  # members (ARNs) that were failed away from, since when

    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        by_name: dict[str, Handler] = {
            "CreateGlobalCluster": self._create,
            "DescribeGlobalClusters": self._describe,
            "FailoverGlobalCluster": self._fail_over,
            "SwitchoverGlobalCluster": self._switch_over,
        }
        return {("rds", name): handler for name, handler in by_name.items()}

    def lag_behind(self, name: str, milliseconds: float) -> None:
        self._lags[name] = milliseconds

    def forget(self) -> None:
        self._lags.clear()
        self._left.clear()

    def of(self, cluster: str) -> str | None:
        """The global cluster that a cluster (its ARN) belongs to."""
        return next((one.global_cluster_identifier for one in _all() if cluster in _arns(one)), None)

    def only_reads(self, cluster: str) -> bool:
        """A secondary cluster, or one whose global cluster is on the move."""
        self._underway.settle()
        name = self.of(cluster)
        return name is not None and (self._moving(name) is not None or not _find(name, cluster).is_writer)

    def metric(self, metric: Metric, at: datetime) -> float | None:
        """A secondary's lag, in its region, as long as the primary's region was there to be compared with."""
        cluster = backend("rds", metric.region).clusters.get(metric.dimensions.get("DBClusterIdentifier"))
        name = self.of(cluster.db_cluster_arn) if cluster else None
        if metric.name not in _LAGS or cluster is None or name is None or cluster.is_writer:
            return None
        regions = {metric.region, _region(_writer(name).db_cluster_arn)}
        dark = any(self._outages.region_is_dark(region, at) for region in regions)
        return None if dark else self._lags.get(name, USUAL_LAG)

    async def _create(self, call: Call, moto: Moto) -> Answer:
        answer_of(moto, call)
        made = _global(call.parameters["GlobalClusterIdentifier"])
        for member in made.members:  # the cluster that it is made of
            member.is_writer = True
        return {"GlobalCluster": self._shown(made)}

    async def _describe(self, call: Call, _moto: Moto) -> Answer:
        self._underway.settle()
        wanted = call.parameters.get("GlobalClusterIdentifier")
        found = [one for one in _all() if wanted in {None, one.global_cluster_identifier}]
        here = [one for one in found if not one.members or call.region in map(_region, _arns(one))]
        if wanted and not here:
            raise AwsError("GlobalClusterNotFoundFault", f"Global cluster {wanted} not found.", 404)
        return paged(call, {"GlobalClusters": [self._shown(one) for one in here]})

    async def _fail_over(self, call: Call, _moto: Moto) -> Answer:
        asked = call.parameters
        if asked.get("AllowDataLoss") and asked.get("Switchover"):
            raise AwsError("InvalidParameterCombination", "AllowDataLoss and Switchover cannot be given together.")
        if not asked.get("AllowDataLoss"):
            return await self._switch_over(call, _moto)
        found, move = self._wanted(call, loses=True)
        if call.region != _region(move.target):
            raise AwsError("InvalidGlobalClusterStateFault", "A failover is taken in the region of the target cluster.")
        return self._begin(found, move, self._times.promote)

    async def _switch_over(self, call: Call, _moto: Moto) -> Answer:
        found, move = self._wanted(call, loses=False)
        if call.region != _region(move.source):
            raise AwsError("InvalidGlobalClusterStateFault", "A switchover is taken in the primary cluster's region.")
        if self._outages.region_is_dark(_region(move.target)) or self._resyncs(move.target):
            raise AwsError("InvalidDBClusterStateFault", "The target cluster is not synchronized.")
        return self._begin(found, move, self._times.switch)

    def _wanted(self, call: Call, *, loses: bool) -> tuple[Any, Move]:
        self._underway.settle()
        found = _global(call.parameters["GlobalClusterIdentifier"])
        target = call.parameters["TargetDbClusterIdentifier"]
        if self._moving(found.global_cluster_identifier):
            raise AwsError("InvalidGlobalClusterStateFault", "The global cluster is not available.")
        if target not in _arns(found):
            raise AwsError("DBClusterNotFoundFault", f"{target} is no member of the global cluster.", 404)
        cluster = _find(found.global_cluster_identifier, target)
        if cluster.is_writer:
            raise AwsError("InvalidDBClusterStateFault", f"{target} is the primary cluster already.")
        if not cluster.members:
            raise AwsError("InvalidDBClusterStateFault", f"{target} has no instance (it is headless).")
        return found, Move(_writer(found.global_cluster_identifier).db_cluster_arn, target, loses)

    def _begin(self, found: Any, move: Move, seconds: float) -> Answer:
        name = found.global_cluster_identifier
        self._moves[name] = move
        status = "failing-over" if move.loses else "switching-over"
        at = self._clock.now() + self._clock.scaled(seconds)
        self._underway.begin(("global", "", name), status, seconds, lambda: self._moved(name, move, at))
        for arn in (move.source, move.target):
            if not (move.loses and self._outages.region_is_dark(_region(arn))):
                self._underway.begin(("cluster", _region(arn), _bare(arn)), status, seconds)
        return {"GlobalCluster": self._shown(found)}

    def _moved(self, name: str, move: Move, at: datetime) -> None:
        for member in _global(name).members:
            member.is_writer = member.db_cluster_arn == move.target
        del self._moves[name]
        if move.loses:
            self._left[move.source] = at

    def _resyncs(self, arn: str) -> bool:
        """Whether a member that was failed away from is not yet a copy of the new primary. AWS begins when it can."""
        if arn not in self._left:
            return False
        rebuild = self._clock.scaled(self._times.rebuild)
        region = _region(arn)
        begins = self._outages.arrives(self._left[arn], timedelta(), region)
        back_at = self._outages.arrives(begins, rebuild, region) if begins else None
        if back_at is None or self._clock.now() < back_at:
            return True
        at = self._left.pop(arn)
        kept = f"rds:unplanned-global-failover-{_bare(arn)}-{at:%Y-%m-%d-%H-%M-%S}"
        backend("rds", region).create_db_cluster_snapshot(_bare(arn), kept, "automated")
        return False

    def _moving(self, name: str) -> Move | None:
        self._underway.settle()
        return self._moves.get(name)

    def _shown(self, found: Any) -> dict[str, Any]:
        name = found.global_cluster_identifier
        move = self._moving(name)
        shown = {
            "GlobalClusterIdentifier": name,
            "GlobalClusterResourceId": found.global_cluster_resource_id,
            "GlobalClusterArn": found.global_cluster_arn,
            "Status": self._underway.status(("global", "", name)) or "available",
            "Engine": found.engine,
            "EngineVersion": found.engine_version,
            "StorageEncrypted": found.storage_encrypted,
            "DeletionProtection": found.deletion_protection,
            "Endpoint": found.endpoint,
            "GlobalClusterMembers": [self._shown_member(found, one) for one in found.members],
        }
        return {**shown, "FailoverState": self._state(name, move)} if move else shown

    def _shown_member(self, found: Any, member: Any) -> dict[str, Any]:
        arn = member.db_cluster_arn
        if member.is_writer:
            return {"DBClusterArn": arn, "IsWriter": True, "Readers": [one for one in _arns(found) if one != arn]}
        status = "pending-resync" if self._resyncs(arn) else "connected"
        more = {"GlobalWriteForwardingStatus": "disabled", "SynchronizationStatus": status}
        return {"DBClusterArn": arn, "IsWriter": False, "Readers": [], **more}

    def _state(self, name: str, move: Move) -> dict[str, Any]:
        change = self._underway.get(("global", "", name))
        begins = change is not None and self._clock.now() < change.since + _LOOKS
        return {
            "Status": "pending" if begins else "failing-over",
            "FromDbClusterArn": move.source,
            "ToDbClusterArn": move.target,
            "IsDataLossAllowed": move.loses,
        }


def _all() -> Iterator[Any]:
    """In whatever region: moto keeps each global cluster in the region that it was created in."""
    for rds in _backends()[ACCOUNT].values():
        yield from rds.global_clusters.values()


@cache
def _backends() -> Any:
    """By account. Looked up once: moto reads its folder of services for it."""
    return get_backend("rds")


def _global(name: str) -> Any:
    found = next((one for one in _all() if one.global_cluster_identifier == name), None)
    if found is None:
        raise AwsError("GlobalClusterNotFoundFault", f"Global cluster {name} not found.", 404)
    return found


def _find(name: str, arn: str) -> Any:
    return next(one for one in _global(name).members if one.db_cluster_arn == arn)


def _writer(name: str) -> Any:
    return next(one for one in _global(name).members if one.is_writer)


def _arns(found: Any) -> list[str]:
    return [one.db_cluster_arn for one in found.members]


def _region(arn: str) -> str:
    return arn.split(":")[3]


def _bare(arn: str) -> str:
    return arn.rsplit(":", 1)[-1]
