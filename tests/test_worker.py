import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from bot.clock import SystemClock
from bot.errors import LeaseLost, Unavailable, phrase
from bot.jobs import ALARM, DRAW_CARD, ESCALATE, INVITE, LEASE, PAGE, STEP, Job, Kind, Lane, NewJob
from bot.store.sql import Store
from bot.worker import PLACES, Handlers, Worker, nothing, retry_after

Record = Callable[[Any], Awaitable[None]]


@dataclass
class Shop:
    """A worker whose handlers do what a test says: `broken` maps a job's name to the error it raises."""

    store: Store
    ran: list[str] = field(default_factory=list)
    buried: list[str] = field(default_factory=list)
    broken: dict[str, Exception] = field(default_factory=dict)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    def worker(self, owner: str = "one") -> Worker:
        effects = dict.fromkeys((PAGE, STEP, DRAW_CARD, INVITE), self.effect)
        return Worker(self.store, Handlers({ALARM: self.change, ESCALATE: self.change}, effects, self.bury), owner)

    async def change(self, tx: Any, jobs: Sequence[Job]) -> None:
        for job in jobs:
            self._meet(job)
            await tx.jobs.add(NewJob(PAGE, {"name": f"after {job.payload['name']}"}))

    async def effect(self, job: Job) -> Record:
        if job.payload["name"] == "slow":
            self.reached.set()
            await self.gate.wait()
        self._meet(job)
        return nothing

    async def bury(self, tx: Any, job: Job, error: str) -> None:
        self.buried.append(job.payload["name"])

    def _meet(self, job: Job) -> None:
        if error := self.broken.get(job.payload["name"]):
            raise error
        self.ran.append(job.payload["name"])

    async def add(self, kind: Kind, *names: str) -> None:
        async with self.store.begin() as tx:
            await tx.jobs.add(*(NewJob(kind, {"name": name}) for name in names))

    async def waiting(self) -> dict[str, int]:
        async with self.store.begin() as tx:
            return {f"{kind} {state}": count for kind, state, count, _ in await tx.jobs.counts()}


@pytest.fixture
def shop(store: Store) -> Shop:
    return Shop(store)


def down(retry_after: float | None = None) -> Unavailable:
    return Unavailable(phrase("it does not answer"), retry_after=retry_after)


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110  # what is awaited happens inside the worker
            await asyncio.sleep(0.01)


async def test_one_bad_change_does_not_hold_up_its_neighbours(shop: Shop) -> None:
    shop.broken["bad"] = ValueError("a defect")
    await shop.add(ALARM, "a", "bad", "b")
    await shop.worker().drain()
    assert sorted(set(shop.ran)) == ["a", "after a", "after b", "b"]
    assert await shop.waiting() == {"alarm waiting": 1}


async def test_what_a_bad_change_wrote_before_it_broke_is_undone(shop: Shop) -> None:
    class Late(Shop):
        async def change(self, tx: Any, jobs: Sequence[Job]) -> None:
            await super().change(tx, jobs)
            raise ValueError("after the write")

    late = Late(shop.store)
    await late.add(ALARM, "a")
    await late.worker().drain()
    assert await late.waiting() == {"alarm waiting": 1}


@pytest.mark.parametrize("error", [ValueError("a defect"), KeyError("x\x00\ud800"), down(), TimeoutError()])
async def test_an_effect_that_raises_anything_is_given_back_and_runs_later(
    shop: Shop, clock: SystemClock, error: Exception
) -> None:
    shop.broken["page"] = error
    await shop.add(PAGE, "page")
    await shop.worker().drain()
    assert await shop.waiting() == {"page waiting": 1}
    shop.broken.clear()
    clock.advance(timedelta(seconds=1))
    await shop.worker().drain()
    assert shop.ran == ["page"]
    assert await shop.waiting() == {}


