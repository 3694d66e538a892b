"""All services of ECS in one region, played in the order of time, and what they share: launches, vCPUs, addresses."""

import heapq
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv4Network
from itertools import count

from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.moto_app import backend
from bot.rehearsal.aws.outages import Outages
from bot.rehearsal.aws.quotas import FARGATE_VCPUS, Quotas
from bot.rehearsal.aws.rollout import Refused, Rollout, Room
from bot.rehearsal.aws.spells import Spell
from bot.rehearsal.aws.tasks import Key, Place, Task

#: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html
BURST, LAUNCHES_PER_SECOND = 100, 20
_TAKEN_BY_AWS = 4  # at the start of a subnet
_AGAIN = 15.0  # seconds until ECS looks for room once more
_NO_VCPUS = "You've reached the limit on the number of vCPUs you can run concurrently."
_NO_ADDRESS = "RESOURCE:ENI: the subnet {subnet} has no free addresses."


class Fleet:
    """`rollouts` are those of all regions; who is no longer among them is played no more.

    `vcpus` are those that count against the quota now.
    """

    def __init__(
        self, region: str, clock: Clock, outages: Outages, quotas: Quotas, rollouts: Mapping[Key, Rollout]
    ) -> None:
        self.region = region
        self.vcpus = 0.0
        self._rollouts = rollouts
        self._clock, self._outages, self._quotas = clock, outages, quotas
        self._queue: list[tuple[datetime, int, Rollout]] = []
        self._due: dict[Key, tuple[Rollout, datetime | None]] = {}
        self._numbers = count()
        self._launches = _Launches(clock.scaled(1 / LAUNCHES_PER_SECOND))
        self._addresses: dict[str, _Addresses] = {}
        self._unsure = False

    def advance(self) -> datetime:
        """Play everything that has happened up to now, and say when that is: the next look at the clock may be later."""
        now = self._clock.now()
        if self._unsure:
            self._unsure = False
            for rollout in self._rollouts.values():
                if rollout.key[0] == self.region:
                    self._expect(rollout)
        while self._queue and self._queue[0][0] <= now:
            at, _, rollout = heapq.heappop(self._queue)
            if self._due.get(rollout.key) == (rollout, at) and self._rollouts.get(rollout.key) is rollout:
                rollout.settle(at)
                self._expect(rollout)
        return now

    def changed(self, rollout: Rollout, now: datetime) -> None:
        """Somebody asked for something else just now; everything before has been played."""
        rollout.settle(now)
        self._expect(rollout)

    def expect_surprises(self) -> None:
        """What is due may have changed for any of them: a zone went dark, or a task was made sick."""
        self._unsure = True

    def taken(self, subnet: str) -> int:
        """How many of its addresses are ours."""
        return len(self._addresses[subnet].taken) if subnet in self._addresses else 0

    def take_room(self, key: Key, size: float, place: Place, at: datetime) -> Room | Refused:
        later = at + self._clock.scaled(_AGAIN)
        if size and self.vcpus + size > self._quotas.value(FARGATE_VCPUS, self.region):
            return Refused(later, _NO_VCPUS)
        pool = self._pool(place.subnet) if place.subnet else None
        if pool and pool.is_full:
            return Refused(later, _NO_ADDRESS.format(subnet=place.subnet))
        if (again_at := self._launches.take(key, at)) > at:
            return Refused(again_at)
        self.vcpus += size
        return Room(pool.take() if pool else "", size)

    def give_back(self, task: Task) -> None:
        self.vcpus -= task.size
        if task.address:
            self._pool(task.place.subnet).taken.discard(task.address)

    def dark(self, zone: str) -> Iterable[Spell]:
        return self._outages.spells_of(self.region, zone)

    def _pool(self, subnet: str) -> "_Addresses":
        if subnet not in self._addresses:
            [found] = backend("ec2", self.region).describe_subnets(subnet_ids=[subnet])
            self._addresses[subnet] = _Addresses(found.cidr)
        return self._addresses[subnet]

    def _expect(self, rollout: Rollout) -> None:
        due = rollout.due()
        self._due[rollout.key] = rollout, due
        if due is not None:
            heapq.heappush(self._queue, (due, next(self._numbers), rollout))


class _Launches:
    """A bucket of launches, full at first, that fills at a steady pace. Who finds it empty is given a time to come back."""

    def __init__(self, interval: timedelta) -> None:
        self._interval = interval
        self._used_up: datetime | None = None  # until when everything that it has gained is given out
        self._promised: dict[Key, datetime] = {}

    def take(self, key: Key, at: datetime) -> datetime:
        """When the service may launch a task: now, or later, when it shall ask again."""
        promised = self._promised.get(key)
        if promised is not None:
            if promised <= at:
                del self._promised[key]
            return max(promised, at)
        used_up = max(at, self._used_up or at)
        free_at = max(at, used_up - (BURST - 1) * self._interval)
        self._used_up = used_up + self._interval
        if free_at > at:
            self._promised[key] = free_at
        return free_at


class _Addresses:
    """Of one subnet, lowest first; an address that is given back is given out again last."""

    def __init__(self, block: IPv4Network) -> None:
        self.taken: set[str] = set()
        self._first = int(block.network_address) + _TAKEN_BY_AWS
        self._count = block.num_addresses - _TAKEN_BY_AWS - 1  # the last one is the broadcast address
        self._next = 0

    @property
    def is_full(self) -> bool:
        return len(self.taken) >= self._count

    def take(self) -> str:
        """There must be one: `is_full` tells."""
        while True:
            address = str(IPv4Address(self._first + self._next))
            self._next = (self._next + 1) % self._count
            if address not in self.taken:
                self.taken.add(address)
                return address
