"""What the playbook engine costs: each step beside as many bare commits, many runs at once, and a graph that is wide.

The engine and the worker run in this process, without Slack and without AWS: their calls return at once, or say when to look
again. Floor: as many commits of one bare row as a step needs, on the same database. A step needs three (it is leased, its
intent is written, its result is); the tests' PostgreSQL runs without fsync, so there a commit costs no disk.
"""

import asyncio
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import text

from benchmarks.result import Result
from benchmarks.stand import Stand
from bot import jobs
from bot.clock import SystemClock
from bot.config import Config
from bot.errors import phrase
from bot.incident.hands import Hands
from bot.incident.planner import Planner
from bot.incident.playbook_runs import PlaybookRuns
from bot.incident.run import ENDED
from bot.incident.step_runner import StepRunner
from bot.playbook.action import Action, Attempt, Aws, Call, Done, Params, Progress, StepPlan, Working, action
from bot.playbook.model import Playbook
from bot.pool import ThreadPool
from bot.store.database import Database
from bot.store.schema import upgrade
from bot.store.sql import Store
from tests.support.core import Core, alarm, build, example_people
from tests.support.postgres import PostgresServer, missing_server

#: As in bot/app.py.
_THREADS = 5
_COMMITS = 3
_GIVE_UP = 900.0
_LEFT = text("SELECT count(*) FROM runs WHERE ended_at IS NULL")


class Takes(Params):
    seconds: float = 0.0


@action(
    "bench.wait", Takes, permissions=("bench:Wait",), plane="control", changes="Nothing.", undo="Nothing.",
    recognised_by="nothing",
)  # fmt: skip
class Wait:
    """Over at once, or so many seconds after it has begun."""

    def plan(self, params: Takes, aws: Aws, attempt: Attempt) -> StepPlan:  # noqa: ARG002  # as every action
        return StepPlan((Call("bench", "Wait", {}),))

    def act(self, params: Takes, aws: Aws, attempt: Attempt) -> Progress:
        if params.seconds:
            return Working(phrase("waiting"), timedelta(seconds=params.seconds))
        return self.look(params, aws, attempt)

    def look(self, params: Takes, aws: Aws, attempt: Attempt) -> Progress:  # noqa: ARG002  # as above
        return Done(phrase("done"))


_ACTIONS: Mapping[str, Action] = {"bench.wait": Wait()}


class _Nowhere:
    region = "us-east-1"

    def client(self, service: str, region: str | None = None) -> Any:
        raise NotImplementedError


@dataclass
class Bench:
    """A wired core with one incident."""

    core: Core
    incident: str

    async def approved(self, count: int) -> Sequence[str]:
        """Ask for so many runs and have them planned; approve them all, which starts them. Their ids."""
        ids = []
        for _ in range(count):
            async with self.core.store.begin() as tx:
                ids.append((await self.core.runs.request(tx, self.incident, "bench", {}, "mina")).id)
        await self.core.worker.drain()
        for run in ids:
            async with self.core.store.begin() as tx:
                await self.core.runs.approve(tx, run, (await tx.runs.get(run)).plan_hash or "", "mina")
        return ids

    async def works_off(self, ids: Sequence[str]) -> float:
        """Seconds until the last of them has ended, with the real worker."""
        begun, last = time.monotonic(), time.monotonic()
        worker = asyncio.create_task(self.core.worker.run())
        left = len(ids)
        while left and last - begun < _GIVE_UP:
            await asyncio.sleep(0.05 if len(ids) == 1 else 0.2)  # looking costs, too
            async with self.core.store.begin() as tx:
                left = (await tx.jobs.connection.execute(_LEFT)).scalar_one()
                last = time.monotonic()
        self.core.worker.stop()
        await worker
        async with self.core.store.begin() as tx:
            ended = {(await tx.runs.peek(run)).status for run in ids}
        if ended - ENDED or ended != {"succeeded"}:
            raise RuntimeError(f"the runs have ended as {ended}")
        return last - begun


def run(stand: Stand, *, quick: bool) -> Sequence[Result]:
    results: list[Result] = []
    with _databases(stand) as databases:
        for engine, new in databases.items():
            results += _per_step(engine, new, 60 if quick else 100, 1 if quick else 3)
            results += _crowd(engine, new, 25 if quick else 500)
            for seconds in (0.5,) if quick else (0.5, 5.0):
                results += _wide(engine, new, 40, seconds, 1 if quick else 3)
    return results


def _per_step(engine: str, new: Callable[[], str], count: int, rounds: int) -> Sequence[Result]:
    """One run, one step after the other."""
    chain = _playbook([{"id": f"s{n}", "action": "bench.wait", "irreversible": "a bench"} for n in range(count)])
    walls, cpus, floors, floor_cpus = [], [], [], []
    for _ in range(rounds):
        wall, cpu = _timed(lambda: _ends(new(), chain, 1))
        walls.append(wall / count * 1e3)
        cpus.append(cpu / count * 1e3)
        wall, cpu = _bare_commits(new(), count * _COMMITS)
        floors.append(wall / count * 1e3)
        floor_cpus.append(cpu / count * 1e3)
    return [
        Result(f"a step of a playbook, {engine}", "ms", walls, floors),
        Result("  processor", "ms", cpus, floor_cpus),
    ]


