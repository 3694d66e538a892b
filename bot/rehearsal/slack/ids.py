"""Identifiers and timestamps that look like Slack's and are never given twice."""

import itertools
import secrets

from bot.rehearsal.slack.clock import Clock

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Ids:
    """`new("C")` gives `C0L0000001`; `timestamp()` gives a `ts` that is later than every one before it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._count = itertools.count(1)
        self._last = 0

    def new(self, prefix: str) -> str:
        return f"{prefix}0L{_base36(next(self._count)):0>7}"

    def timestamp(self) -> str:
        self._last = max(int(self._clock.now() * 1_000_000), self._last + 1)
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"

    def secret(self, prefix: str) -> str:
        return prefix + secrets.token_hex(16)


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"
