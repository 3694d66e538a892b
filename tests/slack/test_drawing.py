import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.clock import SystemClock
from bot.incident.playbook_runs import PlaybookRuns
from bot.incident.responder import Responder
from bot.incident.run import Run
from bot.jobs import DRAW_CARD, DRAW_HOME, DRAW_PAGE, DRAW_RUN, SAY, Job, NewJob
from bot.playbook.action import StepPlan
from bot.playbook.plan import Plan
from bot.rehearsal.slack import Fault
from bot.slack.drawing import Drawing
from bot.slack.outbox import Outbox
from bot.slack.people import People
from bot.store.sql import Store
from tests.slack import views
from tests.slack.office import Office, open_office
from tests.slack.test_messages import buttons, texts
from tests.support.core import alarm

BY_HAND = views.playbook([{"id": "look", "manual": {"en": "Look at the graph.", "ko": "그래프를 보세요."}}])


@pytest.fixture
async def office(store: Store, clock: SystemClock) -> AsyncIterator[Office]:
    async with open_office(store, clock, playbooks={BY_HAND.name: BY_HAND}) as opened:
        yield opened


async def _do(office: Office, *jobs: NewJob) -> None:
    async with office.core.store.begin() as tx:
        await tx.jobs.add(*jobs)
    await office.work()


async def _request(office: Office, incident: str) -> Run:
    async with office.core.store.begin() as tx:
        run = await office.core.runs.request(tx, incident, BY_HAND.name, {}, "mina")
    await office.work()
    return run


async def _plan(office: Office, run: Run) -> Run:
    look = views.planned("look", kind="manual", uses=None, plan=StepPlan())
    async with office.core.store.begin() as tx:
        await office.core.runs.planned(tx, run.id, Plan(run.name, "d", "us-east-1", {}, (look,)))
    await office.work()
    async with office.core.store.begin() as tx:
        return await tx.runs.get(run.id)


async def test_the_card_is_one_message_from_the_alarm_to_the_end(office: Office) -> None:
    id_ = await office.alarm()
    await office.acknowledge(id_, "jun")
    await office.resolve(id_, "mina", "rolled back")
    [channel] = office.channels()
    card, closing = office.said(channel.id)
    assert "Resolved by Mina Park" in card.text
    assert "rolled back" in card.text
    assert buttons(card.blocks) == []
    assert "Acknowledged by Jun Lee" in closing.text
    assert "within the target" in closing.text


async def test_the_card_says_past_the_target_when_the_deadline_comes(office: Office) -> None:
    id_ = await office.alarm()
    await office.acknowledge(id_, "mina")
    await office.later(30 * 60 + 1)
    assert "Past the target" in texts(office.said(office.channels()[0].id)[0].blocks)


async def test_a_run_has_one_message_from_planning_to_its_end(office: Office) -> None:
    id_ = await office.alarm()
    run = await _request(office, id_)
    [channel] = office.channels()
    assert "Asking AWS" in office.said(channel.id)[-1].text
    run = await _plan(office, run)
    assert buttons(office.said(channel.id)[-1].blocks) == ["run.approve", "run.abort", "run.replan", "run.plan"]
    async with office.core.store.begin() as tx:
        await office.core.runs.approve(tx, run.id, run.plan_hash or "", "mina")
    await office.work()
    assert buttons(office.said(channel.id)[1].blocks) == ["step.confirm", "step.skip", "run.abort", "run.plan"]
    async with office.core.store.begin() as tx:
        await office.core.runs.press(tx, run.id, "look", "confirm", "jun")
    await office.work()
    _card, message, rings = office.said(channel.id)
    assert "waits for an answer" in rings.text
    assert "Succeeded" in message.text
    assert buttons(message.blocks) == ["run.plan"]
    assert "succeeded" in texts(_card.blocks)


async def test_what_a_run_holds_and_nobody_renews_is_told_once(office: Office) -> None:
    run = await _plan(office, await _request(office, await office.alarm()))
    why = {"message": "It has ended.", "fields": {}}
    told = {"incident": run.incident, "what": "lapses", "run": run.id, "row": "look", "at": "now", "why": why}
    for _ in range(2):
        async with office.core.store.begin() as tx:
            await tx.jobs.add(NewJob(SAY, told))
        await office.work()
    [channel] = office.channels()
    assert [one.text for one in office.said(channel.id) if "is not renewed" in one.text] != []
    assert sum("It has ended." in one.text for one in office.said(channel.id)) == 1


