"""rds.can_restore, rds.restore_cluster and rds.delete_restored, against the emulated AWS."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.aws.rds.delete_restored import DeleteRestored, Restored
from bot.aws.rds.restore import Restore, RestoreCluster
from bot.aws.rds.restored import LONGEST_NAME, restored_name
from bot.aws.rds.window import CanRestore, Window
from bot.errors import ActionFailed
from bot.playbook.action import Done, Failed, Progress, Working
from bot.rehearsal.aws.emulator import EmulatedAws
from tests.aws.databases import Aurora, hurried
from tests.aws.rehearsed import Cloud, Step

#: What asks RDS for something new, or for less.
CHANGES = (
    "RestoreDBClusterToPointInTime",
    "CreateDBInstance",
    "ModifyDBCluster",
    "DeleteDBInstance",
    "DeleteDBCluster",
)


@pytest.fixture(scope="module")
def started() -> Iterator[EmulatedAws]:
    yield from hurried(20)


@pytest.fixture
def emulated(emulated: EmulatedAws) -> EmulatedAws:
    emulated.databases.forget()
    emulated.databases.quotas = {"DBClusters": 400, "DBInstances": 400}
    return emulated


@pytest.fixture
def group(emulated: EmulatedAws) -> str:
    ec2 = emulated.client("ec2")
    found = ec2.describe_security_groups(GroupNames=["default"])["SecurityGroups"][0]
    name = f"db-{emulated.clock.now():%H%M%S}"
    known = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": [name]}])["SecurityGroups"]
    if known:
        return str(known[0]["GroupId"])
    return str(ec2.create_security_group(GroupName=name, Description="-", VpcId=found["VpcId"])["GroupId"])


@pytest.fixture
def db(emulated: EmulatedAws, group: str) -> Aurora:
    """An hour old, with a security group and a parameter group of its own."""
    made = Aurora(emulated, instances=2, VpcSecurityGroupIds=[group], DBClusterParameterGroupName="shop")
    made.pass_time(3600)
    emulated.calls.clear()
    return made


@pytest.fixture
def at(db: Aurora) -> datetime:
    return db.aws.clock.now() - timedelta(minutes=20)


def restore(db: Aurora, at: datetime, **more: Any) -> Step:
    return Step(RestoreCluster(), Restore(cluster=db.name, at=at, **more), Cloud(db.aws))


def possible(db: Aurora, at: datetime) -> Step:
    return Step(CanRestore(), Window(cluster=db.name, at=at), Cloud(db.aws))


def delete(db: Aurora, name: str, **more: Any) -> Step:
    return Step(DeleteRestored(), Restored(cluster=name, **more), Cloud(db.aws))


def changes(db: Aurora) -> list[str]:
    return [one.operation for one in db.aws.calls.of("rds") if one.operation in CHANGES]


def described(db: Aurora, name: str) -> dict[str, Any]:
    found: dict[str, Any] = db.rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]
    return found


def done(progress: Progress) -> Done:
    assert isinstance(progress, Done), progress
    return progress


def test_the_plan_shows_every_call_that_act_makes(db: Aurora, at: datetime) -> None:
    step = restore(db, at)
    plan = RestoreCluster().plan(step.params, step.cloud, step.attempt())
    assert changes(db) == []
    name = f"{db.name}-lb-inc-7"
    assert plan.foreseen["cluster"] == name
    assert plan.touches == (f"rds:us-east-1:{name}",)
    assert plan.loses == timedelta(minutes=20)
    assert [(need.needed, need.available is not None) for need in plan.needs] == [(1, True), (2, True)]
    assert isinstance(RestoreCluster().act(step.params, step.cloud, step.attempt()), Working)
    done(step.run())
    made = [one for one in db.aws.calls.of("rds") if one.operation in CHANGES]
    assert [(one.operation, str(one.parameters["DBClusterIdentifier"])) for one in made] == [
        (call.operation, name) for call in plan.calls
    ]


def test_a_restore_makes_no_instances_so_they_are_made(db: Aurora, at: datetime) -> None:
    """RestoreDBClusterToPointInTime yields a cluster that nobody can connect to."""
    step = restore(db, at)
    step.act()
    db.pass_time(600)
    name = f"{db.name}-lb-inc-7"
    assert described(db, name)["DBClusterMembers"] == []
    over = done(step.run())
    assert len(described(db, name)["DBClusterMembers"]) == 2
    zones = {one["AvailabilityZone"] for one in _instances(db, name)}
    assert len(zones) == 2
    assert over.output["endpoint"].startswith(name)
    assert db.aws.databases.answers(name)


def test_a_restore_takes_the_default_security_group_unless_it_is_told(db: Aurora, at: datetime, group: str) -> None:
    bare = db.rds.restore_db_cluster_to_point_in_time(
        DBClusterIdentifier=f"{db.name}-bare", SourceDBClusterIdentifier=db.name, RestoreToTime=at
    )["DBCluster"]
    assert [one["VpcSecurityGroupId"] for one in bare["VpcSecurityGroups"]] != [group]
    done(restore(db, at).run())
    ours = described(db, f"{db.name}-lb-inc-7")
    assert [one["VpcSecurityGroupId"] for one in ours["VpcSecurityGroups"]] == [group]
    assert ours["DBClusterParameterGroup"] == "shop"


def test_settings_that_differ_all_the_same_are_mended(db: Aurora, at: datetime, group: str) -> None:
    """Somebody began the restore by hand, under our name and with our tags, and left the groups to AWS."""
    step = restore(db, at)
    [call, *_] = step.plan().calls
    keep = {
        key: call.parameters[key]
        for key in ("DBClusterIdentifier", "SourceDBClusterIdentifier", "RestoreToTime", "Tags")
    }
    db.rds.restore_db_cluster_to_point_in_time(**{**keep, "RestoreToTime": at})
    db.aws.calls.clear()
    done(step.run())
    assert changes(db) == ["ModifyDBCluster", "CreateDBInstance", "CreateDBInstance"]
    ours = described(db, f"{db.name}-lb-inc-7")
    assert [one["VpcSecurityGroupId"] for one in ours["VpcSecurityGroups"]] == [group]


def test_it_is_not_over_while_a_setting_differs(db: Aurora, at: datetime, group: str) -> None:
    step = restore(db, at)
    done(step.run())
    name = f"{db.name}-lb-inc-7"
    db.rds.modify_db_cluster(DBClusterIdentifier=name, VpcSecurityGroupIds=["sg-other"])
    unfinished = RestoreCluster().look(step.params, step.cloud, step.attempt())
    assert isinstance(unfinished, Working)
    done(step.wait(unfinished))
    assert [one["VpcSecurityGroupId"] for one in described(db, name)["VpcSecurityGroups"]] == [group]


def test_a_second_act_adopts_and_never_restores_twice(db: Aurora, at: datetime) -> None:
    step = restore(db, at)
    step.act()
    again = Step(step.action, step.params, step.cloud, number=2)
    assert isinstance(again.act(again=True), Working)
    done(again.run())
    assert changes(db).count("RestoreDBClusterToPointInTime") == 1
    assert changes(db).count("CreateDBInstance") == 2
    assert "used if it fits" in str(step.plan().warnings[0])


@pytest.mark.parametrize("operation", ["RestoreDBClusterToPointInTime", "CreateDBInstance"])
def test_a_call_whose_answer_was_lost_is_found(db: Aurora, at: datetime, operation: str) -> None:
    db.aws.faults.lose_answer("rds", operation, times=1)
    step = restore(db, at)
    with pytest.raises(ActionFailed) as lost:
        step.run()
    assert lost.value.retry
    done(step.run())
    assert changes(db).count(operation) == (2 if operation == "CreateDBInstance" else 1)


def test_throttling_half_way_leaves_nothing_out(db: Aurora, at: datetime) -> None:
    step = restore(db, at)
    step.act()
    db.pass_time(600)
    db.aws.faults.throttle("rds", "CreateDBInstance", times=1)
    with pytest.raises(ActionFailed) as failed:
        step.act()
    assert failed.value.kind == "throttled"
    done(step.run())
    assert len(_instances(db, f"{db.name}-lb-inc-7")) == 2


def test_a_cluster_of_that_name_that_is_something_else_is_left_alone(db: Aurora, at: datetime) -> None:
    Aurora(db.aws, instances=0, name=f"{db.name}-lb-inc-7")
    for refused in (restore(db, at).act(), possible(db, at).look()):
        assert isinstance(refused, Failed)
        assert "not a restore of" in str(refused.why)


def test_a_restore_to_another_moment_is_something_else(db: Aurora, at: datetime) -> None:
    restore(db, at).act()
    refused = restore(db, at + timedelta(minutes=1)).act()
    assert isinstance(refused, Failed)


def test_a_restored_cluster_that_is_gone_is_a_failure(db: Aurora, at: datetime) -> None:
    step = restore(db, at)
    gone = RestoreCluster().look(step.params, step.cloud, step.attempt())
    assert isinstance(gone, Failed)
    assert "Retry" in str(gone.why)


# May it be restored?


def test_the_check_gives_the_window(db: Aurora, at: datetime) -> None:
    step = possible(db, at)
    found = done(CanRestore().look(step.params, step.cloud, step.attempt()))
    assert datetime.fromisoformat(found.output["earliest"]) <= at <= datetime.fromisoformat(found.output["latest"])


@pytest.mark.parametrize(
    ("seconds", "kind"),
    [(3600, Done), (3601, Failed), (15, Done), (14, Working), (0, Working), (-1, Failed)],
)
def test_a_moment_must_lie_in_the_window(db: Aurora, seconds: int, kind: type) -> None:
    """The emulator's hour is 3600 s, and its latest restorable moment 15 s back (300 s at twenty times the speed)."""
    moment = db.aws.clock.now() - timedelta(seconds=seconds)
    assert isinstance(possible(db, moment).look(), kind)


