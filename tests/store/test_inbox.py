import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from bot.clock import SystemClock
from bot.errors import Unavailable
from bot.incident.ports import Delivery
from bot.jobs import ALARM, Lane
from bot.store.history import REMEMBER
from bot.store.inbox import DurableInbox
from bot.store.sql import Store


def _delivery(store: Store, id_: str = "m1", body: str = "{}") -> Delivery:
    return Delivery(id_, "sns-http", body, store.database.clock.now())


def _commits(store: Store) -> list[Any]:
    counted: list[Any] = []
    event.listen(store.database.engine, "commit", counted.append)
    return counted


async def _bodies(store: Store, *ids: str) -> dict[str, str]:
    async with store.begin() as tx:
        return {id_: found.body for id_, found in (await tx.inbox.bodies(ids)).items()}


async def _alarm_jobs(store: Store) -> Sequence[str]:
    return sorted(job.payload["inbox"] for job in await store.lease(Lane.ALARM, 1000, "test"))


async def test_what_was_accepted_is_on_disk_with_its_job(store: Store) -> None:
    await DurableInbox(store).accept([_delivery(store, body='{"a": 1}')])
    assert await _bodies(store, "m1") == {"m1": '{"a": 1}'}
    assert await _alarm_jobs(store) == ["m1"]


async def test_many_senders_share_few_commits(store: Store) -> None:
    inbox, commits = DurableInbox(store), _commits(store)
    await asyncio.gather(*(inbox.accept([_delivery(store, f"m{n}")]) for n in range(150)))
    assert 1 <= len(commits) <= 3
    assert len(await _alarm_jobs(store)) == 150


async def test_a_sender_that_comes_during_a_commit_does_not_wait_for_ever(store: Store) -> None:
    inbox = DurableInbox(store)
    first = asyncio.create_task(inbox.accept([_delivery(store, "m1")]))
    await asyncio.sleep(0)
    await asyncio.gather(first, inbox.accept([_delivery(store, "m2")]), inbox.accept([]))
    assert await _alarm_jobs(store) == ["m1", "m2"]


async def test_the_same_message_is_taken_in_once_however_often_it_is_delivered(store: Store) -> None:
    inbox = DurableInbox(store)
    await inbox.accept([_delivery(store), _delivery(store)])
    await asyncio.gather(*(inbox.accept([_delivery(store, body="again")]) for _ in range(5)))
    assert await _alarm_jobs(store) == ["m1"]
    assert await _bodies(store, "m1") == {"m1": "{}"}


async def test_two_long_ids_that_begin_alike_are_two_messages(store: Store) -> None:
    await DurableInbox(store).accept(
        [_delivery(store, "x" * 300), _delivery(store, "x" * 300 + "a"), _delivery(store, "x" * 300 + "b")]
    )
    jobs = await _alarm_jobs(store)
    assert len(jobs) == 3
    assert len(await _bodies(store, *jobs)) == 3


async def test_when_the_database_fails_every_waiting_sender_hears_that_it_was_not_taken(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = DurableInbox(store)

    async def fails(deliveries: Sequence[Delivery]) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(inbox, "_commit", fails)  # a real disk cannot be filled here
    answers = await asyncio.gather(
        *(inbox.accept([_delivery(store, f"m{n}")]) for n in range(5)), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [Unavailable] * 5
    assert "disk is full" in str(answers[0])
    monkeypatch.undo()
    await inbox.accept([_delivery(store, "m9")])
    assert await _alarm_jobs(store) == ["m9"]


async def test_a_sender_that_hung_up_costs_the_others_nothing(store: Store) -> None:
    inbox = DurableInbox(store)
    gone = asyncio.create_task(inbox.accept([_delivery(store, "gone")]))
    await asyncio.sleep(0)
    gone.cancel()
    await inbox.accept([_delivery(store, "m1")])
    await asyncio.gather(gone, return_exceptions=True)
    assert "m1" in await _alarm_jobs(store)


@pytest.mark.parametrize("odd", ["a\x00b", "a\ud800b", "\\u0000", '{"x": "\\u0000"}', "\ud83d\ude00", "\U0001f600 ünï"])
async def test_a_text_that_no_database_stores_costs_neither_itself_nor_its_neighbours(store: Store, odd: str) -> None:
    inbox = DurableInbox(store)
    await asyncio.gather(inbox.accept([_delivery(store, f"odd {odd}", odd)]), inbox.accept([_delivery(store, "m1")]))
    jobs = await _alarm_jobs(store)
    assert len(jobs) == 2
    assert len(await _bodies(store, *jobs)) == 2


async def test_a_delivery_is_forgotten_after_two_days_but_never_before_it_was_looked_at(
    store: Store, clock: SystemClock
) -> None:
    inbox = DurableInbox(store)
    await inbox.accept([_delivery(store, "unread"), _delivery(store, "read")])
    jobs = await store.lease(Lane.ALARM, 10, "test")
    async with store.begin() as tx:
        await tx.jobs.finish(*(job for job in jobs if job.payload["inbox"] == "read"))
        assert await tx.notes.first_time("press")
    clock.advance(REMEMBER - timedelta(minutes=1))
    await _forget(store)
    assert set(await _bodies(store, "unread", "read")) == {"unread", "read"}
    clock.advance(timedelta(minutes=2))
    await _forget(store)
    assert set(await _bodies(store, "unread", "read")) == {"unread"}
    async with store.begin() as tx:
        assert await tx.notes.first_time("press")
    assert ALARM.attempts


async def _forget(store: Store) -> None:
    async with store.begin() as tx:
        await tx.notes.forget_old()
