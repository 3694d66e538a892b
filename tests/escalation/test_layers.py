"""Layers over layers, hours and days and holidays, and every kind of exception: who is on call when they meet."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from escalation.rotation import Rotation, turns
from escalation.schedule import Schedule, on_call, shifts
from escalation.spans import Stretch, merged, without
from escalation.windows import Window, stretches

ZONES = [
    "America/New_York",
    "Europe/Rome",
    "Australia/Sydney",
    "Asia/Seoul",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "UTC",
]
PEOPLE = ["mina", "jun", "alex", "sofia"]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def rotation(
    *people: str, every: str = "day", at: str = "09:00", start: str = "2026-01-05", **more: Any
) -> dict[str, Any]:
    return {"every": every, "hand_off": {"time": at, **more}, "start": start, "people": list(people)}


def schedule(*layers: dict[str, Any], zone: str = "Asia/Seoul", overrides: tuple[dict[str, Any], ...] = ()) -> Schedule:
    return Schedule.model_validate({"key": "primary", "time_zone": zone, "layers": layers, "overrides": overrides})


def layer(*people: str, only: Any = (), but: Any = (), **more: Any) -> dict[str, Any]:
    return {"rotation": rotation(*people, **more), "only": only, "except": but}


def at(local: str, zone: str = "Asia/Seoul") -> datetime:
    return datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone))


def night(person: str = "alex") -> dict[str, Any]:
    return layer(person, only=[{"from": "21:00", "until": "09:00"}])


@pytest.mark.parametrize(
    ("local", "who"),
    [("2026-03-02 20:59:59", "mina"), ("2026-03-02 21:00", "alex"), ("2026-03-03 08:59:59", "alex"), ("2026-03-03 09:00", "mina")],
)  # fmt: skip
def test_a_night_layer_lies_over_the_day_from_its_first_instant_to_its_last(local: str, who: str) -> None:
    assert on_call(schedule(layer("mina"), night()), at(local)) == (who,)


def test_of_two_layers_that_have_somebody_the_last_in_the_list_counts() -> None:
    assert on_call(schedule(night(), layer("mina")), at("2026-03-02 23:00")) == ("mina",)


def test_where_a_layer_has_nobody_the_one_below_counts_and_without_one_it_is_a_gap() -> None:
    weekend = layer("sofia", only=[{"days": ["saturday", "sunday"]}])
    assert on_call(schedule(layer("mina"), weekend), at("2026-03-06 23:59")) == ("mina",)
    assert on_call(schedule(layer("mina"), weekend), at("2026-03-07 00:00")) == ("sofia",)
    assert on_call(schedule(weekend), at("2026-03-06 23:59")) == ()


def test_a_window_that_crosses_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    friday_night = layer("alex", only=[{"days": ["friday"], "from": "22:00", "until": "06:00"}])
    assert on_call(schedule(friday_night), at("2026-03-07 05:59")) == ("alex",), "Saturday morning is Friday's night"
    assert on_call(schedule(friday_night), at("2026-03-06 05:59")) == (), "Friday morning is Thursday's"


@pytest.mark.parametrize(
    ("zone", "local", "before", "after"),
    [
        (
            "Europe/Rome",
            "2026-03-29 02:00",
            1,
            3,
        ),  # 02:00 does not exist: the layer begins when the clock skips, at 03:00
        ("Europe/Rome", "2026-10-25 02:00", 1, 2),  # it exists twice: the first of the two
        ("Australia/Sydney", "2026-10-04 02:00", 1, 3),
        ("Australia/Sydney", "2026-04-05 02:00", 1, 2),
    ],
)
def test_a_hand_off_on_the_night_the_clocks_change_is_at_the_first_instant_that_shows_it(
    zone: str, local: str, before: int, after: int
) -> None:
    found = schedule(layer("mina"), layer("alex", only=[{"from": "02:00", "until": "12:00"}]), zone=zone)
    day = date.fromisoformat(local[:10])
    [edge] = [
        shift.start
        for shift in shifts(found, at(f"{day} 00:00", zone), at(f"{day} 11:00", zone))
        if shift.people == ("alex",)
    ]
    assert on_call(found, edge - timedelta(microseconds=1)) == ("mina",)
    assert (edge - HOUR / 60).astimezone(ZoneInfo(zone)).hour == before
    assert edge.astimezone(ZoneInfo(zone)).hour == after
    assert edge.astimezone(ZoneInfo(zone)).fold == 0


def test_an_hourly_turn_that_the_clock_skips_is_nobodys_and_the_one_that_comes_twice_lasts_two_hours() -> None:
    hourly = Rotation.model_validate(rotation("mina", "jun", every="hour", at="00:00", start="2026-03-28"))
    rome = ZoneInfo("Europe/Rome")
    spring = list(turns(hourly, rome, at("2026-03-29 00:00", "Europe/Rome"), at("2026-03-29 05:00", "Europe/Rome")))
    assert [span.person for span in spring] == ["mina", "jun", "jun", "mina"], (
        "02:00 to 03:00 was mina's, and never was"
    )
    assert all(span.end - span.start == HOUR for span in spring)
    autumn = Rotation.model_validate(rotation("mina", "jun", every="hour", at="00:00", start="2026-10-25"))
    long_night = list(turns(autumn, rome, at("2026-10-25 00:00", "Europe/Rome"), at("2026-10-25 05:00", "Europe/Rome")))
    assert [(span.end - span.start) // HOUR for span in long_night] == [1, 1, 2, 1, 1]


def test_twelve_hour_turns_stay_at_eight_and_eight_in_summer_and_winter() -> None:
    found = schedule(layer("mina", "jun", every="12 hours", at="08:00"), zone="America/New_York")
    for day in ("2026-03-07", "2026-03-08", "2026-03-09", "2026-10-31", "2026-11-01", "2026-11-02"):
        assert on_call(found, at(f"{day} 08:00", "America/New_York")) == ("mina",)
        assert on_call(found, at(f"{day} 20:00", "America/New_York")) == ("jun",)


def test_two_weeks_are_two_weeks() -> None:
    found = schedule(layer("mina", "jun", every="2 weeks", day="monday"))
    seen = [on_call(found, at("2026-01-05 09:00") + week * 7 * DAY) for week in range(6)]
    assert seen == [("mina",), ("mina",), ("jun",), ("jun",), ("mina",), ("mina",)]


def test_on_a_public_holiday_another_layer_takes_over_from_midnight_to_midnight() -> None:
    found = schedule(layer("mina"), layer("sofia", only=[{"holidays": "KR"}]))
    assert on_call(found, at("2026-10-09 00:00")) == ("sofia",), "Hangeul Day"
    assert on_call(found, at("2026-10-08 23:59:59")) == ("mina",)
    assert on_call(found, at("2026-10-10 00:00")) == ("mina",)


def test_a_layer_that_is_off_on_holidays_leaves_them_to_the_one_below() -> None:
    found = schedule(layer("sofia"), layer("mina", but=[{"holidays": "KR"}]))
    assert on_call(found, at("2026-10-09 12:00")) == ("sofia",)
    assert on_call(found, at("2026-10-12 12:00")) == ("mina",)


def test_holidays_of_a_region_are_not_those_of_its_country() -> None:
    bavaria, germany = ([{"holidays": place}] for place in ("DE-BY", "DE"))
    corpus_christi = at("2026-06-04 12:00", "Europe/Berlin")
    assert on_call(schedule(layer("mina", only=bavaria), zone="Europe/Berlin"), corpus_christi) == ("mina",)
    assert on_call(schedule(layer("mina", only=germany), zone="Europe/Berlin"), corpus_christi) == ()


@pytest.mark.parametrize(
    ("window", "told"),
    [
        ({}, "all of the time"),
        ({"holidays": "XX"}, "the public holidays of 'XX' are not known"),
        ({"holidays": "DE-XX"}, "DE has no part 'XX'"),
        ({"holidays": 7}, "are not known"),
        ({"days": ["someday"]}, "someday"),
    ],
)
def test_a_window_that_cannot_be_is_refused_with_what_to_write(window: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as error:
        Window.model_validate(window)
    assert told in str(error.value)


def during(kind: str, who: Any, since: str = "2026-03-02 12:00", until: str = "2026-03-02 18:00") -> dict[str, Any]:
    return {kind: who, "from": since, "until": until}


NOON = at("2026-03-02 13:00")


def test_somebody_added_is_on_call_besides_the_one_whose_turn_it_is() -> None:
    assert on_call(schedule(layer("mina"), overrides=(during("add", "jun"),)), NOON) == ("mina", "jun")


def test_somebody_added_who_is_on_call_already_is_not_paged_twice() -> None:
    assert on_call(schedule(layer("mina"), overrides=(during("add", "mina"),)), NOON) == ("mina",)


def test_somebody_removed_leaves_it_to_the_layer_below_and_else_to_nobody() -> None:
    off = (during("remove", "mina"),)
    assert on_call(schedule(layer("jun"), layer("mina"), overrides=off), NOON) == ("jun",)
    [gap] = shifts(schedule(layer("mina"), overrides=off), NOON, NOON + HOUR)
    assert (gap.people, gap.because) == ((), "override")


def test_removing_somebody_who_is_not_on_call_changes_nobody() -> None:
    assert on_call(schedule(layer("mina"), overrides=(during("remove", "jun"),)), NOON) == ("mina",)


def test_two_who_swap_are_each_on_call_where_the_other_would_be() -> None:
    daily = layer("mina", "jun", at="00:00")
    plain, swapped = (
        schedule(daily),
        schedule(daily, overrides=(during("swap", ["mina", "jun"], "2026-03-02 00:00", "2026-03-06 00:00"),)),
    )
    other = {("mina",): ("jun",), ("jun",): ("mina",)}
    for day in range(4):
        moment = at("2026-03-02 12:00") + day * DAY
        assert on_call(swapped, moment) == other[on_call(plain, moment)]
    assert on_call(swapped, at("2026-03-06 00:00")) == on_call(plain, at("2026-03-06 00:00"))


def test_a_swap_leaves_everybody_else_where_they_are() -> None:
    found = schedule(layer("alex"), overrides=(during("swap", ["mina", "jun"]),))
    assert on_call(found, NOON) == ("alex",)


def test_exceptions_count_in_the_order_of_the_list() -> None:
    both = (during("remove", "mina"), during("add", "mina"))
    assert on_call(schedule(layer("jun"), layer("mina"), overrides=both), NOON) == ("mina",)
    assert on_call(schedule(layer("jun"), layer("mina"), overrides=both[::-1]), NOON) == ("jun",)
    replaced = (during("add", "jun"), during("person", "sofia"))
    assert on_call(schedule(layer("mina"), overrides=replaced), NOON) == ("sofia",), "instead of everybody"
    assert on_call(schedule(layer("mina"), overrides=replaced[::-1]), NOON) == ("sofia", "jun")


@st.composite
def windows(draw: st.DrawFn) -> dict[str, Any]:
    hours = st.integers(0, 23).map(lambda hour: f"{hour:02}:{30 * (hour % 2):02}")
    days = draw(
        st.lists(st.sampled_from(["monday", "friday", "saturday", "sunday"]), unique=True, min_size=1, max_size=3)
    )
    shape = draw(st.integers(0, 3))
    return [
        {"from": draw(hours), "until": draw(hours)}, {"days": days}, {"days": days, "from": draw(hours)}, {"holidays": "KR"},
    ][shape]  # fmt: skip


@st.composite
def layered(draw: st.DrawFn) -> Schedule:
    made = []
    for _ in range(draw(st.integers(1, 3))):
        people = draw(st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=4))
        every = draw(st.sampled_from(["hour", "5 hours", "12 hours", "day", "3 days"]))
        start = date(2026, 1, 1) + timedelta(days=draw(st.integers(0, 300)))
        only, but = (draw(st.lists(windows(), max_size=2)) for _ in range(2))
        made.append(
            layer(
                *people,
                every=every,
                at=f"{draw(st.integers(0, 23)):02}:00",
                start=start.isoformat(),
                only=only,
                but=but,
            )
        )
    overrides = []
    for _ in range(draw(st.integers(0, 3))):
        since = datetime(2026, 1, 1) + timedelta(minutes=draw(st.integers(0, 400 * 1440)))  # noqa: DTZ001  # a local time
        until = since + timedelta(minutes=draw(st.integers(1, 20 * 1440)))
        kind = draw(st.sampled_from(["person", "add", "remove", "swap"]))
        who: Any = (
            draw(st.lists(st.sampled_from(PEOPLE), min_size=2, max_size=2, unique=True))
            if kind == "swap"
            else draw(st.sampled_from(PEOPLE))
        )
        overrides.append({kind: who, "from": since.isoformat()[:19], "until": until.isoformat()[:19]})
    return schedule(*made, zone=draw(st.sampled_from(ZONES)), overrides=tuple(overrides))


#: Most of them near the nights on which clocks change in the zones above.
STARTS = st.sampled_from(
    [
        datetime(2026, month, day, tzinfo=UTC)
        for month, day in ((3, 7), (3, 28), (4, 4), (10, 3), (10, 24), (10, 31), (7, 9))
    ]
)


@given(layered(), STARTS, st.integers(1, 96))
def test_shifts_tile_the_time_and_say_what_on_call_says_at_each_edge_and_between(
    found: Schedule, start: datetime, hours: int
) -> None:
    end = start + hours * HOUR
    tiles = shifts(found, start, end)
    assert (tiles[0].start, tiles[-1].end) == (start, end)
    for tile, following in zip(tiles, [*tiles[1:], None], strict=True):
        assert tile.start < tile.end
        assert following is None or (
            tile.end == following.start and (tile.people, tile.because) != (following.people, following.because)
        )
        for moment in (tile.start, tile.start + (tile.end - tile.start) / 2, tile.end - timedelta(microseconds=1)):
            assert on_call(found, moment) == tile.people


@given(layered(), STARTS)
def test_without_exceptions_there_is_never_more_than_one_person_and_always_one_where_a_layer_is_unrestricted(
    found: Schedule, start: datetime
) -> None:
    bare = found.model_copy(update={"overrides": ()})
    begun = max(one.rotation.start for one in bare.layers)
    everywhere = any(not one.only and not one.except_ for one in bare.layers)
    for shift in shifts(bare, start, start + 3 * DAY):
        assert len(shift.people) <= 1
        if everywhere and shift.start.date() > begun + 2 * DAY:
            assert shift.people


@given(layered(), STARTS, st.integers(1, 71))
def test_cutting_a_stretch_in_two_changes_nobodys_shift(found: Schedule, start: datetime, hours: int) -> None:
    cut, end = start + hours * HOUR, start + 3 * DAY
    for moment in (start, cut, cut + HOUR / 3, end - HOUR / 7):
        whole = next(one for one in shifts(found, start, end) if one.start <= moment < one.end)
        halves = [*shifts(found, start, cut), *shifts(found, cut, end)]
        assert next(one for one in halves if one.start <= moment < one.end).people == whole.people


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=6),
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=6),
)
def test_stretches_without_holes_hold_exactly_what_is_in_one_and_not_the_other(ones: Any, holes: Any) -> None:
    zero = datetime(2026, 1, 1, tzinfo=UTC)
    first, second = ([Stretch(zero + a * HOUR, zero + b * HOUR) for a, b in pairs] for pairs in (ones, holes))
    left = without(first, second)
    assert left == merged(left)
    for hour in range(51):
        moment = zero + hour * HOUR
        inside = [any(start <= moment < end for start, end in some) for some in (first, second, left)]
        assert inside[2] == (inside[0] and not inside[1])


def test_a_whole_day_window_covers_the_day_that_is_an_hour_longer() -> None:
    rome = ZoneInfo("Europe/Rome")
    [sunday] = stretches([Window.model_validate({"days": ["sunday"]})], rome, at("2026-10-24 00:00", "Europe/Rome").astimezone(UTC),
                         at("2026-10-27 00:00", "Europe/Rome").astimezone(UTC))  # fmt: skip
    assert sunday.end - sunday.start == 25 * HOUR


def test_a_schedule_has_a_rotation_or_layers_and_not_both_nor_neither() -> None:
    for more in ({}, {"rotation": rotation("mina"), "layers": [layer("mina")]}):
        with pytest.raises(ValidationError, match="either a rotation or layers"):
            Schedule.model_validate({"key": "primary", "time_zone": "UTC", **more})


def test_a_layered_schedule_survives_json() -> None:
    found = schedule(layer("mina"), night(), overrides=(during("swap", ["mina", "jun"]),))
    assert Schedule.model_validate_json(found.model_dump_json(by_alias=True)) == found
