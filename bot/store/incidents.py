"""Incidents, alarms and pages as rows, inside one transaction."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Table, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.errors import NotFound
from bot.incident.correlate import AlarmRecord
from bot.incident.incident import Incident
from bot.incident.pager import Page
from bot.store.statements import Statements
from bot.store.tables import AlarmRow, IncidentRow, PageRow

_incidents: Table = IncidentRow.__table__  # type: ignore[attr-defined]  # SQLModel adds it when the class is made
_alarms: Table = AlarmRow.__table__  # type: ignore[attr-defined]  # as above
_pages: Table = PageRow.__table__  # type: ignore[attr-defined]  # as above
_MANY = 50


def upsert(connection: Statements, table: Table) -> Any:
    """`INSERT` of the dialect in use, which knows ON CONFLICT."""
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)


class IncidentRows:
    """`bot.incident.ports.Incidents` over SQL."""

    def __init__(self, connection: Statements) -> None:
        self.connection = connection

    async def get(self, incident: str) -> Incident:
        found = await self.many([incident])
        if incident not in found:
            known = ", ".join(i.id for i in await self.listing(open_only=True, limit=10)) or "-"
            raise NotFound("incident", incident, known)
        return found[incident]

    async def many(self, incidents: Collection[str]) -> Mapping[str, Incident]:
        if not incidents:
            return {}
        rows = await self.connection.execute(
            select(_incidents).where(_incidents.c.id.in_(set(incidents))).order_by(_incidents.c.id).with_for_update()
        )
        return {row.id: _incident(row) for row in rows}

    async def open_with(self, keys: Collection[str]) -> Mapping[str, Incident]:
        if not keys:
            return {}
        rows = await self.connection.execute(
            select(_incidents).where(_incidents.c.open_key.in_(set(keys))).order_by(_incidents.c.id).with_for_update()
        )
        return {row.open_key: _incident(row) for row in rows}

    async def insert(self, incidents: Sequence[Incident]) -> Collection[str]:
        if not incidents:
            return ()
        statement = upsert(self.connection, _incidents).on_conflict_do_nothing(index_elements=["open_key"])
        # Keys in a fixed order: two processes that open the same incidents wait for each other, but never in a circle.
        rows = [_values(i) for i in sorted(incidents, key=lambda incident: incident.open_key or "")]
        written = await self.connection.execute(statement.returning(_incidents.c.id), rows)
        return [row.id for row in written]

    async def save(self, *incidents: Incident) -> None:
        if not incidents:
            return
        rows = [{f"new_{name}": value for name, value in _values(i).items()} for i in incidents]
        names = [name for name in _values(incidents[0]) if name != "id"]
        statement = (
            update(_incidents)
            .where(_incidents.c.id == bindparam("new_id"))
            .values({name: bindparam(f"new_{name}") for name in names})
        )
        await self.connection.execute(statement, rows)

    async def channel_names_like(self, name: str) -> frozenset[str]:
        rows = await self.connection.execute(
            select(_incidents.c.channel_name).where(_incidents.c.channel_name.startswith(name, autoescape=True))
        )
        return frozenset(row.channel_name for row in rows)

    async def in_channel(self, channel: str) -> Incident | None:
        rows = await self.connection.execute(
            select(_incidents)
            .where(_incidents.c.channel == channel)
            .order_by(_incidents.c.resolved_at.is_not(None), _incidents.c.started_at.desc())
            .limit(1)
        )
        row = rows.first()
        return _incident(row) if row else None

    async def listing(self, *, open_only: bool, limit: int = _MANY) -> Sequence[Incident]:
        statement = select(_incidents).order_by(_incidents.c.started_at.desc(), _incidents.c.id).limit(limit)
        if open_only:
            statement = statement.where(_incidents.c.status != "resolved")
        return [_incident(row) for row in await self.connection.execute(statement)]

    async def alarms(self, fingerprints: Collection[str]) -> Mapping[str, AlarmRecord]:
        if not fingerprints:
            return {}
        rows = await self.connection.execute(
            select(_alarms)
            .where(_alarms.c.fingerprint.in_(set(fingerprints)))
            .order_by(_alarms.c.fingerprint)
            .with_for_update()
        )
        return {row.fingerprint: _record(row) for row in rows}

    async def alarms_of(self, incident: str) -> Sequence[AlarmRecord]:
        rows = await self.connection.execute(
            select(_alarms).where(_alarms.c.incident == incident).order_by(_alarms.c.first_at)
        )
        return [_record(row) for row in rows]

    async def raised(self) -> Mapping[str, datetime | None]:
        """The alarms that are known to be on, by fingerprint, and since when."""
        rows = await self.connection.execute(
            select(_alarms.c.fingerprint, _alarms.c.changed_at).where(_alarms.c.state == "alarm")
        )
        return {row.fingerprint: row.changed_at for row in rows}

    async def save_alarms(self, *records: AlarmRecord) -> None:
        if not records:
            return
        statement = upsert(self.connection, _alarms)
        names = [column.name for column in _alarms.columns if column.name != "fingerprint"]
        statement = statement.on_conflict_do_update(
            index_elements=["fingerprint"], set_={name: statement.excluded[name] for name in names}
        )
        rows = [r.model_dump() | {"latest": r.latest.model_dump(mode="json")} for r in records]
        await self.connection.execute(statement, sorted(rows, key=lambda row: str(row["fingerprint"])))


class PageRows:
    """`bot.incident.ports.Pages` over SQL."""

    def __init__(self, connection: Statements) -> None:
        self.connection = connection

    async def add(self, *pages: Page) -> None:
        if pages:
            statement = upsert(self.connection, _pages).on_conflict_do_nothing(index_elements=["id"])
            await self.connection.execute(statement, [_page_values(page) for page in pages])

    async def get(self, page: str) -> Page:
        row = (await self.connection.execute(select(_pages).where(_pages.c.id == page).with_for_update())).first()
        if row is None:
            raise NotFound("page", page)
        return Page.model_validate(row._asdict())

    async def of(self, incident: str) -> Sequence[Page]:
        return await self.of_many([incident])

    async def of_many(self, incidents: Collection[str]) -> Sequence[Page]:
        rows = await self.connection.execute(
            select(_pages).where(_pages.c.incident.in_(set(incidents))).order_by(_pages.c.created_at, _pages.c.id)
        )
        return [Page.model_validate(row._asdict()) for row in rows]

    async def save(self, *pages: Page) -> None:
        for page in pages:
            await self.connection.execute(update(_pages).where(_pages.c.id == page.id).values(_page_values(page)))


def _values(incident: Incident) -> dict[str, Any]:
    values = incident.model_dump(exclude={"chain", "alarm"})
    return values | {
        "rto": incident.rto.total_seconds(),
        "rpo": incident.rpo.total_seconds(),
        "chain": incident.chain.model_dump(mode="json"),
        "alarm": incident.alarm.model_dump(mode="json") if incident.alarm else None,
    }


def _incident(row: Row[Any]) -> Incident:
    values = row._asdict()
    return Incident.model_validate(
        values | {"rto": timedelta(seconds=values["rto"]), "rpo": timedelta(seconds=values["rpo"])}
    )


def _record(row: Row[Any]) -> AlarmRecord:
    return AlarmRecord.model_validate(row._asdict())


def _page_values(page: Page) -> dict[str, Any]:
    return page.model_dump(exclude={"person"}) | {"person": page.person.model_dump(mode="json")}
