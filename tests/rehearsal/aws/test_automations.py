"""SSM Automation through plain boto3."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from bot.rehearsal.aws.emulator import EmulatedAws

STEPS = [
    {"name": "first", "action": "aws:sleep", "inputs": {"Duration": "PT1S"}},
    {
        "name": "confirm",
        "action": "aws:approve",
        "timeoutSeconds": 60,
        "inputs": {"Message": "Go on?", "Approvers": []},
    },
    {"name": "last", "action": "aws:sleep", "inputs": {"Duration": "PT1S"}},
]


@pytest.fixture
def ssm(aws: EmulatedAws) -> Any:
    client = aws.client("ssm")
    parameters = {"Name": {"type": "String"}, "Speed": {"type": "String", "default": "slow"}}
    content = {"schemaVersion": "0.3", "parameters": parameters, "mainSteps": STEPS}
    client.create_document(Name="Mend", Content=json.dumps(content), DocumentType="Automation", DocumentFormat="JSON")
    return client


def start(ssm: Any, **more: Any) -> str:
    started = ssm.start_automation_execution(**{"DocumentName": "Mend", "Parameters": {"Name": ["x"]}, **more})
    return str(started["AutomationExecutionId"])


def shown(ssm: Any, execution: str) -> dict[str, Any]:
    found: dict[str, Any] = ssm.get_automation_execution(AutomationExecutionId=execution)["AutomationExecution"]
    return found


def later(aws: EmulatedAws, seconds: float) -> None:
    aws.clock.move(timedelta(seconds=seconds))


async def test_steps_take_their_time_and_an_approval_waits(aws: EmulatedAws, ssm: Any) -> None:
    id_ = start(ssm)
    assert (shown(ssm, id_)["AutomationExecutionStatus"], shown(ssm, id_)["CurrentStepName"]) == ("InProgress", "first")
    later(aws, 2)
    waiting = shown(ssm, id_)
    assert (waiting["AutomationExecutionStatus"], waiting["CurrentAction"]) == ("Waiting", "aws:approve")
    assert [step["StepStatus"] for step in waiting["StepExecutions"]] == ["Success", "Waiting", "Pending"]
    assert json.loads(waiting["StepExecutions"][1]["Inputs"]["Message"]) == "Go on?"
    ssm.send_automation_signal(AutomationExecutionId=id_, SignalType="Approve")
    later(aws, 2)
    assert shown(ssm, id_)["AutomationExecutionStatus"] == "Success"


async def test_the_same_token_is_the_same_execution_in_its_region(aws: EmulatedAws, ssm: Any) -> None:
    token = str(uuid4())
    assert start(ssm, ClientToken=token) == start(ssm, ClientToken=token.upper())
    assert start(ssm, ClientToken=str(uuid4())) != start(ssm, ClientToken=token)
    assert aws.automations.count() == 2
    with pytest.raises(ssm.exceptions.IdempotentParameterMismatch):
        start(ssm, ClientToken=token, Parameters={"Name": ["y"]})
    with pytest.raises(ClientError, match="There is no automation"):
        shown(aws.client("ssm", "us-west-2"), start(ssm))


async def test_a_rejection_and_a_timeout_end_it(aws: EmulatedAws, ssm: Any) -> None:
    rejected, forgotten = start(ssm), start(ssm)
    later(aws, 2)
    for id_ in (rejected, forgotten):
        assert shown(ssm, id_)["AutomationExecutionStatus"] == "Waiting"
    ssm.send_automation_signal(AutomationExecutionId=rejected, SignalType="Reject")
    assert shown(ssm, rejected)["AutomationExecutionStatus"] == "Failed"
    later(aws, 59)
    assert shown(ssm, forgotten)["AutomationExecutionStatus"] == "Waiting"
    later(aws, 1)
    assert shown(ssm, forgotten)["AutomationExecutionStatus"] == "TimedOut"
    with pytest.raises(ssm.exceptions.InvalidAutomationSignalException):
        ssm.send_automation_signal(AutomationExecutionId=forgotten, SignalType="Approve")


async def test_a_step_fails_on_purpose_and_what_comes_after_it_never_begins(aws: EmulatedAws, ssm: Any) -> None:
    aws.automations.fail_step("Mend", "first", "No such instance.")
    id_ = start(ssm)
    later(aws, 2)
    ended = shown(ssm, id_)
    assert ended["AutomationExecutionStatus"] == "Failed"
    assert "No such instance." in ended["FailureMessage"]
    assert [step["StepStatus"] for step in ended["StepExecutions"]] == ["Failed", "Pending", "Pending"]


async def test_it_can_be_stopped_once(aws: EmulatedAws, ssm: Any) -> None:
    id_ = start(ssm)
    shown(ssm, id_)
    ssm.stop_automation_execution(AutomationExecutionId=id_)
    assert shown(ssm, id_)["AutomationExecutionStatus"] == "Cancelled"
    with pytest.raises(ssm.exceptions.InvalidAutomationStatusUpdateException):
        ssm.stop_automation_execution(AutomationExecutionId=id_)


@pytest.mark.parametrize("parameters", [{}, {"Name": ["x"], "Size": ["1"]}])
async def test_parameters_that_do_not_fit_are_refused(ssm: Any, parameters: dict[str, list[str]]) -> None:
    with pytest.raises(ssm.exceptions.InvalidAutomationExecutionParametersException):
        ssm.start_automation_execution(DocumentName="Mend", Parameters=parameters or {"Speed": ["fast"]})
    with pytest.raises(ssm.exceptions.AutomationDefinitionNotFoundException):
        start(ssm, DocumentName="Missing")
