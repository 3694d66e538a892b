"""Is it one zone? Judged from what each zone shows. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from bot.aws.zone.figures import BEFORE, NOW, Traffic
from bot.aws.zone.find import Zone
from bot.errors import N_, Phrase, phrase

#: "One zone": so many times the errors, or the time, of the zone that does best.
TIMES = 3
#: Below these nothing is wrong, however well another zone does.
ERRORS, SLOW = 0.01, 1.0
#: Of fewer requests in these minutes nothing can be told.
ENOUGH = 20
#: A zone that got requests, and gets less than this share of what another one gets, does not answer any more.
SILENT = 0.1
#: A zone that gets less than this share of what it got itself before, unlike another one, may be about to fall silent.
FADING = 0.5

Kind = Literal["one-zone", "several-zones", "not-the-zone", "fails-open", "unknown"]


@dataclass(frozen=True)
class Evidence:
    """Of one zone, over all load balancers. `down`: target groups that have targets there, and none of them healthy."""

    traffic: Traffic = field(default_factory=Traffic)
    healthy: int = 0
    targets: int = 0
    down: int = 0

    @property
    def rate(self) -> float | None:
        """The share of requests that failed; None where too few came."""
        return self.traffic.errors / self.traffic.requests if self.traffic.requests >= ENOUGH else None


@dataclass(frozen=True)
class Verdict:
    """`bad`: the names of the zones that are."""

    kind: Kind
    why: Phrase
    bad: tuple[str, ...] = ()


def judge(zone: Zone, seen: Mapping[str, Evidence], shifted_by_aws: Collection[str]) -> Verdict:
    """`seen` is by zone name; `shifted_by_aws`: the names of the zones that AWS itself moves away from."""
    if seen and any(one.targets for one in seen.values()) and not any(one.healthy for one in seen.values()):
        what = N_(
            "No target is healthy in any zone, so load balancers send traffic to all of them, and a shift has no effect. "
            "Mend the service first."
        )
        return Verdict("fails-open", phrase(what))
    bad = tuple(sorted({name for name in seen if is_bad(name, seen)} | set(shifted_by_aws)))
    others = [name for name in bad if name != zone.name]
    if others:
        what = N_(
            "{zones} show trouble besides {zone}. With more than one zone in trouble, consider switching the region."
        )
        return Verdict("several-zones", phrase(what, zones=", ".join(others), zone=zone.id), bad)
    if bad:
        return Verdict("one-zone", _one(zone, seen), bad)
    if _is_fading(zone, seen):
        what = N_(
            "{zone} gets fewer requests than before, and the figures reach back to before its trouble, so they cannot tell yet: "
            "{figures}."
        )
        return Verdict("unknown", phrase(what, zone=zone.id, figures=figures(seen)))
    if _is_known(zone, seen):
        what = N_(
            "{zone} does no worse than the other zones: {figures}. Look for another cause, such as a release, or say that "
            "you are sure."
        )
        return Verdict("not-the-zone", phrase(what, zone=zone.id, figures=figures(seen)))
    return Verdict("unknown", phrase(N_("Too little is measured to tell whether it is {zone} alone."), zone=zone.id))


def is_bad(name: str, seen: Mapping[str, Evidence]) -> bool:
    """Nothing is healthy there, it fell silent, or errors or times are so many times those of the zone that does best."""
    one, others = seen[name], [other for zone, other in seen.items() if zone != name]
    if one.down or is_silent(one, others):
        return True
    rates = [other.rate for other in others if other.rate is not None]
    if one.rate is not None and rates and one.rate >= ERRORS and one.rate >= TIMES * min(rates):
        return True
    times = [other.traffic.latency for other in others if other.traffic.latency is not None]
    slow = one.traffic.latency
    return slow is not None and bool(times) and slow >= SLOW and slow >= TIMES * min(times)


def is_silent(one: Evidence, others: Collection[Evidence]) -> bool:
    """Its load balancers' nodes are not reached any more, so that they have no errors to count."""
    busiest = max((other.traffic.requests for other in others), default=0)
    return one.traffic.before >= ENOUGH <= busiest and one.traffic.requests < SILENT * busiest


def figures(seen: Mapping[str, Evidence]) -> Phrase:
    """A line of numbers that reads the same in every language."""
    shown = "; ".join(_figures(name, one) for name, one in sorted(seen.items()))
    return Phrase("{shown}", {"shown": shown})


def _figures(name: str, one: Evidence) -> str:
    rate = "-" if one.rate is None else f"{one.rate:.1%}"
    return f"{name} {one.traffic.requests:g} req, {rate} 5xx, {one.healthy}/{one.targets} ok"


def _one(zone: Zone, seen: Mapping[str, Evidence]) -> Phrase:
    what = N_("It is one zone, {zone}: {figures}.")
    return phrase(what, zone=zone.id, figures=figures(seen))


def _is_known(zone: Zone, seen: Mapping[str, Evidence]) -> bool:
    """Of the zone and of another one there are enough requests to compare."""
    known = {name for name, one in seen.items() if one.rate is not None}
    return zone.name in known and len(known) > 1


def _is_fading(zone: Zone, seen: Mapping[str, Evidence]) -> bool:
    """In its first minutes a zone that is dark has no error to count, and still the requests of the minute before."""
    faded = {name for name, one in seen.items() if one.traffic.before >= ENOUGH and _kept(one.traffic) < FADING}
    return zone.name in faded and len(faded) < len(seen)


def _kept(traffic: Traffic) -> float:
    """The share of requests that still come, of those that came before."""
    return traffic.requests / traffic.before * ((BEFORE - NOW) / NOW)
