"""A chain pages the right people in the right order, says what it could not do, and is never changed by a file."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.errors import UnknownName
from escalation.loading import load
from escalation.person import Person
from escalation.policy import Chain, Exhausted, Gap, PageLevel, Policy, Step, first_step, freeze, next_step
from escalation.roster import Roster
from escalation.schedule import Schedule

MINUTE = timedelta(minutes=1)
NOW = datetime(2026, 2, 2, 3, 0, tzinfo=UTC)  # a Monday, 12:00 in Seoul: mina's week


def person(key: str) -> Person:
    number = f"+82 10-0000-{len(key):04}"
    slack = f"U{key.upper()}"
    return Person.model_validate(
        {
            "key": key, "name": key.title(), "language": "ko", "time_zone": "Asia/Seoul", "slack": slack,
            "contacts": ["slack", {"sms": number}],
        }
    )  # fmt: skip


def schedule(key: str, people: list[str], start: str = "2026-01-05") -> Schedule:
    rotation = {"hand_off": {"day": "monday", "time": "09:00"}, "start": start, "people": people}
    return Schedule.model_validate({"key": key, "time_zone": "Asia/Seoul", "rotation": rotation})


ROSTER = Roster(
    people={key: person(key) for key in ("mina", "jun", "alex", "sofia")},
    schedules={
        "primary": schedule("primary", ["mina", "jun"]),
        "secondary": schedule("secondary", ["alex"]),
        "later": schedule("later", ["sofia"], start="2030-01-07"),
    },
)


def policy(*levels: tuple[list[dict[str, str]], str], repeat: int = 0) -> Policy:
    written = [{"page": page, "wait": wait} for page, wait in levels]
    return Policy.model_validate({"key": "default", "levels": written, "repeat": repeat})


PRIMARY, SECONDARY, NOBODY = {"schedule": "primary"}, {"schedule": "secondary"}, {"schedule": "later"}
ORDINARY = policy(([PRIMARY], "5m"), ([SECONDARY], "5m"), ([{"everyone_in": "primary"}], "10m"), repeat=2)


def keys(step: Step) -> list[str]:
    assert isinstance(step, PageLevel)
    return [one.key for one in step.people]


def walk(chain: Chain, at: datetime) -> list[Step]:
    """Every step when nobody ever answers, each taken at the moment that the one before asked for."""
    steps = [first_step(chain, at)]
    while isinstance(last := steps[-1], PageLevel):
        steps.append(next_step(chain, last.level, last.cycle, last.next_at))
    return steps


def test_the_levels_are_paged_in_order_each_after_its_wait_and_then_again() -> None:
    steps = walk(freeze(ROSTER, ORDINARY, NOW), NOW)
    pages = [step for step in steps if isinstance(step, PageLevel)]
    assert [(one.cycle, one.level, keys(one)) for one in pages] == [
        (cycle, level, people)
        for cycle in (1, 2, 3)
        for level, people in ((1, ["mina"]), (2, ["alex"]), (3, ["mina", "jun"]))
    ]
    assert [one.next_at - NOW for one in pages] == [minutes * MINUTE for minutes in (5, 10, 20, 25, 30, 40, 45, 50, 60)]
    assert steps[-1] == Exhausted("default", NOW + 60 * MINUTE, reached_nobody=False)


def test_a_page_carries_all_that_a_pager_needs() -> None:
    step = first_step(freeze(ROSTER, ORDINARY, NOW), NOW)
    assert isinstance(step, PageLevel)
    (mina,) = step.people
    assert (mina.name, mina.language, mina.time_zone, mina.slack) == ("Mina", "ko", "Asia/Seoul", "UMINA")
    assert [(way.method, way.address) for way in mina.contacts] == [("slack", "UMINA"), ("sms", "+821000000004")]


def test_contacts_keep_the_order_in_which_they_are_written() -> None:
    written = person("alex").model_dump(mode="json") | {"contacts": [{"sms": "+1 (212) 555-0142"}, "slack"]}
    assert [way.address for way in Person.model_validate(written).reached_by] == ["+12125550142", "UALEX"]


def test_the_end_is_explicit_and_says_that_nobody_answered() -> None:
    chain = freeze(ROSTER, policy(([PRIMARY], "5m")), NOW)
    end = next_step(chain, 1, 1, NOW + 5 * MINUTE)
    assert isinstance(end, Exhausted)
    assert str(end.phrase) == "Nobody answered, and policy default has come to its end."
    assert next_step(chain, 1, 1, NOW + 9 * MINUTE) == Exhausted("default", NOW + 9 * MINUTE, reached_nobody=False)


def test_the_last_level_is_given_its_wait_before_the_end() -> None:
    step = first_step(freeze(ROSTER, policy(([PRIMARY], "7m")), NOW), NOW)
    assert isinstance(step, PageLevel)
    assert step.next_at == NOW + 7 * MINUTE


@pytest.mark.parametrize("repeat", [0, 9])
def test_the_levels_are_walked_once_more_than_they_are_repeated(repeat: int) -> None:
    steps = walk(freeze(ROSTER, policy(([PRIMARY], "5m"), repeat=repeat), NOW), NOW)
    assert len(steps) == repeat + 1 + 1


@pytest.mark.parametrize("repeat", [-1, 10])
def test_a_repeat_past_its_limits_is_refused(repeat: int) -> None:
    with pytest.raises(ValueError, match="repeat"):
        policy(([PRIMARY], "5m"), repeat=repeat)


def test_a_policy_has_at_most_twenty_levels() -> None:
    level = ([PRIMARY], "5m")
    assert len(policy(*[level] * 20).levels) == 20
    with pytest.raises(ValueError, match="levels"):
        policy(*[level] * 21)


def test_nobody_on_duty_is_said_and_not_swallowed() -> None:
    step = first_step(freeze(ROSTER, policy(([NOBODY], "5m"), ([PRIMARY], "5m")), NOW), NOW)
    assert isinstance(step, PageLevel)
    assert step.gaps == (Gap(level=1, schedule="later", at=NOW),)
    said = "Level 1: nobody is on call in schedule later at 2026-02-02 03:00:00+00:00."
    assert [str(gap.phrase) for gap in step.gaps] == [said]


def test_a_level_with_nobody_does_not_delay_the_next() -> None:
    chain = freeze(ROSTER, policy(([NOBODY], "1h"), ([PRIMARY], "5m")), NOW)
    step = first_step(chain, NOW)
    assert isinstance(step, PageLevel)
    assert (step.level, keys(step), step.next_at) == (2, ["mina"], NOW + 5 * MINUTE)
    assert chain.levels[1].due == NOW


def test_a_level_with_nobody_in_the_middle_or_at_the_end_is_passed_over_too() -> None:
    chain = freeze(
        ROSTER, policy(([PRIMARY], "5m"), ([NOBODY], "1h"), ([SECONDARY], "5m"), ([NOBODY], "1h"), repeat=1), NOW
    )
    pages = [step for step in walk(chain, NOW) if isinstance(step, PageLevel)]
    assert [(one.cycle, one.level) for one in pages] == [(1, 1), (1, 3), (2, 1), (2, 3)]
    assert [one.next_at - NOW for one in pages] == [minutes * MINUTE for minutes in (5, 10, 15, 20)]


def test_a_level_without_people_never_leads_straight_to_the_end() -> None:
    """OnCall #1326 paged the directors because the level before had no rules: each level in between still counts."""
    chain = freeze(ROSTER, policy(([NOBODY], "5m"), ([PRIMARY], "5m"), ([SECONDARY], "5m")), NOW)
    pages = [keys(step) for step in walk(chain, NOW) if isinstance(step, PageLevel)]
    assert pages == [["mina"], ["alex"]]


