import unicodedata

import pytest

from bot.slack.command_words import HELP, UNKNOWN, WORDS, Command, as_typed, parse


@pytest.mark.parametrize("text", ["", "   ", "help", "?", "도움말"])
def test_nothing_or_a_question_is_help(text: str) -> None:
    assert parse(text).name == HELP


@pytest.mark.parametrize(
    ("text", "name", "rest"),
    [
        ("declare", "declare", ""),
        ("  DECLARE   orders   are failing ", "declare", "orders   are failing"),
        ("선언 주문이 실패합니다", "declare", "주문이 실패합니다"),
        (unicodedata.normalize("NFD", "선언") + " 주문", "declare", "주문"),
        ("상태", "status", ""),
        ("확인 k3v9x2ab", "ack", "k3v9x2ab"),
        ("/status", "status", ""),
        ("ack\nk3v9x2ab", "ack", "k3v9x2ab"),
        ("oncall", "oncall", ""),
    ],
)
def test_a_command_is_known_in_both_languages_whatever_its_case_and_spaces(text: str, name: str, rest: str) -> None:
    assert (parse(text).name, parse(text).rest) == (name, rest)


@pytest.mark.parametrize(("typed", "meant"), [("restroe", "restore"), ("declre", "declare"), ("xyzzy", None)])
def test_an_unknown_word_comes_with_the_nearest_that_we_know(typed: str, meant: str | None) -> None:
    assert parse(f"{typed} orders") == Command(UNKNOWN, "orders", typed, meant)


def test_no_word_means_two_commands() -> None:
    words = [word for group in WORDS.values() for word in group]
    assert len(words) == len(set(words))


@pytest.mark.parametrize(
    ("sent", "typed"),
    [
        ("A &amp; B &lt;3", "A & B <3"),
        ("<@U1|mina> sees it in <#C1|ops>", "@mina sees it in #ops"),
        ("<https://example.com|example.com> is down", "example.com is down"),
        ("<https://example.com> is down", "https://example.com is down"),
        ("&amp;lt;", "&lt;"),
    ],
)
def test_what_slack_escapes_is_read_as_it_was_typed(sent: str, typed: str) -> None:
    assert as_typed(sent) == typed
