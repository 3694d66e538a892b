import asyncio
import logging

import pytest

from bot.errors import Unavailable
from bot.rehearsal.slack import Fault
from bot.slack.client import SlackRefused, connect
from bot.slack.holds import Holds
from tests.slack.office import Office


async def _post(office: Office, channel: str = "CFALLBACK") -> None:
    await office.slack.call("chat.postMessage", channel=channel, text="hello")


@pytest.mark.parametrize("kind", ["ratelimited", "server_error", "lost_request", "lost_answer"])
async def test_a_failure_for_now_is_unavailable_and_is_never_sent_twice(office: Office, kind: str) -> None:
    office.local.faults.add(Fault(kind, times=1))  # type: ignore[arg-type]  # parametrised
    with pytest.raises(Unavailable):
        await office.slack.call("auth.test")
    assert office.tries("auth.test") == 1


@pytest.mark.parametrize("code", ["internal_error", "fatal_error", "service_unavailable", "team_added_to_org"])
async def test_slacks_own_trouble_is_not_taken_for_a_refusal(office: Office, code: str) -> None:
    office.local.faults.add(Fault("refused", code=code))
    with pytest.raises(Unavailable):
        await office.slack.call("auth.test")


@pytest.mark.parametrize("code", ["channel_not_found", "message_limit_exceeded", "missing_scope", "invalid_auth"])
async def test_a_refusal_for_good_is_not_tried_for_ever(office: Office, code: str) -> None:
    office.local.faults.add(Fault("refused", code=code))
    with pytest.raises(SlackRefused) as refused:
        await office.slack.call("auth.test")
    assert (refused.value.code, refused.value.permanent) == (code, True)


async def test_a_429_holds_its_method_without_asking_slack_again_until_it_is_over(office: Office) -> None:
    office.local.faults.add(Fault("ratelimited", "chat.update", retry_after=30))
    for _ in range(2):
        with pytest.raises(Unavailable) as error:
            await office.slack.call("chat.update", channel="CFALLBACK", ts="1.0", text="x")
        assert error.value.retry_after
        assert error.value.retry_after > 29
    assert office.tries("chat.update") == 1
    await office.later(31)
    with pytest.raises(SlackRefused):
        await office.slack.call("chat.update", channel="CFALLBACK", ts="1.0", text="x")


async def test_a_429_on_edits_does_not_hold_posts(office: Office) -> None:
    office.local.faults.add(Fault("ratelimited", "chat.update", retry_after=30))
    with pytest.raises(Unavailable):
        await office.slack.call("chat.update", channel="CFALLBACK", ts="1.0", text="x")
    await office.slack.call("conversations.join", channel="CFALLBACK")
    await _post(office)


async def test_a_busy_channel_does_not_hold_posts_to_another(office: Office) -> None:
    await office.slack.call("conversations.join", channel="CFALLBACK")
    office.local.faults.add(Fault("ratelimited", "chat.postMessage", retry_after=30))
    with pytest.raises(Unavailable):
        await _post(office)
    await _post(office, "UMINA")


def test_those_who_wait_are_given_places_in_line() -> None:
    holds = Holds()
    holds.hold("conversations.create", {}, 100.0, 10)
    waits = [holds.wait("conversations.create", {}, 100.0) for _ in range(3)]
    assert waits == [13.0, 16.0, 19.0]
    assert holds.wait("conversations.create", {}, 109.9) is not None
    assert holds.wait("conversations.create", {}, 110.0) is None


async def test_an_answer_that_is_a_page_of_text_is_unavailable(office: Office) -> None:
    async with connect("xoxb-1", f"{office.local.url}/no/such/api/") as slack:
        with pytest.raises(Unavailable):
            await slack.call("auth.test")


async def test_a_slack_that_is_not_there_is_unavailable() -> None:
    async with connect("xoxb-1", "http://127.0.0.1:9/api/") as slack:
        with pytest.raises(Unavailable):
            await slack.call("auth.test")


async def test_many_calls_share_their_connections(office: Office) -> None:
    await asyncio.gather(*(office.slack.me() for _ in range(3)))
    assert office.slack.identity
    assert office.slack.identity.team == office.local.workspace.id


async def test_the_token_is_never_logged_nor_told(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    office.local.faults.add(Fault("refused", code="invalid_auth"))
    with pytest.raises(SlackRefused) as refused:
        await office.slack.call("auth.test")
    token = office.app.bot_token
    assert token not in caplog.text
    assert token not in f"{refused.value} {refused.value!r} {refused.value.__cause__} {refused.value.answer}"
