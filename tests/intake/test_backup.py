import json
from typing import Any

import pytest

from bot.incident.alarm import Alarm
from bot.intake import understand
from tests.intake.fakes import payload


def one(name: str = "eb_backup_job_failed", what: str = "", **detail: Any) -> Alarm:
    values = payload(name)
    values["detail"] |= detail
    (alarm,) = understand(json.dumps(values | ({"detail-type": what} if what else {})))
    return alarm


@pytest.mark.parametrize(
    ("progress", "state"),
    [
        ("FAILED", "alarm"),
        ("ABORTED", "alarm"),
        ("EXPIRED", "alarm"),
        ("PARTIAL", "alarm"),
        ("COMPLETED", "ok"),
        ("CREATED", "no_data"),
        ("RUNNING", "no_data"),
        ("SOMETHING_NEW", "no_data"),
    ],
)
@pytest.mark.parametrize("what", ["Backup Job State Change", "Copy Job State Change"])
def test_a_backup_or_copy_job_says_its_progress_as_state(what: str, progress: str, state: str) -> None:
    assert one(what=what, state=progress).state == state


def test_a_restore_job_says_status_except_when_it_is_created() -> None:
    assert one("eb_backup_restore_completed").state == "ok"
    assert one("eb_backup_restore_completed", status="FAILED").state == "alarm"
    assert one("eb_backup_restore_completed", status=None, state="CREATED").state == "no_data"


def test_a_completed_job_at_0_percent_is_completed() -> None:
    assert one(state="COMPLETED", percentDone=0).state == "ok"


def test_the_next_backup_of_the_same_resource_ends_the_alarm_of_the_failed_one() -> None:
    failed, worked = one(), one(state="COMPLETED", backupJobId="another")
    assert failed.fingerprint == worked.fingerprint
    assert one(resourceArn="arn:aws:dynamodb:us-west-2:111122223333:table/other").fingerprint != failed.fingerprint


def test_a_backup_that_worked_does_not_end_the_alarm_of_a_failed_copy() -> None:
    assert one().fingerprint != one(what="Copy Job State Change").fingerprint


def test_another_event_of_aws_backup_is_not_dropped() -> None:
    assert one(what="Backup Vault State Change").kind == "event"
