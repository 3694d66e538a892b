"""The queue: jobs as rows, leased by a conditional UPDATE, finished only under the fence."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Integer,
    String,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from bot.errors import LeaseLost
from bot.jobs import KINDS, LEASE, Job, Lane, NewJob
from bot.store.statements import Statements
from bot.store.tables import JobRow

_jobs = JobRow.__table__  # type: ignore[attr-defined]  # SQLModel adds it when the class is made


class Queue:
    """The jobs table inside one transaction."""

    def __init__(self, connection: Statements, now: datetime) -> None:
        self.connection, self.now = connection, now
        self.touched: set[Lane] = set()
        self._added: list[dict[str, Any]] = []

    async def add(self, *jobs: NewJob) -> None:
        """Write jobs when the transaction ends; one whose `key` waits already only becomes due earlier.

        Not before: a key belongs to whoever wrote it until their transaction ends, and many write the same ones (a card is
        drawn for everything). Whoever holds a key waits for nothing any more, so that nobody waits in a circle.
        """
        self._added += [self._row(job) for job in jobs]

    async def flush(self) -> None:
        """Write what was added. Keys are taken in a fixed order."""
        rows, self._added = self._added, []
        plain, keyed = [r for r in rows if r["key"] is None], [r for r in rows if r["key"] is not None]
        if plain:
            await self.connection.execute(_INSERT, plain)
        if keyed:
            latest_first = sorted(keyed, key=lambda row: (row["key"], row["due_at"]), reverse=True)
            earliest = {row["key"]: row for row in latest_first}
            await self.connection.execute(_UPSERT[self.connection.dialect.name], list(earliest.values()))

    def _row(self, job: NewJob) -> dict[str, Any]:
        due = job.due_at or self.now
        if due <= self.now:
            self.touched.add(job.kind.lane)
        return {
            "kind": job.kind.name, "lane": int(job.kind.lane), "state": "waiting", "payload": dict(job.payload),
            "key": job.key, "due_at": due, "created_at": self.now, "attempts": 0, "fence": 0, "error": "",
        }  # fmt: skip

    async def lease(self, lane: Lane, limit: int, owner: str) -> Sequence[Job]:
        """Take up to `limit` due jobs. Taking one gives up its key, so that newer work for the same thing can be added."""
        await self.flush()
        taken = await self.connection.execute(
            _LEASE[lane], {"now": self.now, "most": limit, "until": self.now + LEASE, "holder": owner}
        )
        jobs = [
            Job(row.id, KINDS[row.kind], row.payload, row.due_at, row.attempts, row.fence, row.created_at)
            for row in taken
        ]
        return sorted(jobs, key=lambda job: (job.due_at, job.id))

    async def check(self, *jobs: Job) -> None:
        """Raise `LeaseLost` unless every one of these leases is still ours. Locks the rows until the transaction ends."""
        held = await self.connection.execute(select(_jobs.c.id).where(_fence(jobs)).with_for_update())
        _all_held(jobs, {row.id for row in held})

    async def finish(self, *jobs: Job) -> None:
        """Remove finished jobs. Raises `LeaseLost`, and so undoes the whole transaction, when one is no longer ours."""
        if jobs:
            fences = [{"job": job.id, "held": job.fence} for job in sorted(jobs, key=lambda job: job.id)]
            gone = await self.connection.execute(_FINISH, fences)
            if gone.rowcount != len(jobs):
                raise _lost(*jobs)

    async def again(self, job: Job, after: timedelta, error: str) -> None:
        """Give a job back, to be tried after a while."""
        await self._release(job, due_at=self.now + after, error=error)

    async def give_back(self, *jobs: Job) -> None:
        """Give jobs back, as a stopping process does. They count as tried: what was begun may have had its effect."""
        for job in jobs:
            await self._release(job, due_at=job.due_at, error="")
            self.touched.add(job.kind.lane)

    async def free_all(self) -> None:
        """Make every lease void: for the only worker of a database, when it starts."""
        held = update(_jobs).where(_jobs.c.leased_until.is_not(None))
        await self.connection.execute(held.values(leased_until=None, owner=None))

    async def bury(self, job: Job, error: str) -> None:
        """Set a job aside that failed too often. A person must see it."""
        await self._release(job, state="dead", error=error)

    async def _release(self, job: Job, **values: Any) -> None:
        changed = await self.connection.execute(
            update(_jobs).where(_fence((job,))).values(leased_until=None, owner=None, **values).returning(_jobs.c.id)
        )
        _all_held((job,), {row.id for row in changed})

    async def extend(self, owner: str, jobs: Sequence[Job]) -> frozenset[int]:
        """Renew the leases of running jobs; the ids that are still ours."""
        kept = await self.connection.execute(
            update(_jobs)
            .where(_fence(jobs), _jobs.c.owner == owner)
            .values(leased_until=self.now + LEASE)
            .returning(_jobs.c.id)
        )
        return frozenset(row.id for row in kept)

    async def next_due(self, lane: Lane) -> datetime | None:
        """When the lane's next job can be taken. Neither statement reads more than what is due, however much waits."""
        await self.flush()
        free: datetime | None = (await self.connection.execute(_NEXT_FREE[lane])).scalar()
        if free is not None and free <= self.now:
            return free
        held: datetime | None = (await self.connection.execute(_NEXT_HELD[lane], {"now": self.now})).scalar()
        return min((at for at in (free, held) if at is not None), default=None)

    async def counts(self) -> Sequence[tuple[str, str, int, datetime]]:
        """(kind, state, how many, the earliest due time), for health and metrics."""
        await self.flush()
        rows = await self.connection.execute(
            select(
                _jobs.c.kind, _jobs.c.state, func.count(), func.min(_jobs.c.due_at, type_=_jobs.c.due_at.type)
            ).group_by(_jobs.c.kind, _jobs.c.state)
        )
        return [(kind, state, count, due) for kind, state, count, due in rows]


