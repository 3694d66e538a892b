"""`/api/<method>`: tokens, faults, scopes and rate limits around the table of methods; and the upload and hook URLs."""

import json
from collections.abc import Callable, Mapping

from aiohttp import web

from bot.rehearsal.slack.call import Call
from bot.rehearsal.slack.faults import CALL_FAULTS, Dropped, Fault
from bot.rehearsal.slack.journal import Journal
from bot.rehearsal.slack.methods import METHODS, Method
from bot.rehearsal.slack.rates import RateLimited, Rates
from bot.rehearsal.slack.refusal import Refusal
from bot.rehearsal.slack.replies import reply
from bot.rehearsal.slack.workspace import InstalledApp, Json
from bot.rehearsal.slack.world import ApiCall, World

OpenConnection = Callable[[InstalledApp], str]


class WebApi:
    """Every call, in order, is kept in `calls`; the answer is filled in when it is given."""

    def __init__(self, world: World, rates: Rates, open_connection: OpenConnection) -> None:
        self.world, self.rates = world, rates
        self.calls: Journal[ApiCall] = Journal()
        self._open_connection = open_connection

    def routes(self) -> list[web.RouteDef]:
        return [
            web.route("*", "/api/{method}", self.call),
            web.post("/hooks/{token}", self.hook),
            web.post("/upload/v1/{ticket}", self.upload),
            web.get("/files/{id}", self.download),
        ]

    async def call(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._call(request)
        except Dropped:
            return _hang_up(request)
        finally:
            self.calls.note()

    async def _call(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["method"]
        method = METHODS.get(name)
        token, arguments = await _read(request, takes_json=method is None or method.json)
        record = ApiCall(self.world.clock.now(), name, arguments)
        self.calls.note(record)
        fault = self.world.faults.take(name, *CALL_FAULTS)
        if fault:
            record.fault = fault.kind
            if early := await self._strike(fault, request):
                record.status = early.status
                return early
        await self.world.faults.pause(name, arguments, "before")
        answer, headers = self._answer(name, token, arguments, record)
        record.answer, record.status = answer, 429 if "Retry-After" in headers else 200
        await self.world.faults.pause(name, arguments, "after")
        if fault and fault.kind == "lost_answer":
            return _hang_up(request)
        return web.json_response(answer, status=record.status, headers=headers)

    async def _strike(self, fault: Fault, request: web.Request) -> web.StreamResponse | None:
        """What the caller gets instead of an answer; None when the call goes on."""
        match fault.kind:
            case "ratelimited":
                body = {"ok": False, "error": "ratelimited"}
                return web.json_response(body, status=429, headers={"Retry-After": str(fault.retry_after)})
            case "server_error":
                return web.Response(status=fault.status, text="upstream connect error")
            case "refused":
                return web.json_response({"ok": False, "error": fault.code})
            case "lost_request":
                return _hang_up(request)
            case "slow":
                await self.world.clock.sleep(self.world.clock.patience(fault.seconds))
        return None

    def _answer(self, name: str, token: str, arguments: Json, record: ApiCall) -> tuple[Json, Mapping[str, str]]:
        try:
            return {"ok": True, **self._run(name, token, arguments, record)}, {}
        except RateLimited as limited:
            return limited.as_json(), {"Retry-After": str(limited.retry_after)}
        except Refusal as refusal:
            return refusal.as_json(), {}

    def _run(self, name: str, token: str, arguments: Json, record: ApiCall) -> Json:
        if name == "apps.connections.open":
            app = self._caller(token, "app_token")
            record.app_id = app.id
            self.rates.spend(app.id, name, "3", "")
            return {"url": self._open_connection(app)}
        method = METHODS.get(name)
        if method is None:
            raise Refusal("unknown_method", req_method=name)
        if name == "api.test":
            return method.run(Call(self.world, _NOBODY, arguments))
        app = self._caller(token, "bot_token")
        record.app_id = app.id
        call = Call(self.world, app, arguments)
        _check_scopes(method, call)
        self.rates.spend(app.id, name, method.tier, str(arguments.get("channel", "")))
        return method.run(call)

    def _caller(self, token: str, kind: str) -> InstalledApp:
        if not token:
            raise Refusal("not_authed")
        for app in self.world.apps.values():
            if token == getattr(app, kind):
                return app
            if token in (app.bot_token, app.app_token):
                raise Refusal("not_allowed_token_type")
        raise Refusal("invalid_auth")

    async def hook(self, request: web.Request) -> web.Response:
        """A `response_url`. Slack answers "ok", or 4xx with what was wrong."""
        try:
            body = await request.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            return web.Response(status=400, text="invalid_payload")
        try:
            reply(self.world, request.match_info["token"], body)
        except Refusal as refusal:
            gone = refusal.code in {"used_url", "expired_url"}
            return web.json_response(refusal.as_json(), status=404 if gone else 400)
        return web.Response(text="ok")

    async def upload(self, request: web.Request) -> web.Response:
        ticket = request.match_info["ticket"]
        file = next((f for f in self.world.files.values() if f.ticket == ticket), None)
        if file is None:
            return web.Response(status=404, text="not found")
        content = await _uploaded_bytes(request)
        if len(content) != file.length:
            return web.Response(status=400, text=f"expected {file.length} bytes, got {len(content)}")
        file.content, file.uploaded = content, True
        return web.Response(text=f"OK - {len(content)}")

    async def download(self, request: web.Request) -> web.Response:
        file = self.world.files.get(request.match_info["id"])
        if file is None or not file.uploaded:
            return web.Response(status=404)
        return web.Response(
            body=file.content,
            content_type=file.content_type,
            headers={"X-Content-Type-Options": "nosniff", "Content-Disposition": "attachment"},
        )


_NOBODY = InstalledApp("", "", "", "", "", "", "", {})


def _check_scopes(method: Method, call: Call) -> None:
    if method.scopes:
        call.need(*method.scopes)


async def _read(request: web.Request, *, takes_json: bool) -> tuple[str, Json]:
    """The token, and the arguments without it. A JSON body counts only for methods that take one."""
    arguments: Json = dict(request.query)
    if request.content_type == "application/json":
        body = _parsed(await request.text())
        arguments |= body if takes_json else {"token": body.get("token")}
    elif request.can_read_body:
        arguments |= {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    in_body = arguments.pop("token", None)
    kind, _, bearer = request.headers.get("Authorization", "").partition(" ")
    token = bearer.strip() if kind.lower() == "bearer" else ""
    return token or str(in_body or ""), arguments


def _parsed(text: str) -> Json:
    try:
        body = json.loads(text or "{}")
    except ValueError:
        raise web.HTTPOk(text='{"ok":false,"error":"invalid_json"}', content_type="application/json") from None
    if not isinstance(body, dict):
        raise web.HTTPOk(text='{"ok":false,"error":"json_not_object"}', content_type="application/json")
    return body


async def _uploaded_bytes(request: web.Request) -> bytes:
    """The file's bytes, sent as they are or as the one file of a form."""
    if not request.content_type.startswith("multipart/"):
        return await request.read()
    for part in (await request.post()).values():
        if isinstance(part, web.FileField):
            return part.file.read()
    return b""


def _hang_up(request: web.Request) -> web.Response:
    """Drop the connection without a byte of an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