def _crowd(engine: str, new: Callable[[], str], count: int) -> Sequence[Result]:
    """Runs of 20 steps, four side by side, all started at once."""
    steps: list[dict[str, Any]] = []
    for level in range(5):
        before = [f"s{level - 1}-{n}" for n in range(4)] if level else []
        steps += [
            {"id": f"s{level}-{n}", "needs": before, "action": "bench.wait", "irreversible": "-"} for n in range(4)
        ]
    wall, cpu = _timed(lambda: _ends(new(), _playbook(steps), count))
    floor, _ = _bare_commits(new(), count * 20 * _COMMITS)
    return [
        Result(f"{count} runs of 20 steps at once, {engine}, until the last ends", "s", [wall], [floor]),
        Result("  steps in a second", "/s", [count * 20 / wall], [count * 20 / floor], better="more"),
        Result("  processor for a step", "ms", [cpu / count / 20 * 1e3]),
    ]


def _wide(engine: str, new: Callable[[], str], width: int, seconds: float, rounds: int) -> Sequence[Result]:
    """One, then many side by side, then one; each waits so long for AWS. Floor: the critical path."""
    one = {"action": "bench.wait", "with": {"seconds": seconds}, "irreversible": "a bench"}
    middle = [f"m{n}" for n in range(width)]
    steps = [
        {"id": "first", **one}, *({"id": id_, "needs": ["first"], **one} for id_ in middle),
        {"id": "last", "needs": middle, **one},
    ]  # fmt: skip
    took = [_timed(lambda: _ends(new(), _playbook(steps), 1)) for _ in range(rounds)]
    what = f"1, then {width} side by side, then 1, of {seconds:g} s, {engine}"
    return [
        Result(what, "s", [wall for wall, _ in took], [seconds * 3], ratio_aim=1.1),
        Result("  processor", "s", [cpu for _, cpu in took]),
    ]


_TOOK: list[tuple[float, float]] = []


def _timed(work: Callable[[], Any]) -> tuple[float, float]:
    """(wall, processor) seconds of what the work itself says it measured."""
    work()
    return _TOOK.pop()


def _ends(url: str, playbook: Playbook, count: int) -> None:
    asyncio.run(_ending(url, playbook, count))


async def _ending(url: str, playbook: Playbook, count: int) -> None:
    async with _bench(url, playbook) as bench:
        ids = await bench.approved(count)
        cpu = time.process_time()
        wall = await bench.works_off(ids)
        _TOOK.append((wall, time.process_time() - cpu))


@asynccontextmanager
async def _bench(url: str, playbook: Playbook) -> AsyncIterator[Bench]:
    clock = SystemClock()
    database = Database(url, clock)
    await upgrade(database)
    store, playbooks = Store(database), {"bench": playbook}
    hands = Hands(_ACTIONS, {}, lambda _: _Nowhere(), ThreadPool(_THREADS))
    runs = PlaybookRuns(Config(), example_people(), playbooks)
    effects = {jobs.PLAN_RUN: Planner(store, runs, hands).plan, jobs.STEP: StepRunner(store, runs, hands).step}
    core = build(store, clock, config=Config(), playbooks=playbooks, effects=effects)
    await core.raise_alarm(alarm())
    await core.worker.drain()
    incident = await core.only()
    async with store.begin() as tx:
        await core.responder.acknowledge(tx, incident.id, "mina")
    yield Bench(core, incident.id)
    await database.close()


def _playbook(steps: Sequence[Mapping[str, Any]]) -> Playbook:
    return Playbook.model_validate(
        {
            "name": "bench", "title": {"en": "Bench", "ko": "측정"}, "tier": 1, "targets": {"rto": "30m", "rpo": "5m"},
            "approval": {"people": 1, "expires": "2h"}, "steps": steps,
        }
    )  # fmt: skip


def _bare_commits(url: str, count: int) -> tuple[float, float]:
    """(wall, processor) seconds for so many transactions that write one row each."""
    body = "x" * 1_000
    begun, cpu = time.monotonic(), time.process_time()
    if url.startswith("sqlite"):
        _bare_sqlite(Path(url.removeprefix("sqlite:///")), count, body)
    else:
        with psycopg.connect(url, autocommit=True) as postgres:
            postgres.execute("CREATE TABLE rows (id bigserial PRIMARY KEY, body text)")
            for _ in range(count):
                postgres.execute("INSERT INTO rows (body) VALUES (%s)", (body,))
    return time.monotonic() - begun, time.process_time() - cpu


def _bare_sqlite(file: Path, count: int, body: str) -> None:
    connection = sqlite3.connect(file, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, body TEXT)")
    for _ in range(count):
        connection.execute("INSERT INTO rows (body) VALUES (?)", (body,))
    connection.close()


@contextmanager
def _databases(stand: Stand) -> Iterator[Mapping[str, Callable[[], str]]]:
    """The URL of an empty database, by engine."""
    sqlite = {"SQLite": lambda: f"sqlite:///{stand.database()}"}
    if missing_server():
        yield sqlite
        return
    folder = stand.database().with_suffix(".postgres")
    folder.mkdir()
    with PostgresServer(folder) as server:
        yield {**sqlite, "PostgreSQL": server.new_database}
    shutil.rmtree(folder)
