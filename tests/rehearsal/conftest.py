"""The shop of the rehearsals, laid down once for each module that needs it; its clock stands still."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.emulator import EmulatedAws
from bot.rehearsal.estate import Estate

TONIGHT = datetime(2026, 11, 23, 3, tzinfo=UTC)


@pytest.fixture(scope="module")
def estate() -> Iterator[Estate]:
    aws = EmulatedAws(clock=Clock(start=TONIGHT))
    asyncio.run(aws.__aenter__())
    estate = Estate(aws)
    estate.build()
    yield estate
    asyncio.run(aws.__aexit__(None, None, None))
