"""The workspace as one person sees it, in the JSON that the browser's page draws."""

from bot.rehearsal.slack.payloads import view_json
from bot.rehearsal.slack.workspace import Channel, Json, Message
from bot.rehearsal.slack.world import World


def seen_state(world: World, user: str) -> Json:
    """All that the page draws around the messages, for one person. `epoch` differs after a restart, and only then."""
    return {
        "team": {"id": world.workspace.id, "name": world.workspace.name},
        "me": user,
        "users": [
            {"id": u.id, "name": u.name, "real_name": u.real_name, "is_bot": u.is_bot, "locale": u.locale}
            for u in world.users.values()
        ],
        "channels": [_seen_channel(channel, user) for channel in world.visible_channels(user)],
        "commands": [
            {
                "command": command["command"],
                "description": command.get("description", ""),
                "usage_hint": command.get("usage_hint", ""),
            }
            for app in world.apps.values()
            for command in app.commands
        ],
        "apps": [{"id": app.id, "name": app.name, "bot_user": app.bot_user_id} for app in world.apps.values()],
        "modals": [view_json(world, view) for view in world.modals.get(user, [])],
        "home": {
            app_id: view_json(world, view) if (view := world.homes.get((user, app_id))) else None
            for app_id in world.apps
        },
        "epoch": world.epoch,
    }


def _seen_channel(channel: Channel, user: str) -> Json:
    is_member = user in channel.members
    read = channel.read.get(user, "")
    unread = sum(1 for m in channel.shown_to(user) if m.ts > read and m.user != user) if is_member else 0
    return {
        "id": channel.id,
        "name": channel.name,
        "is_im": channel.is_im,
        "im_user": next((m for m in channel.members if m != user), user) if channel.is_im else None,
        "is_private": channel.is_private,
        "is_member": is_member,
        "topic": channel.topic,
        "purpose": channel.purpose,
        "is_archived": channel.is_archived,
        "unread": unread,
        "members": list(channel.members),
        "pins": list(channel.pins),
        "bookmarks": [{"title": bookmark.title, "link": bookmark.link} for bookmark in channel.bookmarks],
    }


def seen_message(world: World, message: Message, user: str) -> Json:
    """`notice`: Slack's own line, such as who joined. `trouble`: what failed when this person used it last."""
    author = world.users.get(message.user)
    app = world.apps.get(author.app_id) if author else None
    return {
        "ts": message.ts,
        "user": message.user,
        "bot_name": message.bot_name or (app.name if app else ""),
        "subtype": message.subtype,
        "text": message.text,
        "blocks": message.blocks,
        "attachments": message.attachments,
        "files": message.files,
        "edited": bool(message.edited),
        "ephemeral": bool(message.only_for),
        "thread_ts": message.thread_ts or None,
        "reactions": [{"name": name, "users": users} for name, users in message.reactions.items()],
        "notice": bool(message.subtype) or None,
        "trouble": message.notices.get(user),
        "state": message.state.get(user, {}),
    }
