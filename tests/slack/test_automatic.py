"""Runs that nobody asked for, and the clock of the recovery, as the channel sees them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clock import SystemClock
from bot.config import Config
from bot.errors import phrase
from bot.incident.advance import RTO_SHARES
from bot.incident.prediction import Prediction
from bot.incident.run import Run
from bot.incident.switches import Switched
from bot.incident.view import IncidentView, RunView
from bot.jobs import SAY, NewJob
from bot.playbook.action import StepPlan
from bot.playbook.plan import Plan
from bot.rehearsal.slack import Fault
from bot.rehearsal.slack.workspace import Message
from bot.slack.announcements import announcement, ended
from bot.slack.rto_warnings import rto_warning
from bot.slack.switched import switched
from bot.store.sql import Store
from tests.slack import views
from tests.slack.office import Office, open_office
from tests.slack.test_messages import EN, MANY, buttons, check, who
from tests.support.core import alarm, build

MEND = views.playbook(
    [{"id": "look", "manual": {"en": "Look at the graph.", "ko": "그래프를 보세요."}}],
    title="Mend it",
    offer_when={"service": "orders"},
    automatic={"signals": 2, "steady_for": "2m", "announce": "1m"},
)
CONFIG = Config.model_validate(
    {"services": {"orders": {"match": [{"alarm": "orders-*"}]}}, "automatic": {"enabled": True}}
)


@pytest.fixture
async def office(store: Store, clock: SystemClock) -> AsyncIterator[Office]:
    async with open_office(store, clock, config=CONFIG, playbooks={MEND.name: MEND}) as opened:
        yield opened


async def _asked_for(office: Office) -> Run:
    """Two alarms have agreed; the run that follows is not planned yet."""
    for name in ("orders-errors", "orders-slow"):
        await office.core.raise_alarm(alarm(name, metric=name, changed_at=office.core.clock.now()))
    await office.work()
    await office.later(121)
    async with office.core.store.begin() as tx:
        [run] = await tx.runs.unfinished()
    return run


async def _plan(office: Office, run: Run) -> None:
    look = views.planned("look", kind="manual", uses=None, plan=StepPlan())
    async with office.core.store.begin() as tx:
        await office.core.runs.planned(tx, run.id, Plan(run.name, "d", "us-east-1", {}, (look,)))


async def _announced(office: Office) -> Run:
    run = await _asked_for(office)
    await _plan(office, run)
    await office.work()
    return await _now(office, run)


async def _now(office: Office, run: Run) -> Run:
    async with office.core.store.begin() as tx:
        return await tx.runs.get(run.id)


async def _said(office: Office, run: Run, *words: str) -> list[Message]:
    channel = (await office.incident(run.incident)).channel or ""
    return [message for message in office.said(channel) if all(word in message.text for word in words)]


async def test_it_is_announced_in_a_message_of_its_own_that_says_why_and_mentions_whoever_was_paged(
    office: Office,
) -> None:
    run = await _announced(office)
    [message] = await _said(office, run, "Mend it starts by itself")
    assert "orders-errors, orders-slow" in message.text
    assert all(f"<@{user}>" in message.text for user in office.paged())
    assert {"run.abort", "run.now"} <= set(buttons(message.blocks))
    assert run.starts_at


async def test_its_announcement_follows_the_run_and_its_end_is_told(office: Office) -> None:
    run = await _announced(office)
    await office.later(61)
    assert (await _now(office, run)).status == "running"
    [message] = await _said(office, run, "Mend it has started by itself")
    assert "run.now" not in buttons(message.blocks)
    async with office.core.store.begin() as tx:
        await office.core.runs.press(tx, run.id, "look", "confirm", "mina")
    await office.work()
    [over] = await _said(office, run, "succeeded after")
    assert over.ts > message.ts


async def test_who_stopped_it_is_told_and_nothing_offers_to_stop_it_any_more(office: Office) -> None:
    run = await _announced(office)
    async with office.core.store.begin() as tx:
        await office.core.runs.abort(tx, run.id, "sofia")
    await office.work()
    told = await _said(office, run, "does not start by itself", "Sofia")
    assert len(told) == 2  # the announcement says so now, and a new message tells it
    assert not any({"run.abort", "run.now"} & set(buttons(message.blocks)) for message in told)
    await office.later(300)
    assert (await _now(office, run)).status == "aborted"


async def test_without_slack_it_does_not_begin_and_the_channel_is_told_why_when_slack_is_back(office: Office) -> None:
    run = await _asked_for(office)
    with office.local.faults.during(Fault("server_error", "*", times=None)):
        await _plan(office, run)
        for _ in range(8):
            await office.later(60)
        run = await _now(office, run)
        assert (run.status, run.starts_at, run.started_at) == ("aborted", None, None)
    for _ in range(3):
        await office.later(61)
    [told] = await _said(office, run, "does not start by itself", "could not be announced")
    assert await _said(office, run, "Mend it starts by itself") == []
    assert "<@" in told.text


async def test_an_announcement_that_is_drawn_twice_is_posted_once_and_gives_no_more_time(office: Office) -> None:
    run = await _announced(office)
    await office.later(20)
    async with office.core.store.begin() as tx:
        await tx.jobs.add(NewJob(SAY, {"incident": run.incident, "what": f"automatic:{run.id}"}))
    await office.work()
    assert len(await _said(office, run, "Mend it starts by itself")) == 1
    assert (await _now(office, run)).starts_at == run.starts_at


MINUTE = 60


async def _warned(office: Office, incident: str) -> list[str]:
    channel = (await office.incident(incident)).channel or ""
    return [message.text for message in office.said(channel) if "recovery time" in message.text]


async def test_the_channel_is_warned_once_at_each_share_of_the_recovery_time(office: Office) -> None:
    id_ = await office.alarm()
    counts = []
    for seconds in (15 * MINUTE - 5, 10, 9 * MINUTE - 10, 10, 6 * MINUTE - 10, 10, 60 * MINUTE):
        await office.later(seconds)
        counts.append(len(await _warned(office, id_)))
    assert counts == [0, 1, 1, 2, 2, 3, 3]
    half, most, over = await _warned(office, id_)
    assert "50 %" in half
    assert "80 %" in most
    assert "is over" in over
    assert "No playbook is running" in half


async def test_after_an_outage_only_the_latest_warning_is_said(office: Office) -> None:
    id_ = await office.alarm()
    await office.later(25 * MINUTE)
    assert ["80 %" in text for text in await _warned(office, id_)] == [True]


async def test_no_warning_comes_after_the_incident_is_resolved(office: Office) -> None:
    id_ = await office.alarm()
    await office.later(16 * MINUTE)
    await office.resolve(id_)
    await office.later(60 * MINUTE)
    assert len(await _warned(office, id_)) == 1


async def test_an_acknowledged_incident_is_warned_about_all_the_same(office: Office) -> None:
    id_ = await office.alarm()
    await office.acknowledge(id_, "mina")
    await office.later(16 * MINUTE)
    assert len(await _warned(office, id_)) == 1


async def test_another_process_takes_the_warnings_over_and_says_none_twice(
    office: Office, store: Store, clock: SystemClock
) -> None:
    id_ = await office.alarm()
    await office.later(16 * MINUTE)
    handlers = office.core.worker.handlers
    again = build(store, clock, config=CONFIG, playbooks={MEND.name: MEND}, effects=dict(handlers.effects))
    clock.advance(timedelta(minutes=9))
    await again.worker.drain()
    assert len(await _warned(office, id_)) == 2


async def test_a_target_that_changes_in_lifeboat_yaml_does_not_move_the_clock_of_an_open_incident(
    office: Office,
) -> None:
    id_ = await office.alarm()
    before = await office.incident(id_)
    targets: Any = office.core.config.targets.model_copy(update={"rto": timedelta(hours=4)})
    office.core.responder.config = office.core.config.model_copy(update={"targets": targets})
    await office.core.raise_alarm(alarm(changed_at=office.core.clock.now()))
    await office.acknowledge(id_, "mina")
    assert (await office.incident(id_)).rto == before.rto
    await office.later(16 * MINUTE)
    assert len(await _warned(office, id_)) == 1


@given(views.views(), views.run_views(), st.sampled_from(RTO_SHARES))
@MANY
def test_whatever_stands_in_it_slack_takes_the_message(view: IncidentView, run_view: RunView, share: int) -> None:
    signals = list(view.alarms)
    for message in (
        announcement(view, run_view, signals, EN, who),
        announcement(
            view, replace(run_view, run=run_view.run.model_copy(update={"starts_at": None})), signals, EN, who
        ),
        ended(view, run_view, EN, who),
        rto_warning(view, EN, who, share=share),
        switched(Switched(phrase("{x}", x=view.incident.title), view.runs, view.runs), EN),
    ):
        if message is not None:
            check(message)
            assert "<!channel>" not in message.text


def test_a_warning_names_the_run_that_goes_on_and_when_it_will_be_over() -> None:
    run = views.run(status="running")
    at = views.NOW + 19 * timedelta(minutes=1)
    view = views.view(runs=[run], prediction=Prediction(run, at, at, timedelta(minutes=11)))
    message = rto_warning(view, EN, who, share=50)
    assert message
    assert "restore-table" in message.text
    assert "11 min inside the target" in message.text
    assert "No playbook is running" not in message.text


def test_a_warning_while_nothing_is_done_offers_what_fits() -> None:
    message = rto_warning(views.view(offers=[views.offer()]), EN, who, share=80)
    assert message
    assert "These fit" in message.text
    assert buttons(message.blocks) == ["playbook.open"]
