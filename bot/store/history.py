"""The timeline, what was seen before, Slack messages that are kept up to date, and what Slack said of people."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Table, bindparam, delete, exists, insert, select

from bot.incident.posted import Posted, Profile
from bot.incident.timeline import Entry
from bot.jobs import ALARM
from bot.store.inserts import put, unless_there
from bot.store.statements import Statements
from bot.store.tables import InboxRow, JobRow, MessageRow, PersonRow, SeenRow, TimelineRow

_timeline: Table = TimelineRow.__table__  # type: ignore[attr-defined]  # SQLModel adds it when the class is made
_seen: Table = SeenRow.__table__  # type: ignore[attr-defined]  # as above
_messages: Table = MessageRow.__table__  # type: ignore[attr-defined]  # as above
_people: Table = PersonRow.__table__  # type: ignore[attr-defined]  # as above
_inbox: Table = InboxRow.__table__  # type: ignore[attr-defined]  # as above
_jobs: Table = JobRow.__table__  # type: ignore[attr-defined]  # as above

_WRITE = insert(_timeline)
_MESSAGE = select(_messages).where(_messages.c.key == bindparam("this"))

#: Longer than SNS retries (1 h) and than its message ids must be remembered (24 h).
REMEMBER = timedelta(hours=48)


class NoteRows:
    """`bot.incident.ports.Notes` over SQL."""

    def __init__(self, connection: Statements, now: datetime) -> None:
        self.connection, self.now = connection, now

    async def write(self, *entries: Entry) -> None:
        if entries:
            await self.connection.execute(_WRITE, [entry.model_dump() for entry in entries])

    async def of(self, incident: str) -> Sequence[Entry]:
        rows = await self.connection.execute(
            select(_timeline).where(_timeline.c.incident == incident).order_by(_timeline.c.id)
        )
        return [Entry.model_validate(row._asdict()) for row in rows]

    async def first_time(self, key: str) -> bool:
        statement = unless_there(self.connection.dialect.name, _seen, "key", returning=True)
        written = await self.connection.execute(statement, {"key": key[:300], "at": self.now})
        return written.first() is not None

    async def forget_old(self) -> None:
        """Remove what has been remembered long enough; a delivery that nobody has looked at yet stays."""
        long_ago = self.now - REMEMBER
        await self.connection.execute(delete(_seen).where(_seen.c.at < long_ago))
        unread = exists().where(_jobs.c.kind == ALARM.name, _jobs.c.payload["inbox"].as_string() == _inbox.c.id)
        await self.connection.execute(delete(_inbox).where(_inbox.c.received_at < long_ago, ~unread))


class MessageRows:
    """`bot.incident.posted.Messages` over SQL."""

    def __init__(self, connection: Statements, now: datetime) -> None:
        self.connection, self.now = connection, now

    async def get(self, key: str) -> Posted | None:
        row = (await self.connection.execute(_MESSAGE, {"this": key})).first()
        return Posted(row.key, row.channel, row.ts, row.digest) if row else None

    async def put(self, posted: Posted) -> None:
        """Remember a message under its key, whether it was known or not."""
        row = {"key": posted.key, "channel": posted.channel, "ts": posted.ts, "digest": posted.digest}
        await self.connection.execute(put(self.connection.dialect.name, _messages, "key"), row)

    async def beginning(self, prefix: str) -> Sequence[Posted]:
        """Every message whose key begins so."""
        rows = await self.connection.execute(
            select(_messages).where(_messages.c.key.startswith(prefix, autoescape=True)).order_by(_messages.c.key)
        )
        return [Posted(row.key, row.channel, row.ts, row.digest) for row in rows]

    async def profile(self, slack: str) -> Profile | None:
        row = (await self.connection.execute(select(_people).where(_people.c.slack == slack))).first()
        return Profile(row.slack, row.language, row.zone, row.at) if row else None

    async def put_profile(self, profile: Profile) -> None:
        row = {"slack": profile.slack, "language": profile.language, "zone": profile.zone, "at": profile.at}
        await self.connection.execute(put(self.connection.dialect.name, _people, "slack"), row)
