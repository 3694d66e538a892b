import json
from datetime import UTC, datetime
from typing import Any

from bot.incident.alarm import Alarm
from bot.intake import understand
from tests.intake.fakes import payload

ARN = "arn:aws:cloudwatch:us-east-1:111122223333:alarm:ServerCpuTooHigh"


def one(values: dict[str, Any]) -> Alarm:
    (alarm,) = understand(json.dumps(values))
    return alarm


def event(**state: Any) -> dict[str, Any]:
    values = payload("eb_cloudwatch_alarm_state_change")
    values["detail"]["state"] |= state
    return values


def test_a_state_change_is_read_whole() -> None:
    alarm = one(payload("eb_cloudwatch_alarm_state_change"))
    assert (alarm.name, alarm.arn, alarm.state, alarm.previous) == ("ServerCpuTooHigh", ARN, "alarm", "ok")
    assert alarm.dimensions == {"InstanceId": "i-12345678901234567"}
    assert (alarm.resource, alarm.metric, alarm.threshold, alarm.period) == ("ec2", "CPUUtilization", 50.0, 300)
    assert alarm.changed_at == datetime(2019, 10, 2, 17, 4, 40, 989_000, UTC)


def test_the_readings_come_out_of_the_data_that_is_json_in_a_string() -> None:
    assert one(event(reasonData='{"recentDatapoints":[1.0,99.5],"threshold":50.0}')).readings == (99.5, 1.0)


def test_data_that_is_no_json_does_not_lose_the_alarm() -> None:
    assert one(event(reasonData="{broken")).fingerprint == f"111122223333|us-east-1|{ARN}"


def test_a_suppressed_composite_alarm_is_heard_although_sns_is_silent() -> None:
    alarm = one(payload("eb_composite_suppressed"))
    assert (alarm.kind, alarm.state, alarm.suppressed_by) == ("composite", "alarm", "WaitPeriod")


def test_the_children_of_a_composite_alarm_are_known() -> None:
    values = payload("eb_composite_suppressed")
    values["detail"]["state"]["reasonData"] = json.dumps(
        {"triggeringAlarms": [{"arn": ARN, "state": {"value": "ALARM"}}]}
    )
    assert one(values).children == (ARN,)


def test_metric_math_and_anomaly_bands_are_told_apart() -> None:
    values = payload("eb_cloudwatch_alarm_state_change")
    metrics = values["detail"]["configuration"]["metrics"]
    metrics.insert(0, {"id": "e1", "expression": "m1 / 2", "returnData": True})
    assert one(values).kind == "metric_math"
    metrics[0]["expression"] = "ANOMALY_DETECTION_BAND(m1, 2)"
    assert one(values).kind == "anomaly"
    assert one(values).metric == "CPUUtilization"


def test_an_event_without_resources_has_the_same_fingerprint() -> None:
    assert one(payload("eb_cloudwatch_alarm_state_change") | {"resources": []}).arn == ARN


def test_another_event_of_cloudwatch_is_not_taken_for_a_state_change() -> None:
    values = payload("eb_cloudwatch_alarm_state_change") | {"detail-type": "CloudWatch Alarm Configuration Change"}
    assert one(values).kind == "event"
