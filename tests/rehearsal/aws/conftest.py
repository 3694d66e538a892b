"""An emulated AWS whose clock stands still until the test moves it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.emulator import EmulatedAws

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
async def aws() -> AsyncIterator[EmulatedAws]:
    async with EmulatedAws(clock=Clock(start=NOON)) as running:
        yield running
