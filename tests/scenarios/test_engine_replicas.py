"""Two replicas on one PostgreSQL, and people who press the same thing, or its opposite, on both in the same moment."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from bot.clock import SystemClock
from bot.config import Config
from bot.errors import NotFound, Refused
from bot.incident.hands import Hands
from bot.incident.planner import Planner
from bot.incident.playbook_runs import PlaybookRuns
from bot.incident.run import Run
from bot.incident.step_runner import StepRunner
from bot.jobs import PLAN_RUN, STEP, Lane
from bot.playbook.model import Playbook
from bot.pool import ThreadPool
from bot.store.database import Database
from bot.store.sql import Store
from tests.support.actions import ACTIONS, CHECKS, Cloud, failed, playbook
from tests.support.core import Core, alarm, build, example_people
from tests.support.postgres import PostgresServer

pytestmark = [pytest.mark.postgres, pytest.mark.xdist_group("replicas"), pytest.mark.timeout(240)]

ROUNDS = 6
UNDO = 'undo: {action: thing.unmake, with: {name: "{{ thing }}-%s"}}'
STEPS = f"""\
  - {{id: left, needs: [], action: thing.make, with: {{name: "{{{{ thing }}}}-left"}}, {UNDO % "left"}}}
  - {{id: right, needs: [], action: thing.make, with: {{name: "{{{{ thing }}}}-right"}}, {UNDO % "right"}}}
  - id: cut
    needs: [left, right]
    ask: {{en: Cut over?, ko: 전환할까요?}}
    action: thing.make
    with: {{name: "{{{{ thing }}}}-cut"}}
    {UNDO % "cut"}
