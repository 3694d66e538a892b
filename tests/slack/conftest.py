import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.clock import SystemClock
from bot.playbook.loading import load
from bot.store.database import Database
from bot.store.schema import upgrade
from bot.store.sql import Store
from tests.slack.front import Front, open_front
from tests.slack.office import Office, open_office

PLAYBOOKS = dict(load(Path(__file__).parents[2] / "playbooks"))


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with its tables, to be copied: making them takes longer than most of the tests here."""
    file = tmp_path_factory.mktemp("slack") / "empty.db"

    async def make() -> None:
        database = Database(f"sqlite:///{file}", SystemClock())
        await upgrade(database)
        await database.close()

    asyncio.run(make())
    return file


@pytest.fixture
async def store(empty_database: Path, tmp_path: Path, clock: SystemClock) -> AsyncIterator[Store]:
    """On SQLite only: what Slack sees does not depend on the engine, and the stores of both have their own tests."""
    shutil.copy(empty_database, tmp_path / "lifeboat.db")
    database = Database(f"sqlite:///{tmp_path / 'lifeboat.db'}", clock)
    yield Store(database)
    await database.close()


@pytest.fixture
async def office(store: Store, clock: SystemClock) -> AsyncIterator[Office]:
    async with open_office(store, clock) as opened:
        yield opened


@pytest.fixture
async def front(store: Store, clock: SystemClock) -> AsyncIterator[Front]:
    async with open_front(store, clock, playbooks=PLAYBOOKS) as opened:
        yield opened
