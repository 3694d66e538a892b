"""Slash commands."""

from bot.errors import N_
from bot.rehearsal.slack.delivery import NotAcknowledged, Parcel
from bot.rehearsal.slack.desk import Desk, Outcome, as_text, trouble_with_command
from bot.rehearsal.slack.refusal import Refusal
from bot.rehearsal.slack.replies import answer
from bot.rehearsal.slack.tickets import ReplyUrl
from bot.rehearsal.slack.workspace import Channel, InstalledApp, Json


async def run(desk: Desk, user_id: str, channel_id: str, line: str) -> Outcome:
    """Send `/dr status` to the app whose command it is; what it acknowledges with is shown at once."""
    channel = desk.writable(user_id, channel_id)
    command, _, text = line.strip().partition(" ")
    words = desk.words(user_id)
    app = _owner(desk, command)
    if app is None:
        return desk.notice(user_id, words(N_("{command} is not a valid command."), command=command), channel.id)
    payload, reply = _payload(desk, app, user_id, channel, command, text.strip())
    try:
        said = await desk.delivery.send(Parcel(app, "slash_commands", "slash_commands", payload))
    except NotAcknowledged as problem:
        return desk.notice(user_id, trouble_with_command(words, command, problem), channel.id)
    return _show(desk, user_id, channel, command, as_text(said), reply)


def _show(desk: Desk, user_id: str, channel: Channel, command: str, body: Json, reply: ReplyUrl) -> Outcome:
    if not (body.get("text") or body.get("blocks") or body.get("attachments")):
        return Outcome()
    try:
        answer(desk.world, reply, body)
    except Refusal as refusal:
        words = desk.words(user_id)
        text = words(N_('{command} failed with the error "{error}".'), command=command, error=refusal.code)
        return desk.notice(user_id, text, channel.id)
    return Outcome()


def _owner(desk: Desk, command: str) -> InstalledApp | None:
    for app in desk.world.apps.values():
        if any(known["command"] == command for known in app.commands):
            return app
    return None


def _payload(
    desk: Desk, app: InstalledApp, user_id: str, channel: Channel, command: str, text: str
) -> tuple[Json, ReplyUrl]:
    world = desk.world
    token = world.reply_urls.issue(app.id, user_id, channel.id)
    payload: Json = {
        "token": app.verification_token,
        "team_id": world.workspace.id,
        "team_domain": world.workspace.domain,
        "channel_id": channel.id,
        "channel_name": "directmessage" if channel.is_im else "privategroup" if channel.is_private else channel.name,
        "user_id": user_id,
        "user_name": desk.user(user_id).name,
        "command": command,
        "text": text,
        "api_app_id": app.id,
        "is_enterprise_install": "false",
        "response_url": f"{world.url}/hooks/{token}",
        "trigger_id": world.triggers.issue(app.id, user_id),
    }
    return payload, ReplyUrl(app.id, user_id, channel.id, "", "", 0.0)
