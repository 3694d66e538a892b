import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import SystemClock
from bot.errors import Unavailable
from bot.incident.posted import Posted, SlackTx
from bot.jobs import Job
from bot.rehearsal.slack import Channel, Fault
from bot.slack.blocks import Message, section
from bot.slack.client import SlackRefused
from bot.slack.outbox import Outbox
from bot.store.database import Database
from bot.store.history import MessageRows
from bot.store.schema import upgrade
from bot.store.sql import Store, Transaction
from tests.slack.office import Office
from tests.support.postgres import PostgresServer


def _message(text: str = "hello") -> Message:
    return Message(text, [section(text)])


@pytest.fixture
def room(office: Office) -> str:
    office.local.world.channels["CROOM"] = Channel("CROOM", "room", members=[office.app.bot_user_id])
    return "CROOM"


class Board:
    """A state that a message shows; `hurry` changes it while the message is being drawn."""

    def __init__(self, text: str = "one") -> None:
        self.text = text

    async def draw(self, _tx: SlackTx) -> Message:
        return _message(self.text)


async def _row(office: Office, key: str = "k") -> Posted:
    async with office.core.store.begin() as tx:
        row = await tx.messages.get(key)
    assert row
    return row


async def test_a_message_is_posted_once_however_often_it_is_asked_for(office: Office, room: str) -> None:
    for again in (False, True, False):
        await office.outbox.post("k", room, _message(), again=again)
    assert [m.text for m in office.said(room)] == ["hello"]


async def test_a_lost_answer_after_the_post_does_not_post_twice(office: Office, room: str) -> None:
    office.local.faults.add(Fault("lost_answer", "chat.postMessage"))
    with pytest.raises(Unavailable):
        await office.outbox.post("k", room, _message())
    posted = await office.outbox.post("k", room, _message(), again=True)
    [message] = office.said(room)
    assert posted.ts == message.ts == (await _row(office)).ts


async def test_a_lost_request_is_posted_the_next_time(office: Office, room: str) -> None:
    office.local.faults.add(Fault("lost_request", "chat.postMessage"))
    with pytest.raises(Unavailable):
        await office.outbox.post("k", room, _message())
    await office.outbox.post("k", room, _message(), again=True)
    assert len(office.said(room)) == 1


async def test_a_crash_between_the_post_and_its_row_does_not_post_twice(office: Office, room: str) -> None:
    posted = await office.outbox.post("k", room, _message())
    async with office.core.store.begin() as tx:
        await tx.messages.put(replace(posted, ts=None, digest=f"posting 1 {tx.now.isoformat()}"))
    office.core.clock.advance(timedelta(seconds=13))  # the dead worker's lease
    assert (await office.outbox.post("k", room, _message(), again=True)).ts == posted.ts
    assert len(office.said(room)) == 1


async def test_even_a_row_that_was_lost_with_the_database_does_not_post_twice(office: Office, room: str) -> None:
    posted = await office.outbox.post("k", room, _message())
    async with office.core.store.begin() as tx:
        await tx.messages.connection.exec_driver_sql("DELETE FROM messages")
        await tx.messages.connection.exec_driver_sql("DELETE FROM seen")
    assert (await office.outbox.post("k", room, _message(), again=True)).ts == posted.ts
    assert len(office.said(room)) == 1


async def test_our_post_is_found_below_hundreds_of_others(office: Office, room: str) -> None:
    office.local.faults.add(Fault("lost_answer", "chat.postMessage"))
    with pytest.raises(Unavailable):
        await office.outbox.post("k", room, _message())
    for number in range(300):
        await office.slack.call("chat.postMessage", channel=room, text=f"chat {number}")
    await office.outbox.post("k", room, _message(), again=True)
    assert sum(m.text == "hello" for m in office.said(room)) == 1


