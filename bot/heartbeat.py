"""A sign of life to CloudWatch, so that an alarm on missing data, in AWS and not in us, reports the bot itself dead.

Each beat has been through the queue, the worker and the database: a process whose event loop stands, whose database does
not answer, or whose worker leases nothing, sends none.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import structlog

from bot.errors import ActionFailed
from bot.incident.ports import Tx
from bot.jobs import HEARTBEAT, URGENT, Job, NewJob
from bot.store.sql import Store

log = structlog.get_logger()

EVERY = timedelta(seconds=60)

#: CloudWatch's PutMetricData in one region, run off the event loop; raises `ActionFailed`.
Put = Callable[..., Awaitable[Any]]


class Heartbeat:
    """The handler of HEARTBEAT. `puts` by region; every region is told, and one that does not answer holds up no other."""

    def __init__(self, store: Store, puts: Mapping[str, Put], namespace: str) -> None:
        self.store, self.puts, self.namespace = store, puts, namespace

    async def beat(self, _job: Job) -> Callable[[Tx], Awaitable[None]]:
        """Say that we live, how much urgent work is late, and how many incidents are open."""
        async with self.store.begin() as tx:
            incidents, overdue = await tx.watch.load()
            now = tx.now
        late = sum(count for lane, count in overdue.items() if lane in URGENT)
        data = [
            {"MetricName": name, "Timestamp": now, "Value": float(value), "Unit": "Count"}
            for name, value in (("Alive", 1), ("UrgentJobsLate", late), ("IncidentsOpen", incidents))
        ]
        for region, put in self.puts.items():
            try:
                await put(Namespace=self.namespace, MetricData=data)
            except ActionFailed as error:  # what is missing there is what the alarm in that region reports
                log.warning("heartbeat.refused", region=region, code=error.code, error=str(error))
        return _again


async def _again(tx: Tx) -> None:
    await tx.jobs.add(NewJob(HEARTBEAT, {}, tx.now + EVERY, key=HEARTBEAT.name))
