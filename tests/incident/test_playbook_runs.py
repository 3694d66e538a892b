from datetime import timedelta

import pytest

from bot.clock import SystemClock
from bot.config import Config
from bot.errors import NotFound, Refused
from bot.incident.playbook_runs import BadInputs
from bot.incident.timeline import restore
from bot.language import Words
from bot.store.sql import Store
from tests.support.actions import ASK, HEAD, MANUAL, Play, denied, failed, play, playbook, throttled, working
from tests.support.core import alarm

# The rules of runs are the same on every database; what depends on its locks is in test_step_runner.py.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
async def mend(store: Store, clock: SystemClock) -> Play:
    return await play(store, clock)


async def test_steps_that_need_only_what_is_over_run_side_by_side(mend: Play) -> None:
    mend.cloud.answers["act orders-left"] = [working()]
    run = await mend.start()
    assert await mend.states(run) == {"look": "done", "left": "running", "right": "done", "join": "waiting"}
    await mend.later(seconds=6)
    assert (await mend.run(run.id)).status == "succeeded"


async def test_bad_inputs_are_refused_with_each_reason_in_the_readers_language(mend: Play) -> None:
    async with mend.core.store.begin() as tx:
        with pytest.raises(BadInputs) as caught:
            await mend.runs.request(tx, mend.incident, "mend", {"thing": "boats", "colour": "red"}, "mina")
    assert set(caught.value.problems) == {"thing", "colour"}
    assert "thing: 'boats'" in str(caught.value) or "thing: boats" in str(caught.value)
    assert "colour" in Words("ko").phrase(caught.value)


async def test_an_unknown_playbook_or_a_resolved_incident_starts_nothing(mend: Play) -> None:
    async with mend.core.store.begin() as tx:
        with pytest.raises(NotFound, match="mend"):
            await mend.runs.request(tx, mend.incident, "mned", {}, "mina")
        await mend.core.responder.resolve(tx, mend.incident, "mina")
        with pytest.raises(Refused, match="resolved"):
            await mend.runs.request(tx, mend.incident, "mend", {}, "mina")


async def test_a_check_that_does_not_hold_when_planning_refuses_the_run_with_its_reason(mend: Play) -> None:
    mend.cloud.answers["look orders"] = [failed("there is no backup")]
    run = await mend.request()
    assert run.status == "refused"
    assert run.problem
    assert "step look: there is no backup" in str(restore(run.problem))
    with pytest.raises(Refused, match=f"Run {run.id} is"):
        await mend.approve(run)


async def test_an_action_that_cannot_be_planned_refuses_the_run(mend: Play) -> None:
    mend.cloud.answers["plan orders-left"] = [denied()]
    assert (await mend.request()).status == "refused"


async def test_a_defect_while_planning_is_told_at_once_and_not_tried_in_silence(mend: Play) -> None:
    mend.cloud.answers["plan orders-left"] = [KeyError("a defect")]
    run = await mend.request()
    assert run.status == "refused"
    assert run.problem
    assert "KeyError" in str(restore(run.problem))


async def test_a_plan_other_than_the_one_that_was_read_is_refused(mend: Play) -> None:
    run = await mend.request()
    with pytest.raises(Refused, match="has changed"):
        await mend.approve(run, plan="0" * 64)
    assert (await mend.run(run.id)).status == "planned"


async def test_a_plan_is_good_until_it_expires_and_not_a_moment_longer(mend: Play) -> None:
    on_time, late = await mend.request(), await mend.request()
    mend.core.clock.advance(timedelta(minutes=9, seconds=50))
    assert (await mend.approve(on_time)).status == "running"
    mend.core.clock.advance(timedelta(seconds=11))
    with pytest.raises(Refused, match="older than"):
        await mend.approve(late)


async def test_a_plan_that_needs_nobodys_approval_grows_old_too(store: Store, clock: SystemClock) -> None:
    head = "".join(line for line in HEAD.splitlines(keepends=True) if not line.startswith("approval"))
    mend = await play(store, clock, playbook(head=head))
    run = await mend.request()
    mend.core.clock.advance(timedelta(minutes=11))
    with pytest.raises(Refused, match="older than"):
        await mend.approve(run)


async def test_the_incident_cannot_be_changed_by_a_run_approved_after_it_was_resolved(mend: Play) -> None:
    run = await mend.request()
    async with mend.core.store.begin() as tx:
        await mend.core.responder.resolve(tx, mend.incident, "mina")
    with pytest.raises(Refused, match="resolved"):
        await mend.approve(run)


