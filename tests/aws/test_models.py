from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.validate import ParamValidator

from bot.aws import models
from bot.aws.planes import DATA, GLOBAL_CONTROL, plane
from bot.playbook.action import Call, Some

RESTORE = {"TargetTableName": "orders-2", "SourceTableName": "orders", "RestoreDateTime": "2026-11-23T03:40:00+00:00"}


def faults(service: str, operation: str, parameters: dict[str, Any]) -> list[tuple[tuple[Any, ...], str]]:
    found = models.parameter_faults(service, operation, parameters)
    return [(one.path, f"{one.what} {one.todo}") for one in found]


def test_a_call_that_botocore_would_send_has_no_problems() -> None:
    assert models.problems_of(Call("dynamodb", "RestoreTableToPointInTime", RESTORE)) == []


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (Call("dynamo", "DescribeTable", {}), "AWS has no service dynamo. Did you mean dynamodb?"),
        (Call("dynamodb", "DescribeTabel", {}), "dynamodb has no operation DescribeTabel. Did you mean DescribeTable?"),
        (Call("dynamodb", "DescribeTable", {}), "DescribeTable needs the parameter TableName. Add it."),
        (Call("dynamodb", "DescribeTable", {"TableName": 7}), "TableName is 7; DescribeTable wants a text."),
        (Call("dynamodb", "DescribeTable", {"TableName": ""}), "TableName is too small or too short: 1 is the least."),
        (Call("sts", "GetCallerIdentity", {"Account": "1"}), "GetCallerIdentity has no parameter Account."),
    ],
)
def test_a_call_that_botocore_would_refuse_is_told_in_our_words(call: Call, says: str) -> None:
    [problem] = models.problems_of(call)
    assert str(problem).startswith(f"{call.service}:{call.operation}: {says}")


def test_the_values_of_an_enumeration_are_lints_business_and_not_the_plans() -> None:
    """botocore sends a value that it does not know: AWS may have it since yesterday."""
    new = {"TableName": "orders", "BillingMode": "FREE"}
    assert models.problems_of(Call("dynamodb", "UpdateTable", new)) == []
    assert faults("dynamodb", "UpdateTable", new) == [
        (("BillingMode",), "BillingMode cannot be 'FREE'. Known: PAY_PER_REQUEST, PROVISIONED.")
    ]


def test_a_misspelled_parameter_is_one_fault_and_not_a_missing_one_too() -> None:
    [(path, says)] = faults("dynamodb", "DescribeTable", {"TableNmae": "orders"})
    assert path == ("TableNmae",)
    assert "Did you mean TableName?" in says


def test_faults_stand_where_they_are() -> None:
    weights = {"ForwardConfig": {"TargetGroups": [{"TargetGroupArn": "arn", "Weight": "all"}]}, "Type": "forward"}
    [(path, _)] = faults("elbv2", "ModifyRule", {"RuleArn": "arn", "Actions": [weights]})
    assert path == ("Actions", 0, "ForwardConfig", "TargetGroups", 0, "Weight")


def test_of_a_union_exactly_one_is_given() -> None:
    shape = models.service_model("arc-region-switch").shape_for("ExecutionBlockConfiguration")
    assert shape.is_tagged_union
    [fault] = models._Reading("CreatePlan", exact=True).value(shape, {}, ("configuration",))
    assert "exactly one" in str(fault.what)


@pytest.mark.parametrize(
    ("type_", "fits"),
    [
        ("dynamodb.table", True),
        ("str", True),
        ("", True),
        ("int", False),
        ("bool", False),
        ("list", False),
        ("time", False),
    ],
)
def test_what_only_the_run_will_know_fits_by_its_type(type_: str, fits: bool) -> None:
    assert (faults("dynamodb", "DescribeTable", {"TableName": Some(type_)}) == []) is fits


def test_times_are_sent_as_times() -> None:
    for at in (datetime(2026, 11, 23, tzinfo=UTC), "2026-11-23T00:00:00+00:00", 1_700_000_000, Some("time")):
        assert faults("dynamodb", "RestoreTableToPointInTime", RESTORE | {"RestoreDateTime": at}) == []
    assert faults("dynamodb", "RestoreTableToPointInTime", RESTORE | {"RestoreDateTime": "soon"}) != []


@pytest.mark.parametrize("value", ["text", 1, 1.5, True, None, [], ["a"], {}, {"a": 1}, b"x", Some()])
@pytest.mark.parametrize(
    ("service", "operation", "name"),
    [
        ("dynamodb", "UpdateTable", "TableName"),
        ("dynamodb", "UpdateTable", "DeletionProtectionEnabled"),
        ("dynamodb", "UpdateTable", "ProvisionedThroughput"),
        ("dynamodb", "UpdateTable", "GlobalSecondaryIndexUpdates"),
        ("dynamodb", "RestoreTableToPointInTime", "RestoreDateTime"),
        ("ecs", "UpdateService", "desiredCount"),
        ("lambda", "Invoke", "Payload"),
    ],
)
def test_we_refuse_the_types_that_botocore_refuses_and_no_others(
    service: str, operation: str, name: str, value: Any
) -> None:
    shape = models.operation_model(service, operation).input_shape.members[name]
    mine = list(models._Reading(operation, exact=False).value(shape, value, (name,)))
    if isinstance(value, Some):
        assert mine == []
        return
    if value is True and shape.type_name != "boolean":
        assert mine  # botocore lets it pass, because Python counts it as a number
        return
    theirs = ParamValidator().validate(value, shape)
    assert bool(mine) == theirs.has_errors(), theirs.generate_report()


def test_every_service_of_the_planes_exists_and_every_pattern_names_an_operation() -> None:
    for table in (GLOBAL_CONTROL, DATA):
        for service, pattern in table.items():
            model = models.service_model(service)
            assert model is not None, service
            assert any(pattern.match(operation) for operation in model.operation_names), service


def test_the_plane_of_a_call_is_what_it_depends_on() -> None:
    assert plane("route53", "ChangeResourceRecordSets") == "global-control"
    assert plane("s3", "PutBucketPolicy") == "global-control"
    assert plane("s3", "PutObject") == "data"
    assert plane("route53-recovery-cluster", "UpdateRoutingControlState") == "data"
    assert plane("arc-zonal-shift", "StartZonalShift") == "data"
    assert plane("ecs", "UpdateService") == "control"
    assert plane("elbv2", "CreateLoadBalancer") == "global-control"


def test_permissions_carry_the_prefix_that_iam_uses() -> None:
    assert models.permission("elbv2", "ModifyRule") == "elasticloadbalancing:ModifyRule"
    assert models.permission("cloudwatch", "DescribeAlarms") == "cloudwatch:DescribeAlarms"
