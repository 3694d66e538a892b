"""`rds.writable`: whether a cluster is being written to, told by somebody else than the API that moved its writer.

RDS says that cluster and writer are available. CloudWatch says how far the readers are behind, which it can only while the
writer gives them something to follow. Whether the application can write, only the application's own probe tells.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import Field

from bot.aws.polling import SETTLING, next_look
from bot.aws.rds.cluster import AVAILABLE, Cluster, ClusterName, InstanceName, Member, find_cluster
from bot.aws.rds.lag import Lag, reader_lags
from bot.aws.zone.find import ZoneName, find_zone
from bot.errors import N_, Phrase, phrase
from bot.playbook.action import Attempt, Aws, Done, Facts, Failed, Params, Progress, Working, check
from escalation.duration import Duration

#: CloudWatch's points come a minute or two late; after this their absence means something.
_PATIENCE = 5 * SETTLING
#: A reader that was in trouble itself is not waited for as long, and its silence proves nothing.
_COURTESY = 2 * SETTLING
READS = (
    "cloudwatch:GetMetricData",
    "ec2:DescribeAvailabilityZones",
    "rds:DescribeDBClusters",
    "rds:DescribeDBInstances",
)


class Followed(Params):
    """`behind`: how far a reader may be behind. `left`, `zone`: the instance, or the zone, that was failed away from."""

    cluster: ClusterName
    behind: Annotated[Duration, Field(ge=timedelta(seconds=1), le=timedelta(hours=1))] = timedelta(seconds=10)
    left: InstanceName | None = None
    zone: ZoneName | None = None


@check(
    "rds.writable",
    Followed,
    permissions=READS,
    calls=READS,
    outputs={"writer": "str"},
    takes=timedelta(minutes=2),
)
class Writable:
    """Holds when the writer is available and a reader follows it; waits as long as CloudWatch may not know yet."""

    facts: ClassVar[Facts]

    def look(self, params: Followed, aws: Aws, attempt: Attempt) -> Progress:
        cluster, waited = find_cluster(aws, params.cluster), attempt.now - attempt.started_at
        if (problem := _unwell(cluster)) is not None:
            return Working(problem, again_in=next_look(attempt)) if waited < _PATIENCE else Failed(problem)
        readers = [one for one in cluster.readers if one.status == AVAILABLE]
        known = reader_lags(aws, [one.name for one in readers], attempt.now)
        known = {
            name: lag for name, lag in known.items() if lag.at >= attempt.started_at
        }  # else from before the change
        follow = [name for name, lag in known.items() if lag.behind <= params.behind]
        if follow or not readers:
            return _done(cluster, follow)
        witnesses = _witnesses(params, aws, readers)
        if waited < (_PATIENCE if witnesses else _COURTESY):
            return Working(_unheard(params, cluster, known), again_in=next_look(attempt))
        return Failed(_unheard(params, cluster, known)) if witnesses else _done(cluster, follow)


def _witnesses(params: Followed, aws: Aws, readers: list[Member]) -> list[Member]:
    """The readers that had no trouble of their own."""
    bad = find_zone(aws, params.zone).name if params.zone else None
    return [one for one in readers if one.name != params.left and one.zone != bad]


def _unwell(cluster: Cluster) -> Phrase | None:
    writer = cluster.writer
    if cluster.status == AVAILABLE and writer is not None and writer.status == AVAILABLE:
        return None
    what = N_("{cluster} is {status}, and its writer {writer} is {state}. Look at its events in RDS.")
    name, state = (writer.name, writer.status) if writer else ("-", "-")
    return phrase(what, cluster=cluster.name, status=cluster.status, writer=name, state=state)


def _unheard(params: Followed, cluster: Cluster, known: Mapping[str, Lag]) -> Phrase:
    late = sorted(name for name, lag in known.items() if lag.behind > params.behind)
    if late:
        what = N_(
            "No reader follows the writer of {cluster}; more than {behind} behind: {readers}. Look at the instances."
        )
        return phrase(what, cluster=cluster.name, behind=params.behind, readers=", ".join(late))
    what = N_(
        "CloudWatch does not say that any reader follows the writer of {cluster}. Look at the instances: {readers}."
    )
    return phrase(what, cluster=cluster.name, readers=", ".join(one.name for one in cluster.readers))


def _done(cluster: Cluster, follow: list[str]) -> Done:
    assert cluster.writer is not None  # else it was not well
    output = {"writer": cluster.writer.name}
    if not follow:
        what = N_("{writer} writes for {cluster}. It has no reader whose lag would bear that out: try the application.")
        return Done(phrase(what, writer=cluster.writer.name, cluster=cluster.name), output)
    what = N_("{writer} writes for {cluster}, and its readers follow: {readers}.")
    return Done(phrase(what, writer=cluster.writer.name, cluster=cluster.name, readers=", ".join(follow)), output)
