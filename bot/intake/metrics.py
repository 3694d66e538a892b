"""What an alarm measures: CloudWatch spells it in three ways (SNS, EventBridge, DescribeAlarms), read here by one reader."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.intake import fields

#: The AWS service an alarm is about, where lower-casing `AWS/<Name>` does not give it. Names are those of boto3.
_RESOURCES: Mapping[str, str] = {
    "AWS/ApplicationELB": "elbv2",
    "AWS/NetworkELB": "elbv2",
    "AWS/GatewayELB": "elbv2",
    "AWS/ES": "opensearch",
    "AWS/MemoryDB": "memorydb",
    "AWS/States": "stepfunctions",
    "ECS/ContainerInsights": "ecs",
    "ContainerInsights": "eks",
    "LambdaInsights": "lambda",
    "CWAgent": "ec2",
    "CloudWatchSynthetics": "synthetics",
}

_BRACKETS = re.compile(r"datapoints?:? \[([^\]]*)\]")
_POINT = re.compile(r"(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)(?: \([^)]*\))?")


@dataclass(frozen=True)
class Measured:
    """One metric, or the first of a metric-math alarm; `expressions` are the math."""

    namespace: str = ""
    metric: str = ""
    dimensions: Mapping[str, str] = field(default_factory=dict)
    period: int | None = None
    expressions: tuple[str, ...] = ()


def resource(namespace: str) -> str | None:
    """`dynamodb` for AWS/DynamoDB; None for a namespace of the user's own."""
    if namespace in _RESOURCES:
        return _RESOURCES[namespace]
    return namespace.removeprefix("AWS/").lower() if namespace.startswith("AWS/") else None


def measured(single: Mapping[str, Any], queries: Any) -> Measured:
    """What a metric alarm says of its one metric (`single`), or what the queries of a metric-math alarm say."""
    one = _lowered(single)
    if one.get("metricName"):
        name, period = fields.text(one["metricName"]), fields.whole(one.get("period"))
        return Measured(fields.text(one.get("namespace")), name, dimensions(one.get("dimensions")), period)
    found = [_lowered(query) for query in fields.sequence(queries)]
    expressions = tuple(fields.text(query["expression"]) for query in found if query.get("expression"))
    for query in found:
        if stat := _lowered(query.get("metricStat")):
            return _of_stat(stat, expressions)
    return Measured(period=fields.whole(one.get("period")), expressions=expressions)


def _of_stat(stat: Mapping[str, Any], expressions: tuple[str, ...]) -> Measured:
    metric = _lowered(stat.get("metric"))
    return Measured(
        namespace=fields.text(metric.get("namespace")),
        metric=fields.text(metric.get("metricName") or metric.get("name")),
        dimensions=dimensions(metric.get("dimensions")),
        period=fields.whole(stat.get("period")),
        expressions=expressions,
    )


def dimensions(value: Any) -> Mapping[str, str]:
    """All of them, from a map (EventBridge) or a list of pairs spelled `name` (SNS) or `Name` (DescribeAlarms)."""
    if isinstance(value, Mapping):
        return {name: fields.text(item) for name, item in value.items()}
    pairs = [_lowered(pair) for pair in fields.sequence(value)]
    return {fields.text(pair["name"]): fields.text(pair.get("value")) for pair in pairs if pair.get("name")}


def readings(reason: str, reason_data: Mapping[str, Any]) -> tuple[float, ...]:
    """The datapoints that were looked at, newest first.

    The data has them oldest first and is preferred; the sentence has them newest first once it names their times
    (`[0.0 (09/01/23 14:02:00), 1.0 (09/01/23 14:01:00)]`), and in old alarms oldest first without times.
    """
    recent = [fields.number(point) for point in fields.sequence(reason_data.get("recentDatapoints"))]
    if known := tuple(point for point in reversed(recent) if point is not None):
        return known
    brackets = _BRACKETS.search(reason)
    if brackets is None:
        return ()
    points = [float(point) for point in _POINT.findall(brackets[1])]
    return tuple(points if "(" in brackets[1] else reversed(points))


def kind(found: Measured, comparison: str, threshold_metric: str) -> str:
    """`anomaly` when the threshold is a band, `metric_math` when it is computed, else `metric`."""
    if threshold_metric or any(text.startswith("ANOMALY_DETECTION_BAND") for text in found.expressions):
        return "anomaly"
    if comparison.endswith(("LowerThreshold", "UpperThreshold")):
        return "anomaly"
    return "metric_math" if found.expressions else "metric"


def names(children: Any) -> tuple[str, ...]:
    """The ARNs of a composite alarm's triggering children: objects in practice, plain texts in the documentation."""
    items: Sequence[Any] = fields.sequence(children)
    found = (
        fields.text(_lowered(item).get("arn")) if isinstance(item, Mapping) else fields.text(item) for item in items
    )
    return tuple(name for name in found if name)


def _lowered(value: Any) -> Mapping[str, Any]:
    """The object with the first letter of each key in lower case: `MetricStat` and `metricStat` are one key."""
    return {key[:1].lower() + key[1:]: item for key, item in fields.mapping(value).items()}
