"""rds.global_ready, rds.failover_global and rds.switchover_global, against the emulated AWS."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from bot.aws.rds.global_failover import FailoverGlobal
from bot.aws.rds.global_ready import GlobalReady, World
from bot.aws.rds.switchover import Switchover, SwitchoverGlobal
from bot.errors import ActionFailed
from bot.playbook.action import Done, Failed, Working
from bot.rehearsal.aws.emulator import EmulatedAws
from tests.aws.databases import ENGINE, Aurora, hurried
from tests.aws.rehearsed import Cloud, Step

HOME, STANDBY = "us-east-1", "us-west-2"
_NUMBERS = count(1)


class Global:
    """`global-1`: a writer at home, a secondary with two instances in the other region."""

    def __init__(self, aws: EmulatedAws, instances: int = 2) -> None:
        self.aws, self.name = aws, f"global-{next(_NUMBERS)}"
        aws.client("rds", HOME).create_global_cluster(GlobalClusterIdentifier=self.name, Engine=ENGINE)
        self.home = Aurora(aws, HOME, instances=2, of=self.name)
        self.standby = Aurora(aws, STANDBY, instances=instances, of=self.name, name=self.home.name)
        aws.calls.clear()

    def failover(self, region: str = STANDBY) -> Step:
        return Step(FailoverGlobal(), World(global_cluster=self.name), Cloud(self.aws, region))

    def switchover(self, to: str = STANDBY, region: str = STANDBY) -> Step:
        return Step(SwitchoverGlobal(), Switchover(global_cluster=self.name, to=to), Cloud(self.aws, region))

    def ready(self, region: str = STANDBY) -> Step:
        return Step(GlobalReady(), World(global_cluster=self.name), Cloud(self.aws, region))

    def asked_of(self, region: str) -> list[str]:
        return [one.operation for one in self.aws.calls if one.region == region]

    def changes(self) -> list[tuple[str, str]]:
        return [(one.operation, one.region) for one in self.aws.calls if not one.operation.startswith(("Desc", "Get"))]


@pytest.fixture(scope="module")
def started() -> Iterator[EmulatedAws]:
    yield from hurried(5)


@pytest.fixture
def emulated(emulated: EmulatedAws) -> EmulatedAws:
    emulated.databases.forget()
    emulated.outages.forget()
    return emulated


@pytest.fixture
def world(emulated: EmulatedAws) -> Global:
    return Global(emulated)


FAILOVER = [("FailoverGlobalCluster", STANDBY)]


def test_a_failover_asks_the_dead_region_nothing(world: Global) -> None:
    world.aws.outages.darken_region(HOME)
    assert not world.home.answers()
    done = world.failover().run()
    assert isinstance(done, Done)
    assert world.standby.answers()
    assert world.asked_of(HOME) == []
    assert world.changes() == FAILOVER
    assert done.output["cluster"] == world.standby.name
    assert done.output["previous"] == world.home.arn
    assert done.output["endpoint"].startswith(f"{world.name}.global-")


def test_the_plan_says_what_would_be_lost_by_the_last_known_lag(world: Global) -> None:
    world.aws.databases.world.lag_behind(world.name, 2500)
    world.home.pass_time(600)
    world.aws.outages.darken_region(HOME)
    world.home.pass_time(1200)  # nobody has measured a lag since
    step = world.failover()
    plan = FailoverGlobal().plan(step.params, step.cloud, step.attempt())
    assert plan.loses == timedelta(seconds=2.5)
    assert any("2.5 s behind at" in str(warning) for warning in plan.warnings)
    [call] = plan.calls
    assert (call.operation, call.region) == ("FailoverGlobalCluster", STANDBY)
    assert call.parameters == {
        "GlobalClusterIdentifier": world.name,
        "TargetDbClusterIdentifier": world.standby.arn,
        "AllowDataLoss": True,
    }
    assert plan.touches == (f"rds:global:{world.name}",)
    done = step.run()
    assert isinstance(done, Done)
    assert done.output["behind"] == 2.5
    assert "last 2.5 s" in str(done.note)


def test_the_plan_says_which_endpoint_clients_must_use(world: Global) -> None:
    said = " ".join(map(str, world.failover().plan().warnings))
    assert "global writer endpoint" in said
    assert "-ro" in said


def test_an_unknown_lag_is_said_and_keeps_nobody_from_failing_over(world: Global) -> None:
    world.aws.outages.darken_region(HOME)
    world.home.pass_time(4 * 3600)
    step = world.failover()
    plan = step.plan()
    assert plan.loses is None
    assert any("nobody can say" in str(warning) for warning in plan.warnings)
    done = step.run()
    assert isinstance(done, Done)
    assert "not known" in str(done.note)


def test_who_wrote_is_stored_before_the_call(world: Global) -> None:
    step = world.failover()
    first = FailoverGlobal().act(step.params, step.cloud, step.attempt())
    assert isinstance(first, Working)
    assert first.more
    assert first.memory["from"] == world.home.arn
    assert world.changes() == []


def test_a_second_act_after_a_crash_starts_no_second_failover(world: Global) -> None:
    step = world.failover()
    step.act()
    step.act()
    assert isinstance(step.act(again=True), Working)
    world.home.pass_time(120)
    assert isinstance(step.wait(step.act(again=True)), Done)
    assert world.changes() == FAILOVER


def test_a_failover_whose_answer_was_lost_is_found(world: Global) -> None:
    world.aws.faults.lose_answer("rds", "FailoverGlobalCluster", times=1)
    step = world.failover()
    step.act()
    with pytest.raises(ActionFailed):
        step.act()
    assert isinstance(step.wait(step.act(again=True)), Done)
    assert world.changes() == FAILOVER


def test_a_region_that_writes_already_is_left_as_it_is(world: Global) -> None:
    step = world.failover(HOME)
    assert step.plan().calls == ()
    assert isinstance(step.run(), Done)
    assert world.changes() == []


def test_a_move_to_somewhere_else_is_not_crossed(world: Global) -> None:
    world.failover().run()
    world.home.pass_time(900)
    back = world.switchover(HOME)
    back.act()
    back.act()
    step = world.failover(STANDBY)
    refused = world.ready(STANDBY).look()
    assert isinstance(refused, Failed)
    assert world.home.arn in str(refused.why)
    failed = FailoverGlobal().look(step.params, step.cloud, step.attempt())
    assert isinstance(failed, Failed)
    assert failed.kind == "conflict"


def test_throttling_may_be_tried_again(world: Global) -> None:
    world.aws.faults.throttle("rds", "FailoverGlobalCluster", times=1)
    step = world.failover()
    step.act()
    with pytest.raises(ActionFailed) as failed:
        step.act()
    assert failed.value.kind == "throttled"


def test_a_headless_secondary_cannot_write_and_is_refused(emulated: EmulatedAws) -> None:
    world = Global(emulated, instances=0)
    for refused in (world.ready().look(), world.failover().act()):
        assert isinstance(refused, Failed)
        assert "no instance" in str(refused.why)
    assert world.failover().plan().calls == ()


def test_the_new_writer_is_verified_by_its_own_cluster_and_not_by_the_global_one_alone(world: Global) -> None:
    step = world.failover()
    step.act()
    step.act()
    world.home.pass_time(17)
    assert isinstance(step.look(), Working)
    world.home.pass_time(1)
    assert isinstance(step.look(), Done)
    asked = world.asked_of(STANDBY)
    assert "DescribeDBClusters" in asked[asked.index("FailoverGlobalCluster") :]


def test_the_old_region_comes_back_read_only_and_with_a_snapshot_of_what_it_held(world: Global) -> None:
    world.aws.outages.darken_region(HOME)
    world.failover().run()
    world.aws.outages.light_region(HOME)
    assert not world.home.answers()
    still = world.switchover(HOME, STANDBY).act()
    assert isinstance(still, Failed)
    assert "anew" in str(still.why)
    world.home.pass_time(300)
    assert isinstance(world.switchover(HOME, STANDBY).run(), Done)
    kept = world.home.rds.describe_db_cluster_snapshots()["DBClusterSnapshots"]
    assert any(one["DBClusterSnapshotIdentifier"].startswith("rds:unplanned-global-failover-") for one in kept)


# Is it ready?


def test_the_check_says_who_writes_and_how_far_this_region_is_behind(world: Global) -> None:
    world.home.pass_time(60)
    done = GlobalReady().look(world.ready().params, world.ready().cloud, world.ready().attempt())
    assert isinstance(done, Done)
    assert done.output == {"target": world.standby.arn, "writer": world.home.arn, "behind": 0.8}
    here = world.ready(HOME).look()
    assert isinstance(here, Done)
    assert "already" in str(here.note)


def test_a_region_without_a_member_knows_nothing_of_it(world: Global) -> None:
    with pytest.raises(ActionFailed, match="no global cluster"):
        world.ready("eu-west-1").look()


def test_a_member_whose_instances_are_all_down_is_refused(world: Global) -> None:
    for name in world.standby.instances:
        world.standby.rds.reboot_db_instance(DBInstanceIdentifier=name)
    refused = world.ready().look()
    assert isinstance(refused, Failed)
    assert "rebooting" in str(refused.why)


# Switching over.


def test_a_switchover_is_called_where_the_writer_is_and_loses_nothing(world: Global) -> None:
    step = world.switchover(STANDBY, region=STANDBY)
    plan = SwitchoverGlobal().plan(step.params, step.cloud, step.attempt())
    assert plan.loses == timedelta()
    [call] = plan.calls
    assert (call.operation, call.region) == ("SwitchoverGlobalCluster", HOME)
    assert isinstance(SwitchoverGlobal().act(step.params, step.cloud, step.attempt()), Working)
    done = step.run()
    assert isinstance(done, Done)
    assert done.output == {"cluster": world.standby.name, "region": STANDBY, "previous": HOME}
    assert world.changes() == [("SwitchoverGlobalCluster", HOME)]
    assert (world.home.answers(), world.standby.answers()) == (False, True)


def test_the_undo_of_a_switchover_is_a_switchover_back(world: Global) -> None:
    there = world.switchover().run()
    assert isinstance(there, Done)
    back = world.switchover(there.output["previous"]).run()
    assert isinstance(back, Done)
    assert world.home.answers()


def test_a_switchover_whose_answer_was_lost_is_found(world: Global) -> None:
    world.aws.faults.lose_answer("rds", "SwitchoverGlobalCluster", times=1)
    step = world.switchover()
    step.act()
    with pytest.raises(ActionFailed):
        step.act()
    assert isinstance(step.wait(step.act(again=True)), Done)
    assert world.changes() == [("SwitchoverGlobalCluster", HOME)]


def test_a_switchover_needs_both_regions_to_be_well(world: Global) -> None:
    world.home.rds.failover_db_cluster(DBClusterIdentifier=world.home.name)
    refused = world.switchover().act()
    assert isinstance(refused, Failed)
    assert "Both regions must be well" in str(refused.why)
    assert world.switchover().plan().calls == ()


def test_a_switchover_between_different_versions_is_refused(emulated: EmulatedAws, world: Global) -> None:
    world.standby.rds.modify_db_cluster(DBClusterIdentifier=world.standby.name, EngineVersion="16.6")
    refused = world.switchover().act()
    assert isinstance(refused, Failed)
    assert "16.6" in str(refused.why)


def test_a_region_that_is_no_member_is_refused(world: Global) -> None:
    refused = world.switchover("eu-west-1").act()
    assert isinstance(refused, Failed)
    step: Any = world.switchover("eu-west-1")
    gone = SwitchoverGlobal().look(step.params, step.cloud, step.attempt())
    assert isinstance(gone, Failed)
