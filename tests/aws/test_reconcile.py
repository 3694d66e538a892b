"""Copies of tables: ready, caught up, and every write against the fence listed."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.aws.dynamodb.reconcile import Reconcile, Sides
from bot.aws.dynamodb.replicas import Copies, Paused, ReplicasReady, ReplicationCaughtUp
from bot.errors import ActionFailed
from bot.playbook.action import Asks, Done, Failed, Working
from bot.rehearsal.aws.emulator import EmulatedAws
from bot.rehearsal.aws.moto_app import backend
from tests.aws.rehearsed import Cloud, Step

HOME, STANDBY = "us-east-1", "us-west-2"
BUCKET = "shop-lists"


class World:
    """A global table, and a bucket at home for the list."""

    def __init__(self, aws: EmulatedAws) -> None:
        self.aws, self.cloud = aws, Cloud(aws, HOME)
        self.since = aws.clock.now()

    def put(self, region: str, key: str, total: str) -> None:
        self.aws.client("dynamodb", region).put_item(TableName="orders", Item={"id": {"S": key}, "total": {"N": total}})

    def later(self, seconds: float) -> None:
        self.aws.clock.move(timedelta(seconds=seconds))

    def fail_over(self) -> None:
        """From now on the standby has the pen."""
        self.since = self.aws.clock.now()

    def reconciling(self, **given: Any) -> Step:
        params = Sides(tables=("orders",), old=HOME, kept=STANDBY, since=self.since, bucket=BUCKET, **given)
        return Step(Reconcile(), params, self.cloud)

    def listed(self, step: Step) -> dict[str, dict[str, Any]]:
        """The list in S3, by the key of the item."""
        key = f"lifeboat/{step.incident}/{step.run_id}/switch/orders.json"
        body = self.aws.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return {one["key"]["id"]["S"]: one for one in json.loads(body)["writes"]}


@pytest.fixture
def world(emulated: EmulatedAws) -> World:
    emulated.outages.forget()
    emulated.global_tables.forget()
    for region in (HOME, STANDBY):
        backend("dynamodb", region).reset()
        backend("cloudwatch", region).reset()
    home = emulated.client("dynamodb", HOME)
    home.create_table(
        TableName="orders", BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )  # fmt: skip
    home.update_table(TableName="orders", ReplicaUpdates=[{"Create": {"RegionName": STANDBY}}])
    emulated.client("s3").create_bucket(Bucket=BUCKET)
    emulated.clock.move(timedelta(seconds=60))
    return World(emulated)


def test_a_table_that_is_a_copy_is_ready_and_the_other_region_is_not_asked(world: World) -> None:
    world.aws.outages.darken_region(HOME)
    world.aws.calls.clear()
    standby = Cloud(world.aws, STANDBY)
    params = Copies(tables=("orders",), other=HOME)
    assert isinstance(ReplicasReady().look(params, standby, Step(None, None, standby).attempt()), Done)
    assert {call.region for call in world.aws.calls} == {STANDBY}


def test_a_table_that_is_missing_or_no_copy_is_not_ready(world: World) -> None:
    standby = Cloud(world.aws, STANDBY)
    attempt = Step(None, None, standby).attempt()
    gone = ReplicasReady().look(Copies(tables=("carts",), other=HOME), standby, attempt)
    alone = ReplicasReady().look(Copies(tables=("orders",), other="eu-west-1"), standby, attempt)
    assert isinstance(gone, Failed)
    assert isinstance(alone, Failed)
    assert "no copy" in str(alone.why)


def caught_up(world: World, **given: Any) -> Step:
    return Step(ReplicationCaughtUp(), Paused(tables=("orders",), other=STANDBY, **given), world.cloud)


def test_writes_stand_still_for_ten_times_the_longest_delay(world: World) -> None:
    world.aws.global_tables.lag = 4
    world.put(STANDBY, "a", "1")
    world.later(30)
    paused = world.aws.clock.now()
    step = caught_up(world, paused_at=paused)
    assert isinstance(ReplicationCaughtUp().look(step.params, world.cloud, step.attempt()), Working)
    done = step.wait(step.look())
    assert isinstance(done, Done)
    assert world.aws.clock.now() - paused >= timedelta(seconds=40)
    assert done.output["longest"] == "4s"
    world.aws.global_tables.lag = 1


def test_a_delay_that_is_not_back_to_usual_is_waited_for(world: World) -> None:
    """The backlog of a region that has just returned has waited for hours."""
    world.put(HOME, "a", "1")
    world.aws.outages.darken_region(HOME)
    world.later(3600)
    world.aws.outages.light_region(HOME)
    world.later(60)
    step = caught_up(world)
    found = step.look()
    assert isinstance(found, Working)
    assert "3" in str(found.note)
    world.later(15 * 60)
    assert isinstance(step.wait(step.look()), Done)


def test_where_nothing_was_written_nothing_better_than_usual_is_assumed(world: World) -> None:
    world.later(3600)
    paused = world.aws.clock.now()
    step = caught_up(world, paused_at=paused, normal="5s")
    assert isinstance(step.wait(step.look()), Done)
    assert world.aws.clock.now() - paused >= timedelta(seconds=50)


def conflict(world: World) -> None:
    """Home takes a write against the fence, and is cut off before it has crossed; then the standby writes the same item."""
    world.fail_over()
    world.put(HOME, "a", "1")
    world.aws.outages.darken_region(HOME)
    world.later(30)
    world.put(STANDBY, "a", "2")
    world.later(30)
    world.aws.outages.light_region(HOME)
    world.later(30)


def test_a_write_that_lost_against_a_later_one_is_listed_and_the_owner_is_asked(world: World) -> None:
    conflict(world)
    step = world.reconciling()
    asked = step.act()
    assert isinstance(asked, Asks)
    assert "orders: a" in step.questions[0]
    listed = world.listed(step)
    assert listed["a"]["fate"] == "lost"
    assert listed["a"]["written"] == {"id": {"S": "a"}, "total": {"N": "1"}}
    done = step.act("yes")
    assert isinstance(done, Done)
    assert (done.output["lost"], done.output["replaced"], done.output["keys"]) == (1, 0, ["orders: a"])
    assert done.output["report"].startswith(f"s3://{BUCKET}/")


def test_a_late_write_that_replaced_a_newer_truth_is_listed(world: World) -> None:
    world.fail_over()
    world.put(STANDBY, "a", "2")
    world.aws.outages.darken_region(STANDBY)
    world.later(30)
    world.put(HOME, "a", "1")  # against the fence, and later: it wins
    world.later(30)
    world.aws.outages.light_region(STANDBY)
    world.later(30)
    step = world.reconciling()
    assert isinstance(step.act(), Asks)
    assert world.listed(step)["a"]["fate"] == "replaced"


def test_a_write_over_what_the_other_region_wrote_is_listed_even_if_it_saw_it(world: World) -> None:
    """Home is back, has everything, and nobody has told it that it may not write."""
    world.fail_over()
    world.put(STANDBY, "a", "2")
    world.later(60)
    world.put(HOME, "a", "3")
    world.later(60)
    step = world.reconciling()
    assert isinstance(step.act(), Asks)
    assert world.listed(step)["a"]["fate"] == "replaced"


def test_writing_over_its_own_write_replaces_nothing_of_the_other_region(world: World) -> None:
    world.put(HOME, "a", "1")
    world.later(60)
    world.fail_over()
    world.later(5)
    world.put(HOME, "a", "2")
    world.later(30)
    world.put(HOME, "a", "3")
    world.later(30)
    step = world.reconciling()
    done = step.act()
    assert isinstance(done, Done)
    assert (done.output["replaced"], done.output["arrived"]) == (0, 2)


def test_a_write_that_was_in_nobodys_way_is_listed_and_nobody_is_asked(world: World) -> None:
    world.aws.outages.darken_region(STANDBY)
    world.fail_over()
    world.put(HOME, "a", "1")
    world.later(30)
    world.aws.outages.light_region(STANDBY)
    world.later(30)
    step = world.reconciling()
    done = step.act()
    assert isinstance(done, Done)
    assert (done.output["arrived"], world.listed(step)["a"]["fate"]) == (1, "arrived")


def test_what_the_other_region_wrote_is_not_taken_for_a_write_against_the_fence(world: World) -> None:
    world.aws.outages.darken_region(HOME)
    world.fail_over()
    for number in range(5):
        world.put(STANDBY, f"new-{number}", "1")
    world.later(60)
    world.aws.outages.light_region(HOME)
    world.later(30)
    step = world.reconciling()
    done = step.act()
    assert isinstance(done, Done)
    assert (done.output["lost"], done.output["arrived"], world.listed(step)) == (0, 0, {})


def test_a_write_from_before_the_fence_that_had_not_crossed_is_judged_too(world: World) -> None:
    world.put(HOME, "late", "1")
    world.aws.outages.darken_region(HOME)
    world.later(60)
    world.fail_over()
    world.put(STANDBY, "late", "2")
    world.later(60)
    world.aws.outages.light_region(HOME)
    world.later(30)
    step = world.reconciling()
    assert isinstance(step.act(), Asks)
    assert world.listed(step)["late"]["fate"] == "lost"


def test_the_tables_are_not_touched(world: World) -> None:
    conflict(world)
    world.aws.calls.clear()
    step = world.reconciling()
    step.act()
    step.act("yes")
    assert world.cloud.changes("dynamodb") == []


def test_the_owner_has_not_decided_yet(world: World) -> None:
    conflict(world)
    step = world.reconciling()
    step.act()
    refused = step.act("no")
    assert isinstance(refused, Failed)
    assert "s3://" in str(refused.why)


def test_more_than_can_be_compared_here_says_so(world: World) -> None:
    world.fail_over()
    for number in range(4):
        world.put(STANDBY, f"{number}", "1")
    world.later(30)
    with pytest.raises(ActionFailed, match="exports"):
        world.reconciling(cap=3).act()
    assert isinstance(world.reconciling(cap=4).act(), Done)


def test_streams_that_no_longer_have_the_fence_are_told_of(world: World) -> None:
    world.fail_over()
    world.later(25 * 3600)
    plan = world.reconciling().plan()
    assert any("24 hours" in str(said) for said in plan.warnings)


def test_it_goes_on_where_it_was_and_a_crash_writes_the_same_list(world: World) -> None:
    world.aws.outages.darken_region(STANDBY)
    world.fail_over()
    world.put(HOME, "a", "1")
    world.later(30)
    world.aws.outages.light_region(STANDBY)
    world.later(30)
    step = world.reconciling()
    assert isinstance(Reconcile().act(step.params, world.cloud, step.attempt()), Done)
    first = world.listed(step)
    assert isinstance(Reconcile().act(step.params, world.cloud, step.attempt(again=True)), Done)
    assert world.listed(step) == first
    assert isinstance(Reconcile().look(step.params, world.cloud, step.attempt()), Done)
    plan = Reconcile().plan(step.params, world.cloud, step.attempt())
    assert plan.foreseen["report"].startswith("s3://")


def test_records_are_dated_as_streams_date_them(world: World) -> None:
    """To the second: a fence within it counts what was written in it."""
    assert isinstance(world.since, datetime)
    world.fail_over()
    world.aws.outages.darken_region(STANDBY)
    world.put(HOME, "a", "1")
    world.later(10)
    world.aws.outages.light_region(STANDBY)
    world.later(10)
    step = world.reconciling(margin="0s")
    assert isinstance(step.act(), Done)
    assert set(world.listed(step)) == {"a"}
