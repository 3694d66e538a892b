import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bot.errors import NotFound, Refused, phrase
from bot.incident.correlate import TELL_AGAIN_AFTER
from bot.incident.pager import EVERYBODY_AFTER, RETRY_AFTER, TRIES
from bot.jobs import DRAW_CARD, INVITE, OPEN_ROOM, Lane
from escalation.policy import Chain
from tests.support.core import Core, alarm, down


async def _open(core: Core) -> str:
    await core.raise_alarm(alarm())
    await core.worker.drain()
    return (await core.only()).id


async def _ack(core: Core, incident: str, by: str) -> bool:
    async with core.store.begin() as tx:
        return (await core.responder.acknowledge(tx, incident, by)).changed


async def _level(core: Core, number: int, cycle: int = 1) -> list[str]:
    chain: Chain = (await core.only()).chain
    return sorted(next(level.people for level in chain.levels if (level.level, level.cycle) == (number, cycle)))


async def test_an_alarm_opens_one_incident_pages_level_one_and_asks_for_a_room(core: Core) -> None:
    incident = await _open(core)
    assert sorted(core.slack.who) == await _level(core, 1)
    assert {job.kind for job in core.ran} >= {OPEN_ROOM, DRAW_CARD}
    assert await core.timeline(incident) == ["opened", "paged"]


async def test_the_same_alarm_ten_thousand_times_is_one_open_incident_with_a_count(core: Core) -> None:
    await core.raise_alarm(*[alarm()] * 9_000)
    for _ in range(10):
        await core.raise_alarm(*[alarm()] * 100)
    incident = await core.only()
    async with core.store.begin() as tx:
        [record] = await tx.incidents.alarms_of(incident.id)
    assert record.count == 10_000
    assert len(await core.pages(incident.id)) == 1


async def test_a_storm_of_one_alarm_leaves_no_pile_of_edits_of_its_card(core: Core) -> None:
    for _ in range(50):
        await core.raise_alarm(*[alarm()] * 10)
    waiting = [job for job in await core.store.lease(Lane.SLACK, 100, "test") if job.kind is DRAW_CARD]
    assert len(waiting) == 1


async def test_two_identical_alarms_at_the_same_instant_are_one_incident(core: Core) -> None:
    await asyncio.gather(*(core.raise_alarm(alarm()) for _ in range(8)))
    incident = await core.only()
    async with core.store.begin() as tx:
        [record] = await tx.incidents.alarms_of(incident.id)
    assert record.count == 8
    assert len(await core.pages(incident.id)) == 1


async def test_ok_clears_the_alarm_and_never_the_incident(core: Core) -> None:
    incident = await _open(core)
    await core.raise_alarm(alarm(state="ok"))
    assert (await core.only()).status == "open"
    async with core.store.begin() as tx:
        [record] = await tx.incidents.alarms_of(incident)
    assert record.cleared_at
    assert "cleared" in await core.timeline(incident)


async def test_an_ok_for_an_alarm_that_no_incident_knows_opens_nothing(core: Core) -> None:
    await core.raise_alarm(alarm(state="ok"))
    assert await core.incidents() == []


async def test_an_older_ok_that_arrives_late_does_not_clear_a_newer_alarm(core: Core) -> None:
    now = core.clock.now()
    await core.raise_alarm(alarm(changed_at=now))
    await core.raise_alarm(alarm(state="ok", changed_at=now - timedelta(minutes=1)))
    assert "cleared" not in await core.timeline((await core.only()).id)


async def test_an_alarm_overtaken_by_its_own_ok_is_not_lost(core: Core) -> None:
    now = core.clock.now()
    await core.raise_alarm(alarm(state="ok", changed_at=now))
    await core.raise_alarm(alarm(changed_at=now - timedelta(minutes=1)))
    assert (await core.only()).status == "open"


