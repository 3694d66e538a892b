from datetime import timedelta

import pytest

from bot.playbook.model import Retry
from bot.playbook.patience import next_try


def test_what_may_work_later_is_tried_again_at_growing_distances_without_being_told_to() -> None:
    waits = [next_try(None, "throttled", tries, transient=True) for tries in range(8)]
    assert waits[0] == timedelta(seconds=5)
    assert waits == sorted(waits, key=lambda one: one or timedelta())
    assert waits[-1] == next_try(None, "throttled", 10_000, transient=True) == timedelta(seconds=30)


@pytest.mark.parametrize("kind", ["failed", "conflict"])
def test_a_failure_that_would_come_again_is_for_a_person(kind: str) -> None:
    assert next_try(None, kind, 0, transient=False) is None  # type: ignore[arg-type]  # one of the kinds


def test_the_steps_own_rule_bounds_what_it_names() -> None:
    rule = Retry(times=2, wait=timedelta(seconds=40), on=("failed",))
    assert next_try(rule, "failed", 0, transient=False) == timedelta(seconds=40)
    assert next_try(rule, "failed", 1, transient=False) == timedelta(seconds=40)
    assert next_try(rule, "failed", 2, transient=False) is None


def test_what_the_rule_does_not_name_is_as_without_it() -> None:
    rule = Retry(times=1, on=("failed",))
    assert next_try(rule, "conflict", 0, transient=False) is None
    assert next_try(rule, "throttled", 5, transient=True) is not None
