"""`rds.can_restore`: whether an Aurora cluster can be restored to a moment, before anything is done."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from pydantic import AwareDatetime

from bot.aws.polling import next_look
from bot.aws.rds.cluster import ClusterName, Described, describe_cluster
from bot.aws.rds.restored import Restoring, restored_name
from bot.errors import N_, ActionFailed, Phrase, phrase
from bot.playbook.action import Attempt, Aws, Done, Facts, Failed, Need, Params, Progress, Working, check

#: The newest restorable moment lies up to five minutes back; more than twice that is not the usual lag.
LONGEST_LAG = timedelta(minutes=10)


class Window(Params):
    cluster: ClusterName
    at: AwareDatetime


@check(
    "rds.can_restore",
    Window,
    permissions=("rds:DescribeAccountAttributes", "rds:DescribeDBClusters"),
    calls=("rds:DescribeAccountAttributes", "rds:DescribeDBClusters"),
    outputs={"earliest": "time", "latest": "time"},
    takes=timedelta(seconds=5),
)
class CanRestore:
    """Holds when the moment lies in the cluster's window, the new name is free or ours, and the account has room."""

    facts: ClassVar[Facts]

    def look(self, params: Window, aws: Aws, attempt: Attempt) -> Progress:
        source = describe_cluster(aws, params.cluster)
        if source is None:
            return Failed(no_source(params.cluster, aws.region))
        wanted = restoring(params.cluster, params.at, attempt)
        found = describe_cluster(aws, wanted.target)
        if found is not None and not wanted.is_it(found):
            return Failed(name_taken(wanted))
        if found is None and (problem := _full(room(aws, 1))) is not None:
            return Failed(problem)
        return _in_window(params, source, attempt)


def restoring(cluster: str, at: datetime, attempt: Attempt) -> Restoring:
    return Restoring(restored_name(cluster, attempt.incident), cluster, at, attempt.incident)


def no_source(cluster: str, region: str) -> Phrase:
    what = N_(
        "There is no database cluster {cluster} in {region}. Check the name; one that was deleted is restored from a snapshot."
    )
    return phrase(what, cluster=cluster, region=region)


def name_taken(wanted: Restoring) -> Phrase:
    """What to say when the cluster's name is used by something that is not this restore."""
    what = N_(
        "Cluster {target} exists already and is not a restore of {cluster} as of {at}. If nobody needs it, delete it "
        "(rds.delete_restored); to keep it, ask for the moment it was restored to."
    )
    return phrase(what, target=wanted.target, cluster=wanted.source, at=wanted.at)


def room(aws: Aws, instances: int) -> tuple[Need, ...]:
    """What the restore needs of the account's quotas, and what is left of them; nothing where AWS would not say."""
    try:
        quotas = aws.client("rds").describe_account_attributes()["AccountQuotas"]
    except ActionFailed as error:
        if error.retry:
            raise
        quotas = []
    left = {one["AccountQuotaName"]: one["Max"] - one["Used"] for one in quotas}
    return (
        Need(phrase(N_("Clusters that the account may have")), 1, left.get("DBClusters")),
        Need(phrase(N_("Instances that the account may have")), instances, left.get("DBInstances")),
    )


def _full(needs: tuple[Need, ...]) -> Phrase | None:
    for need in needs:
        if need.available is not None and need.available < need.needed:
            what = N_("{what}: {needed} needed, {left} left. Have the quota raised, or delete one that nobody needs.")
            return phrase(what, what=need.what, needed=need.needed, left=need.available)
    return None


def _in_window(params: Window, source: Described, attempt: Attempt) -> Progress:
    earliest, latest = (_time(source, name) for name in ("EarliestRestorableTime", "LatestRestorableTime"))
    if earliest is None or latest is None:
        what = N_("{cluster} has no automatic backups, so there is no moment to restore. Restore a snapshot instead.")
        return Failed(phrase(what, cluster=params.cluster))
    at = params.at.astimezone(UTC).replace(microsecond=0)
    if earliest <= at <= latest:
        note = phrase(N_("{cluster} can be restored as of {at}."), cluster=params.cluster, at=params.at)
        return Done(note, {"earliest": earliest.isoformat(), "latest": latest.isoformat()})
    if latest < at <= attempt.now and at - latest <= LONGEST_LAG:
        what = N_(
            "{at} becomes restorable in about {wait}: RDS is at {latest}. To go on now, start again with {latest}."
        )
        return Working(phrase(what, at=params.at, wait=at - latest, latest=latest), again_in=next_look(attempt))
    what = N_(
        "{cluster} cannot be restored as of {at}: only from {earliest} to {latest}. Choose a moment between these."
    )
    return Failed(phrase(what, cluster=params.cluster, at=params.at, earliest=earliest, latest=latest))


def _time(source: Mapping[str, Any], name: str) -> datetime | None:
    found: datetime | None = source.get(name)
    return found.astimezone(UTC) if found else None
