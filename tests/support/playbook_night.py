"""A night in which one shipped playbook runs against the emulated AWS, played by people who agree to everything.

The database is a file and AWS another process, so whoever comes after a kill finds what the one before has left and goes
on. What is judged at the end is what AWS says (`tests/support/playbook_crash.py`), and how the run stands.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import text

from bot import jobs
from bot.aws import ACTIONS, CHECKS
from bot.aws.session import READS, Session
from bot.aws.survey import ask
from bot.config import Config
from bot.core import usable_playbooks
from bot.errors import phrase
from bot.incident.approval import region_of
from bot.incident.hands import Hands
from bot.incident.planner import Planner
from bot.incident.playbook_runs import PlaybookRuns, presses
from bot.incident.run import AT_REST, Run, Step
from bot.incident.step_runner import StepRunner
from bot.incident.survey import Survey
from bot.jobs import Lane
from bot.playbook import PLAYBOOKS
from bot.playbook.action import Action, Attempt, Aws, Done, Failed, Progress, StepPlan
from bot.playbook.model import Playbook
from bot.store.database import Database
from bot.store.sql import Store
from tests.support.core import alarm, build, example_people
from tests.support.engine_moments import moment
from tests.support.shared_clock import SharedClock

#: What moves runs. The other lanes page and draw, which other tests kill.
_LANES = (Lane.TIMER, Lane.AWS)
_LONGEST = 2_000


class ToldSession(Session):
    """The product's own; each change that AWS has been told of is a moment at which we may die, before we know its answer."""

    def _boto3_client(self, *args: Any) -> Any:
        client = super()._boto3_client(*args)
        client.meta.events.register("after-call", _told)
        return client


def _told(model: Any, **_: Any) -> None:
    if not READS.match(model.name):
        moment(f"told {model.service_model.service_name} to {model.name}", lasting=True)


class Sabotaged:
    """An action of which one step fails once its effect is there: what comes after must be taken back."""

    def __init__(self, inner: Action, step: str) -> None:
        self.inner, self.step, self.facts = inner, step, inner.facts

    def plan(self, params: Any, aws: Aws, attempt: Attempt) -> StepPlan:
        return self.inner.plan(params, aws, attempt)

    def act(self, params: Any, aws: Aws, attempt: Attempt) -> Progress:
        return self._spoilt(self.inner.act(params, aws, attempt), attempt)

    def look(self, params: Any, aws: Aws, attempt: Attempt) -> Progress:
        return self._spoilt(self.inner.look(params, aws, attempt), attempt)

    def _spoilt(self, progress: Progress, attempt: Attempt) -> Progress:
        spoilt = attempt.step == self.step and isinstance(progress, Done)
        return Failed(phrase("it fails on purpose")) if spoilt else progress


@dataclass(frozen=True)
class Call:
    """Which playbook runs, and why: the alarm that came, and what people typed into the form."""

    playbook: str
    alarm: str
    region: str = "us-east-1"
    dimensions: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)


