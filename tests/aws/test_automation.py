"""ssm.run_automation, against the emulated AWS."""

import json
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from bot.aws.automation import Run, RunAutomation
from bot.errors import ActionFailed
from bot.playbook.action import Asks, Done, Failed, Working
from bot.rehearsal.aws.emulator import EmulatedAws
from tests.aws.rehearsed import Cloud, Step

NUMBERS = count(1)
CONTENT: dict[str, Any] = {
    "schemaVersion": "0.3",
    "parameters": {
        "InstanceId": {"type": "String"},
        "Groups": {"type": "StringList", "default": []},
        "Speed": {"type": "String", "default": "slow", "allowedValues": ["slow", "fast"]},
    },
    "mainSteps": [
        {"name": "stop", "action": "aws:changeInstanceState", "inputs": {}},
        {"name": "confirm", "action": "aws:approve", "inputs": {"Message": "Start it again?", "Approvers": ["x"]}},
        {"name": "start", "action": "aws:changeInstanceState", "inputs": {}},
    ],
}


@pytest.fixture
def cloud(emulated: EmulatedAws) -> Cloud:
    return Cloud(emulated)


@pytest.fixture
def document(cloud: Cloud) -> str:
    return made(cloud, CONTENT)


@pytest.fixture
def restart(cloud: Cloud, document: str) -> Step:
    return step(cloud, document)


def made(cloud: Cloud, content: dict[str, Any], kind: str = "Automation") -> str:
    name = f"Restart-{next(NUMBERS)}"
    cloud.aws.client("ssm").create_document(
        Name=name, Content=json.dumps(content), DocumentType=kind, DocumentFormat="JSON"
    )
    cloud.aws.calls.clear()
    return name


def step(cloud: Cloud, document: str, **parameters: Any) -> Step:
    params = Run(document=document, parameters={"InstanceId": "i-1", **parameters})
    return Step(RunAutomation(), params, cloud, run_id=f"run-{document}")


def test_the_plan_shows_the_documents_steps_and_the_call(restart: Step, cloud: Cloud, document: str) -> None:
    plan = RunAutomation().plan(restart.params, cloud, restart.attempt())
    [call] = plan.calls
    assert call.operation == "StartAutomationExecution"
    assert call.parameters["Parameters"] == {"InstanceId": ["i-1"]}
    assert [change.after for change in plan.changes] == [
        "aws:changeInstanceState",
        "aws:approve",
        "aws:changeInstanceState",
    ]
    assert plan.touches == (f"ssm-automation:us-east-1:{document}",)
    assert any("confirm" in str(warning) for warning in plan.warnings)
    assert cloud.changes("ssm") == []
    restart.act()
    assert cloud.aws.calls.of("ssm", "StartAutomationExecution")[0].parameters == call.parameters


def test_its_approval_is_asked_here_and_the_answer_passed_on(restart: Step, cloud: Cloud) -> None:
    asked = restart.wait(restart.act())
    assert isinstance(asked, Asks)
    assert "Start it again?" in restart.questions[0]
    assert any("1 of 3: stop" in note for note in restart.notes)
    done = restart.wait(restart.act("yes"))
    assert isinstance(done, Done)
    assert done.output["outputs"] == ["InstanceId=i-1"]
    assert set(done.output) == set(RunAutomation.facts.outputs)
    assert cloud.changes("ssm") == ["StartAutomationExecution", "SendAutomationSignal"]


def test_a_no_ends_the_automation(restart: Step, cloud: Cloud) -> None:
    ended = restart.run(["no"])
    assert isinstance(ended, Failed)
    assert "declined" in str(ended.why)
    assert cloud.aws.calls.of("ssm", "SendAutomationSignal")[0].parameters["SignalType"] == "Reject"
    assert isinstance(RunAutomation().look(restart.params, cloud, restart.attempt()), Failed)


def test_acting_twice_in_one_attempt_gives_one_execution(restart: Step, cloud: Cloud) -> None:
    before = cloud.aws.automations.count()
    first = RunAutomation().act(restart.params, cloud, restart.attempt())
    again = RunAutomation().act(restart.params, cloud, restart.attempt(again=True))
    assert isinstance(first, Working)
    assert isinstance(again, Working)
    assert first.memory["execution"] == again.memory["execution"]
    assert cloud.aws.automations.count() == before + 1


