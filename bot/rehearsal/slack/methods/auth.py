"""api.test, auth.test, blocks.validate and team.info."""

from bot.rehearsal.slack.blocks import VIEWS, check_message, check_view
from bot.rehearsal.slack.call import Call
from bot.rehearsal.slack.refusal import Refusal
from bot.rehearsal.slack.workspace import Json


def api_test(call: Call) -> Json:
    if error := call.text("error", ""):
        raise Refusal(error, args=call.arguments)
    return {"args": call.arguments}


def auth_test(call: Call) -> Json:
    team = call.world.workspace
    return {
        "url": call.world.url + "/",
        "team": team.name,
        "team_id": team.id,
        "user": call.world.users[call.bot].name,
        "user_id": call.bot,
        "bot_id": call.app.bot_id,
        "is_enterprise_install": False,
    }


def blocks_validate(call: Call) -> Json:
    """Exactly one of `blocks`, `message`, `view`; it needs no scope and changes nothing."""
    given = [name for name in ("blocks", "message", "view") if call.given(name)]
    if len(given) != 1:
        raise Refusal("invalid_arguments", ["[ERROR] provide exactly one of: blocks, message, view"])
    what = call.structure(given[0])
    if given == ["view"]:
        try:
            check_view(what, tuple(VIEWS), call.world.part_id)
        except Refusal as refusal:
            raise Refusal("invalid_view", refusal.messages) from refusal
    else:
        blocks = what.get("blocks", []) if given == ["message"] and isinstance(what, dict) else what
        check_message(blocks, call.world.part_id)
    return {}


def team_info(call: Call) -> Json:
    team = call.world.workspace
    return {"team": {"id": team.id, "name": team.name, "domain": team.domain, "email_domain": "", "icon": {}}}
