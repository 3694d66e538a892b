"""What AWS would end by itself is renewed in time, as long as it is wanted; when it cannot be, people hear of it in time."""

import ast
import inspect
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest

from bot import jobs
from bot.aws import ACTIONS as ALL
from bot.clock import SystemClock
from bot.config import Config
from bot.errors import ActionFailed, phrase
from bot.incident.hands import Hands
from bot.incident.planner import Planner
from bot.incident.playbook_runs import PlaybookRuns
from bot.incident.renewing import Renewing, holds, next_try, renewal
from bot.incident.run import Step
from bot.incident.step_runner import StepRunner
from bot.jobs import LEASE, Job, Lane
from bot.playbook.action import Attempt, Aws, Call, Done, Lapsed, Progress, Renewed, StepPlan, action
from bot.store.sql import Store
from tests.support.actions import ACTIONS, CHECKS, Cloud, Play, Thing, denied, playbook, throttled
from tests.support.core import alarm, build, example_people

ONE_ENGINE = True
HOUR = timedelta(hours=1)
T0 = datetime(2026, 11, 23, 3, tzinfo=UTC)

HOLD = """\
  - id: hold
    action: thing.hold
    with: {name: shift}
    undo: {action: thing.unmake, with: {name: shift}}
"""


@action(
    "thing.hold", Thing, permissions=("thing:Hold",), plane="control", outputs={"expires_at": "time"},
    changes="Holds a thing for an hour.", undo="Let go by thing.unmake.", recognised_by="its name",
)  # fmt: skip
class Hold:
    """Lasts an hour. `ends` is when AWS would end it."""

    def __init__(self, clock: SystemClock) -> None:
        self.clock, self.ends = clock, T0
        self.told: list[Mapping[str, Any]] = []

    def plan(self, params: Thing, aws: Aws, attempt: Attempt) -> StepPlan:
        return StepPlan((Call("thing", "Hold", {"Name": params.name}),), touches=(f"thing:{params.name}",))

    def act(self, params: Thing, aws: Aws, attempt: Attempt) -> Progress:
        self.ends = attempt.now + HOUR
        return self.look(params, aws, attempt)

    def look(self, params: Thing, aws: Aws, attempt: Attempt) -> Progress:
        return Done(phrase("held"), {"expires_at": self.ends.isoformat(), "id": "s-1"}, self.ends)

    def renew(self, params: Thing, aws: Aws, attempt: Attempt) -> Renewed | Lapsed:
        self.told.append(attempt.memory)
        if lapsed := aws.client("thing").heard(f"renew {params.name}"):
            return lapsed  # type: ignore[no-any-return]
        if self.ends - attempt.now < HOUR / 2:
            self.ends = attempt.now + HOUR
            aws.client("thing").calls.append("extended")
        return Renewed(self.ends, phrase("it lasts longer"), {"expires_at": self.ends.isoformat()})


class Held(Play):
    """A run of `mend` that holds something, and what it told people."""

    hold: Hold
    renewing: Renewing

    @property
    def extended(self) -> int:
        return self.cloud.calls.count("extended")

    @property
    def tries(self) -> int:
        return self.cloud.calls.count("renew shift")

    def said(self) -> list[str]:
        """Why, of each time that the channel was told."""
        says = [job for job in self.core.ran if job.kind is jobs.SAY and job.payload["what"] == "lapses"]
        return [str(job.payload["why"]["message"]) for job in says]

    async def noted(self) -> list[str]:
        kinds = await self.core.timeline(self.incident)
        return [kind for kind in kinds if kind in {"step-renewed", "step-lapses"}]

    async def resolve(self) -> None:
        async with self.core.store.begin() as tx:
            await self.core.responder.resolve(tx, self.incident, "mina")
        await self.core.worker.drain()


@pytest.fixture
async def held(store: Store, clock: SystemClock) -> Held:
    made, hold, cloud = playbook(HOLD), Hold(clock), Cloud()

    async def at_once(work: Any) -> Any:
        return work()

    hands = Hands({**ACTIONS, "thing.hold": hold}, CHECKS, lambda region: replace(cloud, region=region), at_once)
    runs = PlaybookRuns(Config(), example_people(), {"mend": made})
    runner, renewing = StepRunner(store, runs, hands), Renewing(store, hands)
    effects = {
        jobs.PLAN_RUN: Planner(store, runs, hands).plan, jobs.STEP: runner.step, jobs.RENEW: renewing.renew,
    }  # fmt: skip
    core = build(store, clock, config=Config(), playbooks={"mend": made}, effects=effects)
    await core.raise_alarm(alarm())
    await core.worker.drain()
    made_of = Held(core, cloud, runner, (await core.only()).id)
    made_of.hold, made_of.renewing = hold, renewing
    return made_of


