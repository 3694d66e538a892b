"""Clocks: the system's, and one that tests and rehearsals move."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass
class SystemClock:
    """The machine's clock, shifted by `offset` (zero outside tests)."""

    offset: timedelta = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def advance(self, by: timedelta) -> None:
        """Move the clock forward, as a test does instead of waiting."""
        self.offset += by
