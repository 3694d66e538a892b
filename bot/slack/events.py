"""Events that we listen to. Each is noted in one transaction; what follows from it are jobs."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from bot.errors import phrase
from bot.incident.posted import SlackStore, SlackTx
from bot.incident.responder import Responder
from bot.jobs import DRAW_HOME, NewJob
from bot.slack import groups
from bot.slack.desk import SLOW, TRANSACTION
from bot.slack.patience import within

Event = Mapping[str, Any]


class Events:
    """The handlers of `EVENTS`."""

    def __init__(self, store: SlackStore, responder: Responder) -> None:
        self.store, self.responder = store, responder

    async def happened(self, event_id: str, event: Event) -> None:
        """Note it once. Raises `Unavailable`: Slack is to send it again."""
        handler = EVENTS.get(str(event.get("type")))
        if handler is None:
            return

        async def transaction() -> None:
            async with self.store.begin() as tx:
                if await tx.notes.first_time(f"event:{event_id}"):
                    await handler(self, tx, event)

        await within(TRANSACTION, transaction(), phrase(SLOW))

    async def home_opened(self, tx: SlackTx, event: Event) -> None:
        if event.get("tab") == "home":
            await tx.jobs.add(NewJob(DRAW_HOME, {"user": event["user"]}, key=f"home:{event['user']}"))

    async def channel_gone(self, tx: SlackTx, event: Event) -> None:
        """Somebody archived or deleted an incident's channel: nothing can be said there any more, paging goes on."""
        incident = await tx.incidents.in_channel(str(event["channel"]))
        if incident and not incident.resolved:
            await self.responder.room_failed(tx, incident.id, _GONE[event["type"]])

    async def group_changed(self, tx: SlackTx, event: Event) -> None:
        """Roles may name the user group."""
        group = event.get("subteam_id") or (event.get("subteam") or {}).get("id")
        await groups.changed(tx, self.responder.config, str(group), event)


_GONE: Mapping[str, str] = {
    "channel_archive": "is_archived",
    "group_archive": "is_archived",
    "channel_deleted": "channel_not_found",
    "group_deleted": "channel_not_found",
}

#: The events we subscribe to in the manifest, and what each means to us.
EVENTS: Mapping[str, Callable[[Events, SlackTx, Event], Awaitable[None]]] = {
    "app_home_opened": Events.home_opened,
    **dict.fromkeys(_GONE, Events.channel_gone),
    "subteam_members_changed": Events.group_changed,
    "subteam_updated": Events.group_changed,
}
