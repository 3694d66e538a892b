"""Three seconds to acknowledge, signatures, retries on a moved clock, and answers through a response_url."""

import asyncio
import hashlib
import hmac
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.rehearsal.slack import Channel, Clock, Fault, InstalledApp, LocalSlack, User, Workspace
from tests.rehearsal.slack.hello import CARD, Api, manifest, served


@dataclass
class Sink:
    """An app that keeps what it gets and answers what it is told to; `stuck` makes it never answer."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    stuck: bool = False
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.Response:
        self.heard.append((dict(request.headers), await request.read()))
        self.arrived.set()
        if self.stuck:
            await asyncio.Event().wait()
        if self.body is not None:
            return web.json_response(self.body, status=self.status, headers=self.headers)
        return web.Response(status=self.status, headers=self.headers)

    async def hears(self) -> tuple[dict[str, str], bytes]:
        async with asyncio.timeout(5):
            await self.arrived.wait()
        self.arrived.clear()
        return self.heard[-1]


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
async def app(slack: LocalSlack, sink: Sink) -> AsyncIterator[InstalledApp]:
    async with served(sink.handle) as url:
        yield slack.install(manifest(), url)


async def carded(slack: LocalSlack, app: InstalledApp, session: aiohttp.ClientSession) -> Api:
    """The bot has joined #ops and posted a card with a button."""
    api = Api(slack, app, session)
    await api("conversations.join", channel="C2")
    await api("chat.postMessage", channel="C2", text="Card", blocks=CARD)
    await slack.settled()
    return api


async def test_every_delivery_is_signed_over_its_exact_body(slack: LocalSlack, app: InstalledApp, sink: Sink) -> None:
    await slack.person("mina").command("/hello", "a & b", channel="ops")
    headers, body = await sink.hears()
    stamp = headers["X-Slack-Request-Timestamp"]
    expected = hmac.new(app.signing_secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256)
    assert headers["X-Slack-Signature"] == "v0=" + expected.hexdigest()
    assert b"text=a+%26+b" in body


async def test_a_late_acknowledgement_is_an_error_that_the_person_sees(
    slack: LocalSlack, app: InstalledApp, sink: Sink
) -> None:
    sink.stuck = True
    mina = slack.person("mina")
    typing = asyncio.create_task(mina.command("/hello", channel="ops"))
    await sink.hears()
    slack.clock.advance(2.0)
    await asyncio.sleep(0)
    assert not typing.done()
    slack.clock.advance(1.0)
    outcome = await typing
    assert outcome.notice == '/hello failed with the error "operation_timeout".'
    assert outcome.told == (outcome.notice,)


async def test_a_command_that_answers_500_says_so(slack: LocalSlack, app: InstalledApp, sink: Sink) -> None:
    sink.status = 500
    outcome = await slack.person("mina").command("/hello", channel="ops")
    assert outcome.notice == '/hello failed with the error "http_service_error".'


async def test_an_app_that_is_not_there_did_not_respond(slack: LocalSlack) -> None:
    slack.install(manifest())
    outcome = await slack.person("mina").command("/hello", channel="ops")
    assert outcome.notice == "/hello failed because the app did not respond."


async def test_a_button_that_fails_shows_it_until_it_works(
    slack: LocalSlack, app: InstalledApp, sink: Sink, session: aiohttp.ClientSession
) -> None:
    await carded(slack, app, session)
    mina = slack.person("mina")
    sink.status = 404
    assert (await mina.click("Wave", channel="ops")).notice == "Hello responded with status code 404."
    assert list(mina.message("Greetings").notices) == ["U1"]
    sink.status = 200
    assert (await mina.click("Wave", channel="ops")).ok
    assert not mina.message("Greetings").notices


async def test_an_app_without_interactivity_gets_no_clicks(slack: LocalSlack, session: aiohttp.ClientSession) -> None:
    app = slack.install(manifest(settings={}, events=()), "http://127.0.0.1:9/")
    await carded(slack, app, session)
    outcome = await slack.person("mina").click("Wave", channel="ops")
    assert outcome.notice == "Hello is not configured to handle interactive responses."


async def test_an_event_is_tried_again_at_once_after_one_and_after_five_minutes(
    slack: LocalSlack, app: InstalledApp, sink: Sink
) -> None:
    sink.status = 500
    slack.clock.speed = 0
    await slack.person("mina").open_home("Hello")
    for attempt, pause in enumerate([0.0, 60.0, 300.0], start=1):
        last = await slack.waits_for_delivery("app_home_opened", lambda d, attempt=attempt: d.attempt == attempt - 1)
        slack.clock.advance(max(0.0, last.at + pause - 0.5 - slack.clock.now()))
        for _ in range(5):
            await asyncio.sleep(0)  # an attempt that is due too early would begin now
        slack.clock.advance(1.0)
    await slack.settled()
    began = [delivery.at for delivery in slack.deliveries]
    assert [int(later - before) for before, later in itertools.pairwise(began)] == [0, 60, 300]
    assert [headers.get("X-Slack-Retry-Num") for headers, _ in sink.heard] == [None, "1", "2", "3"]
    assert {headers.get("X-Slack-Retry-Reason") for headers, _ in sink.heard[1:]} == {"http_error"}
    assert len({delivery.payload["event_id"] for delivery in slack.deliveries}) == 1
    assert [delivery.attempt for delivery in slack.deliveries] == [0, 1, 2, 3]


