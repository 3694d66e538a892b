"""`rds.writable`: whether a cluster is being written to, told by somebody else than the API that moved its writer.

RDS says that cluster and writer are available. CloudWatch says how far the readers are behind, which it can only while the
writer gives them something to follow. Whether the application can write, only the application's own probe tells.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import Field

from bot.aws.polling import SETTLING, next_look
from bot.aws.rds.cluster import AVAILABLE, Cluster, ClusterName, find_cluster
from bot.aws.rds.lag import Lag, reader_lags
from bot.errors import N_, Phrase, phrase
from bot.playbook.action import Attempt, Aws, Done, Facts, Failed, Params, Progress, Working, check
from escalation.duration import Duration

#: CloudWatch's points come a minute or two late; after this their absence means something.
_PATIENCE = 5 * SETTLING
_POINT = timedelta(minutes=1)
READS = ("cloudwatch:GetMetricData", "rds:DescribeDBClusters", "rds:DescribeDBInstances")


class Followed(Params):
    """`behind`: how far a reader may be behind."""

    cluster: ClusterName
    behind: Annotated[Duration, Field(ge=timedelta(seconds=1), le=timedelta(hours=1))] = timedelta(seconds=10)


@check(
    "rds.writable",
    Followed,
    permissions=READS,
    calls=READS,
    outputs={"writer": "str"},
    takes=timedelta(minutes=2),
)
class Writable:
    """Holds when the writer is available and its readers follow it; waits as long as CloudWatch may not know yet."""

    facts: ClassVar[Facts]

    def look(self, params: Followed, aws: Aws, attempt: Attempt) -> Progress:
        cluster = find_cluster(aws, params.cluster)
        readers = [one.name for one in cluster.readers if one.status == AVAILABLE]
        problem = _unwell(cluster)
        if problem is None:
            known = reader_lags(aws, readers, attempt.now)
            since = attempt.started_at - _POINT  # what is older may be from before the change
            fresh = {name: lag for name, lag in known.items() if lag.at >= since}
            problem = _unheard(params, cluster.name, readers, fresh)
        if problem is None:
            return _done(cluster, readers)
        if attempt.now - attempt.started_at < _PATIENCE:
            return Working(problem, again_in=next_look(attempt))
        return Failed(problem)


def _unwell(cluster: Cluster) -> Phrase | None:
    writer = cluster.writer
    if cluster.status == AVAILABLE and writer is not None and writer.status == AVAILABLE:
        return None
    what = N_("{cluster} is {status}, and its writer {writer} is {state}. Look at its events in RDS.")
    name, state = (writer.name, writer.status) if writer else ("-", "-")
    return phrase(what, cluster=cluster.name, status=cluster.status, writer=name, state=state)


def _unheard(params: Followed, cluster: str, readers: Sequence[str], known: Mapping[str, Lag]) -> Phrase | None:
    silent = sorted(set(readers) - known.keys())
    if silent:
        what = N_("CloudWatch does not say yet that {readers} follow the writer of {cluster}. Look at the instances.")
        return phrase(what, readers=", ".join(silent), cluster=cluster)
    late = sorted(name for name, lag in known.items() if lag.behind > params.behind)
    if late:
        what = N_("{readers} are more than {behind} behind the writer of {cluster}. Look at the instances.")
        return phrase(what, readers=", ".join(late), behind=params.behind, cluster=cluster)
    return None


def _done(cluster: Cluster, readers: Sequence[str]) -> Done:
    assert cluster.writer is not None  # else it was not well
    output = {"writer": cluster.writer.name}
    if not readers:
        what = N_("{writer} writes for {cluster}. It has no reader whose lag would bear that out: try the application.")
        return Done(phrase(what, writer=cluster.writer.name, cluster=cluster.name), output)
    what = N_("{writer} writes for {cluster}, and its readers follow: {readers}.")
    return Done(phrase(what, writer=cluster.writer.name, cluster=cluster.name, readers=", ".join(readers)), output)
