import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import pytest

from bot.errors import Phrase, Unavailable
from bot.intake import understand
from bot.intake.sqs import SqsDoor, delivery_id
from tests.intake.fakes import MemoryInbox, MovedClock, notification, payload, signed

T = TypeVar("T")
QUEUE = "https://sqs.us-east-1.amazonaws.com/111122223333/alarms"


class Killed(BaseException):
    """The process dies here: nothing after this line runs."""


class Queue:
    """SQS as a client sees it: what was received stays hidden until it is deleted or `come_back` is called."""

    def __init__(self, *bodies: str) -> None:
        self.visible = [{"MessageId": f"m{n}", "ReceiptHandle": f"r{n}", "Body": body} for n, body in enumerate(bodies)]
        self.hidden: list[dict[str, str]] = []
        self.polls: list[Mapping[str, Any]] = []
        self.receive_fails: BaseException | None = None
        self.delete_fails: BaseException | None = None
        self.undeletable: set[str] = set()

    def receive_message(self, **parameters: Any) -> Mapping[str, Any]:
        self.polls.append(parameters)
        if self.receive_fails:
            raise self.receive_fails
        most = parameters["MaxNumberOfMessages"]
        batch, self.visible = self.visible[:most], self.visible[most:]
        self.hidden += batch
        return {"Messages": batch} if batch else {}

    def delete_message_batch(self, **parameters: Any) -> Mapping[str, Any]:
        if self.delete_fails:
            raise self.delete_fails
        handles = {entry["ReceiptHandle"] for entry in parameters["Entries"]}
        self.hidden = [m for m in self.hidden if m["ReceiptHandle"] not in handles - self.undeletable]
        failed = [e for e in parameters["Entries"] if e["ReceiptHandle"] in self.undeletable]
        return {"Failed": [{"Id": e["Id"], "Code": "InternalError", "SenderFault": False} for e in failed]}

    def come_back(self) -> None:
        self.visible, self.hidden = self.hidden + self.visible, []

    @property
    def left(self) -> int:
        return len(self.visible) + len(self.hidden)


async def at_once(call: Callable[[], T]) -> T:
    return call()


class House:
    def __init__(self, *bodies: str, wait_seconds: int = 20) -> None:
        self.queue, self.inbox, self.clock = Queue(*bodies), MemoryInbox(), MovedClock()
        self.pauses: list[float] = []
        self.after_pauses = 1
        self.door = SqsDoor(self.queue, QUEUE, self.inbox, at_once, self.wait, self.clock, wait_seconds)

    async def wait(self, seconds: float) -> None:
        """Time passes at once; after a few pauses the door is told to stop."""
        self.pauses.append(seconds)
        await asyncio.sleep(0)
        if len(self.pauses) >= self.after_pauses:
            self.door.stop()


def envelope(number: int = 0) -> str:
    return json.dumps(signed(notification(MessageId=f"{number:08d}-fdea-4c2c-8f9d-bdfb0c7bf324")))


async def test_a_message_is_deleted_after_it_is_accepted() -> None:
    house = House(envelope())
    await house.door.poll()
    assert len(house.inbox.kept) == 1
    assert house.queue.left == 0


async def test_a_message_is_not_deleted_when_the_database_refuses() -> None:
    house = House(envelope())
    house.inbox.refuses = Unavailable(Phrase("The database is away."))
    with pytest.raises(Unavailable):
        await house.door.poll()
    assert house.queue.left == 1


async def test_a_kill_after_the_receive_loses_nothing() -> None:
    house = House(envelope())
    house.inbox.refuses = Killed()  # type: ignore[assignment]  # a process that dies is no Exception
    with pytest.raises(Killed):
        await house.door.poll()
    assert house.queue.left == 1
    house.inbox.refuses = None
    house.queue.come_back()
    await house.door.poll()
    assert len(house.inbox.kept) == 1
    assert house.queue.left == 0


async def test_a_kill_between_accept_and_delete_makes_no_second_alarm() -> None:
    house = House(envelope())
    house.queue.delete_fails = Killed()
    with pytest.raises(Killed):
        await house.door.poll()
    assert (len(house.inbox.kept), house.queue.left) == (1, 1)
    house.queue.delete_fails = None
    house.queue.come_back()
    await house.door.poll()
    assert len(house.inbox.accepted) == 2
    assert (len(house.inbox.kept), house.queue.left) == (1, 0)


async def test_a_delete_that_fails_does_not_stop_the_door() -> None:
    house = House(envelope(1), envelope(2))
    house.queue.delete_fails = ConnectionError("reset")
    await house.door.poll()
    assert house.door.healthy
    assert (len(house.inbox.kept), house.queue.left) == (2, 2)


async def test_a_delete_that_fails_for_one_message_deletes_the_others() -> None:
    house = House(envelope(1), envelope(2), envelope(3))
    house.queue.undeletable = {"r1"}
    await house.door.poll()
    assert [message["ReceiptHandle"] for message in house.queue.hidden] == ["r1"]
    house.queue.undeletable = set()
    house.queue.come_back()
    await house.door.poll()
    assert (len(house.inbox.kept), house.queue.left) == (3, 0)