def test_a_start_whose_answer_was_lost_is_the_same_execution(restart: Step, cloud: Cloud) -> None:
    before = cloud.aws.automations.count()
    cloud.aws.faults.lose_answer("ssm", "StartAutomationExecution", times=1)
    with pytest.raises(ActionFailed):
        restart.act()
    assert isinstance(restart.run(["yes"]), Done)
    assert cloud.aws.automations.count() == before + 1


@pytest.mark.parametrize(("minutes", "expected"), [(15, Working), (16, Failed)])
def test_a_start_of_long_ago_is_for_a_person_to_look_at(
    restart: Step, cloud: Cloud, minutes: int, expected: type
) -> None:
    """Nobody says for how long AWS remembers a token."""
    restart.attempt()
    cloud.aws.clock.move(timedelta(minutes=minutes))
    assert isinstance(restart.act(again=True), expected)


def test_another_attempt_is_another_execution(restart: Step, cloud: Cloud, document: str) -> None:
    before = cloud.aws.automations.count()
    restart.run(["no"])
    second = Step(RunAutomation(), restart.params, cloud, number=2, run_id=restart.run_id)
    assert isinstance(second.run(["yes"]), Done)
    assert cloud.aws.automations.count() == before + 2


def test_an_answer_that_has_arrived_is_not_sent_again(restart: Step, cloud: Cloud) -> None:
    restart.wait(restart.act())
    cloud.aws.faults.lose_answer("ssm", "SendAutomationSignal", times=1)
    with pytest.raises(ActionFailed):
        restart.act("yes")
    assert isinstance(restart.wait(restart.act("yes", again=True)), Done)
    assert cloud.changes("ssm").count("SendAutomationSignal") == 1


def test_a_failed_step_is_named_with_awss_reason(restart: Step, cloud: Cloud, document: str) -> None:
    cloud.aws.automations.fail_step(document, "start", "The instance does not exist.")
    ended = restart.run(["yes"])
    assert isinstance(ended, Failed)
    assert "start (Failed): The instance does not exist." in str(ended.why)


def test_an_automation_that_somebody_stops_is_a_failure(restart: Step, cloud: Cloud) -> None:
    restart.act()
    cloud.aws.client("ssm").stop_automation_execution(AutomationExecutionId=restart.memory["execution"])
    ended = restart.look()
    assert isinstance(ended, Failed)
    assert "Cancelled" in str(ended.why)


def test_an_approval_that_nobody_gives_in_time_is_a_failure(cloud: Cloud) -> None:
    content = {**CONTENT, "mainSteps": [{**CONTENT["mainSteps"][1], "timeoutSeconds": 60}]}
    waits = step(cloud, made(cloud, content))
    assert isinstance(waits.wait(waits.act()), Asks)
    cloud.aws.clock.move(timedelta(seconds=60))
    ended = waits.act("yes")
    if isinstance(ended, Working):
        ended = waits.look()
    assert isinstance(ended, Failed)
    assert "TimedOut" in str(ended.why)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"Nonsense": "1"}, "no parameter Nonsense"),
        ({"InstanceId": ("i-1", "i-2")}, "takes one value, not 2"),
        ({"Speed": "reckless"}, "cannot be reckless"),
    ],
)
def test_parameters_that_do_not_fit_are_told_before_anything_is_done(
    given: dict[str, Any], said: str, cloud: Cloud, document: str
) -> None:
    wrong = step(cloud, document, **given)
    plan = wrong.plan()
    assert plan.calls == ()
    assert said in str(plan.warnings[0])
    assert isinstance(wrong.act(), Failed)
    assert cloud.changes("ssm") == []


def test_a_missing_parameter_is_named(cloud: Cloud, document: str) -> None:
    params = Run(document=document)
    [warning] = RunAutomation().plan(params, cloud, Step(RunAutomation(), params, cloud).attempt()).warnings
    assert "needs the parameters InstanceId" in str(warning)


def test_lists_fit_where_the_document_takes_lists(cloud: Cloud, document: str) -> None:
    [call] = step(cloud, document, Groups=("a", "b"), Speed="fast").plan().calls
    assert call.parameters["Parameters"] == {"InstanceId": ["i-1"], "Groups": ["a", "b"], "Speed": ["fast"]}


def test_a_document_that_is_missing_or_of_another_kind_is_refused(cloud: Cloud) -> None:
    with pytest.raises(ActionFailed, match="no automation document Restart-none"):
        step(cloud, "Restart-none").plan()
    command = made(cloud, {**CONTENT, "mainSteps": []}, kind="Command")
    assert "of type Command" in str(step(cloud, command).plan().warnings[0])
