"""Approvals through Slack: replayed, forged, doubled and foreign presses, and the form that wants the region's name."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.clock import SystemClock
from bot.config import Config, Role
from bot.incident.playbook_runs import plan_of
from bot.incident.run import Run
from bot.playbook.action import StepPlan
from bot.playbook.context import Context
from bot.playbook.loading import parse
from bot.playbook.model import Playbook
from bot.playbook.plan import Plan
from bot.playbook.planning import assemble
from bot.rehearsal.slack import UserGroup, usergroups
from bot.slack import approve_form
from bot.slack.run_buttons import RUN_ABORT, RUN_APPROVE, STEP_CONFIRM, STEP_RETRY
from bot.slack.values import encode_value
from bot.store.sql import Store
from escalation.document import read_text
from tests.slack.front import SERVICES, Front, open_front, payload
from tests.slack.office import team

TALK = """\
name: {name}
title: {{en: Talk it over, ko: 의논}}
tier: {tier}
targets: {{rto: 30m, rpo: 5m}}
approval: {{people: {people}, role: {role}, expires: 10m}}
{regions}steps:
  - {{id: tell, manual: {{en: Tell the owners., ko: 알리세요.}}}}
"""
US = {"id": "UALEX", "team_id": "T0LOCAL"}


def talk(name: str, people: int = 1, role: str = "responder", tier: int = 1) -> Playbook:
    regions = "regions: {acting: us-west-2, failing: none}\n" if tier == 3 else ""
    text = TALK.format(name=name, people=people, role=role, tier=tier, regions=regions)
    return parse(read_text(text, Path(f"{name}.yaml")))


PLAYBOOKS = {
    book.name: book
    for book in (talk("one"), talk("two", people=2), talk("group", role="commander"), talk("region", tier=3))
}


@pytest.fixture
async def front(store: Store, clock: SystemClock) -> AsyncIterator[Front]:
    roles = {
        "commander": Role(slack_groups=("S1",)),
        "responder": Role(people=("mina", "jun", "alex"), slack_groups=("S1",)),
    }
    workspace = team(usergroups=[UserGroup("S1", "commanders", "Commanders", ["UGUEST"])])
    next(user for user in workspace.users if user.id == "UGUEST").locale = "en-US"
    config = Config(services=SERVICES, roles=roles)
    async with open_front(store, clock, config=config, playbooks=PLAYBOOKS, workspace=workspace) as opened:
        yield opened


async def planned(front: Front, name: str, by: str = "sofia") -> tuple[Run, str]:
    """A run whose plan everybody sees, and its channel."""
    core = front.office.core
    incident = await front.office.alarm()
    [channel] = front.office.channels()
    channel.members += [user.id for user in front.office.local.workspace.users if user.id not in channel.members]
    async with core.store.begin() as tx:
        run = await core.runs.request(tx, incident, name, {}, by)
        await core.runs.planned(tx, run.id, plan_for(core.runs.playbook(name), run))
    await front.done()
    return await front.run(run.id), channel.id


def plan_for(playbook: Playbook, run: Run) -> Plan:
    return assemble(playbook, Context.model_validate(run.context), {}, lambda _step, _with: StepPlan())


def press(action_id: str, value: str, *, user: dict[str, str] | None = None, trigger: str = "7.8.9") -> bytes:
    return payload(
        {
            "type": "block_actions", "user": user or US, "team": {"id": "T0LOCAL"}, "trigger_id": trigger,
            "actions": [{"action_id": action_id, "block_id": "b", "type": "button", "value": value}],
        }
    )  # fmt: skip


def approving(run: Run, plan: str | None = None) -> str:
    return encode_value(r=run.id, h=plan or run.plan_hash or "")


async def approved_by(front: Front, run: Run) -> list[str]:
    return sorted(approval.by for approval in (await front.run(run.id)).approvals)


async def told(front: Front, user: str = "UALEX") -> str:
    await front.done()
    return "\n".join(message.text for message in front.office.direct(user))


async def test_a_replayed_click_is_one_approval_and_one_answer(front: Front) -> None:
    run, _ = await planned(front, "two")
    body = press(RUN_APPROVE, approving(run))
    for _ in range(3):
        assert (await front.post(body))[0] == 200
    assert (await told(front)).count("You have approved it.") == 1
    assert await approved_by(front, run) == ["alex"]


async def test_two_clicks_of_one_person_at_once_are_one_approval(front: Front) -> None:
    run, channel = await planned(front, "two")
    alex = front.person("alex")
    await asyncio.gather(alex.click("Run", channel=channel), alex.click("Run", channel=channel))
    await front.done()
    assert await approved_by(front, run) == ["alex"]
    assert alex.sees("You have approved it already; another person is needed.", channel=channel)


async def test_two_people_at_once_both_count_and_it_starts_once(front: Front) -> None:
    run, channel = await planned(front, "two")
    await asyncio.gather(*(front.person(who).click("Run", channel=channel) for who in ("alex", "mina")))
    await front.done()
    assert (await approved_by(front, run), (await front.run(run.id)).status) == (["alex", "mina"], "running")
    assert (await front.office.core.timeline(run.incident)).count("run-started") == 1


async def test_an_outsider_of_a_shared_channel_approves_and_moves_nothing(front: Front) -> None:
    run, _ = await planned(front, "one")
    region, _ = await planned_again(front, "region")
    for number, who in enumerate(("UALEX", "UGUEST", "UMINA")):
        outsider = {"id": who, "team_id": "TOTHER"}
        for at, (action, value) in enumerate(
            [
                (RUN_APPROVE, approving(run)), (RUN_APPROVE, approving(region)), (RUN_ABORT, encode_value(r=run.id)),
                (STEP_CONFIRM, encode_value(r=run.id, s="tell")), (STEP_RETRY, encode_value(r=run.id, s="tell")),
            ]
        ):  # fmt: skip
            await front.post(press(action, value, user=outsider, trigger=f"{number}.{at}"))
        await front.post(sent(region, "us-west-2", user=outsider, view=f"V{number}"))
    assert "another organisation" in await told(front)
    assert [(await front.run(one.id)).status for one in (run, region)] == ["planned", "planned"]
    assert await approved_by(front, run) == await approved_by(front, region) == []


async def planned_again(front: Front, name: str) -> tuple[Run, str]:
    """A second run in the same incident."""
    core = front.office.core
    [incident] = await core.incidents()
    async with core.store.begin() as tx:
        run = await core.runs.request(tx, incident.id, name, {}, "sofia")
        await core.runs.planned(tx, run.id, plan_for(core.runs.playbook(name), run))
    await front.done()
    return await front.run(run.id), str(incident.channel)


async def test_a_payload_that_slack_did_not_sign_approves_nothing(front: Front) -> None:
    run, _ = await planned(front, "one")
    assert (await front.post(press(RUN_APPROVE, approving(run)), {}))[0] == 401
    assert await approved_by(front, run) == []


async def test_a_slack_user_of_the_group_approves_and_one_who_left_it_does_not(front: Front) -> None:
    run, channel = await planned(front, "group")
    assert "Slack has not said" in await front.click("guest", "Run", channel=channel)  # nobody has asked Slack yet
    await front.office.groups.begin()
    await front.done()
    assert "Only a commander may do this. Ask one of: @guest." in await front.click("alex", "Run", channel=channel)
    usergroups.set_members(front.office.local.world, "S1", [])
    await front.office.local.settled()
    assert "Only a commander may do this." in await front.click("guest", "Run", channel=channel)
    usergroups.set_members(front.office.local.world, "S1", ["UGUEST"])
    await front.office.local.settled()
    await front.done()
    assert "group is running" in await front.click("guest", "Run", channel=channel)
    assert await approved_by(front, run) == ["<@UGUEST>"]


async def test_whoever_asked_is_refused_where_two_are_needed(front: Front) -> None:
    run, channel = await planned(front, "two", by="alex")
    assert "somebody else must approve it" in await front.click("alex", "Run", channel=channel)
    assert await approved_by(front, run) == []


async def test_a_click_on_the_old_plan_is_refused(front: Front) -> None:
    run, _ = await planned(front, "one")
    core = front.office.core
    async with core.store.begin() as tx:
        await core.runs.replan(tx, run.id, "mina")
        plan = plan_of(run)
        assert plan
        await core.runs.planned(tx, run.id, replace(plan, inputs={"other": "value"}))
    await front.post(press(RUN_APPROVE, approving(run)))
    assert "The plan has changed since you saw it" in await told(front)
    assert await approved_by(front, run) == []


@pytest.mark.parametrize(
    "forge",
    [
        lambda run, other: encode_value(r=run.id, h=other.plan_hash),
        lambda run, other: encode_value(r=other.id, h=run.plan_hash),
        lambda run, _: encode_value(r=run.id, h=""),
        lambda run, _: encode_value(r="no-such", h=run.plan_hash),
        lambda run, _: encode_value(r=run.id),
        lambda run, _: encode_value(h=run.plan_hash),
        lambda run, _: run.id,
        lambda _run, _other: "",
    ],
)
async def test_a_forged_value_approves_nothing(front: Front, forge: Any) -> None:
    run, _ = await planned(front, "one")
    other, _ = await planned_again(front, "two")
    assert run.plan_hash != other.plan_hash
    assert (await front.post(press(RUN_APPROVE, forge(run, other))))[0] == 200
    assert await told(front)
    assert await approved_by(front, run) == await approved_by(front, other) == []


# The form for a region.


def sent(run: Run, typed: str | None, *, user: dict[str, str] | None = None, view: str = "V1", plan: str = "") -> bytes:
    """The form as Slack sends it, whoever opened it."""
    block = {"type": "input", "block_id": approve_form.REGION, "label": {}, "element": {}}
    values = {approve_form.REGION: {"value": {"type": "plain_text_input", "value": typed}}}
    shown: dict[str, Any] = {
        "id": view, "type": "modal", "hash": "1", "callback_id": approve_form.CALLBACK, "title": {}, "submit": {},
        "close": {}, "private_metadata": approving(run, plan or None), "blocks": [block], "state": {"values": values},
    }  # fmt: skip
    return payload({"type": "view_submission", "user": user or US, "team": {"id": "T0LOCAL"}, "view": shown})


async def test_a_regions_run_opens_a_form_and_starts_when_its_name_is_typed(front: Front) -> None:
    run, channel = await planned(front, "region")
    alex = front.person("alex")
    await front.click("alex", RUN_APPROVE, channel=channel)
    assert await approved_by(front, run) == []
    assert alex.sees("It acts in us-west-2")
    for typed in ("us-east-1", "us-west-2x", " "):
        await alex.fill({approve_form.REGION: typed})
        assert "us-west-2" in (await alex.submit()).errors[approve_form.REGION]
    assert await approved_by(front, run) == []
    await alex.fill({approve_form.REGION: " us-west-2 "})
    assert (await alex.submit()).ok
    await front.done()
    assert (alex.modal, await approved_by(front, run)) == (None, ["alex"])
    assert (await front.run(run.id)).status == "running"


async def test_an_empty_field_or_none_at_all_approves_no_region(front: Front) -> None:
    run, _ = await planned(front, "region")
    for number, typed in enumerate(("", None)):
        _, _, said = await front.post(sent(run, typed, view=f"V{number}"))
        assert b"Type the name of the region in which it acts: us-west-2." in said
    assert await approved_by(front, run) == []


async def test_the_form_approves_only_the_plan_for_which_it_was_opened(front: Front) -> None:
    run, _ = await planned(front, "region")
    _, _, said = await front.post(sent(run, "us-west-2", plan="0" * 64))
    assert b"The plan has changed since you saw it" in said
    assert await approved_by(front, run) == []


async def test_whoever_has_no_role_or_has_asked_may_send_the_form_in_vain(front: Front) -> None:
    run, channel = await planned(front, "region", by="mina")
    in_korean = "다른 사람이 승인해야 합니다"  # Mina reads Korean
    for number, (who, why) in enumerate((("USOFIA", "Only a responder"), ("UMINA", in_korean))):
        body = sent(run, "us-west-2", user={"id": who, "team_id": "T0LOCAL"}, view=f"V{number}")
        assert why in json.dumps(json.loads((await front.post(body))[2]), ensure_ascii=False)
    assert await approved_by(front, run) == []
    assert front.person("sofia").sees("Talk it over", channel=channel)


async def test_a_form_that_is_sent_twice_is_one_approval(front: Front) -> None:
    run, _ = await planned(front, "region")
    body = sent(run, "us-west-2")
    assert [(await front.post(body))[0] for _ in range(3)] == [200, 200, 200]
    assert (await told(front)).count("You have approved it.") == 1
    assert await approved_by(front, run) == ["alex"]


async def test_a_button_of_a_run_that_is_over_asks_for_nothing(front: Front) -> None:
    run, channel = await planned(front, "region")
    alex = front.person("alex")
    async with front.office.core.store.begin() as tx:  # its message still shows the button
        await front.office.core.runs.abort(tx, run.id, "mina")
    await alex.click(RUN_APPROVE, channel=channel)
    await front.to.desk.settled()
    assert alex.sees("This plan cannot be approved any more. Use the newest message of the run.")
    assert alex.modal
    assert alex.modal.spec.get("submit") is None
    assert await approved_by(front, run) == []
