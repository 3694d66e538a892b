"""Who is on call: exactly one person at every covered instant, hand-offs at local times, gaps said and never hidden."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.local_time import instant
from escalation.rotation import WEEKDAYS
from escalation.schedule import Schedule, Shift, on_call, shifts

ZONES = [
    "America/New_York", "Europe/Rome", "Australia/Sydney", "Africa/Casablanca", "Asia/Seoul",
    "Australia/Lord_Howe",  # half an hour
    "America/Sao_Paulo",    # its clock skipped midnight
    "Pacific/Apia",         # skipped a whole day
    "America/St_Johns",     # its clock was set back at one minute past midnight
    "UTC",
]  # fmt: skip
PEOPLE = ["mina", "jun", "alex", "sofia"]
SECOND, MINUTE, HOUR, DAY, WEEK = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days", "weeks"))


def schedule(
    zone: str = "Asia/Seoul",
    start: str = "2026-01-05",
    at: str = "09:00",
    people: tuple[str, ...] = ("mina", "jun"),
    overrides: tuple[tuple[str, str, str], ...] = (),
) -> Schedule:
    return Schedule.model_validate(
        {
            "key": "primary",
            "time_zone": zone,
            "rotation": {
                "hand_off": {"day": WEEKDAYS[date.fromisoformat(start).weekday()], "time": at},
                "start": start,
                "people": people,
            },
            "overrides": [{"person": who, "from": since, "until": until} for who, since, until in overrides],
        }
    )


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def changes(zone: str) -> list[datetime]:
    """The local days around which a zone's clock changes between 2009 and 2029."""
    rules, day = ZoneInfo(zone), datetime(2009, 1, 1, tzinfo=UTC)
    days = [day + DAY * n for n in range(365 * 20)]
    return [
        after.replace(tzinfo=None)
        for before, after in pairwise(days)
        if before.astimezone(rules).utcoffset() != after.astimezone(rules).utcoffset()
    ]


CHANGES = {zone: changes(zone) for zone in ZONES}
FAR = st.integers(0, 20 * 365 * 86400).map(lambda seconds: datetime.fromisoformat("2009-01-01") + seconds * SECOND)


@st.composite
def local_times(draw: st.DrawFn, zone: str) -> datetime:
    """Local times, most of them within a day or two of a change of the clock."""
    near = CHANGES[zone]
    if not near or draw(st.integers(0, 3)) == 0:
        return draw(FAR)
    return draw(st.sampled_from(near)) + timedelta(minutes=draw(st.integers(-2 * 1440, 1440)))


@st.composite
def schedules(draw: st.DrawFn, *, with_overrides: bool = True) -> Schedule:
    zone = draw(st.sampled_from(ZONES))
    start = draw(local_times(zone)).replace(second=0)
    overrides = []
    for _ in range(draw(st.integers(0, 4)) if with_overrides else 0):
        since = start + timedelta(minutes=draw(st.integers(-30 * 1440, 60 * 1440)))
        until = since + timedelta(minutes=draw(st.integers(-60, 14 * 1440)))
        overrides.append((draw(st.sampled_from(PEOPLE)), since.isoformat(), until.isoformat()))
    people = draw(st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=5))
    return schedule(zone, f"{start:%Y-%m-%d}", f"{start:%H:%M}", tuple(people), tuple(overrides))


@st.composite
def instants(draw: st.DrawFn, of: Schedule) -> datetime:
    """Instants from a month before the rotation starts to a year after, many of them at or beside a hand-off."""
    first = instant(datetime.combine(of.rotation.start, of.rotation.hand_off.time), of.zone)
    if draw(st.booleans()):
        return first + timedelta(seconds=draw(st.integers(-30 * 86400, 365 * 86400)))
    weeks = datetime.combine(of.rotation.start, of.rotation.hand_off.time) + draw(st.integers(-4, 52)) * WEEK
    return instant(weeks, of.zone) + draw(st.sampled_from([-HOUR, -SECOND, timedelta(), SECOND, HOUR]))


