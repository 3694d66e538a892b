"""The whole Slack side with its front door open: people type, press and send forms at the local Slack."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from bot.clock import SystemClock
from bot.config import Config, Match, Service
from bot.errors import N_, Unavailable, phrase
from bot.incident.run import Run
from bot.playbook.action import StepPlan
from bot.playbook.model import Playbook
from bot.playbook.planning import assemble
from bot.rehearsal.slack import Person
from bot.slack.bolt import Door, Listeners, Reply, bolt_app, listeners
from bot.slack.choices import Choices
from bot.slack.manifest import manifest
from bot.store.sql import Store
from tests.slack.office import Office, open_office

SECRET = "not-a-secret"
SERVICES = {
    "orders": Service(
        title="Orders",
        match=(Match(alarm="orders-*"),),
        tags={"class": "critical"},
        parameters={"table": "/orders/table"},
    )
}


@dataclass
class Names:
    """What AWS would list, by kind. `broken` raises, `slow` never answers; `asked` keeps every question."""

    of: dict[str, list[str]] = field(default_factory=dict)
    broken: bool = False
    slow: asyncio.Event | None = None
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    async def __call__(self, kind: str, region: str, given: Mapping[str, str]) -> list[str]:
        self.asked.append((kind, region, dict(given)))
        if self.slow:
            await self.slow.wait()
        if self.broken:
            raise Unavailable(phrase(N_("AWS does not answer.")))
        return self.of.get(kind, [])


@dataclass
class Front:
    """`office` is everything behind the door. `done()` runs what is due and waits for every answer."""

    office: Office
    door: Door
    to: Listeners
    aws: "Names"

    def person(self, name: str) -> Person:
        return self.office.local.person(name)

    async def done(self) -> None:
        await self.to.desk.settled()
        await self.office.work()
        await self.to.desk.settled()

    async def command(self, who: str, text: str = "", *, channel: str = "CFALLBACK") -> str:
        """What the person is told."""
        outcome = await self.person(who).command("/dr", text, channel=channel)
        assert outcome.ok, outcome
        return await self._told(who, len(self.whispers(who)) - len(outcome.told))

    async def click(self, who: str, label: str, *, channel: str | None = None) -> str:
        before = len(self.whispers(who))
        outcome = await self.person(who).click(label, channel=channel)
        assert outcome.ok, outcome
        return await self._told(who, before)

    async def _told(self, who: str, before: int) -> str:
        await self.done()
        return "\n".join(self.whispers(who)[before:])

    def whispers(self, who: str) -> list[str]:
        """What only this person was shown: ephemeral messages everywhere, in their order."""
        person = self.person(who)
        found = [
            message for channel in self.office.local.world.channels.values() if channel.seen_by(person.id)
            for message in channel.shown_to(person.id) if message.only_for == person.id
        ]  # fmt: skip
        return [person.reads(message) for message in sorted(found, key=lambda message: message.ts)]

    async def planned(self, incident: str) -> str:
        """A run of restore-table whose plan is ready, without AWS; its id."""
        core = self.office.core
        async with core.store.begin() as tx:
            run = await core.runs.request(tx, incident, "restore-table", {"table": "orders"}, "mina")
            found = await tx.incidents.get(incident)
            values = core.runs.form(found, run.name, tx.now, "UTC", {"table": "orders"}).values
            playbook, context = core.runs.playbook(run.name), core.runs.context(found, tx.now)
            plan = assemble(playbook, context, values, lambda _step, _with: StepPlan())
            await core.runs.planned(tx, run.id, plan)
        await self.office.work()
        return run.id

    async def run(self, id_: str) -> Run:
        async with self.office.core.store.begin() as tx:
            return await tx.runs.get(id_)

    async def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> Reply:
        """A request as anybody could send it; signed when no headers are given."""
        return await self.door.handle_http(body, signed(body) if headers is None else headers)


def signed(body: bytes, *, at: float | None = None, form: bool = True, secret: str = SECRET) -> dict[str, str]:
    stamp = str(int(time.time() if at is None else at))
    mark = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    kind = "application/x-www-form-urlencoded" if form else "application/json"
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={mark}", "Content-Type": kind}


def payload(content: Mapping[str, Any]) -> bytes:
    return urlencode({"payload": json.dumps(content)}).encode()


@asynccontextmanager
async def open_front(
    store: Store, clock: SystemClock, *, playbooks: dict[str, Playbook] | None = None, config: Config | None = None,
    **more: Any,
) -> AsyncIterator[Front]:  # fmt: skip
    config = config or Config(services=SERVICES)
    async with open_office(store, clock, config=config, playbooks=playbooks, **more) as office:
        core = office.core
        aws = Names()
        to = listeners(
            core.store, office.slack, office.people, core.responder, core.runs, config, Choices(aws, patience=0.05)
        )
        app = bolt_app(to, SECRET, office.slack.web)
        front = Front(office, Door(app, SECRET), to, aws)
        async with served(front) as url:
            said = manifest(url, socket_mode=False)
            installed = replace(office.app, manifest=said, request_url=url, signing_secret=SECRET)
            office.local.world.apps[office.app.id] = installed
            office.local.world.channels["CFALLBACK"].members = [user.id for user in office.local.workspace.users]
            await office.slack.me()
            yield front
            await front.to.desk.settled()


@asynccontextmanager
async def served(front: Front) -> AsyncIterator[str]:
    async def handle(request: web.Request) -> web.Response:
        status, headers, body = await front.door.handle_http(await request.read(), request.headers)
        return web.Response(status=status, headers=dict(headers), body=body)

    app = web.Application()
    app.router.add_post("/slack/events", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    finally:
        await runner.cleanup()


class Down:
    """A database that cannot be reached."""

    def begin(self, job: Any = None) -> Any:
        raise Unavailable(phrase(N_("The database does not answer: {error}"), error="connection refused"))