class Night:
    """The story, from wherever it stands to its end."""

    def __init__(self, file: Path, config: Config, clock: SharedClock, call: Call, *, fails: str = "") -> None:
        self.config, self.clock, self.call, self.fails = config, clock, call, fails
        self.database = Database(f"sqlite:///{file}", clock)
        self.store = Store(self.database)
        known = playbooks()
        actions = {name: Sabotaged(one, fails) for name, one in ACTIONS.items()} if fails else ACTIONS
        hands = Hands(actions, CHECKS, session, at_once)
        self.runs = PlaybookRuns(config, example_people(), known)
        planner, runner = Planner(self.store, self.runs, hands), StepRunner(self.store, self.runs, hands)
        effects = {jobs.PLAN_RUN: planner.plan, jobs.STEP: runner.step}
        self.core = build(self.store, clock, config=config, playbooks=known, effects=effects)

    async def surveys(self) -> None:
        """Note of AWS what a failover must know, while all is well."""
        write = await Survey(self.store, self.config, lambda *args: ask(session, *args), at_once).once()
        async with self.store.begin() as tx:
            await write(tx)

    async def is_paged(self) -> None:
        """The alarm comes, and somebody acknowledges it."""
        name, about = self.call.alarm, {"region": self.call.region, "dimensions": dict(self.call.dimensions)}
        await self.core.raise_alarm(alarm(name, arn=f"arn:aws:cloudwatch:{self.call.region}:1:alarm:{name}", **about))
        incident = await self.core.only()
        async with self.store.begin() as tx:
            await self.core.responder.acknowledge(tx, incident.id, "mina")

    async def is_asked_for(self) -> None:
        """Somebody asks for the playbook, and the plan is there to be read."""
        incident = await self.core.only()
        async with self.store.begin() as tx:
            await self.runs.request(tx, incident.id, self.call.playbook, self.call.inputs, "mina")
        await self.core.worker.drain(_LANES)

    async def goes_on(self) -> dict[str, Any]:
        """Live until it ends; how it stands then."""
        await self.store.take_over()
        for _ in range(_LONGEST):
            pressed = await self.presses()
            if pressed is None:
                break
            if not await self.core.worker.drain(_LANES) and not pressed:
                await self._waits()
        else:
            raise AssertionError(f"it never ends: {await self.as_it_stands()}")
        await self.core.worker.drain(_LANES)
        return await self.as_it_stands()

    async def close(self) -> None:
        await self.database.close()

    async def presses(self) -> bool | None:
        """Press what can be pressed; whether there was anything. None: it is over."""
        incident = await self.core.only()
        async with self.store.begin() as tx:
            run = await self._run(tx, incident.id)
            return await self._decides(tx, run, {row.step: row for row in await tx.runs.steps(run.id)})

    async def _run(self, tx: Any, incident: str) -> Run:
        [run] = [one for one in await tx.runs.of(incident) if one.name == self.call.playbook]
        return run

    async def _decides(self, tx: Any, run: Run, rows: Mapping[str, Step]) -> bool | None:
        if run.status == "planned":
            who = "jun" if not run.approvals else "sofia"
            await self.runs.approve(tx, run.id, run.plan_hash or "", who, typed=region_of(run))
            return True
        if self.fails and run.status in AT_REST and run.status not in {"undone", "planned"} and self._has_failed(rows):
            await self.runs.undo(tx, run.id, "jun", typed=region_of(run))
            return True
        if run.ended:
            return None
        for row, events in presses(run, list(rows.values())).items():
            if wanted := {"yes", "confirm"}.intersection(events):
                await self.runs.press(tx, run.id, row, wanted.pop(), "jun")  # type: ignore[arg-type]  # an event
                return True
        assert self.fails or not self._has_failed(rows), _why(run, rows)
        return False

    @staticmethod
    def _has_failed(rows: Mapping[str, Step]) -> bool:
        return any(row.state == "failed" for row in rows.values())

    async def _waits(self) -> None:
        """Until the next call is due."""
        async with self.store.begin() as tx:
            due = await tx.jobs.next_due(Lane.AWS)
            self.clock.advance(max(due - tx.now, timedelta()) if due else timedelta(seconds=5))

    async def as_it_stands(self) -> dict[str, Any]:
        """What a test judges of the run."""
        incident = await self.core.only()
        async with self.store.begin() as tx:
            run = await self._run(tx, incident.id)
            rows = await tx.runs.steps(run.id)
            query = tx.jobs.connection.execute
            return {
                "status": run.status,
                "why": _why(run, {row.step: row for row in rows}),
                "states": {row.step: row.state for row in rows},
                "attempts": {row.step: row.attempt for row in rows},
                "locks": [row.resource for row in await query(text("SELECT resource FROM locks"))],
                "stuck": list(await tx.watch.stuck()),
            }


@cache
def playbooks() -> Mapping[str, Playbook]:
    """Those that come with Lifeboat."""
    found, problems = usable_playbooks(Config(playbook_folders=(PLAYBOOKS,)))
    assert not problems, problems
    return found


@cache
def session(region: str) -> ToldSession:
    """As `bot/app.py` makes them: one for each region."""
    return ToldSession(region)


async def at_once(work: Any) -> Any:
    """Instead of the pool: one thing at a time, so that every night is the same."""
    return work()


def _why(run: Run, rows: Mapping[str, Step]) -> str:
    failed = [f"{row.step}: {row.note}" for row in rows.values() if row.state == "failed"]
    return "; ".join([f"{run.status}", str(run.problem or ""), *failed])