@given(st.data())
def test_a_local_time_is_the_first_instant_at_which_the_clock_shows_it_or_a_later_one(data: st.DataObject) -> None:
    zone = data.draw(st.sampled_from(ZONES))
    local = data.draw(local_times(zone))
    at = instant(local, ZoneInfo(zone))
    assert at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) >= local
    assert (at - SECOND).astimezone(ZoneInfo(zone)).replace(tzinfo=None) < local


@given(st.data())
def test_every_instant_after_the_start_has_exactly_one_person_and_none_before_it(data: st.DataObject) -> None:
    of = data.draw(schedules(with_overrides=False))
    at = data.draw(instants(of))
    first = instant(datetime.combine(of.rotation.start, of.rotation.hand_off.time), of.zone)
    assert len(on_call(of, at)) == (1 if at >= first else 0)


@given(st.data())
def test_turns_are_a_week_of_local_time_each_in_the_order_of_the_list(data: st.DataObject) -> None:
    of = data.draw(schedules(with_overrides=False))
    turn = data.draw(st.integers(0, 60))
    wall = datetime.combine(of.rotation.start, of.rotation.hand_off.time)
    begin, end = instant(wall + turn * WEEK, of.zone), instant(wall + (turn + 1) * WEEK, of.zone)
    expected = (of.rotation.people[turn % len(of.rotation.people)],)
    assert on_call(of, begin) == expected
    assert on_call(of, end - SECOND) == expected


@given(st.data())
def test_shifts_tile_the_range_and_say_what_on_call_says(data: st.DataObject) -> None:
    of = data.draw(schedules())
    start = data.draw(instants(of))
    end = start + timedelta(minutes=data.draw(st.integers(1, 120 * 1440)))
    found = shifts(of, start, end)
    assert (found[0].start, found[-1].end) == (start, end)
    for shift in found:
        assert shift.start < shift.end
        for at in (shift.start, shift.start + (shift.end - shift.start) / 2, shift.end - timedelta(microseconds=1)):
            assert on_call(of, at) == shift.people
        assert bool(shift.people) == (shift.because != "nobody")
    for one, following in pairwise(found):
        assert one.end == following.start
        assert (one.people, one.because) != (following.people, following.because)


@given(st.data())
def test_cutting_a_range_in_two_changes_nobody_s_shift(data: st.DataObject) -> None:
    of = data.draw(schedules())
    start = data.draw(instants(of))
    middle = start + timedelta(minutes=data.draw(st.integers(1, 30 * 1440)))
    end = middle + timedelta(minutes=data.draw(st.integers(1, 30 * 1440)))

    def hours(parts: list[Shift]) -> dict[tuple[str, ...], timedelta]:
        total: dict[tuple[str, ...], timedelta] = {}
        for part in parts:
            total[part.people] = total.get(part.people, timedelta()) + (part.end - part.start)
        return total

    assert hours(shifts(of, start, end)) == hours(shifts(of, start, middle) + shifts(of, middle, end))


@given(st.data())
def test_an_override_replaces_and_never_adds_or_removes(data: st.DataObject) -> None:
    of = data.draw(schedules())
    at = data.draw(instants(of))
    plain = of.model_copy(update={"overrides": ()})
    covering = [one.person for one in of.overrides if of.span(one)[0] <= at < of.span(one)[1]]
    assert on_call(of, at) == ((covering[-1],) if covering else on_call(plain, at))


