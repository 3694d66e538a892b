"""The proof says of every instant what the chain that opens then would do: nothing hidden, nothing made up."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from escalation.person import Person
from escalation.policy import Policy, freeze
from escalation.proof import ENOUGH, Finding, prove, written
from escalation.roster import Roster
from escalation.schedule import Schedule

START = datetime(2026, 10, 20, tzinfo=UTC)  # the clocks of Rome and New York change within two weeks
END = START + timedelta(days=14)
HOUR = timedelta(hours=1)


def person(key: str, addresses: int) -> Person:
    contacts: list[Any] = ["slack", {"sms": "+82 10-0000-0001"}][:addresses]
    return Person.model_validate(
        {"key": key, "name": key.title(), "time_zone": "Asia/Seoul", "slack": f"U{key.upper()}", "contacts": contacts}
    )


PEOPLE = {key: person(key, addresses) for key, addresses in (("mina", 2), ("jun", 1), ("alex", 2))}


def schedule(key: str, *layers: dict[str, Any], zone: str = "Europe/Rome", overrides: Any = ()) -> Schedule:
    return Schedule.model_validate({"key": key, "time_zone": zone, "layers": layers, "overrides": overrides})


def layer(*people: str, only: Any = (), every: str = "day") -> dict[str, Any]:
    rotation = {"every": every, "hand_off": {"time": "09:00"}, "start": "2026-01-05", "people": people}
    return {"rotation": rotation, "only": only}


def policy(*levels: tuple[str | dict[str, str], str], repeat: int = 0) -> Policy:
    def target(one: str | dict[str, str]) -> dict[str, str]:
        return {"schedule": one} if isinstance(one, str) else one

    written_ = [{"page": [target(one)], "wait": wait} for one, wait in levels]
    return Policy.model_validate({"key": "default", "levels": written_, "repeat": repeat})


def found(policy_: Policy, *schedules: Schedule, people: Any = PEOPLE) -> list[Finding]:
    return prove(Roster(people, {one.key: one for one in schedules}), [policy_], START, END)


def reasons(finding: Finding) -> list[str]:
    return [str(one.phrase) for one in finding.why]


def test_somebody_with_two_addresses_at_every_instant_is_proof_enough() -> None:
    assert found(policy(("primary", "5m")), schedule("primary", layer("mina", "alex"))) == []


def test_a_gap_is_reported_from_its_first_instant_to_its_last_and_with_its_schedule() -> None:
    days = schedule("primary", layer("mina", only=[{"from": "09:00", "until": "21:00"}]))
    nights = found(policy(("primary", "5m")), days)
    assert len(nights) == 15
    rome = timedelta(hours=2)
    assert (nights[1].start + rome, nights[1].end + rome) == (
        datetime(2026, 10, 20, 21, tzinfo=UTC),
        datetime(2026, 10, 21, 9, tzinfo=UTC),
    )
    assert reasons(nights[1]) == ["Level 1: nobody is on call in primary."]
    longest = max(nights, key=lambda one: one.end - one.start)
    assert longest.end - longest.start == 13 * HOUR, "the night on which the clocks are set back"


def test_a_second_level_closes_the_gap_of_the_first() -> None:
    days = schedule("primary", layer("mina", only=[{"from": "09:00", "until": "21:00"}]))
    nights = schedule("secondary", layer("alex", only=[{"from": "21:00", "until": "09:00"}]))
    assert found(policy(("primary", "5m"), ("secondary", "5m")), days, nights) == []


def test_a_level_is_judged_at_the_instant_at_which_it_would_be_paged_and_not_before() -> None:
    """Jun has one address. Whoever pages him at 08:58 comes to the second level at 09:03, when it has nobody any more."""
    first = schedule("primary", layer("jun"))
    second = schedule("secondary", layer("mina", only=[{"from": "21:00", "until": "09:00"}]))
    nights = found(policy(("primary", "5m"), ("secondary", "5m")), first, second)
    assert nights[0].start == START + 7 * HOUR - timedelta(minutes=5)
    assert nights[0].end == START + 19 * HOUR - timedelta(minutes=5)


def test_a_level_with_nobody_costs_no_time_before_the_next_is_judged() -> None:
    empty = schedule("primary", layer("mina", only=[{"holidays": "KR"}]))
    second = schedule("secondary", layer("mina", only=[{"from": "21:00", "until": "09:00"}]))
    assert found(policy(("primary", "5m"), ("secondary", "5m")), empty, second)[0].start == START + 7 * HOUR


def test_a_repeated_chain_is_walked_to_its_last_round() -> None:
    """In the first round jun alone is paged; an hour later, in the second, mina has taken over."""
    late = schedule(
        "primary",
        layer("jun", only=[{"from": "09:00", "until": "10:00"}]),
        layer("mina", only=[{"from": "10:00", "until": "09:00"}]),
    )
    assert found(policy(("primary", "1h")), late) != []
    assert found(policy(("primary", "1h"), repeat=1), late) == []


def test_somebody_with_one_address_is_named() -> None:
    [whole] = found(policy(({"person": "jun"}, "5m")))
    assert (whole.start, whole.end) == (START, END)
    assert reasons(whole) == ["Jun has one address only."]


def test_two_entries_of_the_same_address_are_one_address() -> None:
    twice = PEOPLE["jun"].model_copy(update={"contacts": ("slack", "slack")})
    assert written(twice) == 1


def test_what_does_not_work_any_more_is_what_the_caller_says() -> None:
    roster = Roster(PEOPLE, {})
    only_mina = [policy(({"person": "mina"}, "5m"))]
    [whole] = prove(roster, only_mina, START, END, lambda _: 0)
    assert reasons(whole) == ["Mina has no address that works."]


def test_everyone_in_a_schedule_reaches_those_who_are_not_on_call_too() -> None:
    assert found(policy(({"everyone_in": "primary"}, "5m")), schedule("primary", layer("jun", "mina"))) == []


def test_an_empty_stretch_needs_no_proof() -> None:
    assert prove(Roster(PEOPLE, {}), [policy(({"person": "jun"}, "5m"))], START, START) == []


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Roster, Policy]:
    windows = [[], [{"from": "09:00", "until": "17:00"}], [{"days": ["saturday", "sunday"]}], [{"holidays": "KR"}]]
    schedules = {}
    for key in ("primary", "secondary"):
        layers = [
            layer(
                *draw(st.lists(st.sampled_from(sorted(PEOPLE)), min_size=1, max_size=3)),
                only=draw(st.sampled_from(windows)), every=draw(st.sampled_from(["7 hours", "day", "5 days"])),
            )
            for _ in range(draw(st.integers(1, 2)))
        ]  # fmt: skip
        schedules[key] = schedule(key, *layers, zone=draw(st.sampled_from(["Europe/Rome", "America/New_York"])))
    targets = ["primary", "secondary", {"person": "jun"}, {"person": "mina"}, {"everyone_in": "primary"}]
    levels = draw(
        st.lists(st.tuples(st.sampled_from(targets), st.sampled_from(["5m", "3h", "1d"])), min_size=1, max_size=3)
    )
    return Roster(PEOPLE, schedules), policy(*levels, repeat=draw(st.integers(0, 2)))


@settings(max_examples=60)
@given(worlds(), st.lists(st.integers(0, 14 * 24 * 60 - 1), min_size=1, max_size=6))
def test_the_proof_says_of_any_instant_what_the_chain_frozen_then_would_do(
    world: tuple[Roster, Policy], minutes: list[int]
) -> None:
    roster, policy_ = world
    findings = prove(roster, [policy_], START, END)
    edges = [edge for one in findings for edge in (one.start, one.end - timedelta(microseconds=1))]
    for at in [*(START + timedelta(minutes=one) for one in minutes), *edges[:8]]:
        chain = freeze(roster, policy_, at)
        proven = any(len(set(one.contacts)) >= ENOUGH for level in chain.levels for one in chain.people_at(level))
        assert any(one.start <= at < one.end for one in findings) is not proven, (at, findings)
