"""Somebody who acknowledged and forgot is paged again, by the policy's own rule and by nothing else."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.clock import SystemClock
from bot.incident.reminding import Reminding
from bot.jobs import REMIND, Job
from bot.store.sql import Store
from tests.support.core import Core, alarm, build

ONE_ENGINE = True  # decisions; the statements are judged on both elsewhere
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


@pytest.fixture
def core(store: Store, clock: SystemClock) -> Core:
    made = build(store, clock)
    directory = made.directory
    policies = {name: one.model_copy(update={"remind": HOUR}) for name, one in directory.policies.items()}
    made.responder.directory = replace(directory, policies=policies)
    return made


async def acknowledged(core: Core, by: str = "sofia") -> str:
    await core.raise_alarm(alarm())
    await core.worker.drain()
    incident = (await core.only()).id
    async with core.store.begin() as tx:
        await core.responder.acknowledge(tx, incident, by)
    await core.worker.drain()
    core.slack.sent.clear()
    core.sms.sent.clear()
    return incident


async def later(core: Core, by: timedelta) -> list[str]:
    core.clock.advance(by)
    await core.worker.drain()
    return sorted([*core.slack.who, *core.sms.who])


async def test_the_owner_is_paged_again_each_time_the_policys_time_passes(core: Core) -> None:
    incident = await acknowledged(core)
    assert await later(core, HOUR - SECOND) == []
    assert await later(core, 2 * SECOND) == ["sofia"]
    assert await later(core, HOUR) == ["sofia", "sofia"]
    assert (await core.timeline(incident)).count("reminded") == 2
    assert (await core.only()).status == "acknowledged"


async def test_an_acknowledged_incident_without_the_rule_never_pages_by_itself(
    store: Store, clock: SystemClock
) -> None:
    core = build(store, clock)
    await acknowledged(core)
    assert await later(core, 60 * 24 * HOUR) == []


async def test_a_resolved_incident_reminds_nobody(core: Core) -> None:
    incident = await acknowledged(core)
    async with core.store.begin() as tx:
        await core.responder.resolve(tx, incident, "sofia")
    assert await later(core, 3 * HOUR) == []


async def test_an_owner_whom_nobody_can_page_is_no_reason_to_page_nobody(core: Core) -> None:
    await acknowledged(core, by="<@UOUTSIDER>")
    assert await later(core, HOUR + SECOND) != []
    assert await later(core, HOUR) != [], "and again an hour later"


async def test_whoever_answered_at_a_terminal_is_the_one_who_is_reminded(core: Core) -> None:
    await acknowledged(core, by="cli:sofia")
    assert await later(core, HOUR + SECOND) == ["sofia"]


async def test_a_reminder_of_which_nothing_was_recorded_pages_once_when_it_comes_again(core: Core) -> None:
    """The process dies before the commit: the page, its line and the next reminder are one transaction."""
    incident = await acknowledged(core)
    core.clock.advance(HOUR + SECOND)
    found = await core.only()
    with pytest.raises(ZeroDivisionError):
        async with core.store.begin() as tx:
            job = Job(0, REMIND, {"incident": incident, "timer": found.timer}, tx.now, 1, 1, tx.now)
            await Reminding(core.directory).due(tx, [job])
            raise ZeroDivisionError
    assert await later(core, SECOND) == ["sofia"]
    assert (await core.timeline(incident)).count("reminded") == 1
