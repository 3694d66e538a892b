import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.rehearsal.aws.alarms import region_name
from bot.rehearsal.aws.emulator import EmulatedAws

PAYLOADS = Path(__file__).parent / "payloads"
METRIC = {
    "AlarmName": "api-5xx",
    "MetricName": "HTTPCode_Target_5XX_Count",
    "Namespace": "AWS/ApplicationELB",
    "Statistic": "Sum",
    "Dimensions": [{"Name": "LoadBalancer", "Value": "app/lb/50dc6c495c0c9188"}],
    "Period": 60,
    "EvaluationPeriods": 1,
    "ComparisonOperator": "GreaterThanThreshold",
    "Threshold": 30.0,
}


class Outbox:
    """A topic in `region` with a queue behind it."""

    def __init__(self, aws: EmulatedAws, region: str = "us-east-1", queue_region: str | None = None) -> None:
        self._sqs = aws.client("sqs", queue_region or region)
        self._url = self._sqs.create_queue(QueueName="alarms")["QueueUrl"]
        sns = aws.client("sns", region)
        self.arn = sns.create_topic(Name="dr-alarms")["TopicArn"]
        queue = f"arn:aws:sqs:{queue_region or region}:{aws.account}:alarms"
        sns.subscribe(TopicArn=self.arn, Protocol="sqs", Endpoint=queue)

    def envelopes(self) -> list[dict[str, Any]]:
        received = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in received]


def _set(aws: EmulatedAws, state: str, name: str = "api-5xx", region: str = "us-east-1") -> None:
    aws.client("cloudwatch", region).set_alarm_state(AlarmName=name, StateValue=state, StateReason="Threshold Crossed")


def _shape(value: Any) -> Any:
    """The keys and types of a JSON value, whatever it says."""
    if isinstance(value, dict):
        return {key: _shape(part) for key, part in value.items()}
    return [_shape(value[0])] if isinstance(value, list) and value else type(value).__name__


async def test_an_alarm_reaches_its_queue_as_cloudwatch_writes_it(aws: EmulatedAws) -> None:
    outbox = Outbox(aws)
    aws.client("cloudwatch").put_metric_alarm(**METRIC, AlarmActions=[outbox.arn], OKActions=[outbox.arn])
    _set(aws, "ALARM")
    (envelope,) = outbox.envelopes()
    assert (envelope["Type"], envelope["TopicArn"]) == ("Notification", outbox.arn)
    assert envelope["Subject"] == 'ALARM: "api-5xx" in US East (N. Virginia)'
    message = json.loads(envelope["Message"])
    assert _shape(message) == _shape(json.loads((PAYLOADS / "cw_metric_alarm.json").read_text()))
    assert message["Region"] == "US East (N. Virginia)"
    assert message["StateChangeTime"] == "2026-03-01T12:00:00.000+0000"
    assert (message["OldStateValue"], message["NewStateValue"]) == ("INSUFFICIENT_DATA", "ALARM")
    assert message["AlarmArn"] == f"arn:aws:cloudwatch:us-east-1:{aws.account}:alarm:api-5xx"


async def test_a_metric_math_alarm_has_its_metrics_instead_of_one_metric(aws: EmulatedAws) -> None:
    outbox = Outbox(aws)
    metric = {
        "MetricName": "CPUUtilization",
        "Namespace": "AWS/RDS",
        "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": "db1"}],
    }
    aws.client("cloudwatch").put_metric_alarm(
        AlarmName="api-5xx",
        EvaluationPeriods=3,
        ComparisonOperator="GreaterThanUpperThreshold",
        ThresholdMetricId="ad1",
        AlarmActions=[outbox.arn],
        Metrics=[
            {"Id": "m1", "MetricStat": {"Metric": metric, "Period": 300, "Stat": "Average"}, "ReturnData": True},
            {"Id": "ad1", "Expression": "ANOMALY_DETECTION_BAND(m1, 12)", "Label": "expected", "ReturnData": True},
        ],
    )
    _set(aws, "ALARM")
    trigger = json.loads(outbox.envelopes()[0]["Message"])["Trigger"]
    documented = json.loads((PAYLOADS / "cw_metric_math_or_anomaly_alarm.json").read_text())["Trigger"]
    assert trigger.keys() == documented.keys()
    assert trigger["Metrics"][0] == documented["Metrics"][0]
    assert trigger["Metrics"][1].keys() == documented["Metrics"][1].keys()


async def test_each_state_has_its_own_actions(aws: EmulatedAws) -> None:
    outbox = Outbox(aws)
    aws.client("cloudwatch").put_metric_alarm(**METRIC, OKActions=[outbox.arn], InsufficientDataActions=[outbox.arn])
    for state in ("ALARM", "OK", "INSUFFICIENT_DATA"):
        _set(aws, state)
    told = [json.loads(envelope["Message"])["NewStateValue"] for envelope in outbox.envelopes()]
    assert sorted(told) == ["INSUFFICIENT_DATA", "OK"]