async def test_a_resolved_incident_does_not_swallow_the_alarm_when_it_comes_back(core: Core) -> None:
    first = await _open(core)
    async with core.store.begin() as tx:
        await core.responder.resolve(tx, first, "mina")
    await core.raise_alarm(alarm())
    await core.worker.drain()
    assert len(await core.incidents()) == 2
    assert len(core.slack.sent) == 2


async def test_levels_advance_on_their_timers_until_somebody_acknowledges(core: Core) -> None:
    incident = await _open(core)
    core.clock.advance(timedelta(minutes=5, seconds=1))
    await core.worker.drain()
    assert core.slack.who[1:] == await _level(core, 2)
    assert await _ack(core, incident, "jun")
    core.clock.advance(timedelta(hours=2))
    await core.worker.drain()
    assert len(core.slack.sent) == 2


async def test_nobody_is_paged_again_after_an_acknowledgement(core: Core) -> None:
    incident = await _open(core)
    assert await _ack(core, incident, "mina")
    core.clock.advance(timedelta(days=60))
    await core.worker.drain()
    assert len(core.slack.sent) == 1


async def test_a_second_acknowledgement_changes_nothing_and_says_who_was_first(core: Core) -> None:
    incident = await _open(core)
    assert await _ack(core, incident, "mina")
    assert not await _ack(core, incident, "jun")
    assert (await core.only()).acknowledged_by == "mina"
    assert (await core.timeline(incident)).count("acknowledged") == 1


async def test_an_acknowledgement_that_races_a_resolution_does_not_reopen_the_incident(core: Core) -> None:
    incident = await _open(core)
    async with core.store.begin() as tx:
        await core.responder.resolve(tx, incident, "mina")
    assert not await _ack(core, incident, "jun")
    assert (await core.only()).status == "resolved"


async def test_when_the_chain_ends_without_an_answer_it_says_so(core: Core) -> None:
    incident = await _open(core)
    for _ in range(12):
        core.clock.advance(timedelta(minutes=11))
        await core.worker.drain()
    assert (await core.only()).exhausted
    assert (await core.timeline(incident)).count("exhausted") == 1


async def test_escalate_now_pages_the_next_level_and_the_old_timer_does_nothing(core: Core) -> None:
    incident = await _open(core)
    async with core.store.begin() as tx:
        await core.responder.escalate(tx, incident, "mina")
    await core.worker.drain()
    paged = len(core.slack.sent)
    assert sorted(core.slack.who[1:]) == await _level(core, 2)
    core.clock.advance(timedelta(minutes=4))
    await core.worker.drain()
    assert len(core.slack.sent) == paged


async def test_a_failed_method_falls_through_to_the_next_one_at_once(core: Core) -> None:
    core.slack.fail["*"] = down(permanent=True)
    await _open(core)
    assert core.sms.who == await _level(core, 1)


async def test_a_method_that_fails_for_now_is_tried_again_then_left_for_the_next(core: Core) -> None:
    core.slack.fail["*"] = down()
    incident = await _open(core)
    assert not core.sms.sent
    for _ in range(TRIES):
        core.clock.advance(RETRY_AFTER + timedelta(milliseconds=1))
        await core.worker.drain()
    assert core.sms.who == await _level(core, 1)
    assert (await core.timeline(incident)).count("page-failed") == TRIES


async def test_a_provider_that_asks_for_a_long_wait_is_not_waited_for(core: Core) -> None:
    core.slack.fail["*"] = down(retry_after=60)
    await _open(core)
    assert core.sms.who == await _level(core, 1)


async def test_one_persons_failure_never_stops_anothers_page(core: Core) -> None:
    incident = await _open(core)
    core.slack.fail["jun"] = RuntimeError("a defect in the method")
    core.sms.fail["jun"] = down(permanent=True)
    async with core.store.begin() as tx:
        await core.responder.page(tx, incident, ["jun", "alex"], "mina")
    await core.worker.drain()
    assert "alex" in core.sms.who
    assert "unreachable" in await core.timeline(incident)


