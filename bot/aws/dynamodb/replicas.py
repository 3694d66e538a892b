"""Is the copy of a global table ready, and has it caught up? `dynamodb.replicas_ready`, `dynamodb.replication_caught_up`."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, ClassVar

from pydantic import AwareDatetime

from bot.aws.dynamodb.table import TableName, describe
from bot.aws.measured import longest
from bot.aws.polling import next_look
from bot.errors import N_, Phrase, phrase
from bot.playbook.action import Attempt, Aws, Done, Facts, Failed, InputType, Params, Progress, Working, check
from escalation.duration import Duration

TableNames = Annotated[tuple[TableName, ...], InputType("dynamodb.tables")]
#: AWS's own rule for how long writes must stand still, in multiples of the longest delay of late.
#: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html
TIMES = 10


class Copies(Params):
    """`other`: the region with which the tables are shared."""

    tables: TableNames
    other: Annotated[str, InputType("region")]


@check(
    "dynamodb.replicas_ready",
    Copies,
    permissions=("dynamodb:DescribeTable",),
    calls=("dynamodb:DescribeTable",),
    takes=timedelta(seconds=5),
)
class ReplicasReady:
    """Holds when every table is here, ACTIVE, and a copy of the one in the other region. The other region is not asked."""

    facts: ClassVar[Facts]

    def look(self, params: Copies, aws: Aws, attempt: Attempt) -> Progress:  # noqa: ARG002  # nothing depends on it
        for name in params.tables:
            if problem := not_ready(aws, name, params.other):
                return Failed(problem)
        what = N_("{count} tables are ready in {region}, each a copy of the one in {other}.")
        return Done(phrase(what, count=len(params.tables), region=aws.region, other=params.other))


class Paused(Copies):
    """`normal`: the longest delay that counts as usual. `paused_at`: since when nobody writes; left out, since the step began."""

    normal: Duration = timedelta(seconds=10)
    paused_at: AwareDatetime | None = None


@check(
    "dynamodb.replication_caught_up",
    Paused,
    permissions=("cloudwatch:GetMetricStatistics",),
    calls=("cloudwatch:GetMetricStatistics",),
    outputs={"longest": "duration", "stood_still": "duration"},
    takes=timedelta(minutes=2),
)
class ReplicationCaughtUp:
    """Holds when the delay is usual in both directions, and nobody has written for ten times the longest delay of late.

    No metric proves that everything has arrived; this is what AWS advises instead.
    """

    facts: ClassVar[Facts]

    def look(self, params: Paused, aws: Aws, attempt: Attempt) -> Progress:
        since = params.paused_at or attempt.started_at
        measured = attempt.memory.get("longest")
        if measured is None:
            found = _longest(params, aws, attempt.now)
            if found > params.normal:
                what = N_("Replication is {delay} late; waiting until it is at most {normal} again")
                note = phrase(what, delay=_shown(found), normal=params.normal)
                return Working(note, again_in=next_look(attempt))
            measured = found.total_seconds()
        longest_delay = timedelta(seconds=float(measured))
        until = since + TIMES * longest_delay
        memory = {"longest": longest_delay.total_seconds()}
        if attempt.now < until:
            what = N_("Nobody writes since {since}; {times} times the longest delay ({delay}) is over at {until}")
            fields = {"since": since, "times": TIMES, "delay": _shown(longest_delay), "until": until}
            return Working(phrase(what, **fields), again_in=until - attempt.now, memory=memory)
        what = N_(
            "Nobody has written for {length}, {times} times the longest delay of late ({delay}). No metric proves that "
            "everything has arrived; this is what AWS advises."
        )
        stood = attempt.now - since
        note = phrase(what, length=_whole(stood), times=TIMES, delay=_shown(longest_delay))
        return Done(
            note, {"longest": f"{longest_delay.total_seconds():g}s", "stood_still": f"{int(stood.total_seconds())}s"}
        )


def not_ready(aws: Aws, name: str, other: str) -> Phrase | None:
    """Why the table here is no copy of the other region's that can be used; None: it is."""
    table = describe(aws, name)
    if table is None:
        what = N_("There is no table {table} in {region}: it is not replicated. A restore is no cure for that now.")
        return phrase(what, table=name, region=aws.region)
    if table["TableStatus"] not in {"ACTIVE", "UPDATING"}:
        what = N_("Table {table} in {region} is {status}, not ACTIVE. Wait until it is.")
        return phrase(what, table=name, region=aws.region, status=table["TableStatus"])
    if other not in {one["RegionName"] for one in table.get("Replicas", ())}:
        what = N_(
            "Table {table} in {region} is no copy of the one in {other}: its replicas are {replicas}. What is written there is "
            "missing here."
        )
        replicas = ", ".join(one["RegionName"] for one in table.get("Replicas", ())) or "-"
        return phrase(what, table=name, region=aws.region, other=other, replicas=replicas)
    return None


def _longest(params: Paused, aws: Aws, now: datetime) -> timedelta:
    """Over all tables and both directions; `normal` where nothing was written lately, so that nothing is assumed better."""
    found = list(_measured(params, aws, now))
    return timedelta(milliseconds=max(found)) if found else params.normal


def _measured(params: Paused, aws: Aws, now: datetime) -> Iterator[float]:
    for name in params.tables:
        for source, receiving in ((aws.region, params.other), (params.other, aws.region)):
            dimensions = {"TableName": name, "ReceivingRegion": receiving}
            late = longest(aws, "AWS/DynamoDB", "ReplicationLatency", dimensions, now, source)
            if late is not None:
                yield late


def _shown(length: timedelta) -> str:
    """With what is below a second: `0.8 s`."""
    return f"{length.total_seconds():.1f} s"


def _whole(length: timedelta) -> timedelta:
    return timedelta(seconds=int(length.total_seconds()))
