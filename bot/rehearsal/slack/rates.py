"""Slack's rate limits: so many calls a minute for each method, workspace and app.

https://docs.slack.dev/apis/web-api/rate-limits: tiers 1 to 4; posting has its own rule.
"""

import math
from dataclasses import dataclass
from typing import Literal

from bot.rehearsal.slack.clock import Clock
from bot.rehearsal.slack.refusal import Refusal

Tier = Literal["2", "3", "4", "post", "free"]

PER_MINUTE = {"2": 20, "3": 50, "4": 100}
POSTS_A_SECOND, POST_BURST = 1.0, 5
POSTS_A_MINUTE = 300
FREE_PER_MINUTE = 600


class RateLimited(Refusal):
    """HTTP 429 with `Retry-After`."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("ratelimited")
        self.retry_after = retry_after


@dataclass
class Bucket:
    """A token bucket: holds `size` tokens and gains `rate` a second."""

    size: float
    rate: float
    left: float
    at: float

    def refill(self, now: float) -> None:
        self.left = min(self.size, self.left + (now - self.at) * self.rate)
        self.at = now

    def wait(self) -> float:
        """Seconds until a token is there."""
        return 0.0 if self.left >= 1 else (1 - self.left) / self.rate


class Rates:
    """`scale` 2 allows twice as much; None allows everything."""

    def __init__(self, clock: Clock, scale: float | None = 1.0) -> None:
        self._clock, self.scale = clock, scale
        self._buckets: dict[tuple[str, ...], Bucket] = {}

    def spend(self, app: str, method: str, tier: Tier, channel: str) -> None:
        """Take one call from its buckets. Raises `RateLimited` and takes nothing when one of them is empty."""
        if self.scale is None:
            return
        buckets = [self._bucket(key, size, rate) for key, size, rate in _limits(app, method, tier, channel)]
        wait = max(bucket.wait() for bucket in buckets)
        if wait > 0:
            raise RateLimited(max(1, math.ceil(wait)))
        for bucket in buckets:
            bucket.left -= 1

    def _bucket(self, key: tuple[str, ...], size: float, rate: float) -> Bucket:
        scale, now = self.scale or 1.0, self._clock.now()
        bucket = self._buckets.setdefault(key, Bucket(size * scale, rate * scale, size * scale, now))
        bucket.refill(now)
        return bucket


def _limits(app: str, method: str, tier: Tier, channel: str) -> list[tuple[tuple[str, ...], float, float]]:
    if tier == "post":
        return [
            ((app, method, channel), POST_BURST, POSTS_A_SECOND),
            ((app, method), POSTS_A_MINUTE, POSTS_A_MINUTE / 60),
        ]
    per_minute = PER_MINUTE.get(tier, FREE_PER_MINUTE)
    return [((app, method), per_minute, per_minute / 60)]
