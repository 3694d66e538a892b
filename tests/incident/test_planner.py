"""What the planner adds to the steps' own plans: durations from earlier runs, missing permissions, calls checked."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.clock import SystemClock
from bot.errors import Phrase, phrase
from bot.incident.hands import Hands
from bot.incident.planner import Planner
from bot.incident.run import Run
from bot.jobs import PLAN_RUN, Job
from bot.playbook.action import Attempt, Aws, Call, Facts, StepPlan
from bot.playbook.plan import Plan
from bot.store.sql import Store
from tests.support.actions import ACTIONS, CHECKS, Cloud, Play, failed, play, playbook

ONE_ENGINE = True  # decisions; the statements are judged on both in tests/store


SHORT = """\
  - {id: look, check: thing.ready, with: {name: "{{ thing }}"}}
  - {id: left, action: thing.make, with: {name: left}, takes: 4m, undo: {action: thing.make, with: {name: x}}}
"""


@pytest.fixture
async def mend(store: Store, clock: SystemClock) -> Play:
    return await play(store, clock, playbook(SHORT))


@dataclass
class Heard:
    """The verbs that the planner ends with, and the permissions that IAM was asked for."""

    plans: list[Plan] = field(default_factory=list)
    asked: list[tuple[str, Mapping[str, Collection[str]]]] = field(default_factory=list)
    failures: list[Phrase] = field(default_factory=list)

    async def planned(self, _tx: Any, _run: str, plan: Plan) -> None:
        self.plans.append(plan)

    async def plan_failed(self, _tx: Any, _run: str, why: Phrase) -> None:
        self.failures.append(why)

    def missing(self, aws: Aws, permissions: Mapping[str, Collection[str]]) -> tuple[frozenset[str], Phrase | None]:
        self.asked.append((aws.region, permissions))
        return frozenset({"thing:Make"}), phrase("Not all.")


async def planned(mend: Play, run: Run, heard: Heard, **more: Any) -> Plan:
    """The run's plan, made again by a planner of the test's own."""
    planner = Planner(mend.core.store, heard, more.pop("hands", mend.runner.hands), **more)  # type: ignore[arg-type]
    now = datetime.now(UTC)
    record = await planner.plan(Job(1, PLAN_RUN, {"run": run.id}, now, 1, 1, now))
    await record(None)  # type: ignore[arg-type]
    assert not heard.failures
    return heard.plans[-1]


async def test_a_duration_is_stated_until_runs_have_shown_it(mend: Play) -> None:
    plan = await planned(mend, await mend.request(), Heard())
    assert (plan.duration, plan.untimed) == (None, ("look",))
    await mend.start()
    plan = await planned(mend, await mend.request(), Heard())
    assert plan.duration
    assert plan.duration.samples == 1
    assert not plan.duration.stated


async def test_what_a_check_finds_is_in_the_plan_only_where_its_facts_say_so(mend: Play) -> None:
    run, hands = await mend.request(), mend.runner.hands
    plan = await planned(mend, run, Heard())
    assert plan.steps[0].plan.warnings == ()
    telling = type(
        "Telling", (type(CHECKS["thing.ready"]),), {"facts": replace(CHECKS["thing.ready"].facts, tells=True)}
    )
    plan = await planned(mend, run, Heard(), hands=replace(hands, checks={**CHECKS, "thing.ready": telling()}))
    assert [str(said) for said in plan.steps[0].plan.warnings] == ["it is ready"]


async def test_permissions_are_asked_for_with_those_of_the_undo(mend: Play) -> None:
    heard = Heard()
    plan = await planned(mend, await mend.request(), heard, missing_permissions=heard.missing)
    assert plan.missing == ("thing:Make",)
    assert str(plan.unchecked) == "Not all."
    [(region, permissions)] = heard.asked
    assert region == plan.region
    assert set(permissions) == {"thing:Look", "thing:Make"}


async def test_resources_are_those_of_the_steps_own_region(store: Store, clock: SystemClock) -> None:
    facts = Facts(**{**vars(ACTIONS["thing.make"].facts), "resources": {"thing:Make": ("arn:{region}:{account}",)}})

    class Scoped(type(ACTIONS["thing.make"])):  # type: ignore[misc]
        pass

    Scoped.facts = facts
    mend = await play(store, clock, playbook(SHORT.replace("takes: 4m", "region: eu-west-3")))
    hands = Hands({"thing.make": Scoped()}, CHECKS, mend.runner.hands.sessions, mend.runner.hands.pool)
    heard = Heard()
    await planned(mend, await mend.request(), heard, missing_permissions=heard.missing, hands=hands)
    assert heard.asked[0][1]["thing:Make"] == {"arn:eu-west-3:{account}"}


@pytest.mark.parametrize(
    ("tier", "failing", "asks"), [(3, "us-east-1", False), (3, "us-west-2", True), (1, "us-east-1", True)]
)
async def test_iam_is_never_asked_in_a_failover_from_where_it_lives(
    mend: Play, tier: int, failing: str, asks: bool
) -> None:
    run = await mend.request()
    book = {**run.playbook, "tier": tier}
    away = run.model_copy(
        update={"playbook": book, "context": {**run.context, "failing": failing, "region": "eu-west-1"}}
    )
    async with mend.core.store.begin() as tx:
        await tx.runs.save(away)
    heard = Heard()
    plan = await planned(mend, run, heard, missing_permissions=heard.missing)
    assert bool(heard.asked) == asks
    assert ("us-east-1, the region that is failing" in str(plan.unchecked)) != asks


async def test_a_call_that_cannot_be_sent_refuses_the_plan(mend: Play) -> None:
    def problems(call: Call) -> list[Phrase]:
        return [phrase("thing has no operation {name}.", name=call.operation)]

    plan = await planned(mend, await mend.request(), Heard(), call_problems=problems)
    assert {step: str(why) for step, why in plan.problems.items()} == {"left": "thing has no operation Make."}


async def test_a_step_is_planned_in_its_region_and_an_element_under_its_own_name(
    store: Store, clock: SystemClock
) -> None:
    seen: list[tuple[str, str]] = []

    class Watching(type(ACTIONS["thing.make"])):  # type: ignore[misc]
        def plan(self, params: Any, aws: Cloud, attempt: Attempt) -> StepPlan:
            seen.append((aws.region, attempt.step))
            return StepPlan()

    steps = "  - {id: go, action: thing.make, region: eu-west-3, for_each: {in: [a, b]}, with: {name: '{{ item }}'}}\n"
    mend = await play(store, clock, playbook(steps))
    hands = Hands({"thing.make": Watching()}, CHECKS, mend.runner.hands.sessions, mend.runner.hands.pool)
    plan = await planned(mend, await mend.request(), Heard(), hands=hands)
    assert seen == [("eu-west-3", "go[0]"), ("eu-west-3", "go[1]")]
    assert plan.steps[0].elements[1].region == "eu-west-3"


async def test_the_number_of_a_known_list_counts_for_the_duration(store: Store, clock: SystemClock) -> None:
    steps = (
        "  - {id: go, action: thing.make, takes: 2m, for_each: {in: [a, b, c], batch: 2}, with: {name: '{{ item }}'}}\n"
    )
    mend = await play(store, clock, playbook(steps))
    plan = await planned(mend, await mend.request(), Heard())
    assert plan.duration
    assert plan.duration.p50 == timedelta(minutes=4)
    assert plan.duration.stated


async def test_a_step_that_is_left_out_takes_no_time(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock, playbook(SHORT.replace("id: look,", "id: look, when: false,")))
    plan = await planned(mend, await mend.request(), Heard())
    assert plan.duration
    assert plan.duration.p95 == timedelta(minutes=4)


async def test_what_a_change_comes_before_is_not_judged_while_it_is_planned(store: Store, clock: SystemClock) -> None:
    """A table that is to be restored cannot be read back yet: that is no reason not to restore it."""
    steps = """\
  - {id: look, check: thing.ready, with: {name: before}}
  - {id: left, action: thing.make, with: {name: left}, irreversible: never}
  - {id: readable, check: thing.ready, with: {name: after}}
"""
    mend = await play(store, clock, playbook(steps))
    run = await mend.request()
    for name, problems in (("look after", {}), ("look before", {"look": "it broke"})):
        mend.cloud.answers[name] = [failed()]
        plan = await planned(mend, run, Heard())
        assert {step: str(why) for step, why in plan.problems.items()} == problems
