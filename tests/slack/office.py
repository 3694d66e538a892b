"""The whole Slack side on a real store, the real worker and the local Slack; only AWS is left out."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot import jobs
from bot.clock import SystemClock
from bot.config import Config, Service
from bot.incident.incident import Incident
from bot.incident.paging import Paging
from bot.incident.playbook_runs import PlaybookRuns
from bot.incident.responder import Responder
from bot.playbook.model import Playbook
from bot.rehearsal.slack import Channel, InstalledApp, LocalSlack, User, Workspace
from bot.rehearsal.slack.workspace import Message
from bot.slack.client import Slack, connect
from bot.slack.drawing import Drawing
from bot.slack.graph_file import GraphFiles
from bot.slack.groups import Groups
from bot.slack.outbox import Outbox
from bot.slack.pages import SlackPages
from bot.slack.people import People
from bot.slack.room import Room
from bot.store.sql import Store
from escalation.loading import load
from tests.support.core import Core, Phone, alarm, build

MANIFEST: dict[str, Any] = {
    "display_information": {"name": "Lifeboat"},
    "features": {"bot_user": {"display_name": "Lifeboat"}, "app_home": {"home_tab_enabled": True}},
    "oauth_config": {
        "scopes": {
            "bot": [
                *("chat:write", "channels:manage", "channels:read", "channels:join", "channels:history"),
                *("groups:write", "groups:read", "groups:history", "im:write", "im:read", "im:history"),
                *("users:read", "pins:write", "bookmarks:write", "usergroups:read", "files:write"),
            ]
        }
    },
    "settings": {},
}
TEAM = {"UMINA": "ko-KR", "UJUN": "ko-KR", "UALEX": "en-US", "USOFIA": "en-US"}


def team(**more: Any) -> Workspace:
    users = [User(id_, id_[1:].lower(), locale=locale, tz="Asia/Seoul") for id_, locale in TEAM.items()]
    users.append(User("UGUEST", "guest", locale="ko-KR", tz="Asia/Tokyo"))
    return Workspace(users=users, channels=[Channel("CFALLBACK", "incidents", members=["UMINA"])], **more)


@dataclass
class Office:
    """`work()` runs all that is due. Nothing waits: `later()` moves every clock."""

    core: Core
    local: LocalSlack
    app: InstalledApp
    slack: Slack
    outbox: Outbox
    people: People
    room: Room
    drawing: Drawing
    sms: Phone
    groups: Groups

    async def alarm(self, name: str = "orders-errors", **more: Any) -> str:
        """An alarm goes off and everything that follows has been done; the incident's id."""
        await self.core.raise_alarm(alarm(name, **more))
        await self.work()
        incidents = await self.core.incidents()
        return next(i.id for i in incidents if i.alarm and i.alarm.name == name)

    async def work(self) -> None:
        await self.core.worker.drain()

    async def later(self, seconds: float = 61) -> None:
        self.core.clock.advance(timedelta(seconds=seconds))
        await self.work()

    async def incident(self, id_: str) -> Incident:
        async with self.core.store.begin() as tx:
            return await tx.incidents.get(id_)

    async def acknowledge(self, id_: str, by: str) -> None:
        async with self.core.store.begin() as tx:
            await self.core.responder.acknowledge(tx, id_, by)
        await self.work()

    async def resolve(self, id_: str, by: str = "mina", resolution: str = "") -> None:
        async with self.core.store.begin() as tx:
            await self.core.responder.resolve(tx, id_, by, resolution)
        await self.work()

    def channels(self) -> list[Channel]:
        """The incident channels, oldest first."""
        return [c for c in self.local.world.channels.values() if c.name.startswith("inc-")]

    def said(self, channel: str) -> list[Message]:
        """What the bot wrote in a conversation, without Slack's own lines."""
        history = self.local.world.channels[channel].history()
        return [m for m in history if m.user == self.app.bot_user_id and not m.subtype]

    def direct(self, user: str) -> list[Message]:
        """What the bot wrote to a person."""
        found = self.local.world.direct({user, self.app.bot_user_id})
        return self.said(found.id) if found else []

    def paged(self) -> dict[str, list[Message]]:
        return {user: messages for user in TEAM if (messages := self.direct(user))}

    def tries(self, method: str) -> int:
        return len(self.local.called(method))


@asynccontextmanager
async def open_office(
    store: Store,
    clock: SystemClock,
    *,
    workspace: Workspace | None = None,
    config: Config | None = None,
    playbooks: dict[str, Playbook] | None = None,
) -> AsyncIterator[Office]:
    config = config or Config(services={"orders": Service()})
    directory = load()
    responder, runs = Responder(config, directory), PlaybookRuns(config, directory, playbooks or {})
    async with LocalSlack(workspace or team(), rate_limits=None) as local:
        app = local.install(MANIFEST)
        async with connect(
            app.bot_token, local.api_url, lambda: time.monotonic() + clock.offset.total_seconds()
        ) as web:
            people = People(store, web, directory, config)
            outbox = Outbox(store, web)
            room = Room(store, web, responder, people, config)
            drawing = Drawing(store, web, outbox, responder, runs, people)
            groups = Groups(store, web, config)
            sms = Phone("sms")
            paging = Paging(store, responder, {"slack": SlackPages(web, outbox, people), "sms": sms})
            effects = {
                jobs.PAGE: paging.page, jobs.OPEN_ROOM: room.open, jobs.INVITE: room.invite,
                jobs.DRAW_CARD: drawing.card, jobs.DRAW_PAGE: drawing.page, jobs.DRAW_RUN: drawing.run,
                jobs.SAY: drawing.say, jobs.DRAW_HOME: drawing.home, jobs.ASK_GROUPS: groups.ask,
                jobs.POST_GRAPH: GraphFiles(store, web, outbox, runs, people).post,
            }  # fmt: skip
            core = build(store, clock, config=config, playbooks=playbooks, effects=effects)
            yield Office(core, local, app, web, outbox, people, room, drawing, sms, groups)
