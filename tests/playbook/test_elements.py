import pytest

from bot.playbook.elements import next_up, outcome, row
from bot.playbook.model import ForEach


def rule(batch: int = 2, stop_after: int = 1) -> ForEach:
    return ForEach.model_validate({"in": "{{ services }}", "batch": batch, "stop_after": stop_after})


def test_an_element_is_named_by_its_number() -> None:
    assert row("evacuate", 2) == "evacuate[2]"


def test_no_more_than_a_batch_runs_side_by_side() -> None:
    assert next_up(rule(2), ["waiting"] * 5) == (0, 1)
    assert next_up(rule(2), ["running", "waiting", "waiting"]) == (1,)
    assert next_up(rule(2), ["running", "asking", "waiting"]) == ()
    assert next_up(rule(2), ["done", "running", "waiting", "waiting"]) == (2,)


def test_no_further_one_starts_after_as_many_failures_as_are_allowed() -> None:
    assert next_up(rule(3, stop_after=2), ["failed", "waiting"]) == (1,)
    assert next_up(rule(3, stop_after=2), ["failed", "failed", "waiting"]) == ()


def test_a_smaller_batch_than_what_runs_starts_nothing() -> None:
    assert next_up(rule(1), ["running", "running", "waiting"]) == ()


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([], "done"),
        (["done", "skipped"], "done"),
        (["done", "running"], None),
        (["done", "asking"], None),
        (["done", "waiting"], None),
        (["failed", "running"], None),  # what runs is waited for
        (["failed", "waiting"], "failed"),  # what waits never starts
        (["failed", "done"], "failed"),
    ],
)
def test_the_step_stands_as_its_elements_do(states: list[str], expected: str | None) -> None:
    assert outcome(rule(), states) == expected  # type: ignore[arg-type]  # the literals above


def test_one_failure_of_three_allowed_fails_the_step_only_when_all_others_are_over() -> None:
    assert outcome(rule(1, stop_after=3), ["failed", "waiting"]) is None
    assert outcome(rule(1, stop_after=3), ["failed", "done"]) == "failed"
