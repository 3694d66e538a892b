"""The worker: leases due jobs lane by lane, runs their handlers, and finishes each in the transaction of its result.

Two shapes of handler:

- a *change* `(tx, jobs) -> None` only touches the database: all due jobs of its lane are leased, run and finished in
  one transaction;
- an *effect* `(job) -> Record` does something outside (Slack, AWS, SMS) and returns what to write; the worker writes it
  and removes the job in one transaction, which fails when the lease was lost meanwhile.

Lanes do not wait for each other. A process that slept past its lease (a frozen machine) is ended: what it held belongs
to somebody else by then.
"""

import asyncio
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

import structlog

from bot.errors import LeaseLost, LifeboatError, Unavailable
from bot.jobs import LEASE, SERVING, Job, Kind, Lane

log = structlog.get_logger()

#: What an effect returns: written in the transaction that removes its job.
Record = Callable[[Any], Awaitable[None]]
Change = Callable[[Any, Sequence[Job]], Awaitable[None]]
Effect = Callable[[Job], Awaitable[Record]]

#: How many effects of a lane run at the same time in one process.
PLACES: Mapping[Lane, int] = {Lane.PAGE: 8, Lane.AWS: 6, Lane.SLACK: 6, Lane.BULK: 2}
#: While pages go out, of these lanes only so many: they share the processor, the disk and Slack with the pages.
_PATIENT, _PATIENT_PLACES = frozenset({Lane.SLACK, Lane.BULK}), 1
#: How many changes share a transaction: few enough that a page, or an alarm that comes in, does not wait long behind it.
#: A timer costs less, and each is somebody who is not paged yet.
AT_ONCE: Mapping[Lane, int] = {Lane.ALARM: 30, Lane.TIMER: 200}
#: While senders of alarms wait in crowds, a lane takes so many, then leaves the loop to them for a breath: what is not
#: accepted is lost when we are. Cards can wait.
_CROWDED: Mapping[Lane, int] = {Lane.ALARM: 6, Lane.TIMER: 6, Lane.PAGE: 2, Lane.AWS: 2, Lane.SLACK: 0, Lane.BULK: 0}
_BREATH = 0.15
#: A waiting worker looks again after this many seconds, whatever it was or was not told.
POLL = 1.0
_HEARTBEAT = LEASE.total_seconds() / 4
#: A stopping worker waits this long for what is in hand; most calls to Slack and AWS have failed by then.
_GRACE = 8.0


class Queues(Protocol):
    """What the worker needs of the store."""

    def begin(self, job: Job | None = None) -> Any: ...

    @property
    def crowded(self) -> bool:
        """Whether senders of alarms wait in crowds to be answered."""
        ...

    async def lease(self, lane: Lane, limit: int, owner: str) -> Sequence[Job]: ...

    async def take_over(self) -> None: ...

    def when_jobs_come(self, wake: Callable[[frozenset[Lane]], None]) -> None: ...


@dataclass(frozen=True)
class Handlers:
    """What runs each kind of job, and what is told of a job that failed too often."""

    changes: Mapping[Kind, Change]
    effects: Mapping[Kind, Effect]
    buried: Callable[[Any, Job, str], Awaitable[None]]


async def nothing(_tx: Any) -> None:
    """The record of an effect that leaves nothing to write."""


