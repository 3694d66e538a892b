"""Who may decide, and which approvals count: the rules alone. What the verbs make of them is in test_approval_attacks.py."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from bot.config import Config, Role
from bot.errors import Refused
from bot.incident.approval import STALE, Approvers, WrongRegion, expires_at, needed
from bot.incident.run import Approval, Run
from bot.playbook.model import Playbook
from escalation.loading import Directory
from tests.support.actions import playbook
from tests.support.core import example_people

#: A Monday noon: in the example's schedule `primary` it is Mina's or Jun's week.
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HASH, OTHER = "a" * 64, "b" * 64
Groups = Mapping[str, tuple[set[str], datetime]]


def made(role: str = "responder", people: int = 1, tier: int = 1, **more: Any) -> Playbook:
    rule = {"people": people, "role": role, "expires": "10m", **more}
    return playbook().model_copy(
        update={"tier": tier, "approval": playbook().approval.model_validate(rule)}  # type: ignore[union-attr]
    )


def run(*approvals: Approval, by: str = "sofia", region: str = "us-west-2", **more: Any) -> Run:
    return Run(
        id="r1", incident="i1", name="mend", playbook={}, inputs={}, context={"region": region}, plan={}, status="planned",
        requested_by=by, **{"requested_at": NOW, "plan_hash": HASH, "planned_at": NOW, "approvals": approvals, **more},
    )  # fmt: skip


def approval(by: str = "mina", plan_hash: str = HASH, via: str = "", at: datetime = NOW) -> Approval:
    return Approval(by=by, at=at, plan_hash=plan_hash, via=via)


def approvers(**roles: Any) -> Approvers:
    return Approvers(Config(roles=roles), example_people())


def judge(given: Approval, of: Run | None = None, by: Playbook | None = None, **more: Any) -> None:
    approvers().judge(of or run(), by or made(), given, more.pop("now", NOW), **more)


async def allowed(who: Approvers, book: Playbook, by: str, groups: Groups | None = None, now: datetime = NOW) -> bool:
    try:
        await who.allow(transaction(groups, now), book, by)
    except Refused:
        return False
    return True


async def refusal(who: Approvers, book: Playbook, by: str, groups: Groups | None = None, now: datetime = NOW) -> str:
    with pytest.raises(Refused) as caught:
        await who.allow(transaction(groups, now), book, by)
    return str(caught.value)


def transaction(groups: Groups | None, now: datetime) -> Any:
    async def members(group: str) -> tuple[frozenset[str], datetime] | None:
        known = (groups or {}).get(group)
        return (frozenset(known[0]), known[1]) if known else None

    async def since(at: datetime) -> list[Any]:
        return []

    return SimpleNamespace(now=now, groups=SimpleNamespace(members=members), overrides=SimpleNamespace(since=since))


# Who may.


@pytest.mark.parametrize("book", [made(), made(people=0), playbook().model_copy(update={"approval": None})])
async def test_without_roles_everybody_in_people_yaml_is_a_responder_and_nobody_else(book: Playbook) -> None:
    who = approvers()
    assert [by for by in ("mina", "cli:mina", "<@UMINA>") if not await allowed(who, book, by)] == []
    for stranger in ("<@UGUEST>", "cli:root", "root", "lifeboat", "", "cli:", "cli:<@UMINA>", "<@>", "<@mina>", "MINA"):
        assert not await allowed(who, book, stranger), stranger


async def test_a_role_that_lifeboat_yaml_does_not_have_is_nobodys() -> None:
    said = await refusal(approvers(responder=["mina"]), made("commander"), "mina")
    assert "wants the role commander, which lifeboat.yaml does not have" in said


async def test_a_role_is_only_for_those_whom_it_names() -> None:
    who = approvers(responder=["mina", "jun"])
    assert await allowed(who, made(), "jun")
    assert "Only a responder may do this. Ask one of: jun, mina." in await refusal(who, made(), "alex")


async def test_somebody_who_is_only_named_in_a_role_and_not_in_people_yaml_has_no_role() -> None:
    assert not await allowed(approvers(responder=["ghost"]), made(), "ghost")


async def test_whoever_is_on_call_now_has_the_role_and_loses_it_with_the_shift() -> None:
    who = approvers(commander={"on_call": ["primary"]})
    [first] = example_people().on_call("primary", NOW)
    [second] = example_people().on_call("primary", NOW + timedelta(days=7))
    assert first != second
    assert await allowed(who, made("commander"), first.key)
    assert not await allowed(who, made("commander"), second.key)
    assert not await allowed(who, made("commander"), first.key, now=NOW + timedelta(days=7))


async def test_a_slack_user_of_the_group_may_whether_people_yaml_knows_them_or_not() -> None:
    who, groups = approvers(commander={"slack_groups": ["S1"]}), {"S1": ({"UGUEST", "UMINA"}, NOW)}
    for by in ("<@UGUEST>", "mina", "cli:mina"):
        assert await allowed(who, made("commander"), by, groups), by
    for by in ("jun", "<@UOTHER>", "cli:UGUEST", "cli:<@UGUEST>", "UGUEST"):
        assert not await allowed(who, made("commander"), by, groups), by


async def test_a_group_counts_for_a_day_after_slack_last_spoke_of_it_and_not_a_moment_longer() -> None:
    who, groups = approvers(commander={"slack_groups": ["S1"]}), {"S1": ({"UMINA"}, NOW)}
    assert await allowed(who, made("commander"), "mina", groups, NOW + STALE)
    said = await refusal(who, made("commander"), "mina", groups, NOW + STALE + timedelta(microseconds=1))
    assert "Slack has not said for 24 hours who is in S1, so nobody in there counts." in said


async def test_a_group_that_slack_never_spoke_of_has_no_members_and_the_refusal_says_so() -> None:
    who = approvers(commander={"people": ["jun"], "slack_groups": ["S1", "S2"]})
    assert await allowed(who, made("commander"), "jun")
    said = await refusal(who, made("commander"), "mina", {"S2": (set(), NOW)})
    assert "Ask one of: jun. Slack has not said" in said
    assert "who is in S1," in said


async def test_a_login_that_says_nothing_is_told_how_to_say_who_it_is() -> None:
    said = await refusal(approvers(), made(), "cli:root")
    assert "Nobody in people.yaml is called root. Say who you are with --as, or with LIFEBOAT_PERSON" in said


async def test_a_refusal_names_at_most_twelve_people() -> None:
    groups = {"S1": ({f"U{number:03}" for number in range(40)}, NOW)}
    said = await refusal(approvers(commander={"slack_groups": ["S1"]}), made("commander"), "mina", groups)
    assert said.count("<@U") == 12
    assert ", …" in said


# Which approvals count.


@pytest.mark.parametrize(("plan", "known"), [(OTHER, HASH), ("", HASH), ("", None), ("", ""), (HASH, None)])
def test_only_an_approval_of_exactly_this_plan_counts(plan: str, known: str | None) -> None:
    with pytest.raises(Refused, match="has changed"):
        judge(approval(plan_hash=plan), run(plan_hash=known))


def test_at_its_limit_a_plan_is_good_and_a_microsecond_later_it_is_not() -> None:
    limit = expires_at(run(), made())
    assert limit == NOW + timedelta(minutes=10)
    judge(approval(), now=limit)
    with pytest.raises(Refused, match="older than 0:10:00"):
        judge(approval(), now=limit + timedelta(microseconds=1))


def test_a_plan_of_which_nobody_knows_when_it_was_made_is_as_old_as_its_request() -> None:
    assert expires_at(run(planned_at=None, requested_at=NOW - timedelta(minutes=5)), made()) == NOW + timedelta(
        minutes=5
    )


@pytest.mark.parametrize("book", [made(people=2), made(tier=3), made(not_requester=True), made(people=0, tier=3)])
@pytest.mark.parametrize("by", ["mina", "cli:mina", "<@UMINA>"])
def test_whoever_asked_does_not_approve_his_own_where_another_must(book: Playbook, by: str) -> None:
    for requester in ("mina", "cli:mina", "<@UMINA>"):
        with pytest.raises(Refused, match="somebody else must approve"):
            judge(approval(by), run(by=requester), book, typed="us-west-2")


@pytest.mark.parametrize("book", [made(), made(people=0), made(people=2, not_requester=False)])
def test_whoever_asked_may_approve_where_the_playbook_lets_him(book: Playbook) -> None:
    judge(approval("mina"), run(by="mina"), book)


@pytest.mark.parametrize("again", ["mina", "cli:mina", "<@UMINA>"])
@pytest.mark.parametrize("first", ["mina", "cli:mina", "<@UMINA>"])
def test_one_person_counts_once_whatever_door_they_come_through(first: str, again: str) -> None:
    with pytest.raises(Refused, match="approved it already"):
        judge(approval(again), run(approval(first)), made(people=2))


def test_an_approval_of_an_older_plan_neither_counts_nor_stands_in_the_way() -> None:
    old = run(approval("mina", OTHER))
    judge(approval("mina"), old, made(people=2))
    assert approvers().counted(old, made(people=2)) == ()


def test_two_people_from_one_login_are_one_voice() -> None:
    first = run(approval("cli:mina", via="root"))
    with pytest.raises(Refused, match="login root has asked for this run or approved it already"):
        judge(approval("cli:jun", via="root"), first, made(people=2))
    judge(approval("cli:jun", via="jun"), first, made(people=2))
    judge(approval("jun"), first, made(people=2))
    judge(approval("jun"), run(approval("mina")), made(people=2))  # Slack has no login, and two may lack it


def test_the_login_that_asked_does_not_approve_as_somebody_else_where_another_must() -> None:
    asked = run(by="cli:mina", requested_via="root")
    with pytest.raises(Refused, match="login root"):
        judge(approval("cli:jun", via="root"), asked, made(tier=3), typed="us-west-2")
    judge(approval("cli:jun", via="root"), asked, made())


@pytest.mark.parametrize("typed", ["us-west-2", "  us-west-2\n"])
def test_for_a_region_its_name_is_typed(typed: str) -> None:
    judge(approval(), by=made(tier=3), typed=typed)
    approvers().judge_undo(run(), made(tier=3), typed)


@pytest.mark.parametrize("typed", ["", " ", "us-west-1", "US-WEST-2", "us-west-2.", "us west 2", "yes"])
def test_a_region_that_is_mistyped_or_not_typed_is_refused_with_what_to_type(typed: str) -> None:
    with pytest.raises(WrongRegion, match="us-west-2"):
        judge(approval(), by=made(tier=3), typed=typed)
    with pytest.raises(WrongRegion, match="us-west-2"):
        approvers().judge_undo(run(), made(tier=3), typed)


def test_a_run_that_names_no_region_is_not_approved_by_typing_nothing() -> None:
    for context in ({}, {"region": ""}, {"region": None}):
        with pytest.raises(Refused, match="does not say in which region"):
            judge(approval(), run().model_copy(update={"context": context}), made(tier=3), typed="")


def test_nothing_is_typed_for_a_component_or_a_zone() -> None:
    judge(approval(), by=made(tier=2))
    approvers().judge_undo(run(), made(tier=2), "")


# How many.


def test_nobody_needed_is_one_press() -> None:
    assert [needed(made(people=people)) for people in (0, 1, 2, 3)] == [1, 1, 2, 3]
    assert needed(playbook().model_copy(update={"approval": None})) == 1
    assert not approvers().enough(run(), made(people=0))


def test_enough_is_as_many_people_as_the_playbook_wants_and_each_once() -> None:
    who, two = approvers(), made(people=2)
    for few in (
        [approval("mina")],
        [approval("mina"), approval("cli:mina", via="root")],
        [approval("mina"), approval("jun", OTHER)],
        [approval("mina"), approval("sofia")],  # who had asked
        [approval("cli:mina", via="root"), approval("cli:jun", via="root")],
        [approval("mina"), approval("jun", at=NOW + timedelta(minutes=10, microseconds=1))],
    ):
        assert not who.enough(run(*few), two), few
    assert who.enough(run(approval("mina"), approval("jun", at=NOW + timedelta(minutes=10))), two)
    assert not who.enough(run(approval("mina"), approval("jun")), made(people=3))


def test_the_regions_name_was_typed_when_the_approval_was_given() -> None:
    assert approvers().enough(run(approval("mina")), made(tier=3))


def test_a_person_is_known_by_the_slack_id_that_people_yaml_has_now(monkeypatch: pytest.MonkeyPatch) -> None:
    people = example_people()
    moved = Directory(
        {**people.people, "mina": people.people["mina"].model_copy(update={"slack": "UNEW"})}, people.schedules,
        people.policies,
    )  # fmt: skip
    who = Approvers(Config(roles={"responder": Role(people=("mina",))}), moved)
    assert (who.voice("<@UNEW>"), who.voice("<@UMINA>")) == ("mina", "<@UMINA>")
