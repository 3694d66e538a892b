"""What the core needs from the outside, as protocols; `bot/app.py` fills them in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

Door = Literal["sns-http", "sqs", "sweep", "cli"]


@dataclass(frozen=True)
class Delivery:
    """What came in at a door, unchanged. `id` is the same for every delivery of the same message (SNS MessageId)."""

    id: str
    door: Door
    body: str
    received_at: datetime


class Inbox(Protocol):
    """The durable inbox: what it has accepted is never lost."""

    async def accept(self, deliveries: Sequence[Delivery]) -> None:
        """Return once the deliveries are on disk; many callers share one commit. A known id is accepted and ignored.

        Raises `Unavailable` when the database refuses: the caller answers 503 or leaves the message in its queue.
        """
        ...


class Clock(Protocol):
    """The time. Tests move theirs."""

    def now(self) -> datetime:
        """The current time, with UTC as its zone."""
        ...
