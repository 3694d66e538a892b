"""dynamodb.reapply_settings: each setting that a restore loses."""

import json
from datetime import timedelta
from typing import Any

import pytest

from bot.aws.dynamodb.reapply import ReapplySettings, Settings
from bot.aws.dynamodb.restore import Restore, RestorePitr
from bot.aws.dynamodb.settings import SETTINGS, snapshot
from bot.errors import ActionFailed, Refused
from bot.playbook.action import Done, Failed, Working
from tests.aws.fakes import T0, Dynamo, Recorded, World, attempt, refused

TARGET = "orders-lb-inc-7"
PARAMS = Settings(like="orders", to=TARGET)
STREAM = "arn:aws:kinesis:us-east-1:123456789012:stream/changes"


def arn(dynamodb: Dynamo, table: str) -> str:
    return str(dynamodb._client.describe_table(TableName=table)["Table"]["TableArn"])


def restore(world: World, dynamodb: Dynamo, *, on_demand: bool = False) -> None:
    RestorePitr().act(Restore(table="orders", at=T0, on_demand=on_demand), world, attempt())
    dynamodb.restoring.clear()
    if on_demand:  # moto ignores BillingModeOverride
        dynamodb.described[TARGET] = {"BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"}}


@pytest.fixture
def bare(orders: str, world: World, dynamodb: Dynamo) -> Dynamo:
    """A restored table whose source has nothing but point-in-time recovery, and that has nothing."""
    restore(world, dynamodb)
    return dynamodb


def read(key: str, table: str, world: World, dynamodb: Dynamo) -> Any:
    setting = next(setting for setting in SETTINGS if setting.key == key)
    return setting.read(world, dynamodb.describe_table(TableName=table)["Table"])


def set_tags(dynamodb: Dynamo, world: World) -> None:
    tags = [{"Key": "class", "Value": "critical"}, {"Key": "team", "Value": "shop"}]
    dynamodb._client.tag_resource(ResourceArn=arn(dynamodb, "orders"), Tags=tags)


def set_time_to_live(dynamodb: Dynamo, world: World) -> None:
    specification = {"Enabled": True, "AttributeName": "expires"}
    dynamodb._client.update_time_to_live(TableName="orders", TimeToLiveSpecification=specification)


def set_recovery(dynamodb: Dynamo, world: World) -> None:
    dynamodb.recovery_period["orders"] = 7


def set_policy(dynamodb: Dynamo, world: World) -> None:
    table = arn(dynamodb, "orders")
    statement = {"Effect": "Allow", "Principal": "*", "Action": "dynamodb:GetItem", "Resource": f"{table}/index/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    dynamodb._client.put_resource_policy(ResourceArn=table, Policy=policy)


def set_insights(dynamodb: Dynamo, world: World) -> None:
    dynamodb.insights = {("orders", ""): "THROTTLED_KEYS", ("orders", "by-customer"): "ACCESSED_AND_THROTTLED_KEYS"}


def set_kinesis(dynamodb: Dynamo, world: World) -> None:
    dynamodb.kinesis["orders"] = {STREAM: "MICROSECOND"}


def set_scaling(dynamodb: Dynamo, world: World) -> None:
    scaling = world.client("application-autoscaling")
    for part in ("", "/index/by-customer"):
        where = {
            "ServiceNamespace": "dynamodb",
            "ResourceId": f"table/orders{part}",
            "ScalableDimension": f"dynamodb:{'index' if part else 'table'}:WriteCapacityUnits",
        }
        scaling.register_scalable_target(**where, MinCapacity=5, MaxCapacity=500)
        scaling.put_scaling_policy(
            **where,
            PolicyName="writes",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": 70.0,
                "PredefinedMetricSpecification": {"PredefinedMetricType": "DynamoDBWriteCapacityUtilization"},
            },
        )
        scaling.put_scheduled_action(
            **where,
            ScheduledActionName="morning",
            Schedule="cron(0 8 * * ? *)",
            ScalableTargetAction={"MinCapacity": 50},
        )


def set_protection(dynamodb: Dynamo, world: World) -> None:
    dynamodb._client.update_table(TableName="orders", DeletionProtectionEnabled=True)