async def test_one_message_is_never_taken_for_another(office: Office, room: str) -> None:
    office.local.faults.add(Fault("lost_answer", "chat.postMessage"))
    with pytest.raises(Unavailable):
        await office.outbox.post("k", room, _message("first"))
    await office.outbox.post("k2", room, _message("second"), again=True)
    await office.outbox.post("k", room, _message("first"), again=True)
    assert sorted(m.text for m in office.said(room)) == ["first", "second"]


async def test_without_the_scope_to_look_the_message_is_posted_rather_than_lost(office: Office, room: str) -> None:
    office.local.faults.add(Fault("lost_request", "chat.postMessage"))
    office.local.faults.add(Fault("refused", "conversations.history", code="missing_scope"))
    with pytest.raises(Unavailable):
        await office.outbox.post("k", room, _message())
    await office.outbox.post("k", room, _message(), again=True)
    assert len(office.said(room)) == 1


async def test_two_who_draw_at_the_same_instant_post_one_message(office: Office, room: str) -> None:
    board = Board()
    fresh = await asyncio.gather(*(office.outbox.draw("k", room, board.draw) for _ in range(5)))
    assert len(office.said(room)) == 1
    assert sorted(fresh) == [False] * 4 + [True]


async def _all_draw(office: Office, room: str, store: Store) -> None:
    """Several processes draw one message while Slack takes its time with the first post."""
    office.local.faults.add(Fault("slow", "chat.postMessage", seconds=0.3))
    board = Board()
    processes = [Outbox(store, office.slack) for _ in range(4)]
    done = await asyncio.gather(*(one.draw("k", room, board.draw) for one in processes), return_exceptions=True)
    assert sum(one is True for one in done) == 1
    assert all(one is True or isinstance(one, Unavailable) for one in done)


async def test_two_processes_that_draw_at_the_same_instant_post_one_message(office: Office, room: str) -> None:
    await _all_draw(office, room, office.core.store)
    assert len(office.said(room)) == 1


class _ReadsFirst:
    """A store whose first two readers of a message both read it before either of them writes."""

    def __init__(self, store: Store) -> None:
        self.store, self.readers, self.both = store, 2, asyncio.Barrier(2)

    @asynccontextmanager
    async def begin(self, job: Job | None = None) -> AsyncIterator[Transaction]:
        async with self.store.begin(job) as tx:
            if self.readers:
                self.readers -= 1
                tx.messages = _Waiting(tx.messages.connection, tx.now, self.both)
            yield tx


class _Waiting(MessageRows):
    def __init__(self, connection: AsyncConnection, now: datetime, both: asyncio.Barrier) -> None:
        super().__init__(connection, now)
        self.both = both

    async def get(self, key: str) -> Posted | None:
        found = await super().get(key)
        await self.both.wait()
        return found


@pytest.mark.postgres
async def test_two_replicas_that_see_no_row_at_the_same_instant_post_one_message(
    office: Office, room: str, postgres_server: PostgresServer, clock: SystemClock
) -> None:
    database = Database(postgres_server.new_database(), clock)
    await upgrade(database)
    store = _ReadsFirst(Store(database))
    board = Board()
    replicas = [Outbox(store, office.slack) for _ in range(2)]
    done = await asyncio.gather(*(one.draw("k", room, board.draw) for one in replicas), return_exceptions=True)
    await database.close()
    assert {type(one) for one in done} == {bool, Unavailable}
    assert len(office.said(room)) == 1


async def test_nothing_is_sent_when_nothing_would_look_different(office: Office, room: str) -> None:
    board = Board()
    for _ in range(3):
        await office.outbox.draw("k", room, board.draw)
    assert office.tries("chat.postMessage") == 1
    assert not office.tries("chat.update")


async def test_a_change_is_drawn_in_place(office: Office, room: str) -> None:
    board = Board()
    await office.outbox.draw("k", room, board.draw)
    board.text = "two"
    await office.outbox.draw("k", room, board.draw)
    assert [m.text for m in office.said(room)] == ["two"]


