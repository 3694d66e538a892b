"""How far a database is behind, as CloudWatch tells it: readers behind their writer, a region behind the one that writes.

The RDS API knows nothing of it, so this is also a second witness of what RDS says about itself.
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.AuroraMonitoring.Metrics.html
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.aws.gauges import Gauge, Reading, latest
from bot.playbook.action import Aws

#: Points of a minute arrive a minute or two late.
FRESH = timedelta(minutes=5)
_LOOKS_BACK = timedelta(hours=3)


@dataclass(frozen=True)
class Lag:
    """How far behind it was, and when that was said last."""

    behind: timedelta
    at: datetime


def reader_lags(aws: Aws, instances: Iterable[str], now: datetime) -> dict[str, Lag]:
    """By instance; what CloudWatch has said nothing about lately is missing."""
    names = list(instances)
    found = latest(aws, [_gauge("AuroraReplicaLag", {"DBInstanceIdentifier": name}) for name in names], now, FRESH)
    return {name: _lag(reading) for name, reading in zip(names, found, strict=True) if reading is not None}


def region_lag(aws: Aws, cluster: str, source_region: str, now: datetime) -> Lag | None:
    """How far the secondary cluster of this region is behind the primary: the last that was said, be it hours ago.

    Older engines publish only the second metric, some of them with the source's region as a second dimension.
    """
    mine = {"DBClusterIdentifier": cluster}
    wanted = [
        _gauge("AuroraGlobalDBRPOLag", mine),
        _gauge("AuroraGlobalDBReplicationLag", mine),
        _gauge("AuroraGlobalDBReplicationLag", {**mine, "SourceRegion": source_region}),
    ]
    known = [_lag(reading) for reading in latest(aws, wanted, now, _LOOKS_BACK) if reading is not None]
    return max(known, key=lambda lag: (lag.at, lag.behind), default=None)


def _gauge(name: str, dimensions: Mapping[str, str]) -> Gauge:
    return Gauge("AWS/RDS", name, dimensions)


def _lag(reading: Reading) -> Lag:
    """RDS counts in milliseconds."""
    return Lag(timedelta(milliseconds=reading.value), reading.at)
