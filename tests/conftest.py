"""Fixtures that many tests share: databases of both engines, a clock that tests move, a wired core without edges."""

import asyncio
import gc
import os
import shutil
import sys
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import pytest
import structlog

from bot.clock import SystemClock
from bot.store.database import Database
from bot.store.schema import upgrade
from bot.store.sql import Store
from tests.support.core import Core, build
from tests.support.postgres import PostgresServer, missing_server

# structlog's own default draws every traceback with its variables, which costs more than most tests.
structlog.configure(
    processors=[
        structlog.processors.add_log_level, structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer(),
    ]
)  # fmt: skip


# Thousands of tests leave a million objects that live to the end (AWS's models, for one), and the collector would walk all of
# them again and again.
gc.set_threshold(50_000, 20, 50)


def pytest_collection_finish() -> None:
    """What has been imported by now is never garbage."""
    if "bot.rehearsal.aws.emulator" in sys.modules:  # moto takes a second to import: not for who does not need it
        from tests.support import reply_shapes

        reply_shapes.watch()
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    """A test in which the emulated AWS answered what AWS cannot answer has failed, whatever it was about."""
    result = yield
    if shapes := sys.modules.get("tests.support.reply_shapes"):
        shapes.judge()
    return result


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Modules that judge decisions and not statements say `ONE_ENGINE`: what they need of SQL others test on both.

    Long nights that are `told_again` are played with REHEARSALS=all.
    """
    gone = {one for one in items if _is_of_one_engine(one) and one.get_closest_marker("postgres")}
    if os.environ.get("REHEARSALS") != "all":
        gone |= {one for one in items if one.get_closest_marker("told_again")}
    if gone:
        config.hook.pytest_deselected(items=list(gone))
        items[:] = [one for one in items if one not in gone]


def _is_of_one_engine(item: pytest.Item) -> bool:
    return isinstance(item, pytest.Function) and getattr(item.module, "ONE_ENGINE", False)


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
    url = postgres_server.new_database()
    asyncio.run(_migrate(url))
    return url.rsplit("/", 1)[1]


async def _migrate(url: str) -> None:
    database = Database(url, SystemClock())
    await upgrade(database)
    await database.close()


@pytest.fixture
def clock() -> SystemClock:
    return SystemClock()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with all tables, to be copied."""
    file = tmp_path_factory.mktemp("sqlite") / "template.db"
    asyncio.run(_migrate(f"sqlite:///{file}"))
    return file


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with all tables. For one engine only: `@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)`."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "lifeboat.db")
        return f"sqlite:///{tmp_path / 'lifeboat.db'}"
    template: str = request.getfixturevalue("postgres_template")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_database(template)


@pytest.fixture
async def store(database_url: str, clock: SystemClock) -> AsyncIterator[Store]:
    database = Database(database_url, clock)
    yield Store(database)
    await database.close()


@pytest.fixture
def core(store: Store, clock: SystemClock) -> Core:
    return build(store, clock)
