"""`rds.delete_restored`: takes a restored cluster away again, and nothing that is not one of this incident's.

Name and tags must say that this incident restored it; it must be in no global cluster; and the pointer, where one is named,
must not lead to it. Its instances go first, and no snapshot is kept: what it holds can be restored again.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, ClassVar

from bot.aws.calls import perform
from bot.aws.polling import SETTLING, next_look
from bot.aws.rds.cluster import ClusterName, Described, describe_cluster, describe_members, touched
from bot.aws.rds.restored import RESTORED, RESTORED_INSTANCES, restored_by
from bot.aws.ssm import PARAMETERS
from bot.errors import N_, ActionFailed, Phrase, phrase
from bot.playbook.action import (
    Attempt,
    Aws,
    Call,
    Change,
    Done,
    Facts,
    Failed,
    InputType,
    Params,
    Progress,
    StepPlan,
    Working,
    action,
)

_DELETING = "deleting"


class Restored(Params):
    """`pointer`: the SSM parameter that names the cluster or its endpoint; the cluster stays while it is named there."""

    cluster: ClusterName
    pointer: Annotated[str, InputType("ssm.parameter")] | None = None


@action(
    "rds.delete_restored",
    Restored,
    permissions=(
        "rds:DeleteDBCluster",
        "rds:DeleteDBInstance",
        "rds:DescribeDBClusters",
        "rds:DescribeDBInstances",
        "rds:ModifyDBCluster",
        "ssm:GetParameter",
    ),
    calls=(
        "rds:DeleteDBCluster",
        "rds:DeleteDBInstance",
        "rds:DescribeDBClusters",
        "rds:DescribeDBInstances",
        "rds:ModifyDBCluster",
        "ssm:GetParameter",
    ),
    resources={
        "rds:DeleteDBCluster": RESTORED,
        "rds:DeleteDBInstance": RESTORED_INSTANCES,
        "rds:ModifyDBCluster": RESTORED,
        "ssm:GetParameter": PARAMETERS,
    },
    plane="control",
    changes=N_("Deletes a cluster that this incident restored, with its instances, and nothing else."),
    undo=N_("A deleted cluster does not come back; rds.restore_cluster makes the same one again."),
    undone_by=None,
    recognised_by=N_("The cluster is gone, or being deleted."),
    takes=timedelta(minutes=5),
)
class DeleteRestored:
    facts: ClassVar[Facts]

    def plan(self, params: Restored, aws: Aws, attempt: Attempt) -> StepPlan:
        touches, found = (touched(aws, params.cluster),), describe_cluster(aws, params.cluster)
        refusal = found and _refusal(params, aws, attempt, found)
        if found is None or refusal:
            return StepPlan(warnings=(refusal,) if refusal else (), touches=touches)
        return StepPlan(
            calls=tuple(_deletion(found, describe_members(aws, params.cluster))),
            changes=(Change(phrase(N_("Cluster {target}"), target=params.cluster), str(found["Status"]), None),),
            warnings=(phrase(N_("The restored data are lost with it; no snapshot is kept.")),),
            touches=touches,
        )

    def act(self, params: Restored, aws: Aws, attempt: Attempt) -> Progress:
        found = describe_cluster(aws, params.cluster)
        if found is not None and found["Status"] != _DELETING:
            if refusal := _refusal(params, aws, attempt, found):
                return Failed(refusal)
            for call in _deletion(found, describe_members(aws, params.cluster)):
                perform(aws, call)
        return self.look(params, aws, attempt)

    def look(self, params: Restored, aws: Aws, attempt: Attempt) -> Progress:
        found = describe_cluster(aws, params.cluster)
        if found is None:
            return Done(phrase(N_("{cluster} is deleted."), cluster=params.cluster))
        if found["Status"] == _DELETING or attempt.now - attempt.started_at < SETTLING:
            return Working(phrase(N_("Deleting {cluster}"), cluster=params.cluster), again_in=next_look(attempt))
        what = N_("{cluster} is still there ({status}). Retry the step.")
        return Failed(phrase(what, cluster=params.cluster, status=found["Status"]))


def _deletion(cluster: Described, instances: list[Described]) -> Iterator[Call]:
    """AWS deletes a cluster only when all its instances are being deleted."""
    name = {"DBClusterIdentifier": cluster["DBClusterIdentifier"]}
    if cluster.get("DeletionProtection"):
        yield Call("rds", "ModifyDBCluster", {**name, "DeletionProtection": False, "ApplyImmediately": True})
    for one in instances:
        if one["DBInstanceStatus"] != _DELETING:
            instance = {"DBInstanceIdentifier": one["DBInstanceIdentifier"], "SkipFinalSnapshot": True}
            yield Call("rds", "DeleteDBInstance", instance)
    yield Call("rds", "DeleteDBCluster", {**name, "SkipFinalSnapshot": True})


def _refusal(params: Restored, aws: Aws, attempt: Attempt, found: Described) -> Phrase | None:
    """Why the cluster must not be deleted; None: it may."""
    if "-lb-" not in params.cluster or not restored_by(found, attempt.incident):
        what = N_("{cluster} is not a cluster that incident {incident} restored, so Lifeboat does not delete it.")
        return phrase(what, cluster=params.cluster, incident=attempt.incident)
    if found.get("GlobalClusterIdentifier"):
        what = N_("{cluster} is a member of global cluster {name} by now, so it stays. Take it out first, then retry.")
        return phrase(what, cluster=params.cluster, name=found["GlobalClusterIdentifier"])
    if params.pointer and _pointed_at(aws, params.pointer) in {found["DBClusterIdentifier"], found.get("Endpoint")}:
        what = N_("{cluster} is in use: {pointer} points at it. Point it back first, then retry.")
        return phrase(what, cluster=params.cluster, pointer=params.pointer)
    return None


def _pointed_at(aws: Aws, pointer: str) -> str | None:
    try:
        return str(aws.client("ssm").get_parameter(Name=pointer)["Parameter"]["Value"])
    except ActionFailed as error:
        if error.code == "ParameterNotFound":
            return None
        raise
