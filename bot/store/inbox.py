"""The durable inbox: deliveries are on disk before their sender is answered, and many share one commit."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from sqlalchemy import Table, bindparam, select

from bot.errors import N_, Unavailable, phrase
from bot.incident.ports import Delivery
from bot.jobs import ALARM, NewJob
from bot.storable import storable
from bot.store.inserts import unless_there
from bot.store.statements import Statements
from bot.store.tables import InboxRow

if TYPE_CHECKING:
    from bot.store.sql import Store

_inbox: Table = InboxRow.__table__  # type: ignore[attr-defined]  # SQLModel adds it when the class is made
_BODIES = select(_inbox).where(_inbox.c.id.in_(bindparam("keys", expanding=True)))
_AT_ONCE = 200
_LONGEST_ID = 300
#: So many that wait for one commit are a crowd: more than come in while the one before is written, at 500 a second.
_CROWD = 24


class InboxRows:
    """The inbox inside one transaction."""

    def __init__(self, connection: Statements, now: datetime) -> None:
        self.connection, self.now = connection, now

    async def add(self, deliveries: Collection[Delivery]) -> Sequence[str]:
        """Write what is new; the ids of what was new."""
        rows = {
            (id_ := _fitting(d.id)): {"id": id_, "door": d.door, "body": d.body, "received_at": d.received_at}
            for d in deliveries
        }
        statement = unless_there(self.connection.dialect.name, _inbox, "id", returning=True)
        # In a fixed order, so that two replicas that take the same deliveries do not wait for each other in a circle.
        ordered = [rows[id_] for id_ in sorted(rows)]
        written = await self.connection.execute(statement, ordered)
        return [row.id for row in written]

    async def bodies(self, ids: Collection[str]) -> Mapping[str, Delivery]:
        """The deliveries with these ids."""
        rows = await self.connection.execute(_BODIES, {"keys": list(set(ids))})
        return {row.id: Delivery(row.id, row.door, row.body, row.received_at) for row in rows}


def _fitting(id_: str) -> str:
    """The id as its column takes it; the end of an overlong one becomes a hash, so that two never become one."""
    id_ = storable(id_)
    return id_ if len(id_) <= _LONGEST_ID else f"{id_[: _LONGEST_ID - 65]}#{sha256(id_.encode()).hexdigest()}"


class DurableInbox:
    """`bot.incident.ports.Inbox`: one writer task takes everything that waits and commits it at once (group commit)."""

    def __init__(self, store: "Store") -> None:
        self.store = store
        self._waiting: list[tuple[Sequence[Delivery], asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def accept(self, deliveries: Sequence[Delivery]) -> None:
        """Return once everything is on disk. Raises `Unavailable` when the database refuses."""
        if not deliveries:
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((deliveries, done))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write(), name="lifeboat-inbox")
        await done

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
            if len(batch) >= _CROWD:
                self.store.crowd()
            try:
                await self._commit([d for deliveries, _ in batch for d in deliveries])
            except Exception as error:  # noqa: BLE001  # whatever it was, every waiting sender must hear that it failed
                self._answer(batch, error)
            else:
                self._answer(batch, None)

    async def _commit(self, deliveries: Sequence[Delivery]) -> None:
        async with self.store.begin() as tx:
            new = await tx.inbox.add(deliveries)
            await tx.jobs.add(*(NewJob(ALARM, {"inbox": id_}) for id_ in new))

    def _answer(
        self, batch: Sequence[tuple[Sequence[Delivery], asyncio.Future[None]]], error: Exception | None
    ) -> None:
        for _, done in batch:
            if done.done():
                continue
            if error is None:
                done.set_result(None)
            elif isinstance(error, Unavailable):
                done.set_exception(error)
            else:
                failure = Unavailable(phrase(N_("The inbox could not be written: {error}"), error=str(error)))
                failure.__cause__ = error
                done.set_exception(failure)
