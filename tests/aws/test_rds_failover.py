"""rds.can_fail_over and rds.failover_cluster, against the emulated AWS."""

import pytest

from bot.aws.rds.chosen import CanFailOver, Which
from bot.aws.rds.failover import FailoverCluster
from bot.errors import ActionFailed
from bot.playbook.action import Call, Done, Failed, Working
from bot.rehearsal.aws.emulator import EmulatedAws
from tests.aws.databases import Aurora
from tests.aws.rehearsed import Cloud, Step

FAILOVER = ["FailoverDBCluster"]


@pytest.fixture
def emulated(emulated: EmulatedAws) -> EmulatedAws:
    emulated.databases.forget()
    emulated.outages.forget()
    return emulated


@pytest.fixture
def db(emulated: EmulatedAws) -> Aurora:
    return Aurora(emulated)


@pytest.fixture
def cloud(emulated: EmulatedAws) -> Cloud:
    return Cloud(emulated)


def failover(db: Aurora, **more: str) -> Step:
    return Step(FailoverCluster(), Which(cluster=db.name, **more), Cloud(db.aws, db.region))


def possible(db: Aurora, **more: str) -> Step:
    return Step(CanFailOver(), Which(cluster=db.name, **more), Cloud(db.aws, db.region))


def test_the_plan_shows_the_call_that_act_makes_and_who_writes_before_and_after(db: Aurora, cloud: Cloud) -> None:
    step = failover(db)
    plan = FailoverCluster().plan(step.params, cloud, step.attempt())
    assert plan.calls == (
        Call(
            "rds",
            "FailoverDBCluster",
            {"DBClusterIdentifier": db.name, "TargetDBInstanceIdentifier": db.instances[1]},
        ),
    )
    [change] = plan.changes
    assert (change.before, change.after) == (f"{db.instances[0]} (us-east-1a)", f"{db.instances[1]} (us-east-1b)")
    assert plan.touches == (f"rds:us-east-1:{db.name}",)
    assert plan.foreseen == {"writer": db.instances[1], "previous": db.instances[0], "zone": "us-east-1b"}
    assert plan.loses is not None
    assert not plan.loses
    assert plan.disturbs
    assert [(need.needed, need.available) for need in plan.needs] == [(1, 2)]
    assert db.changes() == []


def test_the_plan_says_which_clients_stay_behind(db: Aurora) -> None:
    """They cache DNS answers, or are connected to the instance itself."""
    said = " ".join(map(str, failover(db).plan().warnings))
    assert "DNS" in said
    assert "endpoint" in said
    assert "RDS Proxy" in said


def test_a_sick_writer_is_left_and_the_cluster_can_be_written_to_again(db: Aurora) -> None:
    db.aws.databases.sicken_writer(db.name)
    assert not db.answers()
    step = failover(db)
    done = step.run()
    assert isinstance(done, Done)
    assert done.output == {"writer": db.instances[1], "previous": db.instances[0], "zone": "us-east-1b"}
    assert db.answers()
    assert db.changes() == FAILOVER
    assert step.started_at is not None
    assert (db.aws.clock.now() - step.started_at).total_seconds() < 35


def test_who_shall_write_is_stored_before_the_call(db: Aurora, cloud: Cloud) -> None:
    """Else a process that dies in between would not know that it had moved the writer, and move it on."""
    step = failover(db)
    first = FailoverCluster().act(step.params, cloud, step.attempt())
    assert isinstance(first, Working)
    assert first.more
    assert (first.memory["from"], first.memory["to"]) == (db.instances[0], db.instances[1])
    assert db.changes() == []


def test_a_second_act_after_a_crash_moves_the_writer_no_further(db: Aurora) -> None:
    step = failover(db)
    step.act()
    step.act()
    db.pass_time(40)  # the process died; meanwhile AWS went on
    done = step.wait(step.act(again=True))
    assert isinstance(done, Done)
    assert db.writer == db.instances[1]
    assert db.changes() == FAILOVER


def test_a_second_act_while_it_fails_over_only_waits(db: Aurora) -> None:
    step = failover(db)
    step.act()
    step.act()
    assert isinstance(step.act(again=True), Working)
    assert db.changes() == FAILOVER


