"""What must be true after a night in which the bot has died, whenever it died. AWS and Slack are asked, not the bot."""

import re
from collections import Counter
from typing import Any

from sqlalchemy import text

from bot.incident.incident import Incident
from bot.incident.ports import Door
from bot.rehearsal.shop import POINTER, TABLE
from bot.rehearsal.slack.workspace import Channel
from tests.support.night import Night

#: The state in a delivery, as CloudWatch and DescribeAlarms write it, also as JSON inside JSON; not OldStateValue.
_RAISED = re.compile(r'(New|")StateValue\\*": ?\\*"ALARM')


async def nothing_is_lost_or_doubled(night: Night, *, by_sms: int = 0, door: Door = "sqs") -> Incident:
    """One incident, one channel, one card, one page; every delivery counted once; nothing dead, stuck or left over.

    `by_sms`: the page went by SMS, and SNS offers no way to know whether it did: so often at most.
    """
    await night.settles()
    await night.queue_is_empty()
    async with night.ledger() as tx:
        assert await tx.watch.stuck() == []
        [incident] = await tx.incidents.listing(open_only=False)
        [alarm] = await tx.incidents.alarms_of(incident.id)
        [page] = await tx.pages.of(incident.id)
        told = Counter(entry.kind for entry in await tx.notes.of(incident.id))
        inbox = (await tx.incidents.connection.execute(text("SELECT door, body FROM inbox"))).all()
    raised = sum(bool(_RAISED.search(row.body)) for row in inbox)
    assert alarm.count == raised, f"{raised} deliveries said that the alarm is on, {alarm.count} were counted: {alarm}"
    assert door in {row.door for row in inbox}
    assert told["opened"] == told["room"] == told["paged"] == 1, told
    assert page.status in {"sent", "acknowledged", "superseded"}
    _one_room(night, incident)
    _one_page(night, page.id, by_sms)
    return incident


def _one_room(night: Night, incident: Incident) -> None:
    rooms = [c for c in night.stage.slack.world.channels.values() if c.name.startswith("inc-")]
    assert [(c.id, c.is_archived) for c in rooms] == [(incident.channel, False)]
    assert night.mina.id in rooms[0].members
    keys = Counter(_key(message) for message in night.posts())
    assert keys[f"card:{incident.id}"] == 1, keys
    assert set(keys.values()) == {1}, f"posted twice: {keys}"


def _one_page(night: Night, page: str, by_sms: int) -> None:
    if by_sms:
        assert 1 <= len(night.stage.aws.sms) <= by_sms, night.stage.aws.sms
        return
    assert [_key(m) for c in _direct(night) for m in c.messages.values() if m.metadata] == [f"page:{page}"]
    assert night.stage.aws.sms == []


async def table_is_restored_once(night: Night) -> None:
    """One run, approved once, that made one table and pointed the service at it with one write."""
    shop = night.stage.shop
    async with night.ledger() as tx:
        [incident] = await tx.incidents.listing(open_only=False)
        [run] = await tx.runs.of(incident.id)
        steps = {step.step: (step.state, step.attempt) for step in await tx.runs.steps(run.id)}
        told = Counter(entry.kind for entry in await tx.notes.of(incident.id))
    assert run.status == "succeeded"
    assert set(steps.values()) == {("done", 1)}, steps
    once = ("run-requested", "run-approved", "run-started", "step-asking", "step-yes", "run-succeeded")
    assert {kind: told[kind] for kind in once} == dict.fromkeys(once, 1)
    assert told["step-done"] == len(steps)
    [restored] = set(shop.client("dynamodb").list_tables()["TableNames"]) - {TABLE}
    assert shop.current_table() == restored
    assert shop.bad_orders() == 0
    pointer = shop.client("ssm").get_parameter(Name=POINTER)["Parameter"]
    assert pointer["Version"] == 2, "the pointer was written more than once"
    starts = night.stage.aws.calls.of("dynamodb", "RestoreTableToPointInTime")
    assert sum(call.status == 200 for call in starts) <= 1, starts


async def tasks_are_replaced_once(night: Night) -> None:
    """One deployment was started, and its tasks are well."""
    async with night.ledger() as tx:
        [incident] = await tx.incidents.listing(open_only=False)
        [run] = await tx.runs.of(incident.id)
        steps = {step.step: (step.state, step.attempt) for step in await tx.runs.steps(run.id)}
    assert run.status == "succeeded"
    assert set(steps.values()) == {("done", 1)}, steps
    assert len(night.stage.aws.calls.of("ecs", "UpdateService")) == 1
    assert night.stage.shop.web_is_healthy()


def _direct(night: Night) -> list[Channel]:
    return [c for c in night.stage.slack.world.channels.values() if c.is_im]


def _key(message: Any) -> str:
    return str(message.metadata["event_payload"]["key"])