def test_a_gap_beside_somebody_is_said_and_the_others_are_paged_all_the_same() -> None:
    step = first_step(freeze(ROSTER, policy(([NOBODY, PRIMARY], "5m")), NOW), NOW)
    assert isinstance(step, PageLevel)
    assert keys(step) == ["mina"]
    assert [gap.schedule for gap in step.gaps] == ["later"]


def test_a_chain_that_reaches_nobody_ends_at_once_says_so_and_names_each_gap_once() -> None:
    step = first_step(freeze(ROSTER, policy(([NOBODY], "5m"), ([NOBODY], "5m"), repeat=2), NOW), NOW)
    assert isinstance(step, Exhausted)
    assert str(step.phrase) == "Nobody could be paged: policy default reaches no one now."
    assert [gap.level for gap in step.gaps] == [1, 2]


def test_gaps_at_the_end_of_the_chain_are_said_with_the_end() -> None:
    chain = freeze(ROSTER, policy(([PRIMARY], "5m"), ([NOBODY], "5m")), NOW)
    end = next_step(chain, 1, 1, NOW + 5 * MINUTE)
    assert isinstance(end, Exhausted)
    assert not end.reached_nobody
    assert [gap.level for gap in end.gaps] == [2]


def test_somebody_named_twice_in_a_level_is_paged_once() -> None:
    step = first_step(
        freeze(ROSTER, policy(([PRIMARY, {"person": "mina"}, {"everyone_in": "primary"}], "5m")), NOW), NOW
    )
    assert keys(step) == ["mina", "jun"]


