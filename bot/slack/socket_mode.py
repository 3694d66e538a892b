"""The other door from Slack: a socket that we open. Watched by our own timer, since sockets are known to fall silent.

Slack allows ten sockets per app and gives each payload to any one of them; what it sends while no socket is up is lost.
So `serve` keeps HTTP open beside it, or runs at least twice. https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

log = structlog.get_logger()

#: We ping every `_PING` seconds and Slack answers: after so long without a word the socket is dead, whatever it says.
SILENT = 45.0
_PING = 10.0
_CONNECT = 20.0
_CLOSE = 2.0
_LOOK = 5.0
_WAITS = (1.0, 2.0, 5.0, 15.0, 30.0)


@dataclass(frozen=True)
class Socket:
    """How the socket is, for /readyz. `heard`: seconds since the last word from Slack; None: none yet."""

    connected: bool
    heard: float | None
    opened: int

    @property
    def well(self) -> bool:
        """Whether what people do reaches us."""
        return self.connected and self.heard is not None and self.heard < SILENT


class SocketMode:
    """`run` keeps one socket open until it is cancelled. `web` is given on, or the SDK would talk to the real Slack."""

    def __init__(
        self, app: AsyncApp, app_token: str, web: AsyncWebClient,
        now: Callable[[], float] = time.monotonic, sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
    ) -> None:  # fmt: skip
        self.app, self.web, self.now, self.sleep = app, web, now, sleep
        self._token = app_token
        self._handler: AsyncSocketModeHandler | None = None
        self._heard_at: float | None = None
        #: The SDK keeps when it sent the ping that was answered last; nothing else tells of an answer.
        self._ponged_at: float | None = None
        self._opened = 0

    async def state(self) -> Socket:
        """Where things stand."""
        handler = self._handler
        connected = handler is not None and await handler.client.is_connected()
        if handler and handler.client.last_ping_pong_time != self._ponged_at:
            self._ponged_at, self._heard_at = handler.client.last_ping_pong_time, self.now()
        heard = None if self._heard_at is None else self.now() - self._heard_at
        return Socket(connected=connected, heard=heard, opened=self._opened)

    async def run(self) -> None:
        """Open the socket, open it anew whenever it is dead or silent, and close it in the end."""
        failures = 0
        try:
            while True:
                if not await self._open():
                    await self.sleep(_WAITS[min(failures, len(_WAITS) - 1)])
                    failures += 1
                    continue
                failures = 0
                while (await self.state()).well:
                    await self.sleep(_LOOK)
                log.warning("slack.socket_dead", state=str(await self.state()))
                await self._close()
        finally:
            await self._close()

    async def _open(self) -> bool:
        """Whether there is a new socket now."""
        handler = AsyncSocketModeHandler(self.app, self._token, web_client=self.web, ping_interval=_PING)
        if urlsplit(self.web.base_url).hostname in {"127.0.0.1", "localhost", "::1"}:
            handler.client.proxy = None  # the SDK takes HTTPS_PROXY from the environment, even for this machine
        handler.client.message_listeners.append(self._hear)
        self._handler = handler
        try:
            async with asyncio.timeout(_CONNECT):
                # Slack's refusals (a wrong token, Socket Mode switched off) are raised by this call and by no later one.
                handler.client.wss_uri = await handler.client.issue_new_wss_url()
                await handler.client.connect()  # type: ignore[no-untyped-call]  # slack_sdk's
        except Exception as error:  # noqa: BLE001  # slack_sdk's, aiohttp's, a timeout: all of them mean "again, later"
            log.warning("slack.socket_not_opened", error=f"{type(error).__name__}: {error}")
            await self._close()
            return False
        self._opened, self._heard_at, self._ponged_at = self._opened + 1, self.now(), None
        return True

    async def _hear(self, *_: Any) -> None:
        self._heard_at = self.now()

    async def _close(self) -> None:
        handler, self._handler = self._handler, None
        if handler is None:
            return
        try:
            async with asyncio.timeout(_CLOSE):
                await handler.close_async()  # type: ignore[no-untyped-call]  # slack_bolt's
                await asyncio.sleep(0)  # the SDK only cancels its tasks; they need a turn of the loop to end
        except Exception as error:  # noqa: BLE001  # it is thrown away either way
            log.info("slack.socket_not_closed", error=type(error).__name__)
