"""What the core needs from the outside, as protocols; `bot/app.py` fills them in."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal, Protocol

from bot.incident.correlate import AlarmRecord
from bot.incident.incident import Incident
from bot.incident.pager import Page
from bot.incident.run import Run, RunStatus, Step
from bot.incident.timeline import Entry
from bot.jobs import Job, NewJob
from bot.playbook.action import Memo
from escalation.override import Override

Door = Literal["sns-http", "sqs", "sweep", "cli", "self"]


@dataclass(frozen=True)
class Delivery:
    """What came in at a door, unchanged. `id` is the same for every delivery of the same message (SNS MessageId)."""

    id: str
    door: Door
    body: str
    received_at: datetime


class Inbox(Protocol):
    """The durable inbox: what it has accepted is never lost."""

    async def accept(self, deliveries: Sequence[Delivery]) -> None:
        """Return once the deliveries are on disk; many callers share one commit. A known id is accepted and ignored.

        Raises `Unavailable` when the database refuses: the caller answers 503 or leaves the message in its queue.
        """
        ...


class Clock(Protocol):
    """The time. Tests move theirs; `offset` is how far, and is added to a database server's own clock."""

    @property
    def offset(self) -> timedelta: ...

    def now(self) -> datetime:
        """The current time, with UTC as its zone."""
        ...


class Jobs(Protocol):
    """The queue, inside a transaction."""

    async def add(self, *jobs: NewJob) -> None:
        """Write jobs; one whose `key` waits already only becomes due earlier."""
        ...


class Incidents(Protocol):
    """Incidents and the alarms that belong to them, inside a transaction."""

    async def get(self, incident: str) -> Incident:
        """The incident, locked until the transaction ends. Raises `NotFound`."""
        ...

    async def many(self, incidents: Collection[str]) -> Mapping[str, Incident]:
        """Several at once, locked in a fixed order."""
        ...

    async def open_with(self, keys: Collection[str]) -> Mapping[str, Incident]:
        """The open incidents with these open keys, locked, by key."""
        ...

    async def insert(self, incidents: Sequence[Incident]) -> Collection[str]:
        """The ids that were written; the others' keys are taken by open incidents (perhaps of another process)."""
        ...

    async def save(self, *incidents: Incident) -> None: ...

    async def channel_names_like(self, name: str) -> frozenset[str]:
        """Channel names in use that begin with `name`."""
        ...

    async def in_channel(self, channel: str) -> Incident | None:
        """The latest incident of a Slack channel."""
        ...

    async def listing(self, *, open_only: bool, limit: int = 50) -> Sequence[Incident]: ...

    async def unanswered(self, after: str, limit: int) -> Sequence[str]:
        """The ids, in order and behind `after`, of incidents that nobody has acknowledged and whose chain goes on."""
        ...

    async def alarms(self, fingerprints: Collection[str]) -> Mapping[str, AlarmRecord]:
        """What is known of these alarms. Until the transaction ends, nobody else reads them, known or not."""
        ...

    async def alarms_of(self, incident: str) -> Sequence[AlarmRecord]: ...

    async def raised_in(self, services: Collection[str | None]) -> Sequence[AlarmRecord]:
        """The alarms that are on and belong to open incidents of these services; None: of those without a service."""
        ...

    async def save_alarms(self, *records: AlarmRecord) -> None: ...


class Pages(Protocol):
    """Pages, inside a transaction."""

    async def add(self, *pages: Page) -> None:
        """Write pages; one that exists already stays as it is."""
        ...

    async def get(self, page: str) -> Page: ...

    async def of(self, incident: str) -> Sequence[Page]: ...

    async def of_many(self, incidents: Collection[str]) -> Sequence[Page]: ...

    async def forsaken(self, before: datetime) -> Sequence[Page]:
        """Pages that are due, written before then, and that no job sends."""
        ...

    async def save(self, *pages: Page) -> None: ...


@dataclass(frozen=True)
class Record:
    """How one earlier run went. `steps`: how long each step took that did what it should, by the playbook's step."""

    status: RunStatus
    took: timedelta | None
    steps: Mapping[str, timedelta]


