"""How much data a failover leaves behind, as far as it is known: the last delays of replication, and how old that is. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import StringConstraints

from bot.aws.dynamodb.table import TableName
from bot.aws.region.known import database, replica
from bot.aws.region.services import NOTHING
from bot.errors import N_, Phrase, phrase
from bot.playbook.action import Attempt, InputType, Params

TableNames = Annotated[tuple[TableName, ...], NOTHING, InputType("dynamodb.tables")]
GlobalCluster = Annotated[
    str, InputType("rds.global_cluster"), StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,254}$")
]


class Data(Params):
    """What is replicated between `failing` and the region that acts. `failing` None: nothing is left behind."""

    tables: TableNames = ()
    database: GlobalCluster | None = None
    failing: Annotated[str, InputType("region")] | None = None
    acting: Annotated[str, InputType("region")] | None = None


@dataclass(frozen=True)
class Losses:
    """`length`: the longest that is known; None: nothing is known, which is not nothing."""

    length: timedelta | None
    said: tuple[Phrase, ...]


def losses(data: Data, attempt: Attempt) -> Losses:
    """The writes of about this long have not arrived; of global tables they come when the region returns."""
    if data.failing is None:
        return Losses(None, ())
    found = [*_of_tables(data, attempt), *_of_database(data, attempt)]
    lengths = [length for length, _ in found if length is not None]
    return Losses(max(lengths, default=None), tuple(said for _, said in found))


def _of_tables(data: Data, attempt: Attempt) -> Iterator[tuple[timedelta | None, Phrase]]:
    for name in data.tables:
        seen = replica(attempt.known, data.failing or "", name)
        late = seen and seen.value.latency.get(data.acting or "", max(seen.value.latency.values(), default=0.0))
        if seen is None:
            what = N_("How far the copy of table {table} lags behind is not known: nobody has noted it.")
            yield None, phrase(what, table=name)
            continue
        length = timedelta(milliseconds=late or 0.0)
        if not seen.value.latency:
            what = N_(
                "Table {table}: no write was replicated in the ten minutes before {age} ago, so its lag is not known."
            )
            yield None, phrase(what, table=name, age=aged(attempt, seen.at))
            continue
        what = N_(
            "Table {table}: the latest writes of up to {lag} had not arrived, as measured {age} ago. They come when the region "
            "returns; of two writes to one item the later one stays."
        )
        yield length, phrase(what, table=name, lag=shown(length), age=aged(attempt, seen.at))


def _of_database(data: Data, attempt: Attempt) -> Iterator[tuple[timedelta | None, Phrase]]:
    if data.database is None:
        return
    seen = database(attempt.known, data.acting or "", data.database)
    if seen is None or seen.value.lag is None:
        what = N_("How far database {database} lags behind is not known: nobody has noted it.")
        yield None, phrase(what, database=data.database)
        return
    length = timedelta(milliseconds=seen.value.lag)
    what = N_("Database {database}: the latest writes of up to {lag} are lost for good, as measured {age} ago.")
    yield length, phrase(what, database=data.database, lag=shown(length), age=aged(attempt, seen.at))


def shown(length: timedelta) -> str:
    """A delay with what is below a second: `0.8 s`."""
    return f"{length.total_seconds():.1f} s"


def aged(attempt: Attempt, at: datetime) -> timedelta:
    """How old something is, in whole seconds."""
    return timedelta(seconds=max(0, int((attempt.now - at).total_seconds())))
