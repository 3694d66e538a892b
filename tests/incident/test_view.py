import pytest

from bot.clock import SystemClock
from bot.errors import NotFound
from bot.incident.view import run_view, view
from bot.store.sql import Store
from tests.support.actions import HEAD, play, playbook
from tests.support.core import alarm

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def test_a_view_holds_all_that_belongs_to_its_incident_and_nothing_of_others(
    store: Store, clock: SystemClock
) -> None:
    mend = await play(store, clock, playbook(head=HEAD.replace("tier: 1", "tier: 1\noffer_when: {alarm: orders-*}")))
    await mend.core.raise_alarm(alarm("carts"))
    run = await mend.request()
    async with store.begin() as tx:
        seen = await view(tx, mend.runs, mend.incident)
        other = next(i.id for i in await mend_incidents(tx) if i.id != mend.incident)
        unlike = await view(tx, mend.runs, other)
        ran = await run_view(tx, run.id)
    assert [one.latest.name for one in seen.alarms] == ["orders-errors"]
    assert {page.incident for page in seen.pages} == {mend.incident}
    assert [one.id for one in seen.runs] == [run.id]
    assert len(seen.offers) == 1
    assert (unlike.runs, unlike.offers) == ([], [])
    assert [step.step for step in ran.steps] == ["look", "left", "right", "join"]
    assert ran.incident.id == mend.incident


async def test_what_does_not_exist_is_told_with_what_does(store: Store, clock: SystemClock) -> None:
    mend = await play(store, clock)
    async with store.begin() as tx:
        with pytest.raises(NotFound, match=mend.incident):
            await view(tx, mend.runs, "nope")
        with pytest.raises(NotFound, match="nope"):
            await run_view(tx, "nope")


async def mend_incidents(tx: object) -> list[object]:
    return list(await tx.incidents.listing(open_only=True))  # type: ignore[attr-defined]  # the store's transaction
