"""The actions and checks of ElastiCache, against the emulated AWS."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from bot.aws.elasticache.chosen import CanPromote, Which
from bot.aws.elasticache.global_failover import FailoverGlobal, World
from bot.aws.elasticache.promote import Promote, PromoteReplica
from bot.errors import ActionFailed
from bot.playbook.action import Done, Failed, Working
from bot.rehearsal.aws.emulator import EmulatedAws
from tests.aws.databases import hurried
from tests.aws.rehearsed import Cloud, Step

HOME, STANDBY = "us-east-1", "us-west-2"
_NUMBERS = count(1)
_MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def started() -> Iterator[EmulatedAws]:
    yield from hurried(5)


@pytest.fixture
def emulated(emulated: EmulatedAws) -> EmulatedAws:
    emulated.caches.forget()
    emulated.outages.forget()
    return emulated


class Cache:
    """`cache-1`: a primary and two replicas, one in each zone, which AWS fails over by itself."""

    def __init__(self, aws: EmulatedAws, region: str = HOME, **settings: Any) -> None:
        self.aws, self.region = aws, region
        self.name = settings.pop("name", f"cache-{next(_NUMBERS)}")
        self.client = aws.client("elasticache", region)
        usual = {"NumCacheClusters": 3, "AutomaticFailoverEnabled": True, "MultiAZEnabled": True}
        self.client.create_replication_group(
            ReplicationGroupId=self.name, ReplicationGroupDescription="-", **{**usual, **settings}
        )
        self.nodes = [f"{self.name}-00{number}" for number in (1, 2, 3)]
        aws.calls.clear()

    @property
    def primary(self) -> str:
        return self.aws.caches.primary(self.name, self.region)

    @property
    def seen(self) -> dict[str, Any]:
        found = self.client.describe_replication_groups(ReplicationGroupId=self.name)["ReplicationGroups"]
        return dict(found[0])

    def own(self) -> tuple[str, str]:
        """What AWS does by itself."""
        seen = self.seen
        return seen["AutomaticFailover"], seen["MultiAZ"]

    def answers(self) -> bool:
        return self.aws.caches.answers(self.name, self.region, self.aws.clock.now())

    def changes(self) -> list[dict[str, Any]]:
        asked = [dict(one.parameters) for one in self.aws.calls.of("elasticache", "ModifyReplicationGroup")]
        kept = ("PrimaryClusterId", "AutomaticFailoverEnabled", "MultiAZEnabled")
        return [{key: one[key] for key in kept if key in one} for one in asked]


@pytest.fixture
def cache(emulated: EmulatedAws) -> Cache:
    return Cache(emulated)


def promote(cache: Cache, **more: Any) -> Step:
    return Step(PromoteReplica(), Promote(group=cache.name, **more), Cloud(cache.aws, cache.region))


def possible(cache: Cache, **more: Any) -> Step:
    return Step(CanPromote(), Which(group=cache.name, **more), Cloud(cache.aws, cache.region))


def _settle(cache: Cache) -> None:
    """What has begun is over."""
    cache.aws.clock.move(_MINUTE)


OFF = {"AutomaticFailoverEnabled": False, "MultiAZEnabled": False}
ON = {"AutomaticFailoverEnabled": True, "MultiAZEnabled": True}


def test_a_replica_is_promoted_with_automatic_failover_off_meanwhile(cache: Cache) -> None:
    """AWS refuses a promotion while it is on, and a group that matters has it on."""
    cache.aws.caches.sicken_primary(cache.name)
    assert not cache.answers()
    done = promote(cache).run()
    assert isinstance(done, Done)
    assert done.output == {"primary": cache.nodes[1], "previous": cache.nodes[0], "zone": "us-east-1b"}
    assert cache.changes() == [OFF, {"PrimaryClusterId": cache.nodes[1]}, ON]
    assert cache.own() == ("enabled", "enabled")
    assert cache.answers()


def test_the_plan_shows_the_three_changes_and_what_is_risked(cache: Cache) -> None:
    step = promote(cache)
    plan = PromoteReplica().plan(step.params, step.cloud, step.attempt())
    assert cache.changes() == []
    assert [call.operation for call in plan.calls] == ["ModifyReplicationGroup"] * 3
    shown = [dict(call.parameters) for call in plan.calls]
    assert isinstance(step.run(), Done)
    assert [one.parameters for one in cache.aws.calls.of("elasticache", "ModifyReplicationGroup")] == shown
    assert [(change.before, change.after) for change in plan.changes] == [
        (f"{cache.nodes[0]} (us-east-1a)", f"{cache.nodes[1]} (us-east-1b)")
    ]
    assert plan.touches == (f"elasticache:us-east-1:{cache.name}",)
    assert any("automatic failover" in str(warning) for warning in plan.warnings)


def test_what_may_be_lost_is_how_far_the_replica_is_behind(cache: Cache) -> None:
    cache.aws.caches.lag_behind(cache.nodes[1], 0.9)
    loses = promote(cache).plan().loses
    assert loses is not None
    assert loses.total_seconds() == 0.9


def test_test_failover_is_never_called(cache: Cache) -> None:
    assert not any("TestFailover" in call for action in (PromoteReplica, CanPromote) for call in action.facts.calls)
    promote(cache).run()
    assert cache.aws.calls.of("elasticache", "TestFailover") == []


def test_what_was_on_is_stored_before_the_first_change(cache: Cache) -> None:
    step = promote(cache)
    first = PromoteReplica().act(step.params, step.cloud, step.attempt())
    assert isinstance(first, Working)
    assert first.more
    assert (first.memory["automatic_failover"], first.memory["multi_az"]) == (True, True)
    assert cache.changes() == []


@pytest.mark.parametrize("dies_after", [1, 2, 3])
def test_a_process_that_dies_between_the_changes_leaves_automatic_failover_on_in_the_end(
    cache: Cache, dies_after: int
) -> None:
    step = promote(cache)
    step.act()
    for _ in range(dies_after):
        step.act(again=True)
        _settle(cache)
    done = step.wait(step.act(again=True))
    assert isinstance(done, Done)
    assert cache.changes() == [OFF, {"PrimaryClusterId": cache.nodes[1]}, ON]
    assert cache.own() == ("enabled", "enabled")


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_a_change_whose_answer_was_lost_is_found(cache: Cache, lost: int) -> None:
    step = promote(cache)
    step.act()
    for _ in range(lost - 1):
        step.act()
        _settle(cache)
    cache.aws.faults.lose_answer("elasticache", "ModifyReplicationGroup", times=1)
    with pytest.raises(ActionFailed):
        step.act()
    assert isinstance(step.wait(step.act(again=True)), Done)
    assert cache.changes() == [OFF, {"PrimaryClusterId": cache.nodes[1]}, ON]


def test_a_new_attempt_is_told_what_was_on_and_switches_it_on_again(cache: Cache) -> None:
    """The first attempt was given up half-way: nobody but the check's word, passed on, knows what had been on."""
    before = possible(cache).look()
    assert isinstance(before, Done)
    own = {"automatic_failover": before.output["automatic_failover"], "multi_az": before.output["multi_az"]}
    first = promote(cache, to=before.output["to"], **own)
    first.act()
    first.act()
    _settle(cache)
    assert cache.own() == ("disabled", "disabled")
    assert isinstance(promote(cache, to=before.output["to"], **own).run(), Done)
    assert cache.own() == ("enabled", "enabled")
    assert cache.primary == before.output["to"]


