"""CloudWatch alarms that act: a changed state goes to the alarm's SNS topics and to EventBridge.

Metric and metric-math alarms. Composite alarms (`PutCompositeAlarm`) are not emulated: moto has no state for them.
The formats are AWS's own: "Notifications for alarms: SNS schema" and "Alarm events and EventBridge" of the user guide.
"""

import json
import logging
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import botocore.session
from moto.core.exceptions import ServiceException

from bot.rehearsal.aws.call import Answer, Call, Handler, Moto
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.moto_app import ACCOUNT, backend

_ACTIONS = {"ALARM": "alarm_actions", "OK": "ok_actions", "INSUFFICIENT_DATA": "insufficient_data_actions"}
_STATE = ("state_value", "state_reason", "state_reason_data", "state_updated_timestamp", "history")
logger = logging.getLogger(__name__)


class Alarms:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        return {("cloudwatch", "PutMetricAlarm"): self._put, ("cloudwatch", "SetAlarmState"): self._set}

    async def _put(self, call: Call, moto: Moto) -> Answer:
        """A new alarm has no data yet, and a changed one keeps its state: moto says OK to both."""
        name = call.parameters.get("AlarmName", "")
        before = backend("cloudwatch", call.region).alarms.get(name)
        reply = moto(call)
        if reply.ok:
            alarm = backend("cloudwatch", call.region).alarms[name]
            alarm.configuration_updated_timestamp = self._clock.now()
            alarm.state_value = "INSUFFICIENT_DATA"
            if before is not None:
                vars(alarm).update({key: getattr(before, key) for key in _STATE})
        return reply

    async def _set(self, call: Call, moto: Moto) -> Answer:
        alarm = backend("cloudwatch", call.region).alarms.get(call.parameters.get("AlarmName", ""))
        before = _state(alarm) if alarm else {}
        reply = moto(call)
        if reply.ok and alarm is not None:
            alarm.state_updated_timestamp = self._clock.now()
            if alarm.state_value != before["value"]:
                self._to_eventbridge(alarm, before, call.region)
                self._act(alarm, before["value"], call.region)
        return reply

    def _act(self, alarm: Any, old: str, region: str) -> None:
        if not alarm.actions_enabled:
            return
        shown = region_name(region)
        subject = f'{alarm.state_value}: "{alarm.name}" in {shown}'[:100]
        message = json.dumps(notification(alarm, old, shown))
        for arn in getattr(alarm, _ACTIONS[alarm.state_value]) or ():
            _, _, service, home, account, _ = arn.split(":", 5)
            if service != "sns":
                continue
            try:
                backend("sns", home, account).publish(message, arn, subject=subject)
            except ServiceException as error:  # as AWS: an action that fails is noted, and the state stands
                logger.warning("The action %s of alarm %s failed: %s", arn, alarm.name, error)

    def _to_eventbridge(self, alarm: Any, before: Mapping[str, Any], region: str) -> None:
        detail = {
            "alarmName": alarm.name,
            "configuration": {"description": alarm.description or "", "metrics": list(_event_metrics(alarm))},
            "previousState": before,
            "state": _state(alarm),
        }
        entry = {
            "Source": "aws.cloudwatch",
            "DetailType": "CloudWatch Alarm State Change",
            "Resources": [alarm.alarm_arn],
            "Time": self._clock.now().timestamp(),
            "Detail": json.dumps(detail),
        }
        backend("events", region).put_events([entry])


def notification(alarm: Any, old: str, region: str) -> dict[str, Any]:
    """What CloudWatch writes into the SNS message; `region` is the display name."""
    return {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "AWSAccountId": ACCOUNT,
        "AlarmConfigurationUpdatedTimestamp": _time(alarm.configuration_updated_timestamp),
        "NewStateValue": alarm.state_value,
        "NewStateReason": alarm.state_reason,
        "StateChangeTime": _time(alarm.state_updated_timestamp),
        "Region": region,
        "AlarmArn": alarm.alarm_arn,
        "OldStateValue": old,
        "OKActions": alarm.ok_actions or [],
        "AlarmActions": alarm.alarm_actions or [],
        "InsufficientDataActions": alarm.insufficient_data_actions or [],
        "Trigger": {**_watched(alarm), **_rule(alarm)},
    }


