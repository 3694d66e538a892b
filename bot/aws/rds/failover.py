"""`rds.failover_cluster`: another instance of an Aurora cluster writes, in well under a minute and without losing data.

FailoverDBCluster takes no token, and without a target a second call would move the writer once more. So the target is
chosen and written down first; from then on a call that arrives twice finds its target writing already.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from bot.aws.calls import perform
from bot.aws.polling import next_look
from bot.aws.rds.chosen import READS, Choice, Which, bad_zone, choose, is_far_behind, lags, no_need, settled
from bot.aws.rds.cluster import AVAILABLE, CLUSTERS, INSTANCES, Cluster, find_cluster, touched
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
    Need,
    Progress,
    StepPlan,
    Working,
    action,
)

#: "Failover typically completes within 60 seconds, and often in less than 35"; beyond this it is not merely slow.
EXPECTED, LONGEST = timedelta(seconds=35), timedelta(seconds=120)
#: Somebody was faster, or AWS has not got so far; looking again tells which.
_IN_THE_WAY = frozenset({"InvalidDBClusterStateFault", "InvalidDBInstanceState"})


@action(
    "rds.failover_cluster",
    Which,
    permissions=(*READS, "rds:FailoverDBCluster"),
    calls=(*READS, "rds:FailoverDBCluster"),
    resources={"rds:FailoverDBCluster": (*CLUSTERS, *INSTANCES)},
    plane="control",
    changes=N_("Makes a reader of the cluster its writer; connections break, and writes fail for about half a minute."),
    undo=N_("Makes the instance that wrote before the writer again, with the same short interruption."),
    undone_by="rds.failover_cluster",
    recognised_by=N_("The instance that was chosen is the writer already; the choice is stored before the call."),
    outputs={"writer": "str", "previous": "str", "zone": "str"},
    recovers=Figures(rpo=timedelta(), rto=EXPECTED),
    takes=timedelta(seconds=40),
)
class FailoverCluster:
    facts: ClassVar[Facts]

    def plan(self, params: Which, aws: Aws, attempt: Attempt) -> StepPlan:
        cluster, zone = find_cluster(aws, params.cluster), bad_zone(params, aws)
        touches = (touched(aws, cluster.name),)
        if (writer := settled(params, cluster, zone)) is not None:
            return StepPlan(warnings=(no_need(cluster, writer),), foreseen={"writer": writer.name}, touches=touches)
        choice = choose(params, cluster, zone, lags(aws, cluster, attempt.now))
        if isinstance(choice, Phrase):
            return StepPlan(warnings=(choice,), touches=touches)
        what = phrase(N_("The writer of {cluster}"), cluster=cluster.name)
        before, after = (f"{one.name} ({one.zone})" for one in (choice.writer, choice.to))
        broken = phrase(
            N_("Connections to {cluster} break, and writes fail for about {expected}, two minutes at most."),
            cluster=cluster.name,
            expected=EXPECTED,
        )
        return StepPlan(
            calls=(_call(cluster.name, choice.to.name),),
            changes=(Change(what, before, after),),
            warnings=_warnings(cluster, choice),
            foreseen={"writer": choice.to.name, "previous": choice.writer.name, "zone": choice.to.zone},
            disturbs=(broken,),
            touches=touches,
            needs=(Need(phrase(N_("Readers that can write instead")), 1, 1 + choice.spare),),
            loses=timedelta(),
        )

    def act(self, params: Which, aws: Aws, attempt: Attempt) -> Progress:
        if "to" not in attempt.memory:
            return _choose(params, aws, attempt)
        memory = attempt.memory
        cluster = find_cluster(aws, params.cluster)
        if cluster.status == AVAILABLE and _writes(cluster) == memory["from"]:
            try:
                perform(aws, _call(params.cluster, memory["to"]))
            except ActionFailed as error:
                if error.code not in _IN_THE_WAY or _still(find_cluster(aws, params.cluster), memory):
                    raise
        return self.look(params, aws, attempt)

    def look(self, params: Which, aws: Aws, attempt: Attempt) -> Progress:
        memory = attempt.memory
        if "to" not in memory:
            return Failed(
                phrase(N_("The failover of {cluster} has not begun. Retry the step."), cluster=params.cluster)
            )
        cluster = find_cluster(aws, params.cluster)
        writer = cluster.writer
        if writer is not None and cluster.status == AVAILABLE and writer.name != memory["from"]:
            if params.to and writer.name != memory["to"]:
                return Failed(_another(cluster.name, writer.name, memory["to"]))
            if writer.status == AVAILABLE:
                what = N_("{writer} in {zone} writes for {cluster} now.")
                output = {"writer": writer.name, "previous": memory["from"], "zone": writer.zone}
                return Done(phrase(what, writer=writer.name, zone=writer.zone, cluster=cluster.name), output)
        if attempt.now - datetime.fromisoformat(memory["asked_at"]) > LONGEST:
            what = N_(
                "{cluster} has not failed over to {to} within {limit}: it is {status}, and {writer} writes. Look at the "
                "cluster's events in RDS, then retry."
            )
            writes = _writes(cluster) or "-"
            fields = {"cluster": cluster.name, "to": memory["to"], "status": cluster.status, "writer": writes}
            return Failed(phrase(what, limit=LONGEST, **fields))
        note = phrase(
            N_("{cluster} fails over to {to}: {status}"), cluster=cluster.name, to=memory["to"], status=cluster.status
        )
        return Working(note, again_in=next_look(attempt), memory=memory)


def _choose(params: Which, aws: Aws, attempt: Attempt) -> Progress:
    """Nothing is done yet: who writes and who shall is stored before the call, so that no crash forgets it."""
    cluster, zone = find_cluster(aws, params.cluster), bad_zone(params, aws)
    if (writer := settled(params, cluster, zone)) is not None:
        output = {"writer": writer.name, "previous": writer.name, "zone": writer.zone}
        return Done(no_need(cluster, writer), output)
    choice = choose(params, cluster, zone, lags(aws, cluster, attempt.now))
    if isinstance(choice, Phrase):
        return Failed(choice)
    memory = {"from": choice.writer.name, "to": choice.to.name, "asked_at": attempt.now.isoformat()}
    note = phrase(N_("{to} shall write for {cluster}"), to=choice.to.name, cluster=cluster.name)
    return Working(note, again_in=timedelta(), memory=memory, more=True)


def _call(cluster: str, to: str) -> Call:
    return Call("rds", "FailoverDBCluster", {"DBClusterIdentifier": cluster, "TargetDBInstanceIdentifier": to})


def _writes(cluster: Cluster) -> str:
    return cluster.writer.name if cluster.writer else ""


def _still(cluster: Cluster, memory: Mapping[str, Any]) -> bool:
    """Nothing has moved, and nothing is moving: then AWS's refusal is for good."""
    return cluster.status == AVAILABLE and _writes(cluster) == memory["from"]


def _another(cluster: str, writer: str, to: str) -> Phrase:
    what = N_(
        "{writer} writes for {cluster} now, and not {to}: AWS, or somebody, has chosen another. If that is as good, skip the step."
    )
    return phrase(what, writer=writer, cluster=cluster, to=to)


def _warnings(cluster: Cluster, choice: Choice) -> tuple[Phrase, ...]:
    said = [
        phrase(
            N_(
                "Clients that keep DNS answers longer than five seconds, or connect to an instance's own endpoint, go on "
                "talking to {writer}. Behind RDS Proxy they notice little."
            ),
            writer=choice.writer.name,
        )
    ]
    if choice.lag is not None and is_far_behind(choice.lag):
        what = N_("{to} is {behind} behind: the failover takes longer, and nothing is lost.")
        said.append(phrase(what, to=choice.to.name, behind=choice.lag.behind))
    if not choice.spare:
        what = N_("{cluster} has no further reader in another zone: after this there is nobody to fail over to.")
        said.append(phrase(what, cluster=cluster.name))
    return tuple(said)
