"""Whoever a run waits for is told by a message of its own, once."""

from bot.clock import SystemClock
from bot.jobs import SAY, Job
from bot.store.sql import Store
from tests.support.actions import HEAD, Play, failed, play, playbook, working

ONE_ENGINE = True

STEPS = """\
  - {id: question, ask: {en: Now?, ko: 지금?}}
  - {id: left, action: thing.make, with: {name: left}, irreversible: a test}
"""


def told(mend: Play) -> list[tuple[str, int]]:
    said = [job for job in mend.core.ran if isinstance(job, Job) and job.kind is SAY]
    return [(job.payload["row"], job.payload["attempt"]) for job in said if job.payload["what"] == "waits"]


async def test_a_question_and_a_failure_are_told_once_each(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock, playbook(STEPS))
    mend.cloud.answers["act left"] = [working(), failed()]
    mend.cloud.answers["look left"] = [failed()]
    run = await mend.start()
    assert told(mend) == [("question", 1)]
    await mend.press(run, "question", "yes")
    await mend.later(seconds=6)
    assert told(mend) == [("question", 1), ("left", 1)]
    await mend.press(run, "left", "retry")
    assert told(mend) == [("question", 1), ("left", 1), ("left", 2)]


async def test_of_a_list_the_element_is_told_and_not_the_step_too(store: Store, clock: SystemClock) -> None:
    each = (
        "  - {id: each, for_each: {in: [a, b]}, action: thing.make, with: {name: '{{ item }}'}, irreversible: a test}\n"
    )
    mend = await play(store, clock, playbook(each))
    mend.cloud.answers["act a"] = [failed()]
    await mend.start()
    assert told(mend) == [("each[0]", 1)]


async def test_an_undo_that_failed_is_told(store: Store, clock: SystemClock) -> None:
    steps = "  - {id: left, action: thing.make, with: {name: left}, undo: {action: thing.unmake, with: {name: left}}}\n"
    mend = await play(store, clock, playbook(steps))
    run = await mend.start()
    mend.cloud.answers["unmake left"] = [failed()]
    await mend.undo(run)
    assert told(mend) == [("undo:left", 1)]


async def test_nobody_is_called_for_what_holds_up_nothing_or_is_over(store: Store, clock: SystemClock) -> None:
    steps = "  - {id: left, action: thing.make, with: {name: left}, best_effort: true, irreversible: a test}\n"
    mend = await play(store, clock, playbook(steps + "  - {id: tell, manual: {en: Tell., ko: 알림.}}\n", HEAD))
    mend.cloud.answers["act left"] = [failed()]
    run = await mend.start()
    assert told(mend) == [("tell", 1)]
    await mend.abort(run)
    assert told(mend) == [("tell", 1)]
