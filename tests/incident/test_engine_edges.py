"""What a run does when two things happen at the same moment, or one that nobody waits for."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from bot.clock import SystemClock
from bot.errors import Refused, phrase
from bot.jobs import Lane
from bot.playbook.action import Working
from bot.store.sql import Store
from tests.support.actions import HEAD, denied, failed, play, playbook, working

# What is asked here is the same on every database.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

ONE = """\
  - id: left
    action: thing.make
    with: {name: left}
    deadline: 30m
    undo: {action: thing.make, with: {name: undone}}
"""
LISTED = HEAD.replace("inputs:", "inputs:\n  things: {type: list, default: 'a, b, c, d'}")
EACH = """\
  - id: each
    for_each: {in: "{{ things }}", as: it, batch: 1, stop_after: 3}
    action: thing.make
    with: {name: "{{ it }}"}
    irreversible: it is only a test
"""


async def test_a_step_does_not_act_when_its_run_was_aborted_while_it_looked_how_things_stand(
    store: Store, clock: SystemClock
) -> None:
    mend = await play(store, clock, playbook(ONE))
    run = await mend.approve(await mend.request())

    async def stopped_meanwhile(work: Any) -> Any:
        found = work()
        if mend.cloud.calls[-1:] == ["plan left"]:
            await mend.abort(run)
        return found

    mend.runner.hands = replace(mend.runner.hands, pool=stopped_meanwhile)
    await mend.core.worker.drain()
    assert "act left" not in mend.cloud.calls
    assert await mend.states(run) == {"left": "aborted"}


async def test_what_an_attempt_may_have_done_is_taken_back_though_the_next_one_never_began(
    store: Store, clock: SystemClock
) -> None:
    mend = await play(store, clock, playbook(ONE))
    mend.cloud.answers["act left"] = [working()]
    mend.cloud.answers["look left"] = [failed()]
    run = await mend.start()
    await mend.later(seconds=6)
    mend.cloud.answers["plan left"] = [denied()]
    run = await mend.press(run, "left", "retry")
    async with store.begin() as tx:
        run = await mend.runs.undo(tx, run.id, "mina")
    await mend.core.worker.drain()
    assert (await mend.run(run.id)).status == "undone"
    assert "undone" in mend.cloud.made


@pytest.mark.parametrize("pressed", [["each"], ["each[0]", "each[1]", "each[2]"]])
async def test_elements_that_are_retried_keep_to_their_batch(
    store: Store, clock: SystemClock, pressed: list[str]
) -> None:
    mend = await play(store, clock, playbook(EACH, LISTED))
    for name in "abc":
        mend.cloud.answers[f"act {name}"] = [failed(), working()]
    run = await mend.start()
    assert run.status == "needs_person"
    async with store.begin() as tx:
        for row in pressed:
            await mend.runs.press(tx, run.id, row, "retry", "mina")
    for _ in range(3):
        await mend.core.worker.drain()
        assert list((await mend.states(run)).values()).count("running") <= 2  # the step itself, and one element
        await mend.later(seconds=6)
    assert (await mend.run(run.id)).status == "succeeded"
    assert sorted(mend.cloud.made) == ["a", "b", "c", "d"]


async def test_one_retried_element_starts_although_too_many_others_have_failed(
    store: Store, clock: SystemClock
) -> None:
    mend = await play(
        store,
        clock,
        playbook(EACH.replace("stop_after: 3", "stop_after: 1, batch: 3").replace("batch: 1, ", ""), LISTED),
    )
    for name in "abc":
        mend.cloud.answers[f"act {name}"] = [failed()]
    run = await mend.start()
    run = await mend.press(run, "each[1]", "retry")
    assert sorted(mend.cloud.made) == ["b"]
    assert (await mend.states(run))["each[3]"] == "waiting"


async def test_an_actions_own_question_can_only_be_answered(store: Store, clock: SystemClock) -> None:
    mend = await play(
        store, clock, playbook("  - {id: left, action: thing.engine, with: {name: left}, irreversible: a test}\n")
    )
    run = await mend.start()
    with pytest.raises(Refused, match="can no longer be done"):
        await mend.press(run, "left", "skip", reason="by hand")


async def test_a_deadline_is_not_missed_because_nobody_looks_until_much_later(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock, playbook(ONE))
    mend.cloud.answers["act left"] = [Working(phrase("come back tomorrow"), timedelta(days=1))]
    run = await mend.start()
    await mend.later(minutes=30, seconds=1)
    assert (await mend.states(run))["left"] == "failed"
    assert mend.cloud.calls.count("look left") == 0


async def test_a_step_with_elements_is_not_taken_for_one_that_nobody_looks_at(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock, playbook(EACH, LISTED))
    mend.cloud.answers["act a"] = [working()]
    mend.cloud.answers["look a"] = [working() for _ in range(40)]
    run = await mend.start()
    for _ in range(20):
        await mend.later(seconds=5)
    async with store.begin() as tx:
        assert not [line for line in await tx.watch.stuck() if line.startswith("a step")]
        await tx.jobs.connection.execute(text("DELETE FROM jobs WHERE kind = 'step'"))
        assert [line for line in await tx.watch.stuck() if line.startswith("a step")] == [
            f"a step runs and nothing looks at it: {run.id}/each[0]"
        ]


async def test_nothing_is_called_after_the_runs_deadline_though_its_timer_comes_late(
    store: Store, clock: SystemClock
) -> None:
    mend = await play(store, clock, playbook(ONE, HEAD.replace("approval:", "deadline: 2m\napproval:")))
    mend.cloud.answers["act left"] = [working()]
    run = await mend.start()
    clock.advance(timedelta(minutes=2, seconds=1))
    await mend.core.worker.drain([Lane.AWS])
    assert "look left" not in mend.cloud.calls
    await mend.core.worker.drain()
    run = await mend.run(run.id)
    assert (run.status, run.failed_step) == ("failed", "left")
