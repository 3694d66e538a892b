"""Slack's user groups: what roles rest on is asked in time, taken away at once, and never kept when nobody can say."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot import jobs
from bot.clock import SystemClock
from bot.config import Config, Role
from bot.rehearsal.slack import Fault, UserGroup, usergroups
from bot.rehearsal.slack.workspace import Json
from bot.slack.groups import EVERY, SOON, named_groups
from bot.store.sql import Store
from tests.slack.front import SERVICES, Front, open_front
from tests.slack.office import team

ROLES = {
    "commander": Role(slack_groups=("S1",)),
    "responder": Role(people=("mina",), slack_groups=("S1", "S2")),
}
ASK = "usergroups.users.list"


@pytest.fixture
async def front(store: Store, clock: SystemClock) -> AsyncIterator[Front]:
    groups = [UserGroup("S1", "commanders", "Commanders", ["UMINA", "UJUN"]), UserGroup("S2", "web", "Web", ["UALEX"])]
    groups.append(UserGroup("S3", "lunch", "Lunch", ["USOFIA"]))
    config = Config(services=SERVICES, roles=ROLES)
    async with open_front(store, clock, config=config, workspace=team(usergroups=groups)) as opened:
        yield opened


async def members(front: Front, group: str) -> set[str] | None:
    async with front.office.core.store.begin() as tx:
        known = await tx.groups.members(group)
    return set(known[0]) if known else None


async def waiting(front: Front) -> list[timedelta]:
    """In how long each waiting job asks."""
    async with front.office.core.store.begin() as tx:
        counts = await tx.jobs.counts()
        return [due - tx.now for kind, _, _, due in counts if kind == jobs.ASK_GROUPS.name]


async def asked(front: Front) -> None:
    await front.office.groups.begin()
    await front.office.work()


def test_only_groups_that_a_role_names_are_asked_for() -> None:
    assert named_groups(Config(roles=ROLES)) == {"S1", "S2"}
    assert named_groups(Config()) == frozenset()


async def test_at_start_slack_is_asked_and_then_every_hour(front: Front) -> None:
    await asked(front)
    assert (await members(front, "S1"), await members(front, "S2")) == ({"UMINA", "UJUN"}, {"UALEX"})
    assert await members(front, "S3") is None
    assert front.office.tries(ASK) == 2
    await front.office.later(EVERY.total_seconds() - 1)
    assert front.office.tries(ASK) == 2
    await front.office.later(2)
    assert front.office.tries(ASK) == 4


async def test_without_groups_in_a_role_nothing_is_ever_asked(store: Store, clock: SystemClock) -> None:
    async with open_front(store, clock) as front:
        await asked(front)
        assert (front.office.tries(ASK), await waiting(front)) == (0, [])


async def test_two_starts_are_one_question(front: Front) -> None:
    await front.office.groups.begin()
    await asked(front)
    assert front.office.tries(ASK) == 2


async def test_whoever_leaves_a_group_is_out_at_once_and_slack_is_asked_for_the_rest(front: Front) -> None:
    await asked(front)
    usergroups.set_members(front.office.local.world, "S1", ["UJUN", "USOFIA"])
    await front.office.local.settled()
    assert await members(front, "S1") == {"UJUN"}  # before anybody could ask: who is new, only Slack's list says
    await front.done()
    assert await members(front, "S1") == {"UJUN", "USOFIA"}


async def test_an_event_makes_what_is_known_no_younger(front: Front) -> None:
    await asked(front)
    async with front.office.core.store.begin() as tx:
        before = await tx.groups.members("S1")
    front.office.core.clock.advance(timedelta(minutes=30))
    usergroups.set_members(front.office.local.world, "S1", ["UJUN"])
    await front.office.local.settled()
    async with front.office.core.store.begin() as tx:
        after = await tx.groups.members("S1")
    assert before
    assert after == (frozenset({"UJUN"}), before[1])


async def test_a_change_of_a_group_that_no_role_names_is_no_matter_of_ours(front: Front) -> None:
    usergroups.set_members(front.office.local.world, "S3", ["UMINA"])
    await front.office.local.settled()
    await front.done()
    assert (front.office.tries(ASK), await members(front, "S3")) == (0, None)


async def test_a_group_that_was_disabled_or_deleted_has_no_members(front: Front) -> None:
    await asked(front)
    usergroups.disable(front.office.local.world, "S1")
    await front.office.local.settled()
    await front.done()
    assert (await members(front, "S1"), await members(front, "S2")) == (set(), {"UALEX"})


async def test_when_slack_does_not_answer_the_last_word_grows_old_and_it_is_asked_again_soon(front: Front) -> None:
    await asked(front)
    async with front.office.core.store.begin() as tx:
        before = await tx.groups.members("S1")
    front.office.local.faults.add(Fault("server_error", ASK, times=2))
    await front.office.later(EVERY.total_seconds() + 1)
    async with front.office.core.store.begin() as tx:
        assert await tx.groups.members("S1") == before
    assert [round(due / SOON) for due in await waiting(front)] == [1]
    await front.office.later(SOON.total_seconds() + 1)
    async with front.office.core.store.begin() as tx:
        after = await tx.groups.members("S1")
    assert before
    assert after
    assert after[1] > before[1]


async def test_one_group_that_cannot_be_asked_for_does_not_keep_back_the_others(front: Front) -> None:
    front.office.local.faults.add(Fault("refused", ASK, code="internal_error"))
    await asked(front)
    assert (await members(front, "S1"), await members(front, "S2")) == (None, {"UALEX"})


async def test_a_scope_that_is_missing_gives_no_rights_and_takes_none_before_their_time(front: Front) -> None:
    await asked(front)
    front.office.local.faults.add(Fault("refused", ASK, code="missing_scope", times=2))
    await front.office.later(EVERY.total_seconds() + 1)
    assert await members(front, "S1") == {"UMINA", "UJUN"}
    assert len(await waiting(front)) == 1


async def test_of_two_answers_the_one_asked_for_later_stays(front: Front) -> None:
    groups, world = front.office.groups, front.office.local.world
    job = jobs.Job(1, jobs.ASK_GROUPS, {}, front.office.core.clock.now(), 1, 1, front.office.core.clock.now())
    early = await groups.ask(job)
    front.office.core.clock.advance(timedelta(seconds=1))
    world.workspace.usergroups[0].users = ["UALEX"]
    late = await groups.ask(job)
    async with front.office.core.store.begin() as tx:
        await late(tx)
        await early(tx)
    assert await members(front, "S1") == {"UALEX"}


@pytest.mark.parametrize(
    "event",
    [
        {"type": "subteam_members_changed"},
        {"type": "subteam_members_changed", "subteam_id": "S1", "removed_users": "UMINA"},
        {"type": "subteam_updated", "subteam": {"id": "S1"}},
        {"type": "subteam_updated", "subteam": None},
    ],
)
async def test_an_event_that_is_not_as_documented_removes_nobody_by_guess(front: Front, event: Json) -> None:
    await asked(front)
    await front.to.events.happened("Ev1", event)
    assert await members(front, "S1") == {"UMINA", "UJUN"}
