from bot.slack.blocks import EMPTY, worded
from bot.slack.limits import SECTION


def _texts(text: str) -> list[str]:
    return [block["text"]["text"] for block in worded(text).blocks]


def test_an_answer_keeps_its_bold_and_code_in_blocks_and_none_of_it_in_the_notification() -> None:
    message = worded("*On call now*\n`primary`: Mina")
    assert _texts("*On call now*\n`primary`: Mina") == ["*On call now*\n`primary`: Mina"]
    assert message.text == "On call now\nprimary: Mina"


def test_an_answer_at_the_limit_is_one_section_and_one_past_it_two() -> None:
    half = "a" * (SECTION // 2)
    rest = "b" * (SECTION - len(half) - 1)
    assert _texts(f"{half}\n{rest}") == [f"{half}\n{rest}"]
    assert _texts(f"{half}\n{rest}b") == [half, f"{rest}b"]


def test_no_line_of_a_long_answer_is_lost() -> None:
    lines = [f"line {number} " + "x" * 90 for number in range(100)]
    assert "\n".join(_texts("\n".join(lines))).split("\n") == lines


def test_an_empty_answer_is_still_a_message() -> None:
    assert worded("").text == EMPTY
    assert worded("").blocks == []
