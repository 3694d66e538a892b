"""/dr as people type it, in the channels where they type it."""

import asyncio
from urllib.parse import urlencode

import pytest

from bot.config import Service
from bot.incident.incident import Incident
from bot.language import Words
from bot.slack.command_words import WORDS
from bot.slack.commands import COMMANDS, OPENERS
from bot.slack.meant import SeveralOpen, meant, which
from bot.slack.verbs import VERBS
from tests.slack.front import Down, Front

OUTSIDE = "CFALLBACK"


async def _two(front: Front) -> list[Incident]:
    for name in ("orders-errors", "orders-latency"):
        await front.office.alarm(name)
    return list(await front.office.core.incidents())


async def _status(front: Front, incident: str) -> str:
    return (await front.office.incident(incident)).status


async def test_alone_it_shows_what_it_can_do_and_the_open_incidents(front: Front) -> None:
    quiet = await front.command("alex")
    assert "No incident is open." in quiet
    assert all(f"/dr {word}" in quiet for word in ("declare", "ack", "page", "restore", "resolve", "oncall"))
    incident = await front.office.alarm()
    assert incident in await front.command("alex", "   ")


async def test_an_answer_is_for_the_one_who_typed(front: Front) -> None:
    await front.command("alex", "status")
    assert not front.person("jun").sees("No incident is open", channel=OUTSIDE)


async def test_an_incident_is_declared_in_the_words_that_were_typed(front: Front) -> None:
    told = await front.command("alex", "declare Orders &amp; <!channel> are   failing")
    incident = await front.office.core.only()
    assert (incident.title, incident.declared_by) == ("Orders & @channel are   failing", "alex")
    assert incident.id in told


async def test_a_command_that_slack_sends_again_declares_once(front: Front) -> None:
    form = {"command": "/dr", "text": "declare x", "user_id": "UALEX", "team_id": "T0LOCAL", "trigger_id": "1.2.3"}
    for _ in range(2):
        assert (await front.post(urlencode(form).encode()))[0] == 200
    await asyncio.gather(*(front.post(urlencode(form).encode()) for _ in range(3)))
    await front.done()
    assert len(await front.office.core.incidents()) == 1
    assert len([m for m in front.office.direct("UALEX") if "is open" in m.text]) == 1


async def test_two_people_who_declare_have_two_incidents(front: Front) -> None:
    await asyncio.gather(front.command("alex", "declare one"), front.command("sofia", "declare two"))
    assert len(await front.office.core.incidents()) == 2


async def test_the_only_open_incident_is_meant_when_none_is_named(front: Front) -> None:
    incident = await front.office.alarm()
    assert "You have acknowledged it" in await front.command("alex", "ack")
    assert await _status(front, incident) == "acknowledged"


async def test_the_incident_of_the_channel_is_meant_before_any_other(front: Front) -> None:
    [first, second] = await _two(front)
    channel = first.channel or ""
    front.person("mina").channel(channel).members.append("UALEX")
    assert "You have acknowledged it" in await front.command("alex", "확인", channel=channel)
    assert [await _status(front, i.id) for i in (first, second)] == ["acknowledged", "open"]


async def test_the_id_that_was_given_is_meant_before_the_channels(front: Front) -> None:
    [first, second] = await _two(front)
    front.person("mina").channel(first.channel or "").members.append("UALEX")
    await front.command("alex", f"ACK  `{second.id.upper()}`", channel=first.channel or "")
    assert [await _status(front, i.id) for i in (first, second)] == ["open", "acknowledged"]


async def test_when_several_are_open_it_asks_and_the_button_does_what_was_asked(front: Front) -> None:
    [first, second] = await _two(front)
    told = await front.command("alex", "ack")
    assert "Which incident do you mean?" in told
    assert first.id in told
    assert second.id in told
    assert "You have acknowledged it" in await front.click("alex", "This one", channel=OUTSIDE)
    assert sorted([await _status(front, i.id) for i in (first, second)]) == ["acknowledged", "open"]


async def test_a_page_is_asked_for_by_mention_key_or_name(front: Front) -> None:
    await front.office.alarm()
    for named in ("@sofia", "sofia", "<@USOFIA|sofia>", "Sofia Rossi", "SOFIA"):
        assert "Paging Sofia Rossi." in await front.command("alex", f"page {named}")
    assert "Paging Alex Kim, Jun Lee." in await front.command("alex", "page <@UALEX>, jun alex")


