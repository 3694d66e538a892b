"""CloudWatch alarms as SNS carries them: metric, metric math, anomaly, composite, log, and what comes next.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-actions-notify.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.incident.alarm import Alarm
from bot.intake import fields, metrics, regions
from bot.intake.message import Message


def recognises(message: Message) -> bool:
    return "AlarmName" in message.data and "NewStateValue" in message.data


def parse(message: Message) -> Sequence[Alarm]:
    data = message.data
    arn = fields.text(data.get("AlarmArn")) or _arn_of_older(data, message.topic)
    parts = fields.arn(arn)
    trigger = fields.mapping(data.get("Trigger"))
    found = metrics.measured(trigger, trigger.get("Metrics"))
    reason = fields.text(data.get("NewStateReason"))
    comparison = fields.text(trigger.get("ComparisonOperator"))
    alarm = Alarm(
        kind=_kind(data, found, comparison, fields.text(trigger.get("ThresholdMetricId"))),
        fingerprint=fields.fingerprint(parts.account, parts.region, arn),
        name=fields.text(data["AlarmName"]),
        state=fields.state(data["NewStateValue"]),
        reason=reason,
        description=fields.text(data.get("AlarmDescription")),
        account=parts.account,
        region=parts.region,
        arn=arn,
        changed_at=fields.moment(data.get("StateChangeTime")),
        previous=fields.previous(data.get("OldStateValue")),
        resource=metrics.resource(found.namespace),
        namespace=found.namespace,
        metric=found.metric,
        dimensions=found.dimensions,
        comparison=comparison,
        threshold=fields.number(trigger.get("Threshold")),
        period=found.period,
        readings=metrics.readings(reason, fields.embedded(data.get("NewStateReasonData"))),
        children=metrics.names(data.get("TriggeringChildren")),
        detail=_detail(data, trigger, found),
    )
    return (alarm,)


def _arn_of_older(data: Mapping[str, Any], topic: str) -> str:
    """The ARN that an older message leaves out. Its `Region` is a display name; a topic's region is its alarms' region."""
    region = regions.code(fields.text(data.get("Region"))) or fields.arn(topic).region
    account = fields.text(data.get("AWSAccountId")) or fields.arn(topic).account
    return f"arn:{regions.partition(region)}:cloudwatch:{region}:{account}:alarm:{fields.text(data['AlarmName'])}"


def _kind(data: Mapping[str, Any], found: metrics.Measured, comparison: str, threshold_metric: str) -> str:
    if "AlarmRule" in data:
        return "composite"
    if "Trigger" in data:
        return metrics.kind(found, comparison, threshold_metric)
    return "log" if data.keys() & {"QueryString", "LogGroups", "ScheduledQueryConfiguration"} else "cloudwatch"


def _detail(data: Mapping[str, Any], trigger: Mapping[str, Any], found: metrics.Measured) -> Mapping[str, Any]:
    detail = {
        "rule": data.get("AlarmRule"),
        "log_groups": data.get("LogGroups"),
        "query": data.get("QueryString"),
        "statistic": trigger.get("Statistic"),
        "evaluation_periods": trigger.get("EvaluationPeriods"),
        "datapoints_to_alarm": trigger.get("DatapointsToAlarm"),
        # Some alarms send the line of a listing here: "- TreatMissingData:                    missing".
        "missing_data": fields.text(trigger.get("TreatMissingData")).rpartition(":")[2].strip(),
        "expressions": list(found.expressions),
    }
    return {name: value for name, value in detail.items() if value}
