"""SQS long polling that lets the emulator's one thread go on, and ends with it: moto's own would sleep on it."""

import asyncio
from collections.abc import Mapping
from typing import Any

from bot.rehearsal.aws.call import Call, Handler, Moto, Reply
from bot.rehearsal.aws.moto_app import backend

_LOOK_EVERY = 0.02  # seconds of real time


class Queues:
    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        return {("sqs", "ReceiveMessage"): self._receive}

    async def _receive(self, call: Call, moto: Moto) -> Reply:
        queue = backend("sqs", call.region).queues.get(str(call.parameters.get("QueueUrl", "")).split("/")[-1])
        if queue is None:
            return moto(call)
        default = queue.receive_message_wait_time_seconds or 0
        loop = asyncio.get_running_loop()
        deadline = loop.time() + int(call.parameters.get("WaitTimeSeconds", default))
        while not _readable(queue) and loop.time() < deadline:  # noqa: ASYNC110  # moto's queue tells nobody
            await asyncio.sleep(_LOOK_EVERY)
        return moto(call.changed(WaitTimeSeconds=0))


def _readable(queue: Any) -> bool:
    return any(message.visible for message in queue.messages)
