"""Small actions and checks that stand for AWS: what they did is kept, and what they answer next can be set."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot import jobs
from bot.clock import SystemClock
from bot.config import Config
from bot.errors import ActionFailed, phrase
from bot.incident.hands import Hands
from bot.incident.planner import Planner
from bot.incident.playbook_runs import PlaybookRuns
from bot.incident.run import Run, Step
from bot.incident.step_runner import StepRunner
from bot.jobs import Job
from bot.playbook.action import (
    Action,
    Asks,
    Attempt,
    Aws,
    Call,
    Check,
    Done,
    Failed,
    Params,
    Progress,
    StepPlan,
    Working,
    action,
    check,
)
from bot.playbook.loading import parse
from bot.playbook.model import Playbook
from bot.store.sql import Store
from escalation.document import read_text
from tests.support.core import Core, alarm, build, example_people


def failed(why: str = "it broke") -> Failed:
    return Failed(phrase(why))


def working(note: str = "still at it", **more: Any) -> Working:
    return Working(phrase(note), timedelta(seconds=5), **more)


def throttled() -> ActionFailed:
    return ActionFailed(phrase("slow down"), retry=True, code="ThrottlingException", kind="throttled")


def unanswered() -> ActionFailed:
    return ActionFailed(phrase("no answer"), retry=True, code="ReadTimeoutError")


def denied() -> ActionFailed:
    return ActionFailed(phrase("not allowed"), code="AccessDenied")


@dataclass
class Cloud:
    """`made`: thing to the token that made it. `calls`: every call in order. `answers`: what comes instead, once each.

    A key of `answers` is `act <thing>`, `look <thing>` or `plan <thing>`; an exception among the answers is raised.
    """

    region: str = "us-east-1"
    made: dict[str, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    answers: dict[str, list[Progress | Exception]] = field(default_factory=lambda: defaultdict(list))

    def client(self, service: str, region: str | None = None) -> Any:
        return self

    def heard(self, call: str) -> Progress | None:
        self.calls.append(call)
        answer = self.answers[call].pop(0) if self.answers[call] else None
        if isinstance(answer, Exception):
            raise answer
        return answer


class Thing(Params):
    name: str


@check("thing.ready", Thing, permissions=("thing:Look",))
class Ready:
    def look(self, params: Thing, aws: Aws, attempt: Attempt) -> Progress:
        return aws.client("thing").heard(f"look {params.name}") or Done(phrase("it is ready"))


@action(
    "thing.make", Thing, permissions=("thing:Make",), plane="control", outputs={"name": "str", "token": "str"},
    changes="Makes a thing.", undo="Nothing to undo.", recognised_by="its name",
)  # fmt: skip
class Make:
    """Looks first: a thing that exists is adopted, with the token of whoever made it."""

    def plan(self, params: Thing, aws: Aws, attempt: Attempt) -> StepPlan:
        aws.client("thing").heard(f"plan {params.name}")
        return StepPlan(
            (Call("thing", "Make", {"Name": params.name}),),
            foreseen={"name": params.name},
            touches=(f"thing:{aws.region}:{params.name}",),
        )

    def act(self, params: Thing, aws: Aws, attempt: Attempt) -> Progress:
        cloud = aws.client("thing")
        answer = cloud.heard(f"act {params.name}")
        if isinstance(answer, Failed):
            return answer
        cloud.made.setdefault(params.name, attempt.token)
        return answer or self._done(params, cloud)

    def look(self, params: Thing, aws: Aws, attempt: Attempt) -> Progress:
        cloud = aws.client("thing")
        return cloud.heard(f"look {params.name}") or self._done(params, cloud)

    def _done(self, params: Thing, cloud: Cloud) -> Done:
        return Done(phrase("made"), {"name": params.name, "token": cloud.made[params.name]})


@action(
    "thing.unmake", Thing, permissions=("thing:Unmake",), plane="control",
    changes="Removes a thing.", undo="Made again by thing.make.", recognised_by="its absence",
)  # fmt: skip
class Unmake:
    """Takes `thing.make` back; what is gone already is fine."""

    def plan(self, params: Thing, aws: Aws, attempt: Attempt) -> StepPlan:
        return StepPlan(
            (Call("thing", "Unmake", {"Name": params.name}),), touches=(f"thing:{aws.region}:{params.name}",)
        )

    def act(self, params: Thing, aws: Aws, attempt: Attempt) -> Progress:
        cloud = aws.client("thing")
        answer = cloud.heard(f"unmake {params.name}")
        if isinstance(answer, Failed):
            return answer
        cloud.made.pop(params.name, None)
        return answer or Done(phrase("gone"))

    def look(self, params: Thing, aws: Aws, attempt: Attempt) -> Progress:
        return aws.client("thing").heard(f"look {params.name}") or Done(phrase("gone"))


@action(
    "thing.engine", Thing, permissions=("thing:Run",), plane="control", changes="Lets another engine run.",
    undo="Nothing to undo.", recognised_by="its token",
)  # fmt: skip
class Engine:
    """Somebody else's engine: it asks in the middle, and does what the person said."""

    def plan(self, params: Thing, aws: Aws, attempt: Attempt) -> StepPlan:
        return StepPlan((Call("thing", "Run", {"Name": params.name}),))

    def act(self, params: Thing, aws: Aws, attempt: Attempt) -> Progress:
        cloud = aws.client("thing")
        cloud.heard(f"act {params.name} {attempt.answer}")
        cloud.made.setdefault(params.name, attempt.token)
        match attempt.answer:
            case None:
                return Asks(phrase("Go on?"), memory={"asked": True})
            case "yes":
                return Working(phrase("going on"), timedelta(seconds=5))
        return Failed(phrase("a person said no"))

    def look(self, params: Thing, aws: Aws, attempt: Attempt) -> Progress:
        aws.client("thing").heard(f"look {params.name}")
        return Done(phrase("it ran"), {"asked": attempt.memory["asked"]})


