"""A process that stands for Slack and for SNS's certificate host: it takes everything, and notes when each page came.

Deliberately less than the local Slack of `lifeboat demo`: it must not be what is measured.

    python -m benchmarks.sink PORT CERTIFICATE PATH
"""

import itertools
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from benchmarks.messages import number_in

_FIXED: Mapping[str, Mapping[str, Any]] = {
    "auth.test": {"user_id": "UBOT", "team_id": "T1", "bot_id": "B1", "user": "lifeboat", "team": "bench"},
    "conversations.open": {"channel": {"id": "D1"}},
    "conversations.history": {"messages": []},
    "users.conversations": {"channels": []},
}


class Sink:
    """`pages`: the number of the alarm and when its first page came, in monotonic seconds, which all processes share."""

    def __init__(self, certificate: bytes, path: str) -> None:
        self.certificate, self.path = certificate, path
        self.pages: dict[int, float] = {}
        self.count = 0
        self._ids = itertools.count(1)

    def app(self) -> web.Application:
        app = web.Application(client_max_size=4 * 1024 * 1024)
        app.router.add_post("/api/{method}", self.take)
        app.router.add_get("/pages", self.show)
        app.router.add_post("/forget", self.forget)
        app.router.add_get(self.path, self.show_certificate)
        return app

    async def take(self, request: web.Request) -> web.Response:
        method, body = request.match_info["method"], await request.read()
        if method == "chat.postMessage":
            self._note(body, time.monotonic())
            return web.json_response({"ok": True, "ts": f"1700000000.{next(self._ids):06}", "channel": "C1"})
        if method == "conversations.create":
            return web.json_response({"ok": True, "channel": {"id": f"C{next(self._ids)}", "name": "inc"}})
        return web.json_response({"ok": True, **_FIXED.get(method, {})})

    def _note(self, body: bytes, now: float) -> None:
        # The marker is JSON in a form: {"key": "page:…"}. Cards and the rest carry other keys.
        if b"page%3A" not in body:
            return
        self.count += 1
        number = number_in(body)
        if number is not None:
            self.pages.setdefault(number, now)

    async def show(self, _: web.Request) -> web.Response:
        return web.json_response({"count": self.count, "pages": self.pages})

    async def forget(self, _: web.Request) -> web.Response:
        self.count, self.pages = 0, {}
        return web.Response()

    async def show_certificate(self, _: web.Request) -> web.Response:
        return web.Response(body=self.certificate)


if __name__ == "__main__":
    sink = Sink(Path(sys.argv[2]).read_bytes(), sys.argv[3])
    web.run_app(sink.app(), host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
