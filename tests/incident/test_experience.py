from datetime import timedelta

from bot.incident.experience import experience
from bot.incident.ports import Record
from tests.slack.views import playbook

MIN = timedelta(minutes=1)


def nobody_says(_: str) -> None:
    return None


def ended(status: str, minutes: int | None = None, **steps: int) -> Record:
    took = None if minutes is None else minutes * MIN
    return Record(status, took, {step: length * MIN for step, length in steps.items()})  # type: ignore[arg-type]  # a status


def test_only_runs_that_began_count_and_only_success_is_success() -> None:
    tried = [ended(status) for status in ("succeeded", "failed", "aborted", "undone", "succeeded")]
    for more in ([], [ended("refused"), ended("expired")]):
        known = experience(playbook(), [*tried, *more], nobody_says)
        assert (known.worked, known.tried) == (2, 5)


def test_a_playbook_that_never_ran_takes_what_is_stated_or_nobody_knows() -> None:
    assert experience(playbook(), [], nobody_says).usual is None
    assert experience(playbook(), [], lambda _: 4 * MIN).usual == 4 * MIN


def test_earlier_runs_say_how_long_it_takes() -> None:
    records = [ended("succeeded", 9, restore=8), ended("failed", 1), ended("succeeded", 11, restore=10)]
    assert experience(playbook(), records, nobody_says).usual == 8 * MIN


def test_where_a_steps_length_is_not_known_the_whole_runs_are_taken() -> None:
    records = [ended("succeeded", 9), ended("failed", 90), ended("succeeded", 11), ended("succeeded", 10)]
    assert experience(playbook(), records, nobody_says).usual == 10 * MIN
