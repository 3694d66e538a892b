"""The overrides that people made by hand, as rows inside one transaction."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Table, delete, insert, select

from bot.incident.ports import ByHand
from bot.store.statements import Statements
from bot.store.tables import OverrideRow
from escalation.override import KINDS, Override

_overrides: Table = OverrideRow.__table__  # type: ignore[attr-defined]  # SQLModel adds it when the class is made


class OverrideRows:
    """`bot.incident.ports.Overrides` over SQL."""

    def __init__(self, connection: Statements) -> None:
        self.connection = connection

    async def since(self, at: datetime) -> Sequence[ByHand]:
        table = _overrides.c
        rows = await self.connection.execute(select(_overrides).where(table.until > at).order_by(table.at, table.id))
        return [
            ByHand(row.id, row.schedule, _override(row.kind, row.people, row.start, row.until), row.by, row.at)
            for row in rows
        ]

    async def add(self, made: ByHand) -> None:
        kind = next(kind for kind in KINDS if getattr(made.override, kind))
        values = {
            "id": made.id, "schedule": made.schedule, "kind": kind, "people": list(made.override.people),
            "start": made.override.start, "until": made.override.end, "by": made.by, "at": made.at,
        }  # fmt: skip
        await self.connection.execute(insert(_overrides).values(values))

    async def remove(self, override: str) -> None:
        await self.connection.execute(delete(_overrides).where(_overrides.c.id == override))


def _override(kind: str, people: Sequence[str], start: datetime, end: datetime) -> Override:
    who = people if kind == "swap" else people[0]
    return Override.model_validate({kind: who, "from": start, "until": end})
