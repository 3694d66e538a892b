import json
from typing import Any

import pytest

from bot.incident.alarm import Alarm
from bot.intake import understand
from tests.intake.fakes import notification, payload


def one(values: Any, **envelope: str) -> Alarm:
    text = values if isinstance(values, str) else json.dumps(values)
    (alarm,) = understand(json.dumps(notification(Message=text, **envelope)) if envelope else text)
    return alarm


def test_the_name_is_the_subject_or_a_title_or_the_first_line() -> None:
    assert one("whatever", Subject="Disk full").name == "Disk full"
    assert one({"title": "Queue is stuck", "n": 1}).name == "Queue is stuck"
    assert one("\n first  line \n second").name == "first line"
    assert one("").name == "generic"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("disk 91% full at 03:41:07", "disk 97% full at 03:42:11"),
        ("request 3f9c2a1e-1111-4222-8333-abcdefabcdef failed", "request aaaaaaaa-1111-4222-8333-bbbbbbbbbbbb failed"),
        ({"error": "x", "at": 1700000000}, {"error": "x", "at": 1700000060}),
    ],
)
def test_a_counter_or_a_time_does_not_make_a_thousand_incidents(first: Any, second: Any) -> None:
    assert one(first).fingerprint == one(second).fingerprint


def test_two_different_texts_are_two_alarms() -> None:
    assert one("disk full").fingerprint != one("database down").fingerprint


def test_the_same_text_on_two_topics_is_two_alarms() -> None:
    topics = ("arn:aws:sns:us-east-1:111122223333:a", "arn:aws:sns:us-east-1:111122223333:b")
    assert len({one("disk full", TopicArn=topic, Subject="").fingerprint for topic in topics}) == 2


def test_no_token_or_signature_is_shown() -> None:
    broken = {"Token": "secret-1", "signature": "secret-2", "SubscribeURL": "secret-3", "Message": "m"}
    broken["detail"] = [{"UnsubscribeURL": "secret-4"}]
    assert "secret" not in one(broken).model_dump_json()


def test_an_unknown_event_is_an_alarm_about_its_resource() -> None:
    guard = payload("eb_health_event") | {
        "source": "aws.guardduty",
        "detail-type": "GuardDuty Finding",
        "resources": ["arn:x"],
    }
    alarm = one(guard)
    assert (alarm.kind, alarm.name, alarm.arn, alarm.resource) == ("event", "GuardDuty Finding", "arn:x", "guardduty")
    assert alarm.fingerprint == one(guard | {"time": "2026-01-01T00:00:00Z", "id": "another"}).fingerprint
    assert alarm.fingerprint != one(guard | {"resources": ["arn:y"]}).fingerprint