def test_a_moment_that_becomes_restorable_is_waited_for(db: Aurora) -> None:
    step = possible(db, db.aws.clock.now())
    done(step.wait(step.look()))


@pytest.mark.parametrize("left", [0, 1])
def test_a_full_account_is_told_before_anything_is_done(db: Aurora, at: datetime, left: int) -> None:
    used = len(db.rds.describe_db_clusters()["DBClusters"])
    db.aws.databases.quotas["DBClusters"] = used + left
    found = possible(db, at).look()
    assert isinstance(found, Done if left else Failed)


def test_where_quotas_may_not_be_read_the_restore_goes_on(db: Aurora, at: datetime) -> None:
    db.aws.faults.deny("rds", "DescribeAccountAttributes")
    assert isinstance(possible(db, at).look(), Done)
    assert [need.available for need in restore(db, at).plan().needs] == [None, None]


def test_a_cluster_that_is_not_there_is_named(emulated: EmulatedAws) -> None:
    at = datetime(2026, 11, 23, 3, tzinfo=UTC)
    for action, params in (
        (CanRestore(), Window(cluster="none", at=at)),
        (RestoreCluster(), Restore(cluster="none", at=at)),
    ):
        step = Step(action, params, Cloud(emulated))
        refused = step.look() if isinstance(action, CanRestore) else step.act()
        assert isinstance(refused, Failed)
    assert restore(Aurora(emulated, instances=0), at).cloud


