"""Presses: each counts once, is answered to the one who pressed, and never in silence."""

import asyncio
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from bot.rehearsal.slack import Fault
from bot.slack import incident_buttons, run_buttons
from bot.slack.buttons import BUTTONS, OPENERS
from bot.slack.values import encode_value
from tests.slack.front import Down, Front, payload


async def _open(front: Front) -> tuple[str, str]:
    """An incident that everybody can see, and its channel."""
    incident = await front.office.alarm(resource="dynamodb", dimensions={"TableName": "orders"})
    [channel] = front.office.channels()
    channel.members += [user for user in ("UMINA", "UJUN", "UALEX", "USOFIA", "UGUEST") if user not in channel.members]
    return incident, channel.id


def _press(action_id: str, value: str, **more: Any) -> bytes:
    return payload(
        {
            "type": "block_actions", "user": {"id": "UALEX", "team_id": "T0LOCAL"}, "team": {"id": "T0LOCAL"},
            "trigger_id": "7.8.9", "actions": [{"action_id": action_id, "block_id": "b", "type": "button", "value": value}],
            **more,
        }
    )  # fmt: skip


async def test_a_double_click_acknowledges_once_and_says_so(front: Front) -> None:
    incident, channel = await _open(front)
    alex = front.person("alex")
    twice = [alex.click("Acknowledge", channel=channel), alex.click("Acknowledge", channel=channel)]
    assert all(outcome.ok for outcome in await asyncio.gather(*twice))
    await front.done()
    assert alex.sees("You have acknowledged it. Escalation has stopped.", channel=channel)
    assert alex.sees("Alex Kim has acknowledged it already.", channel=channel)
    assert (await front.office.core.timeline(incident)).count("acknowledged") == 1


async def test_of_two_people_who_press_at_once_one_acknowledges_and_the_other_reads_who(front: Front) -> None:
    incident, channel = await _open(front)
    alex, sofia = front.person("alex"), front.person("sofia")
    await asyncio.gather(alex.click("Acknowledge", channel=channel), sofia.click("Acknowledge", channel=channel))
    await front.done()
    assert (await front.office.core.timeline(incident)).count("acknowledged") == 1
    first = (await front.office.incident(incident)).acknowledged_by
    late, name = (sofia, "Alex Kim") if first == "alex" else (alex, "Sofia Rossi")
    assert late.sees(f"{name} has acknowledged it already.", channel=channel)


async def test_a_replayed_press_does_nothing_and_says_nothing(front: Front) -> None:
    incident, _ = await _open(front)
    body = _press(incident_buttons.ESCALATE, encode_value(i=incident))
    for _ in range(3):
        assert (await front.post(body))[0] == 200
        await front.done()
    assert (await front.office.core.timeline(incident)).count("escalated") == 1
    assert len([m for m in front.office.direct("UALEX") if "Paging" in m.text]) == 1


async def test_the_answer_is_only_for_the_one_who_pressed(front: Front) -> None:
    _, channel = await _open(front)
    assert "Escalation has stopped" in await front.click("alex", "Acknowledge", channel=channel)
    assert not front.person("jun").sees("Escalation has stopped", channel=channel)


async def test_a_page_is_answered_where_it_arrived(front: Front) -> None:
    incident = await front.office.alarm()
    [(user, _)] = front.office.paged().items()
    who = user[1:].lower()
    assert await front.click(who, incident_buttons.ACKNOWLEDGE, channel="@lifeboat")
    assert (await front.office.incident(incident)).acknowledged_by == who


async def test_a_press_on_the_home_tab_is_answered_in_a_direct_message(front: Front) -> None:
    incident, _ = await _open(front)
    alex = front.person("alex")
    await alex.open_home("Lifeboat")
    await front.office.local.settled()
    await front.done()
    await alex.click("Acknowledge", app="Lifeboat")
    await front.done()
    assert (await front.office.incident(incident)).acknowledged_by == "alex"
    assert any("Escalation has stopped" in message.text for message in front.office.direct("UALEX"))


