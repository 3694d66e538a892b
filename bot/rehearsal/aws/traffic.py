"""What comes in at load balancers, and what becomes of it: as CloudWatch tells it, minute by minute and zone by zone.

Requests go to the load balancer's node in each of its zones that nothing is shifted away from, the same to each. A node asks
the healthy targets of all zones but those (when none is healthy: all of them). A node in a dark zone answers nobody, and
tells nothing. What is sent to a target in a dark zone times out (an error of the load balancer); a target that is sick or
errs answers with an error of its own. Zones are those of the nodes, as with AWS, except where targets are counted. Not
emulated: rules of listeners (every target group takes its share), keep-alive, DNS that leaves a dead node out by itself.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.rehearsal.aws.metrics import Metric
from bot.rehearsal.aws.moto_app import backend
from bot.rehearsal.aws.outages import Outages
from bot.rehearsal.aws.targets import Target, Targets
from bot.rehearsal.aws.zonal_shifts import ZonalShifts
from bot.rehearsal.aws.zones import zone_of

_USUAL = 600.0
_QUICK = 0.05


@dataclass(frozen=True)
class Node:
    """Of a load balancer in one zone during a minute: how many requests came, and how many of them failed where."""

    requests: float
    timed_out: float
    errors: float


class Traffic:
    """`requests_per_minute` and `seconds` are those of each load balancer, unless it (its ARN) has others in `busy`."""

    def __init__(self, outages: Outages, targets: Targets, shifts: ZonalShifts) -> None:
        self.requests_per_minute, self.seconds = _USUAL, _QUICK
        self.busy: dict[str, float] = {}
        self._outages, self._targets, self._shifts = outages, targets, shifts

    def served(self, balancer: str, region: str, at: datetime) -> float:
        """The share of requests that somebody gets a good answer to, from 0 to 1."""
        if self._outages.region_is_dark(region, at):
            return 0.0
        nodes = self.nodes(balancer, region, at)
        shares = [0.0 if node is None else _good(node) for node in nodes.values()]
        return sum(shares) / len(shares) if shares else 0.0

    def nodes(self, balancer: str, region: str, at: datetime) -> dict[str, Node | None]:
        """By zone name, for each zone that gets requests; None: that one is in the dark."""
        found = backend("elbv2", region).load_balancers[balancer]
        away = self._away(balancer, region, at)
        dark = self._outages.dark_zones(region, at)
        asked = [zone.zone_name for zone in found.availability_zones if zone.zone_name not in away]
        each = self.busy.get(balancer, self.requests_per_minute) / max(1, len(asked))
        timed_out, errors = _shares(self._pool(balancer, region, at), dark)
        node = Node(each, each * timed_out, each * errors)
        return {zone: None if zone in dark else node for zone in asked}

    def metric(self, metric: Metric, at: datetime) -> float | None:
        """A source of `Metrics`."""
        if metric.namespace != "AWS/ApplicationELB" or self._outages.region_is_dark(metric.region, at):
            return None
        if metric.name in {"HealthyHostCount", "UnHealthyHostCount"}:
            return self._hosts(metric, at)
        found = _named(backend("elbv2", metric.region).load_balancers, metric.dimensions.get("LoadBalancer"))
        if found is None or metric.name not in _OF_NODES:
            return None
        nodes = self.nodes(found, metric.region, at)
        zone = metric.dimensions.get("AvailabilityZone")
        told = [node for name, node in nodes.items() if node is not None and zone in {None, name}]
        return _OF_NODES[metric.name](self, told) if told else None

    def _hosts(self, metric: Metric, at: datetime) -> float | None:
        group = _named(backend("elbv2", metric.region).target_groups, metric.dimensions.get("TargetGroup"))
        if group is None:
            return None
        zone = metric.dimensions.get("AvailabilityZone")
        targets = [one for one in self._targets.of(group, metric.region, at) if zone in {None, one.zone}]
        healthy = sum(one.healthy for one in targets)
        return float(healthy if metric.name == "HealthyHostCount" else len(_there(targets)) - healthy)

    def _pool(self, balancer: str, region: str, at: datetime) -> list[Target]:
        """Whom a node asks."""
        groups = [one for one in backend("elbv2", region).target_groups.values() if balancer in one.load_balancer_arns]
        away = self._away(balancer, region, at)
        known = [one for group in groups for one in self._targets.of(group.arn, region, at)]
        reached = [one for one in known if one.zone not in away]
        return [one for one in reached if one.healthy] or _there(reached)

    def _away(self, balancer: str, region: str, at: datetime) -> frozenset[str]:
        return frozenset(zone_of(region, zone).name for zone in self._shifts.away_from(balancer, region, at))


#: What CloudWatch publishes, of the nodes that are asked about; None: nothing was measured.
_OF_NODES: Mapping[str, Callable[[Traffic, Sequence[Node]], float | None]] = {
    "RequestCount": lambda _, nodes: sum(node.requests for node in nodes),
    "HTTPCode_Target_5XX_Count": lambda _, nodes: sum(node.errors for node in nodes),
    "HTTPCode_ELB_5XX_Count": lambda _, nodes: sum(node.timed_out for node in nodes),
    "TargetResponseTime": lambda traffic, nodes: traffic.seconds if any(map(_good, nodes)) else None,
}


def _good(node: Node) -> float:
    return 1 - (node.timed_out + node.errors) / node.requests if node.requests else 0.0


def _shares(pool: Sequence[Target], dark: frozenset[str]) -> tuple[float, float]:
    """Which parts of what is sent there time out, and are answered with an error; with nobody there, all times out."""
    if not pool:
        return 1.0, 0.0
    count = Counter("lost" if one.zone in dark else "served" if one.answers else "erred" for one in pool)
    return count["lost"] / len(pool), count["erred"] / len(pool)


def _there(targets: Sequence[Target]) -> list[Target]:
    return [one for one in targets if one.state != "draining"]


def _named(known: Mapping[str, Any], name: str | None) -> str | None:
    """The ARN that CloudWatch's name (`app/shop-web/1f…`, `targetgroup/shop-web/1f…`) is the end of."""
    return next((arn for arn in known if name and arn.endswith((f":{name}", f"/{name}"))), None)