def test_the_delay_doubles_up_to_a_minute_and_never_overflows() -> None:
    def delay(attempts: int, error: Exception | None = None) -> float:
        job = Job(1, PAGE, {}, SystemClock().now(), attempts, 1, SystemClock().now())
        return retry_after(job, error or ValueError()).total_seconds()

    assert [delay(n) for n in (1, 2, 3, 7, 8)] == [0.5, 1, 2, 32, 60]
    assert delay(5_000) == 60
    assert delay(5, down(retry_after=7)) == 7


async def test_a_job_is_buried_after_its_attempts_and_not_one_earlier(shop: Shop, clock: SystemClock) -> None:
    shop.broken["alarm"] = ValueError("a defect")
    await shop.add(ALARM, "alarm")
    for _ in range(ALARM.attempts - 1):
        await shop.worker().drain()
        clock.advance(timedelta(minutes=2))
    assert shop.buried == []
    await shop.worker().drain()
    assert shop.buried == ["alarm"]
    assert await shop.waiting() == {"alarm dead": 1}


async def test_a_provider_that_is_down_for_long_never_buries_a_job(shop: Shop, clock: SystemClock) -> None:
    shop.broken["invite"] = down()
    await shop.add(INVITE, "invite")
    for _ in range(INVITE.attempts + 3):
        await shop.worker().drain()
        clock.advance(timedelta(minutes=2))
    assert shop.buried == []
    assert await shop.waiting() == {"invite waiting": 1}


async def test_a_burial_that_itself_breaks_leaves_the_job_to_be_tried_again(shop: Shop, clock: SystemClock) -> None:
    class Clumsy(Shop):
        async def bury(self, tx: Any, job: Job, error: str) -> None:
            raise ValueError("cannot even do this")

    clumsy = Clumsy(shop.store)
    clumsy.broken["alarm"] = ValueError("a defect")
    await clumsy.add(ALARM, "alarm")
    for _ in range(ALARM.attempts + 1):
        await clumsy.worker().drain()
        clock.advance(timedelta(minutes=2))
    assert await clumsy.waiting() == {"alarm waiting": 1}


async def test_a_kind_of_job_from_a_newer_version_is_left_alone_and_ends_no_lane(shop: Shop) -> None:
    await shop.add(Kind("of-tomorrow", Lane.PAGE), "unknown")
    await shop.add(PAGE, "known")
    await shop.worker().drain()
    assert shop.ran == ["known"]
    async with shop.store.begin() as tx:
        assert await tx.jobs.next_due(Lane.PAGE) is None
    assert await shop.waiting() == {"of-tomorrow waiting": 1}


async def test_a_slow_aws_call_does_not_delay_a_page(shop: Shop) -> None:
    worker = shop.worker()
    running = asyncio.create_task(worker.run())
    await shop.add(STEP, *["slow"] * PLACES[Lane.AWS])
    await shop.reached.wait()
    await shop.add(PAGE, "page")
    await _until(lambda: "page" in shop.ran)
    assert "slow" not in shop.ran
    shop.gate.set()
    worker.stop()
    await running


async def test_no_more_effects_run_side_by_side_than_there_are_places(shop: Shop) -> None:
    worker = shop.worker()
    running = asyncio.create_task(worker.run())
    await shop.add(STEP, *["slow"] * (PLACES[Lane.AWS] + 1))
    await shop.reached.wait()
    await _until(lambda: len(worker._tasks[Lane.AWS]) == PLACES[Lane.AWS])
    shop.gate.set()
    await _until(lambda: len(shop.ran) == PLACES[Lane.AWS] + 1)
    worker.stop()
    await running


async def test_stop_finishes_what_is_in_hand_and_takes_nothing_more(shop: Shop) -> None:
    worker = shop.worker()
    running = asyncio.create_task(worker.run())
    await shop.add(PAGE, "slow")
    await shop.reached.wait()
    worker.stop()
    await shop.add(PAGE, "too late")
    shop.gate.set()
    await running
    assert shop.ran == ["slow"]
    assert await shop.waiting() == {"page waiting": 1}