async def test_a_slack_user_whom_people_yaml_does_not_know_may_acknowledge(front: Front) -> None:
    incident, channel = await _open(front)
    await front.click("guest", "Acknowledge", channel=channel)
    assert (await front.office.incident(incident)).acknowledged_by == "<@UGUEST>"


async def test_people_of_other_organisations_are_refused_in_words(front: Front) -> None:
    incident, _ = await _open(front)
    body = _press(
        incident_buttons.ACKNOWLEDGE, encode_value(i=incident), user={"id": "UALEX", "team_id": "TOTHER"},
    )  # fmt: skip
    assert (await front.post(body))[0] == 200
    await front.done()
    assert (await front.office.incident(incident)).status == "open"
    assert any("another organisation" in message.text for message in front.office.direct("UALEX"))


async def test_the_workspace_of_the_payload_does_not_make_an_outsider_one_of_us(front: Front) -> None:
    incident, _ = await _open(front)
    stranger = {"id": "UMINA", "team_id": "TOTHER"}
    await front.post(_press(run_buttons.RUN_ABORT, encode_value(r="x"), user=stranger, team={"id": "T0LOCAL"}))
    await front.post(_press(incident_buttons.OFFER, encode_value(i=incident, p="restore-table"), user=stranger))
    await front.done()
    assert not front.office.local.called("views.update")


@pytest.mark.parametrize(
    "value", ["", "{}", "[1]", '{"i": 5}', '{"i":"zzzzzzzz","r":"zzzzzzzz","s":"x","p":"y","h":"h","w":"mina"}']
)
async def test_a_button_that_leads_nowhere_says_so(front: Front, value: str) -> None:
    for number, action_id in enumerate([*BUTTONS, *OPENERS, "from.another.version"], start=1):
        assert (await front.post(_press(action_id, value, trigger_id=f"unknown.{number}")))[0] == 200
        await front.done()
        told = [message.text for message in front.office.direct("UALEX")]
        assert len(told) == number, action_id
        assert "Something broke" not in told[-1]


async def test_a_link_that_is_followed_is_acknowledged_without_a_word(front: Front) -> None:
    action = {"action_id": "x", "block_id": "b", "type": "button", "url": "https://example.com"}
    assert (await front.post(_press("", "", actions=[action])))[0] == 200
    await front.done()
    assert front.office.direct("UALEX") == []


async def test_an_outage_of_the_database_is_said_in_time(front: Front) -> None:
    _, channel = await _open(front)
    working, front.to.desk.store = front.to.desk.store, Down()
    outcome = await front.person("alex").click("Acknowledge", channel=channel)
    assert outcome.ok
    await front.to.desk.settled()
    assert front.person("alex").sees("The database does not answer", channel=channel)
    assert front.person("alex").sees("Try again in a moment", channel=channel)
    front.to.desk.store = working
    assert "Escalation has stopped" in await front.click("alex", "Acknowledge", channel=channel)


