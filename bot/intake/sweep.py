"""The safety net: ask CloudWatch which alarms are on, and take in those that no incident knows.

CloudWatch tells of an alarm once, when it changes. A delivery that was lost, or muted, would be lost for good.
"""

import json
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Protocol

import structlog

from bot.incident.ports import Clock, Delivery, Inbox
from bot.intake import described, fields
from bot.intake.sqs import RunBlocking

log = structlog.get_logger(__name__)


class CloudWatchClient(Protocol):
    """The one call of boto3's CloudWatch client that is needed; it blocks."""

    def describe_alarms(self, **parameters: Any) -> Mapping[str, Any]: ...


#: An alarm as DescribeAlarms lists it, with the name of its list: ("MetricAlarms", {...}).
Listed = tuple[str, Mapping[str, Any]]


def missing(alarms: Iterable[Listed], open_fingerprints: Collection[str], now: datetime) -> Sequence[Delivery]:
    """A delivery for each alarm that is on and has no open incident.

    Its id is made of the alarm and of when it went off: an incident that somebody resolved while its alarm was still on
    is not opened again by the next sweep, and the next time the alarm goes off is a new delivery.
    """
    known = frozenset(open_fingerprints)
    found = []
    for group, item in alarms:
        fingerprint = described.alarm(group, item).fingerprint
        if fingerprint not in known:
            body = json.dumps({group: [item]}, default=_iso)
            found.append(Delivery(f"sweep:{fingerprint}:{described.changed(item)}", "sweep", body, now))
    return found


class Sweep:
    """One look at every region. `topics`: only alarms that act on one of these count; empty means every alarm.

    Without `topics`, alarms that are not meant for people are taken in too: those of target tracking are on whenever a
    service has little to do.
    """

    def __init__(
        self,
        clients: Mapping[str, CloudWatchClient],
        inbox: Inbox,
        open_fingerprints: Callable[[], Awaitable[Collection[str]]],
        run_blocking: RunBlocking,
        clock: Clock,
        topics: frozenset[str] = frozenset(),
    ) -> None:
        self._clients = clients
        self._inbox = inbox
        self._open_fingerprints = open_fingerprints
        self._run_blocking = run_blocking
        self._clock = clock
        self._topics = topics
        self.failing: frozenset[str] = frozenset()

    async def once(self) -> int:
        """Sweep every region and return how many alarms were missing. A region that does not answer is in `failing`.

        Raises `Unavailable` when the inbox does not take what was found: the next sweep finds it again.
        """
        alarms: list[Listed] = []
        failing = set()
        for region, client in self._clients.items():
            try:
                alarms += await self._listed(client)
            except Exception as error:  # noqa: BLE001  # boto3's exceptions are only known in bot/aws
                log.warning("sweep_region_failed", region=region, error=str(error))
                failing.add(region)
        self.failing = frozenset(failing)
        deliveries = missing(alarms, await self._open_fingerprints(), self._clock.now())
        if deliveries:
            log.info("sweep_found_missing", alarms=[delivery.id for delivery in deliveries])
            await self._inbox.accept(deliveries)
        return len(deliveries)

    async def _listed(self, client: CloudWatchClient) -> Sequence[Listed]:
        """Every alarm that is on. Without AlarmTypes, AWS would list metric alarms only."""
        found: list[Listed] = []
        parameters = {"StateValue": "ALARM", "AlarmTypes": ["MetricAlarm", "CompositeAlarm", "LogAlarm"]}
        token: Mapping[str, Any] = {}
        while True:
            page = await self._run_blocking(partial(client.describe_alarms, **parameters, **token))
            for group in described.KINDS:
                items = (fields.mapping(item) for item in fields.sequence(page.get(group)))
                found += [(group, item) for item in items if self._counts(item)]
            if not page.get("NextToken"):
                return found
            token = {"NextToken": page["NextToken"]}

    def _counts(self, item: Mapping[str, Any]) -> bool:
        return not self._topics or not self._topics.isdisjoint(
            map(fields.text, fields.sequence(item.get("AlarmActions")))
        )


def _iso(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
