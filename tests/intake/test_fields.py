from datetime import UTC, datetime
from typing import Any

import pytest

from bot.intake import fields


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-09-09T01:59:07.423+0000", datetime(2024, 9, 9, 1, 59, 7, 423_000, UTC)),
        ("2024-09-09T01:59:07Z", datetime(2024, 9, 9, 1, 59, 7, tzinfo=UTC)),
        ("2024-09-09T10:59:07+09:00", datetime(2024, 9, 9, 1, 59, 7, tzinfo=UTC)),
        ("Fri, 27 Jan 2023 06:02:51 GMT", datetime(2023, 1, 27, 6, 2, 51, tzinfo=UTC)),
        ("2024-09-09T01:59:07", datetime(2024, 9, 9, 1, 59, 7, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", None),
        ("soon", None),
        ("", None),
        (None, None),
        (1_700_000_000, None),
    ],
)
def test_a_time_is_read_in_every_spelling_of_aws(value: Any, expected: datetime | None) -> None:
    assert fields.moment(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (30, 30.0),
        ("66.6", 66.6),
        (True, None),
        ("x", None),
        (None, None),
        ("nan", None),
        ("inf", None),
        (10**400, None),
    ],
)
def test_a_number_is_finite_or_none(value: Any, expected: float | None) -> None:
    assert fields.number(value) == expected


def test_a_fingerprint_of_512_characters_is_kept_and_a_longer_one_is_shortened_but_stays_distinct() -> None:
    longest = "a" * fields.LONGEST_FINGERPRINT
    assert fields.fingerprint(longest) == longest
    one, other = fields.fingerprint(longest + "1"), fields.fingerprint(longest + "2")
    assert len(one) == len(other) == fields.LONGEST_FINGERPRINT
    assert one != other


@pytest.mark.parametrize("text", ["arn", "arn:aws", "", "x:aws:sns:us-east-1:1:t", "arn:aws:sns:us-east-1:1"])
def test_a_text_that_is_no_arn_has_no_parts(text: str) -> None:
    assert fields.arn(text) == fields.Arn()


def test_an_arns_resource_keeps_its_colons() -> None:
    assert fields.arn("arn:aws:cloudwatch:us-east-1:1:alarm:a:b").resource == "alarm:a:b"


def test_no_string_that_a_database_refuses_comes_out_of_json() -> None:
    assert fields.load('{"a\\u0000": ["\\ud800", 1e999, NaN]}') == {"a�": ["�", None, None]}


def test_what_is_nested_too_deep_ends_early() -> None:
    deep = fields.load("[" * 30 + "]" * 30)
    depth = 0
    while isinstance(deep, list):
        deep, depth = deep[0], depth + 1
    assert depth == fields.DEEPEST + 1
