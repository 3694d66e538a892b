"""SQLite's one connection, taken in turns: whoever is in a hurry first, and whoever comes in a row shares one commit.

SQLite has one writer, and what it costs is the commit, which waits for the disk. So a transaction that ends while others
wait does not commit: the next one goes on behind a savepoint, and the last one commits for all. Each returns only when
that commit is on disk, so to its caller it was a transaction of its own; one that fails undoes no more than itself.

Statements run on the event loop: between BEGIN and COMMIT nobody else can lock the file and nothing waits for the disk,
so that a statement takes microseconds, where handing it to a thread and back takes ten times as long. The commit runs in
a thread. A file that another process has locked (the CLI beside `serve`) is tried again after a sleep of this task alone.
"""

import asyncio
import heapq
import itertools
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection, CursorResult, Dialect, Engine
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from bot.errors import N_, Unavailable, phrase
from bot.jobs import SERVING, Lane

#: Nobody is added to a commit that its first member has waited for so long: about what a disk takes for one.
_LONGEST_ROW = 0.010
#: By how much a lane's wish for a turn counts as later than it was made: who waits for an answer and what pages people go
#: before batches, which are long, and those before cards. Being in time and not in ranks, it lets nobody wait for ever.
_PATIENCE: Mapping[Lane | None, float] = {
    None: 0, Lane.PAGE: 0, Lane.AWS: 0.01, Lane.ALARM: 0.02, Lane.TIMER: 0.02, Lane.SLACK: 0.05, Lane.BULK: 0.2,
}  # fmt: skip
#: Between two tries to lock a file that another process has locked, and for how long it is tried.
_TRY_AGAIN, _LONGEST_LOCK = 0.005, 15.0

Done = TypeVar("Done")


class InlineConnection:
    """`bot.store.statements.Statements` over a connection whose statements need no thread."""

    def __init__(self, connection: Connection, thread: ThreadPoolExecutor) -> None:
        self._connection, self._thread = connection, thread

    @property
    def dialect(self) -> Dialect:
        return self._connection.dialect

    async def execute(self, statement: Any, parameters: Any = None) -> CursorResult[*tuple[Any, ...]]:
        return self._connection.execute(statement, parameters)

    async def exec_driver_sql(self, statement: str) -> CursorResult[*tuple[Any, ...]]:
        return self._connection.exec_driver_sql(statement)

    async def run_sync(self, work: Callable[..., Done], /, *args: Any, **more: Any) -> Done:
        """For what takes longer, such as migrations: in the thread."""
        run = asyncio.get_running_loop().run_in_executor
        return await run(self._thread, lambda: work(self._connection, *args, **more))


