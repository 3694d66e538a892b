"""What a name answers now: Route 53's answers, as a function of the emulator's clock.

    aws.names.resolve("www.shop.test").region

`answer` is what Route 53's servers say; `resolve` is what a client gets from its resolver, which keeps an answer for its
TTL. Records may be simple, weighted or failover records, or an alias to a load balancer or to a record of the same zone.
Not emulated: latency, geolocation, multivalue and IP-based routing; private zones answer everybody.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zlib import crc32

from bot.rehearsal.aws.call import Answer as Result
from bot.rehearsal.aws.call import AwsError, Call, Handler, Moto, Wrap
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.name_health import NameHealth, region_of
from bot.rehearsal.aws.name_records import NameRecords, zones
from bot.rehearsal.aws.outages import Outages
from bot.rehearsal.aws.routing_controls import RoutingControls

#: Seconds that an alias to a load balancer may be kept.
_ALIAS_TTL = 60
_TYPES = frozenset({"A", "AAAA", "CNAME"})
_DEEPEST = 8
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Steps of this size meet every part of an interval evenly.
_GOLDEN = 0.6180339887498949


@dataclass(frozen=True)
class Answer:
    """`target`: a load balancer's DNS name, or the record's value; "" where nothing is answered. `ttl`: seconds."""

    name: str
    target: str
    ttl: int
    set_identifier: str = ""

    @property
    def region(self) -> str:
        """The one that the target's name tells; "" where it tells none."""
        return region_of(self.target)


class Names:
    """`health` and `records` are its two halves; `strand` is for tests and drills."""

    def __init__(self, clock: Clock, controls: RoutingControls, outages: Outages) -> None:
        self._clock = clock
        self.health = NameHealth(clock, controls, outages)
        self.records = NameRecords(clock)

    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        return {**self.health.handlers, **self.records.handlers, ("route53", "TestDNSAnswer"): self._test}

    @property
    def wraps(self) -> Mapping[tuple[str, str], Wrap]:
        return self.health.wraps

    def answer(self, name: str, at: datetime | None = None) -> Answer:
        """What Route 53's servers say. Raises `LookupError` for a name that is in no zone."""
        return self._answer(_absolute(name), at or self._clock.now(), 0)

    def resolve(self, name: str, at: datetime | None = None) -> Answer:
        """What a client gets: an answer that its resolver asked for at the last multiple of the TTL."""
        moment = at or self._clock.now()
        seconds = self._clock.scaled(self.answer(name, moment).ttl)
        return self.answer(name, moment - (moment - _EPOCH) % seconds) if seconds else self.answer(name, moment)

    def shares(self, name: str, at: datetime | None = None) -> Mapping[str, float]:
        """How much of the answers each target gets."""
        moment = at or self._clock.now()
        chosen = self._chosen(self._records(_absolute(name), moment), moment)
        weights = [_weight(one) for one in chosen]
        return {
            self._target(one, moment, 0).target: weight / sum(weights)
            for one, weight in zip(chosen, weights, strict=True)
        }

    def _answer(self, name: str, at: datetime, depth: int) -> Answer:
        chosen = self._chosen(self._records(name, at), at)
        if not chosen or depth > _DEEPEST:
            return Answer(name, "", _ALIAS_TTL)
        return self._target(_picked(chosen, name, at), at, depth)

    def _records(self, name: str, at: datetime) -> list[Any]:
        """Those of the name, in the zone with the longest name that has it."""
        zone = _zone_of(name)
        if zone is None:
            raise LookupError(f"There is no hosted zone for {name}.")
        return [one for one in self.records.at(zone, at) if _absolute(one.name) == name and one.type in _TYPES]

    def _chosen(self, records: Sequence[Any], at: datetime) -> list[Any]:
        """Those that may be answered with: the healthy ones, and where none is healthy, as if all were."""
        healthy = [one for one in records if self._is_healthy(one, at)] or list(records)
        if any(one.failover for one in records):
            primary = [one for one in healthy if one.failover == "PRIMARY"]
            return primary or healthy[:1]
        weighed = [one for one in healthy if one.weight is None or int(one.weight) > 0]
        return weighed or healthy

    def _is_healthy(self, record: Any, at: datetime) -> bool:
        if record.health_check_id and not self.health.is_healthy(record.health_check_id, at):
            return False
        alias = record.alias_target
        if not alias or str(alias.get("EvaluateTargetHealth", "")).lower() != "true":
            return True
        inside = _zone_of(_absolute(alias["DNSName"]))
        if inside is not None:
            return any(self._is_healthy(one, at) for one in self._records(_absolute(alias["DNSName"]), at))
        return self.health.reaches(str(alias["DNSName"]), at)

    def _target(self, record: Any, at: datetime, depth: int) -> Answer:
        """Through aliases and names in zones of ours, to what is outside of them."""
        alias, value = record.alias_target, (record.records or [""])[0]
        target, ttl = (str(alias["DNSName"]), _ALIAS_TTL) if alias else (str(value), int(record.ttl or 0))
        if (alias or record.type == "CNAME") and _zone_of(_absolute(target)) is not None:
            further = self._answer(_absolute(target), at, depth + 1)
            return Answer(record.name, further.target, min(further.ttl, ttl), record.set_identifier or "")
        return Answer(record.name, target.rstrip("."), ttl, record.set_identifier or "")

    async def _test(self, call: Call, _moto: Moto) -> Result:
        asked, id_ = call.parameters, str(call.parameters["HostedZoneId"]).rpartition("/")[2]
        zone = zones().get(id_)
        if zone is None:
            raise AwsError("NoSuchHostedZone", f"No hosted zone found with ID: {id_}", 404)
        name = _absolute(asked["RecordName"])
        known = name.endswith(_absolute(zone.name)) and self._records(name, self._clock.now())
        answer = self.answer(name) if known else None
        return {
            "Nameserver": "ns-2048.awsdns-64.com",
            "RecordName": name,
            "RecordType": asked["RecordType"],
            "RecordData": [_address(answer.target, asked["RecordType"])] if answer else [],
            "ResponseCode": "NOERROR" if answer else "NXDOMAIN",
            "Protocol": "UDP",
        }


def _absolute(name: str) -> str:
    return name.lower().rstrip(".") + "."


def _zone_of(name: str) -> Any:
    found = [one for one in zones().values() if f".{name}".endswith(f".{_absolute(one.name)}")]
    return max(found, key=lambda one: len(one.name), default=None)


def _weight(record: Any) -> int:
    """Where all weights are 0, all count the same."""
    return int(record.weight or 0) or 1


def _picked(records: Sequence[Any], name: str, at: datetime) -> Any:
    """One of them by its weight: the same at the same instant, and evenly over many."""
    turn = (crc32(name.encode()) % 97 + at.timestamp()) * _GOLDEN % 1
    left = turn * sum(map(_weight, records))
    for record in records:
        left -= _weight(record)
        if left < 0:
            return record
    return records[-1]


def _address(target: str, kind: str) -> str:
    """A load balancer's name as the address that a server answers with: one for documentation."""
    is_address = target.replace(".", "").isdigit()
    return target if kind == "CNAME" or is_address else f"203.0.113.{crc32(target.encode()) % 254 + 1}"
