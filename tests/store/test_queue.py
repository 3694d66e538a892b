from datetime import timedelta

import pytest

from bot.clock import SystemClock
from bot.errors import LeaseLost
from bot.jobs import DRAW_CARD, LEASE, PAGE, Lane, NewJob
from bot.store.sql import Store


async def _add(store: Store, *jobs: NewJob) -> None:
    async with store.begin() as tx:
        await tx.jobs.add(*jobs)


async def test_a_leased_job_is_not_leased_again_until_its_lease_is_over(store: Store, clock: SystemClock) -> None:
    await _add(store, NewJob(PAGE, {"page": "p"}))
    [job] = await store.lease(Lane.PAGE, 10, "a")
    assert not await store.lease(Lane.PAGE, 10, "b")
    clock.advance(LEASE + timedelta(seconds=1))
    [again] = await store.lease(Lane.PAGE, 10, "b")
    assert (again.id, again.attempts, again.fence) == (job.id, 2, job.fence + 1)


async def test_a_worker_that_lost_its_lease_cannot_finish_the_job(store: Store, clock: SystemClock) -> None:
    await _add(store, NewJob(PAGE))
    [job] = await store.lease(Lane.PAGE, 10, "a")
    clock.advance(LEASE + timedelta(seconds=1))
    await store.lease(Lane.PAGE, 10, "b")
    with pytest.raises(LeaseLost):
        async with store.begin() as tx:
            await tx.jobs.finish(job)
    with pytest.raises(LeaseLost):
        async with store.begin(job):
            pass


async def test_what_a_lost_lease_would_have_written_is_undone(store: Store, clock: SystemClock) -> None:
    await _add(store, NewJob(PAGE))
    [job] = await store.lease(Lane.PAGE, 10, "a")
    clock.advance(LEASE + timedelta(seconds=1))
    await store.lease(Lane.PAGE, 10, "b")
    with pytest.raises(LeaseLost):
        async with store.begin() as tx:
            await tx.jobs.add(NewJob(DRAW_CARD))
            await tx.jobs.finish(job)
    assert not await store.lease(Lane.SLACK, 10, "a")


async def test_a_job_is_not_taken_before_it_is_due(store: Store, clock: SystemClock) -> None:
    due = clock.now() + timedelta(minutes=5)
    await _add(store, NewJob(PAGE, due_at=due))
    assert not await store.lease(Lane.PAGE, 10, "a")
    async with store.begin() as tx:
        assert await tx.jobs.next_due(Lane.PAGE) == due
    clock.advance(timedelta(minutes=5, seconds=1))
    assert len(await store.lease(Lane.PAGE, 10, "a")) == 1


async def test_two_waiting_jobs_with_one_key_are_one_and_the_earlier_time_wins(
    store: Store, clock: SystemClock
) -> None:
    later = clock.now() + timedelta(minutes=5)
    await _add(store, NewJob(DRAW_CARD, {"n": 1}, later, key="card"))
    await _add(store, NewJob(DRAW_CARD, {"n": 2}, key="card"), NewJob(DRAW_CARD, {"n": 3}, later, key="card"))
    assert [job.payload["n"] for job in await store.lease(Lane.SLACK, 10, "a")] == [1]


async def test_work_that_comes_while_its_predecessor_runs_is_not_swallowed(store: Store) -> None:
    await _add(store, NewJob(DRAW_CARD, key="card"))
    [running] = await store.lease(Lane.SLACK, 10, "a")
    await _add(store, NewJob(DRAW_CARD, key="card"))
    [newer] = await store.lease(Lane.SLACK, 10, "a")
    assert newer.id != running.id


async def test_a_job_given_back_can_be_taken_at_once_by_one_who_knows_that_it_was_tried(store: Store) -> None:
    await _add(store, NewJob(PAGE))
    [job] = await store.lease(Lane.PAGE, 10, "a")
    async with store.begin() as tx:
        await tx.jobs.give_back(job)
    [taken] = await store.lease(Lane.PAGE, 10, "b")
    assert taken.again
    async with store.begin() as tx:
        with pytest.raises(LeaseLost):
            await tx.jobs.finish(job)


async def test_a_restarted_worker_of_an_embedded_database_does_not_wait_for_the_leases_of_the_dead(
    store: Store,
) -> None:
    await _add(store, NewJob(PAGE))
    [job] = await store.lease(Lane.PAGE, 10, "dead")
    await store.take_over()
    taken = await store.lease(Lane.PAGE, 10, "alive")
    assert [j.fence for j in taken] == ([] if store.database.postgres else [job.fence + 1])


async def test_lanes_do_not_see_each_others_jobs(store: Store) -> None:
    await _add(store, NewJob(PAGE), NewJob(DRAW_CARD))
    assert [job.kind for job in await store.lease(Lane.SLACK, 10, "a")] == [DRAW_CARD]


async def test_a_buried_job_is_kept_but_never_leased(store: Store) -> None:
    await _add(store, NewJob(PAGE))
    [job] = await store.lease(Lane.PAGE, 10, "a")
    async with store.begin() as tx:
        await tx.jobs.bury(job, "it never works")
    async with store.begin() as tx:
        assert [(kind, state, count) for kind, state, count, _ in await tx.jobs.counts()] == [("page", "dead", 1)]
    assert not await store.lease(Lane.PAGE, 10, "a")
