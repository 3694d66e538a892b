"""Durations are read as people write them, and refused rather than guessed."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from escalation.duration import Duration, PositiveDuration, format_duration, parse_duration
from escalation.errors import BadValue


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90), ("5m", 300), ("2h", 7200), ("1d", 86_400), ("1h30m", 5400), ("1d2h3m4s", 93_784), ("0s", 0),
        ("100m", 6000), ("007s", 7),
    ],
)  # fmt: skip
def test_a_duration_is_read(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "5",
        "m",
        "5 m",
        "5M",
        "-5m",
        "+5m",
        "1.5h",
        "30m1h",
        "5m5m",
        "5m\n",
        "1w",
        "five minutes",
        "PT5M",
        "\u0665m",
    ],
)
def test_what_is_not_a_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadValue, match=r"is not a duration\. Write a number with a unit, such as 90s"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["999999999d1d", f"{10**12}d", "9" * 5000 + "s"])
def test_a_duration_too_long_to_count_is_refused_and_not_a_crash(text: str) -> None:
    with pytest.raises(BadValue):
        parse_duration(text)


@given(st.integers(0, 10**13))
def test_what_is_written_is_read_back(seconds: int) -> None:
    length = timedelta(seconds=seconds)
    assert parse_duration(format_duration(length)) == length


@pytest.mark.parametrize(("seconds", "text"), [(0, "0s"), (60, "1m"), (90, "1m30s"), (5400, "1h30m"), (86_401, "1d1s")])
def test_a_duration_is_written_as_short_as_it_can_be(seconds: int, text: str) -> None:
    assert format_duration(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize("length", [timedelta(milliseconds=1500), timedelta(seconds=-1)])
def test_what_could_not_be_read_back_is_not_written(length: timedelta) -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        format_duration(length)


class Timer(BaseModel):
    after: Duration


def test_a_model_reads_and_writes_the_text_and_keeps_the_timedelta() -> None:
    timer = Timer.model_validate({"after": "1h30m"})
    assert timer.after == timedelta(minutes=90)
    assert timer.model_dump(mode="json") == {"after": "1h30m"}
    assert timer.model_dump() == {"after": timedelta(minutes=90)}
    assert Timer(after=timedelta(seconds=5)).after == timedelta(seconds=5)


@pytest.mark.parametrize("value", [5, 1.5])
def test_a_number_without_a_unit_is_refused_and_not_taken_for_seconds(value: float) -> None:
    with pytest.raises(
        ValidationError, match=f"{value} has no unit. Write {value}s for seconds, or {value}m for minutes"
    ):
        Timer.model_validate({"after": value})


@pytest.mark.parametrize("value", [True, None, ["5m"], {"minutes": 5}])
def test_what_is_not_even_text_is_refused(value: object) -> None:
    with pytest.raises(ValidationError, match="is not a duration"):
        Timer.model_validate({"after": value})


def test_a_positive_duration_begins_at_one_second() -> None:
    positive = TypeAdapter(PositiveDuration)
    assert positive.validate_python("1s") == timedelta(seconds=1)
    with pytest.raises(ValidationError, match="must be longer than nothing"):
        positive.validate_python("0s")
