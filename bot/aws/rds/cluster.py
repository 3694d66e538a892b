"""An Aurora cluster as AWS describes it: which instance writes, which ones read, where, and how they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import StringConstraints

from bot.errors import N_, ActionFailed, phrase
from bot.playbook.action import Aws, InputType

_IDENTIFIER = r"^[A-Za-z](-?[A-Za-z0-9]){0,62}$"
ClusterName = Annotated[str, InputType("rds.cluster"), StringConstraints(pattern=_IDENTIFIER)]
InstanceName = Annotated[str, InputType("str"), StringConstraints(pattern=_IDENTIFIER)]

#: What IAM calls them.
CLUSTERS = ("arn:{partition}:rds:{region}:{account}:cluster:*",)
INSTANCES = ("arn:{partition}:rds:{region}:{account}:db:*",)

AVAILABLE = "available"
Described = Mapping[str, Any]  # as DescribeDBClusters, or DescribeDBInstances, shows it


@dataclass(frozen=True)
class Member:
    """An instance of a cluster; `tier`: AWS itself prefers the lowest one as the next writer."""

    name: str
    zone: str
    status: str
    writes: bool
    tier: int


@dataclass(frozen=True)
class Cluster:
    name: str
    status: str
    members: tuple[Member, ...]
    described: Described

    @property
    def writer(self) -> Member | None:
        return next((one for one in self.members if one.writes), None)

    @property
    def readers(self) -> tuple[Member, ...]:
        return tuple(one for one in self.members if not one.writes)

    def member(self, name: str) -> Member | None:
        return next((one for one in self.members if one.name == name), None)


def describe_cluster(aws: Aws, name: str, region: str | None = None) -> Described | None:
    """None: there is no such cluster."""
    try:
        found = aws.client("rds", region).describe_db_clusters(DBClusterIdentifier=name)["DBClusters"]
    except ActionFailed as error:
        if error.code == "DBClusterNotFoundFault":
            return None
        raise
    return found[0] if found else None


def describe_members(aws: Aws, name: str, region: str | None = None) -> list[Described]:
    """The instances of a cluster. It has at most sixteen: one page."""
    of_it = [{"Name": "db-cluster-id", "Values": [name]}]
    found: list[Described] = aws.client("rds", region).describe_db_instances(Filters=of_it)["DBInstances"]
    return found


def find_cluster(aws: Aws, name: str, region: str | None = None) -> Cluster:
    """Raises `ActionFailed` when the region has none such.

    While the cluster is on the move its instances are not asked for: RDS allows few calls, and they say nothing yet.
    """
    described = describe_cluster(aws, name, region)
    if described is None:
        what = N_("There is no database cluster {cluster} in {region}. Check the name and the region.")
        raise ActionFailed(phrase(what, cluster=name, region=region or aws.region), code="DBClusterNotFoundFault")
    settled = described["Status"] == AVAILABLE
    listed = describe_members(aws, name, region) if settled else []
    instances = {one["DBInstanceIdentifier"]: one for one in listed}
    members = tuple(
        _member(one, instances.get(one["DBInstanceIdentifier"], {})) for one in described["DBClusterMembers"]
    )
    return Cluster(described["DBClusterIdentifier"], described["Status"], members, described)


def touched(aws: Aws, name: str) -> str:
    """How a cluster is named among the resources that no other run may change meanwhile."""
    return f"rds:{aws.region}:{name}"


def _member(listed: Described, instance: Described) -> Member:
    return Member(
        name=listed["DBInstanceIdentifier"],
        zone=instance.get("AvailabilityZone", ""),
        status=instance.get("DBInstanceStatus", "unknown"),
        writes=bool(listed["IsClusterWriter"]),
        tier=int(listed.get("PromotionTier", 1)),
    )
