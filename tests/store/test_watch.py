from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update

from bot.clock import SystemClock
from bot.incident.ports import Delivery
from bot.jobs import ESCALATE, PAGE, PLAN_RUN, RUN_TIMER, STEP, Kind, Lane, NewJob
from bot.store.inbox import DurableInbox
from bot.store.sql import Store
from bot.store.tables import JobRow, StepRow
from bot.upkeep import Upkeep
from tests.support.actions import Play, play, playbook, working

_jobs: Any = JobRow.__table__  # type: ignore[attr-defined]  # SQLModel adds it
_steps: Any = StepRow.__table__  # type: ignore[attr-defined]  # as above


@pytest.fixture
async def mend(store: Store, clock: SystemClock) -> Play:
    """An incident with a page and its timer, a run with one running step."""
    mend = await play(store, clock)
    mend.cloud.answers["act orders-left"] = [working()]
    mend.cloud.answers["look orders-left"] = [working() for _ in range(9)]
    await mend.start()
    return mend


async def _stuck(mend: Play) -> list[str]:
    async with mend.core.store.begin() as tx:
        return [line.split(":")[0] for line in await tx.watch.stuck()]


async def _lose(mend: Play, kind: Kind) -> None:
    async with mend.core.store.database.begin() as (connection, _):
        await connection.execute(delete(_jobs).where(_jobs.c.kind == kind.name))


async def test_nothing_is_said_of_a_healthy_core(mend: Play) -> None:
    assert await _stuck(mend) == []
    await mend.later(seconds=59)
    await mend.later(seconds=2)
    assert await _stuck(mend) == []
    async with mend.core.store.begin() as tx:
        assert await tx.watch.load() == (1, dict.fromkeys(Lane, 0))


async def test_an_acknowledged_or_exhausted_incident_needs_no_timer(mend: Play) -> None:
    async with mend.core.store.begin() as tx:
        await mend.core.responder.acknowledge(tx, mend.incident, "mina")
    await _lose(mend, ESCALATE)
    await mend.later(minutes=3)
    assert await _stuck(mend) == []


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        (ESCALATE, "an incident is open and nothing escalates it"),
        (STEP, "a step runs and nothing looks at it"),
        (RUN_TIMER, "a run waits and nothing ends its waiting"),
    ],
)
async def test_work_that_got_lost_is_seen(mend: Play, lost: Kind, said: str) -> None:
    await _lose(mend, lost)
    mend.core.clock.advance(timedelta(seconds=50))
    assert said not in await _stuck(mend)
    mend.core.clock.advance(timedelta(seconds=11))
    assert said in await _stuck(mend)


async def test_a_page_that_nothing_sends_is_seen(mend: Play) -> None:
    async with mend.core.store.begin() as tx:
        await mend.core.responder.page(tx, mend.incident, ["jun"], "mina")
    await _lose(mend, PAGE)
    mend.core.clock.advance(timedelta(seconds=61))
    assert "a page is due and nothing sends it" in await _stuck(mend)


async def test_a_run_whose_plan_nobody_makes_is_seen(mend: Play) -> None:
    async with mend.core.store.begin() as tx:
        await mend.runs.request(tx, mend.incident, "mend", {}, "mina")
    await _lose(mend, PLAN_RUN)
    mend.core.clock.advance(timedelta(seconds=61))
    assert "a run waits for its plan and nothing makes it" in await _stuck(mend)


async def test_a_job_that_nobody_takes_is_seen_unless_it_can_wait(mend: Play) -> None:
    async with mend.core.store.begin() as tx:
        await tx.jobs.add(NewJob(PAGE, {"page": "p"}), NewJob(Kind("later", Lane.BULK)))
    mend.core.clock.advance(timedelta(seconds=61))
    assert (await _stuck(mend)).count("a job is overdue") >= 1
    async with mend.core.store.begin() as tx:
        _, overdue = await tx.watch.load()
    assert overdue[Lane.PAGE] >= 1
    assert overdue[Lane.BULK] == 1


async def test_a_job_that_is_leased_right_now_is_not_overdue(mend: Play) -> None:
    async with mend.core.store.begin() as tx:
        await tx.jobs.add(NewJob(PAGE, {"page": "p"}))
    mend.core.clock.advance(timedelta(seconds=61))
    for lane in Lane:
        await mend.core.store.lease(lane, 100, "busy")
    assert "a job is overdue" not in await _stuck(mend)


async def test_a_buried_job_opens_an_incident_about_ourselves_and_only_one(mend: Play) -> None:
    async with mend.core.store.database.begin() as (connection, _):
        await connection.execute(update(_jobs).where(_jobs.c.kind == STEP.name).values(state="dead"))
    upkeep = Upkeep(mend.core.store, DurableInbox(mend.core.store), None)
    for _ in range(3):
        async with mend.core.store.begin() as tx:
            await tx.jobs.add(NewJob(Kind("tidy", Lane.BULK), {}))
        [job] = [j for j in await mend.core.store.lease(Lane.BULK, 9, "upkeep") if j.kind.name == "tidy"]
        record = await upkeep.tidy(job)
        async with mend.core.store.begin() as tx:
            await tx.jobs.finish(job)
            await record(tx)
        await mend.later(hours=1, minutes=1)
    ours = [one for one in await mend.core.incidents() if one.title == "Lifeboat is stuck"]
    assert len(ours) == 1
    assert [page.person.key for page in await mend.core.pages(ours[0].id)]


async def test_the_same_stuck_row_is_told_once_an_hour(store: Store, clock: SystemClock) -> None:
    inbox = DurableInbox(store)
    await inbox.accept([Delivery("stuck:2026112303", "self", "{}", clock.now())])
    await inbox.accept([Delivery("stuck:2026112303", "self", "{}", clock.now())])
    assert len(await store.lease(Lane.ALARM, 9, "test")) == 1


async def test_the_elements_of_a_step_are_looked_at_and_the_step_itself_needs_nobody(
    store: Store, clock: SystemClock
) -> None:
    each = (
        "  - {id: each, for_each: {in: [a, b]}, action: thing.make, with: {name: '{{ item }}'}, irreversible: a test}\n"
    )
    mend = await play(store, clock, playbook(each))
    mend.cloud.answers["act a"] = [working()]
    mend.cloud.answers["look a"] = [working() for _ in range(30)]
    await mend.start()
    await mend.later(seconds=61)
    assert await _stuck(mend) == []
    await _lose(mend, STEP)
    await mend.later(seconds=61)
    assert "a step runs and nothing looks at it" in await _stuck(mend)


async def test_a_run_of_which_nothing_moves_is_seen(mend: Play) -> None:
    async with mend.core.store.database.begin() as (connection, _):
        await connection.execute(update(_steps).where(_steps.c.state == "running").values(state="waiting"))
    await mend.later(seconds=61)
    assert await _stuck(mend) == ["a run goes on and none of its steps does"]
