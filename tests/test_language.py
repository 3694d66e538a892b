from datetime import UTC, datetime, timedelta

import pytest

from bot.errors import NotFound, phrase
from bot.language import Words

AT = datetime(2026, 11, 23, 3, 41, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "known"),
    [
        ("en", "en"),
        ("ko", "ko"),
        ("ko-KR", "ko"),
        ("ko_KR", "ko"),
        ("KO", "ko"),
        ("fr", "en"),
        ("", "en"),
        ("kok", "en"),
    ],
)
def test_any_language_finds_the_nearest_that_we_have(language: str, known: str) -> None:
    assert Words(language).known == known


def test_a_message_without_a_translation_is_shown_in_english_and_filled_in() -> None:
    assert Words("ko")("Nobody has translated {this}.", this="that") == "Nobody has translated that."


def test_times_are_shown_by_the_readers_clock() -> None:
    assert Words("en", "Asia/Seoul").time(AT) == "12:41:07 KST"
    assert Words("en", "America/New_York").day_and_time(AT) == "2026-11-22 22:41 EST"
    assert Words("ko", "Asia/Seoul")("{at}", at=AT) == "12:41:07 KST"


@pytest.mark.parametrize("zone", ["", "Mars/Base", "/etc/passwd", ":/etc/localtime", "../../etc"])
def test_a_zone_that_is_none_never_costs_a_message(zone: str) -> None:
    assert Words("en", zone).time(AT) == "03:41:07 UTC"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"), (0.9, "0 s"), (59, "59 s"), (60, "1 min"), (61, "1 min 01 s"), (1800, "30 min"), (3599, "59 min 59 s"),
        (3600, "1 h"), (3660, "1 h 01 min"), (3659, "1 h"), (90_000, "25 h"), (-61, "-1 min 01 s"), (-0.5, "0 s"),
    ],
)  # fmt: skip
def test_durations_say_no_more_than_there_is(seconds: float, said: str) -> None:
    assert Words().duration(timedelta(seconds=seconds)) == said


def test_phrases_and_errors_within_a_phrase_are_told_in_the_readers_language_too() -> None:
    inner = phrase("{at} is late", at=AT)
    assert Words("en", "Asia/Seoul").phrase(phrase("It failed: {why}", why=inner)) == "It failed: 12:41:07 KST is late"
    assert Words()("{error}", error=NotFound("run", "r1")) == "There is no run named r1. Known: -."
    assert Words("ko")("{error}", error=NotFound("run", "r1")) != "There is no run named r1. Known: -."


def test_what_a_person_wrote_is_never_taken_for_a_template() -> None:
    assert Words()("{title}", title="{0} {x!r} %s") == "{0} {x!r} %s"
    assert Words().phrase("{not a phrase") == "{not a phrase"
