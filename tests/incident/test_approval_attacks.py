"""Every way to get a run started, or moved, that nobody has agreed to: each is refused and leaves nothing behind."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.clock import SystemClock
from bot.config import Config, Role
from bot.errors import NotFound, Refused
from bot.incident.approval import STALE
from bot.incident.playbook_runs import plan_of
from bot.incident.run import Run
from bot.playbook.model import Playbook
from bot.store.database import Database
from bot.store.sql import Store
from tests.support.actions import ASK, HEAD, STEPS, Play, failed, play, playbook

ONE_ENGINE = True  # decisions; the statements are judged on both in tests/store


COMMANDERS = Config(
    roles={"commander": Role(people=("mina",), slack_groups=("S1",)), "responder": Role(people=("mina", "jun"))}
)


def wanting(people: int = 1, role: str = "responder", steps: str = STEPS) -> Playbook:
    return playbook(steps, HEAD.replace("people: 1, role: responder", f"people: {people}, role: {role}"))


def regional(people: int = 1) -> Playbook:
    where = "regions: {acting: us-west-2, failing: none}\nsteps:"
    head = HEAD.replace("tier: 1", "tier: 3").replace("steps:", where).replace("people: 1", f"people: {people}")
    return playbook(STEPS, head)


@pytest.fixture
async def two(store: Store, clock: SystemClock) -> Play:
    """Two people must approve."""
    return await play(store, clock, wanting(people=2))


@pytest.fixture
async def other(database_url: str, clock: SystemClock) -> AsyncIterator[Store]:
    """Another process's way to the same database."""
    database = Database(database_url, clock)
    yield Store(database)
    await database.close()


async def refused(of: Play, run: Run, by: str = "mina", *, plan: str | None = None, **more: Any) -> str:
    """Why this approval is refused; the run is as it was."""
    before = await of.run(run.id)
    with pytest.raises(Refused) as caught:
        async with of.core.store.begin() as tx:
            await of.runs.approve(tx, run.id, run.plan_hash or "" if plan is None else plan, by, **more)
    assert await of.run(run.id) == before
    return str(caught.value)


async def approved_by(of: Play, run: Run) -> list[str]:
    return sorted(approval.by for approval in (await of.run(run.id)).approvals)


def acted(of: Play) -> list[str]:
    return [call for call in of.cloud.calls if call.startswith("act ")]


async def test_the_requester_does_not_approve_his_own_where_two_are_needed(two: Play) -> None:
    run = await two.request("mina")
    for door in ("mina", "cli:mina", "<@UMINA>"):
        assert "somebody else must approve" in await refused(two, run, door)
    await two.approve(run, "jun")
    assert (await two.run(run.id)).status == "planned"
    assert (await two.approve(run, "alex")).status == "running"


async def test_one_person_is_not_two_whatever_door_they_use(two: Play) -> None:
    run = await two.request("sofia")
    await two.approve(run, "mina")
    for door in ("mina", "cli:mina", "<@UMINA>"):
        assert "approved it already" in await refused(two, run, door, via="elsewhere")
    assert acted(two) == []


async def test_one_shell_is_not_two_people(two: Play) -> None:
    run = await two.request("sofia")
    async with two.core.store.begin() as tx:
        await two.runs.approve(tx, run.id, run.plan_hash or "", "cli:mina", via="root")
    assert "The login root" in await refused(two, run, "cli:jun", via="root")


async def test_the_shell_that_asked_approves_nothing_as_somebody_else(two: Play) -> None:
    async with two.core.store.begin() as tx:
        run = await two.runs.request(tx, two.incident, "mend", {}, "cli:mina", via="root")
    await two.core.worker.drain()
    assert "The login root" in await refused(two, await two.run(run.id), "cli:jun", via="root")


async def test_after_a_new_plan_a_click_on_the_old_one_counts_no_more(two: Play) -> None:
    old = await two.request("sofia")
    await two.approve(old, "mina")
    async with two.core.store.begin() as tx:
        await two.runs.replan(tx, old.id, "jun")
        plan = plan_of(old)
        assert plan
        await two.runs.planned(tx, old.id, replace(plan, inputs={"thing": "boats"}))
    new = await two.run(old.id)
    assert (new.approvals, new.plan_hash == old.plan_hash) == ((), False)
    assert "has changed" in await refused(two, new, "jun", plan=old.plan_hash or "")
    assert (await two.approve(new, "jun")).status == "planned"  # Mina has not read this one
    assert (await two.approve(new, "mina")).status == "running"


async def test_a_new_plan_that_is_the_same_still_needs_everybody_again(two: Play) -> None:
    run = await two.request("sofia")
    await two.approve(run, "mina")
    async with two.core.store.begin() as tx:
        await two.runs.replan(tx, run.id, "mina")
    await two.core.worker.drain()
    assert (await two.run(run.id)).plan_hash == run.plan_hash
    assert (await two.approve(run, "jun")).status == "planned"


