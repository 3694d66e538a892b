"""Answers of an app to what a person did: messages through a `response_url`, or in the acknowledgement of a command."""

from typing import Any

from bot.rehearsal.slack import talk
from bot.rehearsal.slack.blocks import check_message
from bot.rehearsal.slack.refusal import Refusal
from bot.rehearsal.slack.tickets import ReplyUrl
from bot.rehearsal.slack.workspace import Channel, Json, Message
from bot.rehearsal.slack.world import World


def reply(world: World, token: str, body: Json) -> None:
    """One POST to a `response_url`. Raises `used_url`, `expired_url`, `no_text`, `invalid_blocks`."""
    to = world.reply_urls.take(token)
    channel = world.channels[to.channel]
    original = channel.messages.get(to.ts)
    if _said(body, "delete_original"):
        if original is None:
            raise Refusal("message_not_found")
        talk.remove(world, channel, original)
    elif _said(body, "replace_original") and original is not None:
        talk.edit(world, channel, original, **_content(world, body))
    else:
        answer(world, to, body)


def answer(world: World, to: ReplyUrl, body: Json) -> Message:
    """A new message from the app: only for the person who acted, unless it says `in_channel`."""
    channel = world.channels[to.channel]
    public = body.get("response_type") == "in_channel"
    if channel.is_archived:
        raise Refusal("is_archived")
    message = Message(
        world.ids.timestamp(),
        world.apps[to.app_id].bot_user_id,
        only_for="" if public else to.user,
        thread_ts=_thread(channel, to, body),
        **_content(world, body),
    )
    return talk.post(world, channel, message) if public else talk.whisper(world, channel, message)


def _thread(channel: Channel, to: ReplyUrl, body: Json) -> str:
    wanted = str(body.get("thread_ts") or to.thread_ts)
    return wanted if wanted in channel.messages else ""


def _said(body: Json, name: str) -> bool:
    return body.get(name) in (True, "true")


def _content(world: World, body: Json) -> dict[str, Any]:
    text, blocks = body.get("text") or "", body.get("blocks")
    attachments = body.get("attachments") or []
    if not text and not blocks and not attachments:
        raise Refusal("no_text")
    return {
        "text": str(text),
        "blocks": check_message(blocks, world.part_id) if blocks else [],
        "attachments": attachments,
    }
