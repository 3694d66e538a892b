"""Who shall write instead: `rds.can_fail_over`, and the choice that `rds.failover_cluster` makes.

Readers of an Aurora cluster share the writer's storage, so no reader has less data than another; one that is far behind
only takes longer. What matters is that the new writer is well, and that it does not stand where the old one fails.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from bot.aws.polling import SETTLING, next_look
from bot.aws.rds.cluster import AVAILABLE, Cluster, ClusterName, InstanceName, Member, find_cluster
from bot.aws.rds.lag import Lag, reader_lags
from bot.aws.zone.find import Zone, ZoneName, find_zone
from bot.errors import N_, Phrase, phrase
from bot.playbook.action import Attempt, Aws, Done, Facts, Failed, Params, Progress, Working, check

READS = (
    "cloudwatch:GetMetricData",
    "ec2:DescribeAvailabilityZones",
    "rds:DescribeDBClusters",
    "rds:DescribeDBInstances",
)
_FAR_BEHIND = timedelta(seconds=1)


class Which(Params):
    """`to`: the instance that shall write. `zone`: one that is in trouble, by name or id: nobody there shall write."""

    cluster: ClusterName
    to: InstanceName | None = None
    zone: ZoneName | None = None


@dataclass(frozen=True)
class Choice:
    """`lag`: of the one that shall write, when CloudWatch says it; `spare`: how many others could do it too."""

    writer: Member
    to: Member
    lag: Lag | None
    spare: int


@check(
    "rds.can_fail_over",
    Which,
    permissions=READS,
    calls=READS,
    outputs={"writer": "str", "zone": "str", "to": "str"},
    takes=timedelta(seconds=5),
)
class CanFailOver:
    """Holds when the cluster is available, and a reader that is well could write instead, in another zone."""

    facts: ClassVar[Facts]

    def look(self, params: Which, aws: Aws, attempt: Attempt) -> Progress:
        cluster, zone = find_cluster(aws, params.cluster), bad_zone(params, aws)
        if cluster.status == "failing-over" and attempt.now - attempt.started_at < 2 * SETTLING:
            note = phrase(N_("{cluster} is failing over already"), cluster=cluster.name)
            return Working(note, again_in=next_look(attempt))
        if (writer := settled(params, cluster, zone)) is not None:
            return Done(no_need(cluster, writer), {"writer": writer.name, "zone": writer.zone, "to": writer.name})
        choice = choose(params, cluster, zone, lags(aws, cluster, attempt.now))
        if isinstance(choice, Phrase):
            return Failed(choice)
        what = N_("{to} in {zone} can write instead of {writer}.")
        note = phrase(what, to=choice.to.name, zone=choice.to.zone, writer=choice.writer.name)
        return Done(note, {"writer": choice.writer.name, "zone": choice.writer.zone, "to": choice.to.name})


def bad_zone(params: Which, aws: Aws) -> Zone | None:
    return find_zone(aws, params.zone) if params.zone else None


def lags(aws: Aws, cluster: Cluster, now: datetime) -> dict[str, Lag]:
    return reader_lags(aws, [one.name for one in cluster.readers], now)


def is_far_behind(lag: Lag | None) -> bool:
    return lag is not None and lag.behind > _FAR_BEHIND


def settled(params: Which, cluster: Cluster, zone: Zone | None) -> Member | None:
    """The writer, when nothing is left to do: it is the one that is asked for, or stands outside of the bad zone."""
    writer = cluster.writer
    if writer is None or cluster.status != AVAILABLE:
        return None
    wanted = writer.name == params.to if params.to else zone is not None and writer.zone != zone.name
    return writer if wanted else None


def no_need(cluster: Cluster, writer: Member) -> Phrase:
    what = N_("{writer} in {zone} writes for {cluster} already: there is nothing to fail over.")
    return phrase(what, writer=writer.name, zone=writer.zone, cluster=cluster.name)


def choose(params: Which, cluster: Cluster, zone: Zone | None, known: dict[str, Lag]) -> Choice | Phrase:
    """Who shall write; a phrase says why nobody can."""
    writer = cluster.writer
    if cluster.status != AVAILABLE or writer is None:
        what = N_("Cluster {cluster} is {status}, so it cannot fail over now. Wait until it is available, then retry.")
        return phrase(what, cluster=cluster.name, status=cluster.status)
    if params.to:
        return _named(params.to, cluster, writer, zone, known)
    away = {writer.zone} | ({zone.name} if zone else set())
    fit = sorted(
        (one for one in cluster.readers if one.status == AVAILABLE and one.zone not in away),
        key=lambda one: (one.tier, is_far_behind(known.get(one.name)), one.name),  # so that a plan stays what it was
    )
    if not fit:
        return _nobody(cluster, away)
    return Choice(writer, fit[0], known.get(fit[0].name), len(fit) - 1)


def _named(to: str, cluster: Cluster, writer: Member, zone: Zone | None, known: dict[str, Lag]) -> Choice | Phrase:
    """A person may name a reader in the writer's own zone; one that is in trouble, not."""
    found = cluster.member(to)
    if found is None or found.writes:
        names = ", ".join(one.name for one in cluster.readers) or "-"
        what = N_("{to} is no reader of {cluster}. Its readers: {names}. Name one of these.")
        return phrase(what, to=to, cluster=cluster.name, names=names)
    if found.status != AVAILABLE or (zone is not None and found.zone == zone.name):
        what = N_("{to} in {zone} is {status}, or stands in the zone in trouble. Name another reader, or none.")
        return phrase(what, to=to, zone=found.zone, status=found.status)
    others = [one for one in cluster.readers if one.status == AVAILABLE and one.name != to]
    return Choice(writer, found, known.get(to), len(others))


def _nobody(cluster: Cluster, away: set[str]) -> Phrase:
    readers = ", ".join(f"{one.name} ({one.zone}, {one.status})" for one in cluster.readers) or "-"
    what = N_(
        "No reader of {cluster} outside of {zones} is available; its readers: {readers}. Add one (it takes minutes), or name "
        "a reader in the same zone if it is the instance that fails and not the zone."
    )
    return phrase(what, cluster=cluster.name, zones=", ".join(sorted(away)), readers=readers)
