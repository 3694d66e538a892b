"""What holds for every playbook, every cloud and everybody who presses: on made-up ones, with a moved clock."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.clock import SystemClock
from bot.errors import Refused
from bot.incident.playbook_runs import presses
from bot.incident.run import ENDED, Run, Step
from bot.playbook import elements, graph
from bot.playbook.model import ForEach, Playbook
from bot.playbook.reversal import reversal
from bot.store.database import Database
from bot.store.sql import Store
from tests.support.engine_worlds import ANSWERS, Choices, Scene, Story, migrated, playbooks

EXAMPLES = int(os.environ.get("ENGINE_EXAMPLES", "40"))
IN_ENGINE = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)  # fmt: skip
PURE = settings(max_examples=100, deadline=None, derandomize=bool(os.environ.get("CI")))


class Stage:
    """One database and one loop for all examples of a test."""

    def __init__(self, url: str) -> None:
        self.runner = asyncio.Runner()
        self.database = Database(url, SystemClock())
        self.scene = Scene.set_up(Store(self.database), self.database.clock)  # type: ignore[arg-type]  # ours
        self.incident = self.runner.run(self.scene.opens())

    def close(self) -> None:
        self.runner.run(self.database.close())
        self.runner.close()


@pytest.fixture
def stage(tmp_path: Path, sqlite_template: Path) -> Iterator[Stage]:
    stage = Stage(migrated(sqlite_template, tmp_path))
    yield stage
    stage.close()


@pytest.mark.timeout(600)
@IN_ENGINE
@given(playbooks(), st.lists(st.sampled_from(ANSWERS), max_size=25), st.lists(st.integers(0, 10_000), max_size=40))
def test_whatever_happens_a_run_keeps_its_promises(
    stage: Stage, playbook: Playbook, answers: list[str], moves: list[int]
) -> None:
    stage.runner.run(_lives(Story(stage.scene, stage.incident, playbook, answers, Choices(moves))))


async def _lives(story: Story) -> None:
    await story.begins()
    await story.drains()
    await _holds(story)
    while story.moves:
        await story.moves_on()
        await _holds(story)
    run, rows = await story.ends()
    await _holds(story)
    await _has_ended(story, run, rows)


async def _holds(story: Story) -> None:
    """What is true between any two events."""
    run, rows = await story.now()
    _nothing_began_before_its_needs(story.playbook, rows)
    _no_batch_is_exceeded(story.playbook, rows)
    if run.status == "running":
        assert not graph.ready(story.playbook, _states(story.playbook, rows)), "something is ready and does not run"
    if run.status == "needs_person":
        assert any(row.state == "failed" for row in rows.values())
        assert presses(run, list(rows.values()))
    _nothing_acted_too_late(story, run)


def _states(playbook: Playbook, rows: dict[str, Step]) -> dict[str, graph.StepState]:
    return {step.id: rows[step.id].state for step in playbook.steps}


def _nothing_began_before_its_needs(playbook: Playbook, rows: dict[str, Step]) -> None:
    for id_, first in graph.needs(playbook).items():
        for row in rows.values():
            if row.written != id_ or row.undoes or not row.started_at:
                continue
            for need in first:
                assert rows[need].over
                assert (rows[need].ended_at or row.started_at) <= row.started_at


def _no_batch_is_exceeded(playbook: Playbook, rows: dict[str, Step]) -> None:
    for step in playbook.steps:
        if not step.for_each:
            continue
        own = [row for row in rows.values() if row.is_element and row.of == step.id]
        assert sum(row.state in {"running", "asking"} for row in own) <= step.for_each.batch
        if not any(row.attempt > 1 or row.decided_by for row in own):
            failed = sum(row.state == "failed" for row in own)
            assert failed < step.for_each.stop_after + step.for_each.batch


def _nothing_acted_too_late(story: Story, run: Run) -> None:
    for verb, row, attempt in story.scene.world.calls:
        limit = story.playbook.step(row.removeprefix("undo:").partition("[")[0]).time_limit
        assert limit
        assert attempt.now <= attempt.started_at + limit, f"{verb} {row} after the step's deadline"
        if not row.startswith("undo:") and run.deadline_at:
            assert attempt.now <= run.deadline_at, f"{verb} {row} after the run's deadline"


async def _has_ended(story: Story, run: Run, rows: dict[str, Step]) -> None:
    assert run.status in ENDED
    assert run.status in {"succeeded", "undone", "failed", "aborted"}
    assert (run.failed_step in rows) is (run.status == "failed")
    assert presses(run, list(rows.values())) == {}
    assert not await story.tries(lambda tx: story.runs.abort(tx, story.id, "mina"))
    if run.status == "succeeded":
        assert all(row.over for row in rows.values())
    if story.undos_asked == 1:
        _taken_back_the_latest_first(rows)
    calls = len(story.scene.world.calls)
    async with story.store.begin() as tx:
        left = (await tx.jobs.connection.exec_driver_sql("SELECT resource FROM locks WHERE free_at IS NULL")).all()
        assert not left, f"locks are left over: {left}"
    story.scene.clock.advance(story.playbook.time_limit * 2)
    await story.drains()
    assert (await story.now())[0].status == run.status
    assert len(story.scene.world.calls) == calls, "something was called after the end"


def _taken_back_the_latest_first(rows: dict[str, Step]) -> None:
    undos = sorted((row for row in rows.values() if row.undoes and row.happened), key=lambda row: row.happened or 0)
    happened = [rows[row.undoes or ""].happened or 0 for row in undos]
    assert happened == sorted(happened, reverse=True)


STATES = st.sampled_from(("waiting", "running", "asking", "done", "failed", "skipped"))


@PURE
@given(playbooks(8), st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=80))
def test_a_graph_always_moves_or_rests_with_a_reason(playbook: Playbook, events: list[tuple[int, int]]) -> None:
    states = graph.first_states(playbook)
    every: tuple[graph.Event, ...] = (
        "start", "leave", "finish", "fail", "ask", "answer", "yes", "no", "confirm", "retry", "skip",
    )  # fmt: skip
    for at_step, at_event in events:
        step, event = playbook.steps[at_step % len(playbook.steps)].id, every[at_event % len(every)]
        allowed = graph.allowed(playbook, states)
        was_ready = step in graph.ready(playbook, states)
        try:
            changes = graph.apply(playbook, states, step, event, "because")
        except Refused:
            assert event not in allowed.get(step, ())
            continue
        assert event not in {"start", "leave"} or was_ready
        assert event in allowed.get(step, ()) or event in every[:6]
        states |= changes
    match graph.outcome(playbook, states):
        case "done":
            assert set(states.values()) <= graph.OVER
        case "failed":
            assert graph.failed(playbook, states)
        case None:
            assert graph.ready(playbook, states) or set(states.values()) & {"running", "asking"}


@PURE
@given(playbooks(8), st.data())
def test_what_is_ready_needs_only_what_is_over_and_all_of_that_is_ready(
    playbook: Playbook, data: st.DataObject
) -> None:
    states = {step.id: data.draw(STATES) for step in playbook.steps}
    waits = graph.needs(playbook)
    ready = set(graph.ready(playbook, states))
    for step in playbook.steps:
        over = all(states[need] in graph.OVER for need in waits[step.id])
        assert (step.id in ready) is (states[step.id] == "waiting" and over)
    assert list(graph.order(playbook)) == [step.id for step in playbook.steps]


@PURE
@given(st.integers(1, 4), st.integers(1, 4), st.lists(STATES, max_size=8), st.sets(st.integers(0, 7)))
def test_elements_keep_to_their_batch_and_stop_after_too_many_failures(
    batch: int, stop_after: int, states: list[graph.StepState], retried: set[int]
) -> None:
    rule = ForEach.model_validate({"in": [], "batch": batch, "stop_after": stop_after})
    started = elements.next_up(rule, states, retried)
    going = sum(state in {"running", "asking"} for state in states)
    assert all(states[number] == "waiting" for number in started)
    assert not started or going + len(started) <= batch
    if states.count("failed") >= stop_after:
        assert set(started) <= retried
    elif "waiting" in states and going < batch:
        assert started
    ended = elements.outcome(rule, states, retried)
    assert (ended is None) is bool(going or started)
    if ended == "done":
        assert set(states) <= graph.OVER


class Happened(Step):
    """A row of made-up history."""


@PURE
@given(playbooks(8), st.data())
def test_what_is_taken_back_is_all_that_happened_and_the_latest_first(playbook: Playbook, data: st.DataObject) -> None:
    numbers = data.draw(st.permutations(range(1, len(playbook.steps) + 1)))
    rows = [
        Happened(
            run="r", step=step.id, of=step.id, position=0, state=data.draw(STATES),
            happened=number if data.draw(st.booleans()) else None,
        )
        for step, number in zip(playbook.steps, numbers, strict=True)
    ]  # fmt: skip
    gone = [row for row in rows if row.happened and data.draw(st.booleans())]
    undos = [
        Happened(run="r", step=f"undo:{row.step}", of=row.step, position=1, undoes=row.step, state="done", happened=99)
        for row in gone
    ]
    found = reversal(playbook, [*rows, *undos])
    number = {row.step: row.happened or 0 for row in rows}
    assert [number[step] for step in found.order] == sorted((number[step] for step in found.order), reverse=True)
    expected = {row.step for row in rows if row.happened and row not in gone and playbook.step(row.step).action}
    assert {*found.order, *found.stays} == expected
    assert all(playbook.step(step).undo for step in found.order)
    if found.order:
        since = data.draw(st.sampled_from(found.order))
        assert set(reversal(playbook, [*rows, *undos], since).order) == {
            s for s in found.order if number[s] >= number[since]
        }
        assert reversal(playbook, [*rows, *undos], since, only=True).order == (since,)
