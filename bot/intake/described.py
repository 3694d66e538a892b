"""The answer of `DescribeAlarms`: what the sweep feeds in, and what `aws cloudwatch describe-alarms` prints."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.incident.alarm import Alarm
from bot.intake import fields, metrics
from bot.intake.message import Message

KINDS: Mapping[str, str] = {"MetricAlarms": "metric", "CompositeAlarms": "composite", "LogAlarms": "log"}


def recognises(message: Message) -> bool:
    return any(fields.sequence(message.data.get(group)) for group in KINDS)


def parse(message: Message) -> Sequence[Alarm]:
    found = ((group, item) for group in KINDS for item in fields.sequence(message.data.get(group)))
    return tuple(alarm(group, fields.mapping(item)) for group, item in found)


def alarm(group: str, item: Mapping[str, Any]) -> Alarm:
    """One alarm as DescribeAlarms lists it under `group`; times may be datetimes or their text."""
    arn = fields.text(item.get("AlarmArn"))
    parts = fields.arn(arn)
    found = metrics.measured(item, item.get("Metrics"))
    reason, comparison = fields.text(item.get("StateReason")), fields.text(item.get("ComparisonOperator"))
    reason_data = fields.embedded(item.get("StateReasonData"))
    threshold_metric = fields.text(item.get("ThresholdMetricId"))
    return Alarm(
        kind=metrics.kind(found, comparison, threshold_metric) if group == "MetricAlarms" else KINDS[group],
        fingerprint=fields.fingerprint(parts.account, parts.region, arn or fields.text(item.get("AlarmName"))),
        name=fields.text(item.get("AlarmName")),
        state=fields.state(item.get("StateValue")),
        reason=reason,
        description=fields.text(item.get("AlarmDescription")),
        account=parts.account,
        region=parts.region,
        arn=arn,
        changed_at=fields.moment(changed(item)),
        resource=metrics.resource(found.namespace),
        namespace=found.namespace,
        metric=found.metric,
        dimensions=found.dimensions,
        comparison=comparison,
        threshold=fields.number(item.get("Threshold")),
        period=found.period,
        readings=metrics.readings(reason, reason_data),
        children=metrics.names(reason_data.get("triggeringAlarms")),
        suppressed_by=_suppressed_by(item),
        detail={"rule": item["AlarmRule"]} if item.get("AlarmRule") else {},
    )


def changed(item: Mapping[str, Any]) -> str:
    """When the state last changed. `StateUpdatedTimestamp` also moves while the state stays (with EvaluationState)."""
    at = item.get("StateTransitionedTimestamp") or item.get("StateUpdatedTimestamp")
    return at.isoformat() if isinstance(at, datetime) else fields.text(at)


def _suppressed_by(item: Mapping[str, Any]) -> str:
    return "ActionsDisabled" if item.get("ActionsEnabled") is False else fields.text(item.get("ActionsSuppressedBy"))
