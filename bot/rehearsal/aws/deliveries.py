"""Bringing SNS messages to HTTP endpoints, again and again by the delivery policy, beside everybody else's work."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from bot.rehearsal.aws.clock import Clock

DEFAULT_POLICY: Mapping[str, Any] = {"numRetries": 3, "minDelayTarget": 20, "maxDelayTarget": 20}
_ANSWER_WITHIN = 15  # seconds of real time, as SNS
_TOO_MANY = 429


@dataclass(frozen=True)
class Parcel:
    """`headers` as SNS names them; `body` is the signed envelope."""

    endpoint: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    policy: Mapping[str, Any]
    undeliverable: Callable[[str], None]


@dataclass(frozen=True)
class Attempt:
    """`status` None: nobody answered, or not in time."""

    endpoint: str
    message_id: str
    number: int
    status: int | None


def retry_delays(policy: Mapping[str, Any]) -> Iterator[float]:
    """Seconds before each retry: at once, at the least delay, backing off, at the greatest delay.

    https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
    """
    least, greatest = float(policy.get("minDelayTarget", 20)), float(policy.get("maxDelayTarget", 20))
    at_once, low, high = (int(policy.get(f"num{kind}Retries", 0)) for kind in ("NoDelay", "MinDelay", "MaxDelay"))
    between = int(policy.get("numRetries", 3)) - at_once - low - high
    yield from [0.0] * at_once
    yield from [least] * low
    for step in range(between):
        share = (step + 1) / between
        linear = least + (greatest - least) * share
        yield linear if policy.get("backoffFunction", "linear") == "linear" else least * (greatest / least) ** share
    yield from [greatest] * high


class Deliveries:
    """`attempts` is what happened so far, for tests and for people."""

    def __init__(self, clock: Clock) -> None:
        self.attempts: list[Attempt] = []
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    def send(self, parcel: Parcel) -> None:
        """Start; the publisher never waits and never hears of a failure."""
        task = asyncio.get_running_loop().create_task(self._deliver(parcel))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _deliver(self, parcel: Parcel) -> None:
        if not await self._attempt(parcel, 1):
            for number, delay in enumerate(retry_delays(parcel.policy), start=2):
                await self._clock.sleep(delay)
                if await self._attempt(parcel, number):
                    return
            parcel.undeliverable(json.dumps(parcel.body))

    async def _attempt(self, parcel: Parcel, number: int) -> bool:
        """Whether it is over: delivered, or refused for good (any code but 429 below 500)."""
        status = await self._post(parcel)
        self.attempts.append(Attempt(parcel.endpoint, parcel.body["MessageId"], number, status))
        if status is None or status == _TOO_MANY or status >= 500:
            return False
        if status >= 300:
            parcel.undeliverable(json.dumps(parcel.body))
        return True

    async def _post(self, parcel: Parcel) -> int | None:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_ANSWER_WITHIN))
        headers = {
            "Content-Type": "text/plain; charset=UTF-8",
            "User-Agent": "Amazon Simple Notification Service Agent",
        }
        try:
            async with self._session.post(
                parcel.endpoint,
                data=json.dumps(parcel.body, indent=2).encode(),
                headers={**headers, **parcel.headers},
                allow_redirects=False,
            ) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return None