def test_a_failover_whose_answer_was_lost_is_found(db: Aurora) -> None:
    db.aws.faults.lose_answer("rds", "FailoverDBCluster", times=1)
    step = failover(db)
    step.act()
    with pytest.raises(ActionFailed) as lost:
        step.act()
    assert lost.value.retry
    assert isinstance(step.wait(step.act(again=True)), Done)
    assert db.changes() == FAILOVER


def test_throttling_may_be_tried_again(db: Aurora) -> None:
    db.aws.faults.throttle("rds", "FailoverDBCluster", times=1)
    step = failover(db)
    step.act()
    with pytest.raises(ActionFailed) as failed:
        step.act()
    assert failed.value.kind == "throttled"
    assert isinstance(step.run(), Done)


def test_a_refused_permission_is_named(db: Aurora) -> None:
    db.aws.faults.deny("rds", "FailoverDBCluster")
    step = failover(db)
    step.act()
    with pytest.raises(ActionFailed, match="rds:FailoverDBCluster"):
        step.act()


def test_a_failover_of_somebody_else_is_not_repeated(db: Aurora) -> None:
    """Aurora itself, or a person, was faster between our look and our call."""
    step = failover(db)
    step.act()
    db.rds.failover_db_cluster(DBClusterIdentifier=db.name, TargetDBInstanceIdentifier=db.instances[2])
    done = step.wait(step.act())
    assert isinstance(done, Done)
    assert done.output["writer"] == db.instances[2]
    assert db.changes() == FAILOVER


def test_when_another_than_the_named_one_writes_a_person_is_told(db: Aurora) -> None:
    step = failover(db, to=db.instances[1])
    step.act()
    db.rds.failover_db_cluster(DBClusterIdentifier=db.name, TargetDBInstanceIdentifier=db.instances[2])
    failed = step.wait(step.act())
    assert isinstance(failed, Failed)
    assert db.instances[2] in str(failed.why)


def test_a_writer_that_is_the_target_already_needs_no_call(db: Aurora) -> None:
    step = failover(db, to=db.instances[0])
    plan = step.plan()
    assert plan.calls == ()
    assert "nothing to fail over" in str(plan.warnings[0])
    done = step.run()
    assert isinstance(done, Done)
    assert done.output["writer"] == db.instances[0]
    assert db.changes() == []


def test_the_undo_makes_the_old_writer_the_writer_again(db: Aurora) -> None:
    before = possible(db).look()
    assert isinstance(before, Done)
    assert isinstance(failover(db, to=before.output["to"]).run(), Done)
    assert isinstance(failover(db, to=before.output["writer"]).run(), Done)
    assert db.writer == db.instances[0]
    assert db.answers()


def test_it_gives_up_after_two_minutes_and_says_where_to_look(db: Aurora) -> None:
    step = failover(db)
    step.act()
    with db.aws.databases.stuck():
        step.act()
        failed = step.wait(step.look())
    assert isinstance(failed, Failed)
    assert "events" in str(failed.why)
    assert "failing-over" in str(failed.why)


def test_a_look_before_anything_was_chosen_asks_for_a_retry(db: Aurora, cloud: Cloud) -> None:
    step = failover(db)
    assert isinstance(FailoverCluster().look(step.params, cloud, step.attempt()), Failed)


# Who may write instead.


def test_the_check_names_a_reader_in_another_zone(db: Aurora, cloud: Cloud) -> None:
    step = possible(db)
    done = CanFailOver().look(step.params, cloud, step.attempt())
    assert isinstance(done, Done)
    assert done.output == {"writer": db.instances[0], "zone": "us-east-1a", "to": db.instances[1]}


def test_a_reader_in_the_writers_own_zone_is_not_chosen(emulated: EmulatedAws) -> None:
    db = Aurora(emulated, instances=1)
    db.add(4)  # us-east-1a again
    for step in (possible(db), failover(db)):
        refused = step.look() if isinstance(step.action, CanFailOver) else step.act()
        assert isinstance(refused, Failed)
        assert "us-east-1a" in str(refused.why)
    assert failover(db).plan().calls == ()


def test_a_reader_in_the_writers_own_zone_may_be_named(emulated: EmulatedAws) -> None:
    db = Aurora(emulated, instances=1)
    db.add(4)
    step = failover(db, to=f"{db.name}-4")
    assert "nobody to fail over to" in str(step.plan().warnings[-1])
    assert isinstance(step.run(), Done)


