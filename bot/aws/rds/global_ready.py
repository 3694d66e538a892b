"""`rds.global_ready`: could this region's cluster become the writer of its global cluster now, and what would be lost?

Everything is asked in the region that shall write: the one that fails takes no part.
"""

from datetime import datetime, timedelta
from typing import ClassVar

from bot.aws.rds.cluster import AVAILABLE, find_cluster
from bot.aws.rds.global_cluster import GlobalCluster, GlobalName, Part, find_global
from bot.aws.rds.lag import Lag, region_lag
from bot.errors import N_, Phrase, phrase
from bot.playbook.action import Attempt, Aws, Done, Facts, Failed, Params, Progress, check

READS = (
    "cloudwatch:GetMetricData",
    "rds:DescribeDBClusters",
    "rds:DescribeDBInstances",
    "rds:DescribeGlobalClusters",
)


class World(Params):
    """The cluster that shall write is the global cluster's member in the region that the step acts in."""

    global_cluster: GlobalName


@check(
    "rds.global_ready",
    World,
    permissions=READS,
    calls=READS,
    outputs={"target": "str", "writer": "str", "behind": "number"},
    takes=timedelta(seconds=5),
)
class GlobalReady:
    """Holds when the region has a member with an instance that is available, and nothing else is on its way."""

    facts: ClassVar[Facts]

    def look(self, params: World, aws: Aws, attempt: Attempt) -> Progress:
        found = find_global(aws, params.global_cluster)
        here, writer = found.part_in(aws.region), found.writer
        if (problem := unready(aws, found)) is not None:
            return Failed(problem)
        assert here is not None  # else it is not ready
        output = {"target": here.arn, "writer": writer.arn if writer else ""}
        if here.writes:
            what = N_("{cluster} in {region} writes for {name} already.")
            return Done(
                phrase(what, cluster=here.cluster, region=here.region, name=found.name), {**output, "behind": 0.0}
            )
        lag = lag_of(aws, found, here, attempt.now)
        return Done(said_of(lag, here), {**output, "behind": lag.behind.total_seconds()} if lag else output)


def unready(aws: Aws, found: GlobalCluster) -> Phrase | None:
    """Why the member of this region cannot be made the writer."""
    here = found.part_in(aws.region)
    if here is None:
        return nobody_here(found, aws.region)
    if found.moving_to and found.moving_to != here.arn:
        what = N_("{name} is {status} towards {target} already. Wait until that has ended, then look again.")
        return phrase(what, name=found.name, status=found.status, target=found.moving_to)
    cluster = find_cluster(aws, here.cluster)
    if not cluster.members:
        what = N_(
            "{cluster} in {region} has no instance, so it cannot write. Add one beforehand: now it takes several minutes."
        )
        return phrase(what, cluster=here.cluster, region=here.region)
    if cluster.status == AVAILABLE and not any(one.status == AVAILABLE for one in cluster.members):
        what = N_("No instance of {cluster} in {region} is available: {instances}.")
        instances = ", ".join(f"{one.name} ({one.status})" for one in cluster.members)
        return phrase(what, cluster=here.cluster, region=here.region, instances=instances)
    if cluster.status != AVAILABLE and not found.moving_to:
        what = N_("{cluster} in {region} is {status}, not available. Look at its events in RDS.")
        return phrase(what, cluster=here.cluster, region=here.region, status=cluster.status)
    return None


def nobody_here(found: GlobalCluster, region: str) -> Phrase:
    regions = ", ".join(one.region for one in found.parts)
    what = N_("{name} has no member in {region}; it has some in {regions}. Act in one of these.")
    return phrase(what, name=found.name, region=region, regions=regions)


def lag_of(aws: Aws, found: GlobalCluster, here: Part, now: datetime) -> Lag | None:
    """How far this region was behind when CloudWatch here last knew."""
    source = found.writer.region if found.writer else ""
    return region_lag(aws, here.cluster, source, now)


def said_of(lag: Lag | None, here: Part) -> Phrase:
    """What a failover to this region would lose."""
    if lag is None:
        what = N_("{region} does not know how far {cluster} is behind: nobody can say what a failover would lose.")
        return phrase(what, cluster=here.cluster, region=here.region)
    what = N_("{cluster} in {region} was {behind} s behind at {at}: about what a failover would lose.")
    behind = f"{lag.behind.total_seconds():.1f}"
    return phrase(what, cluster=here.cluster, region=here.region, behind=behind, at=lag.at)
