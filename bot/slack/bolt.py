"""The door from Slack: a Bolt app whose listeners take in, write down, and acknowledge; and nothing else.

Bolt runs them with `process_before_response`, so that an acknowledgement is sent when the listener has returned, never
before its transaction is committed, and cannot be lost to an exception after it.
"""

import hashlib
import hmac
import json
import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.config import Config
from bot.errors import Unavailable
from bot.incident.playbook_runs import PlaybookRuns
from bot.incident.posted import SlackStore
from bot.incident.responder import Responder
from bot.slack import heard
from bot.slack.buttons import Buttons
from bot.slack.choices import Choices
from bot.slack.client import Slack
from bot.slack.commands import Commands
from bot.slack.desk import Desk
from bot.slack.events import Events
from bot.slack.forms import Forms
from bot.slack.people import People

log = structlog.get_logger()

Reply = tuple[int, Mapping[str, str], bytes]
Body = dict[str, Any]

#: The largest thing Slack sends is a form with 100 long fields.
LARGEST = 1024 * 1024
#: https://docs.slack.dev/authentication/verifying-requests-from-slack
_TOLERANCE = 5 * 60
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_ANY = re.compile("")


@dataclass(frozen=True)
class Listeners:
    """Everything that Slack may tell us, and who takes it in."""

    desk: Desk
    commands: Commands
    buttons: Buttons
    forms: Forms
    events: Events


def listeners(
    store: SlackStore, slack: Slack, people: People, responder: Responder, runs: PlaybookRuns, config: Config,
    choices: Choices | None = None,
) -> Listeners:  # fmt: skip
    """All of them, wired. Without `choices` the fields of forms are all typed in."""
    desk = Desk(store, slack, people)
    forms = Forms(desk, responder, runs, config, choices)
    return Listeners(
        desk=desk,
        commands=Commands(desk, forms, responder, runs),
        buttons=Buttons(desk, forms, responder, runs),
        forms=forms,
        events=Events(store, responder),
    )


def bolt_app(to: Listeners, signing_secret: str, web: AsyncWebClient) -> AsyncApp:
    """The Bolt app. It calls nothing in Slack, neither now nor before an acknowledgement: who acts is `Desk`'s matter."""
    quiet = logging.getLogger("lifeboat.bolt")
    quiet.setLevel(logging.ERROR)  # its warnings are about a token of its own, which it does not need
    tokenless = AsyncWebClient(base_url=web.base_url, session=web.session)
    app = AsyncApp(
        name="lifeboat", client=tokenless, authorize=_authorized, signing_secret=signing_secret, logger=quiet,
        process_before_response=True,
    )  # fmt: skip
    _listen(app, to)
    return app


def _listen(app: AsyncApp, to: Listeners) -> None:
    """One listener for each kind of payload; what is in it is looked up in the tables of its module."""

    @app.command(_ANY)
    async def command(ack: Any, body: Body) -> None:
        await to.commands.typed(heard.command(body), str(body.get("text") or ""))
        await ack()

    @app.action(_ANY)
    async def action(ack: Any, body: Body) -> None:
        if not body["actions"][0].get("url"):  # a link tells us that it was followed
            await to.buttons.pressed(heard.press(body))
        await ack()

    @app.view(_ANY)
    async def view(ack: Any, body: Body) -> None:
        await ack(**await to.forms.submitted(heard.sent(body)))

    @app.event(_ANY)
    async def event(ack: Any, body: Body) -> BoltResponse | None:
        try:
            await to.events.happened(str(body.get("event_id", "")), body["event"])
        except Unavailable as error:
            log.warning("slack.event_not_taken", error=str(error))
            return BoltResponse(status=503)  # Slack sends it again
        await ack()
        return None

    @app.options(_ANY)
    async def options(ack: Any, body: Body) -> None:
        await ack(options=await to.forms.suggested(heard.asked(body)))

    @app.view_closed(_ANY)
    @app.shortcut(_ANY)
    async def anything_else(ack: Any) -> None:
        """We have none of these; without an answer the person would see an error."""
        await ack()

    @app.error
    async def broken(error: Exception, body: Body) -> BoltResponse:
        """A payload that is not as documented. Slack is told that it arrived: sent again, it would be the same."""
        log.error("slack.listener_broke", kind=body.get("type"), exc_info=error)
        return BoltResponse(status=200)


async def _authorized(**_: Any) -> AuthorizeResult:
    """Bolt wants a token to be known; we give it none, since no listener calls Slack through Bolt."""
    return AuthorizeResult(enterprise_id=None, team_id=None)


class Door:
    """`POST /slack/events`."""

    def __init__(self, app: AsyncApp, signing_secret: str, now: Callable[[], float] = time.time) -> None:
        self.app, self.now = app, now
        self._secret = signing_secret.encode()

    async def handle_http(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Status, headers and body of the answer: 401 for what Slack did not sign, 400 for what nobody can read."""
        lower = {name.lower(): value for name, value in headers.items()}
        if len(body) > LARGEST:
            return _refused(400, "too large")
        if not self._is_signed(body, lower.get("x-slack-request-timestamp", ""), lower.get("x-slack-signature", "")):
            return _refused(401, "not signed by Slack")
        request = _request(body)
        if request is None:
            return _refused(400, "not readable")
        try:
            response = await self.app.async_dispatch(request)
        except Exception:  # our listeners raise nothing that Bolt does not catch: it stumbled over the payload itself
            log.exception("slack.bolt_broke")
            return _refused(400, "not readable")
        return response.status, response.first_headers_without_set_cookie(), (response.body or "").encode()

    def _is_signed(self, body: bytes, timestamp: str, signature: str) -> bool:
        """Looked at before anything is parsed: Bolt parses first, and raises."""
        if not _TIMESTAMP.fullmatch(timestamp) or abs(self.now() - int(timestamp)) > _TOLERANCE:
            return False
        signed = b"v0:" + timestamp.encode() + b":" + body
        expected = "v0=" + hmac.new(self._secret, signed, hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected.encode(), signature.encode(errors="replace"))


def _request(body: bytes) -> AsyncBoltRequest | None:
    """The request as Bolt takes it; None for a body that is not as Slack writes it.

    Parsed here: Bolt's own parser loses every command in whose text the word "payload" stands. The mode says that the
    body is parsed already, and trusted.
    """
    try:
        payload = _payload(body.decode())
        return AsyncBoltRequest(body=payload, mode="socket_mode") if isinstance(payload, dict) else None
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        log.warning("slack.unreadable", error=type(error).__name__)
        return None


def _payload(text: str) -> Any:
    if text.startswith("{"):
        return json.loads(text)
    form = dict(parse_qsl(text, keep_blank_values=True))
    return json.loads(form["payload"]) if "payload" in form else form


def _refused(status: int, why: str) -> Reply:
    return status, {"Content-Type": "text/plain"}, why.encode()