class Runs(Protocol):
    """Runs of playbooks and their steps, inside a transaction. The lock order is run, then step."""

    async def get(self, run: str) -> Run:
        """The run, locked until the transaction ends. Raises `NotFound`."""
        ...

    async def peek(self, run: str) -> Run:
        """The run without a lock: for what is only told. Raises `NotFound`."""
        ...

    async def going(self) -> Sequence[Run]:
        """Every run that changes AWS now; until the transaction ends, nobody else asks, so that two cannot begin at once."""
        ...

    async def of(self, incident: str) -> Sequence[Run]: ...

    async def add(self, run: Run, steps: Sequence[Step]) -> None: ...

    async def save(self, run: Run) -> None: ...

    async def steps(self, run: str) -> Sequence[Step]: ...

    async def row(self, run: str, step: str) -> tuple[Step, int]:
        """One row, the run locked until the transaction ends, and the number of the run's latest intent.

        Raises `NotFound`.
        """
        ...

    async def add_steps(self, *steps: Step) -> None:
        """Write rows that came up while the run runs: elements of a `for_each`, undos. One that exists stays as it is."""
        ...

    async def save_steps(self, *steps: Step) -> None: ...

    async def lock(self, run: str, resources: Collection[str]) -> Mapping[str, str]:
        """Take these for the run, all or as many as are free; what other runs hold, and which. Two cannot both get one."""
        ...

    async def unlock(self, run: str, free_at: datetime | None = None) -> None:
        """Give back all that the run holds, now or when an aborted run's last calls are surely over."""
        ...

    async def unfinished(self) -> Sequence[Run]:
        """The runs that are not over, oldest first."""
        ...

    async def automatic_since(self, at: datetime) -> Sequence[Run]:
        """The runs that started by themselves, or are about to, since then."""
        ...

    async def records(self, names: Collection[str]) -> Mapping[str, Sequence[Record]]:
        """How the latest runs of these playbooks ended, newest first, at most twenty of each."""
        ...


class Notes(Protocol):
    """The timeline, and what was seen before, inside a transaction."""

    async def write(self, *entries: Entry) -> None: ...

    async def of(self, incident: str) -> Sequence[Entry]: ...

    async def first_time(self, key: str) -> bool:
        """Whether this press, command or form is seen for the first time."""
        ...


@dataclass(frozen=True)
class Switch:
    """`stop` or `freeze`, switched by hand. `until` None: until somebody switches it back."""

    name: Literal["stop", "freeze"]
    by: str
    at: datetime
    until: datetime | None = None
    reason: str = ""


class Switches(Protocol):
    """What people switched by hand, inside a transaction."""

    async def all(self) -> Mapping[str, Switch]: ...

    async def put(self, switch: Switch) -> None: ...

    async def remove(self, name: str) -> None: ...


class Groups(Protocol):
    """Who is in which Slack user group, as Slack last said, inside a transaction."""

    async def members(self, group: str) -> tuple[frozenset[str], datetime] | None:
        """Slack user ids, and when Slack said so; None when it never did."""
        ...

    async def put(self, group: str, members: Collection[str], at: datetime) -> None: ...


@dataclass(frozen=True)
class ByHand:
    """An override that a person made in Slack or at a terminal: of which schedule, by whom, when."""

    id: str
    schedule: str
    override: Override
    by: str
    at: datetime


class Overrides(Protocol):
    """The overrides made by hand, inside a transaction."""

    async def since(self, at: datetime) -> Sequence[ByHand]:
        """Those that are not over at that instant, in the order in which they were made."""
        ...

    async def add(self, made: ByHand) -> None: ...

    async def remove(self, override: str) -> None: ...


class Known(Protocol):
    """What the survey noted of AWS while all was well (`bot.playbook.action.Memo`), inside a transaction."""

    async def recall(self, prefixes: Collection[str]) -> Mapping[str, Memo]:
        """What is known under keys that begin with any of these."""
        ...

    async def note(self, values: Mapping[str, Any]) -> None:
        """AWS says so now. JSON values; what an earlier survey said of these keys is replaced."""
        ...


class Tx(Protocol):
    """One transaction and the instant at which it began, by the database's clock."""

    @property
    def now(self) -> datetime: ...

    @property
    def jobs(self) -> Jobs: ...

    @property
    def incidents(self) -> Incidents: ...

    @property
    def pages(self) -> Pages: ...

    @property
    def runs(self) -> Runs: ...

    @property
    def notes(self) -> Notes: ...

    @property
    def switches(self) -> Switches: ...

    @property
    def groups(self) -> Groups: ...

    @property
    def known(self) -> Known: ...

    @property
    def overrides(self) -> Overrides: ...


class Store(Protocol):
    """Where transactions come from."""

    def begin(self, job: Job | None = None) -> AbstractAsyncContextManager[Tx]:
        """A transaction. With a job: refuse at once (`LeaseLost`) when the lease on it is no longer ours."""
        ...


class ContactMethod(Protocol):
    """One way to reach a person; one module each in `bot/contact/` (Slack's is in `bot/slack/pages.py`)."""

    kind: ClassVar[str]

    async def send(self, page: Page, incident: Incident, *, again: bool) -> None:
        """Hand the page over. `again`: an earlier try may have gone out with its answer lost; look first where possible.

        Raises `DeliveryFailed`; `permanent` when the same address cannot work the next time either.
        """
        ...
