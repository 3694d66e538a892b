"""Two runs do not fight: over one resource, or as opposites. And a run does not hold what it has for ever."""

import pytest

from bot.clock import SystemClock
from bot.config import Config, Service
from bot.errors import Refused
from bot.incident.run import Run
from bot.incident.timeline import restore
from bot.playbook.model import Playbook
from bot.store.sql import Store
from tests.support.actions import HEAD, Play, failed, play, playbook, working

ONE_ENGINE = True

ONE = '  - {id: left, action: thing.make, with: {name: "{{ thing }}"}, irreversible: a test}\n'


@pytest.fixture
async def mend(store: Store, clock: SystemClock) -> Play:
    return await play(store, clock, playbook(ONE))


async def locks(mend: Play, *resources: str) -> dict[str, str]:
    """What a run of nobody would find taken."""
    async with mend.core.store.begin() as tx:
        held = dict(await tx.runs.lock("nobody", resources))
        await tx.runs.unlock("nobody")
    return held


async def test_two_runs_do_not_change_one_thing_at_the_same_time(mend: Play) -> None:
    mend.cloud.answers["act orders"] = [working()]
    first = await mend.start()
    second = await mend.request()
    with pytest.raises(Refused, match="being changed by playbook mend"):
        await mend.approve(second)
    assert (await mend.run(second.id)).status == "planned"  # and the approval is not kept either
    assert (await mend.run(second.id)).approvals == ()
    await mend.later(seconds=6)
    assert (await mend.run(first.id)).status == "succeeded"
    assert (await mend.approve(second)).status == "running"


async def test_two_runs_that_change_different_things_run_side_by_side(mend: Play) -> None:
    mend.cloud.answers["act orders"] = [working()]
    await mend.start()
    second = await mend.approve(await mend.request(thing="carts"))
    assert second.status == "running"


async def test_a_run_that_waits_for_a_person_keeps_what_it_has(mend: Play) -> None:
    mend.cloud.answers["act orders"] = [failed()]
    stuck = await mend.start()
    assert (await locks(mend, "thing:us-east-1:orders")) == {"thing:us-east-1:orders": stuck.id}


@pytest.mark.parametrize("ends", ["succeeds", "is skipped"])
async def test_what_a_run_had_is_free_when_it_is_over(mend: Play, ends: str) -> None:
    mend.cloud.answers["act orders"] = [failed()]
    run = await mend.start()
    if ends == "succeeds":
        await mend.press(run, "left", "retry")
    else:
        await mend.press(run, "left", "skip", reason="not needed")
    assert (await locks(mend, "thing:us-east-1:orders")) == {}


async def test_an_aborted_run_keeps_what_it_has_until_its_last_call_is_surely_over(mend: Play) -> None:
    mend.cloud.answers["act orders"] = [working()]
    run = await mend.abort(await mend.start())
    assert (await locks(mend, "thing:us-east-1:orders")) == {"thing:us-east-1:orders": run.id}
    await mend.later(seconds=31)
    assert (await locks(mend, "thing:us-east-1:orders")) == {}


LATER = """\
  - {id: first, action: thing.make, with: {name: first}, irreversible: a test}
  - {id: second, action: thing.make, with: {name: "{{ steps.first.token | default('x') }}"}, irreversible: a test, retry: {times: 3, wait: 30s, on: [conflict]}}
"""


async def test_what_is_known_only_later_is_taken_before_it_is_changed(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock, playbook(LATER))
    run = await mend.approve(await mend.request())
    token = f"{run.id}/first/1"
    async with store.begin() as tx:
        await tx.runs.lock("somebody", [f"thing:us-east-1:{token}"])
    await mend.core.worker.drain()
    assert token not in mend.cloud.made
    assert (await mend.states(run))["second"] == "running"  # it is patient with conflicts
    async with store.begin() as tx:
        await tx.runs.unlock("somebody")
    await mend.later(seconds=31)
    assert (await mend.run(run.id)).status == "succeeded"
    assert token in mend.cloud.made


async def test_a_conflict_that_the_step_is_not_patient_with_needs_a_person(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock, playbook(LATER.replace(", retry: {times: 3, wait: 30s, on: [conflict]}", "")))
    run = await mend.approve(await mend.request())
    async with store.begin() as tx:
        await tx.runs.lock("somebody", [f"thing:us-east-1:{run.id}/first/1"])
    await mend.core.worker.drain()
    second = (await mend.steps(run))["second"]
    assert second.state == "failed"
    assert "being changed by run somebody" in str(restore(second.note or {}))


