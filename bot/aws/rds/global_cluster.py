"""An Aurora global cluster as AWS describes it: which region writes, which ones only read, and what is on its way."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import StringConstraints

from bot.errors import N_, ActionFailed, phrase
from bot.playbook.action import Aws, InputType

GlobalName = Annotated[
    str, InputType("rds.global_cluster"), StringConstraints(pattern=r"^[A-Za-z](-?[A-Za-z0-9]){0,254}$")
]

#: What IAM calls them: a global cluster belongs to no region.
GLOBAL_CLUSTERS = ("arn:{partition}:rds::{account}:global-cluster:*",)


@dataclass(frozen=True)
class Part:
    """A member cluster. `connected`: AWS replicates to it, and need not build it anew."""

    arn: str
    writes: bool
    connected: bool

    @property
    def region(self) -> str:
        return self.arn.split(":")[3]

    @property
    def cluster(self) -> str:
        return self.arn.rsplit(":", 1)[-1]


@dataclass(frozen=True)
class GlobalCluster:
    """`moving_to`: the ARN of the cluster that is being made the writer now, "" when nothing is on its way."""

    name: str
    status: str
    parts: tuple[Part, ...]
    moving_to: str
    endpoint: str

    @property
    def writer(self) -> Part | None:
        return next((one for one in self.parts if one.writes), None)

    def part(self, arn: str) -> Part | None:
        return next((one for one in self.parts if one.arn == arn), None)

    def part_in(self, region: str) -> Part | None:
        return next((one for one in self.parts if one.region == region), None)


def find_global(aws: Aws, name: str) -> GlobalCluster:
    """As the region that `aws` stands for tells it: every region with a member can. Raises `ActionFailed`."""
    try:
        [found] = aws.client("rds").describe_global_clusters(GlobalClusterIdentifier=name)["GlobalClusters"]
    except ActionFailed as error:
        if error.code != "GlobalClusterNotFoundFault":
            raise
        what = N_("There is no global cluster {name} with a member in {region}. Check the name and the region.")
        raise ActionFailed(phrase(what, name=name, region=aws.region), code=error.code) from error
    state: Mapping[str, Any] = found.get("FailoverState") or {}
    return GlobalCluster(
        name=found["GlobalClusterIdentifier"],
        status=found["Status"],
        parts=tuple(_part(one) for one in found["GlobalClusterMembers"]),
        moving_to=state.get("ToDbClusterArn", ""),
        endpoint=found.get("Endpoint", ""),
    )


def touched(name: str) -> str:
    """How a global cluster is named among the resources that no other run may change meanwhile."""
    return f"rds:global:{name}"


def _part(member: Mapping[str, Any]) -> Part:
    writes = bool(member["IsWriter"])
    return Part(
        member["DBClusterArn"], writes, writes or member.get("SynchronizationStatus", "connected") == "connected"
    )
