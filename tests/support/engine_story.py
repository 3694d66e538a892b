"""A night of the engine, played by one patient person against a cloud that outlives the process.

Everything that the cloud was told to change is a line in a file, written before the answer: after a kill a second process
finds there what the first one did. The person looks at what is stored, presses what can be pressed, and waits otherwise;
so whoever comes after a kill simply goes on.
"""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import text

from bot import jobs
from bot.clock import SystemClock
from bot.config import Config
from bot.errors import phrase
from bot.incident.hands import Hands
from bot.incident.planner import Planner
from bot.incident.playbook_runs import PlaybookRuns, presses
from bot.incident.run import Run, Step
from bot.incident.step_runner import StepRunner
from bot.jobs import LEASE, Lane
from bot.playbook.action import (
    Action,
    Asks,
    Attempt,
    Aws,
    Call,
    Check,
    Done,
    Params,
    Progress,
    StepPlan,
    Working,
    action,
    check,
)  # fmt: skip
from bot.playbook.loading import parse
from bot.store.database import Database
from bot.store.sql import Store
from escalation.document import read_text
from tests.support.actions import failed
from tests.support.core import Core, alarm, build, example_people
from tests.support.engine_moments import moment

Ending = Literal["succeeded", "undone", "aborted"]

#: What is slow is there so long after its attempt has begun: until then there is something to poll.
_TAKES = timedelta(seconds=5)
#: What moves runs. The other lanes page and draw, which other tests kill.
_LANES = (Lane.TIMER, Lane.AWS)

RESCUE = """\
name: rescue
title: {en: Rescue it, ko: 구조}
tier: 2
targets: {rto: 30m, rpo: 5m}
approval: {people: 2, role: responder, expires: 10m}
steps:
  - {id: look, check: cloud.ready, with: {name: base}}
  - id: left
    needs: [look]
    action: cloud.make
    with: {name: left, slow: true}
    undo: {action: cloud.unmake, with: {name: "{{ steps.left.name }}", slow: true}}
  - id: right
    needs: [look]
    action: cloud.make
    with: {name: right, fails: true}
    undo: {action: cloud.unmake, with: {name: right}}
  - id: each
    needs: [left]
    for_each: {in: [a, b, c, d], as: one, batch: 2}
    action: cloud.make
    with: {name: "each-{{ one }}"}
    undo: {action: cloud.unmake, with: {name: "each-{{ one }}"}}
  - id: sure
    needs: [each, right]
    ask: {en: Cut over?, ko: 전환할까요?}
    action: cloud.make
    with: {name: cut, asks: true}
    undo: {action: cloud.unmake, with: {name: cut}}
  - {id: tell, needs: [sure], manual: {en: Tell them., ko: 알리세요.}}
  - {id: check, needs: [tell], check: cloud.ready, with: {name: "{{ steps.sure.name }}"}}
"""


@dataclass
class FileCloud:
    """What was done, in order; `bot.playbook.action.Aws`. A killed process's lines stay: they are in the file by then."""

    file: Path
    region: str = "us-east-1"

    def client(self, service: str, region: str | None = None) -> "FileCloud":
        return self

    def does(self, what: str, name: str, token: str) -> None:
        moment(f"about to {what} {name}")
        with os.fdopen(os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT), "ab") as out:
            out.write(json.dumps({"do": what, "name": name, "token": token}).encode() + b"\n")
        moment(f"told to {what} {name}", lasting=True)

    def done(self) -> Sequence[Mapping[str, str]]:
        with suppress(FileNotFoundError):
            return [json.loads(line) for line in self.file.read_text().splitlines()]
        return []

    def is_there(self, name: str) -> bool:
        """The latest word on it counts."""
        return [one["do"] for one in self.done() if one["name"] == name][-1:] == ["make"]


class Thing(Params):
    name: str
    slow: bool = False
    fails: bool = False
    asks: bool = False


