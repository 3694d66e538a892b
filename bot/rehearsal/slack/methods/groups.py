"""usergroups.*: who is in a group."""

from bot.rehearsal.slack.call import Call
from bot.rehearsal.slack.payloads import group_json
from bot.rehearsal.slack.refusal import Refusal
from bot.rehearsal.slack.workspace import Json


def listing(call: Call) -> Json:
    shown = []
    for group in call.world.workspace.usergroups:
        if group.date_delete and not call.flag("include_disabled"):
            continue
        entry = group_json(call.world, group)
        if not call.flag("include_users"):
            del entry["users"]
        shown.append(entry)
    return {"usergroups": shown}


def users(call: Call) -> Json:
    wanted = call.text("usergroup")
    for group in call.world.workspace.usergroups:
        if group.id == wanted and (not group.date_delete or call.flag("include_disabled")):
            return {"users": list(group.users)}
    raise Refusal("no_such_subteam")
