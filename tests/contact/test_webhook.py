"""A webhook: signed, with one key for one page, over a real connection."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import datetime

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.contact.webhook import Webhook
from bot.contacts import _post
from bot.errors import DeliveryFailed
from tests.contact.night import AT, incident, page

SECRET = "whsec"  # of the test alone


class Receiver:
    """A server that answers as it is told."""

    def __init__(self) -> None:
        self.status, self.headers = 202, dict[str, str]()
        self.got: list[tuple[bytes, dict[str, str]]] = []

    async def take(self, request: web.Request) -> web.Response:
        self.got.append((await request.read(), dict(request.headers)))
        return web.Response(status=self.status, headers=self.headers)


@pytest.fixture
async def receiver() -> AsyncIterator[tuple[Receiver, str]]:
    made = Receiver()
    app = web.Application()
    app.router.add_post("/hook", made.take)
    async with TestServer(app) as server:
        yield made, str(server.make_url("/hook"))


def now() -> datetime:
    return AT


async def send(url: str, secret: str | None = SECRET) -> None:
    await Webhook(_post, secret, now).send(page("webhook", url), incident("한글 <title>"), again=False)


async def test_the_receiver_can_tell_who_sent_it_and_which_page_it_is(receiver: tuple[Receiver, str]) -> None:
    made, url = receiver
    await send(url)
    [(body, headers)] = made.got
    at, _, given = headers["Lifeboat-Signature"].partition(",v1=")
    right = hmac.new(SECRET.encode(), at.removeprefix("t=").encode() + b"." + body, hashlib.sha256).hexdigest()
    assert given == right
    assert int(at.removeprefix("t=")) == int(AT.timestamp())
    assert headers["Idempotency-Key"] == "abcd2345.1.1.alex"
    said = json.loads(body)
    assert (said["event"], said["person"], said["incident"]["title"]) == ("page", "alex", "한글 <title>")


@pytest.mark.parametrize(
    ("status", "permanent"),
    [(400, True), (401, True), (404, True), (302, True), (408, False), (429, False), (500, False), (503, False)],
)
async def test_what_may_pass_is_tried_again_and_what_will_not_falls_through(
    receiver: tuple[Receiver, str], status: int, permanent: bool
) -> None:
    made, url = receiver
    made.status = status
    with pytest.raises(DeliveryFailed, match=str(status)) as failed:
        await send(url)
    assert failed.value.permanent is permanent


async def test_how_long_it_asks_to_wait_is_heard(receiver: tuple[Receiver, str]) -> None:
    made, url = receiver
    made.status, made.headers = 429, {"Retry-After": "7"}
    with pytest.raises(DeliveryFailed) as failed:
        await send(url)
    assert failed.value.retry_after == 7


async def test_a_server_that_is_not_there_is_tried_again() -> None:
    with pytest.raises(DeliveryFailed) as failed:
        await send("http://127.0.0.1:1/hook")
    assert not failed.value.permanent


async def test_without_a_secret_nothing_is_sent(receiver: tuple[Receiver, str]) -> None:
    made, url = receiver
    with pytest.raises(DeliveryFailed, match="LIFEBOAT_WEBHOOK_SECRET") as failed:
        await send(url, None)
    assert failed.value.permanent
    assert made.got == []


async def test_it_is_not_led_elsewhere(receiver: tuple[Receiver, str]) -> None:
    made, url = receiver
    made.status, made.headers = 307, {"Location": url}
    with pytest.raises(DeliveryFailed):
        await send(url)
    assert len(made.got) == 1
