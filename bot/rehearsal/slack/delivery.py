"""Handing payloads to the app: over Socket Mode when it is connected, else over signed HTTP. It has three seconds.

https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlencode

import aiohttp

from bot.rehearsal.slack.clock import Clock
from bot.rehearsal.slack.faults import DELIVERY_FAULTS
from bot.rehearsal.slack.journal import Journal
from bot.rehearsal.slack.sockets import Sockets
from bot.rehearsal.slack.workspace import InstalledApp, Json
from bot.rehearsal.slack.world import World

Envelope = Literal["events_api", "interactive", "slash_commands", "options"]
Reason = Literal["http_timeout", "http_error", "connection_failed", "not_connected"]
ACK_SECONDS = 3.0


class NotAcknowledged(Exception):
    """The app did not answer 200 in time. `retry`: False when the app itself asked for no more attempts."""

    def __init__(self, reason: Reason, status: int = 0, *, retry: bool = True) -> None:
        super().__init__(reason, status)
        self.reason, self.status, self.retry = reason, status, retry


@dataclass(frozen=True)
class Delivered:
    """One attempt to hand something to the app, as `slack.deliveries` keeps it once it is over.

    `at`: when it began, on the local clock. `problem` is empty when it was acknowledged.
    """

    at: float
    app_id: str
    what: str
    payload: Json
    by: Literal["socket", "http", "nothing"]
    attempt: int
    problem: str
    answer: Any = None


@dataclass(frozen=True)
class Parcel:
    """`what`: the event's type, `slash_commands`, or the payload's type; faults and logs go by it."""

    app: InstalledApp
    envelope: Envelope
    what: str
    payload: Json
    attempt: int = 0
    reason: str = ""

    @property
    def address(self) -> str | None:
        return self.app.url_for(self.envelope, str(self.payload.get("command", "")))

    def body(self) -> tuple[str, str]:
        """What goes over HTTP: the text and its content type."""
        if self.envelope == "events_api":
            return json.dumps(self.payload), "application/json"
        form = self.payload if self.envelope == "slash_commands" else {"payload": json.dumps(self.payload)}
        return urlencode(form), "application/x-www-form-urlencoded"

    def retry_headers(self) -> dict[str, str]:
        if not self.attempt:
            return {}
        return {"X-Slack-Retry-Num": str(self.attempt), "X-Slack-Retry-Reason": self.reason}

    def retry_fields(self) -> Mapping[str, Any]:
        if self.envelope != "events_api":
            return {}
        return {"retry_attempt": self.attempt, "retry_reason": self.reason}


def signed(secret: str, body: str, timestamp: int) -> dict[str, str]:
    """The two headers by which an app knows that Slack sent the body."""
    digest = hmac.new(secret.encode(), f"v0:{timestamp}:{body}".encode(), hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": str(timestamp), "X-Slack-Signature": f"v0={digest}"}


@dataclass
class Delivery:
    """`ack_seconds` is how long the app may take."""

    world: World
    sockets: Sockets
    session: aiohttp.ClientSession
    ack_seconds: float = ACK_SECONDS
    log: Journal[Delivered] = field(default_factory=Journal)

    async def send(self, parcel: Parcel) -> Any:
        """The body of the app's acknowledgement: parsed JSON, a text, or None. Raises `NotAcknowledged`."""
        by = "socket" if self.sockets.connections(parcel.app.id) else "http" if parcel.address else "nothing"
        began = self.world.clock.now()
        try:
            answer = await self._attempt(parcel, by)
        except NotAcknowledged as problem:
            self._note(began, parcel, by, problem.reason)
            raise
        self._note(began, parcel, by, "", answer)
        return answer

    async def _attempt(self, parcel: Parcel, by: str) -> Any:
        fault = self.world.faults.take(parcel.what, *DELIVERY_FAULTS)
        clock = self.world.clock
        if fault and fault.kind == "undelivered":
            raise NotAcknowledged("http_timeout")
        if fault and fault.kind == "slow_delivery":
            await clock.sleep(clock.patience(fault.seconds))
        if by == "nothing":
            raise NotAcknowledged("not_connected")
        way = self._over_socket(parcel) if by == "socket" else self._over_http(parcel)
        answer = await _within(clock, self.ack_seconds, way)
        if fault and fault.kind == "dropped_ack":
            raise NotAcknowledged("http_timeout")
        return answer

    def _note(self, began: float, parcel: Parcel, by: Any, problem: str, answer: Any = None) -> None:
        self.log.note(Delivered(began, parcel.app.id, parcel.what, parcel.payload, by, parcel.attempt, problem, answer))

    async def _over_socket(self, parcel: Parcel) -> Any:
        return await self.sockets.send(
            parcel.app,
            parcel.envelope.replace("options", "interactive"),
            parcel.what,
            parcel.payload,
            parcel.retry_fields(),
        )

    async def _over_http(self, parcel: Parcel) -> Any:
        body, content_type = parcel.body()
        # Signed with the real time, not the local clock: apps refuse what is older than five minutes.
        headers = {
            "Content-Type": content_type,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            **signed(parcel.app.signing_secret, body, _real_time()),
            **parcel.retry_headers(),
        }
        try:
            async with self.session.post(
                str(parcel.address), data=body.encode(), headers=headers, allow_redirects=False
            ) as response:
                text = await response.text()
                if response.status != 200:
                    retry = response.headers.get("X-Slack-No-Retry") != "1"
                    raise NotAcknowledged("http_error", response.status, retry=retry)
                return _understood(response.content_type, text)
        except aiohttp.ClientError as error:
            raise NotAcknowledged("connection_failed") from error


def _understood(content_type: str, text: str) -> Any:
    if not text.strip():
        return None
    if content_type == "application/json":
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _real_time() -> int:

    return int(time.time())


async def _within(clock: Clock, seconds: float, way: Coroutine[Any, Any, Any]) -> Any:
    """The answer, or `NotAcknowledged` after so many of the app's seconds; moving the clock ahead ends the wait."""
    work = asyncio.ensure_future(way)
    timer = asyncio.ensure_future(clock.sleep(clock.patience(seconds)))
    try:
        await asyncio.wait({work, timer}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise NotAcknowledged("http_timeout")
        return work.result()
    finally:
        for task in (work, timer):
            task.cancel()
        await asyncio.gather(work, timer, return_exceptions=True)
