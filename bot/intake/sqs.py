"""The main door: a queue that SNS and EventBridge fill. A message is deleted only after the inbox has it on disk."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from random import uniform
from typing import Any, Protocol, TypeVar

import structlog

from bot.errors import Unavailable
from bot.incident.ports import Clock, Delivery, Inbox
from bot.intake import fields
from bot.intake.message import is_envelope

log = structlog.get_logger(__name__)

T = TypeVar("T")

_LONGEST_ID = 200
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
#: One failed call is nothing to be taken out of service for.
_FAILURES_ALLOWED = 2


class SqsClient(Protocol):
    """The two calls of boto3's SQS client that are needed; both block."""

    def receive_message(self, **parameters: Any) -> Mapping[str, Any]: ...

    def delete_message_batch(self, **parameters: Any) -> Mapping[str, Any]: ...


class RunBlocking(Protocol):
    """Runs a blocking call on the bounded pool."""

    def __call__(self, call: Callable[[], T], /) -> Awaitable[T]: ...


class SqsDoor:
    """Long-polls one queue: receive, accept, delete, and again.

    A crash between two of these brings the messages back after the visibility timeout; the inbox knows their ids.
    `wait_seconds` is how long an empty poll lasts (20 is SQS's longest), and so how long `stop` can take.
    """

    def __init__(
        self,
        client: SqsClient,
        queue_url: str,
        inbox: Inbox,
        run_blocking: RunBlocking,
        wait: Callable[[float], Awaitable[None]],
        clock: Clock,
        wait_seconds: int = 20,
    ) -> None:
        self._client = client
        self._queue_url = queue_url
        self._inbox = inbox
        self._run_blocking = run_blocking
        self._wait = wait
        self._clock = clock
        self._wait_seconds = wait_seconds
        self._failures = 0
        self._stopping = asyncio.Event()
        self.last_success: datetime | None = None

    @property
    def healthy(self) -> bool:
        """Whether the queue has answered, and still does."""
        return self.last_success is not None and self._failures <= _FAILURES_ALLOWED

    async def run(self) -> None:
        """Poll until `stop`. When this task is cancelled instead, what was received comes again."""
        while not self._stopping.is_set():
            try:
                await self.poll()
            except Exception as error:  # noqa: BLE001  # whatever it is, the queue must be asked again; _pause logs it
                await self._pause(error)

    def stop(self) -> None:
        """Finish the poll and the batch in hand, then end `run`."""
        self._stopping.set()

    async def poll(self) -> None:
        """One receive, and what follows from it."""
        # The first poll, and the first after a fault, answers at once: readiness does not wait for an empty queue.
        patient = self.last_success is not None and not self._failures
        received = await self._call(
            self._client.receive_message,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=self._wait_seconds if patient else 0,
        )
        messages = [fields.mapping(message) for message in fields.sequence(received.get("Messages"))]
        if messages:
            await self._delete(await self._accept(messages))
        self._failures, self.last_success = 0, self._clock.now()

    async def _accept(self, messages: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        """Those of the messages that are on disk now. Raises `Unavailable` when the database refuses them all."""
        deliveries = [_delivery(message, self._clock.now()) for message in messages]
        try:
            await self._inbox.accept(deliveries)
        except Unavailable:
            raise
        except Exception:
            log.exception("sqs_batch_refused", messages=len(messages))
            return await self._accept_singly(messages, deliveries)
        return messages

    async def _accept_singly(
        self, messages: Sequence[Mapping[str, Any]], deliveries: Sequence[Delivery]
    ) -> Sequence[Mapping[str, Any]]:
        """One message that the inbox chokes on must not hold back its neighbours; the queue's redrive policy takes it."""
        taken = []
        for message, delivery in zip(messages, deliveries, strict=True):
            try:
                await self._inbox.accept([delivery])
            except Unavailable:
                raise
            except Exception:
                log.exception("sqs_message_refused", id=delivery.id)
            else:
                taken.append(message)
        return taken

    async def _delete(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """Delete what is on disk. What is not deleted comes again and is recognised by its id, so a fault is only logged."""
        if not messages:
            return
        entries = [{"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]} for n, message in enumerate(messages)]
        try:
            answer = await self._call(self._client.delete_message_batch, Entries=entries)
        except Exception as error:  # noqa: BLE001  # boto3's exceptions are only known in bot/aws
            log.warning("sqs_delete_failed", messages=len(entries), error=str(error))
            return
        for failed in map(fields.mapping, fields.sequence(answer.get("Failed"))):
            log.warning("sqs_delete_failed", messages=1, error=failed.get("Message") or failed.get("Code"))

    async def _call(self, call: Callable[..., Mapping[str, Any]], **parameters: Any) -> Mapping[str, Any]:
        return await self._run_blocking(partial(call, QueueUrl=self._queue_url, **parameters))

    async def _pause(self, error: Exception) -> None:
        """Back off with full jitter, so that replicas do not come back in step."""
        self._failures += 1
        most = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(self._failures, 10))
        seconds = uniform(_FIRST_PAUSE / 2, most)  # noqa: S311  # jitter is no secret
        log.warning("sqs_poll_failed", failures=self._failures, again_in=round(seconds, 1), exc_info=error)
        waits = [asyncio.ensure_future(self._wait(seconds)), asyncio.ensure_future(self._stopping.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


def _delivery(message: Mapping[str, Any], now: datetime) -> Delivery:
    body = fields.storable(fields.text(message.get("Body")))
    return Delivery(delivery_id(body, fields.text(message.get("MessageId"))), "sqs", body, now)


def delivery_id(body: str, message_id: str) -> str:
    """The same for every copy of a message: SNS's id (HTTP has it too), else the event's, else the queue's own."""
    try:
        data = fields.mapping(json.loads(body))
    except (ValueError, RecursionError):
        data = {}
    if is_envelope(data):
        found = f"sns:{data['MessageId']}"
    elif "detail-type" in data and isinstance(data.get("id"), str) and data["id"]:
        found = f"event:{data['id']}"
    else:
        found = f"sqs:{message_id}"
    found = fields.storable(found)
    return found if len(found) <= _LONGEST_ID else f"sqs:{message_id}"
