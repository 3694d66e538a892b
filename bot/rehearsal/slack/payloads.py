"""The JSON shapes in which Slack shows users, conversations, messages and views to apps."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.rehearsal.slack.workspace import Bookmark, Channel, InstalledApp, Json, Message, User, UserGroup, View
from bot.rehearsal.slack.world import World


def user_json(world: World, user: User, *, locale: bool = False) -> Json:
    here = datetime.fromtimestamp(world.clock.now(), ZoneInfo(user.tz))
    offset = here.utcoffset()
    shown: Json = {
        "id": user.id,
        "team_id": world.workspace.id,
        "name": user.name,
        "deleted": user.deleted,
        "real_name": user.real_name,
        "tz": user.tz,
        "tz_label": here.tzname(),
        "tz_offset": int(offset.total_seconds()) if offset else 0,
        "profile": _profile(user),
        "is_admin": user.is_admin,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": user.is_restricted,
        "is_ultra_restricted": False,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "updated": 0,
    }
    return shown | {"locale": user.locale} if locale else shown


def group_json(world: World, group: UserGroup) -> Json:
    return {
        "id": group.id,
        "team_id": world.workspace.id,
        "is_usergroup": True,
        "is_subteam": True,
        "name": group.name,
        "description": "",
        "handle": group.handle,
        "is_external": False,
        "date_update": group.date_update,
        "date_delete": group.date_delete,
        "users": list(group.users),
        "user_count": len(group.users),
    }


def _profile(user: User) -> Json:
    profile: Json = {
        "real_name": user.real_name,
        "real_name_normalized": user.real_name,
        "display_name": user.name,
        "display_name_normalized": user.name,
    }
    if user.is_bot:
        return profile | {"api_app_id": user.app_id, "bot_id": user.bot_id}
    return profile | {"email": user.email}


def channel_json(world: World, channel: Channel, viewer: str, *, members: bool = False) -> Json:
    """The conversation as the bot or person `viewer` sees it."""
    shown: Json = {"id": channel.id, "created": channel.created, "is_archived": channel.is_archived}
    if channel.is_im:
        other = next((member for member in channel.members if member != viewer), viewer)
        gone = world.users[other].deleted if other in world.users else True
        return shown | {"is_im": True, "user": other, "is_user_deleted": gone, "is_open": True, "priority": 0}
    shown |= {
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": not channel.is_private,
        "is_group": channel.is_private and not channel.is_mpim,
        "is_im": False,
        "is_mpim": channel.is_mpim,
        "is_private": channel.is_private,
        "is_general": channel.is_general,
        "is_shared": False,
        "is_ext_shared": False,
        "is_org_shared": False,
        "pending_shared": [],
        "is_pending_ext_shared": False,
        "is_member": viewer in channel.members,
        "creator": channel.creator,
        "unlinked": 0,
        "context_team_id": world.workspace.id,
        "topic": {"value": channel.topic, "creator": "", "last_set": 0},
        "purpose": {"value": channel.purpose, "creator": "", "last_set": 0},
        "previous_names": list(channel.previous_names),
    }
    return shown | {"num_members": len(channel.members)} if members else shown


def message_json(world: World, channel: Channel, message: Message, *, metadata: bool = False) -> Json:
    """The message as apps get it; empty parts are left out, as Slack does."""
    author = world.users.get(message.user)
    replies = [m for m in channel.history() if m.thread_ts == message.ts and m.ts != message.ts]
    shown: Json = {
        "type": "message",
        "subtype": message.subtype,
        "user": message.user,
        "ts": message.ts,
        "text": message.text,
        "team": world.workspace.id,
        "blocks": message.blocks,
        "attachments": message.attachments,
        "files": message.files,
        "thread_ts": message.thread_ts or (message.ts if replies else ""),
        "edited": {"user": message.user, "ts": message.edited} if message.edited else None,
        "metadata": message.metadata if metadata else None,
        "reactions": [{"name": n, "users": list(u), "count": len(u)} for n, u in message.reactions.items()],
        "pinned_to": [channel.id] if message.ts in channel.pins else [],
    }
    if author is not None and author.is_bot:
        shown |= _bot_fields(world, author, message)
    if replies:
        users = list(dict.fromkeys(reply.user for reply in replies))
        shown |= {
            "reply_count": len(replies),
            "reply_users": users,
            "reply_users_count": len(users),
            "latest_reply": replies[-1].ts,
        }
    return {name: value for name, value in shown.items() if value or name in {"text", "ts", "type"}}


def _bot_fields(world: World, author: User, message: Message) -> Json:
    app = world.apps.get(author.app_id)
    profile = {
        "id": author.bot_id,
        "app_id": author.app_id,
        "name": app.name if app else author.name,
        "deleted": False,
        "team_id": world.workspace.id,
    }
    named = {"username": message.bot_name} if message.bot_name else {}
    return {"bot_id": author.bot_id, "app_id": author.app_id, "bot_profile": profile, **named}


def bookmark_json(channel: Channel, bookmark: Bookmark) -> Json:
    return {
        "id": bookmark.id,
        "channel_id": channel.id,
        "title": bookmark.title,
        "link": bookmark.link,
        "emoji": bookmark.emoji,
        "type": "link",
        "date_created": bookmark.created,
        "date_updated": bookmark.updated,
        "last_updated_by_user_id": bookmark.by,
    }


def view_json(world: World, view: View) -> Json:
    """The whole view object, with its state, as methods and payloads carry it."""
    app = world.apps[view.app_id]
    spec = view.spec
    return {
        "id": view.id,
        "team_id": world.workspace.id,
        "type": view.type,
        "blocks": spec["blocks"],
        "private_metadata": spec.get("private_metadata", ""),
        "callback_id": spec.get("callback_id", ""),
        "state": {"values": view.values},
        "hash": view.hash,
        "title": spec.get("title") or {"type": "plain_text", "text": "View Title", "emoji": True},
        "close": spec.get("close"),
        "submit": spec.get("submit"),
        "clear_on_close": spec.get("clear_on_close", False),
        "notify_on_close": spec.get("notify_on_close", False),
        "submit_disabled": spec.get("submit_disabled", False),
        "previous_view_id": view.previous or None,
        "root_view_id": view.root,
        "app_id": view.app_id,
        "external_id": spec.get("external_id", ""),
        "app_installed_team_id": world.workspace.id,
        "bot_id": app.bot_id,
    }


def team_json(world: World) -> Json:
    return {"id": world.workspace.id, "domain": world.workspace.domain}


def interaction(world: World, app: InstalledApp, user: User, kind: str, **more: Any) -> Json:
    """What every interactive payload has in common."""
    return {
        "type": kind,
        "team": team_json(world),
        "enterprise": None,
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": world.workspace.id},
        "api_app_id": app.id,
        "token": app.verification_token,
        "is_enterprise_install": False,
        **more,
    }
