"""The load generator: a process of its own that posts prepared requests over loopback, and notes when.

    python -m benchmarks.load PORT MESSAGES RESULT --connections 64       as fast as the answers come
    python -m benchmarks.load PORT MESSAGES RESULT --rate 50              so many a second, whatever the answers do

It speaks just enough HTTP to be cheap: the two cores belong to what is measured.
"""

import argparse
import asyncio
import gc
import json
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from benchmarks import messages

_MOST_CONNECTIONS = 512
_GIVE_UP = 120.0


class Connection(asyncio.Protocol):
    """One keep-alive connection with one request at a time on it."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[int] | None = None
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def post(self, request: bytes) -> "asyncio.Future[int]":
        """The status of the answer, when it comes."""
        assert self._transport
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) >= length and self._answer:
            self._buffer = b""
            self._answer.set_result(int(head[9:12]))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("the server closed the connection"))

    def close(self) -> None:
        if self._transport:
            self._transport.close()


class Run:
    """What came of each request, by its position: `sent` and `answered` in monotonic seconds, `status`."""

    def __init__(self, port: int, requests: Sequence[bytes]) -> None:
        self.port, self.requests = port, requests
        self.sent = [0.0] * len(requests)
        self.answered = [0.0] * len(requests)
        self.status = [0] * len(requests)

    async def connect(self) -> Connection:
        _, connection = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", self.port)
        return connection

    async def one(self, connection: Connection, position: int) -> None:
        self.sent[position] = time.monotonic()
        self.status[position] = await connection.post(self.requests[position])
        self.answered[position] = time.monotonic()

    async def closed(self, connections: int) -> None:
        """Every connection sends its next request when its last was answered."""
        positions = iter(range(len(self.requests)))

        async def keep_sending() -> None:
            connection = await self.connect()
            for position in positions:
                await self.one(connection, position)
            connection.close()

        await asyncio.gather(*(keep_sending() for _ in range(connections)))

    async def open(self, rate: float) -> None:
        """A request at its time. Late answers do not slow it down: each takes a free connection or a new one."""
        free: deque[Connection] = deque()
        slots = asyncio.Semaphore(_MOST_CONNECTIONS)
        start = time.monotonic() + 0.05

        async def send(position: int) -> None:
            async with slots:
                connection = free.popleft() if free else await self.connect()
                await self.one(connection, position)
                free.append(connection)

        async with asyncio.TaskGroup() as group:
            for position in range(len(self.requests)):
                await asyncio.sleep(max(0.0, start + position / rate - time.monotonic()))
                group.create_task(send(position))
        for connection in free:
            connection.close()

    def result(self) -> str:
        return json.dumps({"sent": self.sent, "answered": self.answered, "status": self.status})


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("messages", type=Path)
    parser.add_argument("result", type=Path)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--first", type=int, help="only so many of the messages")
    args = parser.parse_args()
    run = Run(args.port, messages.load(args.messages)[: args.first])
    gc.disable()  # a pause of ours would look like one of theirs
    async with asyncio.timeout(_GIVE_UP):
        await (run.open(args.rate) if args.rate else run.closed(args.connections))
    args.result.write_text(run.result())


if __name__ == "__main__":
    asyncio.run(main())