ACTIONS: dict[str, Action] = {"thing.make": Make(), "thing.unmake": Unmake(), "thing.engine": Engine()}
CHECKS: dict[str, Check] = {"thing.ready": Ready()}

HEAD = """\
name: mend
title: {en: Mend it, ko: 수리}
tier: 1
targets: {rto: 30m, rpo: 5m}
inputs:
  thing: {type: str, default: orders, choices: [orders, carts]}
approval: {people: 1, role: responder, expires: 10m}
steps:
"""
#: look, then left and right side by side, then join.
STEPS = """\
  - {id: look, check: thing.ready, with: {name: "{{ thing }}"}}
  - {id: left, needs: [look], action: thing.make, with: {name: "{{ thing }}-left"}, deadline: 30m}
  - {id: right, needs: [look], action: thing.make, with: {name: "{{ thing }}-right"}, deadline: 30m}
  - {id: join, needs: [left, right], check: thing.ready, with: {name: "{{ steps.left.name }}"}}
"""
ASK = """\
  - {id: left, action: thing.make, with: {name: "{{ thing }}-left"}}
  - id: cut-over
    needs: []
    ask: {en: Cut over?, ko: 전환할까요?}
    action: thing.make
    with: {name: "{{ thing }}-cut"}
  - {id: after, needs: [cut-over], check: thing.ready, with: {name: after}}
"""
MANUAL = """\
  - {id: tell, manual: {en: Tell the owners., ko: 알리세요.}}
  - {id: after, check: thing.ready, with: {name: after}}
"""


def playbook(steps: str = STEPS, head: str = HEAD) -> Playbook:
    return parse(read_text(head + steps, Path("mend.yaml")))


@dataclass
class Play:
    """A core with one incident, one playbook named `mend`, and a cloud."""

    core: Core
    cloud: Cloud
    runner: StepRunner
    incident: str = ""

    @property
    def runs(self) -> PlaybookRuns:
        return self.core.runs

    async def request(self, by: str = "mina", /, **given: str) -> Run:
        """Ask for a run and let it be planned."""
        async with self.core.store.begin() as tx:
            run = await self.runs.request(tx, self.incident, "mend", given, by)
        await self.core.worker.drain()
        return await self.run(run.id)

    async def approve(self, run: Run, by: str = "mina", plan: str | None = None) -> Run:
        async with self.core.store.begin() as tx:
            return await self.runs.approve(tx, run.id, plan or run.plan_hash or "", by)

    async def start(self, by: str = "mina") -> Run:
        """Ask, plan and approve; what is due at once is done."""
        run = await self.approve(await self.request(by), by)
        await self.core.worker.drain()
        return await self.run(run.id)

    async def press(self, run: Run, step: str, event: Any, by: str = "mina", reason: str = "") -> Run:
        async with self.core.store.begin() as tx:
            await self.runs.press(tx, run.id, step, event, by, reason)
        await self.core.worker.drain()
        return await self.run(run.id)

    async def undo(self, run: Run, by: str = "mina", **how: Any) -> Run:
        async with self.core.store.begin() as tx:
            await self.runs.undo(tx, run.id, by, **how)
        await self.core.worker.drain()
        return await self.run(run.id)

    async def abort(self, run: Run, by: str = "mina") -> Run:
        async with self.core.store.begin() as tx:
            return await self.runs.abort(tx, run.id, by)

    async def later(self, **by: float) -> None:
        """Time goes by, and what is due then is done."""
        self.core.clock.advance(timedelta(**by))
        await self.core.worker.drain()

    async def run(self, run: str) -> Run:
        async with self.core.store.begin() as tx:
            return await tx.runs.get(run)

    async def steps(self, run: Run) -> dict[str, Step]:
        async with self.core.store.begin() as tx:
            return {step.step: step for step in await tx.runs.steps(run.id)}

    async def states(self, run: Run) -> dict[str, str]:
        return {name: step.state for name, step in (await self.steps(run)).items()}


async def play(store: Store, clock: SystemClock, made: Playbook | None = None, config: Config | None = None) -> Play:
    """Everything wired, one incident open, its first page out."""
    cloud, config, playbooks = Cloud(), config or Config(), {"mend": made or playbook()}

    async def at_once(work: Any) -> Any:
        return work()

    hands = Hands(ACTIONS, CHECKS, lambda region: replace(cloud, region=region), at_once)
    runs = PlaybookRuns(config, example_people(), playbooks)
    runner, planner = StepRunner(store, runs, hands), Planner(store, runs, hands)
    core = build(
        store, clock, config=config, playbooks=playbooks, effects={jobs.PLAN_RUN: planner.plan, jobs.STEP: runner.step}
    )
    await core.raise_alarm(alarm())
    await core.worker.drain()
    return Play(core, cloud, runner, (await core.only()).id)


def step_jobs(ran: list[Job]) -> list[str]:
    return [job.payload["step"] for job in ran if job.kind is jobs.STEP]
