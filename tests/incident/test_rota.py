"""What people change by hand counts from that moment on, ends by itself, and touches no chain that runs."""

from datetime import timedelta

import pytest

from bot.clock import SystemClock
from bot.errors import NotFound, Refused
from bot.incident.rota import LONGEST, Rota, roster
from bot.store.sql import Store
from escalation.errors import UnknownName
from escalation.override import Override
from escalation.schedule import shifts
from tests.support.core import Core, alarm, build, example_people

HOUR = timedelta(hours=1)


@pytest.fixture
def core(store: Store, clock: SystemClock) -> Core:
    return build(store, clock)


def rota() -> Rota:
    return Rota(example_people())


async def on_call(store: Store, schedule: str = "primary") -> list[str]:
    async with store.begin() as tx:
        return [person.key for person in (await roster(tx, example_people())).on_call(schedule, tx.now)]


async def usual(store: Store) -> str:
    [one] = await on_call(store)
    return one


async def make(store: Store, kind: str, *people: str, hours: float = 2, start: float = 0, by: str = "alex") -> str:
    async with store.begin() as tx:
        who = list(people) if kind == "swap" else people[0]
        span = {"from": tx.now + start * HOUR, "until": tx.now + hours * HOUR}
        done = await rota().override(tx, "primary", Override.model_validate({kind: who, **span}), by)
    return done.made.id


async def test_whoever_is_named_is_on_call_until_the_time_is_over(store: Store, clock: SystemClock) -> None:
    before = await usual(store)
    await make(store, "person", "alex")
    assert await on_call(store) == ["alex"]
    clock.advance(2 * HOUR + timedelta(seconds=1))
    assert await on_call(store) == [before]


async def test_the_next_incident_pages_them_and_one_that_is_open_keeps_its_chain(
    core: Core, store: Store, clock: SystemClock
) -> None:
    before = await usual(store)
    await core.raise_alarm(alarm())
    await make(store, "person", "alex")
    await core.raise_alarm(alarm("payments-errors"))
    await core.worker.drain()
    first, second = sorted(await core.incidents(), key=lambda one: one.title)
    chains = [one.chain.levels[0].people for one in (first, second)]
    assert chains == [(before,), ("alex",)]


async def test_one_that_is_not_over_at_the_end_of_the_chain_is_in_it_where_it_holds(core: Core, store: Store) -> None:
    """The override begins ten minutes after the incident: the second round of the chain pages whoever is on call by then."""
    await make(store, "person", "alex", start=1 / 6, hours=8)
    await core.raise_alarm(alarm())
    chain = (await core.only()).chain
    by_round = [level.people for level in chain.levels if level.level == 1]
    assert by_round[0] != ("alex",)
    assert by_round[1] == ("alex",)


async def test_taking_the_pager_lasts_to_the_end_of_the_shift(store: Store, clock: SystemClock) -> None:
    async with store.begin() as tx:
        done = await rota().take(tx, "primary", "alex")
        end = done.made.override.end
        [shift, *_] = shifts(example_people().schedule("primary"), tx.now, tx.now + timedelta(days=7))
    assert end == shift.end
    assert await on_call(store) == ["alex"]


async def test_somebody_besides_somebody_off_and_two_who_swap(store: Store) -> None:
    before = await usual(store)
    await make(store, "add", "alex")
    assert await on_call(store) == [before, "alex"]
    await make(store, "remove", before)
    assert await on_call(store) == ["alex"]
    await make(store, "person", "sofia")
    assert await on_call(store) == ["sofia"], "the later of two counts"


async def test_one_that_is_taken_back_holds_no_more(store: Store) -> None:
    before = await usual(store)
    made = await make(store, "person", "alex")
    async with store.begin() as tx:
        await rota().cancel(tx, made, "sofia")
    assert await on_call(store) == [before]
    async with store.begin() as tx:
        with pytest.raises(NotFound, match=made):
            await rota().cancel(tx, made, "sofia")


async def test_what_cannot_be_is_refused_and_leaves_nothing_behind(store: Store) -> None:
    with pytest.raises(Refused, match="time is over"):
        await make(store, "person", "alex", start=-3, hours=-1)
    with pytest.raises(Refused, match="at most"):
        await make(store, "person", "alex", hours=LONGEST / HOUR + 0.1)
    with pytest.raises(UnknownName, match="nobody"):
        await make(store, "person", "nobody")
    with pytest.raises(Refused, match="Only people"):
        await make(store, "person", "alex", by="<@UOTHER>")
    async with store.begin() as tx:
        with pytest.raises(UnknownName, match="tertiary"):
            await rota().take(tx, "tertiary", "alex")
    async with store.begin() as tx:
        assert await tx.overrides.since(tx.now - HOUR) == []


async def test_the_longest_that_may_be_is_taken_and_a_start_in_the_past_is_now(store: Store) -> None:
    await make(store, "person", "alex", hours=LONGEST / HOUR)
    made = await make(store, "person", "jun", start=-1)
    async with store.begin() as tx:
        found = {one.id: one for one in await tx.overrides.since(tx.now)}
    assert found[made].override.start == found[made].at


async def test_every_kind_is_read_back_as_it_was_made_and_said_in_a_sentence(store: Store) -> None:
    for kind, people in (("person", ["alex"]), ("add", ["jun"]), ("remove", ["mina"]), ("swap", ["mina", "jun"])):
        await make(store, kind, *people)
    async with store.begin() as tx:
        found = await tx.overrides.since(tx.now)
    assert [(one.override.people, one.by) for one in found] == [
        (("alex",), "alex"), (("jun",), "alex"), (("mina",), "alex"), (("mina", "jun"), "alex"),
    ]  # fmt: skip
    said = [str(rota().described(one)) for one in found]
    assert [text.split(" in primary")[0] for text in said] == [
        "Alex Kim is on call", "Jun Lee is on call too", "Mina Park is not on call", "Mina Park and Jun Lee swap",
    ]  # fmt: skip
    assert all(one.id in text for one, text in zip(found, said, strict=True))


async def test_taking_the_pager_gives_nobody_the_right_to_approve_and_being_given_it_does(store: Store) -> None:
    await make(store, "person", "alex", by="alex")
    assert await on_call(store) == ["alex"]
    async with store.begin() as tx:
        approving = await roster(tx, example_people(), taken=False)
        assert [person.key for person in approving.on_call("primary", tx.now)] != ["alex"]
    await make(store, "person", "alex", by="sofia")
    async with store.begin() as tx:
        approving = await roster(tx, example_people(), taken=False)
        assert [person.key for person in approving.on_call("primary", tx.now)] == ["alex"]
