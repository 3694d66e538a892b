"""What a run owes to locks, leases and fences: on both databases."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from bot.clock import SystemClock
from bot.errors import LeaseLost, Refused, Unavailable
from bot.incident.timeline import restore
from bot.jobs import LEASE, STEP, Job, Lane
from bot.store.sql import Store
from bot.worker import Handlers, Worker
from tests.support.actions import Play, denied, failed, play, playbook, step_jobs, throttled, unanswered, working

ONE_ENGINE = True  # decisions; the statements are judged on both in tests/store


@pytest.fixture
async def mend(store: Store, clock: SystemClock) -> Play:
    return await play(store, clock)


ONE = "  - {id: left, action: thing.make, with: {name: orders-left}}\n"


async def test_a_run_is_planned_then_approved_then_walks_its_steps_to_the_end(mend: Play) -> None:
    run = await mend.request()
    assert run.status == "planned"
    assert not mend.cloud.made
    await mend.approve(run)
    await mend.core.worker.drain()
    run = await mend.run(run.id)
    assert run.status == "succeeded"
    assert mend.cloud.made == {"orders-left": f"{run.id}/left/1", "orders-right": f"{run.id}/right/1"}
    assert mend.cloud.calls[-1] == "look orders-left"
    kinds = [kind for kind in await mend.core.timeline(mend.incident) if kind.startswith("run-")]
    assert kinds == ["run-requested", "run-approved", "run-started", "run-succeeded"]


async def test_a_second_click_on_run_starts_nothing_twice(mend: Play) -> None:
    run = await mend.request()
    answers = await asyncio.gather(*(mend.approve(run) for _ in range(3)), return_exceptions=True)
    assert sum(isinstance(answer, Refused) for answer in answers) == 2
    await mend.core.worker.drain()
    assert mend.cloud.calls.count("act orders-left") == 1


async def test_buttons_and_reports_at_the_same_moment_do_not_jam_each_other(store: Store, clock: SystemClock) -> None:
    steps = "".join(f"  - {{id: s{n}, needs: [], action: thing.make, with: {{name: t{n}}}}}\n" for n in range(6))
    asks = "".join(f"  - {{id: q{n}, needs: [], ask: {{en: Go?, ko: 갈까요?}}}}\n" for n in range(4))
    mend = await play(store, clock, playbook(steps + asks))
    run = await mend.approve(await mend.request())

    async def answer(step: str) -> None:
        async with store.begin() as tx:
            await mend.runs.press(tx, run.id, step, "yes", "mina")

    await asyncio.gather(mend.core.worker.drain(), *(answer(f"q{n}") for n in range(4)))
    await mend.core.worker.drain()
    assert (await mend.run(run.id)).status == "succeeded"


async def test_a_report_that_comes_after_an_abort_changes_nothing(mend: Play) -> None:
    run, job, record = await _acted_not_recorded(mend)
    await mend.abort(run)
    async with mend.core.store.begin() as tx:
        await tx.jobs.finish(job)
        await record(tx)
    await mend.later(hours=1)
    assert (await mend.run(run.id)).status == "aborted"
    assert set((await mend.states(run)).values()) == {"done", "aborted"}
    assert "step-done" not in (await mend.core.timeline(mend.incident))[-2:]


async def test_a_process_that_died_after_the_call_leaves_a_step_that_is_adopted_and_not_made_twice(mend: Play) -> None:
    run, _, _ = await _acted_not_recorded(mend)
    await mend.later(seconds=LEASE.total_seconds() + 1)
    assert (await mend.run(run.id)).status == "succeeded"
    assert mend.cloud.calls.count("act orders-left") == 2
    assert mend.cloud.made["orders-left"] == f"{run.id}/left/1"
    assert (await mend.core.timeline(mend.incident)).count("step-done") == 4


async def test_the_first_workers_record_is_refused_once_the_second_has_taken_over(mend: Play) -> None:
    run, job, record = await _acted_not_recorded(mend)
    await mend.later(seconds=LEASE.total_seconds() + 1)
    before = await mend.steps(run)
    with pytest.raises(LeaseLost):
        async with mend.core.store.begin() as tx:
            await record(tx)
            await tx.jobs.finish(job)
    assert await mend.steps(run) == before


async def test_two_workers_on_one_step_leave_one_result(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock, playbook(ONE))
    acted, go_on = asyncio.Event(), asyncio.Event()

    async def frozen(job: Job) -> Callable[[Any], Awaitable[None]]:
        record = await mend.runner.step(job)
        acted.set()
        await go_on.wait()
        return record

    known = mend.core.worker.handlers
    first = Worker(store, Handlers(known.changes, {**known.effects, STEP: frozen}, known.buried), owner="first")
    run = await mend.approve(await mend.request())
    slow = asyncio.create_task(first.drain())
    await acted.wait()
    await mend.later(seconds=LEASE.total_seconds() + 1)
    go_on.set()
    await slow
    assert (await mend.run(run.id)).status == "succeeded"
    assert (await mend.core.timeline(mend.incident)).count("step-done") == 1
    assert mend.cloud.made == {"orders-left": f"{run.id}/left/1"}


async def test_the_intent_is_on_disk_before_the_first_call(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock, playbook(ONE))
    run = await mend.approve(await mend.request())
    seen: list[Any] = []

    async def at_once(work: Any) -> Any:
        seen.append((await mend.steps(run))["left"].params)
        return work()

    mend.runner.hands = replace(mend.runner.hands, pool=at_once)
    await mend.core.worker.drain()
    assert seen == [None, {"name": "orders-left"}]  # the first looks, to record how things stand


async def test_a_call_that_stood_in_line_past_its_lease_is_not_made(
    store: Store, clock: SystemClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    mend = await play(store, clock, playbook(ONE))
    await mend.approve(await mend.request())
    [job] = await store.lease(Lane.AWS, 1, "late")
    # The monotonic clock cannot be moved: the lease is over before it began instead.
    monkeypatch.setattr("bot.incident.step_runner._MAY_ACT", -1.0)
    with pytest.raises(Unavailable, match="too long"):
        await mend.runner.step(job)
    assert "act orders-left" not in mend.cloud.calls


async def test_a_denied_call_fails_the_step_with_its_reason(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock, playbook(ONE))
    mend.cloud.answers["act orders-left"] = [denied()]
    run = await mend.start()
    step = (await mend.steps(run))["left"]
    assert run.status == "needs_person"
    assert step.note
    assert str(restore(step.note)) == "not allowed"


async def test_a_defect_in_an_action_is_told_at_once_and_the_step_can_be_retried(
    store: Store, clock: SystemClock
) -> None:
    mend = await play(store, clock, playbook(ONE))
    mend.cloud.answers["act orders-left"] = [KeyError("a defect")]
    run = await mend.start()
    assert run.status == "needs_person"
    assert (await mend.press(run, "left", "retry")).status == "succeeded"


async def test_a_job_of_an_attempt_that_is_over_calls_nothing(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock, playbook(ONE))
    mend.cloud.answers["act orders-left"] = [working()]
    run = await mend.start()
    await mend.abort(run)
    calls = len(mend.cloud.calls)
    await mend.later(seconds=6)
    assert len(mend.cloud.calls) == calls
    assert step_jobs(mend.core.ran) == []


async def test_a_step_whose_action_this_version_does_not_have_says_so(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock, playbook(ONE))
    run = await mend.approve(await mend.request())
    mend.runner.hands = replace(mend.runner.hands, actions={})
    await mend.core.worker.drain()
    step = (await mend.steps(run))["left"]
    assert step.state == "failed"
    assert step.note
    assert "thing.make" in str(restore(step.note))


async def test_outputs_keep_their_meaning_from_step_to_step(store: Store, clock: SystemClock) -> None:
    more = '  - {id: copy, action: thing.make, with: {name: "{{ steps.left.token }}"}}\n'
    mend = await play(store, clock, playbook(ONE + more))
    mend.cloud.answers["act orders-left"] = [failed()]
    run = await mend.start()
    run = await mend.press(run, "left", "retry")
    assert run.status == "succeeded"
    assert f"{run.id}/left/2" in mend.cloud.made


async def _acted_not_recorded(mend: Play) -> tuple[Any, Job, Callable[[Any], Awaitable[None]]]:
    """A run whose step `left` was called by a worker that has not written the result."""
    mend.cloud.answers["act orders-left"] = []
    run = await mend.approve(await mend.request())
    kept: list[Any] = []

    async def dies(job: Job) -> Callable[[Any], Awaitable[None]]:
        record = await mend.runner.step(job)
        if job.payload["step"] == "left" and not kept:
            kept.append((job, record))
            raise LeaseLost("the process is gone")
        return record

    known = mend.core.worker.handlers
    worker = Worker(mend.core.store, Handlers(known.changes, {**known.effects, STEP: dies}, known.buried), owner="dead")
    await worker.drain()
    [(job, record)] = kept
    return run, job, record


async def test_an_act_that_aws_refused_was_surely_not_done(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock, playbook(ONE))
    mend.cloud.answers["act orders-left"] = [throttled()]
    run = await mend.start()
    left = (await mend.steps(run))["left"]
    assert (left.state, left.acting, left.acted) == ("running", False, False)


async def test_while_an_act_is_out_nobody_knows_and_the_next_one_is_told_so(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock, playbook(ONE))
    told: list[bool] = []
    act = mend.runner.hands.actions["thing.make"].act

    class Asked:
        facts = mend.runner.hands.actions["thing.make"].facts
        plan = staticmethod(mend.runner.hands.actions["thing.make"].plan)
        look = staticmethod(mend.runner.hands.actions["thing.make"].look)

        @staticmethod
        def act(params: Any, aws: Any, attempt: Any) -> Any:
            told.append(attempt.again)
            return act(params, aws, attempt)

    mend.runner.hands = replace(mend.runner.hands, actions={"thing.make": Asked()})
    mend.cloud.answers["act orders-left"] = [unanswered(), throttled()]
    run = await mend.start()
    assert (await mend.steps(run))["left"].acting
    await mend.later(seconds=6)
    await mend.later(seconds=9)
    assert (await mend.run(run.id)).status == "succeeded"
    assert told == [False, True, False]  # after no answer; after a refusal


async def test_an_act_with_more_to_do_is_called_again_with_what_it_remembers(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock, playbook(ONE))
    mend.cloud.answers["act orders-left"] = [working(memory={"done": 1}, more=True), working(memory={"done": 2})]
    run = await mend.start()
    left = (await mend.steps(run))["left"]
    assert (left.acted, left.acting, left.memory) == (False, False, {"done": 1})
    await mend.later(seconds=6)
    left = (await mend.steps(run))["left"]
    assert (left.acted, left.acting, left.memory) == (True, False, {"done": 2})
    await mend.later(seconds=6)
    assert (await mend.run(run.id)).status == "succeeded"
    assert mend.cloud.calls[-3:] == ["act orders-left", "act orders-left", "look orders-left"]


async def test_an_answer_is_spent_before_the_action_is_told(store: Store, clock: SystemClock) -> None:
    steps = "  - {id: left, action: thing.engine, with: {name: left}, irreversible: a test}\n"
    mend = await play(store, clock, playbook(steps))
    run = await mend.start()
    async with store.begin() as tx:
        await mend.runs.press(tx, run.id, "left", "yes", "mina")
    seen: list[Any] = []

    async def at_once(work: Any) -> Any:
        left = (await mend.steps(run))["left"]
        seen.append((left.acting, left.answer))
        return work()

    mend.runner.hands = replace(mend.runner.hands, pool=at_once)
    await mend.core.worker.drain()
    assert seen == [(True, None)]
    assert "act left yes" in mend.cloud.calls
