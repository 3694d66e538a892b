"""The running local Slack: one aiohttp server on loopback, wired from the modules beside it.

async with LocalSlack(Workspace(users=[User("U1", "mina")])) as slack:
app = slack.install(manifest, request_url="http://127.0.0.1:3000/slack/events")
mina = slack.person("mina")
"""

import asyncio
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp import web

from bot.rehearsal.slack.clock import Clock
from bot.rehearsal.slack.delivery import ACK_SECONDS, Delivered, Delivery, NotAcknowledged, Parcel
from bot.rehearsal.slack.desk import Desk
from bot.rehearsal.slack.events import Events
from bot.rehearsal.slack.faults import Faults
from bot.rehearsal.slack.guard import guard
from bot.rehearsal.slack.installing import install
from bot.rehearsal.slack.journal import Journal
from bot.rehearsal.slack.person import Person
from bot.rehearsal.slack.rates import Rates
from bot.rehearsal.slack.sockets import Sockets
from bot.rehearsal.slack.ui import Ui
from bot.rehearsal.slack.web_api import WebApi
from bot.rehearsal.slack.workspace import InstalledApp, Workspace
from bot.rehearsal.slack.world import ApiCall, World

LOOPBACK = "127.0.0.1"
LARGEST_BODY = 100 * 1024 * 1024


class LocalSlack:
    """`url` is the page, `api_url` what a Bolt app takes as `base_url`; both are known once it runs.

    `rate_limits` scales Slack's limits; None switches them off. `ack_seconds`: how long apps may take to acknowledge.
    """

    def __init__(
        self,
        workspace: Workspace,
        port: int = 0,
        *,
        clock: Clock | None = None,
        rate_limits: float | None = 1.0,
        ack_seconds: float = ACK_SECONDS,
    ) -> None:
        self.workspace, self.clock = workspace, clock or Clock()
        self.world = World(workspace, self.clock)
        self.sockets = Sockets(self.world)
        self._port, self._ack_seconds = port, ack_seconds
        self._api = WebApi(self.world, Rates(self.clock, rate_limits), self.sockets.open_connection)

    @property
    def url(self) -> str:
        return self.world.url

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/"

    @property
    def faults(self) -> Faults:
        return self.world.faults

    @property
    def calls(self) -> Journal[ApiCall]:
        """Every call of the Web API so far, oldest first."""
        return self._api.calls

    @property
    def deliveries(self) -> Journal[Delivered]:
        """Every attempt to hand something to an app so far, oldest first."""
        return self._delivery.log

    def install(
        self,
        manifest: Mapping[str, Any],
        request_url: str | None = None,
        *,
        bot_token: str = "",
        signing_secret: str = "",
        app_token: str = "",
    ) -> InstalledApp:
        """Install an app. `request_url` takes the place of the addresses in its manifest; secrets not given are made up."""
        secrets = {"bot_token": bot_token, "signing_secret": signing_secret, "app_token": app_token}
        return install(self.world, manifest, request_url, secrets)

    def person(self, user: str) -> Person:
        """The driver for one person, by id or name."""
        return Person(self._desk, user)

    def called(self, method: str) -> list[ApiCall]:
        """The calls of one method so far."""
        return [call for call in self.calls if call.method == method]

    async def waits_for_call(
        self,
        method: str,
        where: Callable[[ApiCall], bool] = lambda _call: True,
        *,
        timeout: float = 5.0,  # noqa: ASYNC109  # part of what a test says
    ) -> ApiCall:
        """The first finished call of a method that fits; AssertionError after so many real seconds."""
        return await self.calls.first(
            lambda call: call.method == method and call.status > 0 and where(call), f"such call of {method}", timeout
        )

    async def waits_for_delivery(
        self,
        what: str,
        where: Callable[[Delivered], bool] = lambda _delivered: True,
        *,
        timeout: float = 5.0,  # noqa: ASYNC109  # part of what a test says
    ) -> Delivered:
        """The first finished attempt to deliver an event's type, `slash_commands`, `block_actions` and so on."""
        return await self.deliveries.first(
            lambda delivered: delivered.what == what and where(delivered), f"delivery of {what}", timeout
        )

    async def settled(self) -> None:
        """Return when every event so far was acknowledged or given up; a retry that is due later is waited for."""
        await self._events.settled()

    async def verify_request_url(self, app: InstalledApp) -> bool:
        """What Slack does when a request URL is entered: the app must send the challenge back."""
        challenge = self.world.ids.secret("")
        payload = {"type": "url_verification", "token": app.verification_token, "challenge": challenge}
        try:
            answer = await self._delivery.send(Parcel(app, "events_api", "url_verification", payload))
        except NotAcknowledged:
            return False
        return challenge in (answer, answer.get("challenge") if isinstance(answer, dict) else None)

    async def start(self) -> None:
        # A new connection for each delivery: an app that was restarted must not get a dead one from a pool.
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
        self._delivery = Delivery(self.world, self.sockets, self._session, self._ack_seconds)
        self._events = Events(self.world, self._delivery)
        self._desk = Desk(self.world, self._delivery)
        app = web.Application(middlewares=[guard], client_max_size=LARGEST_BODY)
        app.add_routes([*self._api.routes(), *Ui(self._desk).routes(), web.get("/link/", self.sockets.accept)])
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, LOOPBACK, self._port)
        await site.start()
        self.world.url = f"http://{LOOPBACK}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        await self._events.stop()
        await self.sockets.drop()
        await self._runner.cleanup()
        await self._session.close()
        await asyncio.sleep(0)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
