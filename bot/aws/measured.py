"""What CloudWatch has measured lately."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.playbook.action import Aws

_RECENT = timedelta(minutes=10)


def longest(
    aws: Aws, namespace: str, metric: str, dimensions: Mapping[str, str], now: datetime, region: str | None = None
) -> float | None:
    """The maximum of a metric over the last ten minutes; None where nothing was measured."""
    points: Iterable[Mapping[str, Any]] = aws.client("cloudwatch", region).get_metric_statistics(
        Namespace=namespace, MetricName=metric, Period=60, Statistics=["Maximum"], StartTime=now - _RECENT, EndTime=now,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
    )["Datapoints"]  # fmt: skip
    return max((float(point["Maximum"]) for point in points), default=None)
