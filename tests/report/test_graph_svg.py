import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from bot.language import Words
from bot.report.graph.nodes import Seen, nodes
from bot.report.graph.svg import BOLD, BOX, clipped, measured, svg, wrapped
from tests.report.drawn import ALL, ALONE, DIAMOND, WIDE, both, playbook, step

EN, KO = Words("en"), Words("ko")
SVG = "{http://www.w3.org/2000/svg}"
every = pytest.mark.parametrize("book", ALL, ids=lambda one: one.name)


def root(book: Any, _: Words = EN, seen: Any = None) -> ET.Element:
    return ET.fromstring(svg(book, nodes(book, _, seen), _))


def cards(drawn: ET.Element) -> list[ET.Element]:
    return list(drawn.iter(f"{SVG}g"))


@every
def test_it_needs_nothing_from_elsewhere_and_runs_nothing(book: Any) -> None:
    written = svg(book, nodes(book, EN), EN)
    assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)", written) == []
    assert "<script" not in written
    assert "<image" not in written
    assert "@import" not in written


@every
def test_it_brings_its_own_background(book: Any) -> None:
    background = next(iter(root(book).iter(f"{SVG}rect")))
    assert (background.get("width"), background.get("height")) == ("100%", "100%")


@pytest.mark.parametrize("_", [EN, KO], ids=["en", "ko"])
@every
def test_every_step_is_told_to_those_who_cannot_see_it(book: Any, _: Words) -> None:
    said = [str(card.findtext(f"{SVG}title")) for card in cards(root(book, _))]
    assert sorted(one.partition(":")[0] for one in said) == sorted(one.id for one in book.steps)
    assert root(book, _).findtext(f"{SVG}title", "").startswith(book.title.for_reader(_.language))


@pytest.mark.parametrize("_", [EN, KO], ids=["en", "ko"])
@pytest.mark.parametrize("running", [False, True])
@every
def test_no_text_runs_out_of_its_box(book: Any, _: Words, running: bool) -> None:
    seen = {one.id: Seen("asking", 99, 100) for one in book.steps} if running else None
    for card in cards(root(book, _, seen)):
        box = next(card.iter(f"{SVG}rect"))
        right = float(box.attrib["x"]) + float(box.attrib["width"])
        texts = list(card.iter(f"{SVG}text"))
        assert texts
        for text in texts:
            size = float(text.attrib["font-size"]) * (BOLD if text.get("font-weight") else 1)
            assert float(text.attrib["x"]) + measured(text.text or "", size) <= right
            assert (
                float(box.attrib["y"]) < float(text.attrib["y"]) < float(box.attrib["y"]) + float(box.attrib["height"])
            )


@every
def test_everything_is_within_the_picture(book: Any) -> None:
    drawn = root(book)
    _left, _top, width, height = map(float, drawn.attrib["viewBox"].split())
    for card in cards(drawn):
        box = next(card.iter(f"{SVG}rect")).attrib
        assert float(box["x"]) >= 0
        assert float(box["x"]) + float(box["width"]) <= width
        assert float(box["y"]) + float(box["height"]) <= height


def test_boxes_do_not_overlap() -> None:
    for book in ALL:
        boxes = [next(card.iter(f"{SVG}rect")).attrib for card in cards(root(book))]
        places = [(float(box["x"]), float(box["y"])) for box in boxes]
        for number, (x, y) in enumerate(places):
            for other_x, other_y in places[:number]:
                assert abs(x - other_x) >= BOX or abs(y - other_y) >= 96


def test_twenty_steps_side_by_side_stay_narrow_enough_for_a_phone() -> None:
    assert float(root(WIDE).attrib["width"]) < 640


def test_titles_are_in_the_readers_language() -> None:
    assert "여유가 있는지" in svg(DIAMOND, nodes(DIAMOND, KO), KO)
    assert "Is there room?" in svg(DIAMOND, nodes(DIAMOND, EN), EN)


def test_what_people_write_cannot_break_the_drawing() -> None:
    title = "<b>&\"'</b> ]]>"
    book = playbook("odd", step("a", title=both(title, title)), title=both(title, title))
    drawn = root(book)
    assert "<b>" in "".join(text.text or "" for text in drawn.iter(f"{SVG}text"))


def test_a_state_has_its_colour_and_its_word() -> None:
    fills = set()
    for state in ("waiting", "running", "asking", "done", "failed", "aborted"):
        [card] = cards(root(ALONE, EN, {"only": Seen(state)}))  # type: ignore[arg-type]  # a state's name
        fills.add(next(card.iter(f"{SVG}path")).attrib["fill"])
        assert len(list(card.iter(f"{SVG}text"))) == 3
    assert len(fills) == 6


def test_a_title_of_any_length_takes_two_lines_at_most() -> None:
    assert wrapped("short", 200, 14, 2) == ["short"]
    assert len(wrapped("word " * 50, 200, 14, 2)) == 2
    assert wrapped("word " * 50, 200, 14, 2)[1].endswith("…")
    assert wrapped("x" * 100, 200, 14, 2) == [clipped("x" * 100, 200, 14)]


def test_a_korean_letter_is_as_wide_as_it_is_high() -> None:
    assert measured("복원", 14) == 28
    assert measured("", 14) == 0
    assert clipped("복원하기", 4 * 14, 14) == "복원하기"
    assert clipped("복원하기", 4 * 14 - 1, 14) == "복원…"
