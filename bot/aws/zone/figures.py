"""What CloudWatch says of each zone of a load balancer: requests, errors, and how long they take.

The zone is the one of the load balancer's node. With cross-zone balancing every node also reaches the targets of a bad
zone, so that the figures of the zones come nearer to each other: the health of the targets is looked at besides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean
from typing import Any

from bot.aws.zone.find import Balancer
from bot.playbook.action import Aws

#: What counts as now, and what it is compared with. CloudWatch itself is a minute or two late, in every zone alike.
NOW, BEFORE, _PERIOD = timedelta(minutes=3), timedelta(minutes=15), 60
#: GetMetricData takes so many queries at once.
_MOST = 500
_STATISTICS = {
    "RequestCount": "Sum", "HTTPCode_Target_5XX_Count": "Sum", "HTTPCode_ELB_5XX_Count": "Sum",
    "TargetResponseTime": "Average",
}  # fmt: skip

Metric = tuple[str, str]  # a zone's name, and a metric's
Series = Sequence[tuple[datetime, float]]


@dataclass(frozen=True)
class Traffic:
    """Of one zone in the last minutes. `latency`: seconds; None where nothing was measured. `before`: requests, earlier."""

    requests: float = 0
    errors: float = 0
    latency: float | None = None
    before: float = 0

    def __add__(self, other: "Traffic") -> "Traffic":
        """The slower of the two latencies: what is fine elsewhere does not make up for it."""
        slowest = max((one for one in (self.latency, other.latency) if one is not None), default=None)
        before = self.before + other.before
        return Traffic(self.requests + other.requests, self.errors + other.errors, slowest, before)


def traffic_of(aws: Aws, balancer: Balancer, now: datetime) -> dict[str, Traffic]:
    """By zone name. Network load balancers count no errors, so that nothing is known of them here."""
    zones = [one["ZoneName"] for one in balancer["AvailabilityZones"]]
    if balancer["Type"] != "application":
        return {}
    name = balancer["LoadBalancerArn"].partition(":loadbalancer/")[2]
    wanted = [(zone, metric) for zone in zones for metric in _STATISTICS]
    answers = _answers(aws, [_query(number, name, *one) for number, one in enumerate(wanted)], now)
    series = {one: answers.get(f"m{number}", ()) for number, one in enumerate(wanted)}
    return {zone: _traffic(series, zone, now - NOW) for zone in zones}


def cpu_of(aws: Aws, cluster: str, service: str, now: datetime) -> float | None:
    """The average use of its CPU in percent, over the last minutes; None where nobody measured it."""
    dimensions = {"ClusterName": cluster, "ServiceName": service}
    query = {"Id": "m0", "MetricStat": _statistic("AWS/ECS", "CPUUtilization", dimensions, "Average")}
    values = _since(_answers(aws, [query], now).get("m0", ()), now - NOW)
    return fmean(values) if values else None


def _traffic(series: Mapping[Metric, Series], zone: str, since: datetime) -> Traffic:
    latest = {metric: _since(series[zone, metric], since) for metric in _STATISTICS}
    times, every = latest["TargetResponseTime"], sum(value for _, value in series[zone, "RequestCount"])
    requests = sum(latest["RequestCount"])
    errors = sum(latest["HTTPCode_Target_5XX_Count"]) + sum(latest["HTTPCode_ELB_5XX_Count"])
    return Traffic(requests, errors, fmean(times) if times else None, every - requests)


def _since(series: Series, moment: datetime) -> list[float]:
    return [value for at, value in series if at >= moment]


def _query(number: int, balancer: str, zone: str, metric: str) -> dict[str, Any]:
    dimensions = {"LoadBalancer": balancer, "AvailabilityZone": zone}
    statistic = _statistic("AWS/ApplicationELB", metric, dimensions, _STATISTICS[metric])
    return {"Id": f"m{number}", "MetricStat": statistic}


def _statistic(namespace: str, metric: str, dimensions: Mapping[str, str], statistic: str) -> dict[str, Any]:
    named = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    return {
        "Metric": {"Namespace": namespace, "MetricName": metric, "Dimensions": named},
        "Period": _PERIOD,
        "Stat": statistic,
    }


def _answers(aws: Aws, queries: Sequence[Mapping[str, Any]], now: datetime) -> dict[str, Series]:
    """By the query's id."""
    parts = (queries[start : start + _MOST] for start in range(0, len(queries), _MOST))
    return {
        one["Id"]: list(zip(one["Timestamps"], one["Values"], strict=True))
        for part in parts
        for one in _asked(aws, part, now)
    }


def _asked(aws: Aws, queries: Sequence[Mapping[str, Any]], now: datetime) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = aws.client("cloudwatch").get_metric_data(
        MetricDataQueries=queries, StartTime=now - BEFORE, EndTime=now
    )["MetricDataResults"]
    return found