@dataclass
class _Row:
    """The transactions that will be committed together. `written`: SQLite's count of changes when it began."""

    connection: Connection
    since: float
    written: int
    members: int = 0
    on_disk: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Turns:
    """`async with turns.take() as connection`: a transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="lifeboat-commit")
        self._connection: Connection | None = None
        self._row: _Row | None = None
        self._taken = False
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()
        self._finishing: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def take(self) -> AsyncIterator[InlineConnection]:
        """A transaction; it is on disk when this returns. Raises `NoConnectionFree` when its turn does not come."""
        await self._turn()
        row: _Row | None = None
        lost: Exception | None = None
        try:
            row = await self._join()
            yield InlineConnection(row.connection, self._thread)
        except BaseException:
            lost = self._undo(row) if row else None
            raise
        finally:
            self._end(lost)
        await asyncio.shield(row.on_disk)

    async def close(self) -> None:
        """Let go of the connection, after the commit under way."""
        if self._finishing:
            await self._finishing
        if self._connection:
            self._connection.close()
            self._connection = None
        self._thread.shutdown()

    async def _turn(self) -> None:
        if not self._taken:
            self._taken = True
            return
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (_seconds() + _PATIENCE[SERVING.get()], next(self._numbers), mine))
        try:
            async with asyncio.timeout(self._engine.pool.timeout()):  # type: ignore[attr-defined]  # a QueuePool has it
                await mine
        except BaseException as error:
            if not mine.cancelled():  # it was given to us in the moment in which we stopped waiting
                self._pass_on()
            if isinstance(error, TimeoutError):
                raise NoConnectionFree from error
            raise

    def _pass_on(self) -> None:
        if self._somebody_waits():
            heapq.heappop(self._waiting)[2].set_result(None)
        else:
            self._taken = False

    def _somebody_waits(self) -> bool:
        while self._waiting and self._waiting[0][2].done():
            heapq.heappop(self._waiting)
        return bool(self._waiting)

    async def _join(self) -> _Row:
        """The row that is open, behind a savepoint; else a new one."""
        row = self._row
        if row is None:
            connection = await self._locked()
            row = self._row = _Row(connection, _seconds(), _changes(connection))
        else:
            # Never released: the commit does that, and ROLLBACK TO finds the latest of this name.
            row.connection.exec_driver_sql("SAVEPOINT turn")
        row.members += 1
        return row

    async def _locked(self) -> Connection:
        """BEGIN IMMEDIATE: from here on nobody else writes. Raises `OperationalError` when that cannot be had."""
        end = _seconds() + _LONGEST_LOCK
        while True:
            try:
                self._connection = self._connection or self._engine.connect()
                self._connection.begin()
            except OperationalError as error:
                if getattr(error.orig, "sqlite_errorcode", None) != sqlite3.SQLITE_BUSY or _seconds() > end:
                    raise
                await asyncio.sleep(_TRY_AGAIN)
            else:
                return self._connection

    def _undo(self, row: _Row) -> Exception | None:
        """Undo what the latest member did. Where that cannot be had, the whole row is lost: the error says why."""
        row.members -= 1
        try:
            if row.members:
                row.connection.exec_driver_sql("ROLLBACK TO turn")
            else:
                self._row = None
                row.connection.rollback()
        except SQLAlchemyError as error:
            if row.members:
                return error
            self._let_go(row.connection)
        return None

    def _end(self, lost: Exception | None) -> None:
        """After a member: let the next one join its row, or commit the row."""
        row = self._row
        if row is None or (lost is None and _seconds() - row.since < _LONGEST_ROW and self._somebody_waits()):
            self._pass_on()
            return
        self._row = None
        # A task of its own: a member that is cancelled must not take the others' commit with it.
        self._finishing = asyncio.create_task(self._finish(row, lost), name="lifeboat-commit")

    async def _finish(self, row: _Row, lost: Exception | None) -> None:
        error = lost and _gone(lost)
        if error is None:
            error = await self._commit(row)
        if error is None:
            row.on_disk.set_result(None)
        else:
            row.on_disk.set_exception(error)
            row.on_disk.exception()  # its members may all be gone
            self._let_go(row.connection)
        self._pass_on()

    async def _commit(self, row: _Row) -> Exception | None:
        """Commit; the error when that fails. Where nothing was written there is no disk to wait for."""
        try:
            if _changes(row.connection) == row.written:
                row.connection.commit()
            else:
                await asyncio.get_running_loop().run_in_executor(self._thread, row.connection.commit)
        except Exception as error:  # noqa: BLE001  # every member raises it
            return error
        return None

    def _let_go(self, connection: Connection) -> None:
        """Nobody knows what state this connection is in: the next member gets a new one."""
        self._connection = None
        with suppress(SQLAlchemyError):
            connection.invalidate()
        with suppress(SQLAlchemyError):
            connection.close()


def _changes(connection: Connection) -> int:
    """How many rows this connection has written since it was opened."""
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    return raw.total_changes


def _seconds() -> float:
    return asyncio.get_running_loop().time()


def _gone(error: Exception) -> Unavailable:
    """For the other members of a row: why theirs is gone too."""
    return Unavailable(phrase(N_("The database does not answer: {error}"), error=str(error)))