@pytest.mark.parametrize(
    ("zone", "start", "at", "hand_offs"),
    [
        # The clock skips the hand-off: it happens at the moment of the skip.
        ("America/New_York", "2026-03-01", "02:30", ["2026-03-01 07:30", "2026-03-08 07:00", "2026-03-15 06:30"]),
        ("Europe/Rome", "2026-03-22", "02:30", ["2026-03-22 01:30", "2026-03-29 01:00", "2026-04-05 00:30"]),
        ("Australia/Sydney", "2026-09-27", "02:30", ["2026-09-26 16:30", "2026-10-03 16:00", "2026-10-10 15:30"]),
        ("Africa/Casablanca", "2026-03-15", "02:30", ["2026-03-15 02:30", "2026-03-22 02:00", "2026-03-29 01:30"]),
        # The hand-off comes twice: the first one counts.
        ("America/New_York", "2026-10-25", "01:30", ["2026-10-25 05:30", "2026-11-01 05:30", "2026-11-08 06:30"]),
        ("Europe/Rome", "2026-10-18", "02:30", ["2026-10-18 00:30", "2026-10-25 00:30", "2026-11-01 01:30"]),
        ("Australia/Sydney", "2026-03-29", "02:30", ["2026-03-28 15:30", "2026-04-04 15:30", "2026-04-11 16:30"]),
        ("Africa/Casablanca", "2026-02-08", "02:30", ["2026-02-08 01:30", "2026-02-15 01:30", "2026-02-22 02:30"]),
        # An ordinary hand-off stays at its local time across the change.
        ("America/New_York", "2026-03-04", "10:00", ["2026-03-04 15:00", "2026-03-11 14:00", "2026-03-18 14:00"]),
        ("Europe/Rome", "2026-10-19", "09:00", ["2026-10-19 07:00", "2026-10-26 08:00", "2026-11-02 08:00"]),
        ("Australia/Sydney", "2026-09-28", "09:00", ["2026-09-27 23:00", "2026-10-04 22:00", "2026-10-11 22:00"]),
        ("Africa/Casablanca", "2026-02-09", "09:00", ["2026-02-09 08:00", "2026-02-16 09:00", "2026-02-23 09:00"]),
        ("Asia/Seoul", "2026-03-02", "09:00", ["2026-03-02 00:00", "2026-03-09 00:00", "2026-03-16 00:00"]),
    ],
)
def test_the_hand_off_is_at_the_local_time_when_the_clocks_change(
    zone: str, start: str, at: str, hand_offs: list[str]
) -> None:
    of = schedule(zone, start, at, ("mina", "jun", "alex"))
    expected = [utc(one) for one in hand_offs]
    found = shifts(of, expected[0] - DAY, expected[-1] + DAY)
    assert [shift.start for shift in found[1:]] == expected
    assert [shift.people for shift in found] == [(), ("mina",), ("jun",), ("alex",)]


def test_a_day_that_a_zone_skips_does_not_lose_its_hand_off() -> None:
    of = schedule("Pacific/Apia", "2011-12-23", "12:00")  # Samoa had no 30 December 2011, a Friday
    found = shifts(of, utc("2011-12-29 00:00"), utc("2012-01-07 00:00"))
    assert [(shift.start, shift.people) for shift in found] == [
        (utc("2011-12-29 00:00"), ("mina",)),
        (utc("2011-12-30 10:00"), ("jun",)),
        (utc("2012-01-05 22:00"), ("mina",)),
    ]


def test_a_clock_set_back_past_midnight_does_not_bring_back_the_shift_that_is_over() -> None:
    of = schedule("America/St_Johns", "2010-10-31", "00:00")
    assert on_call(of, utc("2010-11-07 02:29:59")) == ("mina",)
    assert on_call(of, utc("2010-11-07 02:30:00")) == ("jun",)  # 00:00 on Sunday, and a minute later …
    assert on_call(of, utc("2010-11-07 02:40:00")) == ("jun",)  # … 23:10 on Saturday once more


def test_at_the_hand_off_itself_the_next_person_is_on_call_and_not_both() -> None:
    of = schedule()
    assert on_call(of, utc("2026-01-11 23:59:59.999999")) == ("mina",)
    assert on_call(of, utc("2026-01-12 00:00")) == ("jun",)


def test_nobody_on_call_is_said_and_not_left_out() -> None:
    of = schedule()
    assert on_call(of, utc("2026-01-04 23:59:59")) == ()
    assert shifts(of, utc("2026-01-01 00:00"), utc("2026-01-06 00:00")) == [
        Shift(utc("2026-01-01 00:00"), utc("2026-01-05 00:00"), (), "nobody"),
        Shift(utc("2026-01-05 00:00"), utc("2026-01-06 00:00"), ("mina",), "rotation"),
    ]


def test_somebody_who_hands_over_to_themselves_has_one_long_shift() -> None:
    of = schedule(people=("mina",))
    assert len(shifts(of, utc("2026-02-01 00:00"), utc("2026-12-31 00:00"))) == 1


