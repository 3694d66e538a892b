"""`understand` as a whole: the order of the sources, one alarm by two ways, and never a lost or deadly message."""

import copy
import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.incident.alarm import Alarm
from bot.intake import SOURCES, cloudwatch, understand
from tests.intake.fakes import PAYLOADS, TOPIC, notification, payload

ARN = "arn:aws:cloudwatch:us-east-1:111122223333:alarm:ServerCpuTooHigh"
#: An escaped NUL in JSON, and not a backslash before the letters u0000.
NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
FINGERPRINT = f"111122223333|us-east-1|{ARN}"

#: How fast this machine is right now is not what is tested.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def one(values: Any) -> Alarm:
    (alarm,) = understand(values if isinstance(values, str) else json.dumps(values))
    return alarm


def survives(body: str) -> None:
    """At least one alarm, and each can be stored by a database that takes UTF-8 without NUL, and indexed."""
    alarms = understand(body)
    assert alarms
    for alarm in alarms:
        stored = alarm.model_dump_json()
        stored.encode()
        assert not NUL.search(stored)
        assert Alarm.model_validate_json(stored).fingerprint == alarm.fingerprint
        assert 0 < len(alarm.fingerprint) <= 512
        assert alarm.name
        assert len(stored) < 500_000


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("cw_metric_alarm", "metric"),
        ("cw_metric_math_or_anomaly_alarm", "anomaly"),
        ("cw_composite_alarm", "composite"),
        ("cw_log_alarm_minimal_unverified", "log"),
        ("sns_notification_envelope", "metric"),
        ("eb_cloudwatch_alarm_state_change", "metric"),
        ("eb_composite_suppressed", "composite"),
        ("eb_health_event", "health"),
        ("eb_backup_job_failed", "backup"),
        ("eb_backup_restore_completed", "backup"),
        ("eb_autoshift_in_progress", "zonal_shift"),
        ("eb_ecs_service_action", "ecs"),
        ("eb_ecs_deployment_failed", "ecs"),
    ],
)
def test_every_known_payload_is_recognised_bare_and_inside_an_sns_envelope(name: str, kind: str) -> None:
    bare = one(payload(name))
    assert bare.kind == kind
    if name != "sns_notification_envelope":
        assert one(notification(Message=json.dumps(payload(name)))) == bare


def test_every_payload_file_is_covered_by_a_test() -> None:
    for file in PAYLOADS.glob("*.json"):
        if file.stem != "sns_subscription_confirmation":
            survives(file.read_text())


def test_the_order_of_the_sources_is_the_order_of_classification() -> None:
    names = list(SOURCES)
    assert names.index("event") < names.index("cloudwatch") < names.index("generic")
    assert names[-1] == "generic"
    assert all(names.index(name) < names.index("event") for name in ("alarm_event", "health", "backup", "arc", "ecs"))


def test_an_event_that_also_looks_like_an_alarm_is_an_event() -> None:
    assert one(payload("eb_health_event") | {"AlarmName": "x", "NewStateValue": "ALARM"}).kind == "health"


def test_the_same_alarm_by_sns_by_eventbridge_and_by_the_sweep_is_one_alarm() -> None:
    by_sns = payload("cw_metric_alarm") | {"AlarmName": "ServerCpuTooHigh", "AlarmArn": ARN}
    by_sweep = {"MetricAlarms": [{"AlarmName": "ServerCpuTooHigh", "AlarmArn": ARN, "StateValue": "ALARM"}]}
    by_event = payload("eb_cloudwatch_alarm_state_change")
    assert {one(values).fingerprint for values in (by_sns, by_sweep, by_event)} == {FINGERPRINT}


def test_ok_and_alarm_of_the_same_alarm_have_the_same_fingerprint() -> None:
    alarm, ok = payload("cw_metric_alarm"), payload("cw_metric_alarm")
    ok |= {"NewStateValue": "OK", "OldStateValue": "ALARM", "NewStateReason": "Threshold Crossed: no longer."}
    assert one(alarm).fingerprint == one(ok).fingerprint
    assert (one(alarm).state, one(ok).state) == ("alarm", "ok")


