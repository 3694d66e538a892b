"""bot/aws/dynamodb/table.py: the name of a restored table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.aws.dynamodb.table import LONGEST_NAME, has_name_of, restored_name

TABLES = st.text("abcXYZ019_.-", min_size=3, max_size=255)
INCIDENTS = st.text("abc-129 #ä", min_size=1, max_size=150)


@given(TABLES, INCIDENTS)
def test_the_name_is_always_one_that_aws_accepts_and_that_we_know_again(table: str, incident: str) -> None:
    name = restored_name(table, incident)
    assert 3 <= len(name) <= LONGEST_NAME
    assert all(letter.isascii() and (letter.isalnum() or letter in "_.-") for letter in name)
    assert has_name_of(incident, name)
    assert name == restored_name(table, incident)


@pytest.mark.parametrize(("length", "whole"), [(248, True), (249, False)])
def test_a_name_is_cut_only_when_it_must_be(length: int, whole: bool) -> None:
    table = "t" * length
    assert (restored_name(table, "i-1") == f"{table}-lb-i-1") is whole


def test_two_long_names_that_begin_alike_stay_two() -> None:
    assert restored_name("t" * 254 + "a", "inc-7") != restored_name("t" * 254 + "b", "inc-7")


@pytest.mark.parametrize("name", ["orders", "-lb-inc-7", "orders-lb-inc-77", "orders-lb-inc", "orders-lb-inc-7-copy"])
def test_other_names_are_not_ours(name: str) -> None:
    assert not has_name_of("inc-7", name)
