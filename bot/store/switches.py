"""What people switched by hand, and who is in which user group, as rows inside one transaction."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Table, delete, select

from bot.incident.ports import Switch
from bot.store.inserts import put
from bot.store.statements import Statements
from bot.store.tables import GroupRow, SwitchRow

_switches: Table = SwitchRow.__table__  # type: ignore[attr-defined]  # SQLModel adds it when the class is made
_groups: Table = GroupRow.__table__  # type: ignore[attr-defined]  # as above


class SwitchRows:
    """`bot.incident.ports.Switches` over SQL."""

    def __init__(self, connection: Statements) -> None:
        self.connection = connection

    async def all(self) -> Mapping[str, Switch]:
        rows = await self.connection.execute(select(_switches))
        return {row.name: Switch(**row._asdict()) for row in rows}

    async def put(self, switch: Switch) -> None:
        await self.connection.execute(put(self.connection.dialect.name, _switches, "name"), vars(switch))

    async def remove(self, name: str) -> None:
        await self.connection.execute(delete(_switches).where(_switches.c.name == name))


class GroupRows:
    """`bot.incident.ports.Groups` over SQL."""

    def __init__(self, connection: Statements) -> None:
        self.connection = connection

    async def members(self, group: str) -> tuple[frozenset[str], datetime] | None:
        row = (await self.connection.execute(select(_groups).where(_groups.c.slack == group))).first()
        return (frozenset(row.members), row.at) if row else None

    async def put(self, group: str, members: Collection[str], at: datetime) -> None:
        values = {"slack": group, "members": sorted(members), "at": at}
        await self.connection.execute(put(self.connection.dialect.name, _groups, "slack"), values)
