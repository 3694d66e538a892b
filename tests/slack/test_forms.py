"""Forms: nothing that was entered is lost, nothing is sent twice, and a form that is closed leaves nothing behind."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bot.incident.incident import Incident
from bot.language import Words
from bot.playbook.inputs import Filled
from bot.playbook.model import Playbook
from bot.rehearsal.slack import Fault, Person
from bot.slack.client import Slack
from bot.slack.playbook_form import playbook_form
from bot.slack.run_buttons import STEP_SKIP
from bot.slack.values import encode_value
from bot.slack.views import field_errors
from tests.slack.front import Down, Front, payload


async def _incident(front: Front) -> tuple[str, str]:
    incident = await front.office.alarm(resource="dynamodb", dimensions={"TableName": "orders"})
    [channel] = front.office.channels()
    channel.members += [user for user in ("UALEX", "USOFIA", "UMINA") if user not in channel.members]
    return incident, channel.id


async def _restore(front: Front) -> tuple[str, Person]:
    """alex has the form of restore-table open."""
    incident, channel = await _incident(front)
    await front.click("alex", "Open", channel=channel)
    return incident, front.person("alex")


async def _runs(front: Front, incident: str) -> list[Mapping[str, Any]]:
    async with front.office.core.store.begin() as tx:
        return [run.inputs for run in await tx.runs.of(incident)]


async def test_a_playbook_is_opened_filled_in_and_asked_for(front: Front) -> None:
    incident, alex = await _restore(front)
    assert "[Damaged table: orders]" in alex.screen()
    await alex.fill({"Damaged table": "orders-2"})
    assert (await alex.submit()).ok
    assert alex.modal is None
    await front.done()
    [inputs] = await _runs(front, incident)
    assert inputs["table"] == "orders-2"
    assert alex.sees("Asking AWS what it would do", channel=front.office.channels()[0].id)


async def test_a_bad_time_is_said_under_its_field_and_what_was_entered_is_kept(front: Front) -> None:
    incident, alex = await _restore(front)
    await alex.fill({"Damaged table": "orders-2", "Restore to this moment": "half past nine"})
    outcome = await alex.submit()
    assert list(outcome.errors) == ["at"]
    assert "'half past nine' is not a time" in outcome.errors["at"]
    assert alex.modal
    assert "[Damaged table: orders-2]" in alex.screen()
    assert await _runs(front, incident) == []
    await alex.fill({"Restore to this moment": "5m ago"})
    assert (await alex.submit()).ok
    assert len(await _runs(front, incident)) == 1


async def test_every_bad_field_has_its_own_error(front: Front) -> None:
    _, alex = await _restore(front)
    await alex.fill({"Damaged table": "no such / name", "Restore to this moment": "whenever"})
    assert set((await alex.submit()).errors) == {"table", "at"}


async def test_times_are_shown_and_read_in_the_readers_zone(front: Front) -> None:
    incident, channel = await _incident(front)
    await front.click("mina", "Open", channel=channel)
    mina = front.person("mina")
    assert "+09:00]" in mina.screen()
    assert "Asia/Seoul" in mina.screen()
    await mina.fill({"at": "2026-01-02 03:40"})
    assert (await mina.submit()).ok
    [inputs] = await _runs(front, incident)
    assert inputs["at"].startswith("2026-01-02T03:40:00+09:00")


async def test_a_time_is_read_in_the_zone_that_the_form_named(front: Front) -> None:
    incident, channel = await _incident(front)
    await front.click("mina", "Open", channel=channel)
    front.office.people.directory = replace(front.office.people.directory, people={})  # and Slack says another now
    front.office.local.world.users["UMINA"].tz = "America/New_York"
    await front.person("mina").fill({"at": "2026-01-02 03:40"})
    assert (await front.person("mina").submit()).ok
    assert (await _runs(front, incident))[0]["at"].startswith("2026-01-02T03:40:00+09:00")


async def test_a_form_that_is_sent_twice_asks_once(front: Front) -> None:
    incident, alex = await _restore(front)
    await asyncio.gather(alex.submit(), alex.submit())
    assert len(await _runs(front, incident)) == 1


async def test_a_submission_whose_acknowledgement_was_lost_may_be_sent_again(front: Front) -> None:
    incident, alex = await _restore(front)
    front.office.local.faults.add(Fault("dropped_ack", "view_submission"))
    assert not (await alex.submit()).ok
    assert alex.modal
    assert (await alex.submit()).ok
    assert alex.modal is None
    assert len(await _runs(front, incident)) == 1


async def test_a_form_that_is_closed_half_way_leaves_nothing_behind(front: Front) -> None:
    incident, alex = await _restore(front)
    before = await front.office.core.timeline(incident)
    await alex.fill({"Damaged table": "orders-2"})
    await alex.close()
    await front.done()
    assert await _runs(front, incident) == []
    assert await front.office.core.timeline(incident) == before


async def test_a_form_that_is_closed_before_it_is_filled_breaks_nothing(front: Front) -> None:
    incident, channel = await _incident(front)
    alex = front.person("alex")
    with front.office.local.faults.during(Fault("refused", "views.update", code="not_found")):
        await alex.click("Open", channel=channel)
        await front.done()
    assert await front.office.core.timeline(incident)


@pytest.mark.parametrize("code", ["expired_trigger_id", "trigger_expired", "invalid_trigger_id", "invalid_arguments"])
async def test_a_form_that_cannot_be_opened_is_said_and_never_silence(front: Front, code: str) -> None:
    _, channel = await _incident(front)
    front.office.local.faults.add(Fault("refused", "views.open", code=code))
    assert "Press again" in await front.click("alex", "Open", channel=channel)


async def test_slack_being_down_for_the_form_is_said(front: Front) -> None:
    _, channel = await _incident(front)
    front.office.local.faults.add(Fault("server_error", "views.open"))
    assert "Slack cannot answer views.open" in await front.click("alex", "Open", channel=channel)


async def test_a_second_delivery_of_a_press_opens_no_second_form_and_says_nothing(front: Front) -> None:
    _, channel = await _incident(front)
    await front.click("alex", "Open", channel=channel)
    again = front.office.local.deliveries[-1].payload
    told = front.whispers("alex")
    assert (await front.post(payload(again)))[0] == 200
    await front.done()
    opened = front.office.local.called("views.open")
    assert [call.error for call in opened] == ["", "exchanged_trigger_id"]
    assert front.whispers("alex") == told
    assert front.office.direct("UALEX") == []


async def test_the_skeleton_is_opened_before_anything_is_looked_up(front: Front) -> None:
    _, channel = await _incident(front)
    working, front.to.desk.store = front.to.desk.store, Down()
    await front.person("alex").click("Open", channel=channel)
    await front.to.desk.settled()
    front.to.desk.store = working
    assert front.office.local.called("views.open")[-1].ok
    assert "The database does not answer" in front.person("alex").screen()


async def test_an_outage_while_a_form_is_sent_is_said_in_it_and_keeps_what_was_entered(front: Front) -> None:
    incident, alex = await _restore(front)
    await alex.fill({"Damaged table": "orders-2"})
    working, front.to.desk.store = front.to.desk.store, Down()
    for _ in range(2):
        assert (await alex.submit()).ok  # Slack took the answer
        assert alex.screen().count("The database does not answer") == 1
        assert "[Damaged table: orders-2]" in alex.screen()
    front.to.desk.store = working
    assert (await alex.submit()).ok
    assert alex.modal is None
    assert (await _runs(front, incident))[0]["table"] == "orders-2"


async def test_a_playbook_of_a_resolved_incident_is_refused_when_it_is_sent_too(front: Front) -> None:
    incident, alex = await _restore(front)
    await front.office.resolve(incident)
    await alex.submit()
    assert "The incident is already resolved." in alex.screen()
    assert await _runs(front, incident) == []


async def test_an_outsider_gets_no_form(front: Front) -> None:
    incident, channel = await _incident(front)
    body = {
        "type": "block_actions", "user": {"id": "UALEX", "team_id": "TOTHER"}, "team": {"id": "TOTHER"},
        "trigger_id": front.office.local.world.triggers.issue(front.office.app.id, "UALEX"),
        "actions": [{"action_id": "playbook.open", "block_id": "b", "type": "button",
                     "value": encode_value(i=incident, p="restore-table")}],
    }  # fmt: skip
    assert (await front.post(payload(body)))[0] == 200
    await front.done()
    screen = front.person("alex").screen().split("--- modal")[1]
    assert "another organisation" in screen
    assert "orders" not in screen
    assert channel


async def test_an_incident_is_declared_by_a_form(front: Front) -> None:
    await front.command("alex", "declare")
    alex = front.person("alex")
    await alex.fill({"What is wrong?": "   "})
    assert (await alex.submit()).errors == {"title": "Say in a few words what is wrong."}
    await alex.fill({"What is wrong?": "Checkout <!channel> & co"})
    await alex.select("Service", "Orders")
    await alex.select("Tier", "3: a region")
    assert (await alex.submit()).ok
    await front.done()
    incident = await front.office.core.only()
    assert (incident.title, incident.service, incident.tier) == ("Checkout <!channel> & co", "orders", 3)
    [told] = [m.text for m in front.office.direct("UALEX") if "is open" in m.text]
    assert "<!channel>" not in told


async def test_an_incident_is_resolved_by_a_form_once(front: Front) -> None:
    incident, channel = await _incident(front)
    await front.click("alex", "Resolve", channel=channel)
    await front.click("sofia", "Resolve", channel=channel)
    alex, sofia = front.person("alex"), front.person("sofia")
    await alex.fill({"What solved it?": "Rolled back\nversion 7"})
    assert (await alex.submit()).ok
    assert (await sofia.submit()).ok
    await front.done()
    found = await front.office.incident(incident)
    assert (found.resolved_by, found.resolution) == ("alex", "Rolled back\nversion 7")
    assert any("already resolved" in m.text for m in front.office.direct("USOFIA"))


async def test_a_step_is_skipped_with_a_reason_or_not_at_all(front: Front) -> None:
    incident, channel = await _incident(front)
    run = await front.planned(incident)
    await front.click("alex", "Run", channel=channel)
    press = {
        "type": "block_actions", "user": {"id": "UALEX", "team_id": "T0LOCAL"}, "team": {"id": "T0LOCAL"},
        "trigger_id": front.office.local.world.triggers.issue(front.office.app.id, "UALEX"),
        "actions": [{"action_id": STEP_SKIP, "block_id": "b", "type": "button", "value": encode_value(r=run, s="settings")}],
    }  # fmt: skip
    await front.post(payload(press))
    await front.done()
    alex = front.person("alex")
    await alex.fill({"Why is it skipped?": "  "})
    assert (await alex.submit()).errors == {"reason": "Say why: others read it in the timeline."}
    await alex.fill({"Why is it skipped?": "the settings are the same"})
    assert (await alex.submit()).ok
    async with front.office.core.store.begin() as tx:
        steps = {step.step: step for step in await tx.runs.steps(run)}
    assert (steps["settings"].state, steps["settings"].reason) == ("skipped", "the settings are the same")
    assert steps["settings"].decided_by == "alex"


@pytest.mark.parametrize("metadata", ["", "{}", "[]", "x" * 3000])
async def test_a_form_from_another_version_says_so(front: Front, metadata: str) -> None:
    view = {
        "id": "V1", "hash": "1", "type": "modal", "private_metadata": metadata, "blocks": [],
        "title": {}, "submit": {}, "close": {}, "state": {"values": {}},
    }  # fmt: skip
    for number, callback in enumerate(["playbook.request", "incident.resolve", "step.skip", "from.elsewhere"]):
        sent = {
            "type": "view_submission", "user": {"id": "UALEX", "team_id": "T0LOCAL"}, "team": {"id": "T0LOCAL"},
            "view": {**view, "callback_id": callback, "hash": str(number)},
        }  # fmt: skip
        status, _, body = await front.post(payload(sent))
        answer = json.loads(body)
        assert (status, answer["response_action"]) in {(200, "update"), (200, "errors")}, callback


def test_an_error_of_a_field_that_is_not_there_is_shown_at_the_first() -> None:
    view = {"blocks": [{"type": "section"}, {"type": "input", "block_id": "a"}, {"type": "input", "block_id": "b"}]}
    assert field_errors(view, {"b": "wrong", "z": "unknown"}) == {"b": "wrong", "a": "unknown"}
    assert field_errors({"blocks": []}, {"z": "unknown"}) == {}
    assert len(field_errors(view, {"a": "x" * 5000})["a"]) == 1000


async def test_every_kind_of_input_makes_a_form_that_slack_takes(front: Front) -> None:
    """At the limits: 100 options make a menu, 101 a text field; so does an option that is too long for one."""
    many = {
        "wait": {"type": "duration", "default": "5m", "title": {"en": "W" * 2500, "ko": "w"}},
        "force": {"type": "bool", "default": True},
        "mode": {"type": "str", "choices": ["fast", "safe"], "default": "safe", "help": {"en": "H" * 2500, "ko": "h"}},
        "hundred": {"type": "str", "choices": [f"n{n}" for n in range(100)], "required": False},
        "more": {"type": "str", "choices": [f"n{n}" for n in range(101)], "default": "n7"},
        "long": {"type": "str", "choices": ["x" * 76], "required": False},
        "empty": {"type": "int"},
        **{f"input_{n}": {"type": "str", "default": "y" * 1000} for n in range(90)},
    }
    playbook = Playbook.model_validate(
        {
            "name": "p", "title": {"en": "T" * 300, "ko": "t"}, "tier": 1, "targets": {"rto": "1m", "rpo": "1m"},
            "inputs": many, "steps": [{"id": "s", "manual": {"en": "m", "ko": "m"}}],
        }
    )  # fmt: skip
    incident = await front.office.incident((await _incident(front))[0])
    front.office.core.runs.playbooks = {"p": playbook}
    filled = front.office.core.runs.form(incident, "p", incident.started_at, "UTC")
    view = playbook_form(playbook, incident, filled, Words())
    elements = {b["block_id"]: b["element"] for b in view["blocks"] if b["type"] == "input"}
    kinds = {name: elements[name]["type"] for name in ("wait", "force", "mode", "hundred", "more", "long")}
    menu, text = "static_select", "plain_text_input"
    assert kinds == {"wait": text, "force": menu, "mode": menu, "hundred": menu, "more": text, "long": text}
    assert elements["force"]["initial_option"]["value"] == "true"
    hints = {b["block_id"]: b.get("hint", {}).get("text") for b in view["blocks"] if b["type"] == "input"}
    assert hints["empty"] == "Give a value: it has no default."
    await _opens(front.office.slack, front, view)


async def _opens(slack: Slack, front: Front, view: dict[str, Any]) -> None:
    trigger = front.office.local.world.triggers.issue(front.office.app.id, "UALEX")
    assert (await slack.call("views.open", trigger_id=trigger, view=view))["ok"]


def test_a_form_names_what_it_is_about_and_nothing_else() -> None:
    incident = Incident.model_construct(id="k3v9x2ab", title="orders", resolved_at=None)
    playbook = Playbook.model_validate(
        {
            "name": "p", "title": {"en": "T", "ko": "t"}, "tier": 1, "targets": {"rto": "1m", "rpo": "1m"},
            "steps": [{"id": "s", "manual": {"en": "m", "ko": "m"}}],
        }
    )  # fmt: skip
    view = playbook_form(playbook, incident, Filled({}, {}, {}), Words("ko", "Asia/Seoul"))
    assert json.loads(view["private_metadata"]) == {"i": "k3v9x2ab", "p": "p", "z": "Asia/Seoul"}
