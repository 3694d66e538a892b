import random
from itertools import pairwise
from typing import Any

import pytest

from bot.playbook.graph import upstream
from bot.playbook.model import Playbook
from bot.report.graph.layout import ABREAST, Layout, crossings, layout, place
from tests.report.drawn import ALL, CROSSED, DIAMOND, SKIPPING, WIDE, playbook, step

every = pytest.mark.parametrize("drawn", ALL, ids=lambda one: one.name)


def generated(seed: int) -> Playbook:
    """Any playbook of up to 25 steps."""
    dice = random.Random(seed)
    names = [f"s{n}" for n in range(dice.randint(1, 25))]
    steps = [step(name, *dice.sample(names[:n], min(n, dice.randint(0, 3)))) for n, name in enumerate(names)]
    return playbook("any", *steps)


def rows(found: Layout) -> dict[str, int]:
    return {key: row for row, layer in enumerate(found.layers) for key in layer}


def reached(found: Layout) -> dict[str, set[str]]:
    """Which blocks each block follows, by the lines that are drawn."""
    before: dict[str, set[str]] = {key: set() for layer in found.layers for key in layer}
    for layer in found.layers:
        for key in layer:
            for first, then in found.edges:
                if then == key:
                    before[key] |= before[first] | ({first} if first in found.blocks else set())
    return before


@pytest.mark.parametrize("seed", range(60))
def test_the_lines_say_exactly_what_waits_for_what(seed: int) -> None:
    book = generated(seed)
    found = layout(book)
    drawn = reached(found)
    assert sorted(one for steps in found.blocks.values() for one in steps) == sorted(one.id for one in book.steps)
    for key, steps in found.blocks.items():
        for one in steps:
            expected = {first for first, members in found.blocks.items() if set(members) & upstream(book, one)}
            assert drawn[key] == expected


@pytest.mark.parametrize("seed", range(60))
def test_every_line_goes_down_by_one_layer(seed: int) -> None:
    found = layout(generated(seed))
    at = rows(found)
    assert all(at[then] == at[first] + 1 for first, then in found.edges)


@every
def test_a_step_stands_right_below_the_last_it_waits_for(drawn: Any) -> None:
    found = layout(drawn)
    at = rows(found)
    for key in found.blocks:
        above = [first for first, then in found.edges if then == key]
        assert at[key] == (max(at[one] for one in above) + 1 if above else 0)


def test_a_line_that_follows_from_others_is_not_drawn() -> None:
    assert ("look", "done") not in layout(DIAMOND).edges
    assert not any("look→done" in key for layer in layout(DIAMOND).layers for key in layer)


@pytest.mark.parametrize("abreast", [ABREAST, ABREAST + 1])
def test_more_than_three_alike_are_one_block(abreast: int) -> None:
    parts = [step(f"p{n}", "start") for n in range(abreast)]
    found = layout(playbook("few", step("start"), *parts, step("end", *(one["id"] for one in parts))))
    assert len(found.blocks) == (2 + abreast if abreast == ABREAST else 3)


def test_a_block_keeps_the_order_of_the_playbook() -> None:
    assert layout(WIDE).blocks["part-0"] == tuple(f"part-{n}" for n in range(18))


def test_crossings_are_counted_and_reduced() -> None:
    assert crossings([["a", "b"], ["x", "y"]], [("a", "y"), ("b", "x")]) == 1
    assert crossings([["a", "b"], ["x", "y"]], [("a", "x"), ("b", "y")]) == 0
    turned = playbook("turned", step("a"), step("b"), step("c"), step("z", "c"), step("y", "b"), step("x", "a"))
    found = layout(turned)
    assert crossings(found.layers, found.edges) == 0
    assert crossings(layout(CROSSED).layers, layout(CROSSED).edges) <= 2


def test_a_line_past_a_layer_has_a_waypoint_in_it() -> None:
    found = layout(SKIPPING)
    assert any(key not in found.blocks for layer in found.layers for key in layer)


@pytest.mark.parametrize("seed", range(60))
def test_nothing_overlaps_and_nothing_begins_left_of_the_edge(seed: int) -> None:
    found = layout(generated(seed))
    widths = {key: 30.0 if key in found.blocks else 1.0 for layer in found.layers for key in layer}
    middles = place(found, widths, 2.0)
    for layer in found.layers:
        for left, right in pairwise(layer):
            assert middles[right] - middles[left] >= (widths[left] + widths[right]) / 2 + 2 - 1e-6
    assert min(middles[key] - widths[key] / 2 for key in widths) == pytest.approx(0)


def test_a_chain_is_upright() -> None:
    found = layout(playbook("chain", step("a"), step("b", "a"), step("c", "b")))
    middles = place(found, dict.fromkeys("abc", 20.0), 2.0)
    assert set(middles.values()) == {10.0}
