import json
from typing import Any

import pytest

from bot.incident.alarm import Alarm
from bot.intake import understand
from tests.intake.fakes import payload

CLUSTER = "arn:aws:ecs:us-west-2:111122223333:cluster/default"


def action(name: str = "eb_ecs_service_action", **detail: Any) -> Alarm:
    values = payload(name)
    values["detail"] |= detail
    (alarm,) = understand(json.dumps(values))
    return alarm


def task(**detail: Any) -> Alarm:
    values = payload("eb_ecs_service_action") | {
        "detail-type": "ECS Task State Change",
        "resources": [f"arn:aws:ecs:us-west-2:111122223333:task/default/{detail.pop('id', 'a')}"],
    }
    stopped = {"clusterArn": CLUSTER, "group": "service:servicetest", "lastStatus": "STOPPED", "version": 3}
    (alarm,) = understand(json.dumps(values | {"detail": stopped | detail}))
    return alarm


@pytest.mark.parametrize(
    ("event_type", "event_name", "state"),
    [
        ("ERROR", "SERVICE_TASK_PLACEMENT_FAILURE", "alarm"),
        ("WARN", "SERVICE_TASK_START_IMPAIRED", "alarm"),
        ("INFO", "SERVICE_STEADY_STATE", "ok"),
        ("INFO", "TASKSET_STEADY_STATE", "no_data"),
        ("INFO", "SERVICE_DEPLOYMENT_COMPLETED", "ok"),
        ("INFO", "SERVICE_DEPLOYMENT_IN_PROGRESS", "no_data"),
        ("NEW", "SOMETHING", "alarm"),
    ],
)
def test_errors_and_warnings_page_and_a_steady_service_clears(event_type: str, event_name: str, state: str) -> None:
    assert action(eventType=event_type, eventName=event_name).state == state


def test_a_service_is_named_as_cloudwatch_names_it_so_that_playbooks_find_it() -> None:
    alarm = action("eb_ecs_deployment_failed")
    assert alarm.dimensions == {"ClusterName": "default", "ServiceName": "servicetest"}
    assert alarm.resource == "ecs"


def test_a_failed_deployment_and_a_missing_placement_of_one_service_are_one_alarm() -> None:
    assert action().fingerprint == action("eb_ecs_deployment_failed").fingerprint


@pytest.mark.parametrize("key", ["service", "serviceName"])
def test_both_spellings_of_the_service_are_understood(key: str) -> None:
    values = payload("eb_ecs_service_action") | {"resources": []}
    values["detail"] |= {key: "orders"}
    (alarm,) = understand(json.dumps(values))
    assert alarm.dimensions == {"ClusterName": "default", "ServiceName": "orders"}


@pytest.mark.parametrize(
    ("detail", "state"),
    [
        ({"stopCode": "TaskFailedToStart"}, "alarm"),
        ({"stopCode": "EssentialContainerExited", "containers": [{"exitCode": 137}]}, "alarm"),
        ({"stopCode": "EssentialContainerExited", "containers": [{"exitCode": 0}]}, "no_data"),
        ({"stopCode": "EssentialContainerExited", "containers": [{"exitCode": 0}, {}]}, "alarm"),
        ({"stopCode": "UserInitiated"}, "no_data"),
        ({"stopCode": "ServiceSchedulerInitiated"}, "no_data"),
        ({"lastStatus": "RUNNING"}, "no_data"),
        ({}, "alarm"),
    ],
)
def test_a_task_that_was_told_to_stop_pages_nobody(detail: dict[str, Any], state: str) -> None:
    assert task(**detail).state == state


def test_a_crash_loop_is_one_alarm_and_not_one_for_each_task() -> None:
    assert task(id="a").fingerprint == task(id="b").fingerprint


def test_a_task_of_no_service_is_an_alarm_of_its_own() -> None:
    assert task(id="a", group="family:job").fingerprint != task(id="b", group="family:job").fingerprint
