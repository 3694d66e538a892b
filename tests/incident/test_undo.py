"""Taking a run back: the order, the failures, and that a failed undo is never called a success."""

from datetime import timedelta

import pytest

from bot.clock import SystemClock
from bot.errors import NotFound, Refused
from bot.incident.playbook_runs import presses, reversal
from bot.incident.timeline import restore
from bot.store.sql import Store
from tests.support.actions import HEAD, Play, failed, play, playbook, working

ONE_ENGINE = True

UNDO = 'undo: {action: thing.unmake, with: {name: "{{ steps.ID.name }}"}}'


def make(id_: str, needs: str = "", **more: str) -> str:
    rest = "".join(f", {name}: {value}" for name, value in more.items())
    needed = f", needs: [{needs}]" if needs or id_ == "left" else ""
    undo = UNDO.replace("ID", id_.replace("-", "_"))
    return f"  - {{id: {id_}{needed}, action: thing.make, with: {{name: {id_}}}, {undo}{rest}}}\n"


STEPS = (
    "  - {id: look, check: thing.ready, with: {name: look}}\n"
    + make("left", "look")
    + make("right", "look")
    + make("join", "left, right")
)


@pytest.fixture
async def mend(store: Store, clock: SystemClock) -> Play:
    return await play(store, clock, playbook(STEPS))


def undone(mend: Play) -> list[str]:
    return [call.removeprefix("unmake ") for call in mend.cloud.calls if call.startswith("unmake")]


async def test_a_run_is_taken_back_in_the_reverse_order_of_what_happened(mend: Play) -> None:
    mend.cloud.answers["act left"] = [working()]
    run = await mend.start()
    await mend.later(seconds=6)
    happened = {name: step.happened for name, step in (await mend.steps(run)).items()}
    run = await mend.undo(run)
    assert run.status == "undone"
    assert mend.cloud.made == {}
    order = sorted(("left", "right", "join"), key=lambda name: happened[name] or 0, reverse=True)
    assert undone(mend) == order
    assert order[0] == "join"


async def test_one_undo_runs_at_a_time(mend: Play) -> None:
    run = await mend.start()
    mend.cloud.answers["unmake join"] = [working()]
    run = await mend.undo(run)
    assert run.status == "undoing"
    assert undone(mend) == ["join"]
    await mend.later(seconds=6)
    assert (await mend.run(run.id)).status == "undone"


async def test_an_undo_that_failed_is_never_reported_as_success(mend: Play) -> None:
    """chaostoolkit-lib#94, #189: success though the rollback failed."""
    run = await mend.start()
    mend.cloud.answers["unmake join"] = [failed("it is locked")]
    run = await mend.undo(run)
    assert run.status == "needs_person"
    assert undone(mend) == ["join"]  # nothing older is taken back over it
    run = await mend.press(run, "undo:join", "skip", reason="done by hand")
    assert run.status == "failed"
    assert run.failed_step == "join"
    assert "Not taken back: join" in str(restore(run.problem or {}))
    assert sorted(undone(mend)) == ["join", "left", "right"]


async def test_an_undo_that_failed_can_be_tried_again(mend: Play) -> None:
    run = await mend.start()
    mend.cloud.answers["unmake join"] = [failed()]
    run = await mend.press(await mend.undo(run), "undo:join", "retry")
    assert run.status == "undone"
    assert mend.cloud.made == {}


async def test_only_the_undo_has_buttons_while_a_run_is_taken_back(mend: Play) -> None:
    run = await mend.start()
    mend.cloud.answers["unmake join"] = [failed()]
    run = await mend.undo(run)
    rows = list((await mend.steps(run)).values())
    assert presses(run, rows) == {"undo:join": ("retry", "skip")}
    with pytest.raises(Refused, match="being taken back"):
        await mend.press(run, "left", "retry")


async def test_what_the_operator_stopped_can_be_taken_back(mend: Play) -> None:
    """chaostoolkit#195: by design not run when the operator stops the run; the opposite of what recovery needs."""
    mend.cloud.answers["act left"] = [working()]
    run = await mend.abort(await mend.start())
    assert run.status == "aborted"
    run = await mend.undo(run)
    assert run.status == "undone"
    assert sorted(undone(mend)) == ["left", "right"]
    assert mend.cloud.made == {}


async def test_what_aws_had_begun_when_it_was_aborted_is_taken_back_by_the_name_that_was_certain(mend: Play) -> None:
    mend.cloud.answers["act left"] = [working()]
    run = await mend.abort(await mend.start())
    assert (await mend.steps(run))["left"].output is None
    assert (await mend.undo(run)).status == "undone"
    assert "left" in undone(mend)