async def test_while_it_is_planned_anew_nothing_can_be_approved(two: Play) -> None:
    run = await two.request("sofia")
    async with two.core.store.begin() as tx:
        await two.runs.replan(tx, run.id, "mina")
    for plan in (run.plan_hash or "", "", "None"):
        assert "being planned" in await refused(two, run, plan=plan)


async def test_a_changed_parameter_is_another_run_and_no_approval_carries_over(two: Play) -> None:
    first, second = await two.request("sofia", thing="orders"), await two.request("sofia", thing="carts")
    assert first.plan_hash != second.plan_hash
    await two.approve(first, "mina")
    assert await approved_by(two, second) == []
    assert "has changed" in await refused(two, second, "jun", plan=first.plan_hash or "")
    assert (await two.approve(second, "jun")).status == "planned"


async def test_an_approval_that_comes_too_late_is_refused_before_and_after_the_timer_has_run(two: Play) -> None:
    run = await two.request("sofia")
    await two.approve(run, "mina")
    two.core.clock.advance(timedelta(minutes=10))
    assert "older than 0:10:00" in await refused(two, run, "jun")
    await two.core.worker.drain()
    assert (await two.run(run.id)).status == "expired"
    assert "expired" in await refused(two, run, "jun")


async def test_the_first_of_two_approvals_gives_the_second_no_more_time(two: Play) -> None:
    run = await two.request("sofia")
    await two.later(minutes=9)
    await two.approve(run, "mina")
    await two.later(minutes=1)
    assert "expired" in await refused(two, run, "jun")


async def test_two_clicks_at_once_by_one_person_count_once(two: Play, other: Store) -> None:
    run = await two.request("sofia")
    said = await at_once(two, other, run, "mina", "mina")
    assert [type(one) for one in said if isinstance(one, Exception)] == [Refused]
    assert await approved_by(two, run) == ["mina"]
    assert (await two.run(run.id)).status == "planned"


async def test_two_people_who_click_at_once_both_count_and_it_starts_once(two: Play, other: Store) -> None:
    run = await two.request("sofia")
    said = await at_once(two, other, run, "mina", "jun")
    assert [one for one in said if isinstance(one, Exception)] == []
    assert await approved_by(two, run) == ["jun", "mina"]
    assert (await two.core.timeline(two.incident)).count("run-started") == 1
    await two.core.worker.drain()
    assert sorted(acted(two)) == ["act orders-left", "act orders-right"]


async def test_where_one_is_enough_the_second_of_two_clicks_is_told_that_it_runs(
    store: Store, clock: SystemClock, other: Store
) -> None:
    one = await play(store, clock, wanting(people=1))
    run = await one.request("sofia")
    said = await at_once(one, other, run, "mina", "jun")
    assert [str(one) for one in said if isinstance(one, Exception)] == [f"Run {run.id} is running now."]
    assert len(await approved_by(one, run)) == 1
    assert (await one.core.timeline(one.incident)).count("run-started") == 1


async def at_once(of: Play, other: Store, run: Run, *people: str) -> list[Any]:
    async def click(store: Store, by: str) -> Run:
        async with store.begin() as tx:
            return await of.runs.approve(tx, run.id, run.plan_hash or "", by)

    clicks = [click(store, by) for store, by in zip((of.core.store, other), people, strict=True)]
    return await asyncio.gather(*clicks, return_exceptions=True)


async def test_a_run_that_was_aborted_or_whose_incident_is_over_is_not_approved(two: Play) -> None:
    run = await two.request("sofia")
    await two.approve(run, "mina")
    async with two.core.store.begin() as tx:
        await two.core.responder.resolve(tx, two.incident, "mina")
    assert await refused(two, run, "jun")
    assert acted(two) == []


async def test_after_an_abort_the_last_approval_starts_nothing(two: Play) -> None:
    run = await two.request("sofia")
    await two.approve(run, "mina")
    await two.abort(run)
    assert "aborted" in await refused(two, run, "jun")


async def test_the_hash_of_one_run_approves_no_other_and_a_made_up_one_none(two: Play) -> None:
    run, another = await two.request("sofia", thing="orders"), await two.request("sofia", thing="carts")
    for forged in (
        another.plan_hash or "",
        "",
        "0" * 64,
        (run.plan_hash or "")[:-1],
        (run.plan_hash or "").upper(),
        "None",
    ):
        assert "has changed" in await refused(two, run, plan=forged)
    async with two.core.store.begin() as tx:
        with pytest.raises(NotFound):
            await two.runs.approve(tx, "no-such-run", run.plan_hash or "", "mina")


