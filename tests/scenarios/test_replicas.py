"""Three processes on one PostgreSQL: any of them takes over what a dead one held, and a frozen one cannot write."""

import asyncio
import signal
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.rehearsal.aws.faults import Hold
from bot.rehearsal.shop import WEB_ALARM
from bot.rehearsal.stage import Stage
from tests.support.aftermath import nothing_is_lost_or_doubled, table_is_restored_once
from tests.support.crew import Crew
from tests.support.night import KILLABLE, PATIENCE
from tests.support.nursery import nursery
from tests.support.postgres import PostgresServer

pytestmark = [pytest.mark.postgres, pytest.mark.xdist_group("replicas"), pytest.mark.timeout(240)]

#: What the design promises for a dead process. By the database's clock: a busy test machine delays nobody's lease.
TAKEOVER = timedelta(seconds=15)


@pytest.fixture
async def crew(tmp_path: Path, postgres_server: PostgresServer, postgres_template: str) -> AsyncIterator[Crew]:
    url = postgres_server.new_database(postgres_template)
    async with Stage(
        tmp_path, launch=nursery().start, bot=KILLABLE, database_url=url, socket_mode=True, restore_seconds=1.0
    ) as stage:
        crew = Crew(stage)
        yield crew
        await crew.kill_all()


async def _held_restore(crew: Crew) -> tuple[Hold, str]:
    """Mina has approved the restore, and one bot waits for AWS's answer to its call."""
    hold = crew.stage.aws.hold("dynamodb", "RestoreTableToPointInTime", when="after")
    await crew.night.orders_go_bad()
    room = await crew.night.finds_room()
    await crew.night.asks_for_plan(room)
    await crew.night.approves(room)
    await hold.reached(PATIENCE)
    return hold, room


async def _story_ends_well(crew: Crew, room: str) -> None:
    await crew.night.cuts_over(room)
    await nothing_is_lost_or_doubled(crew.night)
    await table_is_restored_once(crew.night)


async def test_the_others_take_over_an_aws_call_of_one_that_was_killed(crew: Crew) -> None:
    await crew.start(3)
    hold, room = await _held_restore(crew)
    bot, lease = await crew.holder("step")
    killed_at = await crew.now()
    await crew.stage.stop_bot(bot, signal.SIGKILL)
    hold.drop()
    taken = await crew.taken_over(lease)
    assert taken.at - killed_at <= TAKEOVER
    await _story_ends_well(crew, room)


async def test_the_others_page_for_one_that_was_killed_while_it_paged(crew: Crew) -> None:
    await crew.start(3)
    hold = crew.stage.slack.faults.hold("chat.postMessage", "after", lambda sent: "page:" in str(sent.get("metadata")))
    await crew.night.orders_go_bad()
    await hold.reached(PATIENCE)
    bot, lease = await crew.holder("page")
    killed_at = await crew.now()
    await crew.stage.stop_bot(bot, signal.SIGKILL)
    hold.drop()
    taken = await crew.taken_over(lease)
    assert taken.at - killed_at <= TAKEOVER
    await crew.night.finds_room()
    await nothing_is_lost_or_doubled(crew.night)


async def test_a_frozen_process_that_wakes_after_its_lease_ends_itself(crew: Crew) -> None:
    await crew.start(3)
    hold, room = await _held_restore(crew)
    bot, lease = await crew.holder("step")
    bot.send_signal(signal.SIGSTOP)
    await crew.taken_over(lease)
    hold.release()
    bot.send_signal(signal.SIGCONT)
    assert await crew.ends(bot) == 75
    await _story_ends_well(crew, room)


async def test_a_frozen_process_that_wakes_after_its_lease_cannot_write(crew: Crew) -> None:
    """Even when nothing ends it, the database refuses what it brings: the lease has another fence by then."""
    await crew.start(3, NO_WATCHDOG="1")
    hold, room = await _held_restore(crew)
    bot, lease = await crew.holder("step")
    bot.send_signal(signal.SIGSTOP)
    taken = await crew.taken_over(lease)
    assert taken.fence == lease.fence + 1
    hold.release()
    bot.send_signal(signal.SIGCONT)
    await crew.night.logs(f"Another worker has taken over job step {lease.job}.")
    await _story_ends_well(crew, room)
    assert bot.returncode is None


async def test_one_that_is_told_to_stop_finishes_what_ends_soon(crew: Crew) -> None:
    await crew.start(2)
    hold, room = await _held_restore(crew)
    bot, lease = await crew.holder("step")
    bot.send_signal(signal.SIGTERM)
    await crew.night.logs("serve.stopping")
    hold.release()
    assert await crew.ends(bot) == 0
    await _story_ends_well(crew, room)
    assert await crew.leases_of(lease.job) == [lease.owner]


async def test_one_that_is_told_to_stop_gives_back_what_takes_too_long(crew: Crew) -> None:
    """Its heart beats until it stops, so without giving back the lease would last past the promise."""
    await crew.start(2)
    hold, room = await _held_restore(crew)
    bot, lease = await crew.holder("step")
    told_at = await crew.now()
    bot.send_signal(signal.SIGTERM)
    taken = await crew.taken_over(lease)
    assert taken.at - told_at <= TAKEOVER
    hold.drop()
    assert await crew.ends(bot) == 0
    await _story_ends_well(crew, room)


async def test_the_same_alarm_at_two_processes_in_the_same_instant_is_one_incident(crew: Crew) -> None:
    await crew.start(2)
    await crew.night.subscribes(*crew.urls)
    cloudwatch = crew.stage.shop.client("cloudwatch")

    def goes_off() -> None:
        cloudwatch.set_alarm_state(AlarmName=WEB_ALARM, StateValue="ALARM", StateReason="again")
        cloudwatch.set_alarm_state(AlarmName=WEB_ALARM, StateValue="OK", StateReason="well")

    await asyncio.gather(*(asyncio.to_thread(goes_off) for _ in range(4)))
    await asyncio.to_thread(crew.stage.shop.sicken_web)
    await crew.night.finds_room("web")
    await nothing_is_lost_or_doubled(crew.night, door="sns-http")
