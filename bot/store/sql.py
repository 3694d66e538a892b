"""The store: one transaction with everything in it. State, and the jobs that follow from it, are written together."""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from bot.jobs import Job, Lane
from bot.store.database import Database
from bot.store.graves import Graves
from bot.store.history import MessageRows, NoteRows
from bot.store.inbox import InboxRows
from bot.store.incidents import IncidentRows, PageRows
from bot.store.known import KnownRows
from bot.store.overrides import OverrideRows
from bot.store.queue import Queue
from bot.store.runs import RunRows
from bot.store.statements import Statements
from bot.store.switches import GroupRows, SwitchRows
from bot.store.watch import Watch

#: A crowd that was seen is taken to be there for so long.
_CROWD_SECONDS = 0.2


class Transaction:
    """`bot.incident.ports.Tx` over SQL, and what only the edges use (`messages`, `inbox`, `graves`)."""

    def __init__(self, connection: Statements, now: datetime) -> None:
        self.now = now
        self.jobs = Queue(connection, now)
        self.graves = Graves(connection, now, self.jobs.touched)
        self.incidents = IncidentRows(connection)
        self.pages = PageRows(connection)
        self.runs = RunRows(connection, now)
        self.notes = NoteRows(connection, now)
        self.switches = SwitchRows(connection)
        self.groups = GroupRows(connection)
        self.known = KnownRows(connection, now)
        self.overrides = OverrideRows(connection)
        self.messages = MessageRows(connection, now)
        self.inbox = InboxRows(connection, now)
        self.watch = Watch(connection, now)


class Store:
    """`bot.incident.ports.Store` over SQL."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._crowded_until = 0.0

    @property
    def crowded(self) -> bool:
        """Whether senders of alarms wait in crowds: other work should leave them room."""
        return time.monotonic() < self._crowded_until

    def crowd(self) -> None:
        """Senders wait in a crowd just now."""
        self._crowded_until = time.monotonic() + _CROWD_SECONDS

    @asynccontextmanager
    async def begin(self, job: Job | None = None) -> AsyncIterator[Transaction]:
        """A transaction; with a job, only while its lease is ours. Workers are woken once it is committed."""
        async with self.database.begin() as (connection, now):
            tx = Transaction(connection, now)
            if job is not None:
                await tx.jobs.check(job)
            yield tx
            await tx.jobs.flush()
            if tx.jobs.touched:
                await self.database.notify(connection, tx.jobs.touched)
        if tx.jobs.touched:
            self.database.wake(tx.jobs.touched)

    async def lease(self, lane: Lane, limit: int, owner: str) -> Sequence[Job]:
        """Take due jobs of a lane."""
        async with self.begin() as tx:
            return await tx.jobs.lease(lane, limit, owner)

    async def take_over(self) -> None:
        """When a worker starts on an embedded database, which it has locked, whoever held a lease is dead.

        Without this a restart after a crash would page nobody until the old leases have run out.
        """
        if not self.database.postgres:
            async with self.begin() as tx:
                await tx.jobs.free_all()

    def when_jobs_come(self, wake: Callable[[frozenset[Lane]], None]) -> None:
        """Call `wake` with the lanes that got work, here and in every other process."""
        self.database.when_jobs_come(wake)
        self.database.listen()
