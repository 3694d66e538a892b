"""The bot is killed with SIGKILL at named moments and started again; the story ends right all the same."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.rehearsal.slack.faults import Fault
from bot.rehearsal.stage import Stage
from bot.store.sql import Transaction
from tests.support.aftermath import nothing_is_lost_or_doubled, table_is_restored_once, tasks_are_replaced_once
from tests.support.deaths import Death, InAws, InDatabase, InSlack, When
from tests.support.night import KILLABLE, PATIENCE, Night
from tests.support.nursery import nursery


async def _opening(night: Night) -> None:
    """Mina is paged and finds the room; whoever is awake has nothing more to do."""
    await night.orders_go_bad()
    await night.is_paged()
    await night.finds_room()


async def _opened(night: Night) -> None:
    await _opening(night)
    incident = await nothing_is_lost_or_doubled(night)
    assert incident.status == "open"


async def _acknowledged(night: Night) -> None:
    await _opening(night)
    await night.acknowledges(await night.finds_room())
    incident = await nothing_is_lost_or_doubled(night)
    assert (incident.status, incident.acknowledged_by) == ("acknowledged", "mina")


async def _told_by_sms(night: Night) -> None:
    night.stage.slack.faults.add(Fault("refused", "conversations.open", code="user_disabled", times=None))
    await night.orders_go_bad()
    room = await night.finds_room()
    await night.settles()
    await night.acknowledges(room, where=room)
    await nothing_is_lost_or_doubled(night, by_sms=2)


async def _restored(night: Night) -> None:
    await night.orders_go_bad()
    await night.restores_table(await night.finds_room())
    await nothing_is_lost_or_doubled(night)
    await table_is_restored_once(night)


async def _restarted(night: Night) -> None:
    """The other alarm comes by HTTP, and its playbook replaces the tasks of a service."""
    await night.is_ready()
    await night.subscribes(night.stage.bot_url)
    await asyncio.to_thread(night.stage.shop.sicken_web)
    room = await night.finds_room("web")
    await night.asks_for_plan(room)
    await night.approves(room)
    await night.run_succeeds(room)
    await nothing_is_lost_or_doubled(night, door="sns-http")
    await tasks_are_replaced_once(night)


async def _resolved(night: Night) -> None:
    await _opening(night)
    await night.resolves(await night.finds_room())
    incident = await nothing_is_lost_or_doubled(night)
    assert (incident.status, incident.resolved_by) == ("resolved", "mina")


async def _right_after_start(night: Night) -> None:
    await night.dies()


async def _mid_poll(night: Night) -> None:
    """The restore runs in AWS, and its poll has been answered, but the answer was not read."""

    async def runs(tx: Transaction) -> bool:
        steps = [s for i in await tx.incidents.listing(open_only=True) for r in await tx.runs.of(i.id)
                 for s in await tx.runs.steps(r.id)]  # fmt: skip
        return any(step.step == "restore" and step.acted for step in steps)

    await night.is_ready()
    await night.until(runs, "a restore that AWS has accepted")
    await InAws("after", "dynamodb", "DescribeTable").arm(night)


async def _mid_lease(night: Night) -> None:
    """A call takes so long that its lease was renewed by the heart."""
    hold = night.stage.aws.hold("dynamodb", "RestoreTableToPointInTime", when="after")
    await hold.reached(PATIENCE)
    first: list[object] = []

    async def renewed(tx: Transaction) -> bool:
        leased = text("SELECT leased_until FROM jobs WHERE owner IS NOT NULL AND kind = 'step'")
        rows = await tx.jobs.connection.execute(leased)
        first.append(rows.scalar_one())
        return first[-1] != first[0]

    await night.until(renewed, "a renewed lease")
    await night.dies()
    hold.drop()


async def _while_stopping(night: Night) -> None:
    """Told to stop, it waits for its call to AWS; whoever stops it loses patience."""
    hold = night.stage.aws.hold("dynamodb", "RestoreTableToPointInTime", when="after")
    await hold.reached(PATIENCE)
    night.bot.send_signal(signal.SIGTERM)
    await night.logs("serve.stopping")
    await night.dies()
    hold.drop()


@dataclass(frozen=True)
class Moment:
    """When it dies, and the story that goes on around it."""

    name: str
    death: Death
    story: Callable[[Night], Awaitable[None]]
    restore_seconds: float = 1.0


def _told(kind: str) -> str:
    """The transaction that writes such a line into the timeline."""
    return f"INSERT INTO timeline.*'{kind}'"


pytestmark = pytest.mark.timeout(240)  # on a machine that is busy with much else
_RESTORE = ("dynamodb", "RestoreTableToPointInTime")
MOMENTS = (
    Moment("right after its start", When(_right_after_start), _opened),
    Moment("before the tables are committed", InDatabase("before", "CREATE TABLE jobs"), _opened),
    Moment("after the SQS receive, before the inbox is written", InDatabase("statement", "INSERT INTO inbox"), _opened),
    Moment("before the inbox commit", InDatabase("before", "INSERT INTO inbox"), _opened),
    Moment("after the inbox commit", InDatabase("after", "INSERT INTO inbox"), _opened),
    Moment("before SQS deletes the message", InAws("before", "sqs", "DeleteMessageBatch"), _opened),
    Moment("before the commit that opens the incident", InDatabase("before", "INSERT INTO incidents"), _opened),
    Moment("after the commit that opens the incident", InDatabase("after", "INSERT INTO incidents"), _opened),
    Moment("after Slack has made the channel, before it is saved", InSlack("after", "conversations.create"), _opened),
    Moment("after the commit that saves the channel", InDatabase("after", _told("room")), _opened),
    Moment("after the card is posted, before its ts is saved", InSlack("after", "chat.postMessage", "card:"), _opened),
    Moment("before the page is posted", InSlack("before", "chat.postMessage", "page:"), _opened),
    Moment("after the page is posted, before its ts is saved", InSlack("after", "chat.postMessage", "page:"), _opened),
    Moment("before the commit that records the page", InDatabase("before", _told("paged")), _opened),
    Moment("after SNS has sent the SMS, before it is recorded", InAws("after", "sns", "Publish"), _told_by_sms),
    Moment("before the commit of the acknowledgement", InDatabase("before", _told("acknowledged")), _acknowledged),
    Moment("after the commit of the acknowledgement", InDatabase("after", _told("acknowledged")), _acknowledged),
    Moment("before the commit of the run's request", InDatabase("before", "INSERT INTO runs"), _restored),
    Moment("after the commit of the run's request", InDatabase("after", "INSERT INTO runs"), _restored),
    Moment("while the plan is made", InAws("after", "dynamodb", "DescribeContinuousBackups"), _restored),
    Moment("before the commit of the approval", InDatabase("before", _told("run-approved")), _restored),
    Moment("after the commit of the approval", InDatabase("after", _told("run-approved")), _restored),
    Moment("between the intent and the call that restores", InAws("before", *_RESTORE), _restored),
    Moment("after the call that restores, before it is recorded", InAws("after", *_RESTORE), _restored),
    Moment("in the middle of a poll", When(_mid_poll), _restored, restore_seconds=3.0),
    Moment("in the middle of a lease, its heart beating", When(_mid_lease), _restored),
    Moment("while it stops gracefully", When(_while_stopping), _restored),
    Moment("after the cut-over, before it is recorded", InAws("after", "ssm", "PutParameter"), _restored),
    Moment("after the call that restarts a service", InAws("after", "ecs", "UpdateService"), _restarted),
    Moment("before the commit that ends the run", InDatabase("before", _told("run-succeeded")), _restored),
    Moment("after the commit of the resolution", InDatabase("after", _told("resolved")), _resolved),
)  # fmt: skip


#: Each costs some seconds, and all of them together minutes: every third one is played, all with KILL_MOMENTS=all. What a
#: run of a playbook goes through is played much faster, and at moments that are found, in test_engine_kill.py.
_PLAYED = MOMENTS if os.environ.get("KILL_MOMENTS") == "all" else MOMENTS[::5]


@pytest.fixture
async def night(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Night]:
    moment: Moment = request.param
    async with Stage(tmp_path, launch=nursery().start, bot=KILLABLE, restore_seconds=moment.restore_seconds) as stage:
        night = Night(stage)
        yield night
        await stage.stop_bot(night.bot, signal.SIGKILL)  # its graceful stop is another test's matter


@pytest.mark.parametrize(
    ("moment", "night"), [(m, m) for m in _PLAYED], ids=[m.name for m in _PLAYED], indirect=["night"]
)
async def test_killed(moment: Moment, night: Night, tmp_path: Path) -> None:
    await night.begins(**moment.death.environment(tmp_path))
    death = asyncio.create_task(_dies_and_rises(night, moment.death))
    try:
        await moment.story(night)
        assert death.done(), f"the moment never came: {moment.name}"
    finally:
        death.cancel()
        await asyncio.gather(death, return_exceptions=True)
    death.result()


async def _dies_and_rises(night: Night, death: Death) -> None:
    await death.arm(night)
    await night.dies()
    await night.rises()
