"""The rows. Nothing outside `bot/store/` sees them; the core has its own frozen values."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Column, Dialect, Index, Integer, String, Text, false, text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.types import TypeDecorator, TypeEngine
from sqlmodel import Field, SQLModel

from bot.storable import storable


class Prose(TypeDecorator[str]):
    """A text that people or other programs wrote: what a database cannot store is replaced."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002  # SQLAlchemy's signature
        return None if value is None else storable(value)


class Instant(TypeDecorator[datetime]):
    """An instant in UTC: `timestamptz` on PostgreSQL, fixed-width ISO text (which sorts) on SQLite."""

    impl = String(27)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(TIMESTAMP(timezone=True))
        return dialect.type_descriptor(String(27))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            message = f"an instant needs a time zone: {value}"
            raise ValueError(message)
        value = value.astimezone(UTC)
        # isoformat, cut before its "+00:00": it takes a tenth of the time of strftime.
        return value if dialect.name == "postgresql" else f"{value.isoformat(timespec='microseconds')[:26]}Z"

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return (value if dialect.name == "postgresql" else datetime.fromisoformat(value)).astimezone(UTC)


_Json = JSON().with_variant(JSONB(), "postgresql")
_BigId = BigInteger().with_variant(Integer(), "sqlite")


def _instant(*, null: bool = True, index: bool = False) -> Any:
    return Field(default=None, sa_column=Column(Instant, nullable=null, index=index))


def _json(*, null: bool = False) -> Any:
    return Field(default=None, sa_column=Column(_Json, nullable=null))


def _text(default: str = "") -> Any:
    return Field(default=default, sa_column=Column(Prose, nullable=False, server_default=default))


class InboxRow(SQLModel, table=True):
    """A delivery as it came in; its id makes a second delivery of the same message harmless."""

    __tablename__ = "inbox"
    id: str = Field(sa_column=Column(String(300), primary_key=True))
    door: str
    body: str = Field(sa_column=Column(Prose, nullable=False))
    received_at: datetime = _instant(null=False, index=True)


class JobRow(SQLModel, table=True):
    """Work that waits or is leased. A finished job is deleted; `dead` ones stay for a person to see."""

    __tablename__ = "jobs"
    id: int = Field(default=None, sa_column=Column(_BigId, primary_key=True, autoincrement=True))
    kind: str
    lane: int
    state: str = Field(default="waiting")
    payload: dict[str, Any] = _json()
    key: str | None = Field(default=None, unique=True)
    due_at: datetime = _instant(null=False)
    created_at: datetime = _instant(null=False)
    attempts: int = 0
    fence: int = 0
    owner: str | None = None
    leased_until: datetime | None = _instant()
    error: str = _text()
    __table_args__ = (Index("jobs_due", "lane", "due_at", "id", postgresql_where=text("state = 'waiting'")),)


class IncidentRow(SQLModel, table=True):
    """One incident; `open_key` is unique, and null once it is resolved."""

    __tablename__ = "incidents"
    id: str = Field(sa_column=Column(String(16), primary_key=True))
    title: str = _text()
    kind: str
    status: str = Field(index=True)
    tier: int
    service: str | None = None
    open_key: str | None = Field(default=None, sa_column=Column(Text, unique=True))
    account: str = ""
    region: str = ""
    alarm: dict[str, Any] | None = _json(null=True)
    declared_by: str | None = None
    started_at: datetime = _instant(null=False, index=True)
    acknowledged_at: datetime | None = _instant()
    acknowledged_by: str | None = None
    resolved_at: datetime | None = _instant()
    resolved_by: str | None = None
    resolution: str = _text()
    rto: float
    rpo: float
    chain: dict[str, Any] = _json()
    level: int = 0
    cycle: int = 0
    timer: int = 0
    exhausted: bool = False
    paged_again_at: datetime | None = _instant()
    channel: str | None = Field(default=None, index=True)
    channel_name: str | None = Field(default=None, unique=True)
    channel_problem: str = _text()
    own_channel: bool = True


class AlarmRow(SQLModel, table=True):
    """The latest that is known of one alarm, and the incident it belongs to or last belonged to."""

    __tablename__ = "alarms"
    fingerprint: str = Field(sa_column=Column(Text, primary_key=True))
    incident: str | None = Field(default=None, index=True)
    state: str
    count: int = 0
    first_at: datetime = _instant(null=False)
    last_at: datetime = _instant(null=False)
    changed_at: datetime | None = _instant()
    cleared_at: datetime | None = _instant()
    latest: dict[str, Any] = _json()


class PageRow(SQLModel, table=True):
    """One page to one person. Its id is made of incident, cycle, level and person, so it cannot exist twice."""

    __tablename__ = "pages"
    id: str = Field(sa_column=Column(String(200), primary_key=True))
    incident: str = Field(index=True)
    level: int
    cycle: int
    person: dict[str, Any] = _json()
    status: str
    contact: int = 0
    tries: int = 0
    reason: str = ""
    created_at: datetime = _instant(null=False)
    settled_at: datetime | None = _instant()