def set_stream(dynamodb: Dynamo, world: World) -> None:
    specification = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    dynamodb._client.update_table(TableName="orders", StreamSpecification=specification)


SET = {
    "tags": set_tags,
    "time_to_live": set_time_to_live,
    "point_in_time_recovery": set_recovery,
    "resource_policy": set_policy,
    "contributor_insights": set_insights,
    "kinesis_destination": set_kinesis,
    "auto_scaling": set_scaling,
    "deletion_protection": set_protection,
    "stream": set_stream,
}


def test_every_setting_has_its_test() -> None:
    assert set(SET) == {setting.key for setting in SETTINGS}


@pytest.mark.parametrize("key", SET)
def test_a_setting_is_carried_once_and_then_left_alone(key: str, bare: Dynamo, world: World) -> None:
    SET[key](bare, world)
    wanted = read(key, "orders", world, bare)
    assert wanted is not None
    assert read(key, TARGET, world, bare) is None

    plan = ReapplySettings().plan(PARAMS, world, attempt())
    assert isinstance(ReapplySettings().act(PARAMS, world, attempt()), Done)
    assert read(key, TARGET, world, bare) == wanted
    assert read(key, "orders", world, bare) == wanted
    assert plan.calls

    bare.calls.clear()
    assert ReapplySettings().plan(PARAMS, world, attempt()).calls == ()
    assert isinstance(ReapplySettings().act(PARAMS, world, attempt()), Done)
    assert bare.changes == []


def test_all_settings_at_once_are_what_the_plan_showed(bare: Dynamo, world: World, scaling: Recorded) -> None:
    for turn_on in SET.values():
        turn_on(bare, world)
    bare.calls.clear()
    scaling.calls.clear()
    plan = ReapplySettings().plan(PARAMS, world, attempt())
    assert bare.changes == scaling.changes == []
    json.dumps([call.parameters for call in plan.calls])
    assert plan.touches == (f"dynamodb:us-east-1:{TARGET}",)
    done = ReapplySettings().act(PARAMS, world, attempt())
    assert isinstance(done, Done)
    assert set(done.output) == set(ReapplySettings.facts.outputs)
    assert len(bare.changes + scaling.changes) == len(plan.calls)
    assert snapshot(world, TARGET) == snapshot(world, "orders")


def test_changes_of_the_table_itself_are_one_call_and_the_last(bare: Dynamo, world: World) -> None:
    for turn_on in SET.values():
        turn_on(bare, world)
    operations = [call.operation for call in ReapplySettings().plan(PARAMS, world, attempt()).calls]
    assert operations.count("UpdateTable") == 1
    assert operations[-1] == "UpdateTable"


def test_the_policy_names_the_restored_table(bare: Dynamo, world: World) -> None:
    set_policy(bare, world)
    ReapplySettings().act(PARAMS, world, attempt())
    policy = bare._client.get_resource_policy(ResourceArn=arn(bare, TARGET))["Policy"]
    assert json.loads(policy)["Statement"][0]["Resource"] == f"{arn(bare, TARGET)}/index/*"


def test_tags_of_aws_are_not_written(bare: Dynamo, world: World) -> None:
    tags = [{"Key": "aws:cloudformation:stack-name", "Value": "shop"}]
    bare.instead["list_tags_of_resource"] = lambda **_: {"Tags": tags}
    assert "TagResource" not in [c.operation for c in ReapplySettings().plan(PARAMS, world, attempt()).calls]


def test_tags_are_read_page_by_page(bare: Dynamo, world: World) -> None:
    pages = {
        "": {"Tags": [{"Key": "a", "Value": "1"}], "NextToken": "more"},
        "more": {"Tags": [{"Key": "b", "Value": "2"}]},
    }
    bare.instead["list_tags_of_resource"] = lambda ResourceArn, NextToken="": pages[NextToken]  # noqa: N803
    assert read("tags", "orders", world, bare) == {"a": "1", "b": "2"}


def test_what_only_the_restored_table_has_stays(bare: Dynamo, world: World) -> None:
    bare._client.tag_resource(ResourceArn=arn(bare, TARGET), Tags=[{"Key": "incident", "Value": "inc-7"}])
    set_tags(bare, world)
    assert isinstance(ReapplySettings().act(PARAMS, world, attempt()), Done)
    tags = read("tags", TARGET, world, bare)
    assert tags == {"class": "critical", "team": "shop", "incident": "inc-7"}