def test_everyone_in_a_schedule_is_paged_even_when_nobody_is_on_call_in_it() -> None:
    step = first_step(freeze(ROSTER, policy(([{"everyone_in": "later"}], "5m")), NOW), NOW)
    assert keys(step) == ["sofia"]


def test_a_level_pages_who_is_on_call_when_it_is_due_and_not_when_the_incident_opened() -> None:
    before_hand_off = datetime(2026, 2, 8, 23, 57, tzinfo=UTC)  # three minutes before jun takes over in Seoul
    chain = freeze(ROSTER, policy(([PRIMARY], "5m"), ([PRIMARY], "5m"), repeat=1), before_hand_off)
    assert [level.people for level in chain.levels] == [("mina",), ("jun",), ("jun",), ("jun",)]


def test_escalating_now_takes_the_next_level_and_waits_from_now() -> None:
    chain = freeze(ROSTER, ORDINARY, NOW)
    step = next_step(chain, 1, 1, NOW + 1 * MINUTE)
    assert isinstance(step, PageLevel)
    assert (step.level, step.next_at) == (2, NOW + 6 * MINUTE)


def test_the_same_step_decided_twice_is_the_same() -> None:
    """A handler that runs again after a crash must come to the same page."""
    chain = freeze(ROSTER, ORDINARY, NOW)
    assert next_step(chain, 2, 1, NOW) == next_step(chain, 2, 1, NOW)


def test_level_0_of_cycle_0_is_before_the_first() -> None:
    chain = freeze(ROSTER, ORDINARY, NOW)
    assert next_step(chain, 0, 0, NOW) == first_step(chain, NOW)


def test_a_frozen_chain_does_not_change_when_the_files_do(folder: Path) -> None:
    def edit(file: str, old: str, new: str) -> None:
        path = folder / file
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")

    before = load(folder)
    chain = freeze(before, before.policy("default"), NOW)
    stored = chain.model_dump_json()
    edit("people.yaml", "10-0000-0001", "10-0000-0009")
    edit("schedules.yaml", "people: [mina, jun]", "people: [jun]")
    edit("policies.yaml", "wait: 5m", "wait: 50m")
    after = load(folder)

    assert freeze(after, after.policy("default"), NOW) != chain
    running = Chain.model_validate_json(stored)
    assert running == chain
    step = first_step(running, NOW)
    assert isinstance(step, PageLevel)
    assert keys(step) == ["mina"]
    assert step.people[0].contacts[1].address == "+821000000001"
    assert step.next_at == NOW + 5 * MINUTE


