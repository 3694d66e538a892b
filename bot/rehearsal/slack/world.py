"""Everything that exists in one running local Slack, and how to find it."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bot.rehearsal.slack.changes import Change, Changes
from bot.rehearsal.slack.clock import Clock
from bot.rehearsal.slack.faults import Faults
from bot.rehearsal.slack.ids import Ids
from bot.rehearsal.slack.tickets import ReplyUrls, Triggers
from bot.rehearsal.slack.workspace import Channel, File, InstalledApp, Json, Message, User, View, Workspace


@dataclass(frozen=True)
class Event:
    """Something that apps may subscribe to. `name` is what the manifest lists (`message.channels`).

    `channel` limits it to the apps whose bot is in that channel, `app` to one app.
    """

    name: str
    body: Json
    channel: Channel | None = None
    app: str | None = None


class World:
    """The state that the Web API, the browser's page and the `Person` driver share; one event loop owns it."""

    def __init__(self, workspace: Workspace, clock: Clock) -> None:
        self.workspace, self.clock = workspace, clock
        self.ids = Ids(clock)
        self.changes, self.faults = Changes(), Faults()
        self.triggers, self.reply_urls = Triggers(clock, self.ids), ReplyUrls(clock, self.ids)
        self.users: dict[str, User] = {user.id: user for user in workspace.users}
        self.channels: dict[str, Channel] = {channel.id: channel for channel in workspace.channels}
        self.apps: dict[str, InstalledApp] = {}
        self.modals: dict[str, list[View]] = {}
        self.homes: dict[tuple[str, str], View] = {}
        self.files: dict[str, File] = {}
        self.url = ""
        self.epoch = clock.now()
        self.listeners: list[Callable[[Event], None]] = []
        self._parts = itertools.count(1)

    def tell(self, change: Change) -> None:
        self.changes.publish(change)

    def emit(self, event: Event) -> None:
        for listener in self.listeners:
            listener(event)

    def part_id(self) -> str:
        """A `block_id` or `action_id` for a part that its app did not name."""
        return f"g{next(self._parts):04x}"

    def seconds(self) -> int:
        return int(self.clock.now())

    def app_by_bot(self, user_id: str) -> InstalledApp | None:
        return next((app for app in self.apps.values() if app.bot_user_id == user_id), None)

    def channel_named(self, name: str) -> Channel | None:
        wanted = name.removeprefix("#")
        return next((c for c in self.channels.values() if c.name == wanted and not c.is_direct), None)

    def direct(self, members: set[str]) -> Channel | None:
        """The direct or group message between exactly these people."""
        return next((c for c in self.channels.values() if c.is_direct and set(c.members) == members), None)

    def visible_channels(self, user: str) -> Iterator[Channel]:
        return (channel for channel in self.channels.values() if channel.seen_by(user))

    def message(self, channel_id: str, ts: str) -> Message | None:
        channel = self.channels.get(channel_id)
        return channel.messages.get(ts) if channel else None

    def view(self, view_id: str) -> View | None:
        return next((view for view in self.views() if view.id == view_id), None)

    def views(self) -> Iterator[View]:
        yield from itertools.chain.from_iterable(self.modals.values())
        yield from self.homes.values()


@dataclass
class ApiCall:
    """One call of the Web API, as `slack.calls` keeps it. `arguments` never hold the token.

    `answer` is None while it runs. `fault`: the kind of the fault that struck it, so the caller may have seen less.
    """

    at: float
    method: str
    arguments: dict[str, Any]
    answer: Json | None = None
    status: int = 0
    app_id: str = ""
    fault: str = ""

    @property
    def ok(self) -> bool:
        return bool(self.answer and self.answer.get("ok"))

    @property
    def error(self) -> str:
        return str((self.answer or {}).get("error", ""))
