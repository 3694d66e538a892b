"""A wired core without Slack and AWS: the real store, verbs and worker; contact methods that a test can break."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from bot import jobs
from bot.clock import SystemClock
from bot.config import Config, Service
from bot.errors import DeliveryFailed, phrase
from bot.incident.alarm import Alarm
from bot.incident.automatic import Automatic
from bot.incident.incident import Incident
from bot.incident.pager import Page
from bot.incident.paging import Paging
from bot.incident.playbook_runs import PlaybookRuns
from bot.incident.reminding import Reminding
from bot.incident.responder import Responder
from bot.intake.drain import Drain
from bot.jobs import Job, Kind
from bot.store.sql import Store
from bot.worker import Change, Effect, Handlers, Worker, nothing
from escalation.loading import Directory, load


@dataclass
class Phone:
    """A contact method that keeps what it was given. `fail` maps a person's key to the error to raise for them."""

    kind: str
    sent: list[Page] = field(default_factory=list)
    fail: dict[str, Exception] = field(default_factory=dict)

    async def send(self, page: Page, incident: Incident, *, again: bool) -> None:
        if error := self.fail.get(page.person.key) or self.fail.get("*"):
            raise error
        self.sent.append(page)

    @property
    def who(self) -> list[str]:
        return [page.person.key for page in self.sent]


def down(*, permanent: bool = False, retry_after: float | None = None) -> DeliveryFailed:
    return DeliveryFailed(phrase("the provider is down"), permanent=permanent, retry_after=retry_after)


@dataclass
class Core:
    """`core.worker.drain()` runs all that is due; move `core.clock` instead of waiting."""

    store: Store
    clock: SystemClock
    config: Config
    directory: Directory
    responder: Responder
    runs: PlaybookRuns
    slack: Phone
    sms: Phone
    worker: Worker
    ran: list[Job]

    async def raise_alarm(self, *alarms: Alarm) -> None:
        async with self.store.begin() as tx:
            await self.responder.alarms_changed(tx, [(alarm, tx.now) for alarm in alarms])

    async def incidents(self) -> list[Incident]:
        async with self.store.begin() as tx:
            return list(await tx.incidents.listing(open_only=False))

    async def only(self) -> Incident:
        [incident] = await self.incidents()
        return incident

    async def timeline(self, incident: str) -> list[str]:
        async with self.store.begin() as tx:
            return [entry.kind for entry in await tx.notes.of(incident)]

    async def pages(self, incident: str) -> list[Page]:
        async with self.store.begin() as tx:
            return list(await tx.pages.of(incident))


@cache
def example_people() -> Directory:
    """The people, schedules and policies that come with Lifeboat; read once, since YAML is slow to read."""
    return load()


def alarm(name: str = "orders-errors", state: str = "alarm", **more: Any) -> Alarm:
    arn = f"arn:aws:cloudwatch:us-east-1:111122223333:alarm:{name}"
    values: dict[str, Any] = {
        "kind": "cloudwatch.metric", "fingerprint": f"111122223333|us-east-1|{arn}", "name": name, "state": state,
        "arn": arn, "account": "111122223333", "region": "us-east-1",
    }  # fmt: skip
    return Alarm(**(values | more))


def build(store: Store, clock: SystemClock, *, config: Config | None = None, playbooks: Mapping[str, Any] | None = None,
          effects: Mapping[Kind, Effect] | None = None) -> Core:  # fmt: skip
    config = config or Config(services={"orders": Service(policy="default")})
    directory = example_people()
    responder = Responder(config, directory, playbooks)
    runs = PlaybookRuns(config, directory, playbooks or {})
    slack, sms = Phone("slack"), Phone("sms")
    ran: list[Job] = []

    async def seen(job: Job) -> Any:
        ran.append(job)
        return nothing

    async def buried(tx: Any, job: Job, error: str) -> None:
        ran.append(job)

    changes: dict[Kind, Change] = {
        jobs.ALARM: Drain(responder).alarms,
        jobs.ESCALATE: responder.escalations_due,
        jobs.RUN_TIMER: runs.timers_due,
        jobs.CONSIDER: Automatic(config, runs).consider,
        jobs.REMIND: Reminding(directory).due,
    }
    wired: dict[Kind, Effect] = {kind: seen for kind in jobs.KINDS.values() if kind not in changes}
    wired |= {jobs.PAGE: Paging(store, responder, {"slack": slack, "sms": sms}).page, **(effects or {})}
    worker = Worker(store, Handlers(changes, wired, buried), owner="test")
    return Core(store, clock, config, directory, responder, runs, slack, sms, worker, ran)
