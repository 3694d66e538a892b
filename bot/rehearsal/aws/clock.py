"""The emulator's time. Tests move it; the demo lets it run."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class Clock:
    """The wall clock, or, when `start` is given, a clock that stands still until somebody moves it.

    `speed` divides every duration that the emulator waits for (a task's start, a redelivery); it never bends `now()`,
    because what the emulator stamps must agree with the clocks of the programs that talk to it.
    """

    def __init__(self, *, start: datetime | None = None, speed: float = 1.0) -> None:
        if start is not None and start.tzinfo is None:
            raise ValueError("The clock starts at an aware datetime; give it a zone.")
        self.speed = speed
        self._stopped_at = start
        self._offset = timedelta()
        self._wake: set[Callable[[], None]] = set()

    def now(self) -> datetime:
        return (self._stopped_at or datetime.now(UTC)) + self._offset

    def move(self, by: timedelta) -> None:
        """Jump. Backwards too, so that a demo can lay down the past before it starts."""
        self._offset += by
        for wake in tuple(self._wake):
            wake()

    def scaled(self, seconds: float) -> timedelta:
        return timedelta(seconds=seconds / self.speed)

    async def sleep(self, seconds: float) -> None:
        """Wait for a scaled duration of this clock's time, whoever moves it."""
        due = self.now() + self.scaled(seconds)
        moved = asyncio.Event()
        loop = asyncio.get_running_loop()

        def wake() -> None:
            loop.call_soon_threadsafe(moved.set)

        self._wake.add(wake)
        try:
            while (left := (due - self.now()).total_seconds()) > 0:
                moved.clear()
                await self._until(moved, left)
        finally:
            self._wake.discard(wake)

    async def _until(self, moved: asyncio.Event, left: float) -> None:
        limit = left if self._stopped_at is None else None
        try:
            await asyncio.wait_for(moved.wait(), limit)
        except TimeoutError:
            return
