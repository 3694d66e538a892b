import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.incident.alarm import Alarm
from bot.intake import understand
from tests.intake.fakes import payload


def one(region: str = "af-south-1", **detail: Any) -> Alarm:
    values = payload("eb_health_event") | {"region": region}
    (alarm,) = understand(json.dumps(values | {"detail": values["detail"] | detail}))
    return alarm


def test_the_region_is_where_it_hurts_and_not_where_the_event_was_delivered() -> None:
    assert one(region="us-west-2", eventRegion="us-east-1").region == "us-east-1"


def test_the_copy_for_another_region_and_further_pages_are_the_same_alarm() -> None:
    copies = [
        one(),
        one(region="us-west-2", backupEvent="true"),
        one(page="2", totalPages="2", communicationId="01b0993207d81a09dcd552ebd1e633e36cf1f09a-2"),
        one(statusCode="closed"),
    ]
    assert len({alarm.fingerprint for alarm in copies}) == 1


def test_the_pages_of_an_event_without_an_arn_are_the_same_alarm() -> None:
    assert (
        one(eventArn=None, communicationId="c-1").fingerprint == one(eventArn=None, communicationId="c-2").fingerprint
    )


def test_the_same_event_in_two_accounts_is_two_alarms() -> None:
    assert one().fingerprint != one(affectedAccount="999999999999").fingerprint


def test_a_date_of_rfc_1123_is_read() -> None:
    assert one().changed_at == datetime(2023, 1, 27, 9, 1, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("category", "status", "state"),
    [
        ("issue", "open", "alarm"),
        ("investigation", "open", "alarm"),
        ("issue", "closed", "ok"),
        ("scheduledChange", "upcoming", "no_data"),
        ("scheduledChange", "open", "no_data"),
        ("accountNotification", "open", "no_data"),
        ("issue", None, "alarm"),
    ],
)
def test_only_trouble_that_is_there_now_is_an_alarm(category: str, status: str, state: str) -> None:
    assert one(eventTypeCategory=category, statusCode=status).state == state
