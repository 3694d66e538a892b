"""The latest of several metrics, from the emulated CloudWatch."""

from datetime import timedelta
from itertools import count

import pytest

from bot.aws.gauges import Gauge, latest
from bot.errors import ActionFailed
from bot.rehearsal.aws.emulator import EmulatedAws
from tests.aws.rehearsed import Cloud

MINUTE = timedelta(minutes=1)
_NUMBERS = count(1)


def put(aws: EmulatedAws, *values: float) -> Gauge:
    """A metric with one point a minute, the last one a minute ago."""
    gauge = Gauge("Shop", f"Lag{next(_NUMBERS)}", {"Node": "a"})
    now = aws.clock.now()
    points = [
        {
            "MetricName": gauge.name,
            "Value": value,
            "Timestamp": now - MINUTE * back,
            "Dimensions": [{"Name": "Node", "Value": "a"}],
        }
        for back, value in zip(range(len(values), 0, -1), values, strict=True)
    ]
    aws.client("cloudwatch").put_metric_data(Namespace="Shop", MetricData=points)
    return gauge


def test_the_newest_point_of_each_is_taken_and_silence_is_none(emulated: EmulatedAws) -> None:
    one, other = put(emulated, 9, 1), put(emulated, 5)
    silent = Gauge("Shop", one.name, {"Node": "b"})
    now = emulated.clock.now()
    first, second, third = latest(Cloud(emulated), [one, silent, other], now, MINUTE * 5)
    assert first is not None
    assert third is not None
    assert (first.value, now - first.at <= MINUTE, second, third.value) == (1, True, None, 5)
    assert len(emulated.calls.of("cloudwatch", "GetMetricData")) == 1


def test_what_is_older_than_asked_for_counts_as_silence(emulated: EmulatedAws) -> None:
    gauge = put(emulated, 4)
    emulated.clock.move(MINUTE * 10)
    assert latest(Cloud(emulated), [gauge], emulated.clock.now(), MINUTE * 5) == [None]


def test_nothing_is_asked_about_nothing(emulated: EmulatedAws) -> None:
    assert latest(Cloud(emulated), [], emulated.clock.now(), MINUTE) == []
    assert emulated.calls.of("cloudwatch") == []


def test_a_missing_permission_is_said(emulated: EmulatedAws) -> None:
    emulated.faults.deny("cloudwatch", "GetMetricData")
    with pytest.raises(ActionFailed, match="cloudwatch:GetMetricData"):
        latest(Cloud(emulated), [put(emulated, 1)], emulated.clock.now(), MINUTE)
