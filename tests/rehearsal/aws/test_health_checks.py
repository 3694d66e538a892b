from datetime import UTC, datetime, timedelta

import pytest

from bot.rehearsal.aws.health_checks import HealthCheck
from bot.rehearsal.aws.spells import Spell, Spells

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
CHECK = HealthCheck(timedelta(seconds=10), healthy=3, unhealthy=2)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def story(*dark: tuple[float, float | None]) -> list[tuple[float, str]]:
    """Seconds and states of a target that was registered at once."""
    down = [Spell(at(start), None if end is None else at(end)) for start, end in dark]
    return [((when - START).total_seconds(), state) for when, state in CHECK.story(START, down)]


@pytest.mark.parametrize(
    ("dark", "told"),
    [
        ([], [(0, "initial"), (10, "healthy")]),
        ([(0, None)], [(0, "initial"), (20, "unhealthy")]),
        ([(-50, 5)], [(0, "initial"), (15, "healthy")]),
        ([(-50, -10)], [(0, "initial"), (10, "healthy")]),
        ([(100, 119)], [(0, "initial"), (10, "healthy")]),
        ([(100, 120)], [(0, "initial"), (10, "healthy"), (120, "unhealthy"), (150, "healthy")]),
        ([(100, 130), (140, None)], [(0, "initial"), (10, "healthy"), (120, "unhealthy")]),
        ([(10, None)], [(0, "initial"), (10, "healthy"), (30, "unhealthy")]),
    ],
)
def test_a_target_is_what_enough_checks_in_a_row_have_found(
    dark: list[tuple[float, float | None]], told: list[tuple[float, str]]
) -> None:
    assert story(*dark) == told


@pytest.mark.parametrize(
    ("seconds", "state"), [(0, "initial"), (9, "initial"), (10, "healthy"), (119, "healthy"), (120, "unhealthy")]
)
def test_its_state_is_that_of_a_moment(seconds: float, state: str) -> None:
    assert CHECK.state(START, [Spell(at(100))], at(seconds)) == state


def test_spells_begin_and_end_once() -> None:
    spells = Spells()
    spells.end(at(0))
    spells.begin(at(1))
    spells.begin(at(2))
    spells.end(at(3))
    spells.begin(at(4))
    assert list(spells) == [Spell(at(1), at(3)), Spell(at(4))]
    assert [spells.at(at(second)) for second in range(6)] == [False, True, True, False, True, True]
    assert [spells.after(at(second)) for second in (0, 1, 3, 4)] == [at(0), at(3), at(3), None]
