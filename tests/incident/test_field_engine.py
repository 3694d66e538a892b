"""What other runbook engines did to their users, and must not happen here. The cases are in tests/field_cases.yaml."""

import asyncio
from datetime import timedelta

import pytest

from bot.clock import SystemClock
from bot.errors import Refused
from bot.incident.playbook_runs import presses
from bot.incident.run import Run
from bot.jobs import DRAW_RUN, Lane
from bot.store.sql import Store
from tests.support.actions import HEAD, Play, failed, play, playbook, working

ONE_ENGINE = True  # decisions; the statements are judged on both in tests/store


ASK_BESIDE = """\
  - {id: question, ask: {en: Now?, ko: 지금?}, action: thing.make, with: {name: question}, irreversible: a test}
  - {id: left, needs: [], action: thing.make, with: {name: left}, irreversible: a test}
  - {id: right, needs: [], action: thing.make, with: {name: right}, irreversible: a test}
  - {id: join, needs: [question, left, right], check: thing.ready, with: {name: join}}
"""


async def test_a_question_beside_parallel_steps_jams_neither(store: Store, clock: SystemClock) -> None:
    """st2#4286, #4028, #4138: pause, parallel tasks and an inquiry together."""
    mend = await play(store, clock, playbook(ASK_BESIDE))
    mend.cloud.answers["act left"] = [working()]
    run = await mend.start()
    assert await mend.states(run) == {"question": "asking", "left": "running", "right": "done", "join": "waiting"}
    await mend.later(seconds=6)
    assert await mend.states(run) == {"question": "asking", "left": "done", "right": "done", "join": "waiting"}
    assert (await mend.press(run, "question", "yes")).status == "succeeded"


async def test_an_answer_that_comes_before_anybody_was_shown_the_question_counts(
    store: Store, clock: SystemClock
) -> None:
    """st2#4135: answering too fast was an error 500 that nothing could recover."""
    mend = await play(store, clock, playbook(ASK_BESIDE))
    run = await mend.approve(await mend.request())
    async with store.begin() as tx:
        await mend.runs.press(tx, run.id, "question", "yes", "mina")
    drawn = [job for job in mend.core.ran if job.kind is DRAW_RUN]
    await mend.core.worker.drain()
    assert len([job for job in mend.core.ran if job.kind is DRAW_RUN]) > len(
        drawn
    )  # nothing was drawn before the answer
    assert (await mend.run(run.id)).status == "succeeded"


@pytest.mark.parametrize("answers", [2, 10])
async def test_many_answers_at_once_are_one(store: Store, clock: SystemClock, answers: int) -> None:
    mend = await play(store, clock, playbook(ASK_BESIDE))
    run = await mend.start()

    async def yes() -> bool:
        try:
            async with store.begin() as tx:
                await mend.runs.press(tx, run.id, "question", "yes", "mina")
        except Refused:
            return False
        return True

    assert sum(await asyncio.gather(*(yes() for _ in range(answers)))) == 1
    await mend.core.worker.drain()
    assert mend.cloud.calls.count("act question") == 1


async def _planned(mend: Play) -> Run:
    return await mend.request()


async def _running(mend: Play) -> Run:
    mend.cloud.answers["act left"] = [working()]
    return await mend.start()


async def _needs_person(mend: Play) -> Run:
    mend.cloud.answers["act left"] = [failed()]
    return await mend.press(await mend.start(), "question", "no")


async def _undoing(mend: Play) -> Run:
    run = await mend.press(await mend.start(), "question", "no")
    mend.cloud.answers["unmake left"] = [working()]
    return await mend.undo(run)


@pytest.mark.parametrize("state", [_planned, _running, _needs_person, _undoing])
async def test_whatever_state_a_run_is_in_a_person_can_end_it(store: Store, clock: SystemClock, state: object) -> None:
    """st2#1717, #2123: the only way out was the database."""
    undo = ", undo: {action: thing.unmake, with: {name: left}}, "
    steps = ASK_BESIDE.replace("with: {name: left}, irreversible: a test", "with: {name: left}" + undo.rstrip(", "))
    mend = await play(store, clock, playbook(steps))
    run: Run = await state(mend)  # type: ignore[operator]  # one of the four above
    assert (await mend.abort(run)).status == "aborted"
    async with store.begin() as tx:
        await mend.core.responder.resolve(tx, mend.incident, "mina")
    states = set((await mend.states(run)).values())
    assert states <= {"done", "skipped", "aborted"}


async def test_every_run_that_rests_says_what_can_be_pressed(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock, playbook(ASK_BESIDE))
    mend.cloud.answers["act left"] = [failed()]
    run = await mend.start()
    rows = list((await mend.steps(run)).values())
    assert presses(run, rows) == {"question": ("yes", "no", "skip"), "left": ("retry", "skip"), "join": ("skip",)}


async def test_a_dead_process_blocks_neither_its_run_nor_the_next_one(store: Store, clock: SystemClock) -> None:
    """rundeck#2783: the job stays running, and its schedule is blocked."""
    mend = await play(store, clock, playbook(ASK_BESIDE))
    run = await mend.approve(await mend.request())
    taken = await store.lease(Lane.AWS, 10, "a process that dies now")
    assert {job.payload["step"] for job in taken} == {"left", "right"}
    await mend.core.worker.drain()
    assert (await mend.states(run))["left"] == "running"
    clock.advance(timedelta(seconds=15))
    await mend.core.worker.drain()
    assert (await mend.states(run))["left"] == "done"
    assert (await mend.press(run, "question", "no")).status == "succeeded"
    assert (await mend.approve(await mend.request())).status == "running"


async def test_an_abort_ends_the_run_it_names_at_once_and_no_other(store: Store, clock: SystemClock) -> None:
    """rundeck#6439, #4916: the timeout is ignored; killed on one node, launched on another."""
    steps = '  - {id: left, action: thing.make, with: {name: "{{ thing }}"}, irreversible: a test}\n'
    mend = await play(
        store, clock, playbook(steps + '  - {id: after, check: thing.ready, with: {name: "{{ thing }}"}}\n')
    )
    mend.cloud.answers["act orders"] = [working()]
    mend.cloud.answers["act carts"] = [working()]
    first = await mend.start()
    second = await mend.approve(await mend.request(thing="carts"))
    await mend.core.worker.drain()
    assert (await mend.abort(first)).status == "aborted"
    calls = list(mend.cloud.calls)
    await mend.later(seconds=6)
    assert (await mend.run(second.id)).status == "succeeded"
    assert [call for call in mend.cloud.calls[len(calls) :] if "orders" in call] == []


async def test_an_abort_counts_even_while_the_plan_is_being_made(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock, playbook(ASK_BESIDE, HEAD))
    async with store.begin() as tx:
        run = await mend.runs.request(tx, mend.incident, "mend", {}, "mina")
    await mend.abort(run)
    await mend.core.worker.drain()
    assert (await mend.run(run.id)).status == "aborted"
