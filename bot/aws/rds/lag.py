"""How far a database is behind, as CloudWatch tells it: readers behind their writer, a region behind the one that writes.

The RDS API knows nothing of it, so this is also a second witness of what RDS says about itself.
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.AuroraMonitoring.Metrics.html
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.playbook.action import Aws

#: Points of a minute arrive a minute or two late.
FRESH = timedelta(minutes=5)
_LOOKS_BACK = timedelta(hours=3)
_PERIOD = 60


@dataclass(frozen=True)
class Lag:
    """How far behind it was, and when that was said last."""

    behind: timedelta
    at: datetime


def reader_lags(aws: Aws, instances: Iterable[str], now: datetime) -> dict[str, Lag]:
    """By instance; what CloudWatch has said nothing about lately is missing."""
    names = list(instances)
    wanted = [_metric("AuroraReplicaLag", {"DBInstanceIdentifier": name}) for name in names]
    found = _latest(aws, wanted, now, FRESH) if names else []
    return {name: lag for name, lag in zip(names, found, strict=True) if lag is not None}


def region_lag(aws: Aws, cluster: str, source_region: str, now: datetime) -> Lag | None:
    """How far the secondary cluster of this region is behind the primary: the last that was said, be it hours ago.

    Older engines publish only the second metric, some of them with the source's region as a second dimension.
    """
    mine = {"DBClusterIdentifier": cluster}
    wanted = [
        _metric("AuroraGlobalDBRPOLag", mine),
        _metric("AuroraGlobalDBReplicationLag", mine),
        _metric("AuroraGlobalDBReplicationLag", {**mine, "SourceRegion": source_region}),
    ]
    known = [lag for lag in _latest(aws, wanted, now, _LOOKS_BACK) if lag is not None]
    return max(known, key=lambda lag: (lag.at, lag.behind), default=None)


def _metric(name: str, dimensions: Mapping[str, str]) -> dict[str, Any]:
    listed = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    return {"Namespace": "AWS/RDS", "MetricName": name, "Dimensions": listed}


def _latest(aws: Aws, metrics: list[dict[str, Any]], now: datetime, back: timedelta) -> list[Lag | None]:
    queries = [
        {"Id": f"m{number}", "MetricStat": {"Metric": metric, "Period": _PERIOD, "Stat": "Maximum"}}
        for number, metric in enumerate(metrics)
    ]
    answer = aws.client("cloudwatch").get_metric_data(
        MetricDataQueries=queries, StartTime=now - back, EndTime=now, ScanBy="TimestampDescending"
    )
    results = {one["Id"]: one for one in answer["MetricDataResults"]}
    return [_newest(results.get(query["Id"], {})) for query in queries]


def _newest(result: Mapping[str, Any]) -> Lag | None:
    points = sorted(zip(result.get("Timestamps", ()), result.get("Values", ()), strict=True))
    if not points:
        return None
    at, milliseconds = points[-1]
    return Lag(timedelta(milliseconds=milliseconds), at)
