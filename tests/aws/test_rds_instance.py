"""rds.failover_instance and rds.writable, against the emulated AWS."""

from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from bot.aws.rds.instance import FailoverInstance, Instance
from bot.aws.rds.writable import Followed, Writable
from bot.errors import ActionFailed
from bot.playbook.action import Call, Done, Failed, Working
from bot.rehearsal.aws.emulator import EmulatedAws
from tests.aws.databases import Aurora
from tests.aws.rehearsed import Cloud, Step

_NUMBERS = count(1)
A, B = "us-east-1a", "us-east-1b"


@pytest.fixture
def emulated(emulated: EmulatedAws) -> EmulatedAws:
    emulated.databases.forget()
    emulated.outages.forget()
    return emulated


def made(aws: EmulatedAws, *, multi_az: bool = True) -> str:
    name = f"ledger-{next(_NUMBERS)}"
    login = {"MasterUsername": "shop", "MasterUserPassword": "p" * 12}
    aws.client("rds").create_db_instance(
        DBInstanceIdentifier=name,
        DBInstanceClass="db.m6g.large",
        Engine="postgres",
        MultiAZ=multi_az,
        AllocatedStorage=20,
        **login,
    )
    aws.calls.clear()
    return name


@pytest.fixture
def ledger(emulated: EmulatedAws) -> str:
    return made(emulated)


def failover(aws: EmulatedAws, name: str, **more: str) -> Step:
    return Step(FailoverInstance(), Instance(instance=name, **more), Cloud(aws))


def reboots(aws: EmulatedAws) -> int:
    return len(aws.calls.of("rds", "RebootDBInstance"))


def test_the_plan_shows_the_call_and_both_zones(emulated: EmulatedAws, ledger: str) -> None:
    step = failover(emulated, ledger)
    plan = FailoverInstance().plan(step.params, step.cloud, step.attempt())
    assert plan.calls == (Call("rds", "RebootDBInstance", {"DBInstanceIdentifier": ledger, "ForceFailover": True}),)
    assert [(change.before, change.after) for change in plan.changes] == [(A, B)]
    assert plan.foreseen == {"zone": B, "previous": A}
    assert plan.touches == (f"rds:us-east-1:{ledger}",)
    assert reboots(emulated) == 0


def test_the_standby_takes_over_in_the_other_zone(emulated: EmulatedAws, ledger: str) -> None:
    done = failover(emulated, ledger).run()
    assert isinstance(done, Done)
    assert done.output == {"zone": B, "previous": A}
    assert reboots(emulated) == 1


def test_a_failover_that_may_have_been_sent_is_not_sent_back_at_once(emulated: EmulatedAws, ledger: str) -> None:
    """A second RebootDBInstance would bring the database back to the zone in trouble."""
    emulated.faults.lose_answer("rds", "RebootDBInstance", times=1)
    step = failover(emulated, ledger)
    assert isinstance(FailoverInstance().act(step.params, step.cloud, step.attempt()), Working)
    step.act()
    with pytest.raises(ActionFailed):
        step.act()
    done = step.wait(step.act(again=True))
    assert isinstance(done, Done)
    assert (done.output["zone"], reboots(emulated)) == (B, 1)


def test_a_call_that_never_arrived_is_sent_after_a_minute(emulated: EmulatedAws, ledger: str) -> None:
    emulated.faults.cut("rds", "RebootDBInstance", times=1)
    step = failover(emulated, ledger)
    step.act()
    with pytest.raises(ActionFailed):
        step.act()
    waiting = step.act(again=True)
    assert isinstance(waiting, Working)
    assert waiting.more
    assert reboots(emulated) == 1
    assert isinstance(step.wait(waiting), Done)
    assert reboots(emulated) == 2  # the one that was cut, and this one
    assert step.started_at is not None
    assert (emulated.clock.now() - step.started_at).total_seconds() >= 60


def test_a_process_that_died_after_the_move_does_not_move_it_back(emulated: EmulatedAws, ledger: str) -> None:
    step = failover(emulated, ledger)
    step.act()
    step.act()
    emulated.clock.move(timedelta(minutes=2))
    done = step.wait(step.act(again=True))
    assert isinstance(done, Done)
    assert (done.output["zone"], reboots(emulated)) == (B, 1)


def test_one_that_has_left_the_zone_already_stays(emulated: EmulatedAws, ledger: str) -> None:
    step = failover(emulated, ledger, zone=B)
    assert step.plan().calls == ()
    assert isinstance(step.run(), Done)
    assert reboots(emulated) == 0


def test_the_undo_is_a_failover_back(emulated: EmulatedAws, ledger: str) -> None:
    failover(emulated, ledger, zone=A).run()
    back = failover(emulated, ledger, zone=B).run()
    assert isinstance(back, Done)
    assert back.output["zone"] == A


