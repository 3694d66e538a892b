from datetime import timedelta

import pytest
from sqlalchemy import text

from bot.clock import SystemClock
from bot.errors import NotFound
from bot.jobs import DRAW_CARD, PAGE, STEP, TIDY, Job, Lane, NewJob
from bot.store.graves import BuriedJob
from bot.store.sql import Store
from tests.support.actions import play


async def _bury(store: Store, *wanted: NewJob, error: str = "it broke") -> list[Job]:
    """Jobs that were leased once and given up."""
    async with store.begin() as tx:
        await tx.jobs.add(*wanted)
    lanes = {one.kind.lane for one in wanted}
    jobs = [job for lane in lanes for job in await store.lease(lane, 100, "a")]
    async with store.begin() as tx:
        for job in jobs:
            await tx.jobs.bury(job, error)
    return jobs


async def _buried(store: Store) -> list[BuriedJob]:
    async with store.begin() as tx:
        return list(await tx.graves.buried())


async def test_a_buried_job_is_shown_with_why_and_since_when_and_no_other_is(store: Store, clock: SystemClock) -> None:
    [job] = await _bury(store, NewJob(DRAW_CARD, {"incident": "i1"}))
    clock.advance(timedelta(hours=1))
    async with store.begin() as tx:
        await tx.jobs.add(NewJob(PAGE))
    [shown] = await _buried(store)
    assert (shown.id, shown.kind, shown.lane, shown.incident) == (job.id, "draw-card", Lane.SLACK, "i1")
    assert (shown.attempts, shown.error, shown.since) == (1, "it broke", job.due_at)


async def test_a_job_that_names_a_page_or_a_run_is_shown_with_their_incident(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock)
    run = (await mend.start()).id
    async with store.begin() as tx:
        page = (await tx.pages.of(mend.incident))[0].id
    await _bury(
        store, NewJob(PAGE, {"page": page}), NewJob(STEP, {"run": run, "step": "x", "attempt": 1}), NewJob(TIDY)
    )
    found = {job.kind: job.incident for job in await _buried(store)}
    assert (found["page"], found["step"], found["tidy"]) == (mend.incident, mend.incident, None)


async def test_a_revived_job_is_due_now_wakes_its_lane_and_has_all_its_attempts(
    store: Store, clock: SystemClock
) -> None:
    [job] = await _bury(store, NewJob(PAGE, {"page": "p"}))
    woken: list[frozenset[Lane]] = []
    store.database.when_jobs_come(woken.append)
    clock.advance(timedelta(hours=1))
    async with store.begin() as tx:
        was = await tx.graves.revive(job.id)
    assert (was.id, was.error) == (job.id, "it broke")
    assert woken == [frozenset({Lane.PAGE})]
    assert await _buried(store) == []
    [again] = await store.lease(Lane.PAGE, 10, "b")
    assert (again.id, again.payload, again.attempts) == (job.id, {"page": "p"}, 2)
    assert again.due_at > job.due_at
    assert again.again  # it may have had its effect before: to page twice without looking is what this prevents


async def test_a_job_of_a_lane_that_we_do_not_know_can_be_revived(store: Store) -> None:
    [job] = await _bury(store, NewJob(PAGE))
    async with store.database.begin() as (connection, _):
        await connection.execute(text("UPDATE jobs SET lane = 9, kind = 'later'"))
    async with store.begin() as tx:
        assert (await tx.graves.revive(job.id)).kind == "later"


async def test_a_dropped_job_is_gone(store: Store) -> None:
    first, second = await _bury(store, NewJob(PAGE), NewJob(PAGE))
    async with store.begin() as tx:
        assert (await tx.graves.drop(first.id)).id == first.id
    assert [job.id for job in await _buried(store)] == [second.id]


@pytest.mark.parametrize("verb", ["revive", "drop"])
async def test_only_a_dead_job_can_be_revived_or_dropped(store: Store, verb: str) -> None:
    [dead] = await _bury(store, NewJob(PAGE))
    async with store.begin() as tx:
        await tx.jobs.add(NewJob(DRAW_CARD))
    [alive] = await store.lease(Lane.SLACK, 10, "a")
    for wrong in (alive.id, 12345):
        async with store.begin() as tx:
            with pytest.raises(NotFound, match=rf"named {wrong}\. Known: {dead.id}\."):
                await getattr(tx.graves, verb)(wrong)
    async with store.begin() as tx:
        await tx.jobs.check(alive)
        await getattr(tx.graves, verb)(dead.id)
        with pytest.raises(NotFound, match="Known: -"):
            await getattr(tx.graves, verb)(dead.id)


async def test_a_message_names_twenty_jobs_at_most(store: Store) -> None:
    jobs = await _bury(store, *(NewJob(TIDY) for _ in range(21)))
    async with store.begin() as tx:
        with pytest.raises(NotFound) as told:
            await tx.graves.drop(99999)
    assert str(told.value).count(",") == 19
    assert f" {max(job.id for job in jobs)}." not in str(told.value)
