"""RDS in one region: Aurora clusters whose writer moves, Multi-AZ instances that fail over, and restores of clusters.

moto keeps the clusters and instances; here is what happens to them by the clock. Global clusters are
`databases_global.py`, restores `databases_restores.py`. What is created is there at once, as in an estate that has stood
for long; what is added to a restored cluster, and what is deleted, takes its time.

A sick writer is one that AWS does not notice: Aurora fails over by itself when an instance is gone, and that is not
emulated. Nor are the data, RDS Proxy, events, backtracking, clones that share storage, and changes of settings that take time.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from bot.rehearsal.aws.call import Answer, AwsError, Call, Handler, Moto
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.databases_global import GlobalDatabases
from bot.rehearsal.aws.databases_restores import chosen_moment, restored_cluster
from bot.rehearsal.aws.databases_times import DatabaseTimes
from bot.rehearsal.aws.databases_views import cluster_view, clusters_asked_for, instance_view, instances_asked_for
from bot.rehearsal.aws.metrics import Metric
from bot.rehearsal.aws.moto_app import backend
from bot.rehearsal.aws.outages import Outages
from bot.rehearsal.aws.paging import paged
from bot.rehearsal.aws.underway import Underway
from bot.rehearsal.aws.zones import zones_of

Key = tuple[str, str, str]  # "cluster" or "db", region, identifier
_HOME = "us-east-1"
_USUAL_LAG = 20.0  # milliseconds of a reader


class Databases:
    """`sicken_writer` gives a rehearsal something to fail over; `answers` is for the shop's probe; `quotas` can be lowered."""

    def __init__(self, clock: Clock, outages: Outages, times: DatabaseTimes | None = None) -> None:
        self._clock, self._outages, self._times = clock, outages, times or DatabaseTimes()
        self._underway: Underway[Key] = Underway(clock)
        self._since: dict[tuple[str, str], datetime] = {}  # region and cluster: its earliest restorable moment
        self._restored: set[tuple[str, str]] = set()
        self._sick: dict[tuple[str, str], datetime] = {}  # region and instance: since when
        self._standby: dict[tuple[str, str], str] = {}  # region and Multi-AZ instance: the zone of its standby
        self._lags: dict[tuple[str, str], float] = {}  # region and instance: milliseconds
        self.quotas = {"DBClusters": 40, "DBInstances": 40}
        self.world = GlobalDatabases(clock, outages, self._underway, self._times)

    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        by_name: dict[str, Handler] = {
            "CreateDBCluster": self._create_cluster,
            "CreateDBInstance": self._create_instance,
            "DeleteDBCluster": self._delete_cluster,
            "DeleteDBInstance": self._delete_instance,
            "DescribeAccountAttributes": self._describe_quotas,
            "DescribeDBClusters": self._describe_clusters,
            "DescribeDBInstances": self._describe_instances,
            "FailoverDBCluster": self._fail_over,
            "RebootDBInstance": self._reboot,
            "RestoreDBClusterToPointInTime": self._restore,
        }
        return {**{("rds", name): handler for name, handler in by_name.items()}, **self.world.handlers}

    def sicken_writer(self, cluster: str, region: str = _HOME) -> str:
        """The instance that writes takes no more writes, and AWS says that it is available. Returns its name."""
        instance = self.writer(cluster, region)
        self._sick[region, instance] = self._clock.now()
        return instance

    def heal(self, instance: str, region: str = _HOME) -> None:
        self._sick.pop((region, instance), None)

    def lag_behind(self, instance: str, milliseconds: float, region: str = _HOME) -> None:
        """How far a reader is behind its writer, as AuroraReplicaLag tells it."""
        self._lags[region, instance] = milliseconds

    @contextmanager
    def stuck(self) -> Iterator[None]:
        """Meanwhile nothing that has begun comes to its end."""
        with self._underway.stuck():
            yield

    def forget(self) -> None:
        """All is well: whatever is on its way is over, nothing is sick, no reader lags."""
        self._underway.forget()
        self._sick.clear()
        self._lags.clear()
        self.world.forget()

    def writer(self, cluster: str, region: str = _HOME) -> str:
        """The instance that writes, "" when the cluster has no instance."""
        self._underway.settle()
        [found] = clusters_asked_for(backend("rds", region).clusters, {"DBClusterIdentifier": cluster})
        found = found.writer
        return str(found.db_instance_identifier) if found else ""

    def answers(self, cluster: str, region: str = _HOME, now: datetime | None = None) -> bool:
        """Can it be written to at that moment, which is never before the last one that somebody asked about?"""
        at = now or self._clock.now()
        found = backend("rds", region).clusters.get(cluster)
        if found is None or self._outages.region_is_dark(region, at) or self.world.only_reads(found.db_cluster_arn):
            return False
        if self._underway.status(("cluster", region, cluster)) is not None or found.writer is None:
            return False
        return self._well(region, found.writer, at)

    def metric(self, metric: Metric, at: datetime) -> float | None:
        """Milliseconds that a reader is behind: AuroraReplicaLag, and what is told of secondary clusters."""
        if metric.namespace != "AWS/RDS":
            return None
        if metric.name != "AuroraReplicaLag":
            return self.world.metric(metric, at)
        instance = backend("rds", metric.region).databases.get(metric.dimensions.get("DBInstanceIdentifier"))
        if instance is None or not _is_reader(instance) or self._outages.region_is_dark(metric.region, at):
            return None
        if self._outages.zone_is_dark(instance.availability_zone, metric.region, at) or self._is_stuck(instance, at):
            return None
        return self._lags.get((metric.region, instance.db_instance_identifier), _USUAL_LAG)

    async def _describe_clusters(self, call: Call, _moto: Moto) -> Answer:
        found = clusters_asked_for(self._rds(call).clusters, call.parameters)
        return paged(call, {"DBClusters": [self._seen_cluster(call.region, one) for one in found]})

    async def _describe_quotas(self, call: Call, _moto: Moto) -> Answer:
        rds = backend("rds", call.region)
        used = {"DBClusters": len(rds.clusters), "DBInstances": len(rds.databases)}
        quotas = [{"AccountQuotaName": name, "Used": used[name], "Max": most} for name, most in self.quotas.items()]
        return {"AccountQuotas": quotas}

    async def _describe_instances(self, call: Call, _moto: Moto) -> Answer:
        found = instances_asked_for(self._rds(call).databases, call.parameters)
        return paged(call, {"DBInstances": [self._seen_instance(call.region, one) for one in found]})

    async def _create_cluster(self, call: Call, moto: Moto) -> Answer:
        if not (reply := moto(call)).ok:
            return reply
        name = call.parameters["DBClusterIdentifier"]
        self._since[call.region, name] = self._clock.now()
        return self._shown_cluster(call, name)

    async def _create_instance(self, call: Call, moto: Moto) -> Answer:
        asked, name = call.parameters, call.parameters["DBInstanceIdentifier"]
        cluster = asked.get("DBClusterIdentifier")
        if cluster and self._status("cluster", call.region, cluster) == "creating":
            raise AwsError("InvalidDBClusterStateFault", f"Cluster {cluster} is not available.")
        if not (reply := moto(call)).ok:
            return reply
        instance = self._rds(call).databases[name]
        if "AvailabilityZone" not in asked:
            instance.availability_zone = _next_zone(call.region, cluster)
        if instance.multi_az:
            self._standby[call.region, name] = _other_zone(call.region, instance.availability_zone)
        if (call.region, cluster) in self._restored:
            self._underway.begin(("db", call.region, name), "creating", self._times.create)
        return self._shown_instance(call, name)

    async def _delete_instance(self, call: Call, _moto: Moto) -> Answer:
        name, rds = call.parameters["DBInstanceIdentifier"], self._rds(call)
        shown = self._shown_instance(call, name)["DBInstance"]
        if shown["DBInstanceStatus"] == "deleting":
            raise AwsError("InvalidDBInstanceState", f"Instance {name} is already being deleted.")
        key = ("db", call.region, name)
        self._underway.begin(key, "deleting", self._times.delete, lambda: _gone(rds.databases, name))
        return self._shown_instance(call, name)

    async def _delete_cluster(self, call: Call, _moto: Moto) -> Answer:
        asked, rds, name = call.parameters, self._rds(call), call.parameters["DBClusterIdentifier"]
        shown = self._shown_cluster(call, name)["DBCluster"]
        members = [one["DBInstanceIdentifier"] for one in shown["DBClusterMembers"]]
        if shown["Status"] == "deleting":
            raise AwsError("InvalidDBClusterStateFault", f"Cluster {name} is already being deleted.")
        if shown.get("DeletionProtection"):
            raise AwsError("InvalidParameterCombination", "Cannot delete protected Cluster, please disable it first.")
        if not asked.get("SkipFinalSnapshot") and "FinalDBSnapshotIdentifier" not in asked:
            raise AwsError("InvalidParameterCombination", "FinalDBSnapshotIdentifier is required.")
        if any(self._status("db", call.region, one) != "deleting" for one in members):
            raise AwsError("InvalidDBClusterStateFault", "Cluster cannot be deleted, it still contains DB instances.")
        key = ("cluster", call.region, name)
        self._underway.begin(key, "deleting", self._times.delete * 2, lambda: _gone(rds.clusters, name))
        return self._shown_cluster(call, name)

    async def _fail_over(self, call: Call, _moto: Moto) -> Answer:
        name, target = call.parameters["DBClusterIdentifier"], call.parameters.get("TargetDBInstanceIdentifier")
        shown = self._shown_cluster(call, name)["DBCluster"]
        readers = [one["DBInstanceIdentifier"] for one in shown["DBClusterMembers"] if not one["IsClusterWriter"]]
        if shown["Status"] != "available" or not readers:
            raise AwsError("InvalidDBClusterStateFault", f"Cluster {name} must be available and have two instances.")
        target = target or readers[0]
        if target not in readers or self._status("db", call.region, target) is not None:
            raise AwsError("InvalidDBInstanceState", f"Instance {target} is no available reader of {name}.")
        cluster, instance = self._rds(call).clusters[name], self._rds(call).databases[target]
        self._underway.begin(
            ("cluster", call.region, name), "failing-over", self._times.failover, lambda: cluster.failover(instance)
        )
        return self._shown_cluster(call, name)

    async def _reboot(self, call: Call, _moto: Moto) -> Answer:
        name, forced = call.parameters["DBInstanceIdentifier"], call.parameters.get("ForceFailover")
        shown = self._shown_instance(call, name)["DBInstance"]
        if shown["DBInstanceStatus"] != "available":
            raise AwsError("InvalidDBInstanceState", f"Instance {name} is not available.")
        if forced and not shown.get("MultiAZ"):
            raise AwsError("InvalidParameterCombination", "ForceFailover needs a Multi-AZ instance.")
        then = (lambda: self._move(call.region, name)) if forced else (lambda: self.heal(name, call.region))
        self._underway.begin(("db", call.region, name), "rebooting", self._times.reboot, then)
        return self._shown_instance(call, name)

    async def _restore(self, call: Call, _moto: Moto) -> Answer:
        asked, name = call.parameters, call.parameters["DBClusterIdentifier"]
        source = self._shown_cluster(call, _bare(asked["SourceDBClusterIdentifier"]))["DBCluster"]
        if name in self._rds(call).clusters:
            raise AwsError("DBClusterAlreadyExistsFault", f"DB Cluster already exists: {name}")
        chosen_moment(asked, source)
        restored_cluster(call.region, asked, source["DBClusterIdentifier"])
        self._since[call.region, name] = self._clock.now()
        self._restored.add((call.region, name))
        self._underway.begin(("cluster", call.region, name), "creating", self._times.restore)
        return self._shown_cluster(call, name)

    def _is_stuck(self, reader: Any, at: datetime) -> bool:
        """Its writer writes nothing that could be behind."""
        writer = reader.cluster.writer
        since = self._sick.get((reader.region, writer.db_instance_identifier)) if writer else None
        return since is not None and since <= at

    def _status(self, kind: str, region: str, name: str) -> str | None:
        return self._underway.status((kind, region, name))

    def _move(self, region: str, name: str) -> None:
        """The standby takes over, on another host."""
        instance = backend("rds", region).databases[name]
        self.heal(name, region)
        instance.availability_zone, self._standby[region, name] = (
            self._standby[region, name],
            instance.availability_zone,
        )

    def _well(self, region: str, instance: Any, at: datetime) -> bool:
        name = instance.db_instance_identifier
        dark = self._outages.zone_is_dark(instance.availability_zone, region, at)
        return not dark and (region, name) not in self._sick and self._status("db", region, name) is None

    def _rds(self, call: Call) -> Any:
        """As moto holds it, with everything done that is due."""
        self._underway.settle()
        return backend("rds", call.region)

    def _shown_cluster(self, call: Call, name: str) -> dict[str, Any]:
        [found] = clusters_asked_for(self._rds(call).clusters, {"DBClusterIdentifier": name})
        return {"DBCluster": self._seen_cluster(call.region, found)}

    def _shown_instance(self, call: Call, name: str) -> dict[str, Any]:
        [found] = instances_asked_for(self._rds(call).databases, {"DBInstanceIdentifier": name})
        return {"DBInstance": self._seen_instance(call.region, found)}

    def _seen_cluster(self, region: str, cluster: Any) -> dict[str, Any]:
        name, now = cluster.db_cluster_identifier, self._clock.now()
        since = self._since.get((region, name), now)
        return {
            **cluster_view(cluster),
            "Status": self._status("cluster", region, name) or "available",
            "ClusterCreateTime": since,
            "EarliestRestorableTime": since,
            "LatestRestorableTime": max(since, now - self._clock.scaled(self._times.behind)),
            "GlobalClusterIdentifier": self.world.of(cluster.db_cluster_arn),
        }

    def _seen_instance(self, region: str, instance: Any) -> dict[str, Any]:
        name = instance.db_instance_identifier
        shown = instance_view(instance)
        if instance.multi_az and not instance.db_cluster_identifier:
            shown["SecondaryAvailabilityZone"] = self._standby[region, name]
        status = self._status("db", region, name) or shown["DBInstanceStatus"]
        latest = self._clock.now() - self._clock.scaled(self._times.behind)
        return {**shown, "DBInstanceStatus": status, "LatestRestorableTime": latest}


def _is_reader(instance: Any) -> bool:
    return bool(instance.db_cluster_identifier) and not instance.is_cluster_writer


def _gone(things: dict[str, Any], name: str) -> None:
    things.pop(name, None)


def _next_zone(region: str, cluster: str | None) -> str:
    """Instances of a cluster are spread over the first three zones."""
    number = len(backend("rds", region).clusters[cluster].members) - 1 if cluster else 0
    return zones_of(region)[number % 3].name


def _other_zone(region: str, zone: str) -> str:
    return next(one.name for one in zones_of(region) if one.name != zone)


def _bare(name_or_arn: str) -> str:
    return name_or_arn.rsplit(":", 1)[-1]