SLOW = views.playbook(
    [
        {"id": "move", "action": "a.b", "takes": "10m", "for_each": {"in": ["web", "api"], "batch": 1}, "undo": {"action": "a.u"}},
        {"id": "point", "action": "a.b", "takes": "10m", "needs": [], "undo": {"action": "a.u"}},
    ],
    deadline="1h",
)  # fmt: skip


async def _going_on(office: Office) -> tuple[str, str]:
    """A run in the middle: an element and a step that go on; its id and its channel."""
    office.core.runs.playbooks = {SLOW.name: SLOW}
    id_ = await office.alarm()
    run = await _request(office, id_)
    steps = tuple(views.planned(step.id) for step in SLOW.steps)
    async with office.core.store.begin() as tx:
        await office.core.runs.planned(tx, run.id, Plan(run.name, "d", "us-east-1", {}, steps))
        plan_hash = (await tx.runs.get(run.id)).plan_hash
        await office.core.runs.approve(tx, run.id, plan_hash or "", "mina")
    await office.work()
    [channel] = office.channels()
    return run.id, channel.id


async def test_how_long_a_step_has_been_going_on_is_drawn_anew_while_it_does(office: Office) -> None:
    run, channel = await _going_on(office)
    assert "since" in texts(office.said(channel)[-1].blocks)
    for minutes in (1, 2, 3):
        await office.later(60)
        assert f"{minutes} min of about 10 min" in texts(office.said(channel)[-1].blocks)
    async with office.core.store.begin() as tx:
        await office.core.runs.abort(tx, run, "mina")
    await office.work()
    edits = office.tries("chat.update")
    await office.later(60 * 20)
    assert office.tries("chat.update") - edits <= 1  # the card, whose target has passed


async def test_a_second_process_draws_a_run_in_the_middle_as_the_first_did(office: Office) -> None:
    run, channel = await _going_on(office)
    first = office.said(channel)[-1]
    assert "0 of 2 done, 1 running" in texts(first.blocks)
    store, core = office.core.store, office.core
    people = People(store, office.slack, core.directory, core.config)
    responder, runs = Responder(core.config, core.directory), PlaybookRuns(core.config, core.directory, {})
    second = Drawing(store, office.slack, Outbox(store, office.slack), responder, runs, people)
    incident, edits = (await core.only()).id, []
    for _ in range(3):  # a minute of the finish line may pass between two drawings, but not three times in a row
        calls, now = len(office.local.calls), core.clock.now()
        await second.run(Job(1, DRAW_RUN, {"run": run}, now, 1, 1, now))
        await second.card(Job(2, DRAW_CARD, {"incident": incident}, now, 1, 1, now))
        said = [call.method for call in office.local.calls[calls:]]
        assert "chat.postMessage" not in said
        edits.append(said.count("chat.update"))
        async with store.begin() as tx:  # the first draws its own again
            await tx.jobs.add(NewJob(DRAW_RUN, {"run": run}), NewJob(DRAW_CARD, {"incident": incident}))
        await office.work()
    assert 0 in edits


async def test_a_run_asked_for_before_the_channel_is_there_is_shown_when_it_comes(office: Office) -> None:
    with office.local.faults.during(Fault("server_error", "*", times=None)):
        id_ = await office.alarm()
        run = await _request(office, id_)
    await office.later()
    await office.later()
    assert (await office.incident(id_)).channel
    [channel] = office.channels()
    assert len(office.said(channel.id)) == 2
    assert run.id in texts(office.said(channel.id)[-1].blocks)


async def test_that_nobody_answers_is_said_once_in_the_channel(office: Office) -> None:
    id_ = await office.alarm()
    for _ in range(12):
        await office.later(10 * 60 + 1)
    await _do(office, NewJob(SAY, {"incident": id_, "what": "exhausted"}))
    said = [
        m
        for m in office.said(office.channels()[0].id)
        if "Nobody has answered, and there is nobody left to page by policy" in m.text
    ]
    assert len(said) == 1


async def test_the_closing_summary_whose_answer_was_lost_is_not_said_twice(office: Office) -> None:
    id_ = await office.alarm()
    office.local.faults.add(Fault("lost_answer", "chat.postMessage"))
    await office.resolve(id_)
    await office.later()
    assert (
        len([m for m in office.said(office.channels()[0].id) if m.text.startswith("🟢 Resolved by Mina Park.\n")]) == 1
    )


