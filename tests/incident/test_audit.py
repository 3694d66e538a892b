"""What should have gone out by now goes out, whatever was lost; and where nothing was lost, nothing is sent twice."""

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from bot.clock import SystemClock
from bot.incident.audit import EVERY, GRACE, Auditor, audit
from bot.jobs import AUDIT
from bot.store.sql import Store
from tests.support.core import Core, alarm, build, down

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


@pytest.fixture
def core(store: Store, clock: SystemClock) -> Core:
    return build(store, clock)


async def round_(core: Core) -> None:
    """One round of the auditor, and everything that follows from it."""
    async with core.store.begin() as tx:
        await Auditor().go_round(tx)
    await core.worker.drain()


async def sql(core: Core, statement: str) -> None:
    async with core.store.begin() as tx:
        await tx.jobs.connection.exec_driver_sql(statement)


def paged(core: Core) -> list[str]:
    return [page.person.key for page in sorted([*core.slack.sent, *core.sms.sent], key=lambda page: page.created_at)]


async def opened(core: Core) -> str:
    await core.raise_alarm(alarm())
    await core.worker.drain()
    return (await core.only()).id


async def test_a_lost_timer_costs_a_minute_and_not_the_night(core: Core) -> None:
    incident = await opened(core)
    first = paged(core)
    await sql(core, "DELETE FROM jobs WHERE kind = 'escalate'")
    core.clock.advance(5 * MINUTE + GRACE - SECOND)
    await round_(core)
    assert paged(core) == first, "it may still be late"
    core.clock.advance(2 * SECOND)
    await round_(core)
    assert len(paged(core)) == len(first) + 1
    assert "audit" in await core.timeline(incident)
    core.clock.advance(5 * MINUTE + SECOND)
    await core.worker.drain()
    assert len(paged(core)) > len(first) + 1, "from then on the chain goes on by itself"


async def test_a_page_that_was_never_written_is_written_and_sent_once(core: Core) -> None:
    incident = await opened(core)
    core.clock.advance(5 * MINUTE + SECOND)
    await core.worker.drain()
    core.clock.advance(5 * MINUTE + SECOND)
    await core.worker.drain()
    everybody = paged(core)
    await sql(core, f"DELETE FROM pages WHERE id = '{(await core.pages(incident))[-1].id}'")
    await round_(core)
    assert len(paged(core)) == len(everybody) + 1
    await round_(core)
    assert len(paged(core)) == len(everybody) + 1, "and not a second time"


async def test_a_page_whose_job_is_gone_is_sent(core: Core) -> None:
    await core.raise_alarm(alarm())
    await sql(core, "DELETE FROM jobs WHERE kind = 'page'")
    await core.worker.drain()
    assert paged(core) == []
    core.clock.advance(GRACE - SECOND)
    await round_(core)
    assert paged(core) == []
    core.clock.advance(2 * SECOND)
    await round_(core)
    assert len(paged(core)) == 1


async def test_an_incident_whose_own_count_of_levels_was_spoilt_pages_the_level_that_is_really_next(core: Core) -> None:
    incident = await opened(core)
    await sql(core, f"UPDATE incidents SET level = 3, cycle = 2, timer = 99 WHERE id = '{incident}'")
    core.clock.advance(5 * MINUTE + GRACE + SECOND)
    await round_(core)
    found = await core.only()
    assert (found.cycle, found.level) == (1, 2)


async def test_what_somebody_answered_or_resolved_or_what_is_at_its_end_owes_nothing(core: Core) -> None:
    incident = await opened(core)
    await sql(core, "DELETE FROM jobs WHERE kind = 'escalate'")
    async with core.store.begin() as tx:
        await core.responder.acknowledge(tx, incident, "mina")
    before = paged(core)
    core.clock.advance(60 * MINUTE)
    await round_(core)
    assert paged(core) == before
    async with core.store.begin() as tx:
        await core.responder.resolve(tx, incident, "mina")
    await round_(core)
    assert paged(core) == before


async def test_an_outage_of_ours_is_no_reason_to_hurry_the_levels_that_follow(core: Core) -> None:
    """Down for an hour: the overdue level is paged when the bot is back, and the next one has its whole wait."""
    await opened(core)
    core.clock.advance(60 * MINUTE)
    await core.worker.drain()
    after_return = paged(core)
    core.clock.advance(4 * MINUTE)
    await round_(core)
    assert paged(core) == after_return


async def test_it_comes_round_again_and_once_for_all_replicas(core: Core) -> None:
    await round_(core)
    async with core.store.begin() as tx:
        began = tx.now
        await Auditor().go_round(tx)
    async with core.store.begin() as tx:
        waiting = {kind: count for kind, state, count, _ in await tx.jobs.counts() if state == "waiting"}
        assert waiting[AUDIT.name] == 1
        due = await tx.jobs.next_due(AUDIT.lane)
        assert due is not None
        assert due <= began + EVERY


async def test_more_incidents_than_one_round_takes_are_gone_through_in_the_next(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.incident.audit._AT_ONCE", 2)  # the limit itself is what is tested
    await core.raise_alarm(*(alarm(f"orders-{number}") for number in range(5)))
    await core.worker.drain()
    first = len(paged(core))
    await sql(core, "DELETE FROM jobs WHERE kind = 'escalate'")
    core.clock.advance(5 * MINUTE + GRACE + SECOND)
    job: dict[str, Any] = {}
    for _ in range(3):
        async with core.store.begin() as tx:
            await Auditor().go_round(tx, job.get("after", ""))
            names = await tx.incidents.unanswered(job.get("after", ""), 2)
        job = {"after": names[-1]}
    await core.worker.drain()
    assert len(paged(core)) == first + 5


MOVES = ["wait", "wait", "wait", "escalate", "page", "ack", "fail"]


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_people_do_the_auditor_finds_nothing_where_nothing_was_lost(core: Core, seed: int) -> None:
    chance = Random(seed)
    incident = await opened(core)
    for _ in range(12):
        move = chance.choice(MOVES)
        async with core.store.begin() as tx:
            if move == "escalate":
                await core.responder.escalate(tx, incident, "mina")
            elif move == "page":
                await core.responder.page(tx, incident, ["alex"], "mina")
            elif move == "ack" and chance.random() < 0.3:
                await core.responder.acknowledge(tx, incident, "mina")
        if move == "fail":
            broken = {} if core.slack.fail else {"*": down(permanent=True)}
            core.slack.fail = core.sms.fail = broken
        core.clock.advance(chance.randint(1, 400) * SECOND)
        await core.worker.drain()
        async with core.store.begin() as tx:
            [one] = (await tx.incidents.many([incident])).values()
            assert not audit(one, await tx.pages.of(incident), tx.now), (seed, move)
