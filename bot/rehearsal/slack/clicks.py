"""Using an element of a message, a modal or a home tab: buttons, menus, pickers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.errors import N_
from bot.rehearsal.slack.delivery import NotAcknowledged, Parcel
from bot.rehearsal.slack.desk import Desk, NotPossible, Outcome, trouble_with_app
from bot.rehearsal.slack.payloads import interaction, message_json, view_json
from bot.rehearsal.slack.state import FIELDS, Control, entry_of, find, given_value, starting
from bot.rehearsal.slack.workspace import Channel, InstalledApp, Json, Message, View
from bot.rehearsal.slack.world import World


@dataclass(frozen=True)
class InMessage:
    """An element stands in a message of a channel."""

    channel: Channel
    message: Message

    @property
    def blocks(self) -> list[Json]:
        nested = [block for part in self.message.attachments for block in part.get("blocks") or []]
        return self.message.blocks + nested

    def app_id(self, world: World) -> str:
        author = world.users.get(self.message.user)
        return author.app_id if author else ""

    def values(self, user: str) -> Json:
        state = starting(self.blocks, self.message.state.get(user))
        self.message.state[user] = state
        return state

    def describe(self, world: World, user: str) -> Json:
        message, channel = self.message, self.channel
        ephemeral = bool(message.only_for)
        container = {"type": "message", "message_ts": message.ts, "channel_id": channel.id, "is_ephemeral": ephemeral}
        if message.thread_ts:
            container["thread_ts"] = message.thread_ts
        token = world.reply_urls.issue(self.app_id(world), user, channel.id, message.ts, message.thread_ts)
        shown = {} if ephemeral else {"message": message_json(world, channel, message)}
        return {
            "container": container,
            "channel": {"id": channel.id, "name": "directmessage" if channel.is_im else channel.name},
            "response_url": f"{world.url}/hooks/{token}",
            "state": {"values": self.values(user)},
            **shown,
        }


@dataclass(frozen=True)
class InView:
    """An element stands in a modal or a home tab."""

    view: View

    @property
    def blocks(self) -> list[Json]:
        blocks: list[Json] = self.view.spec["blocks"]
        return blocks

    def app_id(self, _world: World) -> str:
        return self.view.app_id

    def values(self, _user: str) -> Json:
        return self.view.values

    def describe(self, world: World, _user: str) -> Json:
        return {"container": {"type": "view", "view_id": self.view.id}, "view": view_json(world, self.view)}


Place = InMessage | InView


def place_of(desk: Desk, user_id: str, *, channel: str = "", ts: str = "", view_id: str = "") -> Place:
    """Where the person acts. Raises `NotPossible` when they cannot see it (any more)."""
    if view_id:
        view = desk.world.view(view_id)
        stack = desk.world.modals.get(user_id, [])
        if view is None or view.user != user_id or (view.type == "modal" and view is not stack[-1]):
            raise desk.gone(user_id)
        return InView(view)
    place = desk.channel(user_id, channel)
    message = place.messages.get(ts)
    if message is None or message.only_for not in ("", user_id):
        raise desk.gone(user_id)
    return InMessage(place, message)


async def click(
    desk: Desk, user_id: str, place: Place, block_id: str, action_id: str, given: Mapping[str, Any]
) -> Outcome:
    """Use one element. `given`: `value`, `selected_option` and so on, for elements that take something."""
    control = _usable(desk, user_id, place, block_id, action_id)
    _enter(desk, user_id, place, control, given)
    if not control.dispatches:
        return Outcome()
    app = desk.world.apps[place.app_id(desk.world)]
    words = desk.words(user_id)
    if not app.interactive:
        text = words(N_("{app} is not configured to handle interactive responses."), app=app.name)
        return _failed(desk, user_id, place, text)
    payload = interaction(
        desk.world,
        app,
        desk.user(user_id),
        "block_actions",
        **place.describe(desk.world, user_id),
        trigger_id=desk.world.triggers.issue(app.id, user_id, place.view.id if isinstance(place, InView) else ""),
        actions=[_action(desk, control, place.values(user_id), given)],
    )
    try:
        await desk.delivery.send(Parcel(app, "interactive", "block_actions", payload))
    except NotAcknowledged as problem:
        return _failed(desk, user_id, place, trouble_with_app(words, app, problem))
    _forget_notice(user_id, place)
    return Outcome()


async def options(desk: Desk, user_id: str, place: Place, block_id: str, action_id: str, typed: str) -> list[Json]:
    """What the app suggests for an external menu. No answer is no suggestion, as in Slack."""
    control = _usable(desk, user_id, place, block_id, action_id)
    app: InstalledApp = desk.world.apps[place.app_id(desk.world)]
    described = place.describe(desk.world, user_id)
    asked = {"block_id": control.block_id, "action_id": control.action_id, "value": typed}
    payload = interaction(desk.world, app, desk.user(user_id), "block_suggestion", **described, **asked)
    try:
        answer = await desk.delivery.send(Parcel(app, "options", "block_suggestion", payload))
    except NotAcknowledged:
        return []
    if not isinstance(answer, dict):
        return []
    groups = answer.get("option_groups") or [{"options": answer.get("options") or []}]
    return [option for group in groups for option in group["options"]][:100]


def enter(desk: Desk, user_id: str, place: Place, block_id: str, action_id: str, given: Mapping[str, Any]) -> None:
    """Fill in one element without telling the app, as typing in a form does."""
    _enter(desk, user_id, place, _usable(desk, user_id, place, block_id, action_id), given)


def _usable(desk: Desk, user_id: str, place: Place, block_id: str, action_id: str) -> Control:
    control = find(place.blocks, block_id, action_id)
    if control is None:
        raise desk.gone(user_id)
    if isinstance(place, InMessage) and place.channel.is_archived:
        raise NotPossible(desk.words(user_id)(N_("This channel is archived.")))
    return control


def _enter(desk: Desk, user_id: str, place: Place, control: Control, given: Mapping[str, Any]) -> None:
    if control.kind not in FIELDS:
        return
    try:
        entry = entry_of(control, given_value(control, given))
    except ValueError as error:
        raise desk.gone(user_id) from error
    if control.kind != "overflow":
        place.values(user_id).setdefault(control.block_id, {})[control.action_id] = entry


def _action(desk: Desk, control: Control, values: Json, given: Mapping[str, Any]) -> Json:
    element = control.element
    shown: Json = {name: element[name] for name in ("text", "value", "style", "url", "placeholder") if name in element}
    action: Json = {"type": control.kind, "block_id": control.block_id, "action_id": control.action_id, **shown}
    if control.kind == "overflow":
        action |= entry_of(control, given_value(control, given))
    else:
        action |= values.get(control.block_id, {}).get(control.action_id, {})
    return {**action, "action_ts": desk.world.ids.timestamp()}


def _failed(desk: Desk, user_id: str, place: Place, text: str) -> Outcome:
    if isinstance(place, InView):
        return desk.notice(user_id, text)
    place.message.notices[user_id] = text
    return desk.notice(user_id, text, place.channel.id, place.message.ts)


def _forget_notice(user_id: str, place: Place) -> None:
    if isinstance(place, InMessage):
        place.message.notices.pop(user_id, None)
