"""Buried jobs: what a worker gave up on stays here until a person hands it back or lets it go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Table, delete, func, select, update

from bot.errors import NotFound
from bot.jobs import Lane
from bot.store.statements import Statements
from bot.store.tables import JobRow, PageRow, RunRow

_jobs: Table = JobRow.__table__  # type: ignore[attr-defined]  # SQLModel adds it when the class is made
_pages: Table = PageRow.__table__  # type: ignore[attr-defined]  # as above
_runs: Table = RunRow.__table__  # type: ignore[attr-defined]  # as above
#: Not 0: an earlier delivery may have had its effect, so whoever takes it looks before acting (`Job.again`).
_TRIED_ONCE = 1
#: How many a message names; the list has them all.
_NAMED = 20


@dataclass(frozen=True)
class BuriedJob:
    """A job that was given up. `since` is when its last try was due; `kind` may be of another version of Lifeboat.

    `incident` is the one that its payload names, itself or by a page or a run of it.
    """

    id: int
    kind: str
    lane: int
    payload: Mapping[str, Any]
    attempts: int
    error: str
    since: datetime
    incident: str | None


class Graves:
    """The dead jobs inside one transaction. `touched` hears of the lanes that get work, as from the queue."""

    def __init__(self, connection: Statements, now: datetime, touched: set[Lane]) -> None:
        self.connection, self.now, self.touched = connection, now, touched

    async def buried(self) -> Sequence[BuriedJob]:
        """All of them, oldest first."""
        rows = await self.connection.execute(_DEAD.order_by(_jobs.c.due_at, _jobs.c.id))
        return [BuriedJob(*row) for row in rows]

    async def revive(self, job: int) -> BuriedJob:
        """Make it due now, with all its attempts ahead; as it was until now. Raises `NotFound` unless it is dead."""
        found = await self._dead(job)
        values = {
            "state": "waiting", "due_at": self.now, "attempts": _TRIED_ONCE, "error": "",
            "leased_until": None, "owner": None,
        }  # fmt: skip
        await self.connection.execute(update(_jobs).where(_jobs.c.id == job).values(values))
        if found.lane in set(Lane):  # a lane of a newer version has no worker here to be woken
            self.touched.add(Lane(found.lane))
        return found

    async def drop(self, job: int) -> BuriedJob:
        """Remove it; what it should have done stays undone. Raises `NotFound` unless it is dead."""
        found = await self._dead(job)
        await self.connection.execute(delete(_jobs).where(_jobs.c.id == job))
        return found

    async def _dead(self, job: int) -> BuriedJob:
        """The row, locked until the transaction ends, so that two people cannot decide both."""
        rows = await self.connection.execute(_DEAD.where(_jobs.c.id == job).with_for_update(of=_jobs))
        row = rows.first()
        if row is None:
            known = ", ".join(f"{one.id}" for one in (await self.buried())[:_NAMED])
            raise NotFound("job", f"{job}", known or "-")
        return BuriedJob(*row)


def _names(key: str) -> Any:
    return _jobs.c.payload[key].as_string()


_DEAD = (
    select(
        _jobs.c.id, _jobs.c.kind, _jobs.c.lane, _jobs.c.payload, _jobs.c.attempts, _jobs.c.error, _jobs.c.due_at,
        func.coalesce(_names("incident"), _pages.c.incident, _runs.c.incident),
    )
    .outerjoin(_pages, _pages.c.id == _names("page"))
    .outerjoin(_runs, _runs.c.id == _names("run"))
    .where(_jobs.c.state == "dead")
)  # fmt: skip
