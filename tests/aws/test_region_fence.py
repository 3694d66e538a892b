"""Who may write: taken from whoever has it, handed over only from whom it is expected to be with."""

from datetime import timedelta
from typing import Any

import pytest

from bot.aws.region.fence import Fence, Fenced, Handed, Unfence
from bot.aws.region.known import Database, Replica, database_key, table_key
from bot.aws.region.writer import Expected, Writer
from bot.errors import ActionFailed
from bot.playbook.action import Done, Failed, Memo
from bot.rehearsal.aws.emulator import EmulatedAws
from tests.aws.rehearsed import Cloud, Step

HOME, STANDBY = "us-east-1", "us-west-2"
FLAG = "/shop/writer"


@pytest.fixture
def cloud(emulated: EmulatedAws) -> Cloud:
    emulated.client("ssm", STANDBY).put_parameter(Name=FLAG, Value=HOME, Type="String", Overwrite=True)
    emulated.calls.clear()
    return Cloud(emulated, STANDBY)


def value(cloud: Cloud) -> str:
    return str(cloud.aws.client("ssm", STANDBY).get_parameter(Name=FLAG)["Parameter"]["Value"])


def fence(cloud: Cloud, writer: str = STANDBY, **more: Any) -> Step:
    known = more.pop("known", {})
    return Step(Fence(), Fenced(flag=FLAG, writer=writer, **more), cloud, known=known)


def unfence(cloud: Cloud, writer: str, was: str) -> Step:
    return Step(Unfence(), Handed(flag=FLAG, writer=writer, was=was), cloud)


def test_the_pen_is_taken_and_who_had_it_is_remembered(cloud: Cloud) -> None:
    step = fence(cloud)
    plan = step.plan()
    assert [(change.before, change.after) for change in plan.changes] == [(HOME, STANDBY)]
    done = step.run()
    assert isinstance(done, Done)
    assert (value(cloud), done.output["previous"]) == (STANDBY, HOME)


def test_a_second_act_writes_nothing_and_still_knows_who_had_it(cloud: Cloud) -> None:
    fence(cloud).run()
    cloud.aws.calls.clear()
    done = Fence().act(fence(cloud).params, cloud, fence(cloud).attempt())
    assert isinstance(done, Done)
    assert done.output["previous"] == HOME
    assert cloud.changes("ssm") == []
    assert Fence().plan(fence(cloud).params, cloud, fence(cloud).attempt()).calls == ()


def test_a_lost_answer_is_adopted(cloud: Cloud) -> None:
    cloud.aws.faults.lose_answer("ssm", "PutParameter", times=1)
    step = fence(cloud)
    with pytest.raises(ActionFailed):
        step.act()
    assert isinstance(step.run(), Done)
    assert value(cloud) == STANDBY


def test_a_flag_that_nobody_reads_is_refused(cloud: Cloud) -> None:
    """A parameter that is created in the night fences nobody."""
    step = Step(Fence(), Fenced(flag="/nobody/reads", writer=STANDBY), cloud)
    with pytest.raises(ActionFailed, match="nothing there obeys it"):
        step.plan()
    with pytest.raises(ActionFailed):
        step.act()


def test_the_plan_says_what_is_left_behind_as_far_as_it_is_known(cloud: Cloud) -> None:
    now = cloud.aws.clock.now()
    replica = Replica(status="ACTIVE", replicas={STANDBY: "ACTIVE"}, latency={STANDBY: 1500})
    database = Database(status="available", lag=800)
    known = {
        table_key(HOME, "orders"): Memo(replica.model_dump(mode="json"), now - timedelta(minutes=4)),
        database_key(STANDBY, "shop"): Memo(database.model_dump(mode="json"), now),
    }
    plan = fence(
        cloud, tables=("orders",), database="shop", failing=HOME, acting=STANDBY, known=known
    ).plan()  # fmt: skip
    assert plan.loses == timedelta(seconds=1.5)
    said = " ".join(str(warning) for warning in plan.warnings)
    assert "1.5 s" in said
    assert "lost for good" in said


def test_what_is_not_known_to_be_lost_is_not_called_nothing(cloud: Cloud) -> None:
    plan = fence(cloud, tables=("orders",), failing=HOME, acting=STANDBY).plan()
    assert plan.loses is None
    assert "not known" in str(plan.warnings[0])


def test_the_undo_gives_the_pen_back(cloud: Cloud) -> None:
    done = fence(cloud).run()
    assert isinstance(done, Done)
    step = unfence(cloud, done.output["previous"], STANDBY)
    assert Unfence().plan(step.params, cloud, step.attempt()).calls
    assert isinstance(Unfence().act(step.params, cloud, step.attempt()), Done)
    assert isinstance(Unfence().look(step.params, cloud, step.attempt()), Done)
    assert value(cloud) == HOME


def test_a_pen_that_somebody_else_has_by_now_is_not_taken_from_them(cloud: Cloud) -> None:
    fence(cloud, writer="none").run()
    step = unfence(cloud, STANDBY, was=HOME)
    assert step.plan().calls == ()
    found = step.act()
    assert isinstance(found, Failed)
    assert found.kind == "conflict"
    assert value(cloud) == "none"


def test_each_region_is_asked_alone(cloud: Cloud) -> None:
    fence(cloud).run()
    assert {call.region for call in cloud.aws.calls} == {STANDBY}


def test_somebody_who_writes_otherwise_meanwhile_is_noticed(cloud: Cloud) -> None:
    step = fence(cloud)
    step.act()
    cloud.aws.client("ssm", STANDBY).put_parameter(Name=FLAG, Value=HOME, Overwrite=True)
    cloud.aws.clock.move(timedelta(minutes=2))
    assert isinstance(Fence().look(step.params, cloud, step.attempt()), Failed)


def test_who_writes_is_told_with_since_when(cloud: Cloud) -> None:
    params = Expected(flag=FLAG, writer=HOME)
    attempt = fence(cloud).attempt()
    found = Writer().look(params, cloud, attempt)
    assert isinstance(found, Done)
    assert found.output["since"].startswith("20")
    assert isinstance(Writer().look(Expected(flag=FLAG, writer=STANDBY), cloud, attempt), Failed)
    fence(cloud, writer="none").run()
    paused = Writer().look(params, cloud, attempt)
    assert isinstance(paused, Failed)
    assert "nobody may write" in str(paused.why)
