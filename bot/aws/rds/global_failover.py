"""`rds.failover_global`: this region's cluster becomes the writer of an Aurora global cluster, whatever has become of the other.

FailoverGlobalCluster is called in the region that shall write, and everything is asked there: the failing region takes no
part. It may lose what was not replicated yet, and AWS fences the old primary only as well as it can: keep the application
from writing there first. When that region is back, AWS keeps what it held as a snapshot and builds it anew.
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-global-database-disaster-recovery.html
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from bot.aws.calls import perform
from bot.aws.polling import SETTLING, next_look
from bot.aws.rds.cluster import AVAILABLE, CLUSTERS, find_cluster
from bot.aws.rds.global_cluster import GLOBAL_CLUSTERS, GlobalCluster, find_global, touched
from bot.aws.rds.global_ready import READS, World, lag_of, nobody_here, said_of, unready
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
    Progress,
    StepPlan,
    Working,
    action,
)

#: It is being done already, by us or by somebody; looking again tells towards which cluster.
IN_THE_WAY = frozenset({"InvalidDBClusterStateFault", "InvalidGlobalClusterStateFault"})


@action(
    "rds.failover_global",
    World,
    permissions=(*READS, "rds:FailoverGlobalCluster"),
    calls=(*READS, "rds:FailoverGlobalCluster"),
    resources={"rds:FailoverGlobalCluster": (*GLOBAL_CLUSTERS, *CLUSTERS)},
    plane="control",
    changes=N_("Makes this region's cluster the writer of the global cluster, without waiting for the other region."),
    undo=N_(
        "It is not taken back: what was written here would be lost. To go back, wait until AWS has built the old region "
        "anew, then switch over (rds.switchover_global)."
    ),
    undone_by=None,
    recognised_by=N_("This region's cluster is the writer, or AWS is making it so."),
    outputs={"cluster": "str", "previous": "str", "endpoint": "str", "behind": "number"},
    recovers=Figures(rpo=timedelta(seconds=5), rto=timedelta(minutes=5)),
    takes=timedelta(minutes=3),
)
class FailoverGlobal:
    facts: ClassVar[Facts]

    def plan(self, params: World, aws: Aws, attempt: Attempt) -> StepPlan:
        found = find_global(aws, params.global_cluster)
        here, writer, touches = found.part_in(aws.region), found.writer, (touched(params.global_cluster),)
        if (problem := unready(aws, found)) is not None:
            return StepPlan(warnings=(problem,), touches=touches)
        assert here is not None  # else it is not ready
        if here.writes:
            what = N_("{cluster} in {region} writes already: there is nothing to fail over.")
            return StepPlan(warnings=(phrase(what, cluster=here.cluster, region=here.region),), touches=touches)
        lag = lag_of(aws, found, here, attempt.now)
        before = writer.arn if writer else None
        return StepPlan(
            calls=(_call(found.name, here.arn, aws.region),),
            changes=(Change(phrase(N_("The writer of {name}"), name=found.name), before, here.arn),),
            warnings=(said_of(lag, here), *_warnings(before)),
            foreseen={"cluster": here.cluster, "endpoint": found.endpoint},
            disturbs=(phrase(N_("Nobody can write to {name} for a few minutes."), name=found.name),),
            touches=touches,
            loses=lag.behind if lag else None,
        )

    def act(self, params: World, aws: Aws, attempt: Attempt) -> Progress:
        found = find_global(aws, params.global_cluster)
        here = found.part_in(aws.region)
        if here is None:
            return Failed(nobody_here(found, aws.region))
        if "asked_at" not in attempt.memory and not here.writes:
            return _choose(aws, attempt, found)
        if not here.writes and not found.moving_to:
            try:
                perform(aws, _call(found.name, here.arn, aws.region))
            except ActionFailed as error:
                now = find_global(aws, params.global_cluster)
                if error.code not in IN_THE_WAY or not (now.moving_to or now.writer != found.writer):
                    raise
        return self.look(params, aws, attempt)

    def look(self, params: World, aws: Aws, attempt: Attempt) -> Progress:
        found = find_global(aws, params.global_cluster)
        here = found.part_in(aws.region)
        if here is None:
            return Failed(nobody_here(found, aws.region))
        if found.moving_to not in {"", here.arn}:
            what = N_("{name} is moving to {target}, not here. Wait until that has ended, then retry.")
            return Failed(phrase(what, name=found.name, target=found.moving_to), "conflict")
        if here.writes and not found.moving_to:
            return _verified(aws, attempt, found)
        memory, asked_at = attempt.memory, attempt.memory.get("asked_at", attempt.started_at.isoformat())
        if not found.moving_to and attempt.now - datetime.fromisoformat(asked_at) > SETTLING:
            what = N_(
                "{name} is {status}, and {cluster} does not write: the failover has ended or was cancelled. Retry."
            )
            return Failed(phrase(what, name=found.name, status=found.status, cluster=here.cluster))
        note = phrase(N_("{cluster} is becoming the writer of {name}"), cluster=here.cluster, name=found.name)
        return Working(note, again_in=next_look(attempt), memory=memory)


def _choose(aws: Aws, attempt: Attempt, found: GlobalCluster) -> Progress:
    """Nothing is done yet: who wrote, and how far we were behind, cannot be asked for afterwards."""
    here, writer = found.part_in(aws.region), found.writer
    if (problem := unready(aws, found)) is not None:
        return Failed(problem)
    assert here is not None  # else it is not ready
    lag = lag_of(aws, found, here, attempt.now)
    memory = {"from": writer.arn if writer else "", "asked_at": attempt.now.isoformat()}
    if lag is not None:
        memory["behind"] = str(lag.behind.total_seconds())
    note = phrase(N_("{cluster} in {region} shall write"), cluster=here.cluster, region=here.region)
    return Working(note, again_in=timedelta(), memory=memory, more=True)


def _verified(aws: Aws, attempt: Attempt, found: GlobalCluster) -> Progress:
    """The member's own description must agree: the cluster is available, and an instance of it writes."""
    here = found.part_in(aws.region)
    assert here is not None  # it writes
    cluster = find_cluster(aws, here.cluster)
    if cluster.status != AVAILABLE or cluster.writer is None or cluster.writer.status != AVAILABLE:
        what = N_("{cluster} is the writer; its instances are not ready: {status}")
        note = phrase(what, cluster=here.cluster, status=cluster.status)
        return Working(note, again_in=next_look(attempt), memory=attempt.memory)
    return Done(_told(attempt.memory, found), _output(attempt.memory, here.cluster, found.endpoint))


