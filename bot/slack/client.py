"""The way to Slack's Web API. Every failure becomes one of ours here; nothing else catches slack_sdk's errors.

Unavailable     429, 5xx, no answer in time, no connection: the job tries again
SlackRefused    `ok: false` with a code that will be the same the next time
"""

import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.errors import N_, Told, Unavailable, phrase
from bot.slack.holds import Holds

#: A call that takes longer has failed: a page must have time left for the next contact method.
TIMEOUT = 4.0

#: Codes of `ok: false` that mean "later". https://docs.slack.dev/reference/methods/chat.postMessage#errors
_LATER = frozenset(
    {
        "ratelimited", "rate_limited", "fatal_error", "internal_error", "service_unavailable", "request_timeout",
        "team_added_to_org", "org_login_required", "external_channel_migrating",
    }
)  # fmt: skip
#: Codes that mean that nothing will work with this token, whatever is asked.
NOT_LET_IN = frozenset({"not_authed", "invalid_auth", "account_inactive", "token_revoked", "token_expired"})


class SlackRefused(Told):
    """Slack says no, and would say so again. `answer` is all it said."""

    permanent = True

    def __init__(self, method: str, code: str, answer: Mapping[str, Any] | None = None) -> None:
        super().__init__(phrase(N_("Slack refuses {method}: {code}."), method=method, code=code))
        self.method, self.code, self.answer = method, code, answer or {}


@dataclass(frozen=True)
class Identity:
    """Who we are in Slack: our bot user, and the workspace that installed us."""

    user: str
    team: str


class Slack:
    """`call` is the whole of it. `identity` is known after the first `me()`; `web` is for Bolt."""

    def __init__(self, web: AsyncWebClient, seconds: Callable[[], float] = time.monotonic) -> None:
        self.web, self._seconds = web, seconds
        self.identity: Identity | None = None
        self._holds = Holds()

    async def call(self, method: str, /, **args: Any) -> Mapping[str, Any]:
        """Slack's answer, when it is `ok`. Raises `Unavailable` or `SlackRefused`; never tries twice.

        There is no idempotency key: whether to send again after a lost answer is the caller's to decide.
        """
        if (wait := self._holds.wait(method, args, self._seconds())) is not None:
            raise Unavailable(phrase(N_("Slack asked us to wait with {method}."), method=method), retry_after=wait)
        try:
            answer = await self.web.api_call(method, data=_form(args))
        except SlackApiError as error:
            raise self._translated(method, args, error) from error
        except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError, AttributeError) as error:
            # AttributeError: slack_sdk's own, for an answer that is text and not JSON (a proxy's page).
            what = phrase(N_("Slack does not answer {method}: {error}."), method=method, error=type(error).__name__)
            raise Unavailable(what) from error
        return _data(answer)

    async def upload(self, url: str, content: bytes) -> None:
        """Send a file's bytes to the address that `files.getUploadURLExternal` gave. Raises `Unavailable`."""
        assert self.web.session is not None, "made by `connect`"
        try:
            async with self.web.session.post(url, data=content) as answer:
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            what = phrase(N_("Slack does not take the file: {error}."), error=type(error).__name__)
            raise Unavailable(what) from error
        if status != 200:
            raise Unavailable(phrase(N_("Slack does not take the file: {error}."), error=status))

    async def me(self) -> Identity:
        """Who we are, asked once."""
        if self.identity is None:
            said = await self.call("auth.test")
            self.identity = Identity(user=said["user_id"], team=said["team_id"])
        return self.identity

    def _translated(self, method: str, args: Mapping[str, Any], error: SlackApiError) -> Unavailable | SlackRefused:
        response = error.response
        status = response.status_code if isinstance(response, AsyncSlackResponse) else response.status
        said = _data(response)
        code = str(said.get("error", ""))
        if status == 429 or code in {"ratelimited", "rate_limited"}:
            seconds = _seconds(response.headers.get("Retry-After"))
            self._holds.hold(method, args, self._seconds(), seconds)
            return Unavailable(phrase(N_("Slack asked us to wait with {method}."), method=method), retry_after=seconds)
        if status != 200 or not code or code in _LATER:
            what = phrase(N_("Slack cannot answer {method} now: {code}."), method=method, code=code or status)
            return Unavailable(what)
        return SlackRefused(method, code, said)


@asynccontextmanager
async def connect(token: str, base_url: str, seconds: Callable[[], float] = time.monotonic) -> AsyncIterator[Slack]:
    """A client with one shared session: without it every call would open a connection of its own.

    slack_sdk's retry handlers stay off: one of them sends `chat.postMessage` again after a lost connection.
    """
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT)) as session:
        web = AsyncWebClient(token=token, base_url=base_url, timeout=int(TIMEOUT), session=session, retry_handlers=[])
        if urlsplit(base_url).hostname in {"127.0.0.1", "localhost", "::1"}:
            web.proxy = None  # slack_sdk takes HTTPS_PROXY from the environment, even for this machine
        yield Slack(web, seconds)


def _form(args: Mapping[str, Any]) -> dict[str, str]:
    """The one encoding that every method takes: a form, with JSON inside for lists and objects."""
    return {name: _field(value) for name, value in args.items() if value is not None}


def _field(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False)


def _data(response: Any) -> Mapping[str, Any]:
    data = getattr(response, "data", None)
    return data if isinstance(data, dict) else {}


def _seconds(retry_after: str | None) -> float:
    try:
        return max(1.0, float(retry_after or 1))
    except ValueError:
        return 1.0
