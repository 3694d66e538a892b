"""The Web API: one table from a method's name to its function, the scopes of which it needs one, and its rate tier.

Scopes, tiers and arguments are Slack's: https://docs.slack.dev/reference/methods.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.rehearsal.slack.call import HISTORY, READ, WRITE, Call
from bot.rehearsal.slack.methods import auth, channels, chat, files, groups, history, marks, people, views
from bot.rehearsal.slack.rates import Tier
from bot.rehearsal.slack.workspace import Json


@dataclass(frozen=True)
class Method:
    """`json`: takes its arguments from a JSON body too; other methods ignore one, as Slack does."""

    run: Callable[[Call], Json]
    tier: Tier
    scopes: tuple[str, ...] = ()
    json: bool = True


_READ, _HISTORY, _WRITE = tuple(READ.values()), tuple(HISTORY.values()), tuple(WRITE.values())
_INVITE = (*_WRITE, "channels:write.invites", "groups:write.invites")
_TOPIC = (*_WRITE, "channels:write.topic", "groups:write.topic", "im:write.topic", "mpim:write.topic")
_POST = ("chat:write",)

METHODS: Mapping[str, Method] = {
    "api.test": Method(auth.api_test, "4"),
    "auth.test": Method(auth.auth_test, "free"),
    "blocks.validate": Method(auth.blocks_validate, "4"),
    "team.info": Method(auth.team_info, "3", ("team:read",)),
    "chat.postMessage": Method(chat.post_message, "post", _POST),
    "chat.postEphemeral": Method(chat.post_ephemeral, "4", _POST),
    "chat.update": Method(chat.update, "3", _POST),
    "chat.delete": Method(chat.delete, "3", _POST),
    "chat.getPermalink": Method(chat.get_permalink, "free", json=False),
    "conversations.create": Method(channels.create, "2", _WRITE),
    "conversations.invite": Method(channels.invite, "3", _INVITE),
    "conversations.kick": Method(channels.kick, "3", _WRITE),
    "conversations.join": Method(channels.join, "3", ("channels:join",)),
    "conversations.leave": Method(channels.leave, "3", _WRITE),
    "conversations.open": Method(channels.open_direct, "3", _WRITE),
    "conversations.setTopic": Method(channels.set_topic, "2", _TOPIC),
    "conversations.setPurpose": Method(channels.set_purpose, "2", _TOPIC),
    "conversations.rename": Method(channels.rename, "2", _WRITE),
    "conversations.archive": Method(channels.archive, "2", _WRITE),
    "conversations.unarchive": Method(channels.unarchive, "2", _WRITE),
    "conversations.info": Method(history.info, "3", _READ, json=False),
    "conversations.list": Method(history.listing, "2", _READ, json=False),
    "conversations.members": Method(history.members, "4", _READ, json=False),
    "conversations.history": Method(history.history, "3", _HISTORY),
    "conversations.replies": Method(history.replies, "3", _HISTORY, json=False),
    "users.conversations": Method(history.of_user, "3", _READ, json=False),
    "users.info": Method(people.info, "4", ("users:read",), json=False),
    "users.list": Method(people.listing, "2", ("users:read",), json=False),
    "users.lookupByEmail": Method(people.by_email, "3", ("users:read.email",), json=False),
    "bots.info": Method(people.bot_info, "3", ("users:read",), json=False),
    "usergroups.list": Method(groups.listing, "2", ("usergroups:read",), json=False),
    "usergroups.users.list": Method(groups.users, "2", ("usergroups:read",), json=False),
    "views.open": Method(views.open_modal, "4"),
    "views.push": Method(views.push, "4"),
    "views.update": Method(views.update, "4"),
    "views.publish": Method(views.publish, "4"),
    "pins.add": Method(marks.pin, "2", ("pins:write",)),
    "pins.remove": Method(marks.unpin, "2", ("pins:write",)),
    "pins.list": Method(marks.pins, "2", ("pins:read",), json=False),
    "bookmarks.add": Method(marks.add_bookmark, "2", ("bookmarks:write",)),
    "bookmarks.edit": Method(marks.edit_bookmark, "2", ("bookmarks:write",)),
    "bookmarks.remove": Method(marks.remove_bookmark, "2", ("bookmarks:write",)),
    "bookmarks.list": Method(marks.bookmarks, "3", ("bookmarks:read",)),
    "reactions.add": Method(marks.react, "3", ("reactions:write",)),
    "reactions.remove": Method(marks.unreact, "2", ("reactions:write",)),
    "reactions.get": Method(marks.reactions, "3", ("reactions:read",), json=False),
    "files.getUploadURLExternal": Method(files.get_upload_url, "4", ("files:write",), json=False),
    "files.completeUploadExternal": Method(files.complete_upload, "4", ("files:write",)),
}
