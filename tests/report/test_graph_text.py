from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bot.language import Words
from bot.playbook.loading import load
from bot.report.graph.canvas import DOWN, LEFT, RIGHT, UP, Canvas
from bot.report.graph.nodes import Seen, nodes
from bot.report.graph.text import COLUMNS, drawing, listing, titles
from bot.report.graph.tracks import tracks
from bot.report.graph.widths import cells, clipped
from tests.report.drawn import ALL, ALONE, CROSSED, DIAMOND, LANES, WIDE, both, playbook, step

EN, KO = Words("en"), Words("ko")
SHIPPED = list(load(Path(__file__).parents[2] / "playbooks").values())


def text(book: Any, _: Words = EN, seen: Any = None) -> str:
    drawn = drawing(book, nodes(book, _, seen))
    assert drawn is not None
    return "\n".join(drawn)


@pytest.mark.parametrize("_", [EN, KO], ids=["en", "ko"])
@pytest.mark.parametrize("book", [*ALL, *SHIPPED], ids=lambda one: one.name)
def test_it_fits_eighty_columns_and_every_step_is_in_it(book: Any, _: Words) -> None:
    steps = nodes(book, _)
    drawn = drawing(book, steps) or listing(book, steps, _)
    assert all(cells(line) <= COLUMNS for line in drawn if drawing(book, steps))
    for name in steps:
        assert sum(name in line for line in drawn) >= 1


TWO = """\
            ┌─────────────────────┐
            │ a           changes │
            │ ecs.restart_service │
            └──────────┬──────────┘
           ┌───────────┴────────────┐
┌──────────▼──────────┐  ┌──────────▼──────────┐
│ b           changes │  │ c           changes │
│ ecs.restart_service │  │ ecs.restart_service │
└──────────┬──────────┘  └──────────┬──────────┘
           └───────────┬────────────┘
            ┌──────────▼──────────┐
            │ d           changes │
            │ ecs.restart_service │
            └─────────────────────┘"""


def test_branches_stand_side_by_side() -> None:
    assert text(playbook("two", step("a"), step("b", "a"), step("c", "a"), step("d", "b", "c"))) == TWO


@pytest.mark.parametrize("_", [EN, KO], ids=["en", "ko"])
@pytest.mark.parametrize("book", [DIAMOND, WIDE, CROSSED, ALONE], ids=lambda one: one.name)
def test_what_stands_in_a_box_moves_no_frame(book: Any, _: Words) -> None:
    for above, below in pairwise(text(book, _).split("\n")):
        if set(above) <= set("┌─▼┐ "):  # the tops of boxes
            assert {_cell(below, at) for at, letter in enumerate(above) if letter in "┌┐"} == {"│"}


def _cell(line: str, column: int) -> str:
    """The letter in that cell of the terminal."""
    return next((letter for at, letter in enumerate(line) if cells(line[:at]) == column), "")


def test_marks_say_kind_items_condition_undo_and_break_glass() -> None:
    drawn = text(DIAMOND)
    for mark in ("looks", "changes · ×n · when?", "↩", "×3", "break-glass", "asks · changes", "by hand"):  # noqa: RUF001  # as drawn
        assert mark in drawn


def test_a_run_shows_how_far_each_step_is() -> None:
    seen = {"look": Seen("done"), "evacuate": Seen("running", 1, 4), "scale": Seen("failed"), "dns": Seen("asking")}
    drawn = text(DIAMOND, EN, seen | dict.fromkeys(("go-on", "tell", "done"), Seen("waiting")))
    for said in ("✓ done", "▶ running 1/4", "✗ failed", "? waiting for a per", "· waiting"):
        assert said in drawn


def test_a_step_that_was_taken_back_says_so() -> None:
    assert "taken back" in text(ALONE, EN, {"only": Seen("done", undone=True)})


def test_what_is_too_wide_is_not_drawn_but_listed() -> None:
    steps = nodes(LANES, EN)
    assert drawing(LANES, steps) is None
    assert drawing(LANES, steps, columns=200) is not None
    assert "f1  changes  ecs.restart_service  after: f0" in listing(LANES, steps, EN)
    assert listing(LANES, steps, EN)[0].endswith("after: -")


def test_three_boxes_fit_and_four_do_not() -> None:
    def lanes(count: int) -> Any:
        names = "abcdef"[:count]
        return playbook("few", *(step(f"{x}0") for x in names), *(step(f"{x}1", f"{x}0") for x in names))

    assert drawing(lanes(3), nodes(lanes(3), EN)) is not None
    assert drawing(lanes(4), nodes(lanes(4), EN)) is None
    assert drawing(lanes(4), nodes(lanes(4), EN), columns=4 * 20 + 3 * 2) is not None
    assert drawing(lanes(4), nodes(lanes(4), EN), columns=4 * 20 + 3 * 2 - 1) is None


def test_long_ids_are_cut_and_never_break_the_frame() -> None:
    book = playbook("long", step("a" * 60), step("b" * 60, "a" * 60), step("c" * 60, "a" * 60))
    drawn = text(book)
    assert "…" in drawn
    assert max(map(cells, drawn.split("\n"))) <= COLUMNS


def test_titles_explain_the_ids() -> None:
    book = playbook("one", step("a", title=both("What it does", "하는 일")), step("bb", "a"))
    assert titles(nodes(book, KO)) == ["a   하는 일"]


def test_a_korean_letter_takes_two_cells() -> None:
    assert cells("복원 ok") == 7
    assert clipped("복원하기", 5) == "복원…"
    assert clipped("복원하기", 8) == "복원하기"
    assert clipped("abc", 2) == "a…"


def test_lines_that_only_cross_do_not_join() -> None:
    canvas = Canvas()
    canvas.join(0, 0, LEFT | RIGHT)
    canvas.join(0, 0, UP | DOWN)
    canvas.join(1, 0, LEFT | RIGHT)
    canvas.join(1, 0, LEFT | DOWN)
    assert canvas.lines() == ["│┬"]


def test_lines_that_cannot_be_told_apart_are_not_drawn() -> None:
    # Each goes down where the other comes up, so each would have to be above the other.
    assert tracks({("a", "x"): (0, 9), ("b", "y"): (9, 0)}) is None
    assert tracks({("a", "x"): (0, 9), ("b", "y"): (5, 14)}) is not None


def test_lines_of_different_kinds_enter_a_box_at_different_columns() -> None:
    drawn = text(DIAMOND).split("\n")
    [entered] = [line for line in drawn if line.count("▼") == 4]
    assert entered.index("▼") != entered.rindex("▼")