@pytest.mark.parametrize(
    "body", ["", "\x00\x01", "not json", "{", "[]", "null", '{"Type":"Notification"}', "\ud800", "[" * 50_000]
)
async def test_an_unreadable_message_is_accepted_and_does_not_loop(body: str) -> None:
    house = House(body)
    await house.door.poll()
    assert house.queue.left == 0
    (delivery,) = house.inbox.kept.values()
    assert delivery.id == "sqs:m0"
    delivery.body.encode()
    assert "\x00" not in delivery.body
    assert understand(delivery.body)


async def test_a_message_that_the_inbox_chokes_on_does_not_hold_back_its_neighbours() -> None:
    house = House(envelope(1), "poison", envelope(2))
    house.inbox.chokes_on = lambda delivery: delivery.body == "poison"
    await house.door.poll()
    assert len(house.inbox.kept) == 2
    assert [message["Body"] for message in house.queue.hidden] == ["poison"]


async def test_a_long_poll_takes_ten_messages_for_twenty_seconds() -> None:
    house = House()
    await house.door.poll()
    await house.door.poll()
    assert house.queue.polls[1] == {"QueueUrl": QUEUE, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 20}


async def test_the_first_poll_answers_at_once_so_that_readiness_does_not_wait_for_an_empty_queue() -> None:
    house = House()
    assert not house.door.healthy
    await house.door.poll()
    assert house.queue.polls[0]["WaitTimeSeconds"] == 0
    assert house.door.healthy
    assert house.door.last_success == house.clock.now()


async def test_a_queue_that_fails_is_asked_again_more_and_more_slowly_and_reported() -> None:
    house = House()
    house.after_pauses = 12
    house.queue.receive_fails = ConnectionError("no route")
    await house.door.run()
    assert len(house.queue.polls) == 12
    assert not house.door.healthy
    assert all(0 < pause <= 30 for pause in house.pauses)
    assert house.pauses[0] <= 2


async def test_one_failure_is_not_reported_and_three_in_a_row_are() -> None:
    house = House()
    await house.door.poll()
    house.queue.receive_fails = ConnectionError("no route")
    for failures, healthy in ((1, True), (2, True), (3, False)):
        house.door._stopping.clear()
        house.after_pauses = failures
        await house.door.run()
        assert house.door.healthy is healthy
    house.queue.receive_fails = None
    await house.door.poll()
    assert house.door.healthy


async def test_stop_finishes_the_batch_in_hand() -> None:
    house = House(envelope(1), envelope(2))
    reached, go_on = asyncio.Event(), asyncio.Event()

    class SlowInbox(MemoryInbox):
        async def accept(self, deliveries: Any) -> None:
            reached.set()
            await go_on.wait()
            await super().accept(deliveries)

    house.inbox = house.door._inbox = SlowInbox()
    running = asyncio.create_task(house.door.run())
    await reached.wait()
    house.door.stop()
    go_on.set()
    await running
    assert (len(house.inbox.kept), house.queue.left) == (2, 0)
    assert len(house.queue.polls) == 1


async def test_stop_does_not_wait_for_a_back_off_to_end() -> None:
    house = House()
    waiting = asyncio.Event()

    async def forever(_: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    house.door._wait = forever
    house.queue.receive_fails = ConnectionError("no route")
    running = asyncio.create_task(house.door.run())
    await waiting.wait()
    house.door.stop()
    await running


async def test_cancellation_passes_through() -> None:
    house = House(envelope())
    reached = asyncio.Event()

    class NeverInbox(MemoryInbox):
        async def accept(self, deliveries: Any) -> None:
            reached.set()
            await asyncio.Event().wait()

    house.door._inbox = NeverInbox()
    running = asyncio.create_task(house.door.run())
    await reached.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert house.queue.left == 1


async def test_the_same_message_over_http_and_through_the_queue_is_one_delivery() -> None:
    values = signed(notification())
    assert delivery_id(json.dumps(values), "m0") == f"sns:{values['MessageId']}"


def test_an_event_is_known_by_its_own_id_however_often_the_queue_has_it() -> None:
    event = json.dumps(payload("eb_cloudwatch_alarm_state_change"))
    assert delivery_id(event, "m0") == delivery_id(event, "m1") == "event:c4c1c1c9-6542-e61b-6ef0-8c4d36933a92"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "text",
        '{"id": "x"}',
        '{"detail-type": "x"}',
        '{"detail-type": "x", "id": 7}',
        '{"detail-type": "x", "id": ""}',
        json.dumps({"detail-type": "x", "id": "i" * 195}),
        '{"Type": "Notification", "MessageId": "x"}',
    ],
)
def test_a_message_without_a_usable_id_has_the_queues_own(body: str) -> None:
    assert delivery_id(body, "m0") == "sqs:m0"


def test_the_longest_id_is_kept_whole() -> None:
    event = {"detail-type": "x", "id": "i" * 194}
    assert len(delivery_id(json.dumps(event), "m0")) == 200
