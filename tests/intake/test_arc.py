import json
from typing import Any

import pytest

from bot.incident.alarm import Alarm
from bot.intake import understand
from tests.intake.fakes import payload


def one(
    what: str = "Autoshift In Progress", zone: str = "use1-az2", data: Any = "", resources: tuple[str, ...] = ()
) -> Alarm:
    values = payload("eb_autoshift_in_progress") | {"detail-type": what, "resources": list(resources)}
    values["detail"] |= {"data": data, "metadata": {"awayFrom": zone, "notes": "…"}}
    (alarm,) = understand(json.dumps(values))
    return alarm


@pytest.mark.parametrize(
    ("what", "state"),
    [
        ("Autoshift In Progress", "alarm"),
        ("Autoshift Completed", "ok"),
        ("Manual Shift Started", "no_data"),
        ("Manual Shift Updated", "no_data"),
        ("Manual Shift Canceled", "no_data"),
        ("Practice Run Started", "no_data"),
        ("Practice Run Succeeded", "ok"),
        ("Practice Run Failed", "alarm"),
        ("Practice Run Interrupted", "alarm"),
        ("FIS Experiment Autoshift In Progress", "no_data"),
    ],
)
def test_an_autoshift_pages_and_a_shift_by_hand_does_not(what: str, state: str) -> None:
    assert one(what).state == state


def test_the_end_of_an_autoshift_ends_its_alarm() -> None:
    assert one().fingerprint == one("Autoshift Completed").fingerprint


def test_an_autoshift_of_many_resources_is_one_alarm_for_each_zone() -> None:
    assert one(resources=("arn:a",)).fingerprint == one(resources=("arn:b",)).fingerprint
    assert one(zone="use1-az1").fingerprint != one().fingerprint


def test_a_practice_run_that_succeeds_ends_the_alarm_of_one_that_failed_for_the_same_resource_only() -> None:
    failed = one("Practice Run Failed", resources=("arn:a",))
    assert failed.fingerprint == one("Practice Run Succeeded", resources=("arn:a",)).fingerprint
    assert failed.fingerprint != one("Practice Run Succeeded", resources=("arn:b",)).fingerprint


@pytest.mark.parametrize("data", ["", None, {"previousState": {"practiceRunState": "STARTED"}}, []])
def test_data_is_text_or_an_object(data: Any) -> None:
    assert one(data=data).dimensions == {"AvailabilityZoneId": "use1-az2"}
