"""One call of the Web API as its method sees it: who calls, and the arguments in the types it asks for."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from bot.rehearsal.slack.refusal import Refusal
from bot.rehearsal.slack.workspace import Channel, InstalledApp, Json, Message, User
from bot.rehearsal.slack.world import World

Item = TypeVar("Item")
READ = {"channel": "channels:read", "group": "groups:read", "im": "im:read", "mpim": "mpim:read"}
HISTORY = {"channel": "channels:history", "group": "groups:history", "im": "im:history", "mpim": "mpim:history"}
WRITE = {"channel": "channels:manage", "group": "groups:write", "im": "im:write", "mpim": "mpim:write"}
MOST_IN_A_PAGE = 1000


@dataclass
class Call:
    """`app` is the caller; its bot user is the one who acts."""

    world: World
    app: InstalledApp
    arguments: Json

    @property
    def bot(self) -> str:
        return self.app.bot_user_id

    def text(self, name: str, default: str | None = None) -> str:
        """A string. Without a default it must be there."""
        value = self.arguments.get(name)
        if value is None or value == "":
            if default is None:
                raise Refusal("invalid_arguments", [f"[ERROR] missing required field: {name}"])
            return default
        return value if isinstance(value, str) else json.dumps(value)

    def given(self, name: str) -> bool:
        return self.arguments.get(name) is not None

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self.arguments.get(name)
        return default if value is None else value in (True, 1, "1", "true", "True")

    def number(self, name: str, default: int, most: int = MOST_IN_A_PAGE) -> int:
        value = self.arguments.get(name)
        if value in (None, ""):
            return default
        try:
            number = int(str(value))
        except ValueError:
            raise Refusal("invalid_arguments", [f"[ERROR] {name} should be an integer"]) from None
        if not 0 <= number <= most:
            raise Refusal("invalid_limit" if name == "limit" else "invalid_arguments")
        return number or default

    def structure(self, name: str, refusal: str = "invalid_arguments") -> Any:
        """A list or object, given as JSON in a form or as it is in a JSON body. None when it was not given."""
        value = self.arguments.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise Refusal(refusal, [f"[ERROR] {name} is not valid JSON"]) from None

    def names(self, name: str) -> list[str]:
        """A comma-separated list; a JSON list is understood as well."""
        value = self.arguments.get(name)
        if isinstance(value, list):
            return [str(part) for part in value]
        return [part.strip() for part in str(value or "").split(",") if part.strip()]

    def need(self, *scopes: str) -> None:
        """Refuse unless the app holds one of the scopes."""
        if not self.app.scopes.intersection(scopes):
            raise Refusal("missing_scope", needed=",".join(scopes), provided=",".join(sorted(self.app.scopes)))

    def channel(self, name: str = "channel") -> Channel:
        """A conversation that the bot can see, by id. Private ones that it is not in do not exist for it."""
        channel = self.world.channels.get(self.text(name))
        if channel is None or not channel.seen_by(self.bot):
            raise Refusal("channel_not_found")
        return channel

    def writable(self, name: str = "channel") -> Channel:
        """A conversation that the bot is in and that is not archived."""
        channel = self.channel(name)
        if channel.is_archived:
            raise Refusal("is_archived")
        if self.bot not in channel.members:
            raise Refusal("not_in_channel")
        return channel

    def message(self, channel: Channel, name: str = "ts") -> Message:
        """A message that everyone in the channel can read: ephemeral ones cannot be had again."""
        found = channel.messages.get(self.text(name))
        if found is None or found.only_for:
            raise Refusal("message_not_found")
        return found

    def user(self, user_id: str) -> User:
        user = self.world.users.get(user_id)
        if user is None:
            raise Refusal("user_not_found")
        return user

    def page(self, items: Sequence[Item], default: int) -> tuple[list[Item], Json]:
        """One page of a list, and the `response_metadata` with the cursor of the next (empty at the end)."""
        limit = self.number("limit", default)
        start = _position(self.text("cursor", ""))
        following = start + limit
        cursor = base64.b64encode(f"next:{following}".encode()).decode() if following < len(items) else ""
        return list(items[start:following]), {"next_cursor": cursor}


def _position(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.b64decode(cursor, validate=True).decode().removeprefix("next:"))
    except (ValueError, binascii.Error):
        raise Refusal("invalid_cursor") from None
