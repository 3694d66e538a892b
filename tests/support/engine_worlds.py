"""Playbooks, clouds and people made up by hypothesis, and a run of one with the other."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from hypothesis import strategies as st

from bot import jobs
from bot.clock import SystemClock
from bot.config import Config
from bot.errors import ActionFailed, LifeboatError, Unavailable, phrase
from bot.incident.hands import Hands
from bot.incident.planner import Planner
from bot.incident.playbook_runs import PlaybookRuns, presses
from bot.incident.run import Run, Step
from bot.incident.step_runner import StepRunner
from bot.jobs import Lane
from bot.playbook import graph
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
from bot.playbook.model import Playbook
from bot.store.sql import Store
from tests.support.core import Core, alarm, build, example_people

EVENTS: tuple[graph.Event, ...] = ("yes", "no", "confirm", "retry", "skip")
#: What a call may answer. Most go well, or no story would come far.
ANSWERS = ("done", "done", "done", "working", "working", "failed", "throttled", "denied", "asks", "down")
MOVES = ("press", "press", "press", "wait", "wait", "long wait", "probe", "abort", "undo", "step by step")
_WORDS = {"en": "Go?", "ko": "갈까요?"}


@st.composite
def steps(draw: st.DrawFn, number: int) -> dict[str, Any]:
    """One step, which needs only some of those before it."""
    earlier = [f"s{one}" for one in range(number)]
    needs = draw(st.none() | st.lists(st.sampled_from(earlier), unique=True, max_size=3)) if earlier else None
    step: dict[str, Any] = {"id": f"s{number}", "needs": needs, "deadline": draw(st.sampled_from(("1m", "5m", "15m")))}
    kind = draw(st.sampled_from(("action", "action", "action", "check", "ask", "manual")))
    if kind == "manual":
        return {"id": step["id"], "needs": needs, "manual": _WORDS}
    if kind == "ask":
        step["ask"] = _WORDS
    if kind == "check":
        step["check"] = "thing.look"
    else:
        step["action"] = "thing.do"
        if draw(st.booleans()):
            step["undo"] = {"action": "thing.do"}
        else:
            step["irreversible"] = "it is only a test"
    step["when"] = draw(st.sampled_from((None, None, None, True, False)))
    step["best_effort"] = draw(st.sampled_from((False, False, False, True)))
    if draw(st.sampled_from((False, False, True))):
        items = draw(st.lists(st.sampled_from("abcd"), max_size=4))
        step["for_each"] = {"in": items, "batch": draw(st.integers(1, 3)), "stop_after": draw(st.integers(1, 3))}
    if draw(st.sampled_from((False, False, True))):
        step["retry"] = {"times": draw(st.integers(1, 2)), "wait": "10s", "on": ["failed", "throttled"]}
    return step


@st.composite
def playbooks(draw: st.DrawFn, most: int = 6) -> Playbook:
    """A playbook without cycles."""
    made = [draw(steps(number)) for number in range(draw(st.integers(1, most)))]
    deadline = draw(st.sampled_from((None, None, "2m", "10m")))
    return Playbook.model_validate(
        {
            "name": "made-up", "title": {"en": "Made up", "ko": "지어냄"}, "tier": 1,
            "targets": {"rto": "30m", "rpo": "5m"}, "deadline": deadline, "steps": made,
        }
    )  # fmt: skip


class Called(NamedTuple):
    """One call of an action or a check."""

    verb: str
    row: str
    attempt: Attempt


class Nothing(Params):
    """What is done has no parameters here."""


@dataclass
class World:
    """Answers as it was told to, then that all is done; keeps every call."""

    answers: deque[str] = field(default_factory=deque)
    calls: list[Called] = field(default_factory=list)
    region: ClassVar[str] = "us-east-1"

    def client(self, service: str, region: str | None = None) -> "World":
        return self

    def answer(self, verb: str, attempt: Attempt) -> Progress:
        self.calls.append(Called(verb, attempt.step, attempt))
        match self.answers.popleft() if self.answers else "done":
            case "working":
                return Working(phrase("on its way"), timedelta(seconds=5))
            case "failed":
                return Failed(phrase("it broke"))
            case "throttled":
                raise ActionFailed(phrase("slow down"), retry=True, kind="throttled")
            case "denied":
                raise ActionFailed(phrase("not allowed"))
            case "down":
                raise Unavailable(phrase("we are down ourselves"))
            case "asks" if attempt.answer is None:
                return Asks(phrase("really?"))
        return Done(phrase("done"), {"made": attempt.step})


@check("thing.look", Nothing, permissions=("thing:Look",))
class Look:
    def look(self, params: Nothing, aws: Aws, attempt: Attempt) -> Progress:
        world: World = aws.client("thing")
        return world.answer("look", attempt)


@action(
    "thing.do", Nothing, permissions=("thing:Do",), plane="control", changes="It.", undo="No.", recognised_by="its row"
)
class Do:
    def plan(self, params: Nothing, aws: Aws, attempt: Attempt) -> StepPlan:
        return StepPlan((Call("thing", "Do", {}),), touches=(f"thing:{attempt.step.removeprefix('undo:')}",))

    def act(self, params: Nothing, aws: Aws, attempt: Attempt) -> Progress:
        world: World = aws.client("thing")
        return world.answer("act", attempt)

    def look(self, params: Nothing, aws: Aws, attempt: Attempt) -> Progress:
        world: World = aws.client("thing")
        return world.answer("look", attempt)


_ACTIONS: Mapping[str, Action] = {"thing.do": Do()}
_CHECKS: Mapping[str, Check] = {"thing.look": Look()}


class Choices:
    """What hypothesis has chosen, one after the other; then always the first."""

    def __init__(self, drawn: Iterable[int]) -> None:
        self._drawn = deque(drawn)

    def __bool__(self) -> bool:
        return bool(self._drawn)

    def of(self, options: Sequence[Any]) -> Any:
        return options[(self._drawn.popleft() if self._drawn else 0) % len(options)]


@dataclass
class Scene:
    """A wired core over one database, used by one example after the other."""

    store: Store
    clock: SystemClock
    world: World
    core: Core

    @classmethod
    def set_up(cls, store: Store, clock: SystemClock) -> "Scene":
        world = World()

        async def at_once(work: Callable[[], Any]) -> Any:
            return work()

        hands = Hands(_ACTIONS, _CHECKS, lambda _: world, at_once)
        runs = PlaybookRuns(Config(), example_people(), {})
        planner, runner = Planner(store, runs, hands), StepRunner(store, runs, hands)
        effects = {jobs.PLAN_RUN: planner.plan, jobs.STEP: runner.step}
        core = build(store, clock, config=Config(), effects=effects)
        core.worker.handlers = core.worker.handlers.__class__(
            {**core.worker.handlers.changes, jobs.RUN_TIMER: runs.timers_due}, core.worker.handlers.effects,
            core.worker.handlers.buried,
        )  # fmt: skip
        core.runs = runs
        return cls(store, clock, world, core)

    async def opens(self) -> str:
        """One incident for everything."""
        await self.core.raise_alarm(alarm())
        return (await self.core.only()).id


class Story:
    """One run, from its request to its end, with whatever people do meanwhile."""

    def __init__(self, scene: Scene, incident: str, playbook: Playbook, answers: Iterable[str], moves: Choices) -> None:
        self.scene, self.incident, self.playbook, self.moves = scene, incident, playbook, moves
        self.answers = tuple(answers)
        self.runs, self.store = scene.core.runs, scene.store
        self.id = ""
        self.undos_asked = 0
        self.pressed_rows: set[str] = set()

    async def begins(self) -> None:
        """Asked for, planned (all goes well there), approved."""
        self.scene.world.answers.clear()
        self.scene.world.calls.clear()
        self.runs.playbooks = {"made-up": self.playbook}
        async with self.store.begin() as tx:
            await tx.jobs.connection.exec_driver_sql("DELETE FROM jobs")
            await tx.jobs.connection.exec_driver_sql("DELETE FROM locks")
            self.id = (await self.runs.request(tx, self.incident, "made-up", {}, "mina")).id
        await self.drains()
        self.scene.world.calls.clear()
        self.scene.world.answers.extend(self.answers)
        async with self.store.begin() as tx:
            run = await tx.runs.get(self.id)
            await self.runs.approve(tx, self.id, run.plan_hash or "", "mina")

    async def now(self) -> tuple[Run, dict[str, Step]]:
        async with self.store.begin() as tx:
            return await tx.runs.get(self.id), {row.step: row for row in await tx.runs.steps(self.id)}

    async def drains(self, lanes: Sequence[Lane] = (Lane.TIMER, Lane.AWS)) -> None:
        await self.scene.core.worker.drain(lanes)

    async def moves_on(self) -> None:
        """One move of somebody, or some time."""
        run, rows = await self.now()
        match self.moves.of(MOVES):
            case "press":
                if found := sorted(
                    (row, event) for row, events in presses(run, list(rows.values())).items() for event in events
                ):
                    await self.presses(*self.moves.of(found))
            case "wait":
                self.scene.clock.advance(timedelta(seconds=self.moves.of((6, 11, 31))))
            case "long wait":
                self.scene.clock.advance(timedelta(minutes=self.moves.of((1, 6, 20))))
                await self.drains(self.moves.of(((Lane.AWS,), (Lane.TIMER,))))  # lanes do not wait for each other
            case "probe":
                await self.probes(run, rows)
            case "abort" if self.moves.of((False, True)):
                await self.tries(lambda tx: self.runs.abort(tx, self.id, "mina"))
            case "undo":
                await self.undoes(self.moves.of((None, *rows)), only=self.moves.of((False, True)))
            case "step by step":
                return
        await self.drains()

    async def presses(self, row: str, event: graph.Event) -> None:
        self.pressed_rows.add(row)
        async with self.store.begin() as tx:
            await self.runs.press(tx, self.id, row, event, "mina", "because")

    async def undoes(self, row: str | None = None, *, only: bool = False) -> None:
        if await self.tries(lambda tx: self.runs.undo(tx, self.id, "mina", row=row, only=only and row is not None)):
            self.undos_asked += 1

    async def tries(self, verb: Callable[[Any], Any]) -> bool:
        """Whether it was allowed."""
        try:
            async with self.store.begin() as tx:
                await verb(tx)
        except LifeboatError:
            return False
        return True

    async def probes(self, run: Run, rows: Mapping[str, Step]) -> None:
        """What the buttons offer is what a press does, and nothing else. Nothing of it stays."""
        offered = {(row, event) for row, events in presses(run, list(rows.values())).items() for event in events}
        for row in rows:
            for event in EVENTS:
                taken = await self._would_take(row, event)
                assert taken is ((row, event) in offered), (row, event, rows[row].state, run.status, taken)

    async def _would_take(self, row: str, event: graph.Event) -> bool:
        class Enough(Exception):
            pass

        try:
            async with self.store.begin() as tx:
                await self.runs.press(tx, self.id, row, event, "mina", "because")
                raise Enough  # noqa: TRY301  # so that nothing of it stays
        except Enough:
            return True
        except LifeboatError:
            return False

    async def ends(self) -> tuple[Run, dict[str, Step]]:
        """A patient person brings it to its end; where that fails, abort always does."""
        for _ in range(60):
            run, rows = await self.now()
            if run.ended:
                return run, rows
            for row, events in presses(run, list(rows.values())).items():
                if wanted := [event for event in ("yes", "confirm", "retry") if event in events]:
                    await self.presses(row, wanted[0])  # type: ignore[arg-type]  # one of the events
                    break
            else:
                self.scene.clock.advance(timedelta(seconds=30))
            await self.drains()
        raise AssertionError(f"it never ends: {await self.now()}")


def at(instant: datetime | None) -> datetime:
    assert instant
    return instant


def migrated(template: Path, folder: Path) -> str:
    """The URL of a database with all tables."""
    file = folder / "worlds.db"
    file.write_bytes(template.read_bytes())
    return f"sqlite:///{file}"