def test_auto_scaling_is_left_to_people_when_the_table_is_billed_per_request(
    orders: str, world: World, dynamodb: Dynamo
) -> None:
    restore(world, dynamodb, on_demand=True)
    set_scaling(dynamodb, world)
    done = ReapplySettings().act(PARAMS, world, attempt())
    assert isinstance(done, Done)
    assert read("auto_scaling", TARGET, world, dynamodb) is None
    assert "billed per request" in done.output["left"]


def test_what_no_api_carries_is_named(bare: Dynamo, world: World) -> None:
    set_stream(bare, world)
    bare.described["orders"] = {"Replicas": [{"RegionName": "eu-west-1"}]}
    left = ReapplySettings().act(PARAMS, world, attempt()).output["left"]  # type: ignore[union-attr]
    for word in ("CloudWatch alarms", "Terraform", "stream has a new ARN", "replicas"):
        assert word in left


@pytest.mark.parametrize(
    ("like", "to"), [("orders", "carts"), (TARGET, "orders"), ("carts", TARGET), ("orders", "orders")]
)
def test_a_table_that_was_not_restored_from_the_other_is_never_written(
    like: str, to: str, bare: Dynamo, world: World
) -> None:
    bare._client.create_table(
        TableName="carts",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    bare.calls.clear()
    with pytest.raises(Refused):
        ReapplySettings().act(Settings(like=like, to=to), world, attempt())
    assert bare.changes == []


def test_a_missing_table_is_named(bare: Dynamo, world: World) -> None:
    with pytest.raises(ActionFailed, match="no table gone"):
        ReapplySettings().act(Settings(like="gone", to=TARGET), world, attempt())


def test_one_refused_setting_does_not_cost_the_others(bare: Dynamo, world: World) -> None:
    set_tags(bare, world)
    set_time_to_live(bare, world)
    bare.fail_before["tag_resource"] = refused("AccessDeniedException")
    with pytest.raises(ActionFailed) as caught:
        ReapplySettings().act(PARAMS, world, attempt())
    assert (caught.value.code, caught.value.retry) == ("AccessDeniedException", False)
    assert read("time_to_live", TARGET, world, bare) == "expires"

    bare.fail_before.clear()
    bare.calls.clear()
    assert isinstance(ReapplySettings().act(PARAMS, world, attempt()), Done)
    assert bare.changes == ["tag_resource"]


def test_one_unreadable_setting_does_not_cost_the_others(bare: Dynamo, world: World) -> None:
    set_time_to_live(bare, world)
    bare.fail_before["describe_contributor_insights"] = refused("AccessDeniedException")
    plan = ReapplySettings().plan(PARAMS, world, attempt())
    assert "AccessDeniedException" in [str(warning) for warning in plan.warnings]
    with pytest.raises(ActionFailed):
        ReapplySettings().act(PARAMS, world, attempt())
    assert read("time_to_live", TARGET, world, bare) == "expires"
    with pytest.raises(ActionFailed):
        ReapplySettings().look(PARAMS, world, attempt())


def test_a_table_that_is_busy_is_tried_again(bare: Dynamo, world: World) -> None:
    set_stream(bare, world)
    bare.fail_before["update_table"] = refused("ResourceInUseException", retry=True)
    with pytest.raises(ActionFailed) as caught:
        ReapplySettings().act(PARAMS, world, attempt())
    assert caught.value.retry


def test_a_change_that_does_not_show_is_awaited_and_then_named(bare: Dynamo, world: World) -> None:
    set_time_to_live(bare, world)
    patience = timedelta(minutes=5).total_seconds()
    assert isinstance(ReapplySettings().look(PARAMS, world, attempt(patience)), Working)
    failed = ReapplySettings().look(PARAMS, world, attempt(patience + 1))
    assert isinstance(failed, Failed)
    assert "time to live" in str(failed.why)


def test_it_is_not_done_while_the_table_is_updating(bare: Dynamo, world: World) -> None:
    bare.described[TARGET] = {"TableStatus": "UPDATING"}
    assert isinstance(ReapplySettings().act(PARAMS, world, attempt()), Working)