@pytest.mark.parametrize("length", [10, 45, 63])
def test_names_fit_and_stay_two(length: int) -> None:
    one, other = (restored_name("c" * (length - 1) + end, "inc-2026-11-23-payments") for end in "ab")
    assert one != other
    assert max(len(one), len(other)) + 3 <= LONGEST_NAME
    assert "--" not in one
    assert "-lb-" in one


# Deleting it again.


@pytest.fixture
def restored(db: Aurora, at: datetime) -> str:
    name = str(done(restore(db, at).run()).output["cluster"])
    db.aws.calls.clear()
    return name


def test_the_undo_deletes_the_instances_and_then_the_cluster(db: Aurora, restored: str) -> None:
    step = delete(db, restored)
    plan = DeleteRestored().plan(step.params, step.cloud, step.attempt())
    wanted = ["DeleteDBInstance", "DeleteDBInstance", "DeleteDBCluster"]
    assert [call.operation for call in plan.calls] == wanted
    assert isinstance(DeleteRestored().act(step.params, step.cloud, step.attempt()), Working)
    assert isinstance(DeleteRestored().look(step.params, step.cloud, step.attempt()), Working)
    done(step.run())
    assert changes(db) == wanted
    assert restored not in [one["DBClusterIdentifier"] for one in db.rds.describe_db_clusters()["DBClusters"]]
    assert db.answers()


def test_a_deletion_that_stopped_half_way_goes_on(db: Aurora, restored: str) -> None:
    db.aws.faults.lose_answer("rds", "DeleteDBInstance", times=1)
    step = delete(db, restored)
    with pytest.raises(ActionFailed):
        step.act()
    done(step.run())
    assert changes(db) == ["DeleteDBInstance", "DeleteDBInstance", "DeleteDBCluster"]


def test_protection_that_was_copied_is_switched_off_first(db: Aurora, restored: str) -> None:
    db.rds.modify_db_cluster(DBClusterIdentifier=restored, DeletionProtection=True)
    db.aws.calls.clear()
    done(delete(db, restored).run())
    assert changes(db)[0] == "ModifyDBCluster"


def test_it_deletes_nothing_that_this_incident_did_not_restore(db: Aurora, restored: str) -> None:
    other = Step(DeleteRestored(), Restored(cluster=restored), Cloud(db.aws), incident="inc-8")
    for step in (delete(db, db.name), other):
        assert step.plan().calls == ()
        assert isinstance(step.act(), Failed)
    assert changes(db) == []


@pytest.mark.parametrize("value", ["name", "endpoint"])
def test_it_deletes_nothing_that_is_in_use(db: Aurora, restored: str, value: str) -> None:
    said = restored if value == "name" else described(db, restored)["Endpoint"]
    db.aws.client("ssm").put_parameter(Name="/shop/db", Value=said, Type="String", Overwrite=True)
    refused = delete(db, restored, pointer="/shop/db").act()
    assert isinstance(refused, Failed)
    assert "Point it back" in str(refused.why)
    assert changes(db) == []


def test_a_pointer_that_is_gone_keeps_nothing(db: Aurora, restored: str) -> None:
    done(delete(db, restored, pointer="/shop/nothing").run())


def _instances(db: Aurora, name: str) -> list[dict[str, Any]]:
    of_it = [{"Name": "db-cluster-id", "Values": [name]}]
    found: list[dict[str, Any]] = db.rds.describe_db_instances(Filters=of_it)["DBInstances"]
    return found