async def test_retries_stop_when_one_is_acknowledged_or_the_app_asks_for_none(
    slack: LocalSlack, app: InstalledApp, sink: Sink
) -> None:
    sink.status, sink.headers = 500, {"X-Slack-No-Retry": "1"}
    await slack.person("mina").open_home("Hello")
    await slack.settled()
    assert len(sink.heard) == 1
    sink.status = 200
    slack.faults.add(Fault("dropped_ack", "app_home_opened"))
    await slack.person("mina").open_home("Hello")
    await slack.settled()
    assert [headers.get("X-Slack-Retry-Reason") for headers, _ in sink.heard[1:]] == [None, "http_timeout"]


async def test_a_fast_clock_makes_minutes_short(session: aiohttp.ClientSession, sink: Sink) -> None:
    people = Workspace(users=[User("U1", "mina")], channels=[Channel("C1", "ops", ["U1"])])
    async with LocalSlack(people, clock=Clock(speed=5000)) as slack, served(sink.handle) as url:
        slack.install(manifest(), url)
        sink.status = 500
        await slack.person("mina").open_home("Hello")
        await slack.settled()
        assert len(sink.heard) == 4


async def test_only_subscribed_events_are_sent(slack: LocalSlack, sink: Sink) -> None:
    async with served(sink.handle) as url:
        slack.install(manifest(events=()), url)
        await slack.person("mina").open_home("Hello")
        await slack.settled()
        assert sink.heard == []


@pytest.fixture
async def reply_url(slack: LocalSlack, app: InstalledApp, sink: Sink, session: aiohttp.ClientSession) -> str:
    """Of a click on the card's button."""
    await carded(slack, app, session)
    await slack.person("mina").click("Wave", channel="ops")
    return str(slack.deliveries[-1].payload["response_url"])


async def posted(session: aiohttp.ClientSession, url: str, **body: Any) -> str:
    async with session.post(url, json=body) as response:
        return await response.text()


async def test_a_response_url_serves_five_times(
    slack: LocalSlack, session: aiohttp.ClientSession, reply_url: str
) -> None:
    answers = [await posted(session, reply_url, text=f"answer {n}") for n in range(6)]
    assert answers[:5] == ["ok"] * 5
    assert "used_url" in answers[5]
    assert slack.person("mina").sees("answer 4")
    assert not slack.person("jun").sees("answer")


async def test_a_response_url_lives_thirty_minutes(
    slack: LocalSlack, session: aiohttp.ClientSession, reply_url: str
) -> None:
    slack.clock.advance(30 * 60 - 2)
    assert await posted(session, reply_url, text="in time", response_type="in_channel") == "ok"
    assert slack.person("jun").sees("in time")
    slack.clock.advance(3)
    assert "expired_url" in await posted(session, reply_url, text="late")


async def test_a_response_url_replaces_and_deletes_its_message(
    slack: LocalSlack, session: aiohttp.ClientSession, reply_url: str
) -> None:
    jun = slack.person("jun")
    assert await posted(session, reply_url, replace_original=True, text="Done") == "ok"
    assert jun.sees("Done", channel="ops")
    assert not jun.sees("Greetings")
    assert "invalid_blocks" in await posted(session, reply_url, blocks=[{"type": "x"}])
    assert "no_text" in await posted(session, reply_url)
    await posted(session, reply_url, delete_original=True)
    assert not jun.sees("Done", channel="ops")


async def test_a_command_may_answer_in_the_channel_or_with_blocks_that_slack_refuses(
    slack: LocalSlack, app: InstalledApp, sink: Sink
) -> None:
    mina, jun = slack.person("mina"), slack.person("jun")
    sink.body = {"response_type": "in_channel", "text": "for all"}
    await mina.command("/hello", channel="ops")
    assert jun.sees("for all")
    sink.body = {"blocks": [{"type": "x"}]}
    assert "invalid_blocks" in (await mina.command("/hello", channel="ops")).notice


async def test_an_external_menu_asks_the_app_and_takes_what_it_suggests(
    slack: LocalSlack, app: InstalledApp, sink: Sink, session: aiohttp.ClientSession
) -> None:
    menu = {"type": "external_select", "action_id": "service", "placeholder": {"type": "plain_text", "text": "Service"}}
    api = Api(slack, app, session)
    await api("conversations.join", channel="C2")
    blocks = [{"type": "actions", "elements": [menu]}]
    await api("chat.postMessage", channel="C2", text="Which?", blocks=blocks)
    option = {"text": {"type": "plain_text", "text": "Orders"}, "value": "orders"}
    sink.body = {"options": [option]}
    assert (await slack.person("mina").select("Service", "Orders", channel="ops")).ok
    assert [d.what for d in slack.deliveries][-2:] == ["block_suggestion", "block_actions"]
    assert slack.deliveries[-1].payload["actions"][0]["selected_option"] == option


async def test_an_app_that_was_restarted_is_reached_again(slack: LocalSlack, sink: Sink) -> None:
    app = web.Application()
    app.router.add_post("/", sink.handle)
    runner, again = web.AppRunner(app, shutdown_timeout=0.1), web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    slack.install(manifest(), f"http://127.0.0.1:{port}/")
    mina = slack.person("mina")
    assert (await mina.command("/hello", channel="ops")).ok
    await runner.cleanup()
    assert "did not respond" in (await mina.command("/hello", channel="ops")).notice
    await again.setup()
    await web.TCPSite(again, "127.0.0.1", port).start()
    assert (await mina.command("/hello", channel="ops")).ok
    await again.cleanup()
