from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.playbook.inputs import MAX_TEXT, Reader, as_text, fill, parse
from bot.playbook.model import Playbook
from escalation.errors import BadValue
from tests.playbook.sample import HEAD, NOW, STEPS, context, playbook

SEOUL = "Asia/Seoul"  # 12:40:30 there when it is NOW


def book(inputs: str) -> Playbook:
    head, _, tail = HEAD.partition("inputs:\n")
    return playbook(f"{head}inputs:\n{inputs}approval:{tail.partition('approval:')[2]}{STEPS}")


def at(text: str, zone: str = "UTC", now: datetime = NOW) -> Any:
    return parse("time", text, Reader(now, zone))


def test_values_come_from_the_alarm_and_the_default() -> None:
    filled = fill(playbook(), context())
    assert filled.complete
    assert filled.values == {"table": "orders", "at": NOW.replace(minute=29)}
    assert filled.texts == {"table": "orders", "at": "2026-11-23T03:29:30+00:00"}


def test_what_a_person_gave_comes_before_what_the_alarm_says() -> None:
    filled = fill(playbook(), context(), {"table": "other", "at": ""})
    assert filled.values == {"table": "other", "at": NOW.replace(minute=29)}


def test_filling_in_the_stored_texts_gives_the_same_values() -> None:
    first = fill(playbook(), context(), {"at": "12:00"}, SEOUL)
    assert first.texts["at"] == "2026-11-23T12:00:00+09:00"
    assert fill(playbook(), context(), first.texts).values == first.values


def test_an_incident_declared_by_hand_asks_for_what_the_alarm_would_have_said() -> None:
    filled = fill(playbook(), context(alarm=None))
    assert not filled.complete
    assert list(filled.problems) == ["table"]
    assert "a person declared it" in str(filled.problems["table"])
    assert fill(playbook(), context(alarm=None), {"table": "orders"}).complete


def test_every_bad_value_has_its_own_problem_and_what_was_written_stays_in_the_form() -> None:
    filled = fill(playbook(), context(), {"table": "a b", "at": "soon", "tabel": "x"})
    assert filled.problems.keys() == {"table", "at", "tabel"}
    assert "Did you mean table?" in str(filled.problems["tabel"])
    assert filled.texts == {"table": "a b", "at": "soon", "tabel": "x"}


def test_an_optional_input_may_stay_empty_or_be_emptied() -> None:
    text = "  table: {type: str, default: x, required: false}\n  at: {type: time, required: false}\n"
    assert fill(book(text), context()).values == {"table": "x", "at": None}
    emptied = fill(book(text), context(), {"table": " "})
    assert emptied.values == {"table": None, "at": None}
    assert fill(book(text), context(), emptied.texts).values == emptied.values


def test_a_required_input_without_anything_to_take_is_a_problem() -> None:
    filled = fill(book("  table: {type: str}\n  at: {type: time, default: now}\n"), context())
    assert str(filled.problems["table"]) == "Give a value: it has no default."


def test_a_value_of_the_alarm_that_cannot_be_a_table_is_not_used() -> None:
    alarm = {"name": "a", "dimensions": {"TableName": "no table"}}
    filled = fill(playbook(), context(alarm=alarm))
    assert "cannot be such a name" in str(filled.problems["table"])


def test_a_default_may_use_an_earlier_input_and_choices_are_the_only_values() -> None:
    text = "  table: {type: str, choices: [a, b], default: a}\n  at: {type: str, default: '{{ table }}-copy'}\n"
    assert fill(book(text), context(), {"table": "b"}).values == {"table": "b", "at": "b-copy"}
    assert "one of: a, b" in str(fill(book(text), context(), {"table": "c"}).problems["table"])