async def test_a_database_that_hangs_does_not_make_the_person_wait(front: Front, tmp_path: Path) -> None:
    incident, channel = await _open(front)
    front.to.desk.patience = 0.05
    other = sqlite3.connect(tmp_path / "lifeboat.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    outcome = await front.person("alex").click("Acknowledge", channel=channel)
    await front.to.desk.settled()
    other.execute("ROLLBACK")
    other.close()
    assert outcome.ok
    assert front.person("alex").sees("The database does not answer.", channel=channel)
    assert (await front.office.incident(incident)).status == "open"


async def test_an_answer_that_slack_refuses_undoes_nothing_and_is_given_otherwise(front: Front) -> None:
    incident, _ = await _open(front)
    broken = {"response_url": f"{front.office.local.url}/hooks/no-such-hook"}
    await front.post(_press(incident_buttons.ACKNOWLEDGE, encode_value(i=incident), **broken))
    await front.done()
    assert (await front.office.incident(incident)).acknowledged_by == "alex"
    assert any("Escalation has stopped" in message.text for message in front.office.direct("UALEX"))


async def test_a_verb_stands_even_when_no_answer_can_be_given_at_all(front: Front) -> None:
    incident, _ = await _open(front)
    with front.office.local.faults.during(Fault("refused", "chat.postMessage", times=None, code="channel_not_found")):
        await front.post(_press(incident_buttons.ACKNOWLEDGE, encode_value(i=incident)))
        await front.to.desk.settled()
    assert (await front.office.incident(incident)).acknowledged_by == "alex"


async def test_who_cannot_be_told_from_an_outsider_yet_reads_why(front: Front) -> None:
    incident, channel = await _open(front)
    front.office.slack.identity = None
    with front.office.local.faults.during(Fault("server_error", "auth.test", times=None)):
        await front.person("alex").click("Acknowledge", channel=channel)
        await front.to.desk.settled()
    assert front.person("alex").sees("Slack cannot answer auth.test now", channel=channel)
    assert "Escalation has stopped" in await front.click("alex", "Acknowledge", channel=channel)
    assert (await front.office.incident(incident)).acknowledged_by == "alex"


async def test_a_run_is_approved_once_and_only_with_the_plan_that_stands_there(front: Front) -> None:
    incident, channel = await _open(front)
    run = await front.planned(incident)
    stale = _press(run_buttons.RUN_APPROVE, encode_value(r=run, h="another plan"))
    await front.post(stale)
    await front.done()
    assert (await front.run(run)).status == "planned"
    assert "restore-table is running" in await front.click("alex", "Run", channel=channel)
    assert (await front.run(run)).status == "running"
    await front.post(
        _press(
            run_buttons.RUN_APPROVE, encode_value(r=run, h=(await front.run(run)).plan_hash or ""), trigger_id="other"
        )
    )
    await front.done()
    assert len((await front.run(run)).approvals) == 1
    assert "is aborted" in await front.click("alex", "Abort", channel=channel)
    assert (await front.run(run)).status == "aborted"


async def test_who_may_not_approve_reads_whom_to_ask(front: Front) -> None:
    incident, channel = await _open(front)
    run = await front.planned(incident)
    assert "alex, jun, mina, sofia" in await front.click("guest", "Run", channel=channel)
    assert (await front.run(run)).status == "planned"


async def test_the_whole_plan_is_shown_in_a_modal(front: Front) -> None:
    incident, channel = await _open(front)
    await front.planned(incident)
    await front.click("alex", "Show the whole plan", channel=channel)
    alex = front.person("alex")
    assert alex.modal
    assert alex.modal.spec["title"]["text"] == "Plan"
    assert "table = orders" in alex.screen()


async def test_each_reads_their_own_language_also_whom_only_slack_knows(front: Front) -> None:
    _, channel = await _open(front)
    assert "에스컬레이션을 멈췄습니다" in await front.click("guest", "Acknowledge", channel=channel)
    assert "has acknowledged it already" in await front.command("alex", "ack", channel=channel)
    for who, label in (("guest", "손상된 테이블"), ("mina", "손상된 테이블"), ("alex", "Damaged table")):
        await front.click(who, "Open", channel=channel)
        assert label in front.person(who).screen()


async def test_an_outage_of_the_database_is_said_in_the_readers_language(front: Front) -> None:
    _, channel = await _open(front)
    front.to.desk.store = front.to.desk.people.store = Down()
    for who, told in (("mina", "데이터베이스"), ("alex", "database"), ("guest", "database")):
        await front.person(who).click("Acknowledge", channel=channel)
        await front.to.desk.settled()
        assert front.person(who).sees(told, channel=channel), who


def test_every_button_that_we_draw_has_a_handler_and_no_handler_two_tables() -> None:
    drawn = {
        value for module in (incident_buttons, run_buttons) for name, value in vars(module).items()
        if re.fullmatch(r"[A-Z_]+", name) and isinstance(value, str) and "." in value
    }  # fmt: skip
    assert drawn == drawn & {*BUTTONS, *OPENERS}
    assert not BUTTONS.keys() & OPENERS.keys()
