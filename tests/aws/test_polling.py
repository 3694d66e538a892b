"""bot/aws/polling.py."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.aws.polling import next_look
from tests.aws.fakes import attempt


@pytest.mark.parametrize(("after", "soon"), [(0, True), (29, True), (30, False), (3600, False)])
def test_looks_are_frequent_only_in_the_first_half_minute(after: int, soon: bool) -> None:
    wait = next_look(attempt(after))
    assert (wait == timedelta(seconds=2)) is soon
    assert wait <= timedelta(seconds=15)


def test_steps_that_began_together_do_not_all_look_together() -> None:
    waits = {next_look(replace(attempt(60), run=f"run-{number}")) for number in range(50)}
    assert waits == {timedelta(seconds=seconds) for seconds in range(10, 16)}
    assert next_look(attempt(60)) == next_look(attempt(90))
