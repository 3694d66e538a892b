"""What is on its way ends by the clock, once, in order."""

from datetime import UTC, datetime, timedelta

from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.underway import Underway

SECOND = timedelta(seconds=1)


def begun(speed: float = 1) -> tuple[Clock, Underway[str], list[str]]:
    """`slow` ends after 10 s, `quick` after 5; the list tells what has ended."""
    clock, ended = Clock(start=datetime(2026, 3, 1, tzinfo=UTC), speed=speed), list[str]()
    underway: Underway[str] = Underway(clock)
    underway.begin("slow", "creeping", 10, lambda: ended.append("slow"))
    underway.begin("quick", "running", 5, lambda: ended.append("quick"))
    return clock, underway, ended


def test_a_change_has_its_status_until_its_time_is_over() -> None:
    clock, underway, ended = begun()
    clock.move(SECOND * 9.999)
    assert (underway.status("slow"), underway.status("quick"), underway.status("other")) == ("creeping", None, None)
    clock.move(SECOND * 0.001)
    assert underway.status("slow") is None
    assert ended == ["quick", "slow"]


def test_who_asks_late_finds_everything_done_in_order_and_once() -> None:
    clock, underway, ended = begun()
    clock.move(SECOND * 60)
    underway.settle()
    underway.settle()
    assert ended == ["quick", "slow"]


def test_a_faster_clock_ends_it_sooner() -> None:
    clock, underway, ended = begun(speed=5)
    clock.move(SECOND)
    underway.settle()
    assert ended == ["quick"]


def test_what_is_stuck_ends_when_it_is_no_longer_stuck() -> None:
    clock, underway, ended = begun()
    with underway.stuck():
        clock.move(SECOND * 60)
        assert underway.status("quick") == "running"
    assert underway.status("quick") is None
    assert ended == ["quick", "slow"]


def test_what_is_forgotten_is_over_at_once() -> None:
    _, underway, ended = begun()
    underway.forget()
    assert sorted(ended) == ["quick", "slow"]
    assert underway.status("slow") is None