async def test_a_regions_run_wants_its_name_and_somebody_other_than_who_asked(store: Store, clock: SystemClock) -> None:
    region = await play(store, clock, regional())
    run = await region.request("sofia")
    assert "somebody else must approve" in await refused(region, run, "sofia", typed="us-west-2")
    for typed in ("", " ", "us-east-1", "us-west-1", "US-WEST-2", "none"):
        assert "us-west-2" in await refused(region, run, "mina", typed=typed)
    assert acted(region) == []
    async with region.core.store.begin() as tx:
        assert (
            await region.runs.approve(tx, run.id, run.plan_hash or "", "mina", typed=" us-west-2 ")
        ).status == "running"


async def test_the_region_that_an_input_names_is_the_one_to_type(store: Store, clock: SystemClock) -> None:
    where = 'regions: {acting: "{{ thing }}", failing: none}\nsteps:'
    head = (
        HEAD.replace("tier: 1", "tier: 3")
        .replace("steps:", where)
        .replace("orders", "us-west-1")
        .replace("carts", "us-west-2")
    )
    region = await play(store, clock, playbook(STEPS, head))
    run = await region.request("sofia", thing="us-west-2")
    assert "us-west-2" in await refused(region, run, "mina", typed="us-west-1")


async def test_a_member_who_left_the_group_before_pressing_may_no_more(store: Store, clock: SystemClock) -> None:
    group = await play(store, clock, wanting(role="commander"), COMMANDERS)
    run = await group.request("jun")
    await in_group(group, "UALEX", "UGUEST")
    await in_group(group, "UGUEST")
    assert "Only a commander may do this. Ask one of: <@UGUEST>, mina." in await refused(group, run, "alex")
    assert (await group.approve(run, "<@UGUEST>")).status == "running"


async def test_a_group_that_slack_has_not_spoken_of_for_a_day_lets_nobody_in(store: Store, clock: SystemClock) -> None:
    group = await play(store, clock, wanting(role="commander"), COMMANDERS)
    await in_group(group, "UALEX")
    clock.advance(STALE)
    run = await group.request("jun")
    assert "Slack has not said for 24 hours who is in S1" in await refused(group, run, "alex")
    assert (await group.approve(run, "mina")).status == "running"  # who is named as a person needs no word of Slack's


async def test_a_role_that_does_not_exist_is_nobodys(store: Store, clock: SystemClock) -> None:
    nobody = await play(store, clock, wanting(role="comander"), COMMANDERS)
    run = await nobody.request("mina")
    assert "wants the role comander, which lifeboat.yaml does not have" in await refused(nobody, run, "mina")


async def test_whoever_has_no_role_moves_nothing(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock, wanting(steps=ASK), COMMANDERS)
    mend.cloud.answers["act orders-left"] = [failed()]
    waiting, going = await mend.request("mina"), await mend.start("mina")
    before = [await mend.run(run.id) for run in (waiting, going)], await mend.states(going)
    assert before[1]["left"] == "failed"
    for by in ("alex", "<@UGUEST>", "cli:root", "cli:alex", "", "lifeboat", "mina "):
        assert await refused(mend, waiting, by)
        for act in decisions(mend, waiting, going, by):
            with pytest.raises(Refused, match=r"Only a responder may do this|Nobody in people\.yaml"):
                async with mend.core.store.begin() as tx:
                    await act(tx)
    assert ([await mend.run(run.id) for run in (waiting, going)], await mend.states(going)) == before


def decisions(of: Play, waiting: Run, going: Run, by: str) -> list[Callable[[Any], Awaitable[Run]]]:
    """All that a person can do about a run that waits for approval, and about one that goes."""
    runs = of.runs
    return [
        lambda tx: runs.replan(tx, waiting.id, by),
        lambda tx: runs.abort(tx, waiting.id, by),
        lambda tx: runs.abort(tx, going.id, by),
        lambda tx: runs.start_now(tx, going.id, by),
        lambda tx: runs.press(tx, going.id, "left", "retry", by),
        lambda tx: runs.press(tx, going.id, "left", "skip", by, "because"),
        lambda tx: runs.press(tx, going.id, "cut-over", "yes", by),
        lambda tx: runs.press(tx, going.id, "cut-over", "no", by),
        lambda tx: runs.undo(tx, going.id, by),
        lambda tx: runs.undo(tx, going.id, by, row="left", only=True),
    ]


async def test_somebody_of_another_role_moves_nothing_either(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock, wanting(role="commander", steps=ASK), COMMANDERS)
    run = await mend.start("mina")
    with pytest.raises(Refused, match="Only a commander"):
        await mend.press(run, "cut-over", "yes", "jun")


async def in_group(of: Play, *users: str) -> None:
    async with of.core.store.begin() as tx:
        await tx.groups.put("S1", users, tx.now)
