"""chat.*: posting, editing and deleting messages."""

from typing import Any

from bot.rehearsal.slack import talk
from bot.rehearsal.slack.blocks import MARKDOWN, check_message
from bot.rehearsal.slack.call import Call
from bot.rehearsal.slack.payloads import message_json
from bot.rehearsal.slack.refusal import Refusal
from bot.rehearsal.slack.workspace import Channel, Json, Message

POST_TEXT, UPDATE_TEXT = 40_000, 4_000
ATTACHMENTS = 100


def post_message(call: Call) -> Json:
    channel = _target(call)
    parts = _content(call)
    if len(parts["text"]) > POST_TEXT:
        parts["text"] = parts["text"][:POST_TEXT]
    message = Message(
        call.world.ids.timestamp(), call.bot, thread_ts=_thread(call, channel), bot_name=_name(call), **parts
    )
    talk.post(call.world, channel, message)
    shown = message_json(call.world, channel, message, metadata=True)
    return {"channel": channel.id, "ts": message.ts, "message": shown}


def post_ephemeral(call: Call) -> Json:
    channel = _target(call)
    user = call.text("user")
    if user not in channel.members:
        raise Refusal("user_not_in_channel")
    parts = _content(call)
    if len(parts["text"]) > POST_TEXT:
        raise Refusal("msg_too_long")
    message = Message(
        call.world.ids.timestamp(),
        call.bot,
        only_for=user,
        thread_ts=_thread(call, channel),
        bot_name=_name(call),
        **parts,
    )
    talk.whisper(call.world, channel, message)
    return {"message_ts": message.ts}


def update(call: Call) -> Json:
    """Parts that are not given stay: blocks, attachments and metadata of before are kept."""
    channel = call.channel()
    message = call.message(channel)
    if message.user != call.bot or message.subtype:
        raise Refusal("cant_update_message")
    if channel.is_archived:
        raise Refusal("is_archived")
    parts = _content(call)
    if len(parts["text"]) > UPDATE_TEXT:
        raise Refusal("msg_too_long")
    kept = {name: part for name, part in parts.items() if call.given(name) or (name == "blocks" and part)}
    edited = talk.edit(call.world, channel, message, **kept)
    shown = message_json(call.world, channel, edited, metadata=True)
    return {"channel": channel.id, "ts": edited.ts, "text": edited.text, "message": shown}


def delete(call: Call) -> Json:
    channel = call.channel()
    message = call.message(channel)
    if message.user != call.bot:
        raise Refusal("cant_delete_message")
    if channel.is_archived:
        raise Refusal("is_archived")
    talk.remove(call.world, channel, message)
    return {"channel": channel.id, "ts": message.ts}


def get_permalink(call: Call) -> Json:
    channel = call.channel()
    message = call.message(channel, "message_ts")
    link = f"{call.world.url}/archives/{channel.id}/p{message.ts.replace('.', '')}"
    return {"channel": channel.id, "permalink": link}


def _target(call: Call) -> Channel:
    """Where a post goes: a conversation's id, a channel's name, or a person's id for their direct messages."""
    wanted = call.text("channel")
    world = call.world
    channel = world.channels.get(wanted) or world.channel_named(wanted)
    if channel is None and (user := world.users.get(wanted)):
        if user.deleted:
            raise Refusal("channel_not_found")
        channel = talk.open_direct(world, {call.bot, user.id})
    if channel is None or not channel.seen_by(call.bot):
        raise Refusal("channel_not_found")
    if channel.is_archived:
        raise Refusal("is_archived")
    if call.bot not in channel.members and "chat:write.public" not in call.app.scopes:
        raise Refusal("not_in_channel")
    if channel.is_im and not call.app.home["messages_tab_enabled"]:
        raise Refusal("messages_tab_disabled")
    return channel


def _thread(call: Call, channel: Channel) -> str:
    """The root of the thread that a reply belongs to."""
    wanted = call.text("thread_ts", "")
    if not wanted:
        return ""
    root = channel.messages.get(wanted)
    if root is None or root.only_for:
        raise Refusal("cannot_reply_to_message")
    return root.thread_ts or root.ts


def _name(call: Call) -> str:
    return call.text("username", "") if "chat:write.customize" in call.app.scopes else ""


def _content(call: Call) -> dict[str, Any]:
    text = call.text("text", "")
    blocks = call.structure("blocks", "invalid_blocks_format")
    attachments = call.structure("attachments", "invalid_attachments") or []
    if markdown := call.text("markdown_text", ""):
        if text or blocks:
            raise Refusal("markdown_text_conflict")
        if len(markdown) > MARKDOWN:
            raise Refusal("msg_too_long")
        blocks = [{"type": "markdown", "text": markdown}]
        text = markdown
    if not text and not blocks and not attachments:
        raise Refusal("no_text")
    if len(attachments) > ATTACHMENTS:
        raise Refusal("too_many_attachments")
    return {
        "text": text,
        "blocks": check_message(blocks, call.world.part_id) if blocks else [],
        "attachments": [_attachment(call, part, index) for index, part in enumerate(attachments)],
        "metadata": _metadata(call),
    }


def _attachment(call: Call, attachment: Any, index: int) -> Json:
    if not isinstance(attachment, dict):
        raise Refusal("invalid_attachments")
    blocks = attachment.get("blocks")
    if not blocks:
        return attachment
    return {**attachment, "blocks": check_message(blocks, call.world.part_id, f"/attachments/{index}/blocks")}


def _metadata(call: Call) -> Json:
    metadata = call.structure("metadata", "invalid_metadata_format")
    if not metadata:
        return {}
    match metadata:
        case {"event_type": str() as kind, "event_payload": dict()} if kind:
            return dict(metadata)
        case _:
            raise Refusal("invalid_metadata_format")
