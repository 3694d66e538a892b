"""SQLite's one connection, taken in turns: the most urgent lane first, and whoever comes in a row shares one commit.

SQLite has one writer, and what it costs is the commit, which waits for the disk. So a transaction that ends while others
wait does not commit: the next one goes on behind a savepoint, and the last one commits for all. Each returns only when
that commit is on disk, so to its caller it was a transaction of its own; one that fails undoes no more than itself.
"""

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.errors import N_, Unavailable, phrase
from bot.jobs import SERVING

#: Nobody is added to a commit that its first member has waited for so long: about what a disk takes for one.
_LONGEST_ROW = 0.010


@dataclass
class _Row:
    """The transactions that will be committed together."""

    connection: AsyncConnection
    since: float
    members: int = 0
    lost: BaseException | None = None
    on_disk: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Turns:
    """`async with turns.take() as connection`: a transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._connection: AsyncConnection | None = None
        self._row: _Row | None = None
        self._taken = False
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()
        self._finishing: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def take(self) -> AsyncIterator[AsyncConnection]:
        """A transaction; it is on disk when this returns. Raises `NoConnectionFree` when its turn does not come."""
        await self._turn()
        row: _Row | None = None
        try:
            row = await self._join()
            yield row.connection
        except BaseException:
            if row:
                await self._undo(row)
            raise
        finally:
            self._end()
        await asyncio.shield(row.on_disk)

    async def close(self) -> None:
        """Let go of the connection, after the commit under way."""
        if self._finishing:
            await self._finishing
        if self._connection:
            await self._connection.close()
            self._connection = None

    async def _turn(self) -> None:
        if not self._taken:
            self._taken = True
            return
        lane = SERVING.get()
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (-1 if lane is None else int(lane), next(self._numbers), mine))
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
            if self._connection is None:
                self._connection = await self._engine.connect()
            await self._connection.begin()
            row = self._row = _Row(self._connection, asyncio.get_running_loop().time())
        else:
            # Never released: the commit does that, and ROLLBACK TO finds the latest of this name.
            await row.connection.exec_driver_sql("SAVEPOINT turn")
        row.members += 1
        return row

    async def _undo(self, row: _Row) -> None:
        """Undo what the latest member did. Where that cannot be had, the whole row is lost, and its members hear so."""
        row.members -= 1
        try:
            if row.members:
                await row.connection.exec_driver_sql("ROLLBACK TO turn")
            else:
                await row.connection.rollback()
                self._row = None
        except BaseException as error:
            row.lost = error
            if not isinstance(error, Exception):
                raise

    def _end(self) -> None:
        """After a member: let the next one join its row, or commit the row."""
        row = self._row
        if row is None or (row.lost is None and self._age(row) < _LONGEST_ROW and self._somebody_waits()):
            self._pass_on()
            return
        self._row = None
        # A task of its own: a member that is cancelled must not take the others' commit with it.
        self._finishing = asyncio.create_task(self._finish(row), name="lifeboat-commit")

    def _age(self, row: _Row) -> float:
        return asyncio.get_running_loop().time() - row.since

    async def _finish(self, row: _Row) -> None:
        error: BaseException | None = row.lost and _lost(row.lost)
        if error is None:
            try:
                await row.connection.commit()
            except Exception as refused:  # noqa: BLE001  # every member raises it
                error = refused
        if error is None:
            row.on_disk.set_result(None)
        else:
            row.on_disk.set_exception(error)
            row.on_disk.exception()  # its members may all be gone
            await self._let_go(row.connection)
        self._pass_on()

    async def _let_go(self, connection: AsyncConnection) -> None:
        """Nobody knows what state this connection is in: the next member gets a new one."""
        self._connection = None
        with suppress(SQLAlchemyError):
            await connection.invalidate()
        with suppress(SQLAlchemyError):
            await connection.close()


def _lost(error: BaseException) -> Unavailable:
    """For the other members of a row: why theirs is gone too."""
    return Unavailable(phrase(N_("The database does not answer: {error}"), error=str(error) or type(error).__name__))