"""
ONE = '  - {id: left, action: thing.make, with: {name: "{{ thing }}"}, irreversible: a test}\n'


class Replica:
    """A process of its own, but for the process: its own connections, worker, verbs and threads."""

    def __init__(self, url: str, clock: SystemClock, cloud: Cloud, playbooks: dict[str, Playbook], name: str) -> None:
        self.database = Database(url, clock)
        self.store = Store(self.database)
        self.runs = PlaybookRuns(Config(), example_people(), playbooks)
        hands = Hands(ACTIONS, CHECKS, lambda _: cloud, ThreadPool(3))
        planner, runner = Planner(self.store, self.runs, hands), StepRunner(self.store, self.runs, hands)
        effects = {PLAN_RUN: planner.plan, STEP: runner.step}
        self.core: Core = build(self.store, clock, config=Config(), playbooks=playbooks, effects=effects)
        self.core.worker.owner = name

    async def verb(self, name: str, *given: Any, **more: Any) -> Run | Exception:
        """What the verb gave, or why it did not."""
        try:
            async with self.store.begin() as tx:
                return await getattr(self.runs, name)(tx, *given, **more)  # type: ignore[no-any-return]
        except (Refused, NotFound) as error:
            return error


class Pair:
    """Both replicas, one cloud, one incident."""

    def __init__(self, url: str, clock: SystemClock, playbooks: dict[str, Playbook]) -> None:
        self.cloud, self.clock = Cloud(), clock
        self.both = [Replica(url, clock, self.cloud, playbooks, name) for name in ("one", "other")]
        self.incident = ""

    async def begin(self) -> "Pair":
        await self.both[0].core.raise_alarm(alarm())
        self.incident = (await self.both[0].core.only()).id
        return self

    async def drain(self) -> None:
        """Both work at the same time, until neither finds anything."""
        while any(await asyncio.gather(*(one.core.worker.drain((Lane.TIMER, Lane.AWS)) for one in self.both))):
            pass

    async def planned(self, name: str = "mend", **given: str) -> Run:
        run = await self.both[0].verb("request", self.incident, name, given, "mina")
        assert isinstance(run, Run)
        await self.drain()
        return await self.now(run)

    async def now(self, run: Run) -> Run:
        async with self.both[0].store.begin() as tx:
            return await tx.runs.get(run.id)

    async def states(self, run: Run) -> dict[str, str]:
        async with self.both[0].store.begin() as tx:
            return {row.step: row.state for row in await tx.runs.steps(run.id)}

    async def on_both(self, *press: Any, **more: Any) -> list[Run | Exception]:
        """The same on both at once: no error but a refusal."""
        return list(await asyncio.gather(*(one.verb(*press, **more) for one in self.both)))

    async def once(self, *press: Any, **more: Any) -> None:
        """Of the same on both, one counts and the other is refused."""
        answers = await self.on_both(*press, **more)
        assert sorted(type(answer).__name__ for answer in answers) == ["Refused", "Run"], answers

    async def timeline(self) -> list[str]:
        return await self.both[0].core.timeline(self.incident)


def _named(name: str, **more: Any) -> Playbook:
    """It makes a thing of its own name."""
    return playbook(ONE.replace("{{ thing }}", name)).model_copy(update={"name": name, **more})


Made = Callable[..., Awaitable[Pair]]


@pytest.fixture
async def made(postgres_server: PostgresServer, postgres_template: str, clock: SystemClock) -> AsyncIterator[Made]:
    pairs: list[Pair] = []

    async def make(**playbooks: Playbook) -> Pair:
        pairs.append(Pair(postgres_server.new_database(postgres_template), clock, playbooks))
        return await pairs[-1].begin()

    yield make
    for pair in pairs:
        for one in pair.both:
            await one.database.close()


async def test_everything_pressed_on_both_at_once_has_one_effect(made: Made) -> None:
    for number in range(ROUNDS):
        pair = await made(mend=playbook(STEPS))
        pair.cloud.answers["act orders-left"] = [failed()]
        run = await pair.planned()
        await pair.once("approve", run.id, run.plan_hash or "", "mina")
        await pair.drain()
        assert (await pair.now(run)).status == "needs_person"
        await pair.once("press", run.id, "left", "retry", "jun")
        await pair.drain()
        await pair.once("press", run.id, "cut", "yes", "jun")
        await pair.drain()
        assert (await pair.now(run)).status == "succeeded", number
        assert pair.cloud.calls.count("act orders-cut") == 1
        assert set(pair.cloud.made.values()) == {f"{run.id}/left/2", f"{run.id}/right/1", f"{run.id}/cut/1"}
        await pair.once("undo", run.id, "sofia")
        await pair.drain()
        assert (await pair.now(run)).status == "undone"
        unmade = [call for call in pair.cloud.calls if call.startswith("unmake")]
        assert unmade[0] == "unmake orders-cut"
        assert len(unmade) == 3
        kinds = await pair.timeline()
        for once in (
            "run-approved",
            "run-started",
            "step-retry",
            "step-yes",
            "run-succeeded",
            "run-undoing",
            "run-undone",
        ):
            assert kinds.count(once) == 1, once


async def test_whatever_is_pressed_at_the_same_moment_one_thing_happens(made: Made) -> None:
    """Retry, skip, abort, undo, all at once on both, while both work: it ends in one of the ways, and nothing jams."""
    chance = random.Random(7)
    ends = set()
    for _ in range(ROUNDS):
        pair = await made(mend=playbook(STEPS))
        pair.cloud.answers["act orders-left"] = [failed()]
        run = await pair.planned()
        await pair.on_both("approve", run.id, run.plan_hash or "", "mina")
        await pair.drain()
        presses: list[Sequence[Any]] = [
            ("press", run.id, "left", "retry", "jun"), ("press", run.id, "left", "skip", "sofia", "by hand"),
            ("abort", run.id, "mina"), ("undo", run.id, "mina"), ("press", run.id, "cut", "yes", "jun"),
        ] * 2  # fmt: skip
        chance.shuffle(presses)
        answers = await asyncio.gather(
            *(one.verb(*press) for press in presses for one in pair.both), *(pair.drain() for _ in range(2))
        )
        assert any(isinstance(answer, Run) for answer in answers)
        await pair.drain()
        run = await pair.now(run)
        if not run.ended:
            await pair.once("abort", run.id, "mina")
            run = await pair.now(run)
        ends.add(run.status)
        assert run.status in {"succeeded", "undone", "aborted", "failed"}
        kinds = await pair.timeline()
        assert kinds.count("step-retry") + kinds.count("step-skip") <= 2  # the second only after the first failed again
        acts = [call for call in pair.cloud.calls if call.startswith("act orders-right")]
        assert len(acts) == 1
        assert not {"running", "waiting"} & set((await pair.states(run)).values()) or run.status in {"undone", "failed"}
    assert ends


async def test_of_two_runs_over_one_thing_that_start_at_the_same_moment_one_begins(made: Made) -> None:
    for _ in range(ROUNDS):
        pair = await made(mend=playbook(ONE))
        runs = [await pair.planned(), await pair.planned()]
        answers = await asyncio.gather(
            *(one.verb("approve", run.id, run.plan_hash, "mina") for one, run in zip(pair.both, runs, strict=True))
        )
        assert sorted(type(answer).__name__ for answer in answers) == ["Refused", "Run"], answers
        await pair.drain()
        assert pair.cloud.calls.count("act orders") == 1
        assert sorted([(await pair.now(run)).status for run in runs]) == ["planned", "succeeded"]


async def test_two_runs_over_different_things_begin_at_the_same_moment(made: Made) -> None:
    for _ in range(ROUNDS):
        pair = await made(mend=playbook(ONE))
        runs = [await pair.planned(), await pair.planned(thing="carts")]
        answers = await asyncio.gather(
            *(one.verb("approve", run.id, run.plan_hash, "mina") for one, run in zip(pair.both, runs, strict=True))
        )
        assert all(isinstance(answer, Run) for answer in answers), answers
        await pair.drain()
        assert sorted(pair.cloud.made) == ["carts", "orders"]


async def test_of_a_failover_and_its_failback_that_start_at_the_same_moment_one_begins(made: Made) -> None:
    """They touch different things, so that only their being opposites keeps them apart."""
    over = _named("over", excludes=("back",))
    back = _named("back")
    for _ in range(ROUNDS):
        pair = await made(over=over, back=back)
        runs = [await pair.planned("over"), await pair.planned("back")]
        answers = await asyncio.gather(
            *(one.verb("approve", run.id, run.plan_hash, "mina") for one, run in zip(pair.both, runs, strict=True))
        )
        assert sorted(type(answer).__name__ for answer in answers) == ["Refused", "Run"], answers
        await pair.drain()
        assert len(pair.cloud.made) == 1


async def test_many_runs_of_one_incident_do_not_jam_each_other(made: Made) -> None:
    """Timers take many runs in one transaction, people and steps one each; all of them draw the same card."""
    pair = await made(mend=playbook(STEPS.replace("{{ thing }}", "{{ incident.id }}{{ thing }}")))
    runs = [await pair.planned(thing=thing) for thing in ("orders", "carts")]
    waiting = [await pair.planned() for _ in range(6)]
    begun = time.monotonic()
    await asyncio.gather(*(pair.on_both("approve", run.id, run.plan_hash or "", "mina") for run in runs), pair.drain())
    await pair.drain()
    pair.clock.advance(timedelta(minutes=11))  # the plans that wait expire
    await asyncio.gather(
        pair.drain(), *(pair.on_both("press", run.id, "cut", "yes", "jun") for run in runs),
        *(pair.on_both("abort", run.id, "mina") for run in waiting),
    )  # fmt: skip
    await pair.drain()
    assert [(await pair.now(run)).status for run in runs] == ["succeeded", "succeeded"]
    assert {(await pair.now(run)).status for run in waiting} <= {"aborted", "expired"}
    assert time.monotonic() - begun < 60, "somebody waited for a lock until it timed out"