def test_a_target_that_the_roster_does_not_know_is_an_error_and_not_a_gap() -> None:
    with pytest.raises(UnknownName, match=r"^people.yaml has no june\. Did you mean jun\?"):
        freeze(ROSTER, policy(([{"person": "june"}], "5m")), NOW)
    with pytest.raises(UnknownName, match=r"^schedules.yaml has no third\."):
        freeze(ROSTER, policy(([{"schedule": "third"}], "5m")), NOW)


def test_an_instant_without_a_zone_is_refused_and_not_taken_for_the_server_s() -> None:
    nobody_to_look_up = policy(([{"person": "mina"}], "5m"))
    with pytest.raises(ValueError, match="has no time zone"):
        freeze(ROSTER, nobody_to_look_up, NOW.replace(tzinfo=None))


def test_the_stored_chain_is_the_same_whatever_zone_the_clock_of_the_server_has() -> None:
    elsewhere = NOW.astimezone(ZoneInfo("America/New_York"))
    assert freeze(ROSTER, ORDINARY, elsewhere).model_dump_json() == freeze(ROSTER, ORDINARY, NOW).model_dump_json()


def test_a_chain_that_a_newer_release_stored_can_still_be_walked() -> None:
    chain = freeze(ROSTER, ORDINARY, NOW)
    newer = chain.model_dump(mode="json") | {"shadow": "later field"}
    assert Chain.model_validate(newer) == chain


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    targets: list[dict[str, str]] = [
        PRIMARY, SECONDARY, NOBODY, {"person": "alex"}, {"everyone_in": "primary"}, {"everyone_in": "later"},
    ]  # fmt: skip
    level = st.tuples(
        st.lists(st.sampled_from(targets), min_size=1, max_size=3),
        st.integers(1, 3600).map(lambda seconds: f"{seconds}s"),
    )
    return policy(*draw(st.lists(level, min_size=1, max_size=5)), repeat=draw(st.integers(0, 3)))


INSTANTS = st.integers(0, 365 * 86400).map(lambda seconds: NOW + timedelta(seconds=seconds))


@given(policies(), INSTANTS)
def test_freezing_is_repeatable_and_its_json_round_trip_exact(of: Policy, at: datetime) -> None:
    chain = freeze(ROSTER, of, at)
    assert freeze(ROSTER, of, at).model_dump_json() == chain.model_dump_json()
    stored: dict[str, Any] = json.loads(json.dumps(chain.model_dump(mode="json")))
    again = Chain.model_validate(stored)
    assert again == chain
    assert again.model_dump(mode="json") == stored
    assert walk(again, at) == walk(chain, at)


@given(policies(), INSTANTS)
def test_no_level_with_people_is_skipped_and_each_is_paged_once_a_cycle(of: Policy, at: datetime) -> None:
    chain = freeze(ROSTER, of, at)
    pages = [step for step in walk(chain, at) if isinstance(step, PageLevel)]
    expected = [(level.cycle, level.level) for level in chain.levels if level.people]
    assert [(page.cycle, page.level) for page in pages] == expected
    assert all(one.next_at < following.next_at for one, following in pairwise(pages))
    assert all(page.people for page in pages)


@given(policies(), INSTANTS)
def test_undisturbed_each_level_is_paged_when_its_people_were_looked_up_for(of: Policy, at: datetime) -> None:
    chain = freeze(ROSTER, of, at)
    due = {(level.cycle, level.level): level.due for level in chain.levels}
    moment = at
    for step in walk(chain, at):
        if isinstance(step, PageLevel):
            assert due[step.cycle, step.level] == moment
            moment = step.next_at
        else:
            assert step.at == moment


@given(policies(), INSTANTS)
def test_every_gap_is_said_exactly_once_for_its_level_and_instant(of: Policy, at: datetime) -> None:
    chain = freeze(ROSTER, of, at)
    said = [gap for step in walk(chain, at) for gap in step.gaps]
    assert set(said) == {gap for level in chain.levels for gap in level.gaps}
