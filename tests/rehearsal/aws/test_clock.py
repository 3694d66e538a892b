import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.rehearsal.aws.clock import Clock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_clock_with_a_start_stands_still_until_it_is_moved() -> None:
    clock = Clock(start=NOON)
    assert clock.now() == clock.now() == NOON
    clock.move(timedelta(minutes=-5))
    assert clock.now() == datetime(2026, 3, 1, 11, 55, tzinfo=UTC)


def test_a_start_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        Clock(start=datetime(2026, 3, 1))  # noqa: DTZ001  # that is the point


async def test_a_sleeper_wakes_exactly_when_the_clock_reaches_its_time() -> None:
    clock = Clock(start=NOON, speed=2)
    sleeping = asyncio.create_task(clock.sleep(20))
    await asyncio.sleep(0)
    clock.move(timedelta(seconds=9.9))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not sleeping.done()
    clock.move(timedelta(seconds=0.1))
    await asyncio.wait_for(sleeping, 1)


async def test_a_running_clock_wakes_its_sleepers_by_itself() -> None:
    await asyncio.wait_for(Clock(speed=1000).sleep(5), 2)
