"""`rds.switchover_global`: the writer of an Aurora global cluster moves to another region, and nothing is lost.

AWS waits until the target has everything before it lets it write, so both regions must be well: it is for going back, and
for drills. SwitchoverGlobalCluster is called in the region of the cluster that writes now, whichever the step acts in.
"""

from datetime import datetime, timedelta
from typing import Annotated, ClassVar

from bot.aws.calls import perform
from bot.aws.polling import SETTLING, next_look
from bot.aws.rds.cluster import AVAILABLE, CLUSTERS, find_cluster
from bot.aws.rds.global_cluster import GLOBAL_CLUSTERS, GlobalCluster, GlobalName, Part, find_global, touched
from bot.aws.rds.global_failover import IN_THE_WAY
from bot.errors import N_, ActionFailed, Phrase, phrase
from bot.playbook.action import (
    Attempt,
    Aws,
    Call,
    Change,
    Done,
    Facts,
    Failed,
    Figures,
    InputType,
    Params,
    Progress,
    StepPlan,
    Working,
    action,
)

_READS = ("rds:DescribeDBClusters", "rds:DescribeDBInstances", "rds:DescribeGlobalClusters")


class Switchover(Params):
    """`to`: the region that shall write."""

    global_cluster: GlobalName
    to: Annotated[str, InputType("region")]


@action(
    "rds.switchover_global",
    Switchover,
    permissions=(*_READS, "rds:SwitchoverGlobalCluster"),
    calls=(*_READS, "rds:SwitchoverGlobalCluster"),
    resources={"rds:SwitchoverGlobalCluster": (*GLOBAL_CLUSTERS, *CLUSTERS)},
    plane="control",
    changes=N_("Moves the writer of the global cluster to the other region once that has everything; nothing is lost."),
    undo=N_("Switches back to the region that wrote before, in the same way."),
    undone_by="rds.switchover_global",
    recognised_by=N_("The region's cluster is the writer, or AWS is making it so."),
    outputs={"cluster": "str", "region": "region", "previous": "region"},
    recovers=Figures(rpo=timedelta(), rto=timedelta(minutes=5)),
    takes=timedelta(minutes=3),
)
class SwitchoverGlobal:
    facts: ClassVar[Facts]

    def plan(self, params: Switchover, aws: Aws, attempt: Attempt) -> StepPlan:  # noqa: ARG002  # nothing depends on it
        found = find_global(aws, params.global_cluster)
        target, writer, touches = found.part_in(params.to), found.writer, (touched(params.global_cluster),)
        problem = _unfit(params, aws, found)
        if target is None or writer is None or problem is not None:
            return StepPlan(warnings=(problem,) if problem else (), touches=touches)
        if target.writes:
            return StepPlan(warnings=(_already(found, target),), touches=touches)
        return StepPlan(
            calls=(_call(found.name, writer, target),),
            changes=(Change(phrase(N_("The writer of {name}"), name=found.name), writer.arn, target.arn),),
            warnings=(
                phrase(
                    N_("The further {region} is behind, the longer it takes. Choose a quiet hour."),
                    region=target.region,
                ),
                phrase(
                    N_("Clients must use the global writer endpoint, or be given the other cluster's own endpoint.")
                ),
            ),
            foreseen={"cluster": target.cluster, "region": target.region, "previous": writer.region},
            disturbs=(phrase(N_("Nobody can write to {name} for a minute or two."), name=found.name),),
            touches=touches,
            loses=timedelta(),
        )

    def act(self, params: Switchover, aws: Aws, attempt: Attempt) -> Progress:
        found = find_global(aws, params.global_cluster)
        target, writer = found.part_in(params.to), found.writer
        if (problem := _unfit(params, aws, found)) is not None:
            return Failed(problem)
        if "asked_at" not in attempt.memory:
            memory = {"from": writer.region if writer else "", "asked_at": attempt.now.isoformat()}
            note = phrase(N_("{region} shall write for {name}"), region=params.to, name=found.name)
            return Working(note, again_in=timedelta(), memory=memory, more=True)
        if target and writer and not target.writes and not found.moving_to:
            try:
                perform(aws, _call(found.name, writer, target))
            except ActionFailed as error:
                now = find_global(aws, params.global_cluster)
                if error.code not in IN_THE_WAY or not (now.moving_to or now.writer != found.writer):
                    raise
        return self.look(params, aws, attempt)

    def look(self, params: Switchover, aws: Aws, attempt: Attempt) -> Progress:
        found = find_global(aws, params.global_cluster)
        target, memory = found.part_in(params.to), attempt.memory
        if target is None or found.moving_to not in {"", target.arn}:
            return Failed(_unfit(params, aws, found) or _lost_its_way(found, params.to), "conflict")
        if target.writes and not found.moving_to:
            cluster = find_cluster(aws, target.cluster, target.region)
            if cluster.status == AVAILABLE and cluster.writer is not None and cluster.writer.status == AVAILABLE:
                output = {
                    "cluster": target.cluster,
                    "region": target.region,
                    "previous": memory.get("from") or target.region,
                }
                return Done(_already(found, target), output)
        asked_at = datetime.fromisoformat(memory.get("asked_at", attempt.started_at.isoformat()))
        if not found.moving_to and not target.writes and attempt.now - asked_at > SETTLING:
            return Failed(_lost_its_way(found, params.to))
        note = phrase(N_("The writer of {name} is moving to {region}"), name=found.name, region=params.to)
        return Working(note, again_in=next_look(attempt), memory=memory)


