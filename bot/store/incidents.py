"""Incidents, alarms and pages as rows, inside one transaction."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import BindParameter, Row, Select, Table, Update, bindparam, exists, or_, select, text, update

from bot.errors import NotFound
from bot.incident.correlate import AlarmRecord
from bot.incident.incident import Incident
from bot.incident.pager import Page
from bot.jobs import PAGE
from bot.store.inserts import put, unless_there
from bot.store.statements import Statements
from bot.store.tables import AlarmRow, IncidentRow, JobRow, PageRow

_incidents: Table = IncidentRow.__table__  # type: ignore[attr-defined]  # SQLModel adds it when the class is made
_alarms: Table = AlarmRow.__table__  # type: ignore[attr-defined]  # as above
_pages: Table = PageRow.__table__  # type: ignore[attr-defined]  # as above
_jobs: Table = JobRow.__table__  # type: ignore[attr-defined]  # as above
_MANY = 50

# What runs for every alarm and every page is built once: to build a statement takes longer than to run it.
_KEYS: BindParameter[Any] = bindparam("keys", expanding=True)
_BY_IDS = select(_incidents).where(_incidents.c.id.in_(_KEYS)).order_by(_incidents.c.id).with_for_update()
_BY_OPEN_KEYS = select(_incidents).where(_incidents.c.open_key.in_(_KEYS)).order_by(_incidents.c.id).with_for_update()
_ALARMS = select(_alarms).where(_alarms.c.fingerprint.in_(_KEYS)).order_by(_alarms.c.fingerprint).with_for_update()
# The first delivery of an alarm has no row that could be locked; of two replicas that both find none, the second would
# overwrite what the first has counted. Names in a fixed order, so that none waits for another in a circle.
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(name) FROM unnest(CAST(:names AS bigint[])) AS names (name)")
_PAGE = select(_pages).where(_pages.c.id == bindparam("key")).with_for_update()
_PAGES_OF = select(_pages).where(_pages.c.incident.in_(_KEYS)).order_by(_pages.c.created_at, _pages.c.id)


#: What an incident and a page were opened with and keep: it is most of what they hold, and is written once.
_KEPT = {"chain", "alarm", "person"}


def _changed(table: Table) -> Update:
    """Every column that can change becomes the parameter `new_<column>`."""
    names = {column.name for column in table.columns} - _KEPT - {"id"}
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in sorted(names)}
    return update(table).where(table.c.id == bindparam("this_id")).values(values)


def _changes(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"this_id" if name == "id" else f"new_{name}": value for name, value in row.items()}


_SAVE_INCIDENT, _SAVE_PAGE = _changed(_incidents), _changed(_pages)


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
        rows = await self.connection.execute(_BY_IDS, {"keys": list(set(incidents))})
        return {row.id: _incident(row) for row in rows}

    async def open_with(self, keys: Collection[str]) -> Mapping[str, Incident]:
        if not keys:
            return {}
        rows = await self.connection.execute(_BY_OPEN_KEYS, {"keys": list(set(keys))})
        return {row.open_key: _incident(row) for row in rows}

    async def insert(self, incidents: Sequence[Incident]) -> Collection[str]:
        if not incidents:
            return ()
        statement = unless_there(self.connection.dialect.name, _incidents, "open_key", returning=True)
        # Keys in a fixed order: two processes that open the same incidents wait for each other, but never in a circle.
        rows = [_values(i) for i in sorted(incidents, key=lambda incident: incident.open_key or "")]
        written = await self.connection.execute(statement, rows)
        return [row.id for row in written]

    async def save(self, *incidents: Incident) -> None:
        if not incidents:
            return
        await self.connection.execute(_SAVE_INCIDENT, [_changes(_moving(one)) for one in incidents])

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

    async def unanswered(self, after: str, limit: int) -> Sequence[str]:
        waiting = (_incidents.c.status == "open", _incidents.c.exhausted.is_(False), _incidents.c.id > after)
        rows = await self.connection.execute(
            select(_incidents.c.id).where(*waiting).order_by(_incidents.c.id).limit(limit)
        )
        return [row.id for row in rows]

    async def alarms(self, fingerprints: Collection[str]) -> Mapping[str, AlarmRecord]:
        if not fingerprints:
            return {}
        if self.connection.dialect.name == "postgresql":
            await self.connection.execute(_ONE_AT_A_TIME, {"names": sorted({_lock_name(key) for key in fingerprints})})
        rows = await self.connection.execute(_ALARMS, {"keys": list(set(fingerprints))})
        return {row.fingerprint: _record(row) for row in rows}

    async def alarms_of(self, incident: str) -> Sequence[AlarmRecord]:
        rows = await self.connection.execute(
            select(_alarms).where(_alarms.c.incident == incident).order_by(_alarms.c.first_at)
        )
        return [_record(row) for row in rows]

    async def raised_in(self, services: Collection[str | None]) -> Sequence[AlarmRecord]:
        about = [_incidents.c.service.in_([service for service in services if service is not None])]
        if None in services:
            about.append(_incidents.c.service.is_(None))
        rows = await self.connection.execute(
            select(_alarms)
            .join(_incidents, _incidents.c.id == _alarms.c.incident)
            .where(_alarms.c.state == "alarm", _incidents.c.status != "resolved", or_(*about))
            .order_by(_alarms.c.fingerprint)
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
        rows = [r.model_dump() | {"latest": r.latest.model_dump(mode="json")} for r in records]
        statement = put(self.connection.dialect.name, _alarms, "fingerprint")
        await self.connection.execute(statement, sorted(rows, key=lambda row: str(row["fingerprint"])))


class PageRows:
    """`bot.incident.ports.Pages` over SQL."""

    def __init__(self, connection: Statements) -> None:
        self.connection = connection

    async def add(self, *pages: Page) -> None:
        if pages:
            statement = unless_there(self.connection.dialect.name, _pages, "id")
            await self.connection.execute(statement, [_page_values(page) for page in pages])

    async def get(self, page: str) -> Page:
        row = (await self.connection.execute(_PAGE, {"key": page})).first()
        if row is None:
            raise NotFound("page", page)
        return Page.model_validate(row._asdict())

    async def of(self, incident: str) -> Sequence[Page]:
        return await self.of_many([incident])

    async def of_many(self, incidents: Collection[str]) -> Sequence[Page]:
        rows = await self.connection.execute(_PAGES_OF, {"keys": list(set(incidents))})
        return [Page.model_validate(row._asdict()) for row in rows]

    async def forsaken(self, before: datetime) -> Sequence[Page]:
        names = [row.id for row in await self.connection.execute(pages_without_a_job(before).limit(_MANY))]
        if not names:
            return []
        rows = await self.connection.execute(select(_pages).where(_pages.c.id.in_(names)).order_by(_pages.c.id))
        return [Page.model_validate(row._asdict()) for row in rows]

    async def save(self, *pages: Page) -> None:
        if pages:
            await self.connection.execute(_SAVE_PAGE, [_changes(page.model_dump(exclude=_KEPT)) for page in pages])


def pages_without_a_job(before: datetime) -> Select[Any]:
    """The ids of pages that are due, written before then, and that no job sends."""
    job = exists().where(_jobs.c.kind == PAGE.name, _jobs.c.payload["page"].as_string() == _pages.c.id)
    return select(_pages.c.id).where(_pages.c.status == "due", _pages.c.created_at < before, ~job)


def _lock_name(fingerprint: str) -> int:
    """64 bits for PostgreSQL's advisory locks. Two fingerprints that share them only wait for each other."""
    return int.from_bytes(sha256(fingerprint.encode()).digest()[:8], signed=True)


def _moving(incident: Incident) -> dict[str, Any]:
    values = incident.model_dump(exclude=_KEPT)
    return values | {"rto": incident.rto.total_seconds(), "rpo": incident.rpo.total_seconds()}


def _values(incident: Incident) -> dict[str, Any]:
    alarm = incident.alarm.model_dump(mode="json") if incident.alarm else None
    return _moving(incident) | {"chain": incident.chain.model_dump(mode="json"), "alarm": alarm}


def _incident(row: Row[Any]) -> Incident:
    values = row._asdict()
    return Incident.model_validate(
        values | {"rto": timedelta(seconds=values["rto"]), "rpo": timedelta(seconds=values["rpo"])}
    )


def _record(row: Row[Any]) -> AlarmRecord:
    return AlarmRecord.model_validate(row._asdict())


def _page_values(page: Page) -> dict[str, Any]:
    return page.model_dump(exclude=_KEPT) | {"person": page.person.model_dump(mode="json")}
