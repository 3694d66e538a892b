"""The floor: what this machine can do at most with the same server, the same disk and the same promise.

aiohttp takes a request, one bare row goes into SQLite (WAL, `synchronous=FULL`), and the answer waits for the commit; all
requests that wait share one. No parsing, no signature, no incident. With an address of Slack it then posts one message.

    python -m benchmarks.floor PORT DATABASE [SLACK_API_URL]
"""

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import aiohttp
from aiohttp import web

from benchmarks.messages import number_in


class Rows:
    """Raw sqlite3 in one thread; one commit for everything that waits."""

    def __init__(self, file: str) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.execute("CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, body BLOB)")
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def insert(self, body: bytes) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((body, done))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())
        await done

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            await asyncio.get_running_loop().run_in_executor(self._thread, self._commit, [(body,) for body, _ in batch])
            for _, done in batch:
                done.set_result(None)
        self._writer = None

    def _commit(self, bodies: list[tuple[bytes]]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany("INSERT INTO rows (body) VALUES (?)", bodies)
        self._connection.execute("COMMIT")


def app(rows: Rows, slack: str | None) -> web.Application:
    """The server. Its route is the one that is measured in Lifeboat."""
    passing: set[asyncio.Task[None]] = set()

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        await rows.insert(body)
        if slack:
            task = asyncio.create_task(_post(application["session"], slack, body))
            passing.add(task)
            task.add_done_callback(passing.discard)
        return web.Response(text="ok")

    async def ready(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def session(application: web.Application) -> AsyncIterator[None]:
        async with aiohttp.ClientSession() as application["session"]:
            yield

    application = web.Application()
    application.cleanup_ctx.append(session)
    application.router.add_post("/alarms/sns", take)
    application.router.add_get("/readyz", ready)
    return application


async def _post(session: aiohttp.ClientSession, slack: str, body: bytes) -> None:
    message = {"channel": "D1", "text": f"bench-{number_in(body) or 0:06}", "metadata": '{"key": "page:1"}'}
    async with session.post(f"{slack}chat.postMessage", data=message) as answer:
        await answer.read()


if __name__ == "__main__":
    hand_on = sys.argv[3] if len(sys.argv) > 3 else None
    web.run_app(app(Rows(sys.argv[2]), hand_on), host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
