"""Playbooks that start without a person, from two alarms to the run, with everything that keeps them from it."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from bot.clock import SystemClock
from bot.config import Config
from bot.errors import Refused
from bot.incident.automatic import Automatic
from bot.incident.automatic_rules import ANNOUNCED_WITHIN, why_not
from bot.incident.incident import Incident
from bot.incident.ports import Switch
from bot.incident.timeline import restore
from bot.jobs import CONSIDER, SAY, Job
from bot.store.sql import Store
from tests.incident.automatic_scene import ANNOUNCE, STEADY, Scene, made, scene, settings
from tests.support.actions import HEAD, working

sqlite_alone = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
async def orders(store: Store, clock: SystemClock) -> Scene:
    return await scene(store, clock)


async def test_two_alarms_that_stay_start_the_playbook_after_its_announcement(orders: Scene) -> None:
    await orders.alarms("orders-errors", "orders-slow")
    await orders.play.later(seconds=STEADY)
    run = await orders.announced()
    assert (run.status, run.automatic, run.requested_by) == ("announced", True, "lifeboat")
    assert orders.play.cloud.made == {}
    await orders.play.later(seconds=ANNOUNCE)
    assert (await orders.play.run(run.id)).status == "succeeded"
    assert orders.play.cloud.made.keys() == {"orders"}


@sqlite_alone
async def test_one_alarm_alone_starts_nothing(orders: Scene) -> None:
    await orders.alarms("orders-errors")
    await orders.play.later(minutes=30)
    assert await orders.runs() == []
    assert await orders.told("not-automatic") == []


@sqlite_alone
async def test_nothing_starts_a_second_before_the_youngest_alarm_is_steady(orders: Scene) -> None:
    await orders.alarms("orders-errors")
    await orders.play.later(seconds=100)
    await orders.alarms("orders-slow")
    await orders.play.later(seconds=118)
    assert await orders.runs() == []
    await orders.play.later(seconds=3)
    assert [run.status for run in await orders.runs()] == ["announced"]


@sqlite_alone
async def test_an_alarm_that_flaps_starts_its_clock_anew(orders: Scene) -> None:
    await orders.alarms("orders-errors", "orders-slow")
    await orders.play.later(seconds=100)
    await orders.clear("orders-slow")
    await orders.play.later(seconds=5)
    await orders.alarms("orders-slow")
    await orders.play.later(seconds=110)
    assert await orders.runs() == []
    await orders.play.later(seconds=12)
    assert len(await orders.runs()) == 1


@sqlite_alone
async def test_two_alarms_of_two_services_start_nothing(store: Store, clock: SystemClock) -> None:
    services = {name: {"match": [{"alarm": f"{name}-*"}]} for name in ("orders", "carts")}
    config = Config.model_validate({"services": services, "automatic": {"enabled": True}})
    found = await scene(store, clock, config=config)
    await found.alarms("orders-errors", "carts-errors")
    await found.play.later(seconds=STEADY)
    assert await found.runs() == []


@sqlite_alone
async def test_the_playbook_may_fit_another_alarm_than_the_last_one(store: Store, clock: SystemClock) -> None:
    found = await scene(store, clock, made(offer="offer_when: {metric: orders-errors}\n"))
    [first] = await found.alarms("orders-errors")
    await found.play.later(seconds=60)
    await found.alarms("orders-slow")
    await found.play.later(seconds=STEADY)
    assert [run.incident for run in await found.runs()] == [first.id]


@sqlite_alone
async def test_without_a_service_two_alarms_of_one_resource_agree(store: Store, clock: SystemClock) -> None:
    found = await scene(store, clock, made(offer="offer_when: {resource: dynamodb}\n"))
    table = {"resource": "dynamodb", "dimensions": {"TableName": "x"}}
    await found.alarms("table-errors", **table)
    await found.alarms("table-slow", resource="dynamodb", dimensions={"TableName": "y"})
    await found.play.later(seconds=STEADY)
    assert await found.runs() == []
    await found.alarms("table-lag", **table)
    await found.play.later(seconds=STEADY)
    assert len(await found.runs()) == 1


@sqlite_alone
async def test_off_in_lifeboat_yaml_not_even_a_question_is_asked(store: Store, clock: SystemClock) -> None:
    found = await scene(store, clock, config=settings(enabled=False))
    await found.alarms("orders-errors", "orders-slow")
    await found.play.later(minutes=10)
    assert await found.runs() == []


def test_off_is_what_a_lifeboat_yaml_that_says_nothing_means() -> None:
    assert not Config().automatic.enabled


@sqlite_alone
async def test_a_region_is_never_failed_over_by_itself_whatever_its_playbook_says(orders: Scene) -> None:
    """Lint refuses such a playbook; a run that exists all the same does not begin."""
    await orders.alarms("orders-errors", "orders-slow")
    await orders.play.later(seconds=STEADY)
    run = await orders.announced()
    region = run.model_copy(update={"playbook": {**run.playbook, "tier": 3}})
    async with orders.play.core.store.begin() as tx:
        why = await why_not(tx, orders.play.core.config, region)
        await tx.runs.save(region)
    assert why
    assert "tier 3" in str(why)
    await orders.play.later(seconds=ANNOUNCE)
    assert (await orders.play.run(run.id)).status == "aborted"


@sqlite_alone
async def test_a_playbook_of_tier_3_is_not_asked_for(store: Store, clock: SystemClock) -> None:
    region = made().model_copy(update={"tier": 3})
    found = await scene(store, clock, region)
    await found.alarms("orders-errors", "orders-slow")
    await found.play.later(minutes=10)
    assert await found.runs() == []
    assert await found.told("not-automatic") == []


@sqlite_alone
async def test_a_playbook_of_tier_2_that_says_so_starts_like_one_of_tier_1(store: Store, clock: SystemClock) -> None:
    found = await scene(store, clock, made().model_copy(update={"tier": 2}))
    await found.alarms("orders-errors", "orders-slow")
    await found.play.later(seconds=STEADY)
    assert (await found.begun()).status == "succeeded"


@sqlite_alone
async def test_a_playbook_that_does_not_say_so_never_starts_by_itself(store: Store, clock: SystemClock) -> None:
    found = await scene(store, clock, made(rule=""))
    await found.alarms("orders-errors", "orders-slow")
    await found.play.later(minutes=10)
    assert await found.runs() == []


@sqlite_alone
async def test_only_alarms_that_are_not_suppressed_start_it(orders: Scene) -> None:
    await orders.alarms("orders-errors")
    await orders.alarms("orders-slow", suppressed_by="maintenance")
    await orders.play.later(minutes=10)
    assert await orders.runs() == []


@sqlite_alone
async def test_what_could_not_be_announced_does_not_begin(orders: Scene) -> None:
    await orders.alarms("orders-errors", "orders-slow")
    await orders.play.later(seconds=STEADY)
    [run] = await orders.runs()
    await orders.play.later(seconds=ANNOUNCED_WITHIN.total_seconds() - 5)
    assert (await orders.play.run(run.id)).status == "announced"
    await orders.play.later(seconds=6)
    run = await orders.play.run(run.id)
    assert run.status == "aborted"
    assert run.problem
    assert "could not be announced" in str(restore(run.problem))
    assert orders.play.cloud.made == {}


@sqlite_alone
async def test_the_time_to_stop_it_begins_when_it_was_announced(orders: Scene) -> None:
    """Slack took the announcement almost too late: there is a whole minute all the same."""
    await orders.alarms("orders-errors", "orders-slow")
    await orders.play.later(seconds=STEADY)
    await orders.play.later(seconds=ANNOUNCED_WITHIN.total_seconds() - 5)
    run = await orders.announced()
    await orders.play.later(seconds=55)
    assert (await orders.play.run(run.id)).status == "announced"
    await orders.play.later(seconds=6)
    assert (await orders.play.run(run.id)).status == "succeeded"


@sqlite_alone
async def test_an_announcement_that_is_told_twice_counts_once(orders: Scene) -> None:
    await orders.alarms("orders-errors", "orders-slow")
    await orders.play.later(seconds=STEADY)
    run = await orders.announced()
    await orders.play.later(seconds=30)
    assert (await orders.announced()).starts_at == run.starts_at


@sqlite_alone
async def test_an_incident_without_a_channel_has_nothing_started_and_says_why(orders: Scene) -> None:
    await orders.alarms("orders-errors", "orders-slow", channel=False)
    await orders.play.later(seconds=STEADY)
    assert await orders.runs() == []
    assert "no Slack channel" in (await orders.told("not-automatic"))[0]


@sqlite_alone
async def test_an_alarm_that_clears_during_the_announcement_calls_it_off(orders: Scene) -> None:
    await orders.alarms("orders-errors", "orders-slow")
    await orders.play.later(seconds=STEADY)
    run = await orders.announced()
    await orders.clear("orders-slow")
    await orders.play.later(seconds=ANNOUNCE)
    assert (await orders.play.run(run.id)).status == "aborted"
    assert "Fewer than 2 independent alarms" in (await orders.told("run-called-off"))[0]


@sqlite_alone
async def test_anybody_may_stop_it_during_the_announcement(orders: Scene) -> None:
    await orders.alarms("orders-errors", "orders-slow")
    await orders.play.later(seconds=STEADY)
    run = await orders.play.abort(await orders.announced(), "sofia")
    await orders.play.later(minutes=5)
    assert (run.status, run.aborted_by, orders.play.cloud.made) == ("aborted", "sofia", {})


@sqlite_alone
async def test_it_never_starts_twice_for_what_is_still_open(orders: Scene) -> None:
    await orders.alarms("orders-errors", "orders-slow")
    await orders.play.later(seconds=STEADY)
    assert (await orders.begun()).status == "succeeded"
    for name in ("orders-errors", "orders-slow"):
        await orders.clear(name)
    await orders.play.later(hours=3)
    await orders.alarms("orders-errors", "orders-slow", "orders-lag")
    await orders.play.later(seconds=STEADY)
    assert len(await orders.runs()) == 1
    assert "started by itself for this already" in (await orders.told("not-automatic"))[0]


@sqlite_alone
async def test_after_the_incidents_were_resolved_it_may_start_again_but_not_within_the_hour(orders: Scene) -> None:
    async def over() -> None:
        for incident in await orders.open():
            async with orders.play.core.store.begin() as tx:
                await orders.play.core.responder.resolve(tx, incident.id, "mina")
        for name in ("orders-errors", "orders-slow"):
            await orders.clear(name)

    await orders.alarms("orders-errors", "orders-slow")
    await orders.play.later(seconds=STEADY)
    await orders.begun()
    await over()
    await orders.alarms("orders-errors", "orders-slow")
    await orders.play.later(seconds=STEADY)
    assert len(await orders.runs()) == 1
    assert "1 automatic runs in an hour" in (await orders.told("not-automatic"))[0]
    await over()
    await orders.play.later(hours=1)
    await orders.alarms("orders-errors", "orders-slow")
    await orders.play.later(seconds=STEADY)
    assert len(await orders.runs()) == 2


@sqlite_alone
async def test_the_cap_of_lifeboat_yaml_is_for_all_services_together(store: Store, clock: SystemClock) -> None:
    services = {name: {"match": [{"alarm": f"{name}-*"}]} for name in ("orders", "carts")}
    config = Config.model_validate({"services": services, "automatic": {"enabled": True, "per_hour": 1}})
    found = await scene(store, clock, made(offer="offer_when: {alarm: '*'}\n"), config)
    await found.alarms("orders-errors", "orders-slow")
    await found.play.later(seconds=STEADY)
    await found.begun()
    await found.alarms("carts-errors", "carts-slow")
    await found.play.later(seconds=STEADY)
    assert len(await found.runs()) == 1
    assert "lifeboat.yaml" in (await found.told("not-automatic"))[0]


@sqlite_alone
async def test_what_was_called_off_does_not_count_against_the_cap_of_another_service(
    store: Store, clock: SystemClock
) -> None:
    services = {name: {"match": [{"alarm": f"{name}-*"}]} for name in ("orders", "carts")}
    config = Config.model_validate({"services": services, "automatic": {"enabled": True, "per_hour": 1}})
    found = await scene(store, clock, made(offer="offer_when: {alarm: '*'}\n"), config)
    await found.alarms("orders-errors", "orders-slow")
    await found.play.later(seconds=STEADY)
    await found.play.abort(await found.announced())
    await found.alarms("carts-errors", "carts-slow")
    await found.play.later(seconds=STEADY)
    assert len(await found.runs()) == 2


@sqlite_alone
async def test_nothing_starts_beside_a_person_who_is_at_it(orders: Scene) -> None:
    [first, _] = await orders.alarms("orders-errors", "orders-slow")
    async with orders.play.core.store.begin() as tx:
        await orders.play.runs.request(tx, first.id, "mend", {}, "mina")
    await orders.play.later(seconds=STEADY)
    assert [run.requested_by for run in await orders.runs()] == ["mina"]
    assert "is not over yet" in (await orders.told("not-automatic"))[0]


@sqlite_alone
async def test_a_person_who_asks_for_a_run_meanwhile_calls_it_off(orders: Scene) -> None:
    [_, second] = await orders.alarms("orders-errors", "orders-slow")
    await orders.play.later(seconds=STEADY)
    run = await orders.announced()
    async with orders.play.core.store.begin() as tx:
        await orders.play.runs.request(tx, second.id, "mend", {}, "mina")
    await orders.play.later(seconds=ANNOUNCE)
    assert (await orders.play.run(run.id)).status == "aborted"


@sqlite_alone
async def test_a_person_may_ask_for_it_after_it_has_started_by_itself(orders: Scene) -> None:
    await orders.alarms("orders-errors", "orders-slow")
    await orders.play.later(seconds=STEADY)
    first = await orders.begun()
    async with orders.play.core.store.begin() as tx:
        run = await orders.play.runs.request(tx, first.incident, "mend", {}, "mina")
    await orders.play.core.worker.drain()
    assert (await orders.play.run(run.id)).status == "planned"


@sqlite_alone
async def test_resolving_calls_off_what_was_announced_though_other_alarms_still_agree(orders: Scene) -> None:
    await orders.alarms("orders-errors", "orders-slow", "orders-lag")
    await orders.play.later(seconds=STEADY)
    run = await orders.announced()
    async with orders.play.core.store.begin() as tx:
        await tx.incidents.save((await tx.incidents.get(run.incident)).resolve("mina", tx.now, ""))
    await orders.play.later(seconds=ANNOUNCE)
    assert (await orders.play.run(run.id)).status == "aborted"
    assert "already resolved" in (await orders.told("run-called-off"))[0]


@sqlite_alone
@pytest.mark.parametrize(
    ("switch", "says"),
    [
        ({"name": "stop"}, "has stopped automatic runs"),
        ({"name": "freeze", "until": timedelta(hours=1), "reason": "moving"}, "moving"),
    ],
)
@pytest.mark.parametrize("when", ["before", "announced"])
async def test_a_switch_holds_before_it_is_asked_for_and_before_it_begins(
    orders: Scene, switch: Mapping[str, Any], says: str, when: str
) -> None:
    now = orders.play.core.clock.now()
    until = now + switch["until"] if "until" in switch else None
    put = Switch(switch["name"], "jun", now, until, switch.get("reason", ""))
    if when == "before":
        await orders.switch(put)
    await orders.alarms("orders-errors", "orders-slow")
    await orders.play.later(seconds=STEADY)
    if when == "before":
        assert await orders.runs() == []
        assert says in (await orders.told("not-automatic"))[0]
        return
    run = await orders.announced()
    await orders.switch(put)
    await orders.play.later(seconds=ANNOUNCE)
    assert (await orders.play.run(run.id)).status == "aborted"
    assert says in (await orders.told("run-called-off"))[0]


@sqlite_alone
async def test_a_freeze_by_hand_ends_by_itself(orders: Scene) -> None:
    now = orders.play.core.clock.now()
    await orders.switch(Switch("freeze", "jun", now, now + timedelta(minutes=1)))
    await orders.alarms("orders-errors", "orders-slow")
    await orders.play.later(seconds=STEADY)
    assert len(await orders.runs()) == 1


@sqlite_alone
async def test_the_same_reason_is_told_once_however_often_the_alarms_come(orders: Scene) -> None:
    await orders.switch(Switch("stop", "jun", orders.play.core.clock.now()))
    for _ in range(3):
        await orders.alarms("orders-errors", "orders-slow")
        await orders.play.later(seconds=STEADY)
        await orders.clear("orders-slow")
    assert len(await orders.told("not-automatic")) == 1


@sqlite_alone
async def test_inputs_that_nobody_can_fill_in_start_nothing_and_say_so(store: Store, clock: SystemClock) -> None:
    head = HEAD.replace("default: orders, choices: [orders, carts]", "from: alarm.dimensions.Nothing")
    found = await scene(store, clock, made(head=head))
    await found.alarms("orders-errors", "orders-slow")
    await found.play.later(seconds=STEADY)
    assert await found.runs() == []
    assert len(await found.told("not-automatic")) == 1


@sqlite_alone
async def test_the_channel_is_told_before_and_after(orders: Scene) -> None:
    await orders.alarms("orders-errors", "orders-slow")
    await orders.play.later(seconds=STEADY)
    run = await orders.begun()
    said = [job.payload["what"] for job in orders.play.core.ran if job.kind is SAY]
    assert [what for what in said if what.startswith("automatic")] == [
        f"automatic:{run.id}", f"automatic-over:{run.id}:succeeded",
    ]  # fmt: skip


@sqlite_alone
async def test_its_undo_and_its_steps_are_a_persons_to_decide(orders: Scene) -> None:
    orders.play.cloud.answers["act orders"] = [working()]
    await orders.alarms("orders-errors", "orders-slow")
    await orders.play.later(seconds=STEADY)
    run = await orders.begun()
    assert run.status == "running"
    with pytest.raises(Refused):
        await orders.play.abort(run, "<@USOMEBODY>")


@sqlite_alone
async def test_a_storm_of_one_services_alarms_is_one_question(orders: Scene) -> None:
    await orders.alarms(*(f"orders-{number}" for number in range(40)))
    async with orders.play.core.store.begin() as tx:
        waiting = [row for row in await tx.jobs.counts() if row[0] == CONSIDER.name]
    assert sum(row[-1] if isinstance(row[-1], int) else 1 for row in waiting) == 1
    await orders.play.later(seconds=STEADY)
    assert len(await orders.runs()) == 1


async def test_two_replicas_that_look_at_the_same_moment_ask_once(orders: Scene) -> None:
    found = await orders.alarms("orders-errors", "orders-slow")
    core = orders.play.core
    core.clock.advance(timedelta(seconds=STEADY))
    automatic = Automatic(core.config, core.runs)
    now = core.clock.now()

    async def look(incident: Incident) -> None:
        job = Job(0, CONSIDER, {"incident": incident.id, "service": "orders"}, now, 1, 1, now)
        async with core.store.begin() as tx:
            await automatic.consider(tx, [job])

    await asyncio.gather(*(look(incident) for incident in found * 4))
    assert len(await orders.runs()) == 1
