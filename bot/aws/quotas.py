"""How much of a quota is still free, as Service Quotas and CloudWatch say. Unknown where we may not ask."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.errors import ActionFailed
from bot.playbook.action import Aws

#: Usage is published every few minutes; an older figure says nothing about now.
_RECENT = timedelta(minutes=15)

Quota = Mapping[str, Any]


def room(aws: Aws, service: str, code: str, now: datetime) -> float | None:
    """What is left of the quota; None when AWS does not say how much it is, or how much of it is used.

    `service` and `code` are Service Quotas' own: `fargate`, `L-3032A538`.
    """
    try:
        quota = _quota(aws, service, code)
        used = _used(aws, quota, now)
    except ActionFailed:
        return None
    return None if used is None else max(0.0, float(quota["Value"]) - used)


def _quota(aws: Aws, service: str, code: str) -> Quota:
    """The account's own quota, else AWS's default: one that was never raised may not be listed for the account."""
    asked = {"ServiceCode": service, "QuotaCode": code}
    try:
        own: Quota = aws.client("service-quotas").get_service_quota(**asked)["Quota"]
    except ActionFailed as error:
        if error.code != "NoSuchResourceException":
            raise
        default: Quota = aws.client("service-quotas").get_aws_default_service_quota(**asked)["Quota"]
        return default
    return own


def _used(aws: Aws, quota: Quota, now: datetime) -> float | None:
    """The latest figure of the metric that Service Quotas names for it."""
    metric = quota.get("UsageMetric", {})
    if not metric.get("MetricName"):
        return None
    statistic = metric.get("MetricStatisticRecommendation", "Maximum")
    points = aws.client("cloudwatch").get_metric_statistics(
        Namespace=metric["MetricNamespace"], MetricName=metric["MetricName"],
        Dimensions=[{"Name": name, "Value": value} for name, value in metric.get("MetricDimensions", {}).items()],
        StartTime=now - _RECENT, EndTime=now, Period=60, Statistics=[statistic],
    )["Datapoints"]  # fmt: skip
    latest = max(points, key=lambda point: point["Timestamp"], default=None)
    return None if latest is None else float(latest[statistic])
