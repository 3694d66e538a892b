"""What is on its way in the emulated AWS: a status until a moment of its clock, and what is true from then on."""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from bot.rehearsal.aws.clock import Clock

Key = TypeVar("Key", bound=Hashable)


def _nothing() -> None:
    """Only the status ends."""


@dataclass(frozen=True)
class Change:
    status: str
    since: datetime
    due: datetime
    then: Callable[[], None]


class Underway(Generic[Key]):
    """At most one change for each key. Nothing runs by itself: whoever asks has it played up to now."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._changes: dict[Key, Change] = {}
        self._stuck = False

    def begin(self, key: Key, status: str, seconds: float, then: Callable[[], None] = _nothing) -> None:
        """`seconds` are divided by the clock's speed; `then` is done once, when the time is over."""
        now = self._clock.now()
        self._changes[key] = Change(status, now, now + self._clock.scaled(seconds), then)

    def get(self, key: Key) -> Change | None:
        """What is on its way with it now."""
        self.settle()
        return self._changes.get(key)

    def status(self, key: Key) -> str | None:
        change = self.get(key)
        return change.status if change else None

    def settle(self) -> None:
        """Do what has become due, in the order in which it did."""
        now = self._clock.now()
        if self._stuck:
            return
        due = [(change.due, key) for key, change in self._changes.items() if now >= change.due]
        for _, key in sorted(due, key=lambda one: one[0]):
            self._changes.pop(key).then()

    def forget(self) -> None:
        """Finish everything at once."""
        for key in tuple(self._changes):
            self._changes.pop(key).then()

    @contextmanager
    def stuck(self) -> Iterator[None]:
        """Meanwhile nothing comes to its end."""
        self._stuck = True
        try:
            yield
        finally:
            self._stuck = False