async def test_the_same_person_twice_is_not_two_people(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock, playbook(head=HEAD.replace("people: 1", "people: 2")))
    run = await mend.approve(await mend.request("sofia"))
    assert run.status == "planned"
    for again in ("mina", "cli:mina"):
        with pytest.raises(Refused, match="another person"):
            await mend.approve(run, again)
    assert (await mend.approve(run, "jun")).status == "running"


@pytest.mark.parametrize("stranger", ["UEVIL", "", "slack:U123", "responder"])
async def test_nobody_outside_of_people_yaml_may_approve_abort_or_press(mend: Play, stranger: str) -> None:
    mend.cloud.answers["act orders-left"] = [failed()]
    planned, stuck = await mend.request(), await mend.start()
    with pytest.raises(Refused, match="Only a responder"):
        await mend.approve(planned, stranger)
    with pytest.raises(Refused, match="Only a responder"):
        await mend.abort(stuck, stranger)
    with pytest.raises(Refused, match="Only a responder"):
        await mend.press(stuck, "left", "retry", stranger)


async def test_a_role_admits_only_its_members(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock, config=Config.model_validate({"roles": {"responder": ["jun"]}}))
    run = await mend.request()
    with pytest.raises(Refused, match="Only a responder"):
        await mend.approve(run, "mina")
    assert (await mend.approve(run, "jun")).status == "running"


async def test_a_role_that_nobody_defined_admits_nobody(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock, playbook(head=HEAD.replace("role: responder", "role: captain")))
    run = await mend.request()
    with pytest.raises(Refused, match="role captain"):
        await mend.approve(run, "mina")


async def test_a_failed_step_does_not_hold_up_the_other_branch(mend: Play) -> None:
    mend.cloud.answers["act orders-left"] = [failed()]
    mend.cloud.answers["act orders-right"] = [working()]
    run = await mend.start()
    assert run.status == "running"
    await mend.later(seconds=6)
    assert (await mend.run(run.id)).status == "needs_person"
    assert await mend.states(run) == {"look": "done", "left": "failed", "right": "done", "join": "waiting"}


async def test_retry_is_a_new_attempt_with_a_new_token_and_a_clean_memory(mend: Play) -> None:
    mend.cloud.answers["act orders-left"] = [working(memory={"seen": 1})]
    mend.cloud.answers["look orders-left"] = [failed()]
    run = await mend.start()
    await mend.later(seconds=6)
    del mend.cloud.made["orders-left"]
    run = await mend.press(run, "left", "retry")
    assert run.status == "succeeded"
    assert mend.cloud.made["orders-left"] == f"{run.id}/left/2"
    assert (await mend.steps(run))["left"].memory == {}


async def test_a_second_click_on_retry_is_refused_and_starts_nothing(mend: Play) -> None:
    mend.cloud.answers["act orders-left"] = [failed(), working()]
    run = await mend.press(await mend.start(), "left", "retry")
    with pytest.raises(Refused, match=r"Step left is .*, so this can no longer be done"):
        await mend.press(run, "left", "retry")
    assert (await mend.steps(run))["left"].attempt == 2


async def test_a_step_is_not_skipped_without_a_reason(mend: Play) -> None:
    mend.cloud.answers["act orders-left"] = [failed()]
    run = await mend.start()
    with pytest.raises(Refused, match="Say why"):
        await mend.press(run, "left", "skip", reason="  ")
    mend.cloud.answers["look orders"] = []
    run = await mend.press(run, "left", "skip", reason="made by hand")
    steps = await mend.steps(run)
    assert (steps["left"].state, steps["left"].reason, steps["left"].decided_by) == ("skipped", "made by hand", "mina")


async def test_a_step_that_does_not_exist_cannot_be_pressed(mend: Play) -> None:
    mend.cloud.answers["act orders-left"] = [failed()]
    with pytest.raises(NotFound, match="left"):
        await mend.press(await mend.start(), "middle", "retry")


async def test_yes_runs_the_step_and_a_parallel_step_waits_for_no_answer(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock, playbook(ASK))
    run = await mend.start()
    assert await mend.states(run) == {"left": "done", "cut-over": "asking", "after": "waiting"}
    run = await mend.press(run, "cut-over", "yes")
    assert run.status == "succeeded"
    assert mend.cloud.made["orders-cut"] == f"{run.id}/cut-over/1"


async def test_no_changes_nothing_and_skips_what_comes_after(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock, playbook(ASK))
    run = await mend.press(await mend.start(), "cut-over", "no")
    assert await mend.states(run) == {"left": "done", "cut-over": "skipped", "after": "skipped"}
    assert "orders-cut" not in mend.cloud.made