async def test_it_is_renewed_exactly_when_three_quarters_are_gone(held: Held) -> None:
    run = await held.start()
    assert run.status == "succeeded"
    await held.later(minutes=44, seconds=50)
    assert held.tries == 0
    await held.later(seconds=11)
    assert (held.tries, held.extended) == (1, 1)
    assert await held.noted() == ["step-renewed"]


async def test_it_is_renewed_again_and_again_and_says_until_when(held: Held) -> None:
    run = await held.start()
    for _ in range(4):
        await held.later(minutes=45, seconds=1)
    assert held.extended == 4
    row = (await held.steps(run))["hold"]
    assert row.output == {"expires_at": held.hold.ends.isoformat(), "id": "s-1"}
    assert held.said() == []


async def test_the_action_is_told_what_the_step_gave(held: Held) -> None:
    await held.start()
    await held.later(minutes=46)
    assert held.hold.told[0]["id"] == "s-1"


async def test_it_is_not_renewed_after_it_was_taken_back(held: Held) -> None:
    run = await held.start()
    assert (await held.undo(run)).status == "undone"
    await held.later(hours=2)
    assert held.tries == 0
    assert (await held.noted(), held.said()) == ([], [])


async def test_it_is_not_renewed_while_it_is_being_taken_back(held: Held) -> None:
    run = await held.start()
    held.cloud.answers["unmake shift"] = [denied()]
    assert (await held.undo(run)).status == "needs_person"
    await held.later(hours=2)
    assert held.tries == 0


async def test_what_was_taken_back_while_we_asked_is_not_recorded(held: Held) -> None:
    run = await held.start()
    held.core.clock.advance(timedelta(minutes=46))
    [job] = await held.core.store.lease(Lane.AWS, 1, "slow")
    record = await held.renewing.renew(job)
    await held.undo(run)
    async with held.core.store.begin() as tx:
        await record(tx)
        await tx.jobs.finish(job)
    await held.later(hours=2)
    assert (held.extended, await held.noted()) == (1, [])


async def test_it_is_not_renewed_after_the_incident_was_resolved_and_people_are_reminded(held: Held) -> None:
    await held.start()
    await held.resolve()
    await held.later(minutes=46)
    assert held.tries == 0
    [why] = held.said()
    assert "ends at {until}" in why
    assert await held.noted() == ["step-lapses"]
    await held.later(hours=5)
    assert len(held.said()) == 1


async def test_a_throttled_renewal_is_tried_again_before_it_ends(held: Held) -> None:
    await held.start()
    held.cloud.answers["renew shift"] = [throttled(), throttled()]
    await held.later(minutes=45, seconds=1)
    assert held.extended == 0
    await held.later(seconds=31)
    await held.later(seconds=31)
    assert (held.tries, held.extended) == (3, 1)
    assert held.said() == []  # nobody needs to hear of two


async def test_people_hear_of_throttling_that_lasts(held: Held) -> None:
    await held.start()
    held.cloud.answers["renew shift"] = [throttled()] * 6
    await held.later(minutes=45, seconds=1)
    for _ in range(6):
        await held.later(seconds=31)
    assert len(held.said()) == 1
    assert held.extended == 1


async def test_a_missing_permission_is_told_long_before_it_ends(held: Held) -> None:
    await held.start()
    held.cloud.answers["renew shift"] = [denied(), denied()]
    await held.later(minutes=45, seconds=1)
    [why] = held.said()
    assert "could not be renewed so far" in why
    assert held.hold.ends - held.core.clock.now() > timedelta(minutes=14)
    await held.later(minutes=4)  # somebody has mended it, or not yet
    await held.later(minutes=4)
    assert (held.tries, held.extended, len(held.said())) == (3, 1, 1)


