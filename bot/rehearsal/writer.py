"""Customers who order all the time, and remember what they were told: what got lost, what contradicts, how long it took.

Every few seconds one of them writes: by turns a new order, and a further version of an order that many share. Who changes
a shared order has read it before; what was acknowledged and could not be seen then is a conflict.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.errors import Phrase
from bot.rehearsal.standing import Standing, items
from bot.rehearsal.storefront import Storefront, Written

_SHARED = 3


@dataclass(frozen=True)
class Sample:
    """One look at the shop. `written` None: the customer's write was not acknowledged, and `why` says why."""

    at: datetime
    standing: Standing
    written: Written | None
    why: Phrase | None = None

    @property
    def served(self) -> float:
        """Reads and writes count the same."""
        return (self.standing.share + (self.written is not None)) / 2

    @property
    def well(self) -> bool:
        return self.standing.well and self.written is not None


@dataclass(frozen=True)
class Conflict:
    """`unseen` was acknowledged, and whoever wrote `later` in the other region could not see it."""

    key: str
    unseen: Written
    later: Written


class Writer:
    """`await tick()` is one customer. `every`: how long until the next one."""

    def __init__(self, storefront: Storefront, every: timedelta = timedelta(seconds=5)) -> None:
        self.storefront, self.every = storefront, every
        self.samples: list[Sample] = []
        self.acknowledged: list[Written] = []
        self.conflicts: list[Conflict] = []
        self._by_key: dict[str, list[Written]] = {}

    async def tick(self) -> Sample:
        now = self.storefront.estate.aws.clock.now()
        standing, number = self.storefront.look(), len(self.samples)
        shared = number % 2 == 1
        key = f"shared-{number // 2 % _SHARED}" if shared else f"live-{number:06}"
        seen = self._seen(standing, key) if shared else None
        answer = await self.storefront.write(key, number + 1, standing)
        written = answer if isinstance(answer, Written) else None
        sample = Sample(now, standing, written, None if isinstance(answer, Written) else answer)
        self.samples.append(sample)
        if written:
            self._remember(written, seen)
        return sample

    def lost(self) -> list[Written]:
        """What was acknowledged and is not in the shop now, oldest first: each write that is newer than what is there."""
        standing = self.storefront.look()
        there = self._items(standing.region, standing.table)
        found = [one for key, history in self._by_key.items() for one in _newer(history, there.get(key))]
        return sorted(found, key=lambda one: one.at)

    def _remember(self, written: Written, seen: float | None) -> None:
        history = self._by_key.setdefault(written.key, [])
        before = history[-1] if history else None
        if before and before.region != written.region and seen != before.total:
            self.conflicts.append(Conflict(written.key, before, written))
        self.acknowledged.append(written)
        history.append(written)

    def _seen(self, standing: Standing, key: str) -> float | None:
        return self._items(standing.region, standing.table).get(key)

    def _items(self, region: str, table: str) -> dict[str, float]:
        estate = self.storefront.estate
        if not table or estate.aws.outages.region_is_dark(region):
            return {}
        found = estate.aws.inside(lambda: items(estate.site(region), table))
        return dict(found or {})


def _newer(history: Sequence[Written], total: float | None) -> Sequence[Written]:
    """The writes of one key after the one that is there; all of them, when none of them is."""
    kept = [number for number, one in enumerate(history) if one.total == total]
    return history[kept[-1] + 1 :] if kept else history
