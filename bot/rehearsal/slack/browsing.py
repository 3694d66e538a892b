"""What a person does in Slack without an app's element: write, open a home tab, read, start a direct message."""

from bot.errors import N_
from bot.rehearsal.slack import talk
from bot.rehearsal.slack.changes import Change
from bot.rehearsal.slack.desk import Desk, NotPossible, Outcome
from bot.rehearsal.slack.payloads import view_json
from bot.rehearsal.slack.workspace import Channel, InstalledApp, Json, Message
from bot.rehearsal.slack.world import Event


def post(desk: Desk, user_id: str, channel_id: str, text: str) -> Outcome:
    channel = desk.writable(user_id, channel_id)
    app = next((a for a in desk.world.apps.values() if channel.is_im and a.bot_user_id in channel.members), None)
    if app and not (app.home["messages_tab_enabled"] and not app.home["messages_tab_read_only_enabled"]):
        raise NotPossible(desk.words(user_id)(N_("Sending messages to this app has been turned off.")))
    talk.post(desk.world, channel, Message(desk.world.ids.timestamp(), user_id, text))
    return Outcome()


def open_home(desk: Desk, user_id: str, app_id: str) -> Outcome:
    """Look at an app's home tab; the app is told, with the view it has published before."""
    world = desk.world
    app: InstalledApp = world.apps[app_id]
    if not app.home["home_tab_enabled"]:
        raise NotPossible(desk.words(user_id)(N_("{app} has no home tab."), app=app.name))
    channel = talk.open_direct(world, {user_id, app.bot_user_id})
    known = world.homes.get((user_id, app_id))
    shown: Json = {"view": view_json(world, known)} if known else {}
    body: Json = {
        "type": "app_home_opened",
        "user": user_id,
        "channel": channel.id,
        "tab": "home",
        "event_ts": world.ids.timestamp(),
        **shown,
    }
    world.emit(Event("app_home_opened", body, app=app_id))
    return Outcome()


def mark_read(desk: Desk, user_id: str, channel_id: str) -> Outcome:
    channel = desk.channel(user_id, channel_id)
    channel.read[user_id] = max(channel.messages, default="")
    desk.world.tell(Change("state", channel.id, user=user_id))
    return Outcome()


def open_direct(desk: Desk, user_id: str, other: str) -> Channel:
    if other not in desk.world.users:
        raise desk.gone(user_id)
    return talk.open_direct(desk.world, {user_id, other})


def join(desk: Desk, user_id: str, channel_id: str) -> Outcome:
    channel = desk.channel(user_id, channel_id)
    if channel.is_archived:
        raise NotPossible(desk.words(user_id)(N_("This channel is archived.")))
    if user_id not in channel.members:
        talk.join(desk.world, channel, user_id)
    return Outcome()
