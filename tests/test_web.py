import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from bot.clock import SystemClock
from bot.errors import Unavailable, phrase
from bot.intake.sns import Reply
from bot.jobs import DRAW_CARD, PAGE, NewJob
from bot.store.sql import Store
from bot.web import MAX_BODY, routes

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Door:
    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def receive(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        self.bodies.append(body)
        return Reply(503, "try again") if body == b"busy" else Reply(200, "taken")


class Linked:
    async def show(self, token: str) -> tuple[int, str]:
        return 200, f"<p>open {token}</p>"

    async def press(self, token: str) -> tuple[int, str]:
        return 404, f"<p>pressed {token}</p>"


@pytest.fixture
def not_ready() -> dict[str, str]:
    return {}


@pytest.fixture
async def client(store: Store, not_ready: dict[str, str]) -> AsyncIterator[Any]:
    async def slack(body: bytes, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        return 202, {"X-Slack-No-Retry": headers.get("X-Test", "")}, body[::-1]

    async def ready() -> Mapping[str, str]:
        return not_ready

    app = routes(alarms=Door(), links=Linked(), slack=slack, ready=ready, store=store)
    async with TestClient(TestServer(app)) as opened:
        yield opened


async def test_an_alarm_gets_the_doors_answer(client: Any) -> None:
    answer = await client.post("/alarms/sns", data=b"{}")
    assert (answer.status, await answer.text()) == (200, "taken")
    assert (await client.post("/alarms/sns", data=b"busy")).status == 503


async def test_a_body_of_the_largest_size_is_read_and_one_byte_more_is_not(client: Any) -> None:
    assert (await client.post("/alarms/sns", data=BytesIO(b"x" * MAX_BODY))).status == 200
    assert (await client.post("/alarms/sns", data=BytesIO(b"x" * (MAX_BODY + 1)))).status == 413


async def test_slack_gets_status_headers_and_body_as_they_are(client: Any) -> None:
    answer = await client.post("/slack/events", data=b"abc", headers={"X-Test": "1"})
    assert (answer.status, answer.headers["X-Slack-No-Retry"], await answer.read()) == (202, "1", b"cba")


async def test_a_link_is_opened_by_get_and_pressed_by_post_alone(client: Any) -> None:
    opened, pressed = await client.get("/ack/abc.d-_"), await client.post("/ack/abc.d-_")
    assert (opened.status, await opened.text()) == (200, "<p>open abc.d-_</p>")
    assert (pressed.status, await pressed.text()) == (404, "<p>pressed abc.d-_</p>")
    for answer in (opened, pressed):
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert (answer.headers["Referrer-Policy"], answer.headers["Cache-Control"]) == ("no-referrer", "no-store")
    assert "open" in await (await client.get("/ack/abc.d-_", headers={"User-Agent": "scanner"})).text()


async def test_readiness_names_what_is_not_ready(client: Any, not_ready: dict[str, str]) -> None:
    assert (await client.get("/healthz")).status == 200
    assert await (await client.get("/readyz")).json() == {"ready": True, "problems": {}}
    not_ready["database"] = "timeout"
    answer = await client.get("/readyz")
    assert (answer.status, await answer.json()) == (503, {"ready": False, "problems": {"database": "timeout"}})


async def test_metrics_are_prometheus_text_even_when_the_database_is_gone(
    client: Any, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = await client.get("/metrics")
    assert "lifeboat_incidents_open 0.0" in await answer.text()
    assert answer.content_type == "text/plain"

    def gone(job: object = None) -> object:
        raise Unavailable(phrase("gone"))

    monkeypatch.setattr(store, "begin", gone)  # the database itself is a file that cannot be taken away
    assert (await client.get("/metrics")).status == 200


async def test_a_database_that_hangs_does_not_take_the_metrics_with_it(
    client: Any, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.web._GAUGE_SECONDS", 0.01)  # so as not to wait
    async with store.begin():  # the embedded database has one connection that writes
        async with asyncio.timeout(5):
            assert (await client.get("/metrics")).status == 200


async def test_metrics_tell_overdue_jobs_of_every_lane(client: Any, store: Store, clock: SystemClock) -> None:
    async with store.begin() as tx:
        await tx.jobs.add(NewJob(DRAW_CARD), NewJob(DRAW_CARD), NewJob(PAGE))
    clock.advance(timedelta(seconds=61))
    text = await (await client.get("/metrics")).text()
    assert 'lifeboat_jobs_overdue{lane="slack"} 2.0' in text
    assert 'lifeboat_jobs_overdue{lane="page"} 1.0' in text
    assert 'lifeboat_jobs_overdue{lane="alarm"} 0.0' in text


@pytest.mark.parametrize(("method", "path"), [("GET", "/alarms/sns"), ("GET", "/slack/events"), ("POST", "/metrics")])
async def test_a_wrong_method_changes_nothing(client: Any, method: str, path: str) -> None:
    assert (await client.request(method, path)).status == 405
