"""Events to the apps that subscribed to them, tried again when they are not acknowledged: at once, after 1 and 5 minutes."""

import asyncio
from collections.abc import Mapping
from typing import Any

from bot.rehearsal.slack.delivery import Delivery, NotAcknowledged, Parcel
from bot.rehearsal.slack.workspace import InstalledApp, Json
from bot.rehearsal.slack.world import Event, World

RETRY_AFTER = (0.0, 60.0, 300.0)

#: Of which scopes an app must hold one before Slack sends it an event; the ones not named here need none.
SCOPES: Mapping[str, tuple[str, ...]] = {
    "app_mention": ("app_mentions:read",),
    "message.channels": ("channels:history",),
    "message.groups": ("groups:history",),
    "message.im": ("im:history",),
    "message.mpim": ("mpim:history",),
    "member_joined_channel": ("channels:read", "groups:read"),
    "member_left_channel": ("channels:read", "groups:read"),
    "channel_created": ("channels:read",),
    "channel_rename": ("channels:read",),
    "channel_archive": ("channels:read",),
    "channel_unarchive": ("channels:read",),
    "group_rename": ("groups:read",),
    "group_archive": ("groups:read",),
    "reaction_added": ("reactions:read",),
    "reaction_removed": ("reactions:read",),
    "pin_added": ("pins:read",),
    "pin_removed": ("pins:read",),
    "subteam_members_changed": ("usergroups:read",),
    "subteam_updated": ("usergroups:read",),
}


class Events:
    """Each event to each app is one task, so a slow app delays nobody."""

    def __init__(self, world: World, delivery: Delivery) -> None:
        self._world, self._delivery = world, delivery
        self._tasks: set[asyncio.Task[None]] = set()
        world.listeners.append(self.emit)

    def emit(self, event: Event) -> None:
        for app in self._world.apps.values():
            if _wants(app, event):
                task = asyncio.get_running_loop().create_task(self._deliver(app, self._wrapped(app, event.body)))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Return when every event so far was acknowledged or given up."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _deliver(self, app: InstalledApp, payload: Json) -> None:
        what, reason = str(payload["event"]["type"]), ""
        clock = self._world.clock
        began = clock.now()
        for attempt, pause in enumerate((0.0, *RETRY_AFTER)):
            # Counted from when the attempt before began, so that a clock moved ahead meanwhile is not waited for twice.
            await clock.sleep_until(began + pause)
            began = clock.now()
            try:
                await self._delivery.send(Parcel(app, "events_api", what, payload, attempt, reason))
            except NotAcknowledged as problem:
                if not problem.retry:
                    return
                reason = problem.reason
            else:
                return

    def _wrapped(self, app: InstalledApp, body: Json) -> Json:
        world = self._world
        authorization: dict[str, Any] = {
            "enterprise_id": None,
            "team_id": world.workspace.id,
            "user_id": app.bot_user_id,
            "is_bot": True,
            "is_enterprise_install": False,
        }
        return {
            "type": "event_callback",
            "token": app.verification_token,
            "team_id": world.workspace.id,
            "api_app_id": app.id,
            "event": body,
            "event_id": world.ids.new("Ev"),
            "event_time": world.seconds(),
            "event_context": world.ids.secret("4-"),
            "authorizations": [authorization],
            "is_ext_shared_channel": False,
        }


def missing_scopes(app: InstalledApp) -> list[str]:
    """What the manifest subscribes to without holding the scope for it; Slack would not save such a manifest."""
    return [
        f"the event {name} needs one of the scopes {', '.join(SCOPES[name])}"
        for name in sorted(app.events)
        if name in SCOPES and not app.scopes.intersection(SCOPES[name])
    ]


def _wants(app: InstalledApp, event: Event) -> bool:
    return (
        event.name in app.events
        and event.app in (None, app.id)
        and (event.channel is None or app.bot_user_id in event.channel.members)
    )