def test_a_reader_that_is_not_available_is_not_chosen(db: Aurora) -> None:
    db.rds.reboot_db_instance(DBInstanceIdentifier=db.instances[1])
    done = possible(db).look()
    assert isinstance(done, Done)
    assert done.output["to"] == db.instances[2]
    refused = failover(db, to=db.instances[1]).act()
    assert isinstance(refused, Failed)
    assert "rebooting" in str(refused.why)


def test_a_reader_that_is_far_behind_is_the_last_choice_and_loses_nothing(db: Aurora) -> None:
    db.aws.databases.lag_behind(db.instances[1], 5000)
    done = possible(db).look()
    assert isinstance(done, Done)
    assert done.output["to"] == db.instances[2]
    plan = failover(db, to=db.instances[1]).plan()
    assert any("nothing is lost" in str(warning) for warning in plan.warnings)


def test_small_lags_do_not_change_the_choice_so_that_a_plan_stays_as_it_was_approved(db: Aurora) -> None:
    db.aws.databases.lag_behind(db.instances[1], 900)
    assert failover(db).plan().foreseen["writer"] == db.instances[1]
    db.aws.databases.lag_behind(db.instances[1], 1001)
    assert failover(db).plan().foreseen["writer"] == db.instances[2]


def test_without_any_word_from_cloudwatch_it_fails_over_all_the_same(db: Aurora) -> None:
    db.aws.databases.sicken_writer(db.name)  # readers of a writer that is stuck tell no lag
    assert isinstance(possible(db).look(), Done)


def test_a_reader_of_another_cluster_is_refused(db: Aurora, emulated: EmulatedAws) -> None:
    other = Aurora(emulated)
    refused = failover(db, to=other.instances[1]).act()
    assert isinstance(refused, Failed)
    assert db.instances[1] in str(refused.why)


def test_an_unknown_cluster_is_named(emulated: EmulatedAws) -> None:
    step = Step(CanFailOver(), Which(cluster="nothing"), Cloud(emulated))
    with pytest.raises(ActionFailed, match="no database cluster nothing in us-east-1"):
        step.look()


def test_the_check_waits_for_a_failover_that_is_on_its_way(db: Aurora) -> None:
    db.rds.failover_db_cluster(DBClusterIdentifier=db.name)
    step = possible(db)
    waiting = step.look()
    assert isinstance(waiting, Working)
    assert isinstance(step.wait(waiting), Done)


def test_a_cluster_that_is_neither_available_nor_failing_over_is_refused(db: Aurora) -> None:
    for name in db.instances:
        db.rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    db.rds.delete_db_cluster(DBClusterIdentifier=db.name, SkipFinalSnapshot=True)
    refused = possible(db).look()
    assert isinstance(refused, Failed)
    assert "deleting" in str(refused.why)


# A zone in trouble.


def test_a_writer_in_the_bad_zone_moves_and_not_into_it(db: Aurora) -> None:
    bad = db.aws.client("ec2").describe_availability_zones(ZoneNames=["us-east-1a"])["AvailabilityZones"][0]["ZoneId"]
    db.aws.outages.darken_zone("us-east-1a")
    assert not db.answers()
    done = failover(db, zone=bad).run()
    assert isinstance(done, Done)
    assert done.output["zone"] == "us-east-1b"
    assert db.answers()


def test_a_writer_outside_of_the_bad_zone_stays(db: Aurora) -> None:
    done = failover(db, zone="us-east-1b").run()
    assert isinstance(done, Done)
    assert (db.writer, db.changes()) == (db.instances[0], [])
    found = possible(db, zone="us-east-1b").look()
    assert isinstance(found, Done)
    assert found.output["to"] == db.instances[0]


def test_nobody_in_the_bad_zone_is_chosen_however_it_is_asked_for(db: Aurora) -> None:
    db.rds.failover_db_cluster(DBClusterIdentifier=db.name, TargetDBInstanceIdentifier=db.instances[1])
    db.pass_time(20)
    found = possible(db, zone="us-east-1b").look()
    assert isinstance(found, Done)
    assert found.output["to"] == db.instances[0]
    refused = failover(db, zone="us-east-1a", to=db.instances[0]).act()
    assert isinstance(refused, Failed)
