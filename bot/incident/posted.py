"""What the Slack edge remembers in our database: where its messages are, and how people want to be spoken to."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.incident.ports import Tx
from bot.jobs import Job


@dataclass(frozen=True)
class Posted:
    """Where a Slack message is. `ts` None: about to be posted, or posted with the answer lost."""

    key: str
    channel: str
    ts: str | None
    digest: str


@dataclass(frozen=True)
class Profile:
    """How Slack says a user wants to be spoken to."""

    slack: str
    language: str
    zone: str
    at: datetime


class Messages(Protocol):
    """Messages and profiles, inside a transaction."""

    async def get(self, key: str) -> Posted | None: ...

    async def put(self, posted: Posted) -> None:
        """Remember a message under its key, whether it was known or not."""
        ...

    async def beginning(self, prefix: str) -> Sequence[Posted]:
        """Every message whose key begins so."""
        ...

    async def profile(self, slack: str) -> Profile | None: ...

    async def put_profile(self, profile: Profile) -> None: ...


class SlackTx(Tx, Protocol):
    """A transaction with what only the Slack edge uses."""

    @property
    def messages(self) -> Messages: ...


class SlackStore(Protocol):
    """`bot.incident.ports.Store`, for the Slack edge."""

    def begin(self, job: Job | None = None) -> AbstractAsyncContextManager[SlackTx]: ...