async def test_nothing_that_never_began_is_taken_back(store: Store, clock: SystemClock) -> None:
    """chaostoolkit#168, #176: rollbacks that run when nothing started."""
    mend = await play(store, clock, playbook(STEPS))
    mend.cloud.answers["look look"] = [None, failed()]  # type: ignore[list-item]  # as it is when it is planned
    run = await mend.abort(await mend.start())
    with pytest.raises(Refused, match="nothing to take back"):
        await mend.undo(run)
    assert undone(mend) == []
    assert reversal(run, list((await mend.steps(run)).values())).order == ()


async def test_from_a_step_on_and_then_the_rest(mend: Play) -> None:
    run = await mend.undo(await mend.start(), row="join")
    assert (run.status, undone(mend)) == ("undone", ["join"])
    run = await mend.undo(run)
    assert run.status == "undone"
    assert sorted(undone(mend)) == ["join", "left", "right"]


async def test_one_step_alone(mend: Play) -> None:
    run = await mend.undo(await mend.start(), row="left", only=True)
    assert (run.status, undone(mend)) == ("undone", ["left"])


async def test_a_second_undo_of_the_same_run_takes_nothing_back_twice(mend: Play) -> None:
    run = await mend.undo(await mend.start())
    with pytest.raises(Refused, match="nothing to take back"):
        await mend.undo(run)
    assert len(undone(mend)) == 3


async def test_a_run_that_still_runs_is_not_taken_back_under_its_feet(mend: Play) -> None:
    mend.cloud.answers["act left"] = [working()]
    run = await mend.start()
    with pytest.raises(Refused, match="Abort it first"):
        await mend.undo(run)


async def test_whoever_may_not_approve_may_not_undo(mend: Play) -> None:
    run = await mend.start()
    with pytest.raises(Refused, match="Only a responder"):
        await mend.undo(run, "<@UEVIL>")
    assert undone(mend) == []


async def test_a_step_that_does_not_exist_is_not_undone(mend: Play) -> None:
    with pytest.raises(NotFound, match="nonsense"):
        await mend.undo(await mend.start(), row="nonsense")


async def test_an_undo_that_is_aborted_can_be_begun_again(mend: Play) -> None:
    run = await mend.start()
    mend.cloud.answers["unmake join"] = [working()]
    run = await mend.abort(await mend.undo(run))
    assert run.status == "aborted"
    run = await mend.undo(run)
    assert run.status == "undone"
    assert mend.cloud.made == {}


async def test_an_undo_has_a_deadline_too(mend: Play) -> None:
    run = await mend.start()
    mend.cloud.answers["unmake join"] = [working()]
    mend.cloud.answers["look join"] = [working() for _ in range(300)]
    run = await mend.undo(run)
    for _ in range(4):
        await mend.later(minutes=5)
    assert (await mend.run(run.id)).status == "needs_person"


async def test_every_element_is_taken_back_with_its_own_item(store: Store, clock: SystemClock) -> None:
    steps = """\
  - id: each
    for_each: {in: [a, b, c], as: it, batch: 3}
    action: thing.make
    with: {name: "{{ it }}"}
    undo: {action: thing.unmake, with: {name: "{{ steps.each.name }}"}}
"""
    mend = await play(store, clock, playbook(steps))
    run = await mend.undo(await mend.start())
    assert run.status == "undone"
    assert sorted(undone(mend)) == ["a", "b", "c"]
    assert mend.cloud.made == {}


async def test_the_region_must_be_typed_before_a_failover_is_taken_back(store: Store, clock: SystemClock) -> None:
    head = HEAD.replace("tier: 1", "tier: 3\nregions: {acting: us-west-2, failing: us-east-1}")
    mend = await play(store, clock, playbook(make("left"), head))
    run = await mend.request("mina")
    async with store.begin() as tx:
        await mend.runs.approve(tx, run.id, run.plan_hash or "", "jun", typed="us-west-2")
    await mend.core.worker.drain()
    with pytest.raises(Refused, match="us-west-2"):
        await mend.undo(run)
    assert (await mend.undo(run, typed="us-west-2")).status == "undone"


async def test_a_table_that_somebody_else_changes_now_is_not_taken_back(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock, playbook(STEPS))
    first = await mend.start()
    mend.cloud.answers["act left"] = [working()]
    await mend.start()
    with pytest.raises(Refused, match="being changed by playbook mend"):
        await mend.undo(first)
    assert undone(mend) == []
    assert mend.core.clock.offset == timedelta(0)
