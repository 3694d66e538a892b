"""Maintenance windows of lifeboat.yaml, at their edges and when clocks change."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.config import load
from bot.freezes import Freeze
from bot.incident.automatic_rules import frozen_until
from bot.incident.ports import Switch
from escalation.errors import BadFiles

SECOND = timedelta(seconds=1)


def window(**written: Any) -> Freeze:
    return Freeze.model_validate(written)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


WEEKLY: dict[str, Any] = {"every": {"day": "saturday", "time": "02:00"}, "for": "4h"}


def test_it_includes_its_start_and_excludes_its_end() -> None:
    one = window(**{"from": "2026-12-24 18:00", "until": "2026-12-27 09:00"})
    start, end = utc("2026-12-24T18:00"), utc("2026-12-27T09:00")
    assert [one.open_until(at, "UTC") for at in (start - SECOND, start, end - SECOND, end)] == [None, end, end, None]


def test_its_times_are_of_its_own_zone_else_of_lifeboat_yamls() -> None:
    at = utc("2026-12-24T09:30")
    one = {"from": "2026-12-24 18:00", "until": "2026-12-24 19:00"}
    assert window(**one).open_until(at, "Asia/Seoul")
    assert not window(**one).open_until(at, "UTC")
    assert window(**one, zone="Asia/Seoul").open_until(at, "UTC")
    assert window(**{"from": "2026-12-24T18:00+09:00", "until": "2026-12-24T19:00+09:00"}).open_until(at, "UTC")


def test_a_weekly_window_opens_each_week_in_its_zone() -> None:
    one = window(**WEEKLY, zone="Asia/Seoul")
    start = utc("2026-11-27T17:00")  # Saturday, 02:00 in Seoul
    for weeks in (0, 1, 60):
        at = start + timedelta(weeks=weeks)
        end = at + timedelta(hours=4)
        assert [one.open_until(t, "UTC") for t in (at - SECOND, at, end - SECOND, end)] == [None, end, end, None]


def test_a_weekly_window_may_go_on_past_midnight_and_for_the_whole_week() -> None:
    late = window(every={"day": "saturday", "time": "23:00"}, **{"for": "3h"})
    assert late.open_until(utc("2026-11-29T01:59:59"), "UTC") == utc("2026-11-29T02:00")
    always = window(every={"day": "saturday", "time": "23:00"}, **{"for": "7d"})
    for hours in range(0, 24 * 8, 5):
        assert always.open_until(utc("2026-11-01T00:00") + timedelta(hours=hours), "UTC")


def test_a_window_lasts_as_long_as_it_says_also_when_the_clock_is_set() -> None:
    one = window(every={"day": "sunday", "time": "01:30"}, **{"for": "2h"}, zone="Europe/Berlin")
    start = utc("2026-10-24T23:30")  # the clock goes back an hour at 01:00 UTC
    assert one.open_until(start + timedelta(hours=2) - SECOND, "UTC") == start + timedelta(hours=2)
    assert one.open_until(start + timedelta(hours=2), "UTC") is None


@pytest.mark.parametrize(
    "written",
    [
        {},
        {"from": "2026-12-24 18:00"},
        {"every": {"day": "saturday", "time": "02:00"}},
        {**WEEKLY, "from": "2026-12-24 18:00", "until": "2026-12-25 18:00"},
        {**WEEKLY, "for": "8d"},
        {**WEEKLY, "for": "0s"},
        {**WEEKLY, "zone": "Asia/Soul"},
        {**WEEKLY, "every": {"day": "sat", "time": "02:00"}},
    ],
    ids=str,
)
def test_a_window_that_is_not_clear_is_refused_where_it_is_written(tmp_path: Path, written: dict[str, Any]) -> None:
    import json

    file = tmp_path / "lifeboat.yaml"
    file.write_text(json.dumps({"automatic": {"freeze": [written]}}), encoding="utf-8")
    with pytest.raises(BadFiles, match=r"lifeboat\.yaml:1:"):
        load(file)


def test_the_longest_of_all_windows_counts_and_names_its_reason(tmp_path: Path) -> None:
    (tmp_path / "lifeboat.yaml").write_text(
        """
automatic:
  enabled: true
  freeze:
    - {every: {day: saturday, time: "02:00"}, for: 4h, reason: weekly}
    - {from: "2026-11-28 03:00", until: "2026-11-28 08:00", reason: moving}
""",
        encoding="utf-8",
    )
    config, at = load(tmp_path / "lifeboat.yaml"), utc("2026-11-28T03:30")
    assert frozen_until(config, None, at) == (utc("2026-11-28T08:00"), "moving")
    assert frozen_until(config, None, utc("2026-11-28T02:30")) == (utc("2026-11-28T06:00"), "weekly")
    assert frozen_until(config, None, utc("2026-11-28T08:00")) == (None, "")
    by_hand = Switch("freeze", "mina", at, utc("2026-11-28T09:00"), "by hand")
    assert frozen_until(config, by_hand, at) == (utc("2026-11-28T09:00"), "by hand")
    assert frozen_until(config, by_hand, utc("2026-11-28T09:00")) == (None, "")
