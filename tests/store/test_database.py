import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bot.clock import SystemClock
from bot.errors import Missing, Unavailable
from bot.jobs import Lane
from bot.store.database import Database
from bot.store.sql import Store

_HOLDER = """
import sys
from bot.clock import SystemClock
from bot.store.database import Database
database = Database(sys.argv[1], SystemClock())
database.lock_file()
print("held", flush=True)
sys.stdin.readline()
"""


def test_a_second_process_on_one_file_is_refused_and_told_which_process_holds_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/lifeboat.db"
    database = Database(url, SystemClock())
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Missing) as caught:
            database.lock_file()
        for word in (f"process {holder.pid}", "lifeboat.db", "Stop it", "LIFEBOAT_DATABASE_URL"):
            assert word in str(caught.value)
    finally:
        holder.kill()
        holder.communicate()
    database.lock_file()  # a dead process holds nothing
    database.lock_file()  # ours already
    database.unlock_file()


def test_a_file_that_cannot_be_made_is_told_with_the_variable_to_correct(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="LIFEBOAT_DATABASE_URL"):
        Database(f"sqlite:///{tmp_path}/missing/lifeboat.db", SystemClock()).lock_file()


async def test_when_every_connection_is_in_use_the_caller_hears_unavailable(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = store.database.engine.pool
    monkeypatch.setattr(pool, "_timeout", 0.05)  # half a minute otherwise
    async with AsyncExitStack() as stack:
        for _ in range(pool.size() + pool._max_overflow):  # type: ignore[attr-defined]  # a QueuePool on both
            await stack.enter_async_context(store.begin())
        with pytest.raises(Unavailable, match="in use"):
            async with store.begin():
                pass


async def test_a_replica_that_writes_work_wakes_the_others(store: Store) -> None:
    from bot.jobs import PAGE, NewJob

    woken: list[frozenset[Lane]] = []
    store.database.when_jobs_come(woken.append)
    async with store.begin() as tx:
        await tx.jobs.add(NewJob(PAGE))
    assert frozenset({Lane.PAGE}) in woken
    with pytest.raises(ZeroDivisionError):
        async with store.begin() as tx:
            await tx.jobs.add(NewJob(PAGE))
            raise ZeroDivisionError
    assert len(woken) == 1