def test_two_alarms_with_the_same_name_in_two_regions_are_two_alarms() -> None:
    west = payload("cw_metric_alarm")
    west["AlarmArn"] = west["AlarmArn"].replace("us-east-1", "us-west-2")
    assert one(west).fingerprint != one(payload("cw_metric_alarm")).fingerprint


def test_a_payload_that_its_source_misreads_still_becomes_an_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    # The parsers have no known way to fail, so one is broken here.
    monkeypatch.setattr(cloudwatch, "parse", lambda _: 1 / 0)
    assert one(payload("cw_metric_alarm")).kind == "generic"


def test_a_published_text_that_looks_like_snss_own_word_is_not_dropped() -> None:
    confirmation = json.dumps(payload("sns_subscription_confirmation"))
    assert understand(confirmation) == ()
    assert one(notification(Message=confirmation)).kind == "generic"


@pytest.mark.parametrize(
    "body",
    [
        "",
        " ",
        "text",
        "\x00",
        "\ud800",
        '"\\ud800\\u0000"',
        "null",
        "7",
        "[]",
        "{}",
        "NaN",
        '{"AlarmName": 1e999, "NewStateValue": NaN}',
        "[" * 100_000,
        '{"a":' * 900 + "1" + "}" * 900,
        '{"n": ' + "9" * 5_000 + "}",
        '{"detail-type": null, "detail": "x", "resources": "y", "source": 7}',
        '{"detail-type": "CloudWatch Alarm State Change"}',
        '{"source": "aws.health", "detail-type": "x", "detail": []}',
        '{"MetricAlarms": [null, 7, "x"]}',
        '{"Type": "Notification", "MessageId": "1", "TopicArn": "x", "Message": ""}',
        "x" * 1_000_000,
        json.dumps({"detail-type": "x", "source": "y", "detail": {str(n): "x" * 5_000 for n in range(200)}}),
        json.dumps({"AlarmName": "a" * 100_000, "NewStateValue": "ALARM", "AlarmArn": "b" * 100_000}),
    ],
    ids=lambda body: body[:30].encode("ascii", "backslashreplace").decode(),
)
def test_nothing_is_dropped_however_strange(body: str) -> None:
    survives(body)


@PATIENT
@given(st.text())
def test_any_text_becomes_an_alarm(text: str) -> None:
    survives(text)


@PATIENT
@given(json_values)
def test_any_json_becomes_an_alarm(value: Any) -> None:
    survives(json.dumps(value))
    survives(json.dumps(notification(Message=json.dumps(value))))


@settings(PATIENT, max_examples=200)
@given(st.data())
def test_a_known_payload_with_any_part_replaced_or_removed_becomes_an_alarm(data: st.DataObject) -> None:
    names = sorted(file.stem for file in PAYLOADS.glob("*.json") if file.stem != "sns_subscription_confirmation")
    values = copy.deepcopy(payload(data.draw(st.sampled_from(names))))
    where: Any = values
    while True:
        spot = data.draw(st.sampled_from(sorted(where) if isinstance(where, dict) else range(len(where))))
        if isinstance(where[spot], dict | list) and where[spot] and data.draw(st.booleans()):
            where = where[spot]
            continue
        break
    if data.draw(st.booleans()):
        del where[spot]
    else:
        where[spot] = data.draw(json_values)
    survives(json.dumps(values))


def test_the_excerpt_of_a_huge_message_is_short_enough_to_show() -> None:
    alarm = one("x" * 1_000_000)
    assert (len(alarm.reason), len(alarm.name)) == (4_000, 120)


def test_a_topic_is_only_what_an_envelope_says() -> None:
    assert one(notification(Message="free text", Subject="disk full")).fingerprint.split("|")[:4] == [
        "111122223333",
        "us-east-1",
        "generic",
        TOPIC,
    ]