async def test_a_level_whose_people_cannot_be_reached_does_not_hold_up_the_next(core: Core) -> None:
    core.slack.fail["*"] = core.sms.fail["*"] = down(permanent=True)
    await core.raise_alarm(alarm())
    [first] = await _level(core, 1)
    core.slack.fail = core.sms.fail = {first: down(permanent=True)}
    await core.worker.drain()
    assert sorted(core.slack.who) == await _level(core, 2)


async def test_the_next_level_does_not_cut_short_a_page_that_still_falls_through(core: Core) -> None:
    core.slack.fail["*"] = down()
    incident = await _open(core)
    async with core.store.begin() as tx:
        await core.responder.escalate(tx, incident, "sofia")
    for _ in range(TRIES):
        core.clock.advance(RETRY_AFTER + timedelta(milliseconds=1))
        await core.worker.drain()
    assert set(await _level(core, 1)) < set(core.sms.who)


async def test_an_outage_longer_than_the_whole_chain_leaves_nobody_unpaged(core: Core) -> None:
    core.slack.fail["*"] = core.sms.fail["*"] = down(retry_after=60)
    incident = await _open(core)
    for _ in range(3):
        assert (await core.only()).exhausted
        core.clock.advance(EVERYBODY_AFTER)
        await core.worker.drain()
    assert not core.slack.sent + core.sms.sent
    core.slack.fail.clear()
    core.clock.advance(EVERYBODY_AFTER)
    await core.worker.drain()
    assert sorted(core.slack.who) == await _level(core, 3)
    assert (await core.timeline(incident)).count("exhausted") == 1
    core.clock.advance(timedelta(days=1))
    await core.worker.drain()
    assert len(core.slack.sent) == len(await _level(core, 3))


@pytest.mark.parametrize("ended_by", ["acknowledge", "resolve"])
async def test_nobody_is_tried_again_for_an_incident_that_was_answered_in_an_outage(core: Core, ended_by: str) -> None:
    core.slack.fail["*"] = core.sms.fail["*"] = down(permanent=True)
    incident = await _open(core)
    async with core.store.begin() as tx:
        await getattr(core.responder, ended_by)(tx, incident, "mina")
    core.slack.fail.clear()
    core.clock.advance(timedelta(days=1))
    await core.worker.drain()
    assert not core.slack.sent + core.sms.sent


async def test_an_alarm_that_comes_back_after_an_acknowledgement_pages_its_owner_again_once(core: Core) -> None:
    incident = await _open(core)
    assert await _ack(core, incident, "alex")
    for _ in range(3):
        await core.raise_alarm(alarm(state="ok"))
        await core.raise_alarm(alarm())
    await core.worker.drain()
    assert core.sms.who == ["alex"]


@pytest.mark.parametrize(
    ("later", "told"), [(TELL_AGAIN_AFTER - timedelta(seconds=1), []), (TELL_AGAIN_AFTER, ["alex"])]
)
async def test_an_acknowledged_incident_does_not_swallow_an_alarm_whose_ok_nobody_told(
    core: Core, later: timedelta, told: list[str]
) -> None:
    at = core.clock.now()
    await core.raise_alarm(alarm(changed_at=at))
    assert await _ack(core, (await core.only()).id, "alex")
    for _ in range(2):
        await core.raise_alarm(alarm(changed_at=at + later))
    await core.worker.drain()
    assert core.sms.who == told
    assert (await core.timeline((await core.only()).id)).count("returned") == len(told)


