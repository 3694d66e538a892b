"""Every way to break the local Slack on purpose, and that it can be seen."""

import asyncio

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError

from bot.rehearsal.slack import Channel, Fault, LocalSlack, User, Workspace
from bot.rehearsal.slack.faults import When
from tests.rehearsal.slack.hello import Api, HelloApp, manifest, workspace


async def test_429_on_one_method_names_the_wait_and_spares_the_others(slack: LocalSlack, api: Api) -> None:
    slack.faults.add(Fault(method="users.info", kind="ratelimited", retry_after=7, times=2))
    for _ in range(2):
        status, answer, headers = await api.raw("users.info", user="U1")
        assert (status, answer["error"], headers["Retry-After"]) == (429, "ratelimited", "7")
    assert await api.error("users.info", user="U1") == "ok"
    assert [call.fault for call in slack.called("users.info")] == ["ratelimited", "ratelimited", ""]


async def test_a_server_error_happens_before_the_effect(slack: LocalSlack, api: Api) -> None:
    slack.faults.add(Fault("server_error", "conversations.*", status=502))
    url, headers = slack.api_url + "conversations.create", {"Authorization": f"Bearer {api.app.bot_token}"}
    async with api.session.post(url, data={"name": "incident"}, headers=headers) as response:
        assert response.status == 502
    assert slack.world.channel_named("incident") is None


async def test_a_lost_answer_comes_after_the_effect(slack: LocalSlack, api: Api) -> None:
    channel = await api.channel()
    slack.faults.add(Fault(method="chat.postMessage", kind="lost_answer", times=1))
    with pytest.raises(aiohttp.ClientError):
        await api("chat.postMessage", channel=channel, text="stored")
    assert [m.text for m in slack.world.channels[channel].history()][-1] == "stored"
    assert slack.called("chat.postMessage")[0].ok


async def test_a_lost_request_has_no_effect(slack: LocalSlack, api: Api) -> None:
    channel = await api.channel()
    with slack.faults.during(Fault("lost_request", "chat.*", times=None)) as fault, pytest.raises(aiohttp.ClientError):
        await api("chat.postMessage", channel=channel, text="never")
    assert (fault.happened, slack.faults.happened[0][1]) == (1, "chat.postMessage")
    assert await api.error("chat.postMessage", channel=channel, text="now") == "ok"
    assert "never" not in [m.text for m in slack.world.channels[channel].history()]


async def test_everything_can_be_refused(slack: LocalSlack, api: Api) -> None:
    with slack.faults.during(Fault(kind="refused", times=None)):
        for method in ("auth.test", "chat.postMessage", "conversations.create", "views.open"):
            assert await api.error(method) == "service_unavailable"
    assert (await api("auth.test"))["ok"]


async def test_latency_is_on_the_local_clock(slack: LocalSlack, api: Api) -> None:
    slack.faults.add(Fault("slow", "auth.test", seconds=3600))
    calling = asyncio.create_task(api("auth.test"))
    await slack.calls.first(lambda call: call.method == "auth.test", "call", 5)
    assert not calling.done()
    slack.clock.advance(3600)
    assert (await calling)["ok"]


async def test_a_dropped_acknowledgement_is_an_error_although_the_app_did_its_work(
    slack: LocalSlack, hello: HelloApp
) -> None:
    slack.faults.add(Fault("dropped_ack", "slash_commands"))
    outcome = await slack.person("mina").command("/hello", channel="ops")
    assert "operation_timeout" in outcome.notice
    assert len(hello.heard) == 1


async def test_a_delivery_can_be_lost_or_late(slack: LocalSlack, hello: HelloApp) -> None:
    mina = slack.person("mina")
    slack.faults.add(Fault("undelivered", "slash_commands"))
    assert not (await mina.command("/hello", channel="ops")).ok
    assert hello.heard == []
    slack.faults.add(Fault("slow_delivery", "slash_commands", seconds=900))
    typing = asyncio.create_task(mina.command("/hello", channel="ops"))
    await asyncio.sleep(0)
    slack.clock.advance(901)
    assert (await typing).ok


async def test_the_limits_of_the_tiers_hold_and_refill(session: aiohttp.ClientSession) -> None:
    async with LocalSlack(workspace()) as slack:
        slack.clock.speed = 0
        api = Api(slack, slack.install(manifest()), session)
        for _ in range(20):
            assert (await api.raw("users.list"))[0] == 200
        status, answer, headers = await api.raw("users.list")
        assert (status, answer["error"], headers["Retry-After"]) == (429, "ratelimited", "3")
        assert (await api.raw("users.info", user="U1"))[0] == 200
        slack.clock.advance(3)
        assert (await api.raw("users.list"))[0] == 200
        assert (await api.raw("users.list"))[0] == 429


async def test_posts_are_one_a_second_in_a_channel_with_a_short_burst(session: aiohttp.ClientSession) -> None:
    async with LocalSlack(workspace()) as slack:
        slack.clock.speed = 0
        api = Api(slack, slack.install(manifest()), session)
        first, second = await api.channel("one"), await api.channel("two")
        answers = [(await api.raw("chat.postMessage", channel=first, text="x"))[0] for _ in range(6)]
        assert answers == [200] * 5 + [429]
        assert (await api.raw("chat.postMessage", channel=second, text="x"))[0] == 200
        slack.clock.advance(1)
        assert (await api.raw("chat.postMessage", channel=first, text="x"))[0] == 200


async def test_limits_can_be_scaled(session: aiohttp.ClientSession) -> None:
    async with LocalSlack(workspace(), rate_limits=0.1) as slack:
        slack.clock.speed = 0
        api = Api(slack, slack.install(manifest()), session)
        assert [(await api.raw("users.list"))[0] for _ in range(3)] == [200, 200, 429]


async def test_the_sdk_sees_slacks_errors(slack: LocalSlack, hello: HelloApp) -> None:
    with pytest.raises(SlackApiError, match="channel_not_found"):
        await hello.client.chat_postMessage(channel="C9", text="x")


async def test_starting_and_stopping_leaves_nothing_behind() -> None:
    slack = LocalSlack(Workspace(users=[User("U1", "mina")], channels=[Channel("C1", "ops", ["U1"])]))
    before = len(asyncio.all_tasks())
    async with slack:
        assert slack.api_url == f"{slack.url}/api/"
    assert len(asyncio.all_tasks()) == before


@pytest.mark.parametrize(("when", "stored"), [("before", False), ("after", True)])
async def test_a_held_call_stops_before_or_after_its_effect(
    slack: LocalSlack, api: Api, when: When, stored: bool
) -> None:
    channel = await api.channel()
    hold = slack.faults.hold("chat.postMessage", when, lambda arguments: arguments["text"] == "held")
    await api("chat.postMessage", channel=channel, text="another")
    posting = asyncio.create_task(api("chat.postMessage", channel=channel, text="held"))
    await hold.reached()
    assert ("held" in [m.text for m in slack.world.channels[channel].history()]) is stored
    assert not posting.done()
    hold.release()
    assert (await posting)["ok"]


@pytest.mark.parametrize(("when", "stored"), [("before", False), ("after", True)])
async def test_a_held_call_that_is_dropped_is_never_answered(
    slack: LocalSlack, api: Api, when: When, stored: bool
) -> None:
    channel = await api.channel()
    hold = slack.faults.hold("chat.postMessage", when)
    posting = asyncio.create_task(api("chat.postMessage", channel=channel, text="held"))
    await hold.reached()
    hold.drop()
    with pytest.raises(aiohttp.ClientError):
        await posting
    assert ("held" in [m.text for m in slack.world.channels[channel].history()]) is stored