def test_an_override_cuts_the_shift_it_stands_in() -> None:
    of = schedule(overrides=(("alex", "2026-01-07 18:00", "2026-01-08 09:00"),))
    assert shifts(of, utc("2026-01-05 00:00"), utc("2026-01-12 00:00")) == [
        Shift(utc("2026-01-05 00:00"), utc("2026-01-07 09:00"), ("mina",), "rotation"),
        Shift(utc("2026-01-07 09:00"), utc("2026-01-08 00:00"), ("alex",), "override"),
        Shift(utc("2026-01-08 00:00"), utc("2026-01-12 00:00"), ("mina",), "rotation"),
    ]


def test_an_override_by_the_person_on_call_does_not_page_them_twice_nor_take_them_off() -> None:
    of = schedule(overrides=(("mina", "2026-01-07 18:00", "2026-01-08 09:00"),))
    assert on_call(of, utc("2026-01-07 12:00")) == ("mina",)


def test_an_override_covers_a_gap() -> None:
    of = schedule(overrides=(("alex", "2026-01-01 00:00", "2026-01-05 09:00"),))
    assert on_call(of, utc("2026-01-03 00:00")) == ("alex",)


def test_of_two_overrides_the_later_in_the_list_counts() -> None:
    long = ("alex", "2026-01-07 00:00", "2026-01-09 00:00")
    short = ("sofia", "2026-01-07 18:00", "2026-01-08 09:00")
    at = utc("2026-01-07 12:00")
    assert on_call(schedule(overrides=(long, short)), at) == ("sofia",)
    assert on_call(schedule(overrides=(short, long)), at) == ("alex",)


def test_an_override_with_an_offset_means_that_instant_whatever_the_schedule_s_zone() -> None:
    of = schedule(overrides=(("alex", "2026-01-07T12:00Z", "2026-01-07T15:00+02:00"),))
    assert on_call(of, utc("2026-01-07 11:59:59")) == ("mina",)
    assert on_call(of, utc("2026-01-07 12:00")) == ("alex",)
    assert on_call(of, utc("2026-01-07 13:00")) == ("mina",)


def test_an_override_over_the_repeated_hour_includes_all_of_it() -> None:
    of = schedule("America/New_York", overrides=(("alex", "2026-11-01 01:00", "2026-11-01 02:00"),))
    (cover,) = [one for one in shifts(of, utc("2026-11-01 00:00"), utc("2026-11-02 00:00")) if one.people == ("alex",)]
    assert cover.end - cover.start == 2 * HOUR


@pytest.mark.parametrize("length", [timedelta(), -HOUR])
def test_an_empty_range_has_no_shifts(length: timedelta) -> None:
    assert shifts(schedule(), utc("2026-02-01 00:00"), utc("2026-02-01 00:00") + length) == []


def test_a_time_without_a_zone_is_refused_and_not_taken_for_the_server_s() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        on_call(schedule(), datetime.fromisoformat("2026-02-01"))
    with pytest.raises(ValueError, match="has no time zone"):
        shifts(schedule(), datetime.fromisoformat("2026-02-01"), utc("2026-02-02 00:00"))


def test_the_answer_does_not_depend_on_the_zone_in_which_the_question_is_asked() -> None:
    at = utc("2026-01-12 00:00")
    assert on_call(schedule(), at.astimezone(ZoneInfo("America/New_York"))) == ("jun",)


def test_ninety_days_have_a_shift_for_each_hand_off() -> None:
    every = [schedule(zone, people=tuple(PEOPLE)) for zone in ZONES]
    start = utc("2026-02-02 00:00")
    assert all(12 <= len(shifts(one, start, start + 90 * DAY)) <= 14 for one in every)


@pytest.mark.parametrize("text", ["09:00", "09:00:30", "00:00", "23:59:59"])
def test_a_wall_time_is_read(text: str) -> None:
    assert schedule(at=text).rotation.hand_off.time == time.fromisoformat(text)


def test_a_schedule_survives_json() -> None:
    of = schedule(overrides=(("alex", "2026-01-07T12:00Z", "2026-01-08 15:00"),))
    assert Schedule.model_validate(of.model_dump(mode="json", by_alias=True)) == of