async def test_a_page_asks_which_incident_and_keeps_whom(front: Front) -> None:
    await _two(front)
    assert "Which incident" in await front.command("alex", "page sofia jun")
    assert "Paging Sofia Rossi, Jun Lee." in await front.click("alex", "This one", channel=OUTSIDE)


IMPOSSIBLE = [
    ("page", "Say whom to page"),
    ("page sofai", "Did you mean sofia?"),
    ("page <@UGUEST|guest>", "@guest is not in people.yaml"),
    ("ack", "No incident is open."),
    ("ack zzzzzzzz", "There is no incident named zzzzzzzz"),
    ("status zzzzzzzz", "There is no incident named zzzzzzzz"),
    ("resolve", "No incident is open."),
    ("playbook", "restart-service"),
    ("oncall", "primary"),
    ("restroe orders", "Did you mean /dr restore?"),
    ("xyzzy", "I do not know xyzzy."),
    ("<!channel>", "I do not know"),
]


async def test_what_cannot_be_done_is_said_with_what_to_do(front: Front) -> None:
    for text, told in IMPOSSIBLE:
        assert told in (await front.command("alex", text)).replace("`", ""), text


async def test_what_this_version_does_not_have_is_said_honestly(front: Front) -> None:
    missing = WORDS.keys() - COMMANDS.keys() - OPENERS.keys()
    assert {"drill", "backup", "report"} == missing
    for name in sorted(missing):
        assert "This version" in await front.command("alex", name)
    assert await front.office.core.incidents() == []


async def test_status_shows_the_incident_of_the_channel_with_its_buttons(front: Front) -> None:
    [first, _] = await _two(front)
    front.person("mina").channel(first.channel or "").members.append("UALEX")
    told = await front.command("alex", "status", channel=first.channel or "")
    assert first.id in told
    assert "[Acknowledge]" in told
    assert "Recover by" in told
    everywhere = await front.command("alex", "상태")
    assert everywhere.count("Nobody has acknowledged it yet.") == 2


async def test_resolve_takes_what_solved_it_and_an_id_only_when_it_is_one(front: Front) -> None:
    [first, second] = await _two(front)
    assert "Resolved" in await front.command("alex", f"resolve {first.id} rolled back &amp; done")
    assert (await front.office.incident(first.id)).resolution == "rolled back & done"
    assert "Resolved" in await front.command("alex", "해결 database was restarted")
    assert (await front.office.incident(second.id)).resolution == "database was restarted"


async def test_restore_opens_the_form_for_the_table(front: Front) -> None:
    await front.office.alarm(resource="dynamodb", dimensions={"TableName": "orders"})
    await front.command("alex", "restore orders-archive")
    alex = front.person("alex")
    assert "[Damaged table: orders-archive]" in alex.screen()
    await alex.close()
    await front.command("alex", "복원")
    assert "[Damaged table: orders]" in alex.screen()


async def test_a_verb_is_one_command_also_when_no_incident_is_open(front: Front) -> None:
    await front.command("alex", "restore orders")
    alex = front.person("alex")
    assert "this declares one" in alex.screen()
    assert "[Damaged table: orders]" in alex.screen()
    assert (await alex.submit()).ok
    await front.done()
    incident = await front.office.core.only()
    assert (incident.title, incident.tier, incident.declared_by) == ("Restore a table to a point in time", 1, "alex")
    assert incident.service == "orders"
    async with front.office.core.store.begin() as tx:
        [run] = await tx.runs.of(incident.id)
    assert run.inputs["table"] == "orders"


async def test_without_an_incident_the_only_service_is_meant_and_of_several_one_is_chosen(front: Front) -> None:
    alex = front.person("alex")
    await front.command("alex", "restore orders-2")
    await alex.close()
    services = {**front.office.core.config.services, "carts": Service(title="Carts")}
    front.to.forms.config = front.to.forms.config.model_copy(update={"services": services})
    front.office.core.responder.config = front.to.forms.config
    await front.to.desk.settled()
    await front.command("alex", "restore orders-2")
    assert "Which service is it for?" in alex.screen()
    await front.click("alex", "Choose")
    assert "[Damaged table: orders-2]" in alex.screen()
    assert (await alex.submit()).ok
    await front.done()
    assert (await front.office.core.only()).service == "orders"