async def test_a_crash_in_the_middle_of_any_drawing_leaves_one_message_of_each_kind(office: Office) -> None:
    office.local.faults.add(Fault("lost_answer", "chat.postMessage", times=6))
    id_ = await office.alarm()
    run = await _request(office, id_)
    for _ in range(8):
        await office.later()
    jobs = [NewJob(DRAW_CARD, {"incident": id_}), NewJob(DRAW_RUN, {"run": run.id})] * 3
    await _do(office, *jobs)
    assert len(office.said(office.channels()[0].id)) == 2


async def test_drawing_while_things_change_ends_with_the_latest(office: Office) -> None:
    id_ = await office.alarm()
    await asyncio.gather(
        office.acknowledge(id_, "jun"), _do(office, *[NewJob(DRAW_CARD, {"incident": id_}) for _ in range(5)])
    )
    assert "Jun Lee" in office.said(office.channels()[0].id)[0].text


async def test_a_page_that_went_out_by_sms_is_not_sent_by_slack_afterwards(office: Office) -> None:
    with office.local.faults.during(Fault("refused", "conversations.open", times=None, code="user_disabled")):
        id_ = await office.alarm()
    [page] = await office.core.pages(id_)
    await _do(office, NewJob(DRAW_PAGE, {"page": page.id}))
    await office.acknowledge(id_, page.person.key)
    assert not office.paged()


async def test_the_home_tab_shows_open_incidents_and_who_is_on_call(office: Office) -> None:
    await office.alarm("orders-errors")
    await office.alarm("payments-errors")
    await _do(office, NewJob(DRAW_HOME, {"user": "UGUEST"}))
    [view] = office.local.world.homes.values()
    shown = texts(view.spec)
    assert shown.index("payments-errors") < shown.index("orders-errors")
    assert "primary" in shown


async def test_a_home_tab_that_slack_refuses_is_not_tried_for_ever(office: Office) -> None:
    office.local.faults.add(Fault("refused", "views.publish", times=None, code="not_enabled"))
    await _do(office, NewJob(DRAW_HOME, {"user": "UGUEST"}))
    await office.later(3600)
    assert office.tries("views.publish") == 1


async def test_a_429_on_edits_holds_no_page_and_no_room(office: Office) -> None:
    first = await office.alarm("first")
    office.local.faults.add(Fault("ratelimited", "chat.update", times=None, retry_after=600))
    await office.acknowledge(first, "mina")
    second = await office.alarm("second")
    assert (await office.incident(second)).channel
    assert sum(len(messages) for messages in office.paged().values()) == 2
    assert not office.sms.sent


async def test_a_card_that_a_429_kept_back_is_not_taken_for_posted(office: Office) -> None:
    office.local.faults.add(Fault("ratelimited", "chat.postMessage", times=None, retry_after=30))
    id_ = await office.alarm()
    [channel] = office.channels()
    await office.acknowledge(id_, "mina")
    assert office.said(channel.id) == []
    office.local.faults.clear()
    await office.later(120)
    [card] = office.said(channel.id)
    assert "Mina Park" in card.text


async def test_a_card_over_a_limit_of_the_workspace_is_not_tried_for_ever(office: Office) -> None:
    office.local.faults.add(Fault("refused", "chat.postMessage", times=None, code="message_limit_exceeded"))
    await office.acknowledge(await office.alarm(), "mina")
    await office.later(3600)  # past the target, when every card is drawn once more
    tries = office.tries("chat.postMessage")
    for _ in range(5):
        await office.later(3600)
    assert office.tries("chat.postMessage") == tries
    assert office.sms.sent


async def test_a_channel_that_slack_is_slow_to_make_delays_no_page(office: Office) -> None:
    hold = office.local.faults.hold("conversations.create", when="before")
    await office.core.raise_alarm(alarm())
    working = asyncio.create_task(office.core.worker.run())
    async with asyncio.timeout(20):
        await hold.reached()
        while not office.paged():  # noqa: ASYNC110  # the local Slack's people have no event for a message to them
            await asyncio.sleep(0.02)
    assert not office.channels()
    hold.release()
    office.core.worker.stop()
    await working
