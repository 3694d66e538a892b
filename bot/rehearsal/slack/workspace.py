"""The state of a workspace: plain mutable dataclasses in memory. What happens to them is in `world.py`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Json = dict[str, Any]
Surface = Literal["modal", "home"]


@dataclass
class User:
    """A person, or the bot user of an app (then `app_id` and `bot_id` are set)."""

    id: str
    name: str
    real_name: str = ""
    email: str = ""
    locale: str = "en-US"
    tz: str = "UTC"
    deleted: bool = False
    is_restricted: bool = False
    is_admin: bool = False
    app_id: str = ""
    bot_id: str = ""

    @property
    def is_bot(self) -> bool:
        return bool(self.bot_id)


@dataclass
class Message:
    """A message. `only_for`: an ephemeral message and who sees it. `state` holds what each person chose in it so far."""

    ts: str
    user: str
    text: str = ""
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    files: list[Json] = field(default_factory=list)
    subtype: str = ""
    bot_name: str = ""
    app_id: str = ""
    thread_ts: str = ""
    metadata: Json = field(default_factory=dict)
    edited: str = ""
    only_for: str = ""
    reactions: dict[str, list[str]] = field(default_factory=dict)
    notices: dict[str, str] = field(default_factory=dict)
    state: dict[str, Json] = field(default_factory=dict)


@dataclass
class Bookmark:
    id: str
    title: str
    link: str
    emoji: str
    created: int
    by: str
    updated: int = 0


@dataclass
class Channel:
    """A conversation: public or private channel, direct message (`is_im`) or group message (`is_mpim`)."""

    id: str
    name: str
    members: list[str] = field(default_factory=list)
    is_private: bool = False
    is_im: bool = False
    is_mpim: bool = False
    is_general: bool = False
    is_archived: bool = False
    topic: str = ""
    purpose: str = ""
    creator: str = ""
    created: int = 0
    previous_names: list[str] = field(default_factory=list)
    messages: dict[str, Message] = field(default_factory=dict)
    pins: list[str] = field(default_factory=list)
    bookmarks: list[Bookmark] = field(default_factory=list)
    read: dict[str, str] = field(default_factory=dict)

    @property
    def is_direct(self) -> bool:
        return self.is_im or self.is_mpim

    @property
    def kind(self) -> Literal["channel", "group", "im", "mpim"]:
        """Slack's `channel_type` in events."""
        if self.is_im:
            return "im"
        if self.is_mpim:
            return "mpim"
        return "group" if self.is_private else "channel"

    def seen_by(self, user: str) -> bool:
        """Whether the person (or bot) can see that the conversation exists."""
        return user in self.members or not (self.is_private or self.is_direct)

    def history(self) -> list[Message]:
        """What everyone in the channel can read, oldest first."""
        return [message for message in self.messages.values() if not message.only_for]

    def shown_to(self, user: str) -> list[Message]:
        """What one person sees, oldest first, with the ephemeral messages meant for them."""
        return [message for message in self.messages.values() if message.only_for in ("", user)]


@dataclass
class UserGroup:
    """`date_delete` is when it was disabled, in seconds; 0 while it is in use."""

    id: str
    handle: str
    name: str
    users: list[str] = field(default_factory=list)
    date_update: int = 0
    date_delete: int = 0


@dataclass
class View:
    """A modal or a home tab as one person sees it. `spec` is what the app sent; `values` what the person entered."""

    id: str
    app_id: str
    user: str
    type: Surface
    spec: Json
    hash: str
    values: Json
    root: str = ""
    previous: str = ""


@dataclass
class File:
    id: str
    name: str
    length: int
    ticket: str
    content: bytes = b""
    content_type: str = "application/octet-stream"
    uploaded: bool = False
    title: str = ""


@dataclass
class Workspace:
    """What a local Slack starts with. `may_create_channels` False: admins forbid it, apps get `restricted_action`."""

    users: list[User] = field(default_factory=list)
    channels: list[Channel] = field(default_factory=list)
    usergroups: list[UserGroup] = field(default_factory=list)
    id: str = "T0LOCAL"
    name: str = "Rehearsal"
    domain: str = "rehearsal"
    may_create_channels: bool = True
    may_archive_channels: bool = True


@dataclass(frozen=True)
class InstalledApp:
    """An app in the workspace, with the secrets that its configuration needs."""

    id: str
    name: str
    bot_user_id: str
    bot_id: str
    bot_token: str = field(repr=False)
    signing_secret: str = field(repr=False)
    app_token: str = field(repr=False)
    manifest: Mapping[str, Any] = field(repr=False)
    request_url: str | None = None
    verification_token: str = field(default="", repr=False)

    @property
    def scopes(self) -> frozenset[str]:
        return frozenset(self._section("oauth_config").get("scopes", {}).get("bot", ()))

    @property
    def commands(self) -> tuple[Mapping[str, Any], ...]:
        return tuple(self._section("features").get("slash_commands", ()))

    @property
    def events(self) -> frozenset[str]:
        return frozenset(self._section("settings").get("event_subscriptions", {}).get("bot_events", ()))

    @property
    def home(self) -> Mapping[str, Any]:
        """`features.app_home`, with the defaults of an app that says nothing about it."""
        said: Mapping[str, Any] = self._section("features").get("app_home", {})
        return {
            "home_tab_enabled": False,
            "messages_tab_enabled": True,
            "messages_tab_read_only_enabled": False,
        } | dict(said)

    @property
    def socket_mode(self) -> bool:
        return bool(self._section("settings").get("socket_mode_enabled", False))

    @property
    def interactive(self) -> bool:
        return bool(self._section("settings").get("interactivity", {}).get("is_enabled", False))

    def url_for(self, kind: str, command: str = "") -> str | None:
        """Where HTTP deliveries of a kind go: the address given at installation, else what the manifest says."""
        if self.request_url:
            return self.request_url
        settings = self._section("settings")
        said = {
            "slash_commands": next((c.get("url") for c in self.commands if c["command"] == command), None),
            "events_api": settings.get("event_subscriptions", {}).get("request_url"),
            "options": settings.get("interactivity", {}).get("message_menu_options_url"),
            "interactive": settings.get("interactivity", {}).get("request_url"),
        }
        return said.get(kind) or (said["interactive"] if kind == "options" else None)

    def _section(self, name: str) -> Mapping[str, Any]:
        section: Mapping[str, Any] = self.manifest.get(name, {})
        return section
