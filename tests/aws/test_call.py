"""`aws.call` is idempotent for nobody: it asks before it would send a second time."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.aws import ACTIONS
from bot.aws.call import AnyCall, Call
from bot.aws.session import Session
from bot.playbook.action import Asks, Done, Failed, Working
from bot.playbook.stored import decode, encode
from tests.aws.fakes import Dynamo, Recorded, World, attempt, refused

PROTECT = {
    "service": "dynamodb",
    "operation": "UpdateTable",
    "parameters": {"TableName": "orders", "DeletionProtectionEnabled": True},
    "poll": {"operation": "DescribeTable", "parameters": {"TableName": "orders"}},
    "until": "Table.TableStatus == 'ACTIVE'",
    "succeeds": "Table.DeletionProtectionEnabled",
    "output": "Table.TableStatus",
}


def params(**changes: Any) -> AnyCall:
    return AnyCall.model_validate({**PROTECT, **changes})


class Backups(Recorded):
    """A service whose jobs have ids."""

    api = "backup"
    state = "RUNNING"

    def fake_start_restore_job(self, **_: Any) -> Any:
        return {"RestoreJobId": "job-1"}

    def fake_describe_restore_job(self, RestoreJobId: str) -> Any:  # noqa: N803  # AWS's own name
        return {"RestoreJobId": RestoreJobId, "Status": self.state, "CreationDate": datetime(2026, 11, 23, tzinfo=UTC)}


RESTORE = {
    "service": "backup",
    "operation": "StartRestoreJob",
    "parameters": {"RecoveryPointArn": "arn:aws:backup:x", "Metadata": {}},
    "poll": {"operation": "DescribeRestoreJob", "from": {"RestoreJobId": "RestoreJobId"}},
    "until": "Status == 'COMPLETED'",
    "fails": "Status == 'FAILED'",
    "output": "CreationDate",
}


def test_the_plan_is_the_very_call(world: World, dynamodb: Dynamo, orders: str) -> None:
    planned = Call().plan(params(), world, attempt())
    assert [(one.operation, dict(one.parameters)) for one in planned.calls] == [("UpdateTable", PROTECT["parameters"])]
    assert planned.touches == ("dynamodb:us-east-1:UpdateTable",)
    assert Call().plan(params(touches=["dynamodb:us-east-1:orders"]), world, attempt()).touches == (
        "dynamodb:us-east-1:orders",
    )
    assert dynamodb.calls == []


def test_a_plan_never_shows_a_call_that_botocore_would_refuse(world: World) -> None:
    with pytest.raises(Exception, match="UpdateTable needs the parameter TableName"):
        Call().plan(params(parameters={}), world, attempt())


def test_it_calls_once_looks_until_it_is_over_and_gives_its_output(world: World, dynamodb: Dynamo, orders: str) -> None:
    dynamodb.described["orders"] = {"TableStatus": "UPDATING"}
    assert isinstance(Call().act(params(), world, attempt()), Working)
    dynamodb.described.clear()
    done = Call().look(params(), world, attempt(10))
    assert isinstance(done, Done)
    assert done.output == {"result": "ACTIVE"}
    assert dynamodb.count("update_table") == 1


def test_what_must_be_true_at_the_end_and_is_not_is_a_failure(world: World, dynamodb: Dynamo, orders: str) -> None:
    dynamodb.described["orders"] = {"DeletionProtectionEnabled": False}
    failed = Call().act(params(), world, attempt())
    assert isinstance(failed, Failed)
    assert "Table.DeletionProtectionEnabled is not true" in str(failed.why)


def test_after_a_crash_it_asks_and_calls_nothing(world: World, dynamodb: Dynamo, orders: str) -> None:
    asked = Call().act(params(), world, replace(attempt(), again=True))
    assert isinstance(asked, Asks)
    assert "Was dynamodb UpdateTable done?" in str(asked.question)
    assert dynamodb.calls == []


def test_it_was_done_it_looks_and_does_not_call_again(world: World, dynamodb: Dynamo, orders: str) -> None:
    dynamodb.described["orders"] = {"DeletionProtectionEnabled": True}
    assert isinstance(Call().act(params(), world, replace(attempt(), answer="yes")), Done)
    assert dynamodb.count("update_table") == 0


def test_it_was_not_done_it_calls(world: World, dynamodb: Dynamo, orders: str) -> None:
    assert isinstance(Call().act(params(), world, replace(attempt(), answer="no")), Done)
    assert dynamodb.count("update_table") == 1


def test_an_answer_is_followed_however_often_the_act_was_begun(world: World, dynamodb: Dynamo, orders: str) -> None:
    """The run gives it to one call only; were it asked for again, nobody would ever get on."""
    assert isinstance(Call().act(params(), world, replace(attempt(), answer="no", again=True)), Done)
    assert dynamodb.count("update_table") == 1


def test_its_parameters_survive_being_stored() -> None:
    wanted = AnyCall.model_validate(RESTORE)
    assert AnyCall.model_validate(decode(encode(wanted.model_dump()))) == wanted


@pytest.mark.parametrize("code", ["ReadTimeoutError", "InternalServerError"])
def test_when_nobody_knows_whether_it_was_done_a_person_is_asked(
    world: World, dynamodb: Dynamo, orders: str, code: str
) -> None:
    dynamodb.fail_after["update_table"] = refused(code, retry=True)
    assert isinstance(Call().act(params(), world, attempt()), Asks)


@pytest.mark.parametrize(("code", "retry"), [("ValidationException", False), ("ConnectTimeoutError", True)])
def test_what_was_surely_not_done_fails_as_ever(
    world: World, dynamodb: Dynamo, orders: str, code: str, retry: bool
) -> None:
    dynamodb.fail_before["update_table"] = refused(code, retry=retry)
    with pytest.raises(Exception, match=code):
        Call().act(params(), world, attempt())


def test_looking_goes_on_when_one_look_does_not_work(world: World, dynamodb: Dynamo, orders: str) -> None:
    dynamodb.fail_before["describe_table"] = refused("Throttling", retry=True)
    assert isinstance(Call().act(params(), world, attempt()), Working)
    assert dynamodb.count("update_table") == 1


def test_a_read_may_be_sent_again_and_is_its_own_look(world: World, dynamodb: Dynamo, orders: str) -> None:
    read = params(operation="DescribeTable", parameters={"TableName": "orders"}, poll=None, succeeds=None)
    dynamodb.described["orders"] = {"TableStatus": "UPDATING"}
    assert isinstance(Call().act(read, world, replace(attempt(), again=True)), Working)
    dynamodb.described.clear()
    assert isinstance(Call().look(read, world, attempt(5)), Done)


def test_what_the_answer_names_is_looked_at_and_kept_through_every_look(session: Session) -> None:
    backups = Backups()
    world, wanted = World(session, backup=backups), AnyCall.model_validate(RESTORE)
    first = Call().act(wanted, world, attempt())
    assert isinstance(first, Working)
    second = Call().look(wanted, world, attempt(5, first.memory))
    assert isinstance(second, Working)
    backups.state = "COMPLETED"
    done = Call().look(wanted, world, attempt(10, second.memory))
    assert isinstance(done, Done)
    assert done.output == {"result": "2026-11-23T00:00:00+00:00"}
    backups.state = "FAILED"
    assert isinstance(Call().look(wanted, world, attempt(15, second.memory)), Failed)


def test_an_answer_that_is_lost_with_the_id_in_it_is_told(session: Session) -> None:
    failed = Call().act(AnyCall.model_validate(RESTORE), World(session), replace(attempt(), answer="yes"))
    assert isinstance(failed, Failed)
    assert "RestoreJobId" in str(failed.why)


def test_a_token_that_aws_takes_is_the_same_for_the_same_attempt(session: Session) -> None:
    backups = Backups()
    world, wanted = World(session, backup=backups), AnyCall.model_validate(RESTORE)
    given = {**RESTORE, "parameters": {**RESTORE["parameters"], "IdempotencyToken": "mine"}}  # type: ignore[dict-item]
    for one in (wanted, wanted, AnyCall.model_validate(given)):
        Call().act(one, world, attempt())
    tokens = [sent.get("IdempotencyToken") for name, sent in backups.calls if name == "start_restore_job"]
    assert tokens[2] == "mine"
    assert tokens[0] == tokens[1]


def test_another_region_is_called_where_it_says_so(session: Session) -> None:
    seen: list[str | None] = []

    class Where(World):
        def client(self, service: str, region: str | None = None) -> Any:
            seen.append(region)
            return super().client(service, region)

    backups = Backups()
    Call().act(AnyCall.model_validate({**RESTORE, "region": "us-west-2"}), Where(session, backup=backups), attempt())
    assert seen == ["us-west-2", "us-west-2"]


def test_its_facts_are_those_of_the_call() -> None:
    facts = ACTIONS["aws.call"].facts
    change = facts.given(PROTECT)
    assert (change.kind, change.plane, change.looks_up) == ("action", "control", False)
    assert change.permissions == ("dynamodb:DescribeTable", "dynamodb:UpdateTable")
    assert change.calls == ("dynamodb:DescribeTable", "dynamodb:UpdateTable")
    assert change.outputs == {"result": "str"}
    read = facts.given({"service": "ecs", "operation": "DescribeServices"})
    assert (read.kind, read.looks_up, read.outputs) == ("check", True, {})
    assert facts.given({"service": "route53", "operation": "ChangeResourceRecordSets"}).plane == "global-control"
    assert facts.given({"service": "dynamodb", "operation": "GetItem"}).looks_up is False
    for nonsense in ({}, {"service": 1, "operation": []}, {"service": "nope", "operation": "Nope", "output": "["}):
        assert facts.given(nonsense).name == "aws.call"