async def test_what_could_not_be_renewed_in_time_is_told_once_more(held: Held) -> None:
    await held.start()
    held.cloud.answers["renew shift"] = [denied()] * 50
    await held.later(minutes=45, seconds=1)
    for _ in range(40):
        await held.later(minutes=1)
    assert held.said()[-1] == "It could not be renewed before it ended at {until}."
    assert len(held.said()) == 2
    await held.later(hours=5)
    assert len(held.said()) == 2


@pytest.mark.parametrize("aloud", [True, False])
async def test_what_is_gone_is_renewed_no_more(held: Held, aloud: bool) -> None:
    await held.start()
    held.cloud.answers["renew shift"] = [Lapsed(phrase("it is gone"), aloud=aloud)]  # type: ignore[list-item]
    await held.later(minutes=46)
    await held.later(hours=5)
    assert held.tries == 1
    assert (await held.noted(), held.said()) == (["step-lapses"], ["it is gone"] if aloud else [])


async def test_a_process_that_died_after_the_call_renews_once(held: Held) -> None:
    """SIGKILL between AWS's answer and our record: the next one looks first."""
    await held.start()
    held.core.clock.advance(timedelta(minutes=46))
    [job] = await held.core.store.lease(Lane.AWS, 1, "dead")
    await held.renewing.renew(job)
    assert (held.extended, await held.noted()) == (1, [])
    await held.later(seconds=LEASE.total_seconds() + 1)
    assert (held.tries, held.extended) == (2, 1)
    assert await held.noted() == ["step-renewed"]


async def test_a_step_that_was_tried_anew_has_one_renewal_and_not_two(held: Held) -> None:
    run = await held.start()
    await held.undo(run)
    second = await held.start()
    await held.later(minutes=46)
    assert second.id != run.id
    assert (held.tries, held.extended) == (1, 1)


async def test_what_ends_without_a_time_needs_no_renewal(held: Held) -> None:
    await held.start()
    assert [job.payload["until"] for job in await _renewals(held)] == [held.hold.ends.isoformat()]


async def _renewals(held: Held) -> list[Job]:
    held.core.clock.advance(timedelta(hours=3))
    found = await held.core.store.lease(Lane.AWS, 10, "looking")
    return [job for job in found if job.kind is jobs.RENEW]


def row(**more: Any) -> Step:
    return Step(**{"run": "r", "step": "hold", "position": 0, "state": "done", "attempt": 1} | more)


def test_a_row_holds_while_it_is_done_and_nobody_takes_it_back() -> None:
    undo = row(step="undo:hold", undoes="hold", state="waiting")
    assert holds([row()], "hold", 1)
    assert not holds([row()], "hold", 2)
    assert not holds([row(state="failed")], "hold", 1)
    assert not holds([row(), undo], "hold", 1)
    assert not holds([], "hold", 1)


@pytest.mark.parametrize("lasts", [timedelta(minutes=1), HOUR, timedelta(hours=72)])
def test_a_quarter_is_left_when_it_is_due(lasts: timedelta) -> None:
    job = renewal(row(), "inc-1", T0, T0 + lasts)
    assert job.due_at == T0 + lasts * 3 / 4


def test_a_try_never_comes_after_the_end_and_never_at_once() -> None:
    busy, refused = throttled(), denied()
    assert next_try(T0, T0 + HOUR, busy) == T0 + timedelta(seconds=30)
    assert next_try(T0, T0 + HOUR, refused) == T0 + timedelta(minutes=15)
    assert next_try(T0, T0 + timedelta(seconds=40), busy) == T0 + timedelta(seconds=10)
    assert next_try(T0, T0 + timedelta(seconds=2), busy) == T0 + timedelta(seconds=1)
    assert isinstance(refused, ActionFailed)


def test_what_ends_by_itself_can_be_renewed() -> None:
    """Rule: a package in which `Done` is given an end has an action with `renew`, and the other way round."""
    ends = {
        name.rpartition(".")[0] for name, module in sys.modules.items() if name.startswith("bot.aws.") and _ends(module)
    }
    renews = {type(one).__module__.rpartition(".")[0] for one in ALL.values() if hasattr(one, "renew")}
    assert ends == renews != set()


def _ends(module: ModuleType) -> bool:
    calls = [node for node in ast.walk(ast.parse(inspect.getsource(module))) if isinstance(node, ast.Call)]
    done = [call for call in calls if getattr(call.func, "id", "") == "Done"]
    return any(len(call.args) > 2 or any(keyword.arg == "until" for keyword in call.keywords) for call in done)