async def test_what_is_wrong_can_be_said_in_the_same_form_and_must_not_be_empty(front: Front) -> None:
    await front.command("alex", "restore orders")
    alex = front.person("alex")
    await alex.fill({"What is wrong?": "  "})
    assert (await alex.submit()).errors == {"what.is.wrong": "Say in a few words what is wrong."}
    await alex.fill({"What is wrong?": "Orders are gone"})
    assert (await alex.submit()).ok
    assert (await front.office.core.only()).title == "Orders are gone"


async def test_a_mistake_in_the_form_declares_nothing(front: Front) -> None:
    await front.command("alex", "restore orders")
    alex = front.person("alex")
    await alex.fill({"Restore to this moment": "yesterday-ish"})
    assert (await alex.submit()).errors.keys() == {"at"}
    assert await front.office.core.incidents() == []


@pytest.mark.parametrize("verb", ["evacuate", "failover", "failback"])
async def test_a_verb_without_a_playbook_says_which_is_missing_and_where_to_name_one(front: Front, verb: str) -> None:
    for name in [name for name in front.office.core.runs.playbooks if name in VERBS[verb].names]:
        del front.office.core.runs.playbooks[name]
    await front.command("alex", verb)
    shown = front.person("alex").screen().split("--- modal")[1]
    assert VERBS[verb].names[0] in shown
    assert "commands:" in shown
    assert await front.office.core.incidents() == []


async def test_playbooks_are_listed_with_those_that_fit_the_incident_first(front: Front) -> None:
    assert "never run here" not in await front.command("alex", "playbook")
    id_ = await front.office.alarm(resource="dynamodb")
    told = await front.command("alex", "playbook")
    assert "matches DynamoDB in this alarm; never run here" in told
    assert told.index("Restore a table") < told.index("The other playbooks") < told.index("restart-service")
    await front.click("alex", "Open")
    assert front.person("alex").modal
    await front.person("alex").close()
    await front.office.resolve(id_)
    assert "never run here" not in await front.command("alex", "playbook")


async def test_restore_asks_which_incident_in_its_form_and_keeps_the_table(front: Front) -> None:
    await _two(front)
    await front.command("alex", "restore orders-archive")
    alex = front.person("alex")
    assert "Which incident do you mean?" in alex.screen()
    await front.click("alex", "This one")
    assert "[Damaged table: orders-archive]" in alex.screen()
    assert (await alex.submit()).ok
    assert len(front.office.local.called("views.open")) == 1


async def test_a_playbook_that_does_not_exist_is_answered_with_those_that_do(front: Front) -> None:
    await front.office.alarm()
    await front.command("alex", "playbook restore-tabel")
    assert "restore-table" in front.person("alex").screen().split("--- modal")[1]


async def test_a_korean_is_answered_with_the_playbooks_in_korean(front: Front) -> None:
    assert "테이블을 특정 시점으로 복원" in await front.command("mina", "플레이북")
    assert "Restore a table to a point in time" in await front.command("alex", "플레이북")


async def test_an_outage_of_the_database_is_said(front: Front) -> None:
    working, front.to.desk.store = front.to.desk.store, Down()
    told = await front.command("alex", "declare orders are failing")
    front.to.desk.store = working
    assert "The database does not answer" in told
    assert "Try again in a moment" in told
    assert await front.office.core.incidents() == []


async def test_in_a_channel_that_several_incidents_share_none_of_them_is_guessed(front: Front) -> None:
    [first, second] = await _two(front)
    async with front.office.core.store.begin() as tx:
        shared = {"channel": OUTSIDE, "own_channel": False}
        await tx.incidents.save(*(i.model_copy(update=shared) for i in (first, second)))
        with pytest.raises(SeveralOpen):
            await meant(tx, "", OUTSIDE)


async def test_the_question_fits_however_many_are_open(front: Front) -> None:
    incidents = [
        Incident.model_construct(id=f"incident{n}", title="<!here> *x* " * 40, status="open") for n in range(60)
    ]
    asked = which(incidents, "incident.page", Words(), w="mina")
    assert len(asked.blocks) <= 50
    args = {"channel": "CFALLBACK", "text": asked.text, "blocks": asked.blocks}
    await front.office.slack.call("conversations.join", channel="CFALLBACK")
    assert (await front.office.slack.call("chat.postMessage", **args))["ok"]
