"""The latest that CloudWatch knows of some metrics, in one call."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.playbook.action import Aws

_PERIOD = 60


@dataclass(frozen=True)
class Gauge:
    """One metric, as AWS publishes it."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]


@dataclass(frozen=True)
class Reading:
    value: float
    at: datetime


def latest(aws: Aws, gauges: Sequence[Gauge], now: datetime, back: timedelta) -> list[Reading | None]:
    """The newest maximum of a minute, for each; None where nothing was said since `now - back`."""
    if not gauges:
        return []
    answer = aws.client("cloudwatch").get_metric_data(
        MetricDataQueries=[_query(number, gauge) for number, gauge in enumerate(gauges)],
        StartTime=now - back,
        EndTime=now,
        ScanBy="TimestampDescending",
    )
    results = {one["Id"]: one for one in answer["MetricDataResults"]}
    return [_newest(results.get(f"m{number}", {})) for number in range(len(gauges))]


def _query(number: int, gauge: Gauge) -> dict[str, Any]:
    dimensions = [{"Name": name, "Value": value} for name, value in gauge.dimensions.items()]
    metric = {"Namespace": gauge.namespace, "MetricName": gauge.name, "Dimensions": dimensions}
    return {"Id": f"m{number}", "MetricStat": {"Metric": metric, "Period": _PERIOD, "Stat": "Maximum"}}


def _newest(result: Mapping[str, Any]) -> Reading | None:
    points = sorted(zip(result.get("Timestamps", ()), result.get("Values", ()), strict=True))
    return Reading(points[-1][1], points[-1][0]) if points else None