async def test_nothing_is_published_when_the_state_stays_or_the_actions_are_off(aws: EmulatedAws) -> None:
    outbox = Outbox(aws)
    aws.client("cloudwatch").put_metric_alarm(**METRIC, AlarmActions=[outbox.arn])
    _set(aws, "ALARM")
    _set(aws, "ALARM")
    assert len(outbox.envelopes()) == 1
    aws.client("cloudwatch").put_metric_alarm(**METRIC, AlarmActions=[outbox.arn], ActionsEnabled=False)
    _set(aws, "OK")
    _set(aws, "ALARM")
    assert outbox.envelopes() == []


async def test_changing_an_alarm_keeps_its_state(aws: EmulatedAws) -> None:
    cloudwatch = aws.client("cloudwatch")
    cloudwatch.put_metric_alarm(**METRIC)
    assert cloudwatch.describe_alarms(AlarmNames=["api-5xx"])["MetricAlarms"][0]["StateValue"] == "INSUFFICIENT_DATA"
    _set(aws, "ALARM")
    cloudwatch.put_metric_alarm(**{**METRIC, "Threshold": 40.0})
    changed = cloudwatch.describe_alarms(AlarmNames=["api-5xx"])["MetricAlarms"][0]
    assert (changed["StateValue"], changed["Threshold"]) == ("ALARM", 40.0)


async def test_an_action_on_a_topic_that_is_gone_does_not_fail_the_alarm(
    aws: EmulatedAws, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = Outbox(aws)
    gone = outbox.arn + "-gone"
    aws.client("cloudwatch").put_metric_alarm(**METRIC, AlarmActions=[gone, outbox.arn])
    _set(aws, "ALARM")
    assert len(outbox.envelopes()) == 1
    assert gone in caplog.text


async def test_an_alarm_reaches_a_queue_in_another_region(aws: EmulatedAws) -> None:
    outbox = Outbox(aws, "ap-northeast-2", queue_region="us-east-1")
    aws.client("cloudwatch", "ap-northeast-2").put_metric_alarm(**METRIC, AlarmActions=[outbox.arn])
    _set(aws, "ALARM", region="ap-northeast-2")
    (envelope,) = outbox.envelopes()
    assert envelope["Subject"] == 'ALARM: "api-5xx" in Asia Pacific (Seoul)'
    assert envelope["SigningCertURL"].startswith("https://sns.ap-northeast-2.amazonaws.com/")


async def test_a_state_change_is_an_event_too_even_without_actions(aws: EmulatedAws) -> None:
    sqs, events = aws.client("sqs"), aws.client("events")
    url = sqs.create_queue(QueueName="events")["QueueUrl"]
    events.put_rule(Name="alarms", EventPattern=json.dumps({"source": ["aws.cloudwatch"]}))
    target = {"Id": "queue", "Arn": f"arn:aws:sqs:us-east-1:{aws.account}:events"}
    events.put_targets(Rule="alarms", Targets=[target])
    aws.client("cloudwatch").put_metric_alarm(**METRIC, ActionsEnabled=False)
    aws.client("cloudwatch").set_alarm_state(
        AlarmName="api-5xx", StateValue="ALARM", StateReason="Threshold Crossed", StateReasonData='{"version": "1.0"}'
    )
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    event = json.loads(message["Body"])
    documented = json.loads((PAYLOADS / "eb_cloudwatch_alarm_state_change.json").read_text())
    assert documented.keys() <= event.keys()
    assert _shape(event["detail"]["state"]) == _shape(documented["detail"]["state"])
    assert event["detail"].keys() == documented["detail"].keys()
    assert event["time"] == "2026-03-01T12:00:00Z"
    assert event["detail"]["configuration"]["metrics"][0]["metricStat"]["metric"]["dimensions"] == {
        "LoadBalancer": "app/lb/50dc6c495c0c9188"
    }


@pytest.mark.parametrize(("path", "status", "told"), [("/", 200, 1), ("/service/CloudWatch/operation/X", 400, 0)])
async def test_older_programs_may_speak_query_and_cbor_is_refused_clearly(
    aws: EmulatedAws, path: str, status: int, told: int
) -> None:
    outbox = Outbox(aws)
    aws.client("cloudwatch").put_metric_alarm(**METRIC, AlarmActions=[outbox.arn])
    fields = {"Action": "SetAlarmState", "AlarmName": "api-5xx", "StateValue": "ALARM", "StateReason": "by query"}
    scope = "Credential=rehearsal/20260301/us-east-1/monitoring/aws4_request"
    headers = {"Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=none"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(aws.url + path, data={**fields, "Version": "2010-08-01"}) as answer,
    ):
        text = await answer.text()
    assert answer.status == status
    assert ("cbor" in text) is (status == 400)
    assert len(outbox.envelopes()) == told


def test_a_region_that_nobody_knows_is_called_by_its_code() -> None:
    assert region_name("xx-nowhere-1") == "xx-nowhere-1"