@check("cloud.ready", Thing, permissions=("cloud:Look",))
class Ready:
    def look(self, params: Thing, aws: Aws, attempt: Attempt) -> Progress:
        moment(f"check {params.name}")
        return Done(phrase("it is ready"))


class _Changes:
    """Acts without looking unless it is told that it may have acted before: so an engine that does not say so is seen."""

    does, there = "make", True

    def plan(self, params: Thing, aws: Aws, attempt: Attempt) -> StepPlan:
        moment(f"plan {self.does} {params.name}")
        call = Call("cloud", self.does, {"Name": params.name})
        return StepPlan((call,), foreseen={"name": params.name}, touches=(f"thing:{params.name}",))

    def act(self, params: Thing, aws: Aws, attempt: Attempt) -> Progress:
        cloud: FileCloud = aws.client("cloud")
        if params.fails and attempt.number == 1:
            return failed("the first time it never works")
        if params.asks and attempt.answer is None and not attempt.again:
            return Asks(phrase("really?"), {"asked": True})
        if not (attempt.again and cloud.is_there(params.name) is self.there):
            cloud.does(self.does, params.name, attempt.token)
        return Working(phrase("on its way"), timedelta(seconds=3), {"begun": True})

    def look(self, params: Thing, aws: Aws, attempt: Attempt) -> Progress:
        moment(f"poll {self.does} {params.name}")
        assert attempt.memory["begun"]
        if params.slow and attempt.now - attempt.started_at < _TAKES:
            return Working(phrase("on its way"), timedelta(seconds=3))
        assert aws.client("cloud").is_there(params.name) is self.there
        return Done(phrase("so it is"), {"name": params.name})


@action(
    "cloud.make", Thing, permissions=("cloud:Make",), plane="control", outputs={"name": "str"},
    changes="Makes a thing.", undo="It is unmade.", undone_by="cloud.unmake", recognised_by="its name",
)  # fmt: skip
class Make(_Changes):
    pass


@action(
    "cloud.unmake", Thing, permissions=("cloud:Unmake",), plane="control", changes="Removes a thing.",
    undo="Nothing to undo.", recognised_by="its name",
)  # fmt: skip
class Unmake(_Changes):
    """What was never made, because we died between the intent and the call, is not removed either."""

    does, there = "unmake", False

    def act(self, params: Thing, aws: Aws, attempt: Attempt) -> Progress:
        cloud: FileCloud = aws.client("cloud")
        never_made = not any(one["name"] == params.name for one in cloud.done())
        return Done(phrase("it was never there")) if never_made else super().act(params, aws, attempt)


ACTIONS: dict[str, Action] = {"cloud.make": Make(), "cloud.unmake": Unmake()}
CHECKS: dict[str, Check] = {"cloud.ready": Ready()}


@dataclass
class KeptClock(SystemClock):
    """A moved clock that stays moved when its process dies."""

    file: Path = field(default_factory=Path)

    def __post_init__(self) -> None:
        with suppress(FileNotFoundError):
            self.offset = timedelta(seconds=float(self.file.read_text() or 0))

    def advance(self, by: timedelta) -> None:
        super().advance(by)
        other = self.file.with_suffix(".new")
        other.write_text(str(self.offset.total_seconds()))
        other.replace(self.file)


