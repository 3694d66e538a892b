import asyncio

from bot.clock import SystemClock
from bot.incident.correlate import AlarmRecord, apply
from bot.store.sql import Store
from tests.support.core import alarm


async def test_two_processes_that_hear_of_a_new_alarm_at_the_same_time_count_both(
    store: Store, clock: SystemClock
) -> None:
    """Neither finds a row to lock; without another lock the later one would overwrite what the first has counted."""
    first_has_looked, heard = asyncio.Event(), alarm()

    async def hear(after: asyncio.Event | None = None) -> None:
        if after:
            await after.wait()
        async with store.begin() as tx:
            known = await tx.incidents.alarms([heard.fingerprint])
            first_has_looked.set()
            await asyncio.sleep(0.1 if after is None else 0)  # time for the other to look, if it can
            record, _ = apply(known.get(heard.fingerprint), heard, clock.now())
            await tx.incidents.save_alarms(record)

    await asyncio.gather(hear(), hear(first_has_looked))
    async with store.begin() as tx:
        record: AlarmRecord = (await tx.incidents.alarms([heard.fingerprint]))[heard.fingerprint]
    assert record.count == 2


async def test_replicas_that_hear_of_the_same_alarms_in_another_order_do_not_wait_in_a_circle(store: Store) -> None:
    names = [f"alarm-{number}" for number in range(20)]

    async def hear(fingerprints: list[str]) -> None:
        async with store.begin() as tx:
            await tx.incidents.alarms(fingerprints)
            await asyncio.sleep(0)

    async with asyncio.timeout(10):
        await asyncio.gather(*(hear(names[n:] + names[:n]) for n in range(20)))
