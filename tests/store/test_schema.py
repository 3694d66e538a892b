import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlmodel import SQLModel

from bot.clock import SystemClock
from bot.errors import Missing, Unavailable
from bot.store import schema, tables
from bot.store.database import Database
from tests.support.postgres import PostgresServer


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_database()


@pytest.fixture
async def empty(empty_url: str) -> Database:
    database = Database(empty_url, SystemClock())
    yield database  # type: ignore[misc]  # a fixture
    await database.close()


def _names(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


async def test_an_empty_database_gets_its_tables_and_a_second_start_changes_nothing(empty: Database) -> None:
    assert await schema.upgrade(empty) == (None, schema.head())
    assert await schema.upgrade(empty) == (schema.head(), schema.head())
    async with empty.begin() as (connection, _):
        assert {"jobs", "incidents", "inbox", "runs"} <= await connection.run_sync(_names)


def test_the_newest_migration_by_its_files_name_is_the_newest_for_alembic() -> None:
    assert ScriptDirectory.from_config(schema._config()).get_current_head() == schema.head()


async def test_the_models_and_the_migrations_agree(empty: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, SQLModel.metadata))

    await schema.upgrade(empty)
    async with empty.begin() as (connection, _):
        assert await connection.run_sync(differences) == []
    assert tables


async def test_a_database_of_a_newer_version_is_refused_and_left_as_it_is(empty: Database) -> None:
    await schema.upgrade(empty)
    async with empty.begin() as (connection, _):
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Missing, match=r"revision 9999.*Upgrade Lifeboat"):
        await schema.upgrade(empty)
    async with empty.begin() as (connection, _):
        assert (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar_one() == "9999"


async def test_the_migrations_can_be_taken_back(empty: Database) -> None:
    await schema.upgrade(empty)
    async with empty.begin() as (connection, _):
        await connection.run_sync(lambda sync: command.downgrade(schema._config(sync), "base"))
        assert await connection.run_sync(_names) == {"alembic_version"}
    assert await schema.upgrade(empty) == (None, schema.head())


_START = """
import asyncio, sys
from bot.clock import SystemClock
from bot.store.database import Database
from bot.store.schema import upgrade

async def main():
    database = Database(sys.argv[1], SystemClock())
    print("ready", flush=True)
    sys.stdin.readline()
    await upgrade(database)
    await database.close()

asyncio.run(main())
"""


def test_two_processes_that_start_together_on_an_empty_database_do_not_collide(empty_url: str) -> None:
    starts = [
        subprocess.Popen([sys.executable, "-c", _START, empty_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]  # fmt: skip
    for process in starts:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    ends = [process.communicate("go\n") for process in starts]
    assert [(process.returncode, end[1]) for process, end in zip(starts, ends, strict=True)] == [(0, "")] * 2


async def test_a_database_that_does_not_answer_is_told_as_such(tmp_path: Path) -> None:
    nowhere = Database("postgresql://nobody@127.0.0.1:1/none", SystemClock())
    with pytest.raises(Unavailable, match="does not answer"):
        await schema.upgrade(nowhere)
    await nowhere.close()
    no_folder = Database(f"sqlite:///{tmp_path}/missing/lifeboat.db", SystemClock())
    with pytest.raises(Unavailable, match="unable to open"):
        await schema.upgrade(no_folder)
    await no_folder.close()
    for thread in threading.enumerate():
        if "_connection_worker_thread" in thread.name:  # aiosqlite's: it still reports to this loop
            await asyncio.to_thread(thread.join)
