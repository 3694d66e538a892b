from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.playbook.forecast import Spread, remaining, spreads, whole
from bot.playbook.model import Playbook

FORK = {"look": [], "left": ["look"], "right": ["look"], "join": ["left", "right"]}


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def seen(p50: float, p95: float | None = None, samples: int = 5) -> Spread:
    return Spread(minutes(p50), minutes(p50 if p95 is None else p95), samples, stated=False)


def playbook(graph: Mapping[str, list[str]], **more: Any) -> Playbook:
    """`more` adds fields to a step by its id."""
    title = {"en": "x", "ko": "x"}
    steps = [{"id": id_, "needs": first, "action": "a.b", **more.get(id_, {})} for id_, first in graph.items()]
    steps = [{k: v for k, v in step.items() if k != "action"} if "manual" in step else step for step in steps]
    return Playbook.model_validate(
        {"name": "x", "title": title, "tier": 1, "targets": {"rto": "30m", "rpo": "5m"}, "steps": steps}
    )


def samples(*took: float, step: str = "look") -> list[dict[str, timedelta]]:
    return [{step: minutes(one)} for one in took]


def nobody(_: str) -> None:
    return None


@pytest.mark.parametrize(
    ("took", "p50", "p95"),
    [
        ((7,), 7, 7),
        ((9, 4), 4, 9),
        ((3, 1, 2), 2, 3),
        (range(1, 20), 10, 19),  # below twenty the p95 is the longest
        (range(1, 21), 10, 19),  # with twenty it no longer is
    ],
)
def test_percentiles_are_durations_that_were_seen(took: Any, p50: float, p95: float) -> None:
    found = spreads(playbook({"look": []}), samples(*took), nobody)
    assert found == {"look": seen(p50, p95, len(took))}


def test_what_a_run_has_shown_counts_more_than_what_is_stated() -> None:
    book = playbook({"look": []}, look={"takes": "9m"})
    assert spreads(book, samples(2), lambda _: minutes(5))["look"] == seen(2, 2, 1)
    assert spreads(book, [], lambda _: minutes(5))["look"] == Spread(minutes(9), minutes(9), 0, stated=True)
    asked = []
    book = playbook({"look": []})
    assert spreads(book, [], lambda name: asked.append(name) or minutes(5))["look"].p50 == minutes(5)
    assert asked == ["a.b"]
    assert spreads(book, [], nobody) == {}


@pytest.mark.parametrize("by_hand", [{"ask": {"en": "?", "ko": "?"}}, {"manual": {"en": "!", "ko": "!"}}])
def test_how_long_a_person_takes_is_never_stated(by_hand: Any) -> None:
    book = playbook({"look": []}, look={**by_hand, "takes": "9m"})
    assert spreads(book, [], lambda _: minutes(5)) == {}
    assert spreads(book, samples(3), lambda _: minutes(5)) == {"look": seen(3, 3, 1)}


@pytest.mark.parametrize(("batch", "rounds"), [(1, 5), (2, 3), (5, 1), (9, 1)])
def test_a_written_list_takes_as_many_rounds_as_it_has_batches(batch: int, rounds: int) -> None:
    book = playbook({"look": []}, look={"for_each": {"in": list("abcde"), "batch": batch}})
    assert spreads(book, [], lambda _: minutes(5))["look"].p50 == minutes(5 * rounds)
    elements = [{"look[0]": minutes(1), "look[1]": minutes(3)}]
    assert spreads(book, elements, nobody)["look"] == seen(1 * rounds, 3 * rounds, 2)


def test_a_list_that_is_not_written_goes_by_the_steps_own_runs_or_by_its_known_number() -> None:
    book = playbook({"look": []}, look={"for_each": {"in": "{{ services }}", "batch": 2}})
    assert spreads(book, samples(8), lambda _: minutes(5))["look"] == seen(8, 8, 1)
    assert spreads(book, [], lambda _: minutes(5), {"look": 4})["look"].p50 == minutes(10)
    assert spreads(book, [], lambda _: minutes(5), {"look": 0})["look"].p50 == minutes(0)


def test_a_run_takes_as_long_as_its_longest_path() -> None:
    known = {"look": seen(1), "left": seen(10, 12), "right": seen(4, 40, 2), "join": seen(2)}
    assert whole(playbook(FORK), known) == seen(13, 43, 2)


def test_a_step_that_nobody_knows_leaves_no_answer_unless_it_waits_for_a_person() -> None:
    known = {"look": seen(1), "right": seen(4), "join": seen(2)}
    assert whole(playbook(FORK, left={"manual": {"en": "!", "ko": "!"}}), known) == seen(7)
    assert whole(playbook({"look": [], "left": ["look"]}), known) is None


def test_a_step_that_nobody_knows_is_no_matter_beside_a_longer_path() -> None:
    known = {"look": seen(1), "right": seen(4), "join": seen(2)}
    assert whole(playbook(FORK), known) == seen(7)
    assert whole(playbook({"left": [], "right": []}), {"right": seen(0)}) is None


def test_a_whole_path_is_stated_as_soon_as_one_of_its_steps_is() -> None:
    known = {"look": Spread(minutes(1), minutes(1), 0, stated=True), "left": seen(10)}
    assert whole(playbook({"look": [], "left": ["look"]}), known) == Spread(minutes(11), minutes(11), 0, stated=True)


