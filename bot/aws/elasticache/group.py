"""A replication group as ElastiCache describes it: which node writes, which ones follow, where, and who fails it over."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import StringConstraints

from bot.errors import N_, ActionFailed, phrase
from bot.playbook.action import Aws, InputType

GroupName = Annotated[
    str, InputType("elasticache.group"), StringConstraints(pattern=r"^[A-Za-z](-?[A-Za-z0-9]){0,39}$")
]
NodeName = Annotated[str, InputType("str"), StringConstraints(pattern=r"^[A-Za-z](-?[A-Za-z0-9]){0,49}$")]

#: What IAM calls them.
GROUPS = (
    "arn:{partition}:elasticache:{region}:{account}:replicationgroup:*",
    "arn:{partition}:elasticache:{region}:{account}:cluster:*",
)
AVAILABLE = "available"


@dataclass(frozen=True)
class Node:
    name: str
    zone: str
    writes: bool


@dataclass(frozen=True)
class Group:
    """`fails_over`, `multi_az`: what AWS has been told to do by itself. `sharded`: cluster mode is on."""

    name: str
    status: str
    nodes: tuple[Node, ...]
    fails_over: bool
    multi_az: bool
    sharded: bool
    datastore: str

    @property
    def primary(self) -> Node | None:
        return next((one for one in self.nodes if one.writes), None)

    @property
    def replicas(self) -> tuple[Node, ...]:
        return tuple(one for one in self.nodes if not one.writes)


def find_group(aws: Aws, name: str) -> Group:
    """Raises `ActionFailed` when the region has none such."""
    try:
        [found] = aws.client("elasticache").describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"]
    except ActionFailed as error:
        if error.code != "ReplicationGroupNotFoundFault":
            raise
        what = N_("There is no replication group {group} in {region}. Check the name and the region.")
        raise ActionFailed(phrase(what, group=name, region=aws.region), code=error.code) from error
    return Group(
        name=found["ReplicationGroupId"],
        status=found["Status"],
        nodes=tuple(_node(one) for shard in found["NodeGroups"] for one in shard["NodeGroupMembers"]),
        fails_over=found.get("AutomaticFailover") in {"enabled", "enabling"},
        multi_az=found.get("MultiAZ") == "enabled",
        sharded=bool(found.get("ClusterEnabled")),
        datastore=found.get("GlobalReplicationGroupInfo", {}).get("GlobalReplicationGroupId", ""),
    )


def touched(aws: Aws, name: str) -> str:
    """How a group is named among the resources that no other run may change meanwhile."""
    return f"elasticache:{aws.region}:{name}"


def _node(member: Mapping[str, Any]) -> Node:
    zone = member.get("PreferredAvailabilityZone", "")
    return Node(member["CacheClusterId"], zone, member.get("CurrentRole") == "primary")