def _unfit(params: Switchover, aws: Aws, found: GlobalCluster) -> Phrase | None:
    """Why AWS could not, or should not, switch over now."""
    target, writer = found.part_in(params.to), found.writer
    if target is None or writer is None:
        what = N_("{name} has no member in {region}; it has some in {regions}. Name one of these.")
        regions = ", ".join(one.region for one in found.parts)
        return phrase(what, name=found.name, region=params.to, regions=regions)
    if found.moving_to == target.arn or target.writes:
        return None
    if found.moving_to:
        what = N_("{name} is {status} towards {target} already. Wait until that has ended, then retry.")
        return phrase(what, name=found.name, status=found.status, target=found.moving_to)
    if not target.connected:
        what = N_(
            "AWS is still building {cluster} in {region} anew, which can take hours. Retry when it is synchronised: a "
            "switchover waits for everything, a failover would lose what {writer} has written since."
        )
        return phrase(what, cluster=target.cluster, region=target.region, writer=writer.region)
    return _unwell(aws, (writer, target))


def _unwell(aws: Aws, parts: tuple[Part, Part]) -> Phrase | None:
    versions = set()
    for part in parts:
        cluster = find_cluster(aws, part.cluster, part.region)
        versions.add(cluster.described["EngineVersion"])
        if cluster.status != AVAILABLE or not cluster.members:
            what = N_(
                "{cluster} in {region} is {status} with {count} instances. Both regions must be well: mend it first."
            )
            fields = {"cluster": part.cluster, "region": part.region, "status": cluster.status}
            return phrase(what, count=len(cluster.members), **fields)
    if len(versions) > 1:
        what = N_("The clusters run different versions ({versions}), and AWS switches over between equal ones only.")
        return phrase(what, versions=", ".join(sorted(versions)))
    return None


def _call(name: str, writer: Part, target: Part) -> Call:
    parameters = {"GlobalClusterIdentifier": name, "TargetDbClusterIdentifier": target.arn}
    return Call("rds", "SwitchoverGlobalCluster", parameters, writer.region)


def _already(found: GlobalCluster, target: Part) -> Phrase:
    what = N_("{cluster} in {region} writes for {name}.")
    return phrase(what, cluster=target.cluster, region=target.region, name=found.name)


def _lost_its_way(found: GlobalCluster, to: str) -> Phrase:
    what = N_("{name} is {status}, and {region} does not write for it. Look at its events in RDS, then retry.")
    return phrase(what, name=found.name, status=found.status, region=to)
