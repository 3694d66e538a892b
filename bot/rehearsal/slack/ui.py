"""The browser's side: the page's files, what one person sees as JSON, changes as they happen, and what they do.

Everything here trusts the browser of this machine and nobody else: see `guard.py`.
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.rehearsal.slack import browsing, clicks, commands, forms
from bot.rehearsal.slack.changes import Change
from bot.rehearsal.slack.desk import Desk, NotPossible, Outcome
from bot.rehearsal.slack.guard import Handler
from bot.rehearsal.slack.seen import seen_message, seen_state
from bot.rehearsal.slack.workspace import Json

PAGE = Path(__file__).parent / "page"
_KEEP_ALIVE = 15.0


class Ui:
    def __init__(self, desk: Desk) -> None:
        self._desk, self._world = desk, desk.world

    def routes(self) -> list[web.RouteDef]:
        actions: Mapping[str, Callable[[str, Json], Awaitable[Json]]] = {
            "click": self._click,
            "submit": self._submit,
            "close": self._close,
            "command": self._command,
            "post": self._post,
            "home": self._home,
            "read": self._read,
            "open_im": self._open_im,
            "options": self._options,
            "join": self._join,
        }
        return [
            web.get("/", self._index),
            web.get("/page/{path:.+}", self._file),
            web.get("/ui/state", self._state),
            web.get("/ui/messages", self._messages),
            web.get("/ui/events", self._events),
            *(web.post(f"/ui/{name}", self._doing(action)) for name, action in actions.items()),
        ]

    async def _index(self, _request: web.Request) -> web.StreamResponse:
        return _page_file("index.html")

    async def _file(self, request: web.Request) -> web.StreamResponse:
        return _page_file(request.match_info["path"])

    async def _state(self, request: web.Request) -> web.Response:
        """For somebody who is here; a page that does not know whom yet gets the first person."""
        people = [user.id for user in self._world.users.values() if not user.is_bot and not user.deleted]
        if not people:
            raise _nothing("nobody_is_here")
        asked = request.query.get("user", "")
        return web.json_response(seen_state(self._world, asked if asked in people else people[0]))

    async def _messages(self, request: web.Request) -> web.Response:
        user = self._user(request.query)
        channel = self._world.channels.get(request.query.get("channel", ""))
        if channel is None or not channel.seen_by(user):
            raise _nothing("channel_not_found")
        shown = [seen_message(self._world, message, user) for message in channel.shown_to(user)]
        return web.json_response({"messages": shown})

    async def _events(self, request: web.Request) -> web.StreamResponse:
        user = self._user(request.query)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        with self._world.changes.subscribed() as queue:
            await response.prepare(request)
            await response.write(b": open\n\n")
            with contextlib.suppress(ConnectionError):
                while request.transport is not None and not request.transport.is_closing():
                    await response.write(await self._next(queue, user))
        return response

    async def _next(self, queue: asyncio.Queue[Change], user: str) -> bytes:
        """The next change that this person may see, or a comment that keeps the connection alive."""
        try:
            async with asyncio.timeout(_KEEP_ALIVE):
                while not self._may_see(change := await queue.get(), user):
                    pass
        except TimeoutError:
            return b": still here\n\n"
        return f"data: {json.dumps(change.as_json())}\n\n".encode()

    def _may_see(self, change: Change, user: str) -> bool:
        if change.user is not None:
            return change.user == user
        channel = self._world.channels.get(change.channel or "")
        return channel is None or channel.seen_by(user)

    def _doing(self, action: Callable[[str, Json], Awaitable[Json]]) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                body = await request.json()
            except ValueError:
                body = None
            if not isinstance(body, dict):
                return web.json_response({"ok": False, "error": "not_json"}, status=400)
            try:
                return web.json_response(await action(self._user(body), body))
            except NotPossible as why:
                return web.json_response({"ok": False, "notice": str(why)})

        return handle

    async def _click(self, user: str, body: Json) -> Json:
        place = self._place(user, body)
        _enter_all(self._desk, user, place, body.get("state"))
        control = str(body.get("block_id")), str(body.get("action_id"))
        return _shown(await clicks.click(self._desk, user, place, *control, body))

    async def _submit(self, user: str, body: Json) -> Json:
        values = (body.get("state") or {}).get("values") or {}
        return _shown(await forms.submit(self._desk, user, str(body.get("view_id")), values))

    async def _close(self, user: str, body: Json) -> Json:
        view_id, everything = str(body.get("view_id")), bool(body.get("all"))
        return _shown(await forms.close(self._desk, user, view_id, everything=everything))

    async def _command(self, user: str, body: Json) -> Json:
        return _shown(await commands.run(self._desk, user, str(body.get("channel")), str(body.get("text"))))

    async def _post(self, user: str, body: Json) -> Json:
        return _shown(browsing.post(self._desk, user, str(body.get("channel")), str(body.get("text"))))

    async def _home(self, user: str, body: Json) -> Json:
        app_id = str(body.get("app_id"))
        if app_id not in self._world.apps:
            raise self._desk.gone(user)
        return _shown(browsing.open_home(self._desk, user, app_id))

    async def _read(self, user: str, body: Json) -> Json:
        return _shown(browsing.mark_read(self._desk, user, str(body.get("channel"))))

    async def _open_im(self, user: str, body: Json) -> Json:
        return {"ok": True, "channel": browsing.open_direct(self._desk, user, str(body.get("with"))).id}

    async def _join(self, user: str, body: Json) -> Json:
        return _shown(browsing.join(self._desk, user, str(body.get("channel"))))

    async def _options(self, user: str, body: Json) -> Json:
        control = str(body.get("block_id")), str(body.get("action_id"))
        typed = str(body.get("value", ""))
        return {"ok": True, "options": await clicks.options(self._desk, user, self._place(user, body), *control, typed)}

    def _place(self, user: str, body: Json) -> clicks.Place:
        where = {name: str(body.get(name) or "") for name in ("channel", "ts", "view_id")}
        return clicks.place_of(self._desk, user, **where)

    def _user(self, given: Mapping[str, Any]) -> str:
        user = self._world.users.get(str(given.get("user", "")))
        if user is None or user.is_bot or user.deleted:
            raise _nothing("user_not_found")
        return user.id


def _page_file(path: str) -> web.StreamResponse:
    file = (PAGE / path).resolve()
    if not file.is_relative_to(PAGE.resolve()) or not file.is_file():
        raise web.HTTPNotFound
    return web.FileResponse(file, headers={"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"})


def _enter_all(desk: Desk, user: str, place: clicks.Place, state: Any) -> None:
    """What is entered so far, sent along with a click beside it; fields that are gone meanwhile do not matter."""
    for block_id, entries in ((state or {}).get("values") or {}).items():
        for action_id, entry in entries.items():
            with contextlib.suppress(NotPossible):
                clicks.enter(desk, user, place, block_id, action_id, entry)


def _nothing(error: str) -> web.HTTPNotFound:
    return web.HTTPNotFound(text=json.dumps({"ok": False, "error": error}), content_type="application/json")


def _shown(outcome: Outcome) -> Json:
    shown: Json = {"ok": outcome.ok}
    if outcome.notice:
        shown["notice"] = outcome.notice
    if outcome.errors:
        shown["errors"] = dict(outcome.errors)
    return shown