class Night:
    """The story, from wherever it stands to its end."""

    def __init__(self, folder: Path, url: str, ending: Ending) -> None:
        self.ending = ending
        self.clock = KeptClock(file=folder / "clock")
        self.cloud = FileCloud(folder / "cloud")
        self.database = Database(url, self.clock)
        self.store = Store(self.database)
        self.core = self._wired()

    def _wired(self) -> Core:
        async def at_once(work: Any) -> Any:
            return work()

        playbooks = {"rescue": parse(read_text(RESCUE, Path("rescue.yaml")))}
        hands = Hands(ACTIONS, CHECKS, lambda _: self.cloud, at_once)
        self.runs = PlaybookRuns(Config(), example_people(), playbooks)
        planner, runner = Planner(self.store, self.runs, hands), StepRunner(self.store, self.runs, hands)
        effects = {jobs.PLAN_RUN: planner.plan, jobs.STEP: runner.step}
        return build(self.store, self.clock, config=Config(), playbooks=playbooks, effects=effects)

    async def goes_on(self) -> dict[str, Any]:
        """Live until it ends; how it stands then."""
        await self.store.take_over()
        if self.database.postgres:  # nobody frees a dead replica's leases but time
            self.clock.advance(LEASE + timedelta(seconds=1))
        for _ in range(300):
            pressed = await self.presses()
            if pressed is None:
                break
            if not await self.core.worker.drain(_LANES) and not pressed:
                await self.waits()
        else:
            raise AssertionError(f"it never ends: {await self.as_it_stands()}")
        await self.core.worker.drain(_LANES)
        found = await self.as_it_stands()
        await self.database.close()
        return found

    async def waits(self) -> None:
        """Until the next call is due."""
        async with self.store.begin() as tx:
            due = await tx.jobs.next_due(Lane.AWS)
            self.clock.advance(due - tx.now if due else timedelta(seconds=1))

    async def presses(self) -> bool | None:
        """Press what can be pressed; whether there was anything. None: it is over."""
        incidents = await self.core.incidents()
        if not incidents:
            await self.core.raise_alarm(alarm())
            return True
        async with self.store.begin() as tx:
            if not incidents[0].acknowledged_at:
                await self.core.responder.acknowledge(tx, incidents[0].id, "mina")
                return True
            known = await tx.runs.of(incidents[0].id)
            if not known:
                await self.runs.request(tx, incidents[0].id, "rescue", {}, "mina")
                return True
            run = known[0]
            return await self._decides(tx, run, {row.step: row for row in await tx.runs.steps(run.id)})

    async def _decides(self, tx: Any, run: Run, rows: Mapping[str, Step]) -> bool | None:
        if run.status == "planned":
            who = "sofia" if not run.approvals else "jun"
            await self.runs.approve(tx, run.id, run.plan_hash or "", who)
            return True
        if self.ending == "aborted" and run.status == "running" and "each[1]" in rows and rows["each[1]"].happened:
            await self.runs.abort(tx, run.id, "jun")
            return True
        if (run.status == "succeeded" and self.ending == "undone") or run.status == "aborted":
            await self.runs.undo(tx, run.id, "jun")
            return True
        if run.ended:
            return None
        for row, events in presses(run, list(rows.values())).items():
            if wanted := {"yes", "confirm", "retry"}.intersection(events):
                await self.runs.press(tx, run.id, row, wanted.pop(), "jun")  # type: ignore[arg-type]  # an event
                return True
        return False

    async def as_it_stands(self) -> dict[str, Any]:
        """What a test judges: the run, its rows, what the cloud was told, what is left over."""
        incident = await self.core.only()
        async with self.store.begin() as tx:
            [run] = await tx.runs.of(incident.id)
            rows = await tx.runs.steps(run.id)
            query = tx.jobs.connection.execute
            return {
                "status": run.status,
                "states": {row.step: row.state for row in rows},
                "attempts": {row.step: row.attempt for row in rows},
                "happened": {row.step: row.happened for row in rows if row.happened is not None},
                "cloud": [dict(one) for one in self.cloud.done()],
                "jobs": [
                    list(row)
                    for row in await query(
                        text(f"SELECT kind, state FROM jobs WHERE lane IN {tuple(map(int, _LANES))}")
                    )
                ],
                "locks": [row.resource for row in await query(text("SELECT resource FROM locks"))],
                "ended": [entry.kind for entry in await tx.notes.of(incident.id) if entry.kind.startswith("run-")],
                "stuck": list(await tx.watch.stuck()),
            }
