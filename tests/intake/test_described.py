import json

import pytest

from bot.intake import understand

ALARM = {
    "AlarmName": "orders",
    "AlarmArn": "arn:aws:cloudwatch:us-east-1:111122223333:alarm:orders",
    "StateValue": "ALARM",
    "StateUpdatedTimestamp": "2026-11-23T03:30:00+00:00",
}


def test_what_the_aws_cli_prints_is_understood_alarm_by_alarm() -> None:
    listing = {"MetricAlarms": [ALARM, ALARM | {"AlarmName": "b"}], "CompositeAlarms": [ALARM | {"AlarmName": "c"}]}
    assert [alarm.name for alarm in understand(json.dumps(listing))] == ["orders", "b", "c"]


def test_an_empty_listing_is_not_dropped() -> None:
    assert len(understand('{"MetricAlarms": [], "CompositeAlarms": []}')) == 1


@pytest.mark.parametrize(
    ("change", "suppressed_by"),
    [({}, ""), ({"ActionsEnabled": False}, "ActionsDisabled"), ({"ActionsSuppressedBy": "Alarm"}, "Alarm")],
)
def test_an_alarm_that_is_kept_silent_says_by_what(change: dict[str, object], suppressed_by: str) -> None:
    (alarm,) = understand(json.dumps({"CompositeAlarms": [ALARM | change]}))
    assert alarm.suppressed_by == suppressed_by
