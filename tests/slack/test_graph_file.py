"""/dr playbook <name> graph: a picture in the incident's channel, or for the one who asked."""

import pytest

from bot.rehearsal.slack.faults import Fault
from bot.report.graph import png
from bot.slack.graph_file import asked
from tests.slack.front import Front


def pictures(front: Front, channel: str) -> list[bytes]:
    world = front.office.local.world
    return [world.files[file["id"]].content for message in front.office.said(channel) for file in message.files]


async def test_outside_an_incident_the_picture_comes_to_the_one_who_asked(front: Front) -> None:
    told = await front.command("alex", "playbook restore-table graph")
    assert "restore-table" in told
    [message] = [one for one in front.office.direct("UALEX") if one.files]
    assert message.files[0]["title"] == "Restore a table to a point in time"
    assert front.office.local.world.files[message.files[0]["id"]].content.startswith(b"\x89PNG")
    assert pictures(front, "CFALLBACK") == []


async def test_in_an_incidents_channel_everybody_sees_the_run(front: Front) -> None:
    incident = await front.office.alarm(resource="dynamodb", dimensions={"TableName": "orders"})
    [channel] = front.office.channels()
    await front.command("mina", "playbook restore-table graph", channel=channel.id)
    await front.planned(incident)
    await front.command("mina", "플레이북 restore-table 그래프", channel=channel.id)
    plain, with_states = pictures(front, channel.id)
    assert plain != with_states


async def test_a_playbook_that_does_not_exist_is_said_and_nothing_is_drawn(front: Front) -> None:
    assert "restore-table" in await front.command("alex", "playbook restore-tabel graph")
    assert front.office.tries("files.getUploadURLExternal") == 0


async def test_an_app_that_may_not_write_files_shows_the_graph_as_text(front: Front) -> None:
    front.office.local.faults.add(Fault("refused", "files.getUploadURLExternal", code="missing_scope"))
    await front.command("alex", "playbook restore-table graph")
    [message] = front.office.direct("UALEX")
    assert "cut-over" in message.text


async def test_a_machine_without_fonts_shows_the_graph_as_text(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    # The fonts of this machine cannot be taken away for one test.
    monkeypatch.setattr(png, "has_letters", lambda _language: False)
    await front.command("alex", "playbook restore-table graph")
    [message] = front.office.direct("UALEX")
    assert "cut-over" in message.text
    assert front.office.tries("files.getUploadURLExternal") == 0


@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "files.completeUploadExternal"])
async def test_it_is_tried_again_when_slack_does_not_answer(front: Front, method: str) -> None:
    front.office.local.faults.add(Fault("server_error", method))
    await front.command("alex", "playbook restore-table graph")
    await front.office.later()
    assert len([one for one in front.office.direct("UALEX") if one.files]) == 1


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("restore-table graph", "restore-table"),
        ("`restore-table` GRAPH", "restore-table"),
        ("restore-table 그래프", "restore-table"),
        ("restore-table", ""),
        ("graph", ""),
        ("restore-table graph now", ""),
        ("", ""),
    ],
)
def test_a_graph_is_asked_for_with_a_name_and_the_word(typed: str, name: str) -> None:
    assert asked(typed) == name