def test_a_replica_that_writes_already_gets_automatic_failover_back(cache: Cache) -> None:
    step = promote(cache, to=cache.nodes[1], automatic_failover=True, multi_az=True)
    step.act()
    for _ in range(2):
        step.act()
        _settle(cache)
    assert (cache.primary, cache.own()) == (cache.nodes[1], ("disabled", "disabled"))
    again = promote(cache, to=cache.nodes[1], automatic_failover=True, multi_az=True)
    assert len(again.plan().calls) == 1
    assert isinstance(again.run(), Done)
    assert cache.own() == ("enabled", "enabled")


def test_where_it_was_off_it_stays_off(emulated: EmulatedAws) -> None:
    cache = Cache(emulated, AutomaticFailoverEnabled=False, MultiAZEnabled=False)
    assert len(promote(cache).plan().calls) == 1
    done = promote(cache).run()
    assert isinstance(done, Done)
    assert "Automatic failover is off" in str(done.note)
    assert cache.changes() == [{"PrimaryClusterId": cache.nodes[1]}]


def test_the_undo_makes_the_old_primary_the_primary_again(cache: Cache) -> None:
    there = promote(cache).run()
    assert isinstance(there, Done)
    assert isinstance(promote(cache, to=there.output["previous"]).run(), Done)
    assert cache.primary == cache.nodes[0]
    assert cache.own() == ("enabled", "enabled")