def test_without_a_standby_it_is_refused(emulated: EmulatedAws) -> None:
    step = failover(emulated, made(emulated, multi_az=False))
    assert step.plan().calls == ()
    refused = step.act()
    assert isinstance(refused, Failed)
    assert "Multi-AZ is off" in str(refused.why)


def test_an_instance_of_a_cluster_is_left_to_the_action_for_clusters(emulated: EmulatedAws) -> None:
    refused = failover(emulated, Aurora(emulated).instances[0]).act()
    assert isinstance(refused, Failed)
    assert "rds.failover_cluster" in str(refused.why)


def test_one_that_is_not_available_is_refused(emulated: EmulatedAws, ledger: str) -> None:
    emulated.client("rds").reboot_db_instance(DBInstanceIdentifier=ledger)
    assert isinstance(failover(emulated, ledger).act(), Failed)


def test_an_unknown_instance_is_named(emulated: EmulatedAws) -> None:
    with pytest.raises(ActionFailed, match="no database instance nothing"):
        failover(emulated, "nothing").act()


def test_it_gives_up_after_ten_minutes(emulated: EmulatedAws, ledger: str) -> None:
    step = failover(emulated, ledger)
    step.act()
    with emulated.databases.stuck():
        step.act()
        failed = step.wait(step.look())
    assert isinstance(failed, Failed)
    assert "events" in str(failed.why)


def test_a_look_before_anything_was_done_asks_for_a_retry(emulated: EmulatedAws, ledger: str) -> None:
    step = failover(emulated, ledger)
    assert isinstance(FailoverInstance().look(step.params, step.cloud, step.attempt()), Failed)


# Is it written to?


@pytest.fixture
def db(emulated: EmulatedAws) -> Aurora:
    made = Aurora(emulated)
    made.pass_time(120)
    return made


def writable(db: Aurora) -> Step:
    return Step(Writable(), Followed(cluster=db.name), Cloud(db.aws))


def test_readers_that_follow_bear_out_what_rds_says(db: Aurora) -> None:
    step = writable(db)
    waiting = Writable().look(step.params, step.cloud, step.attempt())
    assert isinstance(waiting, Working)  # what CloudWatch knows is older than the check
    done = step.wait(waiting)
    assert isinstance(done, Done)
    assert done.output == {"writer": db.instances[0]}
    assert ", ".join(db.instances[1:]) in str(done.note)
    assert step.started_at is not None
    assert (db.aws.clock.now() - step.started_at).total_seconds() <= 75


def test_rds_says_available_and_nobody_follows_so_it_does_not_hold(db: Aurora) -> None:
    """The API that fails over is not taken at its word."""
    db.aws.databases.sicken_writer(db.name)
    db.pass_time(180)
    step = writable(db)
    waiting = step.look()
    assert isinstance(waiting, Working)
    failed = step.wait(waiting)
    assert isinstance(failed, Failed)
    assert db.instances[1] in str(failed.why)


def test_one_reader_that_follows_is_enough_and_readers_that_all_lag_are_not(db: Aurora) -> None:
    db.aws.databases.lag_behind(db.instances[2], 10_001)
    step = writable(db)
    done = step.wait(step.look())
    assert isinstance(done, Done)
    assert db.instances[2] not in str(done.note)
    db.aws.databases.lag_behind(db.instances[1], 10_001)
    failed = writable(db)
    assert isinstance(failed.wait(failed.look()), Failed)
    db.aws.databases.lag_behind(db.instances[1], 10_000)
    well = writable(db)
    assert isinstance(well.wait(well.look()), Done)


@pytest.mark.parametrize("known", [{"left": 1}, {"zone": "us-east-1b"}, {}])
def test_the_instance_that_was_left_is_no_witness_against_the_new_writer(emulated: EmulatedAws, known: Any) -> None:
    """With two instances the only reader is the one that was in trouble: its silence says nothing."""
    db = Aurora(emulated, instances=2)
    db.pass_time(120)
    emulated.outages.darken_zone("us-east-1b")
    more = {key: db.instances[value] if key == "left" else value for key, value in known.items()}
    step = Step(Writable(), Followed(cluster=db.name, **more), Cloud(emulated))
    ended = step.wait(step.look())
    assert isinstance(ended, Done if known else Failed)
    if known:
        assert "try the application" in str(ended.note)


def test_a_cluster_on_the_move_is_waited_for(db: Aurora) -> None:
    db.rds.failover_db_cluster(DBClusterIdentifier=db.name)
    step = writable(db)
    waiting = step.look()
    assert isinstance(waiting, Working)
    assert isinstance(step.wait(waiting), Done)


def test_a_writer_without_readers_has_no_second_witness(emulated: EmulatedAws) -> None:
    done = writable(Aurora(emulated, instances=1)).look()
    assert isinstance(done, Done)
    assert "try the application" in str(done.note)
