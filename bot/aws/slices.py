"""Long work in short pieces: a call of an action must be over well before the lease of its step."""

import time

#: The lease is 12 s, and a single answer of AWS may take 10 s in a bad hour: so start nothing after 4 s.
SECONDS = 4.0
CALLS = 200


class Slice:
    """Room for one piece of work, in calls of AWS and in seconds; whoever works asks `is_over` between two calls."""

    def __init__(self, calls: int = CALLS, seconds: float = SECONDS) -> None:
        self._left, self._until = calls, time.monotonic() + seconds

    def spend(self, calls: int = 1) -> None:
        self._left -= calls

    def is_over(self) -> bool:
        return self._left <= 0 or time.monotonic() >= self._until
