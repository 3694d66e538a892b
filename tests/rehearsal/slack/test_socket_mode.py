"""Socket Mode with Bolt's own handler, and every way in which a socket can die."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler

from bot.rehearsal.slack import Fault, InstalledApp, LocalSlack
from tests.rehearsal.slack.hello import Api, HelloApp, hello_app, manifest


@pytest.fixture
async def hello(slack: LocalSlack) -> AsyncIterator[HelloApp]:
    """The hello app over Socket Mode; it has no address for HTTP."""
    installed = slack.install(manifest())
    app = hello_app(slack, installed)
    handler = AsyncSocketModeHandler(app.bolt, installed.app_token, web_client=app.client, ping_interval=0.2)
    await handler.connect_async()
    await slack.sockets.until(lambda links: len(links) == 1)
    yield app
    await handler.close_async()
    # Bolt's client only cancels its tasks; they need a turn of the loop to end.
    await asyncio.sleep(0)


async def test_the_whole_story_over_a_socket(slack: LocalSlack, hello: HelloApp) -> None:
    mina = slack.person("mina")
    assert (await mina.command("/hello", "card", channel="ops")).told[0] == "Hello <@U1>"
    await mina.waits_for("Greetings")
    await mina.click("Wave", channel="ops")
    await mina.waits_for("You waved with left hand")
    await mina.command("/hello", "form", channel="ops")
    await mina.waits_for("Your name")
    await mina.fill({"Your name": "nobody"})
    assert (await mina.submit()).errors == {"name": "Nobody is not a name"}
    await mina.fill({"Your name": "Mina"})
    assert (await mina.submit()).ok
    await mina.open_home("Hello")
    await mina.waits_for("Welcome home")
    await slack.settled()
    assert {delivery.by for delivery in slack.deliveries} == {"socket"}
    assert [delivery.problem for delivery in slack.deliveries if delivery.problem] == []


async def test_a_silent_socket_loses_payloads_and_the_sdk_notices_by_its_pings(
    slack: LocalSlack, hello: HelloApp
) -> None:
    mina = slack.person("mina")
    slack.faults.add(Fault("silent_socket", "slash_commands"))
    typing = asyncio.create_task(mina.command("/hello", channel="ops"))
    await slack.faults.happened.first(lambda _: True, "fault", 5)
    slack.clock.advance(3)
    assert "operation_timeout" in (await typing).notice
    silent = slack.sockets.connections()[0]
    assert silent.silent
    await slack.sockets.until(lambda links: links and silent not in links, seconds=10)
    assert (await mina.command("/hello", channel="ops")).ok


async def test_a_socket_that_is_closed_is_opened_again(slack: LocalSlack, hello: HelloApp) -> None:
    first = slack.sockets.connections()[0]
    await slack.sockets.drop()
    await slack.sockets.until(lambda links: links and first not in links, seconds=10)
    assert (await slack.person("mina").command("/hello", channel="ops")).ok


async def test_a_refresh_warns_and_loses_nothing(slack: LocalSlack, hello: HelloApp) -> None:
    first = slack.sockets.connections()[0]
    await slack.sockets.refresh()
    await slack.sockets.until(lambda links: links and first not in links, seconds=10)
    assert (await slack.person("mina").command("/hello", channel="ops")).ok


class Socket:
    """A bare Socket Mode client, for what Bolt's would hide."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def open(self) -> tuple[aiohttp.ClientWebSocketResponse, dict[str, Any]]:
        answer = await self._api("apps.connections.open", token=self._api.app.app_token)
        socket = await self._api.session.ws_connect(answer["url"])
        return socket, await socket.receive_json(timeout=5)


async def test_a_payload_goes_to_one_of_many_connections_and_an_eleventh_is_refused(
    slack: LocalSlack, api: Api
) -> None:
    opened = [await Socket(api).open() for _ in range(10)]
    assert [hello["num_connections"] for _, hello in opened] == list(range(1, 11))
    _, refused = await Socket(api).open()
    assert (refused["type"], refused["reason"]) == ("disconnect", "too_many_websockets")
    await slack.sockets.until(lambda links: len(links) == 10)
    typing = [asyncio.create_task(slack.person("mina").command("/hello", str(n), channel="ops")) for n in range(20)]
    for socket, _ in opened:
        for _ in range(2):
            envelope = await socket.receive_json(timeout=5)
            assert (envelope["type"], envelope["accepts_response_payload"]) == ("slash_commands", True)
            await socket.send_json({"envelope_id": envelope["envelope_id"], "payload": {"text": "hi"}})
    assert all(outcome.ok for outcome in await asyncio.gather(*typing))
    for socket, _ in opened:
        await socket.close()


async def test_an_event_that_is_not_acknowledged_comes_again_with_the_same_id(slack: LocalSlack, api: Api) -> None:
    socket, _ = await Socket(api).open()
    await slack.person("mina").open_home("Hello")
    first = await socket.receive_json(timeout=5)
    slack.clock.advance(3)
    again = await socket.receive_json(timeout=5)
    assert (first["retry_attempt"], again["retry_attempt"], again["retry_reason"]) == (0, 1, "http_timeout")
    assert first["payload"]["event_id"] == again["payload"]["event_id"]
    assert first["envelope_id"] != again["envelope_id"]
    await socket.send_json({"envelope_id": again["envelope_id"]})
    await slack.settled()
    await socket.close()


async def test_a_ticket_opens_one_connection(slack: LocalSlack, api: Api) -> None:
    url = (await api("apps.connections.open", token=api.app.app_token))["url"]
    async with api.session.ws_connect(url):
        with pytest.raises(aiohttp.WSServerHandshakeError, match="401"):
            await api.session.ws_connect(url)


async def test_an_app_without_socket_mode_is_disconnected(slack: LocalSlack, session: aiohttp.ClientSession) -> None:
    off: InstalledApp = slack.install(manifest(settings={}, events=()))
    _, said = await Socket(Api(slack, off, session)).open()
    assert (said["type"], said["reason"]) == ("disconnect", "link_disabled")
