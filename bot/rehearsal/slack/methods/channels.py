"""conversations.* that change something."""

import re

from bot.rehearsal.slack import talk
from bot.rehearsal.slack.call import WRITE, Call
from bot.rehearsal.slack.payloads import channel_json
from bot.rehearsal.slack.refusal import Refusal
from bot.rehearsal.slack.workspace import Channel, Json

LONGEST_NAME = 80
LONGEST_TOPIC = 250
MOST_INVITED = 100
MOST_IN_GROUP_MESSAGE = 8


def create(call: Call) -> Json:
    private = call.flag("is_private")
    call.need("groups:write" if private else "channels:manage")
    if not call.world.workspace.may_create_channels:
        raise Refusal("restricted_action")
    name = _new_name(call)
    channel = talk.open_channel(call.world, name, call.bot, is_private=private)
    return {"channel": channel_json(call.world, channel, call.bot)}


def rename(call: Call) -> Json:
    channel = _managed(call)
    if channel.creator != call.bot:
        raise Refusal("not_authorized")
    talk.rename(call.world, channel, call.bot, _new_name(call))
    return {"channel": channel_json(call.world, channel, call.bot)}


def invite(call: Call) -> Json:
    """All or nobody, unless `force` is set: then those who can be invited are, and `errors` names the others."""
    channel = _managed(call, "channels:write.invites", "groups:write.invites")
    users = call.names("users")
    if not users:
        raise Refusal("no_user")
    if len(users) > MOST_INVITED:
        raise Refusal("invalid_arguments", [f"[ERROR] no more than {MOST_INVITED} users allowed"])
    problems = {user: problem for user in users if (problem := _not_invitable(call, channel, user))}
    errors = [{"user": user, "ok": False, "error": problem} for user, problem in problems.items()]
    if problems and (not call.flag("force") or len(problems) == len(set(users))):
        raise Refusal(next(iter(problems.values())), errors=errors)
    for user in dict.fromkeys(users):
        if user not in problems:
            talk.join(call.world, channel, user, inviter=call.bot)
    return {"channel": channel_json(call.world, channel, call.bot)} | ({"errors": errors} if errors else {})


def kick(call: Call) -> Json:
    channel = _managed(call)
    user = call.user(call.text("user"))
    if user.id == call.bot:
        raise Refusal("cant_kick_self")
    if channel.is_general:
        raise Refusal("cant_kick_from_general")
    if user.id not in channel.members:
        raise Refusal("not_in_channel")
    talk.leave(call.world, channel, user.id)
    return {}


def join(call: Call) -> Json:
    channel = call.channel()
    if channel.kind != "channel":
        raise Refusal("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise Refusal("is_archived")
    shown = channel_json(call.world, channel, call.bot)
    if call.bot in channel.members:
        return {
            "channel": shown,
            "warning": "already_in_channel",
            "response_metadata": {"warnings": ["already_in_channel"]},
        }
    talk.join(call.world, channel, call.bot)
    return {"channel": channel_json(call.world, channel, call.bot)}


def leave(call: Call) -> Json:
    channel = call.channel()
    _no_direct(channel)
    if channel.is_archived:
        raise Refusal("is_archived")
    if channel.is_general:
        raise Refusal("cant_leave_general")
    if call.bot not in channel.members:
        return {"not_in_channel": True}
    talk.leave(call.world, channel, call.bot)
    return {}


def open_direct(call: Call) -> Json:
    users = call.names("users")
    if not users:
        if not call.given("channel"):
            raise Refusal("users_list_not_supplied")
        channel = call.channel()
        return {"channel": _opened(call, channel), "no_op": True, "already_open": True}
    if len(users) > MOST_IN_GROUP_MESSAGE:
        raise Refusal("too_many_users")
    for user in users:
        if call.user(user).deleted:
            raise Refusal("user_disabled")
    members = {*users, call.bot}
    call.need("mpim:write" if len(members) > 2 else "im:write")
    known = call.world.direct(members)
    channel = known or talk.open_direct(call.world, members)
    again: Json = {"no_op": True, "already_open": True} if known else {}
    return {"channel": _opened(call, channel), **again}


def set_topic(call: Call) -> Json:
    channel = _described(call)
    topic = call.text("topic", "")
    if len(topic) > LONGEST_TOPIC:
        raise Refusal("too_long")
    talk.set_topic(call.world, channel, call.bot, topic)
    return {"channel": channel_json(call.world, channel, call.bot), "topic": topic}


def set_purpose(call: Call) -> Json:
    channel = _described(call)
    purpose = call.text("purpose", "")
    if len(purpose) > LONGEST_TOPIC:
        raise Refusal("too_long")
    talk.set_purpose(call.world, channel, call.bot, purpose)
    return {"channel": channel_json(call.world, channel, call.bot), "purpose": purpose}


def archive(call: Call) -> Json:
    channel = call.channel()
    _no_direct(channel)
    call.need(WRITE[channel.kind])
    if channel.is_archived:
        raise Refusal("already_archived")
    if channel.is_general:
        raise Refusal("cant_archive_general")
    if not call.world.workspace.may_archive_channels:
        raise Refusal("restricted_action")
    if call.bot not in channel.members:
        raise Refusal("not_in_channel")
    talk.archive(call.world, channel, call.bot)
    return {}


def unarchive(call: Call) -> Json:
    """Never works for a bot: archiving has put it out of the channel (slack-go/slack issue 1066)."""
    channel = call.channel()
    if not channel.is_archived:
        raise Refusal("not_archived")
    raise Refusal("not_in_channel")


def _managed(call: Call, *also: str) -> Channel:
    channel = call.writable()
    _no_direct(channel)
    call.need(WRITE[channel.kind], *also)
    return channel


def _described(call: Call) -> Channel:
    channel = call.writable()
    scope = WRITE[channel.kind]
    call.need(scope, f"{scope.split(':', maxsplit=1)[0]}:write.topic")
    return channel


def _no_direct(channel: Channel) -> None:
    if channel.is_direct:
        raise Refusal("method_not_supported_for_channel_type")


def _opened(call: Call, channel: Channel) -> Json:
    return channel_json(call.world, channel, call.bot) if call.flag("return_im") else {"id": channel.id}


def _not_invitable(call: Call, channel: Channel, user_id: str) -> str:
    user = call.world.users.get(user_id)
    if user is None:
        return "user_not_found"
    if user_id == call.bot:
        return "cant_invite_self"
    if user_id in channel.members:
        return "already_in_channel"
    if user.is_restricted:
        return "user_is_restricted"
    return "cant_invite" if user.deleted else ""


def _new_name(call: Call) -> str:
    """A channel's name by Slack's rules; a name is taken even when the channel that has it is archived."""
    name = call.text("name", "").removeprefix("#")
    if not name:
        raise Refusal("invalid_name_required")
    if len(name) > LONGEST_NAME:
        raise Refusal("invalid_name_maxlength")
    if not any(letter.isalnum() for letter in name):
        raise Refusal("invalid_name_punctuation")
    if name != name.lower() or not re.fullmatch(r"[\w-]+", name):
        raise Refusal("invalid_name_specials")
    if call.world.channel_named(name):
        raise Refusal("name_taken")
    return name
