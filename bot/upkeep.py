"""Work that comes round by itself: the sweep of alarms, the survey of AWS, tidying up, and the watch over our own rows.

Each is a job that adds itself again; its key sees to it that all replicas together have one of it.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Protocol

import structlog

from bot import heartbeat
from bot.incident import audit
from bot.incident.ports import Delivery, Inbox, Tx
from bot.jobs import AUDIT, HEARTBEAT, OPEN_ROOM, SURVEY, SWEEP, TIDY, Job, Kind, NewJob
from bot.store.sql import Store

log = structlog.get_logger()

EVERY: Mapping[Kind, timedelta] = {
    SWEEP: timedelta(seconds=60),
    TIDY: timedelta(seconds=30),
    SURVEY: timedelta(minutes=5),
    AUDIT: audit.EVERY,
    HEARTBEAT: heartbeat.EVERY,
}


class Sweeps(Protocol):
    """`bot.intake.sweep.Sweep`."""

    async def once(self) -> int: ...


class Surveys(Protocol):
    """`bot.incident.survey.Survey`."""

    async def once(self) -> Callable[[Tx], Awaitable[None]]: ...


class Upkeep:
    """The handlers of SWEEP, SURVEY and TIDY. `sweep` None: no regions are configured; `surveys` None: nothing is."""

    def __init__(self, store: Store, inbox: Inbox, sweep: Sweeps | None, surveys: Surveys | None = None) -> None:
        self.store, self.inbox, self.sweep_regions, self.surveys = store, inbox, sweep, surveys

    async def begin(self) -> None:
        """At start: the recurring jobs, unless they are there, and another try for incidents without a room.

        A room that Slack refused (a wrong token, a forbidden channel) is asked for again after a person mended that.
        """
        async with self.store.begin() as tx:
            await tx.jobs.add(*(NewJob(kind, {}, key=kind.name) for kind in EVERY))
            homeless = [i for i in await tx.incidents.listing(open_only=True, limit=1_000) if i.channel is None]
            await tx.jobs.add(*(NewJob(OPEN_ROOM, {"incident": i.id}, key=f"room:{i.id}") for i in homeless))

    async def sweep(self, _job: Job) -> Callable[[Tx], Awaitable[None]]:
        """Take in alarms that are on in AWS and unknown here."""
        if self.sweep_regions:
            await self.sweep_regions.once()
        return self._again(SWEEP)

    async def survey(self, _job: Job) -> Callable[[Tx], Awaitable[None]]:
        """Note what a failover must know, while AWS still answers."""
        noted, again = await self.surveys.once() if self.surveys else None, self._again(SURVEY)

        async def record(tx: Tx) -> None:
            if noted:
                await noted(tx)
            await again(tx)

        return record

    async def tidy(self, _job: Job) -> Callable[[Tx], Awaitable[None]]:
        """Forget what is old, and raise an alarm about ourselves when a row is stuck."""
        async with self.store.begin() as tx:
            await tx.notes.forget_old()
            stuck = await tx.watch.stuck()
            now = tx.now
        if stuck:
            log.error("upkeep.stuck", rows=stuck)
            body = json.dumps({"source": "lifeboat", "detail-type": "Lifeboat is stuck", "detail": {"rows": stuck}})
            # One delivery an hour: an incident that was resolved without a cure comes back.
            await self.inbox.accept([Delivery(f"stuck:{now:%Y%m%d%H}", "self", body, now)])
        return self._again(TIDY)

    def _again(self, kind: Kind) -> Callable[[Tx], Awaitable[None]]:
        async def add(tx: Tx) -> None:
            await tx.jobs.add(NewJob(kind, {}, tx.now + EVERY[kind], key=kind.name))

        return add
