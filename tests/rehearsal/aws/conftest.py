"""An emulated AWS whose clock stands still until the test moves it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest

from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.emulator import EmulatedAws

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
async def aws() -> AsyncIterator[EmulatedAws]:
    async with EmulatedAws(clock=Clock(start=NOON)) as running:
        yield running


@pytest.fixture(scope="module")
def running() -> Iterator[EmulatedAws]:
    """One for all tests of a module, for those that make everything they need, each under names of its own."""
    aws = EmulatedAws(clock=Clock(start=NOON))
    asyncio.run(aws.__aenter__())  # it lives on a thread of its own, not on this loop
    yield aws
    asyncio.run(aws.__aexit__(None, None, None))
