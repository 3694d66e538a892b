"""The door: who is let in, what is answered, and that nothing which Slack sends is done twice."""

import json
import time
from typing import Any
from urllib.parse import urlencode

import pytest
from slack_bolt.app.async_app import AsyncApp

from bot.jobs import DRAW_HOME
from bot.slack.bolt import LARGEST, Door
from tests.slack.front import SECRET, Down, Front, payload, signed

COMMAND = {
    "command": "/dr", "text": "declare orders are failing", "user_id": "UMINA", "team_id": "T0LOCAL",
    "channel_id": "CFALLBACK", "trigger_id": "1.2.3",
}  # fmt: skip


def _event(kind: str, id_: str = "Ev1", **more: Any) -> bytes:
    return json.dumps(
        {"type": "event_callback", "team_id": "T0LOCAL", "event_id": id_, "event": {"type": kind, **more}}
    ).encode()


async def _post_event(front: Front, body: bytes) -> int:
    status, _, _ = await front.post(body, signed(body, form=False))
    return status


async def test_a_signed_command_is_done(front: Front) -> None:
    status, _, _ = await front.post(urlencode(COMMAND).encode())
    assert status == 200
    assert (await front.office.core.only()).title == "orders are failing"


@pytest.mark.parametrize("headers", [{}, {"X-Slack-Signature": "v0=" + "0" * 64}, {"X-Slack-Signature": "v0=é"}])
async def test_what_slack_did_not_sign_is_not_even_parsed(front: Front, headers: dict[str, str]) -> None:
    body = b'payload={"malformed'
    status, _, _ = await front.post(body, {"X-Slack-Request-Timestamp": str(int(time.time())), **headers})
    assert status == 401


async def test_another_secret_and_a_changed_body_are_refused(front: Front) -> None:
    body = urlencode(COMMAND).encode()
    assert (await front.post(body, signed(body, secret="another")))[0] == 401
    assert (await front.post(body + b"&text=x", signed(body)))[0] == 401
    assert await front.office.core.incidents() == []


@pytest.mark.parametrize(("age", "fresh"), [(300, True), (301, False), (-300, True), (-301, False)])
def test_a_signature_is_good_for_five_minutes(age: int, fresh: bool) -> None:
    door = Door(AsyncApp(signing_secret=SECRET, token="xoxb-1"), SECRET, now=lambda: 1_700_000_000.0)
    headers = signed(b"{}", at=1_700_000_000 - age)
    found = door._is_signed(b"{}", headers["X-Slack-Request-Timestamp"], headers["X-Slack-Signature"])
    assert found == fresh


async def test_a_stale_request_is_refused(front: Front) -> None:
    body = urlencode(COMMAND).encode()
    assert (await front.post(body, signed(body, at=time.time() - 400)))[0] == 401
    assert await front.office.core.incidents() == []


async def test_a_timestamp_that_is_no_number_is_401_and_never_500(front: Front) -> None:
    body = b"{}"
    for stamp in ["", "soon", "1e9", "-5", "²", " 1", "9" * 13, "9" * 5000, "1.0"]:
        assert (await front.post(body, signed(body) | {"X-Slack-Request-Timestamp": stamp}))[0] == 401, stamp


UNREADABLE = [
        b"{", b"payload={", b"payload=[]", b"payload=1", b'payload="x"', b"payload=null", b"\xff\xfe", b"payload=%FF%FE",
        b"payload=" + b"[" * 100_000, b'{"a":' * 50_000,
    ]  # fmt: skip


async def test_what_nobody_can_read_is_400_and_never_500(front: Front) -> None:
    for body in UNREADABLE:
        assert (await front.post(body))[0] == 400, body[:20]
        assert (await front.post(body, signed(body, form=False)))[0] == 400, body[:20]


UNDOCUMENTED: list[dict[str, Any]] = [
        {}, {"type": "block_actions"}, {"type": "block_actions", "actions": []}, {"type": "block_actions", "actions": [{}]},
        {"type": "block_actions", "actions": [{"action_id": "x", "block_id": "b", "type": "button"}], "user": "U1"},
        {"type": "view_submission", "view": {"callback_id": "x", "type": "modal"}}, {"type": "view_submission"},
        {"type": "event_callback", "event": {"type": "app_home_opened", "tab": "home"}, "event_id": "E"},
        {"type": "event_callback", "event": "x"}, {"type": "event_callback"}, {"type": "nonsense"},
        {"type": "view_closed", "view": {"callback_id": "x", "type": "modal"}, "user": {"id": "U1"}},
        {"type": "shortcut", "callback_id": "x", "user": {"id": "U1"}},
        {"type": "message_action", "callback_id": "x", "user": {"id": "U1"}},
        {"type": "block_suggestion", "action_id": "x", "block_id": "b", "value": "", "user": {"id": "U1"}},
        {"type": "block_actions", "user": [1], "team": "x", "actions": [1]}, {"type": 1, "event": 1, "user": 1},
        {"command": ["/dr"]}, {"command": "/dr"}, {"authorizations": 5},
    ]  # fmt: skip


