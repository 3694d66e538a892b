from collections.abc import Awaitable, Callable, Sequence

from bot.incident.ports import Delivery, Tx
from bot.jobs import OPEN_ROOM, SURVEY, SWEEP, TIDY, Job
from bot.store.inbox import DurableInbox
from bot.upkeep import EVERY, Upkeep
from tests.support.core import Core, alarm


class Swept:
    def __init__(self) -> None:
        self.times = 0

    async def once(self) -> int:
        self.times += 1
        return 0


def _upkeep(core: Core, swept: Swept | None = None) -> Upkeep:
    return Upkeep(core.store, DurableInbox(core.store), swept)


async def _counts(core: Core) -> dict[str, int]:
    async with core.store.begin() as tx:
        return {kind: count for kind, state, count, _ in await tx.jobs.counts() if state == "waiting"}


async def test_starting_three_replicas_makes_one_sweep_and_one_tidy(core: Core) -> None:
    for _ in range(3):
        await _upkeep(core).begin()
    counts = await _counts(core)
    assert (counts[SWEEP.name], counts[TIDY.name]) == (1, 1)


async def test_a_sweep_asks_aws_and_comes_round_again(core: Core) -> None:
    swept = Swept()
    upkeep = _upkeep(core, swept)
    async with core.store.begin() as tx:
        record = await upkeep.sweep(Job(1, SWEEP, {}, tx.now, 1, 1, tx.now))
        await record(tx)
        now = tx.now
    async with core.store.begin() as tx:
        assert await tx.jobs.next_due(SWEEP.lane) == now + EVERY[SWEEP]
    assert swept.times == 1


async def test_an_open_incident_whose_room_slack_refused_is_asked_for_again_after_a_restart(core: Core) -> None:
    await core.raise_alarm(alarm())
    await core.worker.drain()
    incident = (await core.only()).id
    async with core.store.begin() as tx:
        await core.responder.room_failed(tx, incident, "invalid_auth")
    core.ran.clear()
    await _upkeep(core).begin()
    await core.worker.drain()
    assert [job.payload["incident"] for job in core.ran if job.kind is OPEN_ROOM] == [incident]


async def test_an_incident_with_a_room_or_a_resolution_is_left_alone_at_start(core: Core) -> None:
    await core.raise_alarm(alarm("a"), alarm("b"))
    await core.worker.drain()
    housed, resolved = (incident.id for incident in await core.incidents())
    async with core.store.begin() as tx:
        await core.responder.room_opened(tx, housed, "C1")
        await core.responder.resolve(tx, resolved, "mina")
    await core.worker.drain()
    core.ran.clear()
    await _upkeep(core).begin()
    await core.worker.drain()
    assert not [job for job in core.ran if job.kind is OPEN_ROOM]


async def test_a_stuck_row_becomes_an_alarm_that_pages_once_an_hour(core: Core) -> None:
    await core.raise_alarm(alarm())
    await core.worker.drain()
    taken: list[Delivery] = []

    class Inbox:
        async def accept(self, deliveries: Sequence[Delivery]) -> None:
            taken.extend(deliveries)

    upkeep = Upkeep(core.store, Inbox(), None)
    async with core.store.begin() as tx:
        tidy = Job(1, TIDY, {}, tx.now, 1, 1, tx.now)
        [page] = await tx.pages.of((await tx.incidents.listing(open_only=True))[0].id)
        await tx.pages.save(page.model_copy(update={"status": "due"}))
    core.clock.advance(EVERY[SWEEP] * 2)
    await upkeep.tidy(tidy)
    await upkeep.tidy(tidy)
    assert len({delivery.id for delivery in taken}) == 1
    assert page.id in taken[0].body
    await DurableInbox(core.store).accept(taken)
    await core.worker.drain()
    assert len(await core.incidents()) == 2


class Surveyed:
    async def once(self) -> Callable[[Tx], Awaitable[None]]:
        return lambda tx: tx.known.note({"region:us-east-1": {"since": "-"}})


async def test_a_survey_is_noted_and_comes_round_again(core: Core) -> None:
    upkeep = Upkeep(core.store, DurableInbox(core.store), None, Surveyed())
    for _ in range(2):
        await upkeep.begin()
    async with core.store.begin() as tx:
        record = await upkeep.survey(Job(1, SURVEY, {}, tx.now, 1, 1, tx.now))
        await record(tx)
        assert list(await tx.known.recall(["region:"])) == ["region:us-east-1"]
    assert (await _counts(core))[SURVEY.name] == 1
