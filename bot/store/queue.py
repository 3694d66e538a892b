"""The queue: jobs as rows, leased by a conditional UPDATE, finished only under the fence."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, case, delete, func, insert, or_, select, tuple_, update
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

    async def add(self, *jobs: NewJob) -> None:
        """Write jobs; one whose `key` waits already only becomes due earlier. Keys are taken in a fixed order."""
        rows = [self._row(job) for job in jobs]
        plain, keyed = [r for r in rows if r["key"] is None], [r for r in rows if r["key"] is not None]
        if plain:
            await self.connection.execute(insert(_jobs), plain)
        if keyed:
            latest_first = sorted(keyed, key=lambda row: (row["key"], row["due_at"]), reverse=True)
            earliest = {row["key"]: row for row in latest_first}
            await self.connection.execute(self._upsert(), list(earliest.values()))

    def _row(self, job: NewJob) -> dict[str, Any]:
        due = job.due_at or self.now
        if due <= self.now:
            self.touched.add(job.kind.lane)
        return {
            "kind": job.kind.name, "lane": int(job.kind.lane), "state": "waiting", "payload": dict(job.payload),
            "key": job.key, "due_at": due, "created_at": self.now, "attempts": 0, "fence": 0, "error": "",
        }  # fmt: skip

    def _upsert(self) -> Any:
        dialect = postgresql if self.connection.dialect.name == "postgresql" else sqlite
        statement = dialect.insert(_jobs)
        new = statement.excluded.due_at
        earlier = case((new < _jobs.c.due_at, new), else_=_jobs.c.due_at)
        return statement.on_conflict_do_update(index_elements=["key"], set_={"due_at": earlier})

    async def lease(self, lane: Lane, limit: int, owner: str) -> Sequence[Job]:
        """Take up to `limit` due jobs. Taking one gives up its key, so that newer work for the same thing can be added."""
        due = (
            select(_jobs.c.id)
            .where(
                *self._waiting(lane),
                _jobs.c.due_at <= self.now,
                or_(_jobs.c.leased_until.is_(None), _jobs.c.leased_until < self.now),
            )
            .order_by(_jobs.c.due_at, _jobs.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        taken = await self.connection.execute(
            update(_jobs)
            .where(_jobs.c.id.in_(due))
            .values(
                leased_until=self.now + LEASE,
                owner=owner,
                fence=_jobs.c.fence + 1,
                attempts=_jobs.c.attempts + 1,
                key=None,
            )
            .returning(
                _jobs.c.id,
                _jobs.c.kind,
                _jobs.c.payload,
                _jobs.c.due_at,
                _jobs.c.attempts,
                _jobs.c.fence,
                _jobs.c.created_at,
            )
        )
        jobs = [
            Job(row.id, KINDS[row.kind], row.payload, row.due_at, row.attempts, row.fence, row.created_at)
            for row in taken
        ]
        return sorted(jobs, key=lambda job: (job.due_at, job.id))

    async def check(self, *jobs: Job) -> None:
        """Raise `LeaseLost` unless every one of these leases is still ours. Locks the rows until the transaction ends."""
        held = await self.connection.execute(select(_jobs.c.id).where(self._fence(jobs)).with_for_update())
        self._all_held(jobs, {row.id for row in held})

    async def finish(self, *jobs: Job) -> None:
        """Remove finished jobs. Raises `LeaseLost`, and so undoes the whole transaction, when one is no longer ours."""
        gone = await self.connection.execute(delete(_jobs).where(self._fence(jobs)).returning(_jobs.c.id))
        self._all_held(jobs, {row.id for row in gone})

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
            update(_jobs)
            .where(self._fence((job,)))
            .values(leased_until=None, owner=None, **values)
            .returning(_jobs.c.id)
        )
        self._all_held((job,), {row.id for row in changed})

    async def extend(self, owner: str, jobs: Sequence[Job]) -> frozenset[int]:
        """Renew the leases of running jobs; the ids that are still ours."""
        kept = await self.connection.execute(
            update(_jobs)
            .where(self._fence(jobs), _jobs.c.owner == owner)
            .values(leased_until=self.now + LEASE)
            .returning(_jobs.c.id)
        )
        return frozenset(row.id for row in kept)

    async def next_due(self, lane: Lane) -> datetime | None:
        """When the lane's next job can be taken."""
        free_at = case(
            (and_(_jobs.c.leased_until.is_not(None), _jobs.c.leased_until > _jobs.c.due_at), _jobs.c.leased_until),
            else_=_jobs.c.due_at,
        )
        found: datetime | None = (
            await self.connection.execute(
                select(func.min(free_at, type_=_jobs.c.due_at.type)).where(*self._waiting(lane))
            )
        ).scalar_one()
        return found

    async def counts(self) -> Sequence[tuple[str, str, int, datetime]]:
        """(kind, state, how many, the earliest due time), for health and metrics."""
        rows = await self.connection.execute(
            select(
                _jobs.c.kind, _jobs.c.state, func.count(), func.min(_jobs.c.due_at, type_=_jobs.c.due_at.type)
            ).group_by(_jobs.c.kind, _jobs.c.state)
        )
        return [(kind, state, count, due) for kind, state, count, due in rows]

    def _waiting(self, lane: Lane) -> Sequence[Any]:
        """The lane's jobs, except kinds of a newer version: they are left to a replica that knows them."""
        return (_jobs.c.lane == int(lane), _jobs.c.state == "waiting", _jobs.c.kind.in_(KINDS))

    def _fence(self, jobs: Sequence[Job]) -> Any:
        return tuple_(_jobs.c.id, _jobs.c.fence).in_([(job.id, job.fence) for job in jobs])

    def _all_held(self, jobs: Sequence[Job], held: set[int]) -> None:
        for job in jobs:
            if job.id not in held:
                raise LeaseLost(f"{job.kind.name} {job.id}")
