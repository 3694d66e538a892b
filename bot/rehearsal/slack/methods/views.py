"""views.*: opening, stacking and replacing modals, and publishing home tabs."""

from bot.rehearsal.slack import surfaces
from bot.rehearsal.slack.blocks import check_view
from bot.rehearsal.slack.call import Call
from bot.rehearsal.slack.payloads import view_json
from bot.rehearsal.slack.refusal import Refusal
from bot.rehearsal.slack.workspace import Json, View


def open_modal(call: Call) -> Json:
    """The view is checked before the trigger is used up, so a bad view does not cost it."""
    spec = _modal(call)
    trigger = call.world.triggers.take(call.text("trigger_id"), call.app.id)
    surfaces.external_id_is_free(call.world, call.app.id, spec)
    return _shown(call, surfaces.open_modal(call.world, call.app.id, trigger.user, spec))


def push(call: Call) -> Json:
    spec = _modal(call)
    trigger = call.world.triggers.take(call.text("trigger_id"), call.app.id)
    if not call.world.modals.get(trigger.user):
        raise Refusal("not_found")
    surfaces.external_id_is_free(call.world, call.app.id, spec)
    return _shown(call, surfaces.push_modal(call.world, call.app.id, trigger.user, spec))


def update(call: Call) -> Json:
    view = _known(call)
    spec = check_view(call.structure("view"), ("modal", "home"), call.world.part_id)
    if spec["type"] != view.type:
        raise Refusal("invalid_arguments", ["[ERROR] cannot change the type of a view [json-pointer:/view/type]"])
    _same_hash(call, view)
    surfaces.external_id_is_free(call.world, call.app.id, spec, but=view)
    return _shown(call, surfaces.replace_view(call.world, view, spec))


def publish(call: Call) -> Json:
    if not call.app.home["home_tab_enabled"]:
        raise Refusal("not_enabled")
    user = call.text("user_id")
    if user not in call.world.users:
        raise Refusal("invalid_arguments", ["[ERROR] invalid `user_id`"])
    spec = check_view(call.structure("view"), ("home",), call.world.part_id)
    known = call.world.homes.get((user, call.app.id))
    if known:
        _same_hash(call, known)
    elif call.given("hash"):
        raise Refusal("hash_conflict")
    return _shown(call, surfaces.publish_home(call.world, call.app.id, user, spec))


def _modal(call: Call) -> Json:
    return check_view(call.structure("view"), ("modal",), call.world.part_id)


def _known(call: Call) -> View:
    view_id, external_id = call.text("view_id", ""), call.text("external_id", "")
    for view in call.world.views():
        wanted = view.id == view_id if view_id else bool(external_id) and view.spec.get("external_id") == external_id
        if wanted and view.app_id == call.app.id:
            return view
    raise Refusal("not_found")


def _same_hash(call: Call, view: View) -> None:
    if call.given("hash") and call.text("hash") != view.hash:
        raise Refusal("hash_conflict")


def _shown(call: Call, view: View) -> Json:
    return {"view": view_json(call.world, view)}