async def test_a_lane_outlives_a_store_that_breaks(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    worker, broken = shop.worker(), 2
    lease = shop.store.lease

    async def breaks(lane: Lane, limit: int, owner: str) -> Sequence[Job]:
        nonlocal broken
        if lane is Lane.PAGE and broken:
            broken -= 1
            raise down() if broken else RuntimeError("a defect")
        return await lease(lane, limit, owner)

    # The store is the real one; only these two answers are not.
    monkeypatch.setattr(shop.store, "lease", breaks)
    monkeypatch.setattr("bot.worker.POLL", 0.01)
    await shop.add(PAGE, "page")
    running = asyncio.create_task(worker.run())
    await _until(lambda: shop.ran == ["page"])
    worker.stop()
    await running


async def test_an_effect_whose_lease_was_lost_writes_nothing(shop: Shop, clock: SystemClock) -> None:
    first, second = shop.worker("first"), shop.worker("second")
    await shop.add(PAGE, "slow")
    slow = asyncio.create_task(first.drain())
    await shop.reached.wait()
    clock.advance(LEASE + timedelta(seconds=1))
    shop.gate.set()
    [taken] = await shop.store.lease(Lane.PAGE, 1, "second")
    await slow
    assert await shop.waiting() == {"page waiting": 1}
    async with shop.store.begin() as tx:
        await tx.jobs.check(taken)
    assert second.owner != first.owner


async def test_the_heartbeat_keeps_the_lease_of_a_long_effect(
    shop: Shop, clock: SystemClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.worker._HEARTBEAT", 0.05)  # three seconds otherwise
    worker = shop.worker()
    running = asyncio.create_task(worker.run())
    await shop.add(PAGE, "slow")
    await shop.reached.wait()
    for _ in range(3):
        before = worker.beat_at
        clock.advance(LEASE * 0.6)
        await _until(lambda before=before: worker.beat_at > before + 0.1)
    assert not await shop.store.lease(Lane.PAGE, 1, "thief")
    shop.gate.set()
    worker.stop()
    await running
    assert shop.ran == ["slow"]


async def test_a_batch_whose_database_went_away_is_not_tried_job_by_job(shop: Shop) -> None:
    tries: list[int] = []

    class Gone(Shop):
        async def change(self, tx: Any, jobs: Sequence[Job]) -> None:
            tries.append(len(jobs))
            raise down()

    gone = Gone(shop.store)
    await gone.add(ALARM, "a", "b", "c")
    await gone.worker().drain()
    assert tries == [3]
    assert await gone.waiting() == {"alarm waiting": 3}


async def test_a_lost_lease_in_a_batch_costs_only_its_own_job(shop: Shop, clock: SystemClock) -> None:
    await shop.add(ALARM, "a", "b")
    worker = shop.worker()
    jobs = await shop.store.lease(Lane.ALARM, 10, worker.owner)
    async with shop.store.begin() as tx:
        await tx.jobs.finish(jobs[0])
    await worker._one_by_one(jobs, ValueError("a defect in one of them"))
    assert shop.ran == ["b"]
    with pytest.raises(LeaseLost):
        async with shop.store.begin(jobs[1]):
            pass


_SLEEPER = """
import asyncio, sys
sys.path.insert(0, ".")
import bot.worker as worker
from bot.clock import SystemClock
from bot.store.database import Database
from bot.store.schema import upgrade
from bot.store.sql import Store
from datetime import timedelta

worker.LEASE, worker._HEARTBEAT = timedelta(seconds=1), 0.1

async def main():
    database = Database(sys.argv[1], SystemClock())
    await upgrade(database)
    one = worker.Worker(Store(database), worker.Handlers({}, {}, None))
    asyncio.get_running_loop().call_later(0.3, lambda: print("working", flush=True))
    await one.run()

asyncio.run(main())
"""


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_process_that_slept_past_its_lease_ends_itself(database_url: str) -> None:
    """The watchdog reads the real clock, so this test really waits a second."""
    process = subprocess.Popen([sys.executable, "-c", _SLEEPER, database_url], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        assert process.stdout.readline() == "working\n"
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(1.2)
        os.kill(process.pid, signal.SIGCONT)
        assert process.wait(20) == 75
    finally:
        process.kill()
        process.stdout.close()
        process.wait()
