"""Who may stop what starts by itself, and what becomes of the runs."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from bot.clock import SystemClock
from bot.config import Config
from bot.errors import Refused
from bot.incident.ports import Tx
from bot.incident.switches import LONGEST, Switchboard, Switched
from bot.store.sql import Store
from tests.incident.automatic_scene import ANNOUNCE, STEADY, Scene, scene, settings
from tests.support.actions import working

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
HOUR = timedelta(hours=1)


@pytest.fixture
async def orders(store: Store, clock: SystemClock) -> Scene:
    return await scene(store, clock)


async def _do(orders: Scene, verb: Callable[[Switchboard, Tx], Awaitable[Switched]]) -> Switched:
    core = orders.play.core
    async with core.store.begin() as tx:
        return await verb(Switchboard(core.config, core.runs), tx)


async def _announced(orders: Scene) -> str:
    await orders.alarms("orders-errors", "orders-slow")
    await orders.play.later(seconds=STEADY)
    return (await orders.announced()).id


async def test_stop_calls_off_what_is_announced_at_once_and_nothing_starts_any_more(orders: Scene) -> None:
    run = await _announced(orders)
    done = await _do(orders, lambda board, tx: board.stop(tx, "sofia"))
    assert [one.id for one in done.called_off] == [run]
    stopped = await orders.play.run(run)
    assert (stopped.status, stopped.aborted_by) == ("aborted", "sofia")
    await orders.play.later(minutes=5)
    assert orders.play.cloud.made == {}
    assert "Sofia" in (await orders.told("run-called-off"))[0]


async def test_stop_reaches_a_run_that_is_still_being_planned(orders: Scene) -> None:
    await orders.alarms("orders-errors", "orders-slow")
    orders.play.core.clock.advance(timedelta(seconds=STEADY))
    async with orders.play.core.store.begin() as tx:
        first = (await tx.incidents.listing(open_only=True))[-1]
        run = await orders.play.runs.request(tx, first.id, "mend", {}, "lifeboat", automatic=True)
    done = await _do(orders, lambda board, tx: board.stop(tx, "mina"))
    assert [one.id for one in done.called_off] == [run.id]
    await orders.play.later(minutes=10)
    assert (await orders.play.run(run.id)).status == "aborted"


async def test_stop_never_aborts_a_run_that_has_begun_and_shows_it(orders: Scene) -> None:
    orders.play.cloud.answers["act orders"] = [working()]
    run = await _announced(orders)
    await orders.play.later(seconds=ANNOUNCE)
    done = await _do(orders, lambda board, tx: board.stop(tx, "mina"))
    assert ([one.id for one in done.going], done.called_off) == ([run], [])
    await orders.play.later(seconds=6)
    assert (await orders.play.run(run)).status == "succeeded"


async def test_stop_leaves_what_people_asked_for_alone(orders: Scene) -> None:
    [incident] = await orders.alarms("orders-errors")
    async with orders.play.core.store.begin() as tx:
        run = await orders.play.runs.request(tx, incident.id, "mend", {}, "jun")
    await orders.play.core.worker.drain()
    done = await _do(orders, lambda board, tx: board.stop(tx, "mina"))
    assert (done.called_off, done.going) == ([], [])
    assert (await orders.play.run(run.id)).status == "planned"


async def test_stopping_twice_says_who_was_first(orders: Scene) -> None:
    await _do(orders, lambda board, tx: board.stop(tx, "jun"))
    done = await _do(orders, lambda board, tx: board.stop(tx, "mina"))
    assert "Jun Lee has stopped automatic runs already" in str(done.said)


@pytest.mark.parametrize("verb", ["stop", "freeze"])
async def test_somebody_who_is_not_in_people_yaml_switches_nothing(orders: Scene, verb: str) -> None:
    with pytest.raises(Refused, match=r"people\.yaml"):
        if verb == "stop":
            await _do(orders, lambda board, tx: board.stop(tx, "<@UGUEST>"))
        else:
            await _do(orders, lambda board, tx: board.freeze(tx, "<@UGUEST>", HOUR))
    async with orders.play.core.store.begin() as tx:
        assert await tx.switches.all() == {}


async def test_at_a_terminal_anybody_may_stop(orders: Scene) -> None:
    await _do(orders, lambda board, tx: board.stop(tx, "cli:root"))
    async with orders.play.core.store.begin() as tx:
        assert set(await tx.switches.all()) == {"stop"}


async def test_only_a_responder_lets_things_start_again(store: Store, clock: SystemClock) -> None:
    config = settings().model_copy(update={"roles": Config.model_validate({"roles": {"responder": ["mina"]}}).roles})
    orders = await scene(store, clock, config=config)
    await _do(orders, lambda board, tx: board.stop(tx, "jun"))
    with pytest.raises(Refused, match="responder"):
        await _do(orders, lambda board, tx: board.start(tx, "jun"))
    await _do(orders, lambda board, tx: board.freeze(tx, "jun", HOUR))
    done = await _do(orders, lambda board, tx: board.start(tx, "mina"))
    assert "may start by themselves" in str(done.said)
    async with store.begin() as tx:
        assert await tx.switches.all() == {}


async def test_after_start_the_next_alarms_start_it_again(orders: Scene) -> None:
    await _do(orders, lambda board, tx: board.stop(tx, "jun"))
    await _do(orders, lambda board, tx: board.start(tx, "jun"))
    run = await _announced(orders)
    await orders.play.later(seconds=ANNOUNCE)
    assert (await orders.play.run(run)).status == "succeeded"


async def test_a_freeze_calls_off_too_and_is_made_longer_never_shorter(orders: Scene) -> None:
    run = await _announced(orders)
    done = await _do(orders, lambda board, tx: board.freeze(tx, "mina", 2 * HOUR, "moving"))
    assert [one.id for one in done.called_off] == [run]
    shorter = await _do(orders, lambda board, tx: board.freeze(tx, "jun", HOUR))
    assert "Mina Park has frozen" in str(shorter.said)
    await _do(orders, lambda board, tx: board.freeze(tx, "jun", 3 * HOUR))
    async with orders.play.core.store.begin() as tx:
        freeze = (await tx.switches.all())["freeze"]
    assert (freeze.by, freeze.until) == ("jun", freeze.at + 3 * HOUR)


@pytest.mark.parametrize("length", [timedelta(), -HOUR, LONGEST + timedelta(seconds=1)], ids=str)
async def test_a_freeze_has_a_sane_length(orders: Scene, length: timedelta) -> None:
    with pytest.raises(Refused):
        await _do(orders, lambda board, tx: board.freeze(tx, "mina", length))
    await _do(orders, lambda board, tx: board.freeze(tx, "mina", LONGEST))


@pytest.mark.parametrize(
    ("config", "says"),
    [({"enabled": False}, "automatic.enabled is false"), ({}, "may start by themselves")],
)
async def test_the_state_is_told_in_one_sentence(
    store: Store, clock: SystemClock, config: dict[str, bool], says: str
) -> None:
    orders = await scene(store, clock, config=settings(**config))
    assert says in str((await _do(orders, lambda board, tx: board.status(tx))).said)
