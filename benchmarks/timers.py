"""Ten thousand escalation timers that are due in the same second: how late the next level is paged.

The open incidents are laid down directly in the store, as they stand when level 1 was paged and nobody has answered.
Lateness is seen from outside: when another connection sees that a timer is done, its transaction is on disk.
"""

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.result import Result, percentile
from benchmarks.stand import Server, Stand
from bot.config import load
from bot.core import open_core
from bot.incident.incident import Incident, new_id
from bot.jobs import ESCALATE, NewJob
from bot.settings import Settings
from escalation.policy import freeze

_TOGETHER = 500
#: Between laying them down and their time, so that the bot is up and idle by then.
_AHEAD = timedelta(seconds=5)
_GIVE_UP = 120.0


@dataclass
class Watched:
    """Seconds after the due time, for each timer; the most memory and threads on the way."""

    lateness: Sequence[float]
    memory: float
    threads: int


def run(stand: Stand, *, quick: bool) -> Sequence[Result]:
    count, rounds = (2_000, 1) if quick else (10_000, 3)
    ours, floors = [], []
    for _ in range(rounds):
        floors.append(_floor(stand.database(), count))
        database = stand.database()
        asyncio.run(_lay_down(stand, database, count))
        with stand.bot(database) as bot:
            ours.append(_watch(bot, _make_due(bot.database)))
    return [
        Result(f"{count:,} timers at once, all done", "s", [max(one.lateness) for one in ours], floors, aim=10),
        Result("  lateness, p50", "s", [percentile(one.lateness, 0.5) for one in ours]),
        Result("  lateness, p99", "s", [percentile(one.lateness, 0.99) for one in ours]),
        Result("  most memory", "MB", [one.memory for one in ours]),
        Result("  most threads", "", [one.threads for one in ours], aim=12),
    ]


async def _lay_down(stand: Stand, database: Path, count: int) -> None:
    """Incidents at level 1 whose timers are far off; `_make_due` brings them near."""
    environment = stand.environment(database, 0)
    settings = Settings(config=Path(environment["LIFEBOAT_CONFIG"]), database_url=environment["LIFEBOAT_DATABASE_URL"])
    core = await open_core(settings)
    now = datetime.now(UTC)
    chain = freeze(core.directory, core.directory.policy("default"), now)
    targets = load(Path(environment["LIFEBOAT_CONFIG"])).targets
    for first in range(0, count, _TOGETHER):
        incidents = [
            Incident(
                id=new_id(), title=f"bench-{number:06}", kind="metric", started_at=now, rto=targets.rto,
                rpo=targets.rpo, chain=chain, level=1, cycle=1, timer=1, open_key=f"bench-{number:06}",
                channel=f"C{number:06}",
            )
            for number in range(first, min(first + _TOGETHER, count))
        ]  # fmt: skip
        later = now + timedelta(days=1)
        async with core.store.begin() as tx:
            await tx.incidents.insert(incidents)
            await tx.jobs.add(*(NewJob(ESCALATE, {"incident": i.id, "timer": 1}, later) for i in incidents))
    await core.close()


def _make_due(database: Path) -> datetime:
    """All of them become due at one instant, soon. Returns it."""
    due = datetime.now(UTC) + _AHEAD
    with sqlite3.connect(database, timeout=10) as connection:
        connection.execute("UPDATE jobs SET due_at = ? WHERE kind = 'escalate'", (_text(due),))
    connection.close()
    return due


def _watch(bot: Server, due: datetime) -> Watched:
    """Look often until no timer of then is left."""
    reader = sqlite3.connect(f"file:{bot.database}?mode=ro", uri=True, timeout=10)
    open_ones = "SELECT count(*) FROM jobs WHERE kind = 'escalate' AND due_at = ?"
    left = reader.execute(open_ones, (_text(due),)).fetchone()[0]
    lateness: list[float] = []
    memory, threads = bot.memory, bot.threads
    end = time.monotonic() + _AHEAD.total_seconds() + _GIVE_UP
    while left and time.monotonic() < end:
        time.sleep(0.02)
        now = reader.execute(open_ones, (_text(due),)).fetchone()[0]
        late = (datetime.now(UTC) - due).total_seconds()
        lateness += [late] * (left - now)
        left = now
        memory, threads = max(memory, bot.memory), max(threads, bot.threads)
    reader.close()
    return Watched(lateness + [float("inf")] * left, memory, threads)


def _text(instant: datetime) -> str:
    """As the store writes it (`bot.store.tables.Instant`)."""
    return instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _floor(database: Path, count: int) -> float:
    """The same rows by raw sqlite3: each timer removed, its incident changed, a page, a line and three jobs written."""
    connection = sqlite3.connect(database, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
    for table in ("jobs", "incidents", "pages", "timeline"):
        connection.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, level INTEGER DEFAULT 1, body TEXT)")
    body = "x" * 1_500
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO incidents (id, body) VALUES (?, ?)", ((n, body) for n in range(count)))
    connection.executemany("INSERT INTO jobs (id, body) VALUES (?, ?)", ((n, body[:100]) for n in range(count)))
    connection.execute("COMMIT")
    begun = time.monotonic()
    for first in range(0, count, 400):
        some = [(number,) for number in range(first, min(first + 400, count))]
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("DELETE FROM jobs WHERE id = ?", some)
        connection.executemany("UPDATE incidents SET level = 2 WHERE id = ?", some)
        connection.executemany("INSERT INTO pages (body) VALUES (?)", [(body[:300],)] * len(some))
        connection.executemany("INSERT INTO timeline (body) VALUES (?)", [(body[:200],)] * len(some))
        connection.executemany("INSERT INTO jobs (body) VALUES (?)", [(body[:100],)] * 3 * len(some))
        connection.execute("COMMIT")
    took = time.monotonic() - begun
    connection.close()
    return took
