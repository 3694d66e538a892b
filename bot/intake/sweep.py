"""The safety net: ask CloudWatch which alarms are on, and take in those that no incident knows.

CloudWatch tells of an alarm once, when it changes. A delivery that was lost, or muted, would be lost for good.
"""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

import structlog

from bot.incident.alarm import Alarm
from bot.incident.ports import Clock, Delivery, Inbox
from bot.intake import described, fields
from bot.intake.sqs import RunBlocking

log = structlog.get_logger(__name__)


class CloudWatchClient(Protocol):
    """The one call of boto3's CloudWatch client that is needed; it blocks."""

    def describe_alarms(self, **parameters: Any) -> Mapping[str, Any]: ...


#: An alarm as DescribeAlarms lists it, with the name of its list: ("MetricAlarms", {...}).
Listed = tuple[str, Mapping[str, Any]]


#: CloudWatch's list and its messages may round the same instant differently.
_SAME_CHANGE = timedelta(seconds=1)


def missing(alarms: Iterable[Listed], raised: Mapping[str, datetime | None], now: datetime) -> Sequence[Delivery]:
    """A delivery for each alarm that is on and that nobody has told us of. `raised`: those we know to be on, since when.

    What counts is the change, not whether an incident is open: one that somebody resolved while its alarm was still on
    must not be opened again by the next sweep. Going off once more is a new change, and a new delivery with an id of its own.
    """
    found = []
    for group, item in alarms:
        alarm = described.alarm(group, item)
        if not _is_known(alarm, raised):
            body = json.dumps({group: [item]}, default=_iso)
            found.append(Delivery(f"sweep:{alarm.fingerprint}:{described.changed(item)}", "sweep", body, now))
    return found


def _is_known(alarm: Alarm, raised: Mapping[str, datetime | None]) -> bool:
    if alarm.fingerprint not in raised:
        return False
    known = raised[alarm.fingerprint]
    return known is None or alarm.changed_at is None or alarm.changed_at <= known + _SAME_CHANGE


class Sweep:
    """One look at every region. `topics`: only alarms that act on one of these count; empty means every alarm.

    Without `topics`, alarms that are not meant for people are taken in too: those of target tracking are on whenever a
    service has little to do.
    """

    def __init__(
        self,
        clients: Mapping[str, CloudWatchClient],
        inbox: Inbox,
        raised: Callable[[], Awaitable[Mapping[str, datetime | None]]],
        run_blocking: RunBlocking,
        clock: Clock,
        topics: frozenset[str] = frozenset(),
    ) -> None:
        self._clients = clients
        self._inbox = inbox
        self._raised = raised
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
        deliveries = missing(alarms, await self._raised(), self._clock.now())
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
