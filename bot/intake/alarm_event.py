"""EventBridge's `CloudWatch Alarm State Change`: it also comes when the alarm's own actions are muted or suppressed.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.incident.alarm import Alarm
from bot.intake import fields, metrics, regions
from bot.intake.message import Message


def recognises(message: Message) -> bool:
    return message.data.get("detail-type") == "CloudWatch Alarm State Change"


def parse(message: Message) -> Sequence[Alarm]:
    data, detail = message.data, fields.mapping(message.data.get("detail"))
    now, before = fields.mapping(detail.get("state")), fields.mapping(detail.get("previousState"))
    configuration = fields.mapping(detail.get("configuration"))
    arn = fields.first(data.get("resources")) or _arn(data, detail)
    parts = fields.arn(arn)
    found = metrics.measured(configuration, configuration.get("metrics"))
    reason, reason_data = fields.text(now.get("reason")), fields.embedded(now.get("reasonData"))
    comparison = fields.text(configuration.get("comparisonOperator"))
    alarm = Alarm(
        kind=_kind(configuration, found, comparison),
        fingerprint=fields.fingerprint(parts.account, parts.region, arn),
        name=fields.text(detail.get("alarmName")),
        state=fields.state(now.get("value")),
        reason=reason,
        description=fields.text(configuration.get("description")),
        account=parts.account,
        region=parts.region,
        arn=arn,
        changed_at=fields.moment(now.get("timestamp")) or fields.moment(data.get("time")),
        previous=fields.previous(before.get("value")),
        resource=metrics.resource(found.namespace),
        namespace=found.namespace,
        metric=found.metric,
        dimensions=found.dimensions,
        comparison=comparison,
        threshold=fields.number(configuration.get("threshold", reason_data.get("threshold"))),
        period=found.period,
        readings=metrics.readings(reason, reason_data),
        children=metrics.names(reason_data.get("triggeringAlarms")),
        suppressed_by=fields.text(now.get("actionsSuppressedBy")),
        detail=_detail(now, configuration, found),
    )
    return (alarm,)


def _arn(data: Mapping[str, Any], detail: Mapping[str, Any]) -> str:
    region, account = fields.text(data.get("region")), fields.text(data.get("account"))
    return f"arn:{regions.partition(region)}:cloudwatch:{region}:{account}:alarm:{fields.text(detail.get('alarmName'))}"


def _kind(configuration: Mapping[str, Any], found: metrics.Measured, comparison: str) -> str:
    if "alarmRule" in configuration:
        return "composite"
    if "metrics" in configuration:
        return metrics.kind(found, comparison, fields.text(configuration.get("thresholdMetricId")))
    return "log" if configuration.keys() & {"queryString", "logGroups", "scheduledQueryConfiguration"} else "cloudwatch"


def _detail(now: Mapping[str, Any], configuration: Mapping[str, Any], found: metrics.Measured) -> Mapping[str, Any]:
    detail = {
        "rule": configuration.get("alarmRule"),
        "suppressor": configuration.get("actionsSuppressor"),
        "suppressed_because": now.get("actionsSuppressedReason"),
        "expressions": list(found.expressions),
    }
    return {name: value for name, value in detail.items() if value}
