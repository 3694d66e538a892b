"""What counts as a signal of its own."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.incident.correlate import AlarmRecord, apply
from bot.incident.signals import about_one_thing, agreed_at, independent, since
from tests.support.core import alarm

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
STEADY = timedelta(minutes=2)
ORDERS = {"TableName": "orders"}


def on(name: str, *, at: datetime = T0, **more: Any) -> AlarmRecord:
    values: dict[str, Any] = {
        "changed_at": at,
        "namespace": "AWS/DynamoDB",
        "dimensions": ORDERS,
        "resource": "dynamodb",
    }
    record, _ = apply(None, alarm(name, **(values | more)), at)
    return record


def names(*records: AlarmRecord) -> list[str]:
    return [record.latest.name for record in independent(records)]


def composite(name: str, *children: str, rule: str = "", **more: Any) -> AlarmRecord:
    arns = tuple(alarm(child).arn for child in children)
    return on(name, **{"kind": "composite", "namespace": "", "dimensions": {}, "children": arns, "detail": {"rule": rule}, **more})  # fmt: skip


def test_two_metrics_of_one_table_are_two_signals() -> None:
    assert names(on("errors", metric="SystemErrors"), on("slow", metric="SuccessfulRequestLatency")) == [
        "errors",
        "slow",
    ]


def test_two_alarms_on_one_metric_are_one_signal() -> None:
    """Two thresholds, or two statistics, of one number."""
    first = on("errors", metric="SystemErrors")
    again = on("errors-high", metric="SystemErrors", threshold=50.0, at=T0 + timedelta(seconds=5))
    assert names(again, first) == ["errors"]


@pytest.mark.parametrize(
    "other", [{"dimensions": {"TableName": "carts"}}, {"region": "us-west-2"}, {"namespace": "Orders"}], ids=str
)
def test_one_metric_of_another_table_region_or_namespace_is_another_signal(other: dict[str, Any]) -> None:
    assert len(names(on("errors", metric="SystemErrors"), on("others", metric="SystemErrors", **other))) == 2


def test_a_suppressed_alarm_is_no_signal() -> None:
    assert names(on("errors", metric="SystemErrors"), on("slow", metric="Latency", suppressed_by="maintenance")) == [
        "errors"
    ]


def test_an_alarm_that_is_not_on_is_no_signal() -> None:
    off = on("slow", metric="Latency").model_copy(update={"state": "ok"})
    unsure = on("lag", metric="Lag").model_copy(update={"state": "no_data"})
    assert names(on("errors", metric="SystemErrors"), off, unsure) == ["errors"]


@pytest.mark.parametrize(
    "rule",
    [
        'ALARM("errors") OR ALARM(other)',
        "ALARM(errors)",
        "NOT OK( errors )",
        "ALARM('errors')",
        "ALARM(arn:aws:cloudwatch:us-east-1:111122223333:alarm:errors)",
    ],
)
def test_a_composite_and_an_alarm_that_its_rule_names_are_one_signal(rule: str) -> None:
    assert names(composite("orders-down", rule=rule), on("errors", metric="SystemErrors")) == ["errors"]


def test_a_composite_and_the_child_that_set_it_off_are_one_signal() -> None:
    assert names(composite("orders-down", "errors"), on("errors", metric="SystemErrors")) == ["errors"]


def test_two_children_of_one_composite_are_two_signals() -> None:
    found = names(
        composite("down", "errors", "slow"), on("errors", metric="SystemErrors"), on("slow", metric="Latency")
    )
    assert found == ["errors", "slow"]


def test_a_composite_whose_children_are_silent_is_one_signal() -> None:
    assert names(composite("down", "errors", "slow"), on("lag", metric="Lag")) == ["down", "lag"]


def test_two_composites_that_share_a_silent_child_are_one_signal() -> None:
    later = composite("down-too", rule="ALARM(errors) AND ALARM(lag)", at=T0 + timedelta(seconds=1))
    assert names(composite("down", "errors"), later) == ["down"]


def test_an_alarm_of_the_same_name_in_another_region_is_no_child() -> None:
    arn = "arn:aws:cloudwatch:us-west-2:111122223333:alarm:errors"
    west = on("errors", metric="SystemErrors", arn=arn, region="us-west-2", fingerprint=arn)
    assert len(names(composite("down", rule="ALARM(errors)"), west)) == 2


def test_alarms_without_a_metric_are_told_apart_by_their_names() -> None:
    assert len(names(on("log-a", namespace=""), on("log-b", namespace=""))) == 2


def test_they_agree_when_the_youngest_that_is_needed_has_been_on_long_enough() -> None:
    records = [
        on("errors", metric="SystemErrors"),
        on("slow", metric="Latency", at=T0 + timedelta(seconds=30)),
        on("lag", metric="Lag", at=T0 + timedelta(minutes=9)),
    ]
    assert agreed_at(records, 2, STEADY) == T0 + timedelta(seconds=30) + STEADY
    assert agreed_at(records, 3, STEADY) == T0 + timedelta(minutes=9) + STEADY
    assert agreed_at(records, 4, STEADY) is None


def test_a_flap_starts_the_clock_anew() -> None:
    back = T0 + timedelta(minutes=5)
    record = on("errors", metric="SystemErrors")
    record, _ = apply(record, alarm("errors", state="ok", changed_at=back - timedelta(seconds=9)), back)
    record, _ = apply(record, alarm("errors", changed_at=back), back)
    assert since(record) == back


def test_a_flap_whose_ok_was_never_told_starts_the_clock_anew() -> None:
    back = T0 + timedelta(minutes=5)
    record, _ = apply(on("errors", metric="SystemErrors"), alarm("errors", changed_at=back), back)
    assert since(record) == back


def test_a_repeated_delivery_does_not_start_the_clock_anew() -> None:
    record, _ = apply(on("errors"), alarm("errors", changed_at=T0), T0 + timedelta(minutes=1))
    assert since(record) == T0


def test_an_alarm_that_came_late_counts_from_when_we_heard_of_it() -> None:
    """Its OK may be in the same backlog."""
    heard = T0 + timedelta(hours=1)
    record, _ = apply(None, alarm("errors", changed_at=T0), heard)
    assert since(record) == heard


def test_a_source_that_does_not_say_when_counts_from_its_latest_word() -> None:
    record, _ = apply(None, alarm("errors"), T0)
    record, _ = apply(record, alarm("errors"), T0 + timedelta(minutes=1))
    assert since(record) == T0 + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({}, {}, True),
        ({}, {"dimensions": {"TableName": "orders", "Operation": "GetItem"}}, True),
        ({}, {"dimensions": {"TableName": "carts"}}, False),
        ({"dimensions": {"C": "prod", "S": "web"}}, {"dimensions": {"C": "prod", "S": "api"}}, False),
        ({}, {"dimensions": {}}, False),
        ({}, {"resource": "ecs"}, False),
        ({"resource": None}, {"resource": None}, False),
        ({}, {"region": "us-west-2"}, False),
        ({}, {"account": "999999999999"}, False),
    ],
)
def test_without_a_service_alarms_are_about_one_thing_only_when_one_names_all_that_the_other_does(
    one: dict[str, Any], other: dict[str, Any], same: bool
) -> None:
    usual = {"resource": "dynamodb", "dimensions": ORDERS}
    left, right = (alarm(name).model_copy(update=usual | more) for name, more in (("a", one), ("b", other)))
    assert about_one_thing(left, right) is same
    assert about_one_thing(right, left) is same
