"""users.* and bots.info."""

from bot.rehearsal.slack.call import Call
from bot.rehearsal.slack.payloads import user_json
from bot.rehearsal.slack.refusal import Refusal
from bot.rehearsal.slack.workspace import Json


def info(call: Call) -> Json:
    user = call.user(call.text("user"))
    return {"user": _shown(call, user_json(call.world, user, locale=call.flag("include_locale")))}


def listing(call: Call) -> Json:
    page, more = call.page(list(call.world.users.values()), 1000)
    locale = call.flag("include_locale")
    members = [_shown(call, user_json(call.world, user, locale=locale)) for user in page]
    return {"members": members, "cache_ts": call.world.seconds(), "response_metadata": more}


def by_email(call: Call) -> Json:
    email = call.text("email").lower()
    for user in call.world.users.values():
        if user.email.lower() == email and not user.deleted:
            return {"user": user_json(call.world, user)}
    raise Refusal("users_not_found")


def bot_info(call: Call) -> Json:
    wanted = call.text("bot")
    for app in call.world.apps.values():
        if app.bot_id == wanted:
            bot = {"id": app.bot_id, "app_id": app.id, "user_id": app.bot_user_id, "name": app.name, "deleted": False}
            return {"bot": bot}
    raise Refusal("bot_not_found")


def _shown(call: Call, user: Json) -> Json:
    """Addresses are shown only to apps that may read them."""
    if "users:read.email" not in call.app.scopes:
        user["profile"].pop("email", None)
    return user