async def test_an_answer_given_before_the_question_was_drawn_is_taken(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock, playbook(ASK))
    run = await mend.approve(await mend.request())
    async with mend.core.store.begin() as tx:
        await mend.runs.press(tx, run.id, "cut-over", "yes", "jun")
    await mend.core.worker.drain()
    assert (await mend.run(run.id)).status == "succeeded"


async def test_a_failed_answer_is_asked_again_on_retry_and_not_simply_repeated(
    store: Store, clock: SystemClock
) -> None:
    mend = await play(store, clock, playbook(ASK))
    mend.cloud.answers["act orders-cut"] = [failed()]
    run = await mend.press(await mend.start(), "cut-over", "yes")
    run = await mend.press(run, "cut-over", "retry")
    assert (await mend.states(run))["cut-over"] == "asking"
    run = await mend.press(run, "cut-over", "yes")
    assert run.status == "succeeded"
    assert mend.cloud.made["orders-cut"] == f"{run.id}/cut-over/2"


async def test_a_manual_step_waits_for_its_person(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock, playbook(MANUAL))
    run = await mend.start()
    await mend.later(hours=3)
    assert (await mend.states(run))["tell"] == "asking"
    assert (await mend.press(run, "tell", "confirm")).status == "succeeded"


async def test_a_run_can_be_aborted_while_it_is_planned_or_waits_for_approval(mend: Play) -> None:
    async with mend.core.store.begin() as tx:
        planning = await mend.runs.request(tx, mend.incident, "mend", {}, "mina")
        await mend.runs.abort(tx, planning.id, "mina")
    planned = await mend.abort(await mend.request())
    assert (await mend.run(planning.id)).status == "aborted"
    for run in (planning, planned):
        with pytest.raises(Refused):
            await mend.approve(run)
        with pytest.raises(Refused, match="already over"):
            await mend.abort(run)
    assert not mend.cloud.made


async def test_a_run_whose_only_steps_have_failed_can_be_aborted(mend: Play) -> None:
    mend.cloud.answers["act orders-left"] = [failed()]
    run = await mend.abort(await mend.start())
    assert (run.status, run.aborted_by) == ("aborted", "mina")


async def test_a_step_past_its_deadline_fails_and_says_how_long_it_was_given(mend: Play) -> None:
    mend.cloud.answers["act orders-left"] = [working()]
    mend.cloud.answers["look orders-left"] = [working() for _ in range(20)]
    run = await mend.start()
    await mend.later(minutes=29)
    assert (await mend.states(run))["left"] == "running"
    await mend.later(minutes=2)
    step = (await mend.steps(run))["left"]
    assert step.state == "failed"
    assert step.note
    assert "30 min" in Words().phrase(restore(step.note))


async def test_throttling_is_looked_at_again_and_never_fails_the_step(mend: Play) -> None:
    mend.cloud.answers["act orders-left"] = [throttled(), throttled()]
    run = await mend.start()
    assert (await mend.states(run))["left"] == "running"
    await mend.later(seconds=6)
    await mend.later(seconds=8)
    assert (await mend.run(run.id)).status == "succeeded"
    assert mend.cloud.calls.count("act orders-left") == 3


async def test_what_was_begun_is_only_looked_at_after_a_throttled_look(mend: Play) -> None:
    mend.cloud.answers["act orders-left"] = [working()]
    mend.cloud.answers["look orders-left"] = [throttled()]
    run = await mend.start()
    await mend.later(seconds=6)
    await mend.later(seconds=6)
    assert (await mend.run(run.id)).status == "succeeded"
    assert mend.cloud.calls.count("act orders-left") == 1


async def test_an_incident_is_not_resolved_while_its_playbook_runs(mend: Play) -> None:
    mend.cloud.answers["act orders-left"] = [working()]
    await mend.start()
    async with mend.core.store.begin() as tx:
        with pytest.raises(Refused, match="mend is still running"):
            await mend.core.responder.resolve(tx, mend.incident, "mina")


async def test_the_playbook_of_a_run_does_not_change_with_the_files(mend: Play) -> None:
    run = await mend.request()
    mend.core.runs.playbooks = {}
    await mend.approve(run)
    await mend.core.worker.drain()
    assert (await mend.run(run.id)).status == "succeeded"


async def test_the_context_of_a_run_is_what_its_incident_and_service_say(mend: Play) -> None:
    await mend.core.raise_alarm(alarm("other", dimensions={"TableName": "orders"}))
    other = next(one for one in await mend.core.incidents() if one.title == "other")
    context = mend.runs.context(other, mend.core.clock.now())
    assert context.alarm
    assert (context.region, context.alarm.dimensions) == ("us-east-1", {"TableName": "orders"})
