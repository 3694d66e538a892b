"""conversations.* and users.conversations that only read."""

from decimal import Decimal, InvalidOperation

from bot.rehearsal.slack.call import HISTORY, READ, Call
from bot.rehearsal.slack.payloads import channel_json, message_json
from bot.rehearsal.slack.refusal import Refusal
from bot.rehearsal.slack.workspace import Channel, Json, Message

_KINDS = {"public_channel": "channel", "private_channel": "group", "im": "im", "mpim": "mpim"}


def info(call: Call) -> Json:
    channel = call.channel()
    call.need(READ[channel.kind])
    shown = channel_json(call.world, channel, call.bot, members=call.flag("include_num_members"))
    return {"channel": shown}


def listing(call: Call) -> Json:
    return _channels(call, list(call.world.visible_channels(call.bot)))


def of_user(call: Call) -> Json:
    user = call.text("user", call.bot)
    call.user(user)
    return _channels(call, [c for c in call.world.visible_channels(call.bot) if user in c.members])


def members(call: Call) -> Json:
    channel = call.channel()
    call.need(READ[channel.kind])
    page, more = call.page(channel.members, 100)
    return {"members": page, "response_metadata": more}


def history(call: Call) -> Json:
    """Newest first, without replies in threads."""
    channel = _readable(call)
    found = [m for m in _between(call, channel.history()) if m.thread_ts in ("", m.ts)]
    return _messages(call, channel, found[::-1])


def replies(call: Call) -> Json:
    """The whole thread, oldest first."""
    channel = _readable(call)
    root = channel.messages.get(call.text("ts"))
    if root is None or root.only_for:
        raise Refusal("thread_not_found")
    start = root.thread_ts or root.ts
    found = [m for m in channel.history() if start in (m.ts, m.thread_ts)]
    return _messages(call, channel, _between(call, found))


def _channels(call: Call, channels: list[Channel]) -> Json:
    asked = call.names("types") or ["public_channel"]
    if any(kind not in _KINDS for kind in asked):
        raise Refusal("invalid_types")
    kinds = {_KINDS[kind] for kind in asked}
    for kind in kinds:
        call.need(READ[kind])
    wanted = [c for c in channels if c.kind in kinds and not (c.is_archived and call.flag("exclude_archived"))]
    page, more = call.page(wanted, 100)
    shown = [channel_json(call.world, channel, call.bot, members=True) for channel in page]
    return {"channels": shown, "response_metadata": more}


def _readable(call: Call) -> Channel:
    channel = call.channel()
    call.need(HISTORY[channel.kind])
    if call.bot not in channel.members:
        raise Refusal("not_in_channel")
    return channel


def _between(call: Call, messages: list[Message]) -> list[Message]:
    oldest, latest = _moment(call, "oldest"), _moment(call, "latest")
    inclusive = call.flag("inclusive")

    def within(ts: Decimal) -> bool:
        if inclusive and ts in (oldest, latest):
            return True
        return (oldest is None or ts > oldest) and (latest is None or ts < latest)

    return [message for message in messages if within(Decimal(message.ts))]


def _moment(call: Call, name: str) -> Decimal | None:
    text = call.text(name, "")
    if not text or text == "0":
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        raise Refusal(f"invalid_ts_{name}") from None


def _messages(call: Call, channel: Channel, found: list[Message]) -> Json:
    page, more = call.page(found, 100)
    metadata = call.flag("include_all_metadata")
    return {
        "messages": [message_json(call.world, channel, message, metadata=metadata) for message in page],
        "has_more": bool(more["next_cursor"]),
        "pin_count": len(channel.pins),
        "response_metadata": more,
    }
