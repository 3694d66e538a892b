"""What is down: zones and regions that are dark, regions that are slow, services that work by half, and tight rates.

Everything is a function of the emulator's clock: a region is dark from the moment somebody darkens it until he lights it
again, and whoever asks later (replication, target health, the tasks of ECS) learns when that was.

A dark region answers no call: the connection is dropped at once. What lives in it goes on unseen. A dark zone answers
nobody either, but its region's APIs go on: they tell of targets that time out and of tasks that are not healthy.
Global services (IAM, Route 53, CloudFront) are asked anywhere, and changed in us-east-1: while that is dark, they answer
reads, and refuse changes. Not emulated: what an outage of a region does to messages that are on their way out of it.
"""

import asyncio
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.rehearsal.aws.call import AwsError, Call
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.faults import Cut, throttled
from bot.rehearsal.aws.moto_app import backend
from bot.rehearsal.aws.spells import Spell, Spells
from bot.rehearsal.aws.zones import zone_of

#: Their control planes are in us-east-1, and what they have told the world goes on without it.
GLOBAL = frozenset({"iam", "route53", "cloudfront"})
GLOBAL_HOME = "us-east-1"
_ANY = "*"
_READS = re.compile(
    r"(Describe|Get|List|BatchGet|Scan|Query|Head|Receive|Lookup|Search|Select|Filter|Simulate)(?=[A-Z]|$)"
)


@dataclass
class _Rate:
    """A bucket of tokens that fills by the emulator's clock."""

    per_second: float
    at: datetime
    tokens: float = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = max(1.0, self.per_second)

    def takes(self, now: datetime) -> bool:
        grown = self.tokens + (now - self.at).total_seconds() * self.per_second
        self.tokens, self.at = min(grown, max(1.0, self.per_second)), now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Outages:
    """Zones are given by name or by id. Every fault can be mended on its own; `forget` mends all and forgets the past."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._regions: dict[str, Spells] = {}
        self._zones: dict[tuple[str, str], Spells] = {}  # by region and zone name
        self._slow: dict[str, float] = {}
        self._half: set[tuple[str, str]] = set()  # region and service
        self._rates: dict[tuple[str, str], _Rate] = {}  # by service and region
        self._watchers: list[Callable[[], None]] = []

    def darken_zone(self, zone: str, region: str = "us-east-1") -> None:
        """Nothing in it answers any more: tasks, instances, its nodes of load balancers."""
        self._zones.setdefault((region, zone_of(region, zone).name), Spells()).begin(self._clock.now())
        self._changed()

    def light_zone(self, zone: str, region: str = "us-east-1") -> None:
        if spells := self._zones.get((region, zone_of(region, zone).name)):
            spells.end(self._clock.now())
        self._changed()

    def darken_region(self, region: str) -> None:
        """Every call to it is dropped at once, and nothing is replicated from it or to it."""
        self._regions.setdefault(region, Spells()).begin(self._clock.now())
        self._changed()

    def light_region(self, region: str) -> None:
        if spells := self._regions.get(region):
            spells.end(self._clock.now())
        self._changed()

    def slow_region(self, region: str, seconds: float) -> None:
        """Every call to it takes so much longer: real seconds, for a client's timeout is real too."""
        self._slow[region] = seconds

    def slowness(self, region: str) -> float:
        """How many seconds longer its calls take; 0 as a rule."""
        return self._slow.get(region, 0.0)

    def half_working(self, region: str, service: str) -> None:
        """The service (`ecs`) refuses changes with 503, and answers whoever only looks."""
        self._half.add((region, service))

    def throttle(self, service: str, per_second: float, region: str = _ANY) -> None:
        """Calls beyond that rate, of the emulator's clock, are refused as the service words it."""
        self._rates[service, region] = _Rate(per_second, self._clock.now())

    def unthrottle(self, service: str, region: str = _ANY) -> None:
        self._rates.pop((service, region), None)

    def mend(self, region: str) -> None:
        """The region and its zones are lit, and it is as fast and as whole as ever."""
        self.light_region(region)
        for where, zone in tuple(self._zones):
            if where == region:
                self.light_zone(zone, region)
        self._slow.pop(region, None)
        self._half = {one for one in self._half if one[0] != region}

    def forget(self) -> None:
        """All is well, and always was."""
        for state in (self._regions, self._zones, self._slow, self._half, self._rates):
            state.clear()
        self._changed()

    def watch(self, changed: Callable[[], None]) -> None:
        """Have it called whenever something went dark or came back."""
        self._watchers.append(changed)

    def region_is_dark(self, region: str, at: datetime | None = None) -> bool:
        spells = self._regions.get(region)
        return spells is not None and spells.at(at or self._clock.now())

    def zone_is_dark(self, zone: str, region: str = "us-east-1", at: datetime | None = None) -> bool:
        """By itself: a dark region does not make its zones dark."""
        spells = self._zones.get((region, zone_of(region, zone).name))
        return spells is not None and spells.at(at or self._clock.now())

    def dark_zones(self, region: str, at: datetime | None = None) -> frozenset[str]:
        """Their names."""
        moment = at or self._clock.now()
        return frozenset(zone for (where, zone), spells in self._zones.items() if where == region and spells.at(moment))

    def spells_of(self, region: str, zone: str) -> Iterable[Spell]:
        """When the zone (its name) was dark, oldest first."""
        return self._zones.get((region, zone), ())

    def arrives(self, sent: datetime, lag: timedelta, *regions: str) -> datetime | None:
        """When what was sent between these regions is there: its lag later, once none of them is dark; None: not yet."""
        at: datetime | None = sent + lag
        settled = None
        while at is not None and at != settled:
            settled = at
            for region in regions:
                at = self._regions[region].after(at) if at and region in self._regions else at
        return at

    async def apply(self, call: Call) -> None:
        """Raises what becomes of the call: `Cut` when nobody is there, `AwsError` when it is refused."""
        region = _region_of(call)
        everywhere = call.service in GLOBAL
        if self.region_is_dark(region) and not everywhere:
            raise Cut
        if seconds := self._slow.get(region):
            await asyncio.sleep(seconds)
        if self._is_half(call, region) and not _READS.match(call.operation):
            raise AwsError("ServiceUnavailable", "The service is unavailable. Please try again shortly.", 503)
        if not all(self._within_rate(call.service, where) for where in (region, _ANY)):
            raise throttled(call.service)

    def _is_half(self, call: Call, region: str) -> bool:
        stranded = call.service in GLOBAL and self.region_is_dark(GLOBAL_HOME)
        return stranded or (region, call.service) in self._half

    def _within_rate(self, service: str, region: str) -> bool:
        rate = self._rates.get((service, region))
        return rate is None or rate.takes(self._clock.now())

    def _changed(self) -> None:
        for changed in self._watchers:
            changed()


def _region_of(call: Call) -> str:
    """Where the call is worked on. A bucket is in its own region, whatever region its client signs for."""
    if call.service == "s3" and (name := call.parameters.get("Bucket")):
        bucket = backend("s3", "aws").buckets.get(name)
        if bucket is not None:
            return str(bucket.region_name)
    return GLOBAL_HOME if call.service in GLOBAL else call.region
