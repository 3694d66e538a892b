"""Fixtures that many tests share: databases of both engines, a clock that tests move, a wired core without edges."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.clock import SystemClock
from bot.store.database import Database
from bot.store.schema import upgrade
from bot.store.sql import Store
from tests.support.core import Core, build
from tests.support.postgres import PostgresServer, missing_server


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A real server on a free port, started by the tests. Missing: a failure under CI, a skip on a laptop."""
    if reason := missing_server():
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with PostgresServer(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> str:
    """The name of a database with all tables, to be copied: migrating anew for every test would take minutes."""

    async def migrate(url: str) -> None:
        database = Database(url, SystemClock())
        await upgrade(database)
        await database.close()

    url = postgres_server.new_database()
    asyncio.run(migrate(url))
    return url.rsplit("/", 1)[1]


@pytest.fixture
def clock() -> SystemClock:
    return SystemClock()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'lifeboat.db'}"
    template: str = request.getfixturevalue("postgres_template")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_database(template)


@pytest.fixture
async def store(database_url: str, clock: SystemClock) -> AsyncIterator[Store]:
    database = Database(database_url, clock)
    await upgrade(database)
    yield Store(database)
    await database.close()


@pytest.fixture
def core(store: Store, clock: SystemClock) -> Core:
    return build(store, clock)
