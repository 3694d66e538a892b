"""The HTTP routes. Each reads a request, calls one thing, and answers."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from aiohttp import web

from bot import metrics
from bot.errors import Unavailable
from bot.intake.sns import Reply
from bot.store.sql import Store

#: SNS messages are at most 256 KiB; the envelope around them needs some more.
MAX_BODY = 1024 * 1024

#: Prometheus waits 10 s for an answer.
_GAUGE_SECONDS = 2.0

SlackReply = tuple[int, Mapping[str, str], bytes]


class AlarmDoor(Protocol):
    """`bot.intake.sns.SnsDoor`."""

    async def receive(self, body: bytes, headers: Mapping[str, str]) -> Reply: ...


class LinkDoor(Protocol):
    """`bot.contact.acknowledging.Acknowledging`: a status and a page for whoever opens a link, or presses its button."""

    async def show(self, token: str) -> tuple[int, str]: ...

    async def press(self, token: str) -> tuple[int, str]: ...


def routes(
    *,
    alarms: AlarmDoor,
    links: LinkDoor,
    slack: Callable[[bytes, Mapping[str, str]], Awaitable[SlackReply]],
    ready: Callable[[], Awaitable[Mapping[str, str]]],
    store: Store,
) -> web.Application:
    """The application. `ready` gives what is not ready, by name; empty means ready."""

    async def take_alarm(request: web.Request) -> web.Response:
        reply = await alarms.receive(await request.read(), request.headers)
        return web.Response(status=reply.status, text=reply.reason)

    async def take_slack(request: web.Request) -> web.Response:
        status, headers, body = await slack(await request.read(), request.headers)
        return web.Response(status=status, headers=dict(headers), body=body)

    async def open_link(request: web.Request) -> web.Response:
        return _page(*await links.show(request.match_info["token"]))

    async def press_link(request: web.Request) -> web.Response:
        return _page(*await links.press(request.match_info["token"]))

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def readyz(_: web.Request) -> web.Response:
        problems = await ready()
        return web.json_response({"ready": not problems, "problems": problems}, status=503 if problems else 200)

    async def show_metrics(_: web.Request) -> web.Response:
        await _gauge(store)
        return web.Response(body=metrics.page(), content_type="text/plain", charset="utf-8")

    app = web.Application(client_max_size=MAX_BODY)
    app.router.add_post("/alarms/sns", take_alarm)
    app.router.add_post("/slack/events", take_slack)
    app.router.add_get("/ack/{token}", open_link)
    app.router.add_post("/ack/{token}", press_link)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", show_metrics)
    return app


def _page(status: int, html: str) -> web.Response:
    """Nothing is loaded from elsewhere, nobody frames it, and the address, which is a key, is told to nobody."""
    headers = {
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
    return web.Response(status=status, text=html, content_type="text/html", headers=headers)


async def _gauge(store: Store) -> None:
    """What the database says, if it says so in time: without it the other metrics are worth the most."""
    try:
        async with asyncio.timeout(_GAUGE_SECONDS), store.begin() as tx:
            open_ones, overdue = await tx.watch.load()
            counts = await tx.jobs.counts()
    except (Unavailable, TimeoutError):
        return
    metrics.INCIDENTS_OPEN.set(open_ones)
    for lane, late in overdue.items():
        metrics.JOBS_OVERDUE.labels(lane.name.lower()).set(late)
    metrics.JOBS.clear()
    for kind, state, count, _ in counts:
        metrics.JOBS.labels(kind, state).set(count)
