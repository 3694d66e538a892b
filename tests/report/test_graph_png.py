import pytest

from bot.errors import Missing
from bot.language import Words
from bot.report.graph import png as made
from bot.report.graph.nodes import nodes
from bot.report.graph.png import drawable, has_letters, png
from bot.report.graph.svg import svg
from tests.report.drawn import DIAMOND, WIDE

EN, KO = Words("en"), Words("ko", "Asia/Seoul")


def size(picture: bytes) -> tuple[int, int]:
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    return int.from_bytes(picture[16:20]), int.from_bytes(picture[20:24])


def test_the_picture_is_twice_the_drawing() -> None:
    drawn = svg(DIAMOND, nodes(DIAMOND, EN), EN)
    width, height = (float(one) for one in drawn.partition('viewBox="0 0 ')[2].partition('"')[0].split())
    assert size(png(drawn)) == (round(width * 2), round(height * 2))


def test_a_picture_of_twenty_steps_is_small_enough_for_slack() -> None:
    assert len(png(svg(WIDE, nodes(WIDE, KO), KO))) < 1_000_000


def test_letters_that_no_font_has_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "ko")
    assert drawable(KO) == Words("en", "Asia/Seoul")
    assert drawable(EN) == EN


def test_a_machine_without_fonts_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "en", "ko")
    with pytest.raises(Missing, match="apt-get install"):
        drawable(KO)


def without(monkeypatch: pytest.MonkeyPatch, *languages: str) -> None:
    """A machine whose fonts lack these languages: the library itself is told to use no font for them."""
    import resvg_py

    real = resvg_py.svg_to_bytes
    letters = [letter for language in languages for letter in made._PROBES[language]]

    def draw(*, svg_string: str, zoom: float) -> bytes:
        bare = any(f">{letter}<" in svg_string for letter in letters)
        return bytes(real(svg_string=svg_string, zoom=zoom, skip_system_fonts=bare))

    # The fonts of this machine cannot be taken away for one test.
    monkeypatch.setattr(resvg_py, "svg_to_bytes", draw)
    monkeypatch.setattr(made, "has_letters", has_letters.__wrapped__)
