import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.incident.alarm import Alarm
from bot.intake import understand
from tests.intake.fakes import notification, payload


def one(values: dict[str, Any], topic: str = "") -> Alarm:
    (alarm,) = understand(json.dumps(notification(Message=json.dumps(values), TopicArn=topic) if topic else values))
    return alarm


def without(name: str, *keys: str) -> dict[str, Any]:
    return {key: value for key, value in payload(name).items() if key not in keys}


def test_a_metric_alarm_is_read_whole() -> None:
    alarm = one(payload("cw_metric_alarm"))
    assert alarm.name == "api-5xx"
    assert (alarm.account, alarm.region) == ("111122223333", "us-east-1")
    assert (alarm.namespace, alarm.metric) == ("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count")
    assert alarm.dimensions == {"LoadBalancer": "app/lb/50dc6c495c0c9188"}
    assert (alarm.comparison, alarm.threshold, alarm.period) == ("GreaterThanThreshold", 30.0, 60)
    assert alarm.readings == (66.6,)
    assert alarm.resource == "elbv2"
    assert (alarm.previous, alarm.state) == ("ok", "alarm")


def test_a_description_of_null_is_empty_and_no_word() -> None:
    assert one(payload("cw_metric_alarm")).description == ""


def test_all_dimensions_are_kept_and_not_only_the_first() -> None:
    values = payload("cw_metric_alarm")
    values["Trigger"]["Dimensions"] = [{"name": "ClusterName", "value": "c"}, {"name": "ServiceName", "value": "s"}]
    assert one(values).dimensions == {"ClusterName": "c", "ServiceName": "s"}


def test_a_time_without_a_colon_in_its_zone_is_read() -> None:
    assert one(payload("cw_metric_alarm")).changed_at == datetime(2024, 9, 9, 1, 59, 7, 423_000, UTC)


def test_a_metric_math_alarm_has_no_metric_name_and_is_no_error() -> None:
    values = payload("cw_metric_math_or_anomaly_alarm")
    trigger = values["Trigger"]
    del trigger["ThresholdMetricId"]
    trigger |= {"Threshold": 5.0, "ComparisonOperator": "GreaterThanThreshold"}
    trigger["Metrics"][1]["Expression"] = "m1 / 2"
    alarm = one(values)
    assert (alarm.kind, alarm.metric, alarm.threshold) == ("metric_math", "CPUUtilization", 5.0)
    assert alarm.dimensions == {"DBInstanceIdentifier": "db1"}
    assert alarm.detail["expressions"] == ["m1 / 2"]


def test_an_anomaly_alarm_has_no_threshold_and_is_no_error() -> None:
    alarm = one(payload("cw_metric_math_or_anomaly_alarm"))
    assert (alarm.kind, alarm.threshold, alarm.resource) == ("anomaly", None, "rds")


def test_an_alarm_of_expressions_alone_is_no_error() -> None:
    values = payload("cw_metric_math_or_anomaly_alarm")
    values["Trigger"]["Metrics"] = [{"Id": "e1", "Expression": "SEARCH('x')", "ReturnData": True}]
    assert one(values).metric == ""


def test_missing_data_is_read_out_of_a_line_of_a_listing() -> None:
    assert one(payload("cw_metric_math_or_anomaly_alarm")).detail["missing_data"] == "missing"


def test_a_composite_alarm_is_an_alarm_with_children() -> None:
    alarm = one(payload("cw_composite_alarm"))
    assert alarm.children == ("arn:aws:cloudwatch:us-east-1:111122223333:alarm:api-5xx",)
    assert str(alarm.detail["rule"]).startswith("ALARM(")


@pytest.mark.parametrize(("children", "found"), [([], ()), (["arn:x"], ("arn:x",)), (None, ()), ([{}], ())])
def test_a_composite_alarm_with_other_children_is_no_error(children: Any, found: tuple[str, ...]) -> None:
    assert one(payload("cw_composite_alarm") | {"TriggeringChildren": children}).children == found


def test_a_log_alarm_and_an_alarm_of_a_kind_to_come_are_alarms() -> None:
    log_keys = ("LogGroups", "QueryString")
    assert one(payload("cw_log_alarm_minimal_unverified")).kind == "log"
    assert one(without("cw_log_alarm_minimal_unverified", *log_keys)).kind == "cloudwatch"


@pytest.mark.parametrize(
    "missing", ["OKActions", "AlarmConfigurationUpdatedTimestamp", "InsufficientDataActions", "Trigger"]
)
def test_a_key_that_older_payloads_leave_out_is_not_needed(missing: str) -> None:
    assert one(without("cw_metric_alarm", missing)).fingerprint == one(payload("cw_metric_alarm")).fingerprint


def test_datapoints_to_alarm_is_not_needed() -> None:
    values = payload("cw_metric_alarm")
    del values["Trigger"]["DatapointsToAlarm"]
    assert one(values).kind == "metric"


def test_an_older_alarm_without_its_arn_is_the_same_alarm() -> None:
    older = one(without("cw_metric_alarm", "AlarmArn"))
    assert older.fingerprint == one(payload("cw_metric_alarm")).fingerprint
    assert older.region == "us-east-1"


def test_an_older_alarm_from_a_region_without_a_known_name_has_its_topics_region() -> None:
    values = without("cw_metric_alarm", "AlarmArn") | {"Region": "Atlantis (Deep)"}
    assert one(values, topic="arn:aws:sns:eu-west-1:111122223333:t").region == "eu-west-1"


def test_an_older_alarm_from_china_has_chinas_partition() -> None:
    values = without("cw_metric_alarm", "AlarmArn") | {"Region": "China (Beijing)"}
    assert one(values).arn == "arn:aws-cn:cloudwatch:cn-north-1:111122223333:alarm:api-5xx"


def test_the_region_is_the_arns_and_never_the_display_name() -> None:
    assert one(payload("cw_metric_alarm") | {"Region": "US West (Oregon)"}).region == "us-east-1"


@pytest.mark.parametrize(
    ("new", "old", "state", "previous"),
    [
        ("ALARM", "INSUFFICIENT_DATA", "alarm", "no_data"),
        ("OK", "ALARM", "ok", "alarm"),
        ("INSUFFICIENT_DATA", "OK", "no_data", "ok"),
        ("MELTDOWN", "", "alarm", None),
        (None, None, "alarm", None),
    ],
)
def test_every_state_is_understood_and_an_unknown_one_pages(new: str, old: str, state: str, previous: str) -> None:
    alarm = one(payload("cw_metric_alarm") | {"NewStateValue": new, "OldStateValue": old})
    assert (alarm.state, alarm.previous) == (state, previous)


def test_a_name_with_every_sign_that_cloudwatch_allows_is_kept() -> None:
    name = "결제 | <api> \"5xx\" & 'more' 🚨"
    arn = f"arn:aws:cloudwatch:us-east-1:111122223333:alarm:{name}"
    alarm = one(payload("cw_metric_alarm") | {"AlarmName": name, "AlarmArn": arn})
    assert (alarm.name, alarm.arn) == (name, arn)
    assert alarm.fingerprint == f"111122223333|us-east-1|{arn}"
