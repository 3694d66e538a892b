"""A clock that stands still, shared by processes: whoever moves it moves it for the bot and for the emulated AWS at once.

It is a number in shared memory, so it outlives a process that is killed, and two processes never disagree.
"""

import mmap
import struct
from datetime import UTC, datetime, timedelta

from bot.rehearsal.aws.clock import Clock

_NOW = struct.Struct("q")  # microseconds since 1970
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SharedClock(Clock):
    """`Clock` of the emulator and of the bot. Made before the processes are forked that share it."""

    offset = timedelta()

    def __init__(self, start: datetime) -> None:
        super().__init__(start=start)
        self._memory = mmap.mmap(-1, _NOW.size)
        self.set(start)

    def now(self) -> datetime:
        return _EPOCH + timedelta(microseconds=_NOW.unpack(self._memory[: _NOW.size])[0])

    def set(self, now: datetime) -> None:
        self._memory[: _NOW.size] = _NOW.pack((now - _EPOCH) // timedelta(microseconds=1))

    def move(self, by: timedelta) -> None:
        self.set(self.now() + by)
        super().move(timedelta())  # wakes who sleeps in this process

    advance = move
