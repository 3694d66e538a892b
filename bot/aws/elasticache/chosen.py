"""Which replica shall write instead: `elasticache.can_promote`, and the choice that `elasticache.promote_replica` makes.

Replicas of a cache follow asynchronously: what the chosen one has not received is lost. CloudWatch says how far each is behind.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from bot.aws.elasticache.group import AVAILABLE, Group, GroupName, Node, NodeName, find_group
from bot.aws.gauges import Gauge, latest
from bot.aws.polling import SETTLING, next_look
from bot.aws.zone.find import Zone, ZoneName, find_zone
from bot.errors import N_, Phrase, phrase
from bot.playbook.action import Attempt, Aws, Done, Facts, Failed, Params, Progress, Working, check

READS = (
    "cloudwatch:GetMetricData",
    "ec2:DescribeAvailabilityZones",
    "elasticache:DescribeReplicationGroups",
)
_FRESH = timedelta(minutes=5)
_FAR_BEHIND = timedelta(seconds=1)


class Which(Params):
    """`to`: the node that shall write. `zone`: one that is in trouble, by name or id: nobody there shall write."""

    group: GroupName
    to: NodeName | None = None
    zone: ZoneName | None = None


@dataclass(frozen=True)
class Choice:
    """`behind`: how far the one that shall write was behind, when CloudWatch says it."""

    primary: Node
    to: Node
    behind: timedelta | None


@check(
    "elasticache.can_promote",
    Which,
    permissions=READS,
    calls=READS,
    outputs={"primary": "str", "zone": "str", "to": "str", "automatic_failover": "bool", "multi_az": "bool"},
    takes=timedelta(seconds=5),
)
class CanPromote:
    """Holds when the group is available, without cluster mode, and a replica in another zone could write instead."""

    facts: ClassVar[Facts]

    def look(self, params: Which, aws: Aws, attempt: Attempt) -> Progress:
        group, zone = find_group(aws, params.group), bad_zone(params, aws)
        if group.status == "modifying" and attempt.now - attempt.started_at < 2 * SETTLING:
            return Working(
                phrase(N_("{group} is being changed already"), group=group.name), again_in=next_look(attempt)
            )
        found = group.primary if is_settled(params, group, zone) else choose(params, aws, group, zone, attempt.now)
        if isinstance(found, Phrase):
            return Failed(found)
        if isinstance(found, Choice):
            what = N_("{to} in {zone} can write instead of {primary}.")
            note = phrase(what, to=found.to.name, zone=found.to.zone, primary=found.primary.name)
            return Done(note, _output(group, found.primary, found.to))
        assert found is not None  # a group that is settled has a primary
        return Done(no_need(group, found), _output(group, found, found))


def bad_zone(params: Which, aws: Aws) -> Zone | None:
    return find_zone(aws, params.zone) if params.zone else None


def is_settled(params: Which, group: Group, zone: Zone | None) -> bool:
    """The primary is the one that is asked for, or stands outside of the bad zone."""
    primary = group.primary
    if primary is None or group.status != AVAILABLE:
        return False
    return primary.name == params.to if params.to else zone is not None and primary.zone != zone.name


def no_need(group: Group, primary: Node) -> Phrase:
    what = N_("{primary} in {zone} writes for {group} already: there is nothing to promote.")
    return phrase(what, primary=primary.name, zone=primary.zone, group=group.name)


def choose(params: Which, aws: Aws, group: Group, zone: Zone | None, now: datetime) -> Choice | Phrase:
    """Which replica shall write; a phrase says why none can."""
    primary = group.primary
    if (problem := _unfit(group)) is not None or primary is None:
        return problem or _not_available(group)
    behind = _lags(aws, group, now)
    if params.to:
        named = next((one for one in group.replicas if one.name == params.to), None)
        if named is None or (zone is not None and named.zone == zone.name):
            return _not_that_one(params.to, group)
        return Choice(primary, named, behind.get(named.name))
    away = {primary.zone} | ({zone.name} if zone else set())
    fit = sorted(
        (one for one in group.replicas if one.zone not in away),
        key=lambda one: (
            behind.get(one.name, timedelta.max) > _FAR_BEHIND,
            one.name,
        ),  # so that a plan stays what it was
    )
    if not fit:
        what = N_("{group} has no replica outside of {zones}. Name one in the same zone if it is the node that fails.")
        return phrase(what, group=group.name, zones=", ".join(sorted(away)))
    return Choice(primary, fit[0], behind.get(fit[0].name))


def _unfit(group: Group) -> Phrase | None:
    if group.sharded:
        what = N_(
            "{group} runs in cluster mode, where no replica can be promoted by hand: ElastiCache fails over each shard itself."
        )
        return phrase(what, group=group.name)
    if group.datastore:
        what = N_(
            "{group} is in global datastore {datastore}, which needs automatic failover, and that keeps a replica from being "
            "promoted. Let ElastiCache fail over, or make another region write (elasticache.failover_global)."
        )
        return phrase(what, group=group.name, datastore=group.datastore)
    return _not_available(group) if group.status != AVAILABLE else None


def _not_available(group: Group) -> Phrase:
    what = N_("{group} is {status}, so no replica can be promoted now. Wait until it is available, then retry.")
    return phrase(what, group=group.name, status=group.status)


def _not_that_one(to: str, group: Group) -> Phrase:
    what = N_("{to} is no replica of {group} that may write. Its replicas: {names}. Name another one, or none.")
    names = ", ".join(f"{one.name} ({one.zone})" for one in group.replicas) or "-"
    return phrase(what, to=to, group=group.name, names=names)


def _lags(aws: Aws, group: Group, now: datetime) -> dict[str, timedelta]:
    """By node. ElastiCache counts in seconds."""
    names = [one.name for one in group.replicas]
    gauges = [Gauge("AWS/ElastiCache", "ReplicationLag", {"CacheClusterId": name}) for name in names]
    found = latest(aws, gauges, now, _FRESH)
    return {name: timedelta(seconds=one.value) for name, one in zip(names, found, strict=True) if one is not None}


def _output(group: Group, primary: Node, to: Node) -> dict[str, str | bool]:
    own = {"automatic_failover": group.fails_over, "multi_az": group.multi_az}
    return {"primary": primary.name, "zone": primary.zone, "to": to.name, **own}