def test_a_primary_that_is_the_target_already_needs_no_call(cache: Cache) -> None:
    step = promote(cache, to=cache.nodes[0])
    assert step.plan().calls == ()
    assert isinstance(step.run(), Done)
    assert cache.changes() == []


def test_when_elasticache_was_faster_its_choice_stands(cache: Cache) -> None:
    step = promote(cache)
    step.act()
    by_hand(cache, cache.nodes[2])
    done = step.wait(step.act())
    assert isinstance(done, Done)
    assert done.output["primary"] == cache.nodes[2]
    named = promote(cache, to=cache.nodes[0])
    named.act()
    by_hand(cache, cache.nodes[1])
    told = named.wait(named.act())
    assert isinstance(told, Failed)
    assert cache.nodes[1] in str(told.why)


def by_hand(cache: Cache, node: str) -> None:
    """As ElastiCache's own failover leaves it."""
    for change in ({**OFF}, {"PrimaryClusterId": node}, {**ON}):
        cache.client.modify_replication_group(ReplicationGroupId=cache.name, ApplyImmediately=True, **change)
        _settle(cache)


def test_throttling_may_be_tried_again(cache: Cache) -> None:
    cache.aws.faults.throttle("elasticache", "ModifyReplicationGroup", times=1)
    step = promote(cache)
    step.act()
    with pytest.raises(ActionFailed) as failed:
        step.act()
    assert failed.value.kind == "throttled"
    assert isinstance(step.run(), Done)


def test_giving_up_says_that_automatic_failover_is_off(cache: Cache) -> None:
    step = promote(cache)
    step.act()
    step.act()
    _settle(cache)
    with cache.aws.caches.stuck():
        failed = step.wait(step.act(), most=200)
    assert isinstance(failed, Failed)
    assert "automatic failover is off" in str(failed.why)


def test_a_look_before_anything_was_chosen_asks_for_a_retry(cache: Cache) -> None:
    step = promote(cache)
    assert isinstance(PromoteReplica().look(step.params, step.cloud, step.attempt()), Failed)


# Which replica?


def test_the_check_says_who_could_write_and_what_aws_does_by_itself(cache: Cache) -> None:
    step = possible(cache)
    done = CanPromote().look(step.params, step.cloud, step.attempt())
    assert isinstance(done, Done)
    assert done.output == {
        "primary": cache.nodes[0],
        "zone": "us-east-1a",
        "to": cache.nodes[1],
        "automatic_failover": True,
        "multi_az": True,
    }


def test_a_replica_that_is_far_behind_is_the_last_choice(cache: Cache) -> None:
    cache.aws.caches.lag_behind(cache.nodes[1], 1.1)
    done = possible(cache).look()
    assert isinstance(done, Done)
    assert done.output["to"] == cache.nodes[2]


def test_a_replica_in_the_zone_in_trouble_is_not_chosen(cache: Cache) -> None:
    cache.aws.outages.darken_zone("us-east-1a")
    done = promote(cache, zone="us-east-1a").run()
    assert isinstance(done, Done)
    assert cache.answers()
    stays = possible(cache, zone="us-east-1c").look()
    assert isinstance(stays, Done)
    assert stays.output["to"] == stays.output["primary"]
    refused = promote(cache, zone="us-east-1c", to=cache.nodes[2]).act()
    assert isinstance(refused, Failed)


def test_replicas_in_one_zone_alone_are_refused_unless_one_is_named(emulated: EmulatedAws) -> None:
    cache = Cache(emulated, PreferredCacheClusterAZs=["us-east-1a"] * 3, MultiAZEnabled=False)
    assert isinstance(possible(cache).look(), Failed)
    assert promote(cache).plan().calls == ()
    assert isinstance(promote(cache, to=cache.nodes[2]).run(), Done)