def test_what_is_over_no_longer_counts_and_what_runs_counts_what_is_left() -> None:
    known = {"look": seen(1), "left": seen(10, 12), "right": seen(4, 40), "join": seen(2)}
    states = {"look": "done", "left": "running", "right": "skipped"}
    assert remaining(playbook(FORK), known, states, {"left": minutes(7)}) == seen(5, 7)
    assert remaining(playbook(FORK), known, states, {"left": minutes(11)}) == seen(2, 3)


def test_a_failed_step_counts_wholly_for_it_has_to_be_done_again() -> None:
    known = {"look": seen(4), "left": seen(10)}
    states = {"look": "failed"}
    assert remaining(playbook({"look": [], "left": ["look"]}), known, states, {"look": minutes(3)}) == seen(14)


def test_a_step_that_was_left_out_needs_no_known_duration() -> None:
    book = playbook({"look": [], "left": ["look"]})
    assert remaining(book, {"left": seen(10)}, {"look": "skipped"}, {}) == seen(10)


@pytest.mark.parametrize(("over", "left"), [(0, 30), (1, 20), (2, 20), (4, 10), (5, 0), (6, 0)])
def test_of_a_list_the_batches_that_are_to_come_count(over: int, left: float) -> None:
    book = playbook({"look": []}, look={"for_each": {"in": list("abcde"), "batch": 2}})
    found = remaining(book, {"look": seen(30)}, {"look": "running"}, {"look": minutes(99)}, {"look": (over, 5)})
    assert found == seen(left)


def test_of_an_empty_list_nothing_is_left() -> None:
    book = playbook({"look": []}, look={"for_each": {"in": "{{ x }}"}})
    assert remaining(book, {"look": seen(30)}, {"look": "running"}, {}, {"look": (0, 0)}) == seen(0)


durations = st.integers(0, 600).map(lambda seconds: timedelta(seconds=seconds))
spread_values = st.tuples(durations, durations, st.integers(0, 20), st.booleans()).map(
    lambda v: Spread(min(v[0], v[1]), max(v[0], v[1]), v[2], v[3])
)
states = st.sampled_from(["waiting", "running", "asking", "done", "failed", "skipped"])


@st.composite
def graphs(draw: Any) -> Playbook:
    ids = [f"s{number}" for number in range(draw(st.integers(1, 7)))]
    graph = {id_: draw(st.lists(st.sampled_from(ids[:at]), unique=True)) if at else [] for at, id_ in enumerate(ids)}
    return playbook(graph)


@st.composite
def forecasts(draw: Any) -> tuple[Playbook, dict[str, Spread], dict[str, str], dict[str, timedelta]]:
    book = draw(graphs())
    ids = [step.id for step in book.steps]
    return (
        book,
        {id_: draw(spread_values) for id_ in ids},
        {id_: draw(states) for id_ in ids},
        {id_: draw(durations) for id_ in ids},
    )


@given(forecasts())
def test_the_whole_is_what_remains_when_nothing_is_done(case: Any) -> None:
    book, known, _, _ = case
    assert whole(book, known) == remaining(book, known, {step.id: "waiting" for step in book.steps}, {})


@given(forecasts())
def test_what_remains_is_never_negative_and_never_more_than_the_whole(case: Any) -> None:
    book, known, states_, elapsed = case
    left, everything = remaining(book, known, states_, elapsed), whole(book, known)
    assert left is not None
    assert everything is not None
    assert timedelta() <= left.p50 <= everything.p50
    assert left.p50 <= left.p95 <= everything.p95


@given(forecasts(), st.data())
def test_a_faster_step_never_makes_the_run_longer(case: Any, data: Any) -> None:
    book, known, states_, elapsed = case
    step = data.draw(st.sampled_from(book.steps))
    was = known[step.id]
    p95 = data.draw(st.integers(0, int(was.p95.total_seconds())).map(lambda s: timedelta(seconds=s)))
    faster = known | {step.id: Spread(min(was.p50, p95), p95, was.samples, was.stated)}
    before, after = remaining(book, known, states_, elapsed), remaining(book, faster, states_, elapsed)
    assert before is not None
    assert after is not None
    assert after.p50 <= before.p50
    assert after.p95 <= before.p95


@given(forecasts(), durations)
def test_time_that_goes_by_never_makes_it_longer(case: Any, more: timedelta) -> None:
    book, known, states_, elapsed = case
    now = remaining(book, known, states_, elapsed)
    later = remaining(book, known, states_, {id_: since + more for id_, since in elapsed.items()})
    assert now is not None
    assert later is not None
    assert later.p50 <= now.p50
    assert later.p95 <= now.p95


@given(forecasts())
def test_a_run_is_at_least_as_long_as_each_of_its_steps_and_at_most_as_all_of_them(case: Any) -> None:
    book, known, _, _ = case
    found = whole(book, known)
    assert found is not None
    assert max(spread.p50 for spread in known.values()) <= found.p50
    assert found.p95 <= sum((spread.p95 for spread in known.values()), timedelta())


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=20), st.integers(0, 10_000))
def test_a_slower_run_more_never_lowers_a_percentile(took: list[int], more: int) -> None:
    slower = max(took) + more
    before = spreads(playbook({"look": []}), samples(*took), nobody)["look"]
    after = spreads(playbook({"look": []}), samples(slower, *took), nobody)["look"]
    assert before.p50 <= after.p50
    assert before.p95 <= after.p95
