"""/dr stop, start and freeze, as people type them."""

from collections.abc import AsyncIterator

import pytest

from bot.clock import SystemClock
from bot.incident.run import Run
from bot.rehearsal.slack import Fault
from bot.store.sql import Store
from tests.slack.front import Front, open_front
from tests.slack.test_automatic import CONFIG, MEND, _announced, _now


@pytest.fixture
async def front(store: Store, clock: SystemClock) -> AsyncIterator[Front]:
    async with open_front(store, clock, config=CONFIG, playbooks={MEND.name: MEND}) as opened:
        yield opened


async def _began(front: Front) -> Run:
    run = await _announced(front.office)
    await front.office.later(61)
    return await _now(front.office, run)


async def test_stop_says_what_it_called_off(front: Front) -> None:
    run = await _announced(front.office)
    told = await front.command("sofia", "stop")
    assert "Nothing starts by itself any more" in told
    assert run.id in told
    assert (await _now(front.office, run)).status == "aborted"
    assert "stopped since" in await front.command("sofia", "freeze")
    assert "stopped since" in await front.command("sofia")


async def test_stop_shows_what_had_begun_with_the_button_that_aborts_it(front: Front) -> None:
    run = await _began(front)
    assert run.status == "running"
    told = await front.command("alex", "중지")
    assert "These had begun" in told
    assert (await _now(front.office, run)).status == "running"
    await front.click("alex", "run.abort", channel="CFALLBACK")
    assert (await _now(front.office, run)).status == "aborted"


async def test_start_allows_it_again(front: Front) -> None:
    await front.command("sofia", "stop")
    assert "may start by themselves" in await front.command("alex", "start")


async def test_a_freeze_takes_a_length_and_a_reason(front: Front) -> None:
    told = await front.command("alex", "freeze 2h moving the &amp; database")
    assert "for 2 h" in told
    assert "moving the & database" in await front.command("sofia", "freeze")


@pytest.mark.parametrize("text", ["freeze tomorrow", "freeze 2", "freeze -1h", "freeze 0s"])
async def test_a_freeze_without_a_length_says_how_to_write_it(front: Front, text: str) -> None:
    assert "freeze 2h moving the database" in await front.command("alex", text)


async def test_a_freeze_that_is_too_long_belongs_into_lifeboat_yaml(front: Front) -> None:
    assert "automatic.freeze" in await front.command("alex", "freeze 15d")


async def test_a_guest_stops_nothing(front: Front) -> None:
    run = await _announced(front.office)
    front.person("mina").channel("CFALLBACK").members.append("UGUEST")
    assert "people.yaml" in await front.command("guest", "stop")
    assert (await _now(front.office, run)).status == "announced"


async def test_stop_works_while_slack_takes_no_messages(front: Front) -> None:
    run = await _announced(front.office)
    with front.office.local.faults.during(Fault("server_error", "chat.postMessage", times=None)):
        await front.command("alex", "stop")
    assert (await _now(front.office, run)).status == "aborted"