def failover(name: str, *excludes: str) -> Playbook:
    made = playbook(ONE.replace("{{ thing }}", name))
    return made.model_copy(update={"name": name, "excludes": excludes})


async def asks(mend: Play, name: str) -> Run:
    async with mend.core.store.begin() as tx:
        run = await mend.runs.request(tx, mend.incident, name, {}, "mina")
    await mend.core.worker.drain()
    return await mend.run(run.id)


@pytest.mark.parametrize(("first", "second"), [("failover", "failback"), ("failback", "failover")])
async def test_opposites_exclude_each_other_whichever_says_so(
    store: Store, clock: SystemClock, first: str, second: str
) -> None:
    mend = await play(store, clock, config=Config(services={"orders": Service()}))
    mend.runs.playbooks = {"failover": failover("failover", "failback"), "failback": failover("failback")}
    mend.cloud.answers[f"act {first}"] = [working()]
    going = await mend.approve(await asks(mend, first))
    await mend.core.worker.drain()
    with pytest.raises(Refused, match=f"{first} is going on"):
        await mend.approve(await asks(mend, second))
    await mend.abort(going)
    assert (await mend.approve(await asks(mend, second))).status == "running"


DEADLINE = HEAD.replace("approval:", "deadline: 20m\napproval:")


async def test_a_run_ends_at_its_own_deadline_and_names_the_step(store: Store, clock: SystemClock) -> None:
    """st2#1717, rundeck#7085: executions that are stuck as running for ever."""
    steps = "  - {id: tell, manual: {en: Tell them., ko: 알리세요.}}\n" + ONE
    mend = await play(store, clock, playbook(steps, DEADLINE))
    run = await mend.start()
    await mend.later(minutes=19, seconds=59)
    assert (await mend.run(run.id)).status == "running"
    await mend.later(seconds=2)
    run = await mend.run(run.id)
    assert (run.status, run.failed_step) == ("failed", "tell")
    assert await mend.states(run) == {"tell": "failed", "left": "waiting"}
    assert mend.cloud.made == {}
    with pytest.raises(Refused):
        await mend.press(run, "tell", "confirm")
    assert (await locks(mend, "thing:us-east-1:orders")) == {}


async def test_a_run_that_needs_a_person_ends_at_its_deadline_too(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock, playbook(ONE, DEADLINE))
    mend.cloud.answers["act orders"] = [failed()]
    run = await mend.start()
    await mend.later(minutes=21)
    run = await mend.run(run.id)
    assert (run.status, run.failed_step) == ("failed", "left")


async def test_a_plan_that_nobody_approves_expires_and_says_so(mend: Play) -> None:
    run = await mend.request()
    await mend.later(minutes=9, seconds=59)
    assert (await mend.run(run.id)).status == "planned"
    await mend.later(seconds=2)
    run = await mend.run(run.id)
    assert run.status == "expired"
    with pytest.raises(Refused, match="expired"):
        await mend.approve(run)


async def test_an_expired_plan_is_made_anew_and_its_approvals_are_void(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock, playbook(ONE, HEAD.replace("people: 1", "people: 2")))
    run = await mend.approve(await mend.request("sofia"), "mina")
    await mend.later(minutes=11)
    async with store.begin() as tx:
        await mend.runs.replan(tx, run.id, "mina")
    await mend.core.worker.drain()
    run = await mend.run(run.id)
    assert (run.status, run.approvals) == ("planned", ())
    run = await mend.approve(run, "mina")
    assert run.status == "planned"
    assert (await mend.approve(run, "jun")).status == "running"
    await mend.later(minutes=11)  # the timer of the first plan, and of the second, do nothing now
    assert (await mend.run(run.id)).status == "succeeded"


async def test_the_world_that_somebody_else_changed_since_the_approval_is_not_acted_on(
    store: Store, clock: SystemClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.support import actions

    mend = await play(store, clock, playbook(ONE))
    run = await mend.approve(await mend.request())
    plan = actions.Make.plan
    # The fake cloud has no state that a plan depends on: the plan itself comes out otherwise now.
    monkeypatch.setattr(
        actions.Make, "plan", lambda self, params, *rest: plan(self, actions.Thing(name=f"{params.name}-2"), *rest)
    )
    await mend.core.worker.drain()
    left = (await mend.steps(run))["left"]
    assert left.state == "failed"
    assert "changed since the plan was approved" in str(restore(left.note or {}))
    assert mend.cloud.made == {}
