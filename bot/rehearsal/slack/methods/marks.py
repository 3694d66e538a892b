"""pins.*, bookmarks.* and reactions.*: what is attached to a conversation or a message."""

import re
from typing import Any

from bot.rehearsal.slack.call import Call
from bot.rehearsal.slack.changes import Change
from bot.rehearsal.slack.payloads import bookmark_json, message_json
from bot.rehearsal.slack.refusal import Refusal
from bot.rehearsal.slack.workspace import Bookmark, Channel, Json, Message
from bot.rehearsal.slack.world import Event

MOST_PINS = 100
MOST_BOOKMARKS = 100


def pin(call: Call) -> Json:
    channel = call.writable()
    if not call.given("timestamp"):
        raise Refusal("no_item_specified")
    message = call.message(channel, "timestamp")
    if message.ts in channel.pins:
        raise Refusal("already_pinned")
    if len(channel.pins) >= MOST_PINS:
        raise Refusal("too_many_pins")
    channel.pins.append(message.ts)
    _marked(call, channel, "pin_added", item=message_json(call.world, channel, message))
    call.world.tell(Change("channel", channel.id))
    return {}


def unpin(call: Call) -> Json:
    channel = call.writable()
    ts = call.text("timestamp")
    if ts not in channel.pins:
        raise Refusal("no_pin")
    channel.pins.remove(ts)
    _marked(call, channel, "pin_removed", item={"ts": ts})
    call.world.tell(Change("channel", channel.id))
    return {}


def pins(call: Call) -> Json:
    channel = call.channel()
    items = [
        {"type": "message", "channel": channel.id, "message": message_json(call.world, channel, channel.messages[ts])}
        for ts in channel.pins
    ]
    return {"items": items}


def add_bookmark(call: Call) -> Json:
    channel = call.writable("channel_id")
    title = call.text("title")
    if call.text("type") != "link":
        raise Refusal("invalid_bookmark_type")
    link = _link(call.text("link", ""))
    if len(channel.bookmarks) >= MOST_BOOKMARKS:
        raise Refusal("too_many_bookmarks")
    now = call.world.seconds()
    bookmark = Bookmark(call.world.ids.new("Bk"), title, link, call.text("emoji", ""), now, call.bot)
    channel.bookmarks.append(bookmark)
    call.world.tell(Change("channel", channel.id))
    return {"bookmark": bookmark_json(channel, bookmark)}


def edit_bookmark(call: Call) -> Json:
    channel = call.writable("channel_id")
    bookmark = _bookmark(call, channel)
    bookmark.title = call.text("title", bookmark.title)
    bookmark.link = _link(call.text("link", bookmark.link))
    bookmark.emoji = call.text("emoji", bookmark.emoji)
    bookmark.updated, bookmark.by = call.world.seconds(), call.bot
    call.world.tell(Change("channel", channel.id))
    return {"bookmark": bookmark_json(channel, bookmark)}


def remove_bookmark(call: Call) -> Json:
    channel = call.writable("channel_id")
    channel.bookmarks.remove(_bookmark(call, channel))
    call.world.tell(Change("channel", channel.id))
    return {}


def bookmarks(call: Call) -> Json:
    channel = call.channel("channel_id")
    return {"bookmarks": [bookmark_json(channel, bookmark) for bookmark in channel.bookmarks]}


def react(call: Call) -> Json:
    channel, message, name = _reaction(call)
    users = message.reactions.setdefault(name, [])
    if call.bot in users:
        raise Refusal("already_reacted")
    users.append(call.bot)
    _reacted(call, channel, message, "reaction_added", name)
    return {}


def unreact(call: Call) -> Json:
    channel, message, name = _reaction(call)
    users = message.reactions.get(name, [])
    if call.bot not in users:
        raise Refusal("no_reaction")
    users.remove(call.bot)
    if not users:
        del message.reactions[name]
    _reacted(call, channel, message, "reaction_removed", name)
    return {}


def reactions(call: Call) -> Json:
    channel = call.channel()
    message = call.message(channel, "timestamp")
    return {"type": "message", "channel": channel.id, "message": message_json(call.world, channel, message)}


def _reaction(call: Call) -> tuple[Channel, Message, str]:
    name = call.text("name").strip(":")
    if not re.fullmatch(r"[a-z0-9_'+:-]+", name):
        raise Refusal("invalid_name")
    channel = call.writable()
    if not call.given("timestamp"):
        raise Refusal("no_item_specified")
    return channel, call.message(channel, "timestamp"), name


def _reacted(call: Call, channel: Channel, message: Message, kind: str, name: str) -> None:
    item = {"type": "message", "channel": channel.id, "ts": message.ts}
    _marked(call, channel, kind, reaction=name, item=item, item_user=message.user)
    call.world.tell(Change("changed", channel.id, message.ts))


def _marked(call: Call, channel: Channel, kind: str, **more: Any) -> None:
    body = {"type": kind, "user": call.bot, "channel_id": channel.id, "event_ts": call.world.ids.timestamp(), **more}
    call.world.emit(Event(kind, body, channel))


def _bookmark(call: Call, channel: Channel) -> Bookmark:
    wanted = call.text("bookmark_id")
    for bookmark in channel.bookmarks:
        if bookmark.id == wanted:
            return bookmark
    raise Refusal("not_found")


def _link(link: str) -> str:
    if not re.match(r"https?://", link):
        raise Refusal("invalid_link")
    return link