def _output(memory: Mapping[str, Any], cluster: str, endpoint: str) -> dict[str, Any]:
    known = {"cluster": cluster, "previous": memory.get("from", ""), "endpoint": endpoint}
    return {**known, "behind": float(memory["behind"])} if "behind" in memory else known


def _told(memory: Mapping[str, Any], found: GlobalCluster) -> Phrase:
    here = found.writer
    assert here is not None  # it was looked at
    if "behind" not in memory:
        what = N_("{cluster} in {region} writes for {name} now. What was lost is not known.")
        return phrase(what, cluster=here.cluster, region=here.region, name=found.name)
    what = N_(
        "{cluster} in {region} writes for {name} now; the last {behind} s of writes may be lost. When the old region is back, "
        "AWS keeps what it held as snapshot rds:unplanned-global-failover-…: copy it before it expires."
    )
    behind = f"{float(memory['behind']):.1f}"
    return phrase(what, cluster=here.cluster, region=here.region, name=found.name, behind=behind)


def _call(name: str, target: str, region: str) -> Call:
    parameters = {"GlobalClusterIdentifier": name, "TargetDbClusterIdentifier": target, "AllowDataLoss": True}
    return Call("rds", "FailoverGlobalCluster", parameters, region)


def _warnings(before: str | None) -> tuple[Phrase, ...]:
    return (
        phrase(
            N_(
                "AWS stops writes to {before} as well as it can, not surely: keep the application from writing there first."
            ),
            before=before or "-",
        ),
        phrase(
            N_(
                "Clients must use the global writer endpoint, or be given this cluster's own endpoint (without -ro), and keep "
                "DNS answers for a few seconds only."
            )
        ),
        phrase(
            N_("Parameter groups, alarms and log exports of this region's cluster are its own, not the old writer's.")
        ),
    )