# Statements that run for every job are built once: to build one takes longer than to run it.


def _waiting(lane: Lane) -> Sequence[Any]:
    """The lane's jobs, except kinds of a newer version: they are left to a replica that knows them."""
    kinds = [literal_column(f"'{kind.name}'", String) for kind in KINDS.values() if kind.lane is lane]
    return (
        _jobs.c.lane == literal_column(str(int(lane)), Integer),
        _jobs.c.state == literal_column("'waiting'", String),
        _jobs.c.kind.in_(kinds),
    )


def _lease(lane: Lane) -> Any:
    now = bindparam("now", type_=_jobs.c.due_at.type)
    due = (
        select(_jobs.c.id)
        .where(*_waiting(lane), _jobs.c.due_at <= now, or_(_jobs.c.leased_until.is_(None), _jobs.c.leased_until < now))
        .order_by(_jobs.c.due_at, _jobs.c.id)
        .limit(bindparam("most", type_=Integer))
        .with_for_update(skip_locked=True)
    )
    values = {
        "leased_until": bindparam("until"), "owner": bindparam("holder"), "key": None,
        "fence": _jobs.c.fence + 1, "attempts": _jobs.c.attempts + 1,
    }  # fmt: skip
    names = ("id", "kind", "payload", "due_at", "attempts", "fence", "created_at")
    return update(_jobs).where(_jobs.c.id.in_(due)).values(values).returning(*(_jobs.c[name] for name in names))


def _next_free(lane: Lane) -> Any:
    free = select(_jobs.c.due_at).where(*_waiting(lane), _jobs.c.leased_until.is_(None))
    return free.order_by(_jobs.c.due_at, _jobs.c.id).limit(1)


def _next_held(lane: Lane) -> Any:
    """A leased job was due when it was leased; it is free when its lease is over."""
    earliest = func.min(_jobs.c.leased_until, type_=_jobs.c.leased_until.type)
    return select(earliest).where(
        *_waiting(lane), _jobs.c.due_at <= bindparam("now"), _jobs.c.leased_until.is_not(None)
    )


def _upsert(dialect: Any) -> Any:
    statement = dialect.insert(_jobs)
    new = statement.excluded.due_at
    earlier = case((new < _jobs.c.due_at, new), else_=_jobs.c.due_at)
    return statement.on_conflict_do_update(index_elements=["key"], set_={"due_at": earlier})


_INSERT = insert(_jobs)
_UPSERT = {"postgresql": _upsert(postgresql), "sqlite": _upsert(sqlite)}
_LEASE = {lane: _lease(lane) for lane in Lane}
_NEXT_FREE = {lane: _next_free(lane) for lane in Lane}
_NEXT_HELD = {lane: _next_held(lane) for lane in Lane}
_FINISH = delete(_jobs).where(_jobs.c.id == bindparam("job"), _jobs.c.fence == bindparam("held"))


def _fence(jobs: Sequence[Job]) -> Any:
    return tuple_(_jobs.c.id, _jobs.c.fence).in_([(job.id, job.fence) for job in jobs])


def _all_held(jobs: Sequence[Job], held: set[int]) -> None:
    for job in jobs:
        if job.id not in held:
            raise _lost(job)


def _lost(*jobs: Job) -> LeaseLost:
    return LeaseLost(", ".join(f"{job.kind.name} {job.id}" for job in jobs))