class Worker:
    """Runs the handlers in one process. `owner` names it in the leases."""

    def __init__(self, store: Queues, handlers: Handlers, owner: str | None = None) -> None:
        self.store, self.handlers = store, handlers
        self.owner = owner or f"{os.uname().nodename}:{os.getpid()}:{secrets.token_hex(4)}"
        self.beat_at = time.monotonic()
        self._wake = {lane: asyncio.Event() for lane in Lane}
        self._stopping = False
        self._running: dict[int, Job] = {}
        self._tasks: dict[Lane, set[asyncio.Task[None]]] = {lane: set() for lane in Lane}
        self._full = dict.fromkeys(Lane, True)

    def wake(self, lanes: frozenset[Lane]) -> None:
        """There is work in these lanes: look now."""
        for lane in lanes:
            self._wake[lane].set()

    @property
    def is_alive(self) -> bool:
        """Whether the heartbeat is on time."""
        return time.monotonic() - self.beat_at < LEASE.total_seconds()

    async def run(self) -> None:
        """Work until `stop` is called; then finish what is in hand, or give it back, and return."""
        self.store.when_jobs_come(self.wake)
        self.beat_at = time.monotonic()
        heart = asyncio.create_task(self._beat(), name="lifeboat-heartbeat")
        try:
            with suppress(Unavailable):  # then the leases of the dead run out by themselves
                await self.store.take_over()
            await asyncio.gather(*(self._lane(lane) for lane in Lane))
            await self._let_go()
        finally:
            heart.cancel()
            with suppress(asyncio.CancelledError):
                await heart

    def stop(self) -> None:
        """Take no more work."""
        self._stopping = True
        self.wake(frozenset(Lane))

    async def _let_go(self) -> None:
        """Wait for what is in hand; what takes too long is given back, so that another process takes it at once."""
        in_hand = {task for tasks in self._tasks.values() for task in tasks}
        late = (await asyncio.wait(in_hand, timeout=_GRACE))[1] if in_hand else set()
        given_back = list(self._running.values())
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        for job in given_back:
            log.warning("job.given_back", kind=job.kind.name, job=job.id)
            with suppress(Unavailable, LeaseLost):  # then its lease runs out by itself, or it is another's already
                async with self.store.begin() as tx:
                    await tx.jobs.give_back(job)

    async def drain(self, lanes: Iterable[Lane] = Lane) -> int:
        """Run all that is due now, and what follows from it; how many jobs that were. For tests."""
        total, lanes = 0, tuple(lanes)
        while True:
            ran = 0
            for lane in lanes:
                ran += await self._take(lane)
                await asyncio.gather(*self._tasks[lane])
            if not ran:
                return total
            total += ran

    async def _lane(self, lane: Lane) -> None:
        SERVING.set(lane)  # and so for every task that it starts
        while not self._stopping:
            self._wake[lane].clear()
            try:
                if not await self._take(lane) or not self._full[lane]:
                    await self._sleep(lane)
                elif self.store.crowded:
                    await asyncio.sleep(_BREATH)
            except Unavailable as error:
                log.warning("worker.store_unavailable", lane=lane.name, error=str(error))
                await asyncio.sleep(POLL)
            except Exception:  # a defect must not end a lane: what it could not do is tried again, and seen as overdue
                log.exception("worker.lane_broke", lane=lane.name)
                await asyncio.sleep(POLL)

    async def _take(self, lane: Lane) -> int:
        """Lease what there is room for and start it."""
        if lane not in PLACES:
            return await self._run_changes(lane)
        room = self._room(lane)
        jobs = await self._lease(lane, room) if room else ()
        self._full[lane] = len(jobs) >= room
        for job in jobs:
            task = asyncio.create_task(self._effect(job), name=f"{job.kind.name}-{job.id}")
            self._tasks[lane].add(task)
            task.add_done_callback(lambda done, lane=lane: self._ended(lane, done))  # type: ignore[misc]  # bound per loop
        return len(jobs)

    async def _lease(self, lane: Lane, limit: int) -> Sequence[Job]:
        """Due jobs; what comes while we are told to stop is given back untouched."""
        jobs = await self.store.lease(lane, limit, self.owner)
        if jobs and self._stopping:
            async with self.store.begin() as tx:
                await tx.jobs.give_back(*jobs)
            return ()
        return jobs

    def _room(self, lane: Lane) -> int:
        """How many more effects of a lane may start now."""
        places = _PATIENT_PLACES if lane in _PATIENT and self._tasks[Lane.PAGE] else PLACES[lane]
        if self.store.crowded:
            places = min(places, _CROWDED[lane])
        return max(0, places - len(self._tasks[lane]))

    def _ended(self, lane: Lane, task: asyncio.Task[None]) -> None:
        self._tasks[lane].discard(task)
        if self._full[lane]:  # otherwise nothing is due that did not find room
            self._wake[lane].set()
        if lane is Lane.PAGE and not self._tasks[lane]:
            self.wake(_PATIENT)

    async def _sleep(self, lane: Lane) -> None:
        """Until there is news, the next job is due, or the poll interval has gone by."""
        with suppress(TimeoutError):
            async with asyncio.timeout(await self._until_due(lane)):
                await self._wake[lane].wait()

    async def _until_due(self, lane: Lane) -> float:
        if lane in PLACES and not self._room(lane):
            return POLL
        async with self.store.begin() as tx:
            due = await tx.jobs.next_due(lane)
            return min(POLL, max(0.002, (due - tx.now).total_seconds())) if due else POLL

    async def _run_changes(self, lane: Lane) -> int:
        """What is due, in one transaction: its locks are the lease. When it fails, the jobs are leased as effects are."""
        jobs: Sequence[Job] = ()
        most = _CROWDED[lane] if self.store.crowded else AT_ONCE[lane]
        try:
            async with self.store.begin() as tx:
                jobs = await tx.jobs.lease(lane, most, self.owner)
                if jobs:
                    await self._change(tx, jobs)
                self._full[lane] = len(jobs) >= most
        except Exception as error:
            if not jobs:
                raise
            jobs = await self._lease(lane, len(jobs))
            await self._one_by_one(jobs, error)
        return len(jobs)

    async def _one_by_one(self, jobs: Sequence[Job], error: Exception) -> None:
        """After a failure of all together, so that one bad job does not hold up the others."""
        if len(jobs) <= 1 or _is_down(error):
            await self._failed(jobs, error)
            return
        self._running.update({job.id: job for job in jobs})
        try:
            for job in jobs:
                try:
                    async with self.store.begin() as tx:
                        await self._change(tx, [job])
                except Exception as single:  # noqa: BLE001  # reported and tried again, never lost
                    await self._failed([job], single)
        finally:
            for job in jobs:
                self._running.pop(job.id, None)

    async def _change(self, tx: Any, jobs: Sequence[Job]) -> None:
        await tx.jobs.finish(*jobs)
        for kind in dict.fromkeys(job.kind for job in jobs):
            await self.handlers.changes[kind](tx, [job for job in jobs if job.kind is kind])

    async def _effect(self, job: Job) -> None:
        self._running[job.id] = job
        try:
            record = await self.handlers.effects[job.kind](job)
            async with self.store.begin() as tx:
                await tx.jobs.finish(job)
                await record(tx)
        except Exception as error:  # noqa: BLE001  # reported and tried again, never lost
            await self._failed([job], error)
        finally:
            self._running.pop(job.id, None)

    async def _failed(self, jobs: Sequence[Job], error: Exception) -> None:
        """Give jobs that failed together back for later, or set aside what has failed too often.

        Never raises: what cannot even be given back is taken again when its lease is over.
        """
        expected = isinstance(error, Unavailable)
        for job in jobs:
            log.log(
                30 if expected else 40, "job.failed", kind=job.kind.name, job=job.id, attempts=job.attempts,
                error=str(error), exc_info=None if isinstance(error, LifeboatError) else error,
            )  # fmt: skip
        if isinstance(error, LeaseLost):
            return
        try:
            async with self.store.begin() as tx:
                for job in jobs:
                    if job.attempts >= job.kind.attempts and not expected:
                        await tx.jobs.bury(job, str(error))
                        await self.handlers.buried(tx, job, str(error))
                    else:
                        await tx.jobs.again(job, retry_after(job, error), str(error))
            self.wake(frozenset(job.kind.lane for job in jobs))
        except Unavailable as lost:
            log.warning("job.not_given_back", jobs=[job.id for job in jobs], error=str(lost))
        except Exception:
            log.exception("job.not_given_back", jobs=[job.id for job in jobs])

    async def _beat(self) -> None:
        """Renew the leases of what runs; end the process when it slept so long that they are somebody else's."""
        while True:
            await asyncio.sleep(_HEARTBEAT)
            slept = time.monotonic() - self.beat_at
            if slept > LEASE.total_seconds():
                log.critical("worker.slept_past_lease", seconds=round(slept, 1))
                os._exit(75)
            self.beat_at = time.monotonic()
            if self._running:
                try:
                    # Bounded, so that a database that hangs is not mistaken for a process that slept.
                    async with asyncio.timeout(_HEARTBEAT), self.store.begin() as tx:
                        await tx.jobs.extend(self.owner, list(self._running.values()))
                except Exception as error:  # noqa: BLE001  # a heart that stops loses every lease; the fence protects
                    log.warning("worker.heartbeat_failed", error=str(error) or type(error).__name__)


def retry_after(job: Job, error: Exception) -> timedelta:
    """How long to wait before the job's next attempt: what the other side asked for, else doubling up to a minute."""
    if isinstance(error, Unavailable) and error.retry_after is not None:
        return timedelta(seconds=error.retry_after)
    return timedelta(seconds=min(60.0, 0.5 * 2.0 ** min(job.attempts - 1, 10)))


def _is_down(error: Exception) -> bool:
    """Whether the store itself does not answer, so that trying each job alone would only take long."""
    return isinstance(error, Unavailable) and not isinstance(error, LeaseLost)