@pytest.mark.parametrize(
    ("text", "zone", "instant"),
    [
        ("2026-11-23T03:40:00Z", SEOUL, "2026-11-23T03:40:00+00:00"),
        ("2026-11-23T12:40:00+09:00", "UTC", "2026-11-23T03:40:00+00:00"),
        ("2026-11-23 12:40", SEOUL, "2026-11-23T03:40:00+00:00"),
        ("12:40", SEOUL, "2026-11-23T03:40:00+00:00"),
        ("12:40:30", SEOUL, "2026-11-23T03:40:30+00:00"),
        ("12:40:31", SEOUL, "2026-11-22T03:40:31+00:00"),
        ("3:41", "UTC", "2026-11-22T03:41:00+00:00"),
        ("5m ago", "UTC", "2026-11-23T03:35:30+00:00"),
        ("1h30m 전", "UTC", "2026-11-23T02:10:30+00:00"),
        ("now", "UTC", "2026-11-23T03:40:30+00:00"),
        ("지금", "UTC", "2026-11-23T03:40:30+00:00"),
    ],
)
def test_times_are_read_as_people_write_them(text: str, zone: str, instant: str) -> None:
    assert at(text, zone) == datetime.fromisoformat(instant)


@pytest.mark.parametrize(
    "text", ["", "soon", "25:00", "3:60", "2026-11-23", "2026-13-01 00:00", "0.5m ago", "1720000000", "99999999d ago"]
)
def test_what_is_not_a_time_is_refused_with_examples(text: str) -> None:
    with pytest.raises(BadValue, match=r"Write |shorter"):
        at(text)


def test_an_hour_that_the_clocks_skipped_or_showed_twice_must_be_written_with_its_offset() -> None:
    with pytest.raises(BadValue, match="twice"):
        at("2026-10-25 02:30", "Europe/Rome")
    with pytest.raises(BadValue, match="skipped"):
        at("2026-03-29 02:30", "Europe/Rome")
    assert at("2026-10-25T02:30+02:00", "Europe/Rome") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_times_are_whole_seconds() -> None:
    assert at("now", now=NOW.replace(microsecond=999_999)) == NOW


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("int", "-3", -3),
        ("number", "2.5", 2.5),
        ("bool", "Yes", True),
        ("bool", "아니오", False),
        ("duration", "1h30m", timedelta(minutes=90)),
        ("region", "ap-northeast-2", "ap-northeast-2"),
        ("ssm.parameter", "/shop/table", "/shop/table"),
        ("elb.load_balancers", "web, api", ["web", "api"]),
        ("elb.load_balancers", "app/web/50dc6c495c0c9188", ["app/web/50dc6c495c0c9188"]),
        (
            "elb.load_balancers",
            "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/web/50dc6c495c0c9188",
            ["arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/web/50dc6c495c0c9188"],
        ),
        ("dynamodb.table", "a" * 255, "a" * 255),
        ("str", "a" * MAX_TEXT, "a" * MAX_TEXT),
    ],
)
def test_each_type_reads_its_text_back(kind: Any, text: str, value: Any) -> None:
    reader = Reader(NOW)
    assert parse(kind, text, reader) == value
    assert parse(kind, as_text(value), reader) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("int", "3.0"),
        ("int", "1_000"),
        ("int", "9" * 19),
        ("number", "nan"),
        ("number", "inf"),
        ("number", "x"),
        ("bool", "2"),
        ("duration", "5"),
        ("region", "Ireland"),
        ("ssm.parameter", "/"),
        ("elb.load_balancers", "web, "),
        ("elb.load_balancers", "web, a_b"),
        ("elb.load_balancers", "w" * 33),
        ("ssm.parameter", "a b"),
        ("ssm.parameter", "/" + "a" * 1011),
        ("dynamodb.table", "ab"),
        ("dynamodb.table", "a" * 256),
        ("dynamodb.table", "orders; drop"),
        ("ecs.service", "arn:x"),
        ("ecs.cluster", ""),
        ("str", "a" * (MAX_TEXT + 1)),
    ],
)
def test_what_does_not_fit_the_type_is_refused(kind: Any, text: str) -> None:
    with pytest.raises(BadValue):
        parse(kind, text, Reader(NOW))


def test_a_list_of_the_longest_text_is_read_back_as_it_was_given() -> None:
    """What a form took is stored as a text and read again: the spaces behind the commas must not make it too long."""
    names = [f"shop/service-{number:03}" for number in range(MAX_TEXT // 17)]
    text = ",".join(names)
    assert len(text) <= MAX_TEXT < len(as_text(names))
    assert parse("ecs.services", as_text(parse("ecs.services", text, Reader(NOW))), Reader(NOW)) == names
