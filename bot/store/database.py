"""The connection to the database: transactions, its clock, the lock of the embedded one, and what wakes a worker."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import urlsplit

import structlog
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.errors import N_, Missing, Unavailable, phrase
from bot.incident.ports import Clock
from bot.jobs import LEASE, Lane
from bot.storable import storable_json, stored_json
from bot.store.statements import Statements
from bot.store.turns import Turns

log = structlog.get_logger()
_CHANNEL = "lifeboat_jobs"


class Database:
    """One engine, SQLite or PostgreSQL. `began` of a transaction is the database's time (moved along by a test's clock)."""

    def __init__(self, url: str, clock: Clock) -> None:
        self.url, self.clock = url, clock
        self.postgres = urlsplit(url).scheme.startswith("postgresql")
        self._server = _postgres(url) if self.postgres else None
        self.engine: Engine = self._server.sync_engine if self._server else _sqlite(url)
        self._turns = Turns(self.engine)
        self._on_jobs: list[Callable[[frozenset[Lane]], None]] = []
        self._lock: TextIO | None = None
        self._listener: asyncio.Task[None] | None = None

    @property
    def file(self) -> Path:
        """The file of an embedded database."""
        return Path(urlsplit(self.url).path[1:])

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[tuple[Statements, datetime]]:
        """A transaction and its time. Raises `Unavailable` when the database cannot be reached."""
        try:
            async with self._server.begin() if self._server else self._turns.take() as connection:
                yield connection, await self._now(connection)
        except (OperationalError, InterfaceError, InternalError) as error:
            raise Unavailable(phrase(N_("The database does not answer: {error}"), error=str(error.orig))) from error
        except NoConnectionFree as error:
            raise Unavailable(phrase(N_("Every connection to the database is in use."))) from error
        except DBAPIError as error:
            if error.connection_invalidated:
                raise Unavailable(phrase(N_("The database went away: {error}"), error=str(error.orig))) from error
            raise

    async def _now(self, connection: Statements) -> datetime:
        """PostgreSQL's own clock, so that replicas whose clocks differ agree on leases; the process's on SQLite."""
        if not self.postgres:
            return self.clock.now()
        offset = self.clock.offset
        now: datetime = (await connection.execute(text("SELECT clock_timestamp()"))).scalar_one()
        return now.astimezone(UTC) + offset

    def lock_file(self) -> None:
        """Claim the embedded database for this worker. Raises `Missing` when another process works on it."""
        if self.postgres or self._lock:
            return
        try:
            lock = Path(f"{self.file}-lock").open("a+")  # noqa: SIM115  # held until `unlock_file` or the process's end
        except OSError as error:
            what = N_("The database {file} cannot be opened: {error}. Is LIFEBOAT_DATABASE_URL right?")
            raise Missing(phrase(what, file=str(self.file), error=error.strerror)) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            with lock:
                lock.seek(0)
                holder = lock.read().strip() or "?"
            what = N_(
                "Another Lifeboat (process {holder}) works on {file} already. Stop it, or use PostgreSQL "
                "(LIFEBOAT_DATABASE_URL) to run several."
            )
            raise Missing(phrase(what, holder=holder, file=str(self.file))) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def unlock_file(self) -> None:
        """Let another process work on the embedded database."""
        if self._lock:
            self._lock.close()
            self._lock = None

    def when_jobs_come(self, wake: Callable[[frozenset[Lane]], None]) -> None:
        """Call `wake` with the lanes that got work, from this process and, on PostgreSQL, from every other."""
        self._on_jobs.append(wake)

    async def notify(self, connection: Statements, lanes: Iterable[Lane]) -> None:
        """Within a transaction: on PostgreSQL the other replicas hear of it when it commits."""
        if self.postgres:
            payload = ",".join(str(int(lane)) for lane in sorted(lanes))
            await connection.execute(
                text("SELECT pg_notify(:channel, :lanes)"), {"channel": _CHANNEL, "lanes": payload}
            )

    def wake(self, lanes: Iterable[Lane]) -> None:
        """After a commit: wake the workers of this process."""
        for tell in self._on_jobs:
            tell(frozenset(lanes))

    def listen(self) -> None:
        """Start hearing the other replicas. Without this, or while it is disconnected, workers still poll every second."""
        if self.postgres and self._listener is None:
            self._listener = asyncio.create_task(self._listen(), name="lifeboat-listen")

    async def _listen(self) -> None:
        import psycopg  # noqa: PLC0415  # only where PostgreSQL is used

        while True:
            try:
                async with await psycopg.AsyncConnection.connect(_plain(self.url), autocommit=True) as connection:
                    await connection.execute(f"LISTEN {_CHANNEL}")
                    async for notice in connection.notifies():
                        self.wake(Lane(int(lane)) for lane in notice.payload.split(",") if lane)
            except psycopg.Error as error:
                log.warning("database.listen_lost", error=str(error))
                await asyncio.sleep(1)

    async def close(self) -> None:
        """Let go of everything."""
        if self._listener:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)
        await self._turns.close()
        if self._server:
            await self._server.dispose()
        else:
            self.engine.dispose()
        self.unlock_file()


def _plain(url: str) -> str:
    return "postgresql://" + url.split("://", 1)[1]


def _sqlite(url: str) -> Engine:
    """One connection: SQLite has one writer, and waiting in our own line (`Turns`) is fairer than its busy handler."""
    engine = create_engine(
        url, pool_size=1, max_overflow=0, json_serializer=storable_json, json_deserializer=stored_json,
        connect_args={"check_same_thread": False, "timeout": 0},
    )  # fmt: skip

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _postgres(url: str) -> AsyncEngine:
    lease = int(LEASE.total_seconds() * 1000)
    return create_async_engine(
        "postgresql+psycopg://" + url.split("://", 1)[1],
        pool_size=6,
        max_overflow=4,
        pool_pre_ping=True,
        json_serializer=storable_json,
        json_deserializer=stored_json,
        connect_args={
            "connect_timeout": 5,
            "keepalives": 1,
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "options": f"-c idle_in_transaction_session_timeout={lease} -c lock_timeout={lease} -c TimeZone=UTC",
        },
    )
