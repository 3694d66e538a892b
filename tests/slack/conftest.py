from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.clock import SystemClock
from bot.store.sql import Store
from tests.slack.office import Office, open_office


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """What Slack sees does not depend on the engine: the stores of both have their own tests."""
    return f"sqlite:///{tmp_path / 'lifeboat.db'}"


@pytest.fixture
async def office(store: Store, clock: SystemClock) -> AsyncIterator[Office]:
    async with open_office(store, clock) as opened:
        yield opened
