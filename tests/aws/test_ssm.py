"""ssm.put_parameter: the cut-over and its undo."""

from typing import Any

import pytest

from bot.aws.ssm import Pointer, PutParameter
from bot.errors import ActionFailed
from bot.playbook.action import Call, Done, Failed, Working
from tests.aws.fakes import Recorded, World, attempt, refused

NAME = "/shop/orders/table"


@pytest.fixture(autouse=True)
def pointer(ssm: Recorded) -> None:
    ssm._client.put_parameter(Name=NAME, Value="orders", Type="String")


def value(ssm: Recorded) -> str:
    return str(ssm._client.get_parameter(Name=NAME)["Parameter"]["Value"])


def put(world: World, new: str) -> Any:
    return PutParameter().act(Pointer(name=NAME, value=new), world, attempt())


def test_the_plan_shows_before_and_after(world: World, ssm: Recorded) -> None:
    plan = PutParameter().plan(Pointer(name=NAME, value="orders-lb-inc-7"), world, attempt())
    parameters = {"Name": NAME, "Value": "orders-lb-inc-7", "Overwrite": True}
    assert plan.calls == (Call("ssm", "PutParameter", parameters),)
    assert (plan.changes[0].before, plan.changes[0].after) == ("orders", "orders-lb-inc-7")
    assert plan.touches == (f"ssm:us-east-1:{NAME}",)
    assert NAME in str(plan.disturbs[0])
    assert value(ssm) == "orders"


def test_the_pointer_moves_and_the_old_value_is_kept_for_the_undo(world: World, ssm: Recorded) -> None:
    done = put(world, "orders-lb-inc-7")
    assert isinstance(done, Done)
    assert done.output == {"name": NAME, "value": "orders-lb-inc-7", "previous": "orders", "version": 2}
    assert set(done.output) == set(PutParameter.facts.outputs)
    undone = put(world, done.output["previous"])
    assert isinstance(undone, Done)
    assert value(ssm) == "orders"


def test_a_second_act_writes_nothing_and_still_knows_the_old_value(world: World, ssm: Recorded) -> None:
    put(world, "orders-lb-inc-7")
    again = put(world, "orders-lb-inc-7")
    assert ssm.count("put_parameter") == 1
    assert isinstance(again, Done)
    assert again.output["previous"] == "orders"


def test_a_write_whose_answer_was_lost_is_recognised(world: World, ssm: Recorded) -> None:
    ssm.fail_after["put_parameter"] = refused("ReadTimeoutError", retry=True)
    with pytest.raises(ActionFailed):
        put(world, "orders-lb-inc-7")
    assert isinstance(put(world, "orders-lb-inc-7"), Done)
    assert ssm.count("put_parameter") == 1


def test_the_undo_goes_back_past_the_same_value_written_twice(world: World, ssm: Recorded) -> None:
    for _ in range(3):
        ssm._client.put_parameter(Name=NAME, Value="orders-lb-inc-7", Overwrite=True)
    assert put(world, "orders-lb-inc-7").output["previous"] == "orders"


def test_a_value_that_somebody_wrote_in_between_is_what_the_undo_restores(world: World, ssm: Recorded) -> None:
    def meanwhile(**parameters: Any) -> Any:
        ssm._client.put_parameter(Name=NAME, Value="orders-by-hand", Overwrite=True)
        return ssm._client.put_parameter(**parameters)

    ssm.instead["put_parameter"] = meanwhile
    assert put(world, "orders-lb-inc-7").output["previous"] == "orders-by-hand"


def test_a_first_version_has_nothing_before_it(world: World) -> None:
    done = put(world, "orders")
    assert (done.output["previous"], done.output["version"]) == ("", 1)


def test_a_parameter_that_is_not_there_is_never_created(world: World, ssm: Recorded) -> None:
    failed = PutParameter().act(Pointer(name="/shop/nothing", value="x"), world, attempt())
    assert isinstance(failed, Failed)
    assert "/shop/nothing" in str(failed.why)
    assert ssm.changes == []


def test_a_secret_is_neither_written_nor_shown(world: World, ssm: Recorded) -> None:
    ssm._client.put_parameter(Name="/shop/password", Value="hunter2", Type="SecureString")
    params = Pointer(name="/shop/password", value="x")
    assert isinstance(PutParameter().act(params, world, attempt()), Failed)
    plan = PutParameter().plan(params, world, attempt())
    assert plan.changes == plan.calls == ()
    assert "hunter2" not in str(plan)
    assert ssm.changes == []


@pytest.mark.parametrize(("after", "expected"), [(59, Working), (60, Failed)])
def test_a_value_that_does_not_show_is_awaited_for_a_minute(after: int, expected: type, world: World) -> None:
    progress = PutParameter().look(Pointer(name=NAME, value="orders-lb-inc-7"), world, attempt(after))
    assert isinstance(progress, expected)


@pytest.mark.parametrize("says", ["orders", "orders-lb-inc-3", "orders-lb-inc-7"])
def test_the_pointer_of_the_table_or_of_a_copy_of_it_is_moved(world: World, ssm: Recorded, says: str) -> None:
    ssm._client.put_parameter(Name=NAME, Value=says, Overwrite=True)
    params = Pointer(name=NAME, value="orders-lb-inc-7", instead_of="orders")
    assert isinstance(PutParameter().act(params, world, attempt()), Done)
    assert value(ssm) == "orders-lb-inc-7"


def test_the_pointer_of_another_table_is_left_alone(world: World, ssm: Recorded) -> None:
    """Otherwise who restores `carts` sends the readers of `orders` there."""
    params = Pointer(name=NAME, value="carts-lb-inc-7", instead_of="carts")
    plan = PutParameter().plan(params, world, attempt())
    assert (plan.calls, plan.changes) == ((), ())
    assert "says orders, and neither carts nor a copy of it" in str(plan.warnings[0])
    assert isinstance(PutParameter().act(params, world, attempt()), Failed)
    assert value(ssm) == "orders"
