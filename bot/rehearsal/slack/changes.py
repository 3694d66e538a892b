"""What changed, told to everyone who looks: the browser's event stream and the `Person` driver."""

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

ChangeType = Literal["message", "changed", "deleted", "ephemeral", "channel", "modal", "home", "notice", "state"]


@dataclass(frozen=True)
class Change:
    """One change. `user`: the only person who may see it; None means everyone who can see the channel."""

    type: ChangeType
    channel: str | None = None
    ts: str | None = None
    text: str | None = None
    user: str | None = None

    def as_json(self) -> dict[str, Any]:
        shown = {"type": self.type, "channel": self.channel, "ts": self.ts, "text": self.text}
        return {name: value for name, value in shown.items() if value is not None}


class Changes:
    """Publish and subscribe within one event loop; a subscriber never misses what came after it subscribed."""

    def __init__(self) -> None:
        self._queues: list[asyncio.Queue[Change]] = []

    def publish(self, change: Change) -> None:
        for queue in self._queues:
            queue.put_nowait(change)

    @contextlib.contextmanager
    def subscribed(self) -> Iterator[asyncio.Queue[Change]]:
        queue: asyncio.Queue[Change] = asyncio.Queue()
        self._queues.append(queue)
        try:
            yield queue
        finally:
            self._queues.remove(queue)
