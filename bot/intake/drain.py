"""From the inbox to the verbs: the handler of ALARM jobs reads what the doors took and tells the responder."""

from collections.abc import Sequence
from typing import Any

from bot.incident.responder import Responder
from bot.intake import understand
from bot.jobs import Job


class Drain:
    """Many deliveries share one transaction; a delivery that breaks is tried alone by the worker."""

    def __init__(self, responder: Responder) -> None:
        self.responder = responder

    async def alarms(self, tx: Any, jobs: Sequence[Job]) -> None:
        """Every alarm in these deliveries, in the order in which they came in."""
        found = await tx.inbox.bodies([job.payload["inbox"] for job in jobs])
        deliveries = sorted(found.values(), key=lambda delivery: delivery.received_at)
        alarms = [(alarm, delivery.received_at) for delivery in deliveries for alarm in understand(delivery.body)]
        if alarms:
            await self.responder.alarms_changed(tx, alarms)
