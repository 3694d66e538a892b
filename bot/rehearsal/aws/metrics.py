"""Metrics that AWS itself publishes about what is emulated, beside those that somebody has put. moto has only the latter.

A source says what a metric was at a moment; its points are made when they are asked for, one a minute. Whatever CloudWatch
does with points (statistics, periods, expressions) moto does. Not emulated: the minute or two until points can be seen.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.cloudwatch.models import MetricDatum

from bot.rehearsal.aws.call import Answer, Call, Handler, Moto
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.moto_app import backend

_EVERY = timedelta(minutes=1)
_MOST = 1440


@dataclass(frozen=True)
class Metric:
    """One metric in one region, as a caller names it."""

    region: str
    namespace: str
    name: str
    dimensions: Mapping[str, str]


#: The value at that moment; None: there was no point, or the metric is somebody else's.
Source = Callable[[Metric, datetime], float | None]


class Metrics:
    def __init__(self, clock: Clock, sources: Sequence[Source]) -> None:
        self._clock, self._sources = clock, sources

    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        return {("cloudwatch", name): self._read for name in ("GetMetricData", "GetMetricStatistics")}

    async def _read(self, call: Call, moto: Moto) -> Answer:
        """Let moto see the points of the time that is asked for, during this call only."""
        cloudwatch = backend("cloudwatch", call.region)
        kept = cloudwatch.metric_data
        cloudwatch.metric_data = [*kept, *self._points(call)]
        try:
            return moto(call)
        finally:
            cloudwatch.metric_data = kept

    def _points(self, call: Call) -> Iterator[MetricDatum]:
        start, end = (call.parameters[name].replace(tzinfo=UTC) for name in ("StartTime", "EndTime"))
        moments = list(_minutes(start, min(end, self._clock.now())))
        asked = list(_asked(call))
        for metric in (one for number, one in enumerate(asked) if one not in asked[:number]):
            for at in moments:
                value = self._value(metric, at)
                if value is not None:
                    yield _point(metric, at, value)

    def _value(self, metric: Metric, at: datetime) -> float | None:
        known = (source(metric, at) for source in self._sources)
        return next((value for value in known if value is not None), None)


def _asked(call: Call) -> Iterator[Metric]:
    given = call.parameters
    if call.operation == "GetMetricStatistics":
        yield _named(call.region, given)
    for query in given.get("MetricDataQueries", ()):
        if "MetricStat" in query:
            yield _named(call.region, query["MetricStat"]["Metric"])


def _named(region: str, given: Mapping[str, Any]) -> Metric:
    dimensions = {one["Name"]: one["Value"] for one in given.get("Dimensions", ())}
    return Metric(region, given.get("Namespace", ""), given["MetricName"], dimensions)


def _minutes(start: datetime, end: datetime) -> Iterator[datetime]:
    at = start.replace(second=0, microsecond=0)
    at += _EVERY if at < start else timedelta()
    for _ in range(_MOST):
        if at >= end:
            return
        yield at
        at += _EVERY


def _point(metric: Metric, at: datetime, value: float) -> MetricDatum:
    dimensions = [{"Name": name, "Value": value_} for name, value_ in metric.dimensions.items()]
    return MetricDatum(metric.namespace, metric.name, value, dimensions, at.replace(tzinfo=None))
