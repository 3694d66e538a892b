"""What the features of the emulated AWS answer has the shapes of botocore's models: in this and in every other test.

`tests/conftest.py` watches every handler of every emulator that a test builds (`tests/support/reply_shapes.py`), so what a
handler answers is held as soon as any test asks it. Here: that the watch sees, and that each handler is asked by some test.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name

from bot.rehearsal.aws import wire
from bot.rehearsal.aws.call import AwsError, Call, Request
from bot.rehearsal.aws.emulator import EmulatedAws
from bot.rehearsal.aws.wire import model_of
from tests.support import reply_shapes

ROOT = Path(__file__).parents[3]
HANDLED = sorted(EmulatedAws()._handlers)
#: Handled operations that no test names, with the reason.
UNASKED: Mapping[tuple[str, str], str] = {
    (
        "route53-recovery-control-config",
        "CreateControlPanel",
    ): "the panel that comes with a cluster is enough for the shop",
    ("s3", "CompleteMultipartUpload"): "replicated by the code that PutObject is, which has tests",
    ("s3", "GetObjectAttributes"): "a read of a replica like GetObject, which has tests",
}
#: Told from the service as which they are signed by their headers and paths.
SIGNED_AS_ANOTHER = {"dynamodbstreams", "s3control"}
SERVICE = {"serviceName": "web", "status": "ACTIVE", "runningCount": 3, "createdAt": datetime(2026, 3, 1, tzinfo=UTC)}


def call(service: str, operation: str) -> Call:
    headers = (("content-type", "application/x-amz-json-1.1"), ("x-amz-target", "x"))
    return Call(Request("POST", "/", headers, b"{}"), service, operation, "us-east-1", {})


def faults(**changed: Any) -> list[str]:
    answered = {"services": [SERVICE | changed]}
    return list(reply_shapes.faults_of_answer(call("ecs", "DescribeServices"), answered))


def test_what_aws_could_have_answered_passes() -> None:
    assert faults() == []
    assert faults(deployments=[], enableECSManagedTags=None) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"serviceNames": "web"}, "AWS knows no serviceNames"),
        ({"runningCount": "3"}, "'3' is no integer"),
        ({"runningCount": True}, "True is no integer"),
        ({"createdAt": 1.0}, "1.0 is no timestamp"),
        ({"launchType": "FARGATES"}, "'FARGATES' is none of EC2, FARGATE"),
        ({"deployments": [{"rolloutState": "DONE"}]}, "'DONE' is none of COMPLETED"),
        ({"deployments": {"status": "PRIMARY"}}, "is no list"),
    ],
)
def test_what_it_could_not_have_answered_is_named(changed: Mapping[str, Any], said: str) -> None:
    assert any(said in fault for fault in faults(**changed))


def test_what_the_model_requires_and_is_missing_is_named() -> None:
    asked = call("arc-zonal-shift", "StartZonalShift")
    assert any("expiryTime is missing" in one for one in reply_shapes.faults_of_answer(asked, {"zonalShiftId": "x"}))


@pytest.mark.parametrize(("code", "known"), [("ServiceNotFoundException", True), ("NoSuchService", False)])
def test_only_errors_that_the_service_knows_pass(code: str, known: bool) -> None:
    found = list(reply_shapes.faults_of_error(call("ecs", "DescribeServices"), AwsError(code, "why")))
    assert (found == []) is known


async def test_a_wrong_reply_fails_the_test_in_which_it_was_given(aws: EmulatedAws) -> None:
    async def wrong(call: Call, moto: Any) -> Any:
        return {"clusterArn": ["none"]}

    aws._handlers = {**aws._handlers, ("ecs", "ListClusters"): reply_shapes._watched(wrong)}
    aws.client("ecs").list_clusters()
    with pytest.raises(AssertionError, match="AWS knows no clusterArn"):
        reply_shapes.judge()
    reply_shapes.judge()  # said once


def test_every_handler_is_watched() -> None:
    assert all(handler.__module__ == reply_shapes.__name__ for handler in EmulatedAws()._handlers.values())


@pytest.mark.parametrize(("service", "operation"), HANDLED)
def test_some_test_asks_each_operation_that_is_answered(service: str, operation: str) -> None:
    """By boto3's name, by AWS's own, or by boto3's names of its paginators and waiters."""
    asked = re.search(rf"\b({operation}|{xform_name(operation)})\b", _tests_and_what_they_drive())
    assert bool(asked) != ((service, operation) in UNASKED)


@pytest.mark.parametrize("service", sorted({service for service, _ in HANDLED} - SIGNED_AS_ANOTHER))
def test_a_call_to_each_service_is_recognised_by_what_boto3_signs_it_as(service: str) -> None:
    signed = model_of(service).signing_name
    assert wire._SIGNING_NAMES.get(signed, signed) == service


@cache
def _tests_and_what_they_drive() -> str:
    """Actions are driven by their own tests (`tests/rules/test_actions.py` sees to it), and the shop is laid down by many."""
    folders = (ROOT / "tests", *(ROOT / "bot" / name for name in ("aws", "intake", "rehearsal/estate")))
    return "\n".join(path.read_text() for folder in folders for path in folder.rglob("*.py") if path != Path(__file__))
