import re
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from bot.incident.incident import channel_name, new_id

AT = datetime(2026, 11, 23, 3, 30, tzinfo=UTC)


@given(name=st.text(max_size=300), suffix=st.integers(1, 999))
def test_no_title_makes_a_channel_name_that_slack_refuses(name: str, suffix: int) -> None:
    made = channel_name(AT, name, suffix)
    assert re.fullmatch(r"inc-20261123-[a-z0-9-]*[a-z0-9]", made)
    assert len(made) <= 80


@given(name=st.text(max_size=300), suffixes=st.lists(st.integers(1, 999), min_size=2, unique=True))
def test_no_cut_makes_two_names_one(name: str, suffixes: list[int]) -> None:
    assert len({channel_name(AT, name, suffix) for suffix in suffixes}) == len(suffixes)


def test_no_id_has_letters_that_are_mistaken_on_the_phone() -> None:
    assert not set("0o1li") & set("".join(new_id() for _ in range(500)))
