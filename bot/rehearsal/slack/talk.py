"""What happens in conversations: posts, edits, joins, topics. Each tells everyone who looks, and the subscribed apps."""

from dataclasses import replace

from bot.rehearsal.slack.changes import Change
from bot.rehearsal.slack.payloads import message_json
from bot.rehearsal.slack.workspace import Channel, Json, Message
from bot.rehearsal.slack.world import Event, World

_SUBSCRIPTION = {"channel": "message.channels", "group": "message.groups", "im": "message.im", "mpim": "message.mpim"}


def post(world: World, channel: Channel, message: Message) -> Message:
    """Store a message; everyone in the channel sees it."""
    channel.messages[message.ts] = message
    world.tell(Change("message", channel.id, message.ts, message.text))
    body = message_json(world, channel, message, metadata=True)
    _emit_message(world, channel, {**body, "channel": channel.id, "event_ts": message.ts})
    for app in world.apps.values():
        if f"<@{app.bot_user_id}>" in message.text and message.user != app.bot_user_id:
            mention = {**body, "type": "app_mention", "channel": channel.id, "event_ts": message.ts}
            world.emit(Event("app_mention", mention, channel, app.id))
    return message


def whisper(world: World, channel: Channel, message: Message) -> Message:
    """Show an ephemeral message to the person it is only for."""
    channel.messages[message.ts] = message
    world.tell(Change("ephemeral", channel.id, message.ts, message.text, message.only_for))
    return message


def edit(world: World, channel: Channel, message: Message, **changed: object) -> Message:
    """Replace parts of a message. What people had chosen in it stays where its block and action still exist."""
    before = message_json(world, channel, message)
    edited = replace(message, edited=world.ids.timestamp(), notices={}, **changed)  # type: ignore[arg-type]
    channel.messages[message.ts] = edited
    world.tell(Change("changed", channel.id, edited.ts, edited.text, edited.only_for or None))
    if not edited.only_for:
        after = message_json(world, channel, edited, metadata=True)
        more = {"subtype": "message_changed", "message": after, "previous_message": before}
        _emit_message(world, channel, _wrapped(world, channel, more))
    return edited


def remove(world: World, channel: Channel, message: Message) -> None:
    del channel.messages[message.ts]
    if message.ts in channel.pins:
        channel.pins.remove(message.ts)
    world.tell(Change("deleted", channel.id, message.ts, None, message.only_for or None))
    if not message.only_for:
        before = message_json(world, channel, message)
        more = {"subtype": "message_deleted", "deleted_ts": message.ts, "previous_message": before}
        _emit_message(world, channel, _wrapped(world, channel, more))


def announce(world: World, channel: Channel, user: str, subtype: str, text: str) -> None:
    """Slack's own line in the history, such as "<@U1> has joined the channel"."""
    post(world, channel, Message(world.ids.timestamp(), user, text, subtype=subtype))


def join(world: World, channel: Channel, user: str, inviter: str = "") -> None:
    channel.members.append(user)
    if not channel.is_direct:
        announce(world, channel, user, _kind(channel) + "_join", f"<@{user}> has joined the channel")
    body: Json = {"type": "member_joined_channel", "user": user, **_place(world, channel)}
    world.emit(Event("member_joined_channel", body | ({"inviter": inviter} if inviter else {}), channel))
    world.tell(Change("channel", channel.id))


def leave(world: World, channel: Channel, user: str) -> None:
    body: Json = {"type": "member_left_channel", "user": user, **_place(world, channel)}
    world.emit(Event("member_left_channel", body, channel))
    channel.members.remove(user)
    announce(world, channel, user, _kind(channel) + "_leave", f"<@{user}> has left the channel")
    world.tell(Change("channel", channel.id))


def open_channel(world: World, name: str, creator: str, *, is_private: bool = False) -> Channel:
    channel = Channel(world.ids.new("C"), name, is_private=is_private, creator=creator, created=world.seconds())
    world.channels[channel.id] = channel
    if not is_private:
        shown = {"id": channel.id, "name": name, "created": channel.created, "creator": creator}
        world.emit(Event("channel_created", {"type": "channel_created", "channel": shown}))
    join(world, channel, creator)
    return channel


def open_direct(world: World, members: set[str]) -> Channel:
    """The direct message between two people (or one with themselves), or the group message of several."""
    if found := world.direct(members):
        return found
    people = sorted(members)
    several = len(people) > 2
    name = "mpdm-" + "--".join(world.users[user].name for user in people) + "-1" if several else ""
    channel = Channel(
        world.ids.new("G" if several else "D"),
        name,
        people,
        is_private=several,
        is_im=not several,
        is_mpim=several,
        created=world.seconds(),
    )
    world.channels[channel.id] = channel
    world.tell(Change("channel", channel.id))
    return channel


def archive(world: World, channel: Channel, user: str) -> None:
    """Nobody can write any more, and bots are put out of the channel (so that no bot can ever unarchive it)."""
    announce(world, channel, user, _kind(channel) + "_archive", f"<@{user}> archived the channel")
    _emit_about(world, channel, "archive", {"channel": channel.id, "user": user})
    channel.is_archived = True
    channel.members = [member for member in channel.members if not world.users[member].is_bot]
    world.tell(Change("channel", channel.id))


def rename(world: World, channel: Channel, user: str, name: str) -> None:
    channel.previous_names.insert(0, channel.name)
    old, channel.name = channel.name, name
    announce(
        world, channel, user, _kind(channel) + "_name", f'<@{user}> has renamed the channel from "{old}" to "{name}"'
    )
    shown = {"id": channel.id, "name": name, "created": channel.created}
    _emit_about(world, channel, "rename", {"channel": shown})
    world.tell(Change("channel", channel.id))


def set_topic(world: World, channel: Channel, user: str, topic: str) -> None:
    channel.topic = topic
    announce(world, channel, user, _kind(channel) + "_topic", f"<@{user}> set the channel topic: {topic}")
    world.tell(Change("channel", channel.id))


def set_purpose(world: World, channel: Channel, user: str, purpose: str) -> None:
    channel.purpose = purpose
    announce(world, channel, user, _kind(channel) + "_purpose", f"<@{user}> set the channel description: {purpose}")
    world.tell(Change("channel", channel.id))


def _kind(channel: Channel) -> str:
    return "group" if channel.is_private else "channel"


def _emit_about(world: World, channel: Channel, what: str, body: Json) -> None:
    """`channel_archive` for public channels goes to every app that may read channels, `group_archive` to members."""
    name = f"{_kind(channel)}_{what}"
    event = {"type": name, "event_ts": world.ids.timestamp(), **body}
    world.emit(Event(name, event, channel if channel.is_private else None))


def _place(world: World, channel: Channel) -> Json:
    letter = {"channel": "C", "group": "G", "im": "D", "mpim": "G"}[channel.kind]
    return {
        "channel": channel.id,
        "channel_type": letter,
        "team": world.workspace.id,
        "event_ts": world.ids.timestamp(),
    }


def _wrapped(world: World, channel: Channel, more: Json) -> Json:
    ts = world.ids.timestamp()
    return {"type": "message", "channel": channel.id, "hidden": True, "ts": ts, "event_ts": ts, **more}


def _emit_message(world: World, channel: Channel, body: Json) -> None:
    world.emit(Event(_SUBSCRIPTION[channel.kind], {**body, "channel_type": channel.kind}, channel))