class TimelineRow(SQLModel, table=True):
    """What happened, in the order it was written."""

    __tablename__ = "timeline"
    id: int = Field(default=None, sa_column=Column(_BigId, primary_key=True, autoincrement=True))
    incident: str = Field(index=True)
    at: datetime = _instant(null=False)
    kind: str
    actor: str = ""
    what: dict[str, Any] = _json()


class MessageRow(SQLModel, table=True):
    """A Slack message that we keep up to date: where it is, and a digest of what was last drawn there."""

    __tablename__ = "messages"
    key: str = Field(sa_column=Column(String(300), primary_key=True))
    channel: str
    ts: str | None = None
    digest: str = ""


class SeenRow(SQLModel, table=True):
    """A press, a command or a form that was already taken, so that its repetition does nothing."""

    __tablename__ = "seen"
    key: str = Field(sa_column=Column(String(300), primary_key=True))
    at: datetime = _instant(null=False, index=True)


class RunRow(SQLModel, table=True):
    """One run of a playbook, frozen when it was asked for."""

    __tablename__ = "runs"
    id: str = Field(sa_column=Column(String(16), primary_key=True))
    incident: str = Field(index=True)
    playbook: dict[str, Any] = _json()
    name: str
    inputs: dict[str, Any] = _json()
    context: dict[str, Any] = _json()
    plan: dict[str, Any] | None = _json(null=True)
    plan_hash: str | None = None
    status: str
    problem: dict[str, Any] | None = _json(null=True)
    failed_step: str | None = None
    automatic: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=false()))
    requested_by: str
    requested_via: str = _text()
    requested_at: datetime = _instant(null=False, index=True)
    planned_at: datetime | None = _instant()
    approvals: list[dict[str, Any]] = _json()
    starts_at: datetime | None = _instant()
    started_at: datetime | None = _instant()
    deadline_at: datetime | None = _instant()
    ended_at: datetime | None = _instant()
    aborted_by: str | None = None
    undone_by: str | None = None


class StepRow(SQLModel, table=True):
    """One step of a run, one element of it, or its undo: the intent is written before its first call."""

    __tablename__ = "steps"
    run: str = Field(sa_column=Column(String(16), primary_key=True))
    step: str = Field(sa_column=Column(String(100), primary_key=True))
    of: str = _text()
    position: int
    state: str
    attempt: int = 0
    retries: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    item: Any = _json(null=True)
    undoes: str | None = None
    happened: int | None = None
    params: dict[str, Any] | None = _json(null=True)
    before: dict[str, Any] | None = _json(null=True)
    acting: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=false()))
    acted: bool = False
    answer: str | None = None
    memory: dict[str, Any] = _json()
    output: dict[str, Any] | None = _json(null=True)
    note: dict[str, Any] | None = _json(null=True)
    question: dict[str, Any] | None = _json(null=True)
    started_at: datetime | None = _instant()
    deadline_at: datetime | None = _instant()
    ended_at: datetime | None = _instant()
    decided_by: str | None = None
    reason: str = _text()


class LockRow(SQLModel, table=True):
    """What a run changes, or may not run beside: nobody else's run may meanwhile. `free_at`: an aborted run's last calls."""

    __tablename__ = "locks"
    resource: str = Field(sa_column=Column(String(500), primary_key=True))
    run: str = Field(index=True)
    free_at: datetime | None = _instant()


class SwitchRow(SQLModel, table=True):
    """What people switched by hand: `stop` (nothing starts by itself), `freeze` (a maintenance window until `until`)."""

    __tablename__ = "switches"
    name: str = Field(sa_column=Column(String(40), primary_key=True))
    by: str
    at: datetime = _instant(null=False)
    until: datetime | None = _instant()
    reason: str = _text()


class GroupRow(SQLModel, table=True):
    """Who is in a Slack user group, as Slack last said; `members` are Slack user ids."""

    __tablename__ = "groups"
    slack: str = Field(sa_column=Column(String(40), primary_key=True))
    members: list[str] = _json()
    at: datetime = _instant(null=False)


class OverrideRow(SQLModel, table=True):
    """An override of a schedule that a person made by hand: `kind` says what it does with `people`."""

    __tablename__ = "overrides"
    id: str = Field(sa_column=Column(String(16), primary_key=True))
    schedule: str
    kind: str
    people: list[str] = _json()
    start: datetime = _instant(null=False)
    end: datetime = Field(sa_column=Column("until", Instant(), nullable=False, index=True))
    by: str
    at: datetime = _instant(null=False)


class KnownRow(SQLModel, table=True):
    """What the survey noted of AWS, and when AWS last said so."""

    __tablename__ = "known"
    key: str = Field(sa_column=Column(String(500), primary_key=True))
    value: Any = _json()
    seen_at: datetime = _instant(null=False)


class PersonRow(SQLModel, table=True):
    """What Slack told us of a user: the language and the zone to speak to them in."""

    __tablename__ = "people"
    slack: str = Field(sa_column=Column(String(40), primary_key=True))
    language: str
    zone: str
    at: datetime = _instant(null=False)