async def test_a_payload_unlike_any_that_is_documented_is_never_500(front: Front) -> None:
    for content in UNDOCUMENTED:
        assert (await front.post(payload(content)))[0] < 500, content


async def test_a_body_at_the_limit_is_read_and_one_past_it_is_not(front: Front) -> None:
    start = urlencode(COMMAND).encode() + b"&filler="
    largest = start + b"x" * (LARGEST - len(start))
    assert (await front.post(largest))[0] == 200
    assert (await front.post(largest + b"x"))[0] == 400


async def test_a_replayed_request_does_nothing_the_second_time(front: Front) -> None:
    body = urlencode(COMMAND).encode()
    headers = signed(body)
    for _ in range(3):
        assert (await front.post(body, headers))[0] == 200
    assert len(await front.office.core.incidents()) == 1


async def test_the_word_payload_in_a_command_does_not_lose_it(front: Front) -> None:
    body = urlencode(COMMAND | {"text": "declare the payload service is down"}).encode()
    assert (await front.post(body))[0] == 200
    assert (await front.office.core.only()).title == "the payload service is down"


async def test_slack_may_check_the_certificate(front: Front) -> None:
    assert (await front.post(b"ssl_check=1&token=x"))[0] == 200


async def test_a_request_url_is_verified(front: Front) -> None:
    assert await front.office.local.verify_request_url(front.office.local.world.apps[front.office.app.id])


@pytest.mark.parametrize("kind", ["member_joined_channel", "message", "team_rename", "never.heard.of.it"])
async def test_an_event_that_nobody_waits_for_is_acknowledged(front: Front, kind: str) -> None:
    assert await _post_event(front, _event(kind, subtype="channel_topic")) == 200


async def test_an_event_that_comes_twice_counts_once(front: Front) -> None:
    for _ in range(2):
        assert await _post_event(front, _event("app_home_opened", tab="home", user="UMINA")) == 200
        await front.done()
    assert len(front.office.local.called("views.publish")) == 1


async def test_an_event_during_an_outage_of_the_database_is_sent_again_by_slack(front: Front) -> None:
    body = _event("app_home_opened", tab="home", user="UMINA")
    working, front.to.events.store = front.to.events.store, Down()
    assert await _post_event(front, body) == 503
    front.to.events.store = working
    assert await _post_event(front, body) == 200
    await front.done()
    assert len(front.office.local.called("views.publish")) == 1


async def test_only_the_home_tab_is_drawn_when_it_is_opened(front: Front) -> None:
    await _post_event(front, _event("app_home_opened", tab="messages", user="UMINA"))
    await front.done()
    assert front.office.local.called("views.publish") == []


async def test_who_opens_the_home_tab_sees_it(front: Front) -> None:
    mina = front.person("mina")
    await mina.open_home("Lifeboat")
    await front.office.local.settled()
    await front.done()
    assert mina.sees("/dr declare")
    assert DRAW_HOME not in {job.kind for job in front.office.core.ran}


async def test_an_archived_channel_is_noted_in_the_timeline_and_nothing_else_stops(front: Front) -> None:
    incident = await front.office.alarm()
    [channel] = front.office.channels()
    for id_ in ("Ev1", "Ev2"):
        assert await _post_event(front, _event("channel_archive", id_, channel=channel.id)) == 200
    assert (await front.office.incident(incident)).channel_problem == "is_archived"
    assert (await front.office.core.timeline(incident)).count("room-failed") == 1


async def test_building_the_door_and_answering_call_nothing_in_slack(front: Front) -> None:
    calls = [call.method for call in front.office.local.calls if call.method != "auth.test"]
    body = _event("member_joined_channel")
    assert await _post_event(front, body) == 200
    assert [call.method for call in front.office.local.calls if call.method != "auth.test"] == calls


def test_no_secret_is_shown_by_what_holds_it(front: Front) -> None:
    assert SECRET not in repr(front.door)
