import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from bot.clock import SystemClock
from bot.errors import Unavailable
from bot.jobs import SERVING, Lane
from bot.store.database import Database


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite:///{tmp_path}/turns.db", SystemClock())
    async with database.begin() as (connection, _):
        await connection.execute(text("CREATE TABLE notes (text TEXT UNIQUE)"))
    yield database
    await database.close()


async def _write(database: Database, note: str, *, fail: Exception | None = None, lane: Lane | None = None) -> None:
    SERVING.set(lane)
    async with database.begin() as (connection, _):
        await connection.execute(text("INSERT INTO notes VALUES (:note)"), {"note": note})
        await asyncio.sleep(0)  # the others come to wait
        if fail:
            raise fail


def _on_disk(database: Database) -> list[str]:
    """As another process sees it: only what was committed."""
    with closing(sqlite3.connect(database.file)) as other:
        return [note for (note,) in other.execute("SELECT text FROM notes ORDER BY rowid")]


def _commits(database: Database) -> list[Any]:
    counted: list[Any] = []
    event.listen(database.engine, "commit", counted.append)
    return counted


async def test_those_who_wait_share_a_commit_and_are_on_disk_when_they_return(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.store.turns._LONGEST_ROW", 60)  # however slow this machine is
    commits = _commits(database)

    async def write(note: str) -> None:
        await _write(database, note)
        assert note in _on_disk(database)

    await asyncio.gather(*(write(str(number)) for number in range(20)))
    assert len(commits) == 1


async def test_a_row_that_has_waited_long_is_committed_though_others_come(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.store.turns._LONGEST_ROW", 0)
    commits = _commits(database)
    await asyncio.gather(*(_write(database, str(number)) for number in range(5)))
    assert len(commits) == 5


@pytest.mark.parametrize("bad", [0, 1, 4])
async def test_one_that_fails_undoes_only_itself(database: Database, bad: int) -> None:
    notes = [_write(database, str(number), fail=ValueError() if number == bad else None) for number in range(5)]
    answers = await asyncio.gather(*notes, return_exceptions=True)
    assert [type(answer) for answer in answers] == [ValueError if n == bad else type(None) for n in range(5)]
    assert _on_disk(database) == [str(number) for number in range(5) if number != bad]


async def test_one_that_is_cancelled_takes_nobody_with_it(database: Database) -> None:
    inside = asyncio.Event()

    async def dawdle() -> None:
        async with database.begin() as (connection, _):
            await connection.execute(text("INSERT INTO notes VALUES ('cancelled')"))
            inside.set()
            await asyncio.Event().wait()

    first = asyncio.create_task(_write(database, "first"))
    cancelled = [asyncio.create_task(dawdle()), asyncio.create_task(_write(database, "never began"))]
    last = asyncio.create_task(_write(database, "last"))
    await inside.wait()
    for task in cancelled:
        task.cancel()
    await asyncio.gather(first, last)
    await asyncio.gather(*cancelled, return_exceptions=True)
    assert _on_disk(database) == ["first", "last"]


async def test_one_that_is_cancelled_while_the_disk_is_waited_for_is_written_all_the_same(database: Database) -> None:
    begun = asyncio.Event()
    event.listen(database.engine, "commit", lambda _: loop.call_soon_threadsafe(begun.set))
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(_write(database, "note"))
    await begun.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await _write(database, "next")
    assert _on_disk(database) == ["note", "next"]


async def test_when_the_commit_fails_everybody_in_the_row_hears_it_and_the_next_one_works(database: Database) -> None:
    broken = True

    @event.listens_for(database.engine, "commit")
    def fails(_: Any) -> None:
        if broken:
            raise OperationalError("COMMIT", None, sqlite3.OperationalError("database or disk is full"))

    answers = await asyncio.gather(*(_write(database, str(n)) for n in range(3)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [Unavailable] * 3
    broken = False
    await _write(database, "next")
    assert _on_disk(database) == ["next"]


async def test_when_a_savepoint_is_gone_the_whole_row_is_refused_and_nothing_of_it_is_written(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.store.turns._LONGEST_ROW", 60)

    async def lose() -> None:
        async with database.begin() as (connection, _):
            # What SQLite does by itself when the disk is full: it ends the transaction and with it every savepoint.
            await connection.exec_driver_sql("ROLLBACK")
            raise ValueError

    answers = await asyncio.gather(_write(database, "first"), lose(), return_exceptions=True)
    assert [type(answer) for answer in answers] == [Unavailable, ValueError]
    await _write(database, "next")
    assert _on_disk(database) == ["next"]


async def test_who_is_in_a_hurry_goes_first(database: Database) -> None:
    lanes = (Lane.BULK, Lane.SLACK, Lane.TIMER, Lane.AWS, Lane.PAGE)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(database.begin())
        tasks = [asyncio.create_task(_write(database, lane.name, lane=lane)) for lane in lanes]
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert _on_disk(database) == [lane.name for lane in reversed(lanes)]


async def test_a_card_that_has_waited_its_patience_out_goes_before_a_page_that_has_just_come(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = 0.0
    monkeypatch.setattr("bot.store.turns._seconds", lambda: seconds)
    async with database.begin():
        card = asyncio.create_task(_write(database, "card", lane=Lane.SLACK))
        await asyncio.sleep(0)
        seconds = 0.06
        page = asyncio.create_task(_write(database, "page", lane=Lane.PAGE))
        await asyncio.sleep(0)
    await asyncio.gather(card, page)
    assert _on_disk(database) == ["card", "page"]


async def test_a_file_that_another_process_has_locked_is_waited_for_and_the_loop_goes_on(database: Database) -> None:
    with closing(sqlite3.connect(database.file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        task = asyncio.create_task(_write(database, "note"))
        for _ in range(3):
            await asyncio.sleep(0.01)  # a loop that stood still would never come to the COMMIT below
        assert not task.done()
        other.execute("COMMIT")
    await task
    assert _on_disk(database) == ["note"]


async def test_a_file_that_stays_locked_is_unavailable(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.store.turns._LONGEST_LOCK", 0.02)
    with closing(sqlite3.connect(database.file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="locked"):
            await _write(database, "note")
        other.execute("COMMIT")
    await _write(database, "later")
    assert _on_disk(database) == ["later"]


async def test_what_only_reads_waits_for_no_disk(database: Database) -> None:
    threads: list[Any] = []
    event.listen(database.engine, "commit", lambda _: threads.append(_thread()))
    async with database.begin() as (connection, _):
        await connection.execute(text("SELECT * FROM notes"))
    await _write(database, "note")
    assert threads[0] == "MainThread" != threads[1]


def _thread() -> str:
    import threading

    return threading.current_thread().name
