"""The same ports with a counter in front: what /metrics says of alarms and pages."""

from collections.abc import Sequence
from typing import ClassVar

from bot import metrics
from bot.errors import DeliveryFailed
from bot.incident.incident import Incident
from bot.incident.pager import Page
from bot.incident.ports import ContactMethod, Delivery, Inbox


class CountedInbox:
    """Counts what is on disk, by door."""

    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox

    async def accept(self, deliveries: Sequence[Delivery]) -> None:
        await self.inbox.accept(deliveries)
        for delivery in deliveries:
            metrics.ALARMS_ACCEPTED.labels(delivery.door).inc()


class CountedMethod:
    """Counts tries to page, by method and outcome: `sent`, `failed` (for good) or `later`."""

    kind: ClassVar[str] = "counted"

    def __init__(self, method: ContactMethod) -> None:
        self.method = method

    async def send(self, page: Page, incident: Incident, *, again: bool) -> None:
        outcome = "later"
        try:
            await self.method.send(page, incident, again=again)
            outcome = "sent"
        except DeliveryFailed as failed:
            outcome = "failed" if failed.permanent else "later"
            raise
        finally:
            metrics.PAGES.labels(self.method.kind, outcome).inc()
