"""Modals and home tabs: the stack of at most three modals that one person sees, and one home tab for each app."""

from bot.rehearsal.slack.changes import Change
from bot.rehearsal.slack.refusal import Refusal
from bot.rehearsal.slack.state import starting
from bot.rehearsal.slack.workspace import Json, View
from bot.rehearsal.slack.world import World

DEEPEST = 3


def open_modal(world: World, app_id: str, user: str, spec: Json) -> View:
    """A new modal; one that is open gives way to it."""
    world.modals[user] = []
    return push_modal(world, app_id, user, spec)


def push_modal(world: World, app_id: str, user: str, spec: Json) -> View:
    stack = world.modals.setdefault(user, [])
    if len(stack) >= DEEPEST:
        raise Refusal("push_limit_reached")
    view = _drawn(world, app_id, user, spec)
    view.root = stack[0].id if stack else view.id
    view.previous = stack[-1].id if stack else ""
    stack.append(view)
    world.tell(Change("modal", user=user))
    return view


def replace_view(world: World, view: View, spec: Json) -> View:
    """Draw a view anew under the same id; what was entered in parts that still exist is kept."""
    view.spec, view.values, view.hash = spec, starting(spec["blocks"], view.values), _hash(world)
    world.tell(Change("modal" if view.type == "modal" else "home", user=view.user))
    return view


def publish_home(world: World, app_id: str, user: str, spec: Json) -> View:
    if known := world.homes.get((user, app_id)):
        return replace_view(world, known, spec)
    view = _drawn(world, app_id, user, spec)
    view.root = view.id
    world.homes[user, app_id] = view
    world.tell(Change("home", user=user))
    return view


def close(world: World, view: View) -> None:
    """Take one modal away; the one below it shows again."""
    world.modals[view.user].remove(view)
    world.tell(Change("modal", user=view.user))


def close_all(world: World, user: str) -> None:
    world.modals[user] = []
    world.tell(Change("modal", user=user))


def external_id_is_free(world: World, app_id: str, spec: Json, but: View | None = None) -> None:
    wanted = spec.get("external_id")
    for view in world.views():
        if wanted and view is not but and view.app_id == app_id and view.spec.get("external_id") == wanted:
            raise Refusal("duplicate_external_id")


def _drawn(world: World, app_id: str, user: str, spec: Json) -> View:
    kind = "home" if spec["type"] == "home" else "modal"
    return View(world.ids.new("V"), app_id, user, kind, spec, _hash(world), starting(spec["blocks"]))  # type: ignore[arg-type]


def _hash(world: World) -> str:
    return f"{world.ids.timestamp().split('.')[0]}.{world.ids.secret('')[:8]}"