def test_a_group_that_is_being_changed_is_waited_for(cache: Cache) -> None:
    cache.client.modify_replication_group(ReplicationGroupId=cache.name, ApplyImmediately=True, MultiAZEnabled=False)
    step = possible(cache)
    waiting = step.look()
    assert isinstance(waiting, Working)
    assert isinstance(step.wait(waiting), Done)
    cache.client.modify_replication_group(ReplicationGroupId=cache.name, ApplyImmediately=True, MultiAZEnabled=True)
    assert isinstance(promote(cache).act(), Failed)


def test_a_group_in_cluster_mode_is_refused(emulated: EmulatedAws) -> None:
    cache = Cache(emulated, ClusterMode="enabled", NumNodeGroups=2, ReplicasPerNodeGroup=1, NumCacheClusters=4)
    refused = possible(cache).look()
    assert isinstance(refused, Failed)
    assert "cluster mode" in str(refused.why)


def test_an_unknown_group_is_named(emulated: EmulatedAws) -> None:
    with pytest.raises(ActionFailed, match="no replication group nothing"):
        Step(CanPromote(), Which(group="nothing"), Cloud(emulated)).look()


# Global datastores.


class Datastore:
    """A group at home that writes, and one of the same name in the other region that follows."""

    def __init__(self, aws: EmulatedAws) -> None:
        self.aws, self.home = aws, Cache(aws)
        made = aws.client("elasticache", HOME).create_global_replication_group(
            GlobalReplicationGroupIdSuffix=self.home.name, PrimaryReplicationGroupId=self.home.name
        )
        self.id = str(made["GlobalReplicationGroup"]["GlobalReplicationGroupId"])
        self.standby = Cache(aws, STANDBY, name=self.home.name, GlobalReplicationGroupId=self.id)

    def failover(self, region: str = STANDBY) -> Step:
        return Step(FailoverGlobal(), World(datastore=self.id), Cloud(self.aws, region))

    def failovers(self) -> list[str]:
        return [one.region for one in self.aws.calls.of("elasticache", "FailoverGlobalReplicationGroup")]


@pytest.fixture
def datastore(emulated: EmulatedAws) -> Datastore:
    return Datastore(emulated)


def test_a_global_failover_asks_the_dead_region_nothing(datastore: Datastore) -> None:
    datastore.aws.outages.darken_region(HOME)
    step = datastore.failover()
    plan = FailoverGlobal().plan(step.params, step.cloud, step.attempt())
    assert [(call.operation, call.region) for call in plan.calls] == [("FailoverGlobalReplicationGroup", STANDBY)]
    assert isinstance(FailoverGlobal().act(step.params, step.cloud, step.attempt()), Working)
    done = step.run()
    assert isinstance(done, Done)
    assert done.output == {"group": datastore.home.name, "previous": HOME}
    assert [one for one in datastore.aws.calls if one.region == HOME] == []
    assert datastore.standby.answers()
    assert not datastore.home.answers()
    assert isinstance(FailoverGlobal().look(step.params, step.cloud, step.attempt()), Done)


def test_a_global_failover_whose_answer_was_lost_is_found(datastore: Datastore) -> None:
    datastore.aws.faults.lose_answer("elasticache", "FailoverGlobalReplicationGroup", times=1)
    step = datastore.failover()
    step.act()
    with pytest.raises(ActionFailed):
        step.act()
    assert isinstance(step.wait(step.act(again=True)), Done)
    assert datastore.failovers() == [STANDBY]


def test_a_region_that_writes_already_or_is_no_member_changes_nothing(datastore: Datastore) -> None:
    assert datastore.failover(HOME).plan().calls == ()
    assert isinstance(datastore.failover(HOME).run(), Done)
    assert datastore.failover("eu-west-1").plan().calls == ()
    for refused in (datastore.failover("eu-west-1").act(), datastore.failover("eu-west-1").look()):
        assert isinstance(refused, Failed)
    assert datastore.failovers() == []


def test_a_group_of_a_datastore_cannot_be_promoted_by_hand(datastore: Datastore) -> None:
    refused = possible(datastore.home).look()
    assert isinstance(refused, Failed)
    assert "failover_global" in str(refused.why)


def test_a_failover_that_did_not_begin_is_a_failure(datastore: Datastore) -> None:
    step = datastore.failover()
    step.attempt()
    datastore.aws.clock.move(_MINUTE * 2)
    failed = step.look()
    assert isinstance(failed, Failed)
    assert "does not write" in str(failed.why)
