import asyncio
from typing import Any

import pytest

from bot.incident.incident import Incident
from bot.incident.pager import Page
from bot.incident.paging import Paging
from bot.jobs import PAGE, Job
from tests.support.core import Core, Phone, alarm

# Paging's own decisions; what depends on the database is in test_responder.py.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def _due(core: Core) -> tuple[Page, Job]:
    await core.raise_alarm(alarm())
    page = (await core.pages((await core.only()).id))[0]
    now = core.clock.now()
    return page, Job(1, PAGE, {"page": page.id}, now, 1, 1, now)


async def _record(core: Core, record: Any) -> None:
    async with core.store.begin() as tx:
        await record(tx)


async def test_a_method_that_never_answers_does_not_keep_the_next_one_waiting(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Silent(Phone):
        async def send(self, page: Page, incident: Incident, *, again: bool) -> None:
            await asyncio.Event().wait()

    monkeypatch.setattr("bot.incident.paging._PATIENCE", 0.01)  # eight seconds otherwise
    page, job = await _due(core)
    paging = Paging(core.store, core.responder, {"slack": Silent("slack"), "sms": core.sms})
    await _record(core, await paging.page(job))
    [page] = await core.pages(page.incident)
    assert (page.status, page.tries) == ("due", 1)
    assert "page-failed" in await core.timeline(page.incident)


async def test_a_method_that_is_not_set_up_or_breaks_falls_through_at_once(core: Core) -> None:
    page, job = await _due(core)
    await _record(core, await Paging(core.store, core.responder, {"sms": core.sms}).page(job))
    assert (await core.pages(page.incident))[0].contact == 1
    core.sms.fail["*"] = KeyError("a defect")
    await _record(core, await Paging(core.store, core.responder, {"sms": core.sms}).page(job))
    assert (await core.pages(page.incident))[0].status == "failed"


async def test_a_page_that_was_answered_before_it_could_be_sent_is_not_sent(core: Core) -> None:
    page, job = await _due(core)
    async with core.store.begin() as tx:
        await core.responder.acknowledge(tx, page.incident, "jun")
    await _record(core, await Paging(core.store, core.responder, {"slack": core.slack}).page(job))
    assert core.slack.sent == []


async def test_an_answer_while_the_page_is_on_its_way_stays_an_answer(core: Core) -> None:
    page, job = await _due(core)
    record = await Paging(core.store, core.responder, {"slack": core.slack}).page(job)
    async with core.store.begin() as tx:
        await core.responder.acknowledge(tx, page.incident, page.person.key)
    await _record(core, record)
    assert (await core.pages(page.incident))[0].status == "acknowledged"
    assert core.slack.who == [page.person.key]
