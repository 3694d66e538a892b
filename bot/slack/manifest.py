"""The manifest from which a Slack app for Lifeboat is made: `lifeboat manifest` prints it. Pure.

https://docs.slack.dev/reference/app-manifest
"""

from typing import Any

from bot.slack.commands import NAME as COMMAND
from bot.slack.events import EVENTS

_DESCRIPTION = "Pages who is on call, opens an incident channel, and recovers on AWS with playbooks"
_COLOUR = "#b3261e"

#: Each with what it is for; nothing is asked for that no call or event of ours needs.
SCOPES = (
    "bookmarks:write",  # the alarm's link in the channel
    "channels:history",  # to find a post whose answer was lost, before it is posted again
    "channels:join",  # the fallback channel, or a channel that somebody removed us from
    "channels:manage",  # open the incident's channel, invite, set its topic
    "channels:read",  # find the channel that was made before a restart; hear that one was archived
    "chat:write",  # everything that is said
    "commands",  # /dr
    "files:write",  # the graph of a playbook, as a picture
    "groups:history",  # as channels:history, for private incidents
    "groups:read",
    "groups:write",
    "im:history",  # a page is a direct message, looked for in the same way
    "im:write",  # open the direct messages with whoever is paged
    "pins:write",  # the card
    "usergroups:read",  # who has a role that names a user group
    "users:read",  # the language and the time zone of a reader
)


def manifest(request_url: str | None, *, socket_mode: bool, name: str = "Lifeboat") -> dict[str, Any]:
    """The manifest. `request_url` is where Slack reaches `POST /slack/events`; None when only Socket Mode is used."""
    url = {"url": request_url} if request_url else {}
    address = {"request_url": request_url} if request_url else {}
    return {
        "_metadata": {"major_version": 2, "minor_version": 0},
        "display_information": {"name": name, "description": _DESCRIPTION, "background_color": _COLOUR},
        "features": {
            "app_home": {
                "home_tab_enabled": True, "messages_tab_enabled": True, "messages_tab_read_only_enabled": True,
            },
            "bot_user": {"display_name": name, "always_online": True},
            "slash_commands": [
                {
                    "command": COMMAND, "description": "Incidents and recovery",
                    "usage_hint": "[declare|status|ack|escalate|page|oncall|restore|playbook|resolve]",
                    "should_escape": True, **url,
                }
            ],
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": {**address, "bot_events": sorted(EVENTS)},
            "interactivity": {"is_enabled": True, **address},
            "org_deploy_enabled": False,
            "socket_mode_enabled": socket_mode,
            "token_rotation_enabled": False,
        },
    }  # fmt: skip
