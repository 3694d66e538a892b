"""What the survey noted of AWS, as rows inside one transaction."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Table, or_, select

from bot.playbook.action import Memo
from bot.store.inserts import put
from bot.store.statements import Statements
from bot.store.tables import KnownRow

_known: Table = KnownRow.__table__  # type: ignore[attr-defined]  # SQLModel adds it when the class is made


class KnownRows:
    """`bot.incident.ports.Known` over SQL."""

    def __init__(self, connection: Statements, now: datetime) -> None:
        self.connection, self.now = connection, now

    async def recall(self, prefixes: Collection[str]) -> Mapping[str, Memo]:
        if not prefixes:
            return {}
        begins = or_(*(_known.c.key.startswith(prefix, autoescape=True) for prefix in sorted(prefixes)))
        rows = await self.connection.execute(select(_known).where(begins).order_by(_known.c.key))
        return {row.key: Memo(row.value, row.seen_at) for row in rows}

    async def note(self, values: Mapping[str, Any]) -> None:
        rows = [{"key": key, "value": value, "seen_at": self.now} for key, value in sorted(values.items())]
        for row in rows:
            await self.connection.execute(put(self.connection.dialect.name, _known, "key"), row)