async def test_a_late_old_drawing_never_stays_above_a_newer_one(office: Office, room: str) -> None:
    board = Board("one")
    await office.outbox.draw("k", room, board.draw)
    board.text = "two"

    class Hurried(Board):
        async def draw(self, tx: SlackTx) -> Message:
            seen = _message(board.text)
            board.text = "three"  # changes between reading the state and the edit
            return seen

    await office.outbox.draw("k", room, Hurried().draw)
    assert [m.text for m in office.said(room)] == ["three"]


async def test_a_found_message_is_drawn_again_since_nobody_knows_what_it_shows(office: Office, room: str) -> None:
    board = Board("old")
    office.local.faults.add(Fault("lost_answer", "chat.postMessage"))
    with pytest.raises(Unavailable):
        await office.outbox.draw("k", room, board.draw)
    board.text = "new"
    await office.outbox.draw("k", room, board.draw)
    assert [m.text for m in office.said(room)] == ["new"]


async def test_a_lost_answer_to_an_edit_is_drawn_again(office: Office, room: str) -> None:
    board = Board()
    await office.outbox.draw("k", room, board.draw)
    board.text = "two"
    office.local.faults.add(Fault("lost_request", "chat.update"))
    with pytest.raises(Unavailable):
        await office.outbox.draw("k", room, board.draw)
    await office.outbox.draw("k", room, board.draw)
    assert [m.text for m in office.said(room)] == ["two"]


async def test_a_message_that_people_deleted_is_posted_anew(office: Office, room: str) -> None:
    board = Board()
    await office.outbox.draw("k", room, board.draw)
    office.local.world.channels[room].messages.clear()
    board.text = "two"
    assert await office.outbox.draw("k", room, board.draw)
    assert [m.text for m in office.said(room)] == ["two"]


async def test_redrawing_never_posts(office: Office, room: str) -> None:
    board = Board()
    await office.outbox.redraw("k", board.draw)
    await office.outbox.draw("k", room, board.draw)
    office.local.world.channels[room].messages.clear()
    board.text = "two"
    await office.outbox.redraw("k", board.draw)
    assert office.tries("chat.postMessage") == 1


async def test_redrawing_finds_a_message_whose_answer_was_lost(office: Office, room: str) -> None:
    board = Board()
    office.local.faults.add(Fault("lost_answer", "chat.postMessage"))
    with pytest.raises(Unavailable):
        await office.outbox.draw("k", room, board.draw)
    board.text = "settled"
    await office.outbox.redraw("k", board.draw)
    assert [m.text for m in office.said(room)] == ["settled"]


async def test_an_edit_is_never_over_4000_characters(office: Office, room: str) -> None:
    board = Board()
    await office.outbox.draw("k", room, board.draw)
    board.text = "&" * 50_000
    await office.outbox.draw("k", room, board.draw)
    [message] = office.said(room)
    assert len(message.text) <= 4_000
    assert message.text.endswith("…")


async def test_blocks_that_slack_does_not_take_do_not_keep_the_text_from_people(office: Office, room: str) -> None:
    await office.outbox.post("k", room, Message("the text", [{"type": "nonsense"}]))
    assert [m.text for m in office.said(room)] == ["the text"]


async def test_a_public_channel_that_we_were_removed_from_is_joined_again(office: Office) -> None:
    await office.outbox.post("k", "CFALLBACK", _message())
    assert len(office.said("CFALLBACK")) == 1


@pytest.mark.parametrize("code", ["is_archived", "channel_not_found", "restricted_action"])
async def test_a_refusal_for_good_is_told_as_such_and_the_next_try_need_not_wait(
    office: Office, room: str, code: str
) -> None:
    office.local.faults.add(Fault("refused", "chat.postMessage", code=code))
    with pytest.raises(SlackRefused, match=code):
        await office.outbox.post("k", room, _message())
    await office.outbox.post("k", room, _message())
    assert len(office.said(room)) == 1