def _watched(alarm: Any) -> dict[str, Any]:
    if alarm.metric_data_queries:
        return {"Metrics": [_query(query) for query in alarm.metric_data_queries]}
    extended = alarm.extended_statistic
    kind = {"StatisticType": "ExtendedStatistic", "ExtendedStatistic": extended} if extended else {}
    return {
        "MetricName": alarm.metric_name,
        "Namespace": alarm.namespace,
        **(kind or {"StatisticType": "Statistic", "Statistic": (alarm.statistic or "").upper()}),
        "Unit": alarm.unit,
        "Dimensions": _dimensions(alarm.dimensions),
    }


def _rule(alarm: Any) -> dict[str, Any]:
    limit = {"ThresholdMetricId": alarm.threshold_metric_id} if alarm.threshold_metric_id else {}
    return {
        "Period": int(alarm.period or 60),
        "EvaluationPeriods": int(alarm.evaluation_periods),
        "DatapointsToAlarm": int(alarm.datapoints_to_alarm or alarm.evaluation_periods),
        "ComparisonOperator": alarm.comparison_operator,
        **(limit or {"Threshold": float(alarm.threshold or 0)}),
        "TreatMissingData": alarm.treat_missing_data or "missing",
        "EvaluateLowSampleCountPercentile": alarm.evaluate_low_sample_count_percentile or "",
    }


def _query(query: Any) -> dict[str, Any]:
    """One entry of a metric-math alarm: an expression, or the statistic of a metric."""
    stat = query.metric_stat
    if stat is None:
        what: dict[str, Any] = {"Expression": query.expression}
    else:
        metric = {
            "Dimensions": _dimensions(stat.metric.dimensions),
            "MetricName": stat.metric.metric_name,
            "Namespace": stat.metric.namespace,
        }
        what = {"MetricStat": {"Metric": metric, "Period": int(stat.period), "Stat": stat.stat}}
    label = {"Label": query.label} if query.label else {}
    return {"Id": query.id, **what, **label, "ReturnData": query.return_data is not False}


def _event_metrics(alarm: Any) -> Iterator[dict[str, Any]]:
    if not alarm.metric_data_queries:
        yield _event_metric(str(uuid.uuid4()), alarm, alarm.period, alarm.statistic or alarm.extended_statistic)
    for query in alarm.metric_data_queries or ():
        stat = query.metric_stat
        shown = query.return_data is not False
        if stat is None:
            yield {"id": query.id, "expression": query.expression, "label": query.label or "", "returnData": shown}
        else:
            yield {**_event_metric(query.id, stat.metric, stat.period, stat.stat), "returnData": shown}


def _event_metric(name: str, metric: Any, period: Any, stat: Any) -> dict[str, Any]:
    dimensions = {dimension.name: dimension.value for dimension in metric.dimensions}
    about = {"dimensions": dimensions, "name": metric.metric_name, "namespace": metric.namespace}
    return {"id": name, "metricStat": {"metric": about, "period": int(period), "stat": stat}, "returnData": True}


def _dimensions(dimensions: Any) -> list[dict[str, str]]:
    return [{"value": dimension.value, "name": dimension.name} for dimension in dimensions]


def _state(alarm: Any) -> dict[str, Any]:
    data = {"reasonData": alarm.state_reason_data} if alarm.state_reason_data else {}
    when = _time(alarm.state_updated_timestamp)
    return {"value": alarm.state_value, "reason": alarm.state_reason, **data, "timestamp": when}


def _time(at: datetime) -> str:
    """`2024-09-09T01:59:07.423+0000`: milliseconds, and a zone without a colon."""
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return aware.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{aware.microsecond // 1000:03d}+0000"


@cache
def region_name(region: str) -> str:
    """`US East (N. Virginia)` for `us-east-1`, as CloudWatch writes it."""
    for partition in botocore.session.get_session().get_data("endpoints")["partitions"]:
        if region in partition["regions"]:
            return str(partition["regions"][region]["description"])
    return region
