"""The local Slack's own clock: real time that can be moved ahead, sped up, or stopped."""

import asyncio
import contextlib
import time


class Clock:
    """`now()` in seconds since 1970. `speed` 60 makes a minute pass in a second; 0 stops it until `advance` is called."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._started, self._real = time.time(), time.monotonic()
        self._skipped = 0.0
        self._moved = asyncio.Event()

    def now(self) -> float:
        return self._started + (time.monotonic() - self._real) * self.speed + self._skipped

    def advance(self, seconds: float) -> None:
        """Jump ahead; everybody who sleeps until a moment that is past now wakes up."""
        self._skipped += seconds
        self._moved.set()
        self._moved = asyncio.Event()

    def patience(self, seconds: float) -> float:
        """How long on this clock an app may take for `seconds`: a fast clock does not make the app any faster."""
        return seconds * max(self.speed, 1.0)

    async def sleep(self, seconds: float) -> None:
        """Sleep on this clock, so that `advance` ends it early."""
        await self.sleep_until(self.now() + seconds)

    async def sleep_until(self, until: float) -> None:
        while (left := until - self.now()) > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left / self.speed if self.speed else None):
                    await self._moved.wait()
