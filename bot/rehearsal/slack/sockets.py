"""Socket Mode: the WebSocket connections of apps, and the envelopes that go over them.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMessage, WSMsgType, web

from bot.rehearsal.slack.faults import SOCKET_FAULTS
from bot.rehearsal.slack.workspace import InstalledApp, Json
from bot.rehearsal.slack.world import World

MOST_CONNECTIONS = 10
_LIFETIME = 18_000


@dataclass(eq=False)
class Connection:
    """One link. A silent one is dead without showing it: it takes pings and acknowledgements and answers nothing."""

    app_id: str
    socket: web.WebSocketResponse
    silent: bool = False
    sent: int = 0
    retiring: bool = False


@dataclass
class Sockets:
    """All connections of all apps. `connections()` are those that are open now, the silent ones included."""

    world: World
    _tickets: dict[str, str] = field(default_factory=dict)
    _open: list[Connection] = field(default_factory=list)
    _waiting: dict[str, asyncio.Future[Any]] = field(default_factory=dict)
    _sent: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def connections(self, app_id: str | None = None) -> list[Connection]:
        return [c for c in self._open if app_id in (None, c.app_id)]

    async def until(self, fits: Callable[[list[Connection]], object], seconds: float = 5.0) -> None:
        """Return once the open connections fit, for example `until(lambda open: len(open) == 2)`; else TimeoutError."""
        async with asyncio.timeout(seconds):
            while not fits(self.connections()):
                await self._changed.wait()

    def open_connection(self, app: InstalledApp) -> str:
        """The address for one connection: what apps.connections.open answers."""
        ticket = self.world.ids.secret("")
        self._tickets[ticket] = app.id
        return f"{self.world.url.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id={app.id}"

    async def accept(self, request: web.Request) -> web.StreamResponse:
        app_id = self._tickets.pop(request.query.get("ticket", ""), None)
        if app_id is None:
            return web.Response(status=401)
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        connection = Connection(app_id, socket)
        if refused := self._refused(app_id):
            await _disconnect(connection, refused)
            await socket.close()
            return socket
        self._open.append(connection)
        self._noted()
        try:
            await socket.send_json(self._hello(app_id))
            async for message in socket:
                await self._heard(connection, message)
        finally:
            self._open.remove(connection)
            self._noted()
        return socket

    async def send(self, app: InstalledApp, kind: str, what: str, payload: Json, retry: Mapping[str, Any]) -> Any:
        """Hand a payload to one connection and wait for its acknowledgement; returns the payload of that.

        A connection that dies meanwhile leaves the caller waiting, as in Slack, until it gives up.
        """
        choices = [c for c in self.connections(app.id) if not c.retiring] or self.connections(app.id)
        self._sent += 1
        connection = choices[self._sent % len(choices)]
        envelope_id = self.world.ids.secret("")
        envelope = {
            "envelope_id": envelope_id,
            "type": kind,
            "payload": payload,
            "accepts_response_payload": kind != "events_api",
            **retry,
        }
        answer = self._waiting[envelope_id] = asyncio.get_running_loop().create_future()
        try:
            await self._transmit(connection, what, envelope)
            return await answer
        finally:
            del self._waiting[envelope_id]

    def silence(self) -> None:
        """Every open connection goes dead without closing."""
        for connection in self._open:
            connection.silent = True

    async def drop(self) -> None:
        """Every open connection is closed at once, without a warning."""
        for connection in list(self._open):
            await connection.socket.close(code=1011)

    async def refresh(self) -> None:
        """What Slack does every few hours: warn, ask for a new connection, then close the old one."""
        for connection in list(self._open):
            connection.retiring = True
            await _disconnect(connection, "warning")
        for connection in [c for c in self._open if c.retiring]:
            await _disconnect(connection, "refresh_requested")
            await connection.socket.close()

    def _noted(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _transmit(self, connection: Connection, what: str, envelope: Json) -> None:
        if fault := self.world.faults.take(what, *SOCKET_FAULTS):
            connection.silent = connection.silent or fault.kind == "silent_socket"
            if fault.kind == "closed_socket":
                await connection.socket.close(code=1011)
                return
        if not connection.silent and not connection.socket.closed:
            connection.sent += 1
            with contextlib.suppress(ConnectionError):  # it died just now: lost, as anything sent to a dead link
                await connection.socket.send_json(envelope)

    async def _heard(self, connection: Connection, message: WSMessage) -> None:
        if connection.silent:
            return
        if message.type == WSMsgType.PING:
            await connection.socket.pong(message.data)
        elif message.type == WSMsgType.TEXT and message.data.startswith("{"):
            said = json.loads(message.data)
            answer = self._waiting.get(said.get("envelope_id", ""))
            if answer is not None and not answer.done():
                answer.set_result(said.get("payload"))

    def _refused(self, app_id: str) -> str:
        if not self.world.apps[app_id].socket_mode:
            return "link_disabled"
        return "too_many_websockets" if len(self.connections(app_id)) >= MOST_CONNECTIONS else ""

    def _hello(self, app_id: str) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self.connections(app_id)),
            "debug_info": {"host": "localhost", "build_number": 1, "approximate_connection_time": _LIFETIME},
            "connection_info": {"app_id": app_id},
        }


async def _disconnect(connection: Connection, reason: str) -> None:
    if not connection.socket.closed:
        await connection.socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": "localhost"}})
