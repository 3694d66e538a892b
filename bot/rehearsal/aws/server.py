"""HTTP in front of moto: aiohttp on a thread of its own, which also runs moto and every feature.

aiohttp, not a WSGI middleware, because holding a call, delaying it, dropping its connection and polling a queue are
waits, and a wait should cost no thread. One thread for all of it, because moto was written for one: nothing races, a
test sees calls in one order, and any synchronous boto3 program may run on any other thread.
"""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, TypeVar

from aiohttp import web

from bot.rehearsal.aws.call import Reply, Request

Respond = Callable[[Request], Coroutine[Any, Any, Reply | None]]
Result = TypeVar("Result")
_LARGEST = 1 << 30
_GRACE = 0.2  # seconds for connections to close; what is in hand is cancelled first
_SETTLE = 0.02
_ONCE = {"content-length", "content-type"}
logger = logging.getLogger(__name__)


class Server:
    """Serves `respond` on loopback; None from it drops the connection. `pages` are plain files by path."""

    def __init__(self, respond: Respond, pages: Mapping[str, bytes]) -> None:
        self._respond, self._pages = respond, pages
        self._loop: asyncio.AbstractEventLoop
        self._thread = threading.Thread(target=self._run, name="emulated-aws", daemon=True)
        self._runner: web.AppRunner | None = None
        self._stopping = False
        self._unanswered: set[asyncio.Future[Reply | None]] = set()

    async def start(self, port: int) -> int:
        """The port that it listens on. Raises OSError when the port is taken."""
        self._loop = asyncio.new_event_loop()
        self._thread.start()
        try:
            return await self.on_thread(self._listen(port))
        except OSError:
            await self.stop(_nothing)
            raise

    async def stop(self, last: Callable[[], Awaitable[None]]) -> None:
        """Close every connection, let `last` clean up on the thread, and end the thread."""
        await self.on_thread(self._close(last))
        self._loop.call_soon_threadsafe(self._loop.stop)
        await asyncio.to_thread(self._thread.join)

    async def on_thread(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run something on the emulator's thread, from another one's loop."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def call_on_thread(self, work: Callable[[], Result]) -> Result:
        """The same, blocking, for a plain function."""

        async def run() -> Result:
            return work()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    async def _listen(self, port: int) -> int:
        app = web.Application(client_max_size=_LARGEST)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, auto_decompress=False, shutdown_timeout=_GRACE)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        return int(self._runner.addresses[0][1])

    async def _close(self, last: Callable[[], Awaitable[None]]) -> None:
        assert self._runner is not None
        self._stopping = True
        for site in tuple(self._runner.sites):
            await site.stop()
        await asyncio.sleep(_SETTLE)  # a connection that was being accepted becomes known, and its request is dropped
        for work in tuple(self._unanswered):
            work.cancel()
        await self._runner.cleanup()
        await last()

    async def _in_hand(self, work: "asyncio.Future[Reply | None]") -> Reply | None:
        """Wait for the reply; stopping the server drops the connection instead, however long the call would take."""
        self._unanswered.add(work)
        if self._stopping:
            work.cancel()
        try:
            await asyncio.wait({work})
            return None if work.cancelled() else work.result()
        finally:
            self._unanswered.discard(work)

    async def _answer(self, incoming: web.Request) -> web.StreamResponse:
        if incoming.method == "GET" and incoming.path in self._pages:
            return web.Response(body=self._pages[incoming.path], content_type="application/x-pem-file")
        headers = tuple(incoming.headers.items())
        request = Request(incoming.method, incoming.raw_path, headers, await incoming.read())
        reply = await self._in_hand(asyncio.ensure_future(self._respond(request)))
        if reply is None:
            if incoming.transport is not None:  # else the caller is gone already
                incoming.transport.abort()
            return web.Response()  # goes nowhere
        response = web.Response(status=reply.status, body=reply.body or None)
        for key, value in reply.headers:
            if key.lower() in _ONCE:
                response.headers[key] = value
            else:
                response.headers.add(key, value)
        return response


async def _nothing() -> None:
    """There is nothing else to clean up."""
