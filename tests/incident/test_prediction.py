"""When a recovery will be over."""

from datetime import timedelta
from typing import Any

import pytest

from bot.clock import SystemClock
from bot.incident.experience import expected
from bot.incident.ports import Record
from bot.incident.prediction import Prediction, predicted, prediction
from bot.incident.run import Run, Step
from bot.store.sql import Store
from tests.slack import views
from tests.support.actions import HEAD, Play, play, playbook, working

MINUTE = timedelta(minutes=1)
NOW = views.NOW + 10 * MINUTE
STEPS: list[dict[str, Any]] = [
    {"id": "window", "check": "thing.ready", "takes": "1m"},
    {"id": "restore", "action": "thing.make", "takes": "12m", "irreversible": "x"},
    {"id": "each", "action": "thing.make", "takes": "2m", "irreversible": "x", "for_each": {"in": ["a", "b", "c"]}},
]
BOOK = views.playbook(STEPS)
RECORDS = [
    Record("succeeded", None, {"window": MINUTE, "restore": took * MINUTE, "each": 6 * MINUTE}) for took in (10, 10, 25)
]


def rows(**states: Any) -> list[Step]:
    found = []
    for at, step in enumerate(BOOK.steps):
        state, started = states.get(step.id, ("waiting", None))
        ended = NOW if state == "done" else None
        found.append(
            Step(run="r1", step=step.id, of=step.id, position=at, state=state, started_at=started, ended_at=ended)
        )
    return found


def run(**more: Any) -> Run:
    return views.run(BOOK, **{"status": "running", "started_at": views.NOW, "plan": None, **more})


def at(found: Prediction | None) -> tuple[timedelta, timedelta]:
    assert found
    return found.finishes_at - NOW, found.inside


def test_what_is_left_is_counted_from_now_and_measured_against_the_target() -> None:
    going = rows(window=("done", views.NOW), restore=("running", NOW - 4 * MINUTE))
    usual = expected(BOOK, (), lambda _: None)
    assert at(predicted(run(), going, usual, views.incident(), NOW)) == (14 * MINUTE, 6 * MINUTE)


def test_past_the_target_it_is_negative() -> None:
    usual = expected(BOOK, (), lambda _: None)
    found = predicted(run(), rows(), usual, views.incident(rto=20 * MINUTE), NOW)
    assert at(found) == (19 * MINUTE, -9 * MINUTE)


def test_earlier_runs_say_more_than_what_is_stated_and_how_late_it_may_become() -> None:
    found = predicted(run(), rows(), expected(BOOK, RECORDS, lambda _: None), views.incident(), NOW)
    assert found
    assert (found.finishes_at - NOW, found.latest_at - NOW) == (17 * MINUTE, 32 * MINUTE)


def test_elements_that_are_over_need_no_more_time() -> None:
    going = rows(window=("done", views.NOW), restore=("done", views.NOW), each=("running", NOW - 3 * MINUTE))
    states = ("done", "running", "waiting")
    going += [Step(run="r1", step=f"each[{n}]", of="each", position=9, state=state) for n, state in enumerate(states)]
    usual = expected(BOOK, (), lambda _: None)
    assert at(predicted(run(), going, usual, views.incident(), NOW))[0] == 4 * MINUTE


def test_an_announced_run_counts_from_when_it_begins() -> None:
    usual = expected(BOOK, (), lambda _: None)
    announced = run(status="announced", starts_at=NOW + MINUTE, started_at=None)
    assert at(predicted(announced, rows(), usual, views.incident(), NOW))[0] == 20 * MINUTE


@pytest.mark.parametrize("status", ["planning", "planned", "needs_person", "undoing", "succeeded", "failed", "aborted"])
def test_nobody_can_say_of_a_run_that_waits_for_a_person_or_is_over(status: str) -> None:
    usual = expected(BOOK, (), lambda _: None)
    assert predicted(run(status=status), rows(), usual, views.incident(), NOW) is None


def test_nobody_can_say_of_a_step_that_nothing_is_known_of() -> None:
    book = views.playbook([{"id": "restore", "action": "thing.make", "irreversible": "x"}])
    of = views.run(book, status="running", started_at=views.NOW, plan=None)
    row = Step(run="r1", step="restore", of="restore", position=0)
    assert predicted(of, [row], expected(book, (), lambda _: None), views.incident(), NOW) is None


@pytest.fixture
async def mend(store: Store, clock: SystemClock) -> Play:
    step = '  - {id: make, action: thing.make, with: {name: x}, takes: 12m, deadline: 30m, irreversible: "x"}\n'
    return await play(store, clock, playbook(step, HEAD))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_incidents_run_is_found_and_after_the_end_there_is_none(mend: Play) -> None:
    mend.cloud.answers["act x"] = [working()]
    started = await mend.start()

    async def now() -> Prediction | None:
        async with mend.core.store.begin() as tx:
            return await prediction(tx, await tx.incidents.get(mend.incident), tx.now)

    found = await now()
    assert found
    assert found.run.id == started.id
    assert timedelta(minutes=11, seconds=50) < found.finishes_at - mend.core.clock.now() <= 12 * MINUTE
    await mend.later(seconds=6)
    assert await now() is None