async def test_a_page_that_fails_and_an_acknowledgement_do_not_wait_for_each_other(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = await _open(core)
    async with core.store.begin() as tx:
        await core.responder.page(tx, incident, ["sofia"], "mina")
    [page] = [page for page in await core.pages(incident) if page.person.key == "sofia"]
    failing, unreached = asyncio.Event(), core.responder._nobody_reached

    async def slowly(*told: Any) -> None:
        failing.set()
        await asyncio.sleep(0.2)  # while the acknowledgement takes what it can lock
        await unreached(*told)

    monkeypatch.setattr(core.responder, "_nobody_reached", slowly)  # nothing else stops a verb in its middle

    async def fail() -> None:
        async with core.store.begin() as tx:
            await tx.pages.save(page.model_copy(update={"contact": len(page.person.contacts) - 1}))
        async with core.store.begin() as tx:
            await core.responder.page_failed(tx, page.id, phrase("no"), permanent=True)

    async def answer() -> bool:
        await failing.wait()
        return await _ack(core, incident, "mina")

    assert await asyncio.gather(fail(), answer()) == [None, True]


async def test_an_alarm_that_comes_back_is_not_lost_with_an_owner_who_cannot_be_reached(core: Core) -> None:
    incident = await _open(core)
    assert await _ack(core, incident, "sofia")
    core.slack.fail["sofia"] = core.sms.fail["sofia"] = down(permanent=True)
    before = len(core.slack.sent + core.sms.sent)
    await core.raise_alarm(alarm(state="ok"))
    await core.raise_alarm(alarm())
    await core.worker.drain()
    assert len(core.slack.sent + core.sms.sent) > before


async def test_the_chain_of_an_open_incident_does_not_change_with_the_files(core: Core) -> None:
    incident = await _open(core)
    before = (await core.only()).chain
    core.responder.directory = None  # type: ignore[assignment]  # whoever asks it again fails here
    core.clock.advance(timedelta(minutes=6))
    await core.worker.drain()
    assert (await core.only()).chain == before
    assert (await core.timeline(incident)).count("paged") > 1


async def test_declaring_needs_a_title_and_a_known_service(core: Core) -> None:
    async with core.store.begin() as tx:
        with pytest.raises(Refused, match="what is wrong"):
            await core.responder.declare(tx, "  ", "mina")
        with pytest.raises(NotFound, match="orders"):
            await core.responder.declare(tx, "broken", "mina", service="odrers")
        answer = await core.responder.declare(tx, "Checkout is down", "mina", service="orders")
    await core.worker.drain()
    assert answer.incident.declared_by == "mina"
    assert len(core.slack.sent) == 1


async def test_two_incidents_of_one_service_on_one_day_have_different_channel_names(core: Core) -> None:
    async with core.store.begin() as tx:
        first = (await core.responder.declare(tx, "one", "mina", service="orders")).incident
        second = (await core.responder.declare(tx, "two", "mina", service="orders")).incident
        names = [(await core.responder.name_room(tx, i.id)).channel_name for i in (first, second)]
        again = (await core.responder.name_room(tx, first.id)).channel_name
        refused = (await core.responder.name_room(tx, first.id, taken=[names[0] or ""])).channel_name
    assert names[0] == again
    assert names[1] == f"{names[0]}-2"
    assert refused == f"{names[0]}-3"


async def test_the_room_invites_those_who_were_paged_and_those_who_answered(core: Core) -> None:
    incident = await _open(core)
    assert await _ack(core, incident, "alex")
    await core.worker.drain()
    core.ran.clear()
    async with core.store.begin() as tx:
        await core.responder.room_opened(tx, incident, "C1")
    await core.worker.drain()
    [invite] = [job for job in core.ran if job.kind is INVITE]
    assert set(invite.payload["people"]) == {*await _level(core, 1), "alex"}


async def test_without_a_channel_the_incident_lives_on_and_pages(core: Core) -> None:
    incident = await _open(core)
    async with core.store.begin() as tx:
        await core.responder.room_failed(tx, incident, "restricted_action")
    core.clock.advance(timedelta(minutes=6))
    await core.worker.drain()
    assert (await core.only()).channel_problem == "restricted_action"
    assert len(core.slack.sent) > 1


async def test_resolving_twice_says_so_and_withdraws_pages_once(core: Core) -> None:
    incident = await _open(core)
    async with core.store.begin() as tx:
        assert (await core.responder.resolve(tx, incident, "mina", "restarted")).changed
        assert not (await core.responder.resolve(tx, incident, "jun")).changed
    assert (await core.only()).resolved_by == "mina"
    assert {page.status for page in await core.pages(incident)} <= {"acknowledged", "superseded"}
