"""Submitting and closing modals."""

import re
from collections.abc import Mapping
from typing import Any

from bot.errors import N_
from bot.language import Words
from bot.rehearsal.slack import surfaces
from bot.rehearsal.slack.blocks import check_view
from bot.rehearsal.slack.delivery import NotAcknowledged, Parcel
from bot.rehearsal.slack.desk import Desk, Outcome
from bot.rehearsal.slack.payloads import interaction, view_json
from bot.rehearsal.slack.refusal import Refusal
from bot.rehearsal.slack.state import FIELDS, Control, controls, entry_of, given_value, is_blank
from bot.rehearsal.slack.workspace import Json, View

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_URL = re.compile(r"https?://\S+")
_NUMBER, _WHOLE_NUMBER = re.compile(r"-?\d+(\.\d+)?"), re.compile(r"-?\d+")


async def submit(desk: Desk, user_id: str, view_id: str, entered: Json) -> Outcome:
    """Send the form in the topmost modal. `entered` is `state.values`; what it leaves out stays as it was."""
    view = _topmost(desk, user_id, view_id)
    _take_over(desk, view, entered)
    if errors := _problems(desk.words(user_id), view):
        return Outcome(ok=False, errors=errors)
    app = desk.world.apps[view.app_id]
    payload = interaction(
        desk.world,
        app,
        desk.user(user_id),
        "view_submission",
        trigger_id=desk.world.triggers.issue(app.id, user_id, view.id),
        view=view_json(desk.world, view),
        response_urls=[],
    )
    try:
        answer = await desk.delivery.send(Parcel(app, "interactive", "view_submission", payload))
        return _follow(desk, view, answer if isinstance(answer, dict) else {})
    except (NotAcknowledged, Refusal):
        return desk.notice(user_id, desk.words(user_id)(N_("We had some trouble connecting. Try again?")))


async def close(desk: Desk, user_id: str, view_id: str, *, everything: bool = False) -> Outcome:
    """Close the topmost modal, or the whole stack; apps that asked for it are told."""
    view = _topmost(desk, user_id, view_id)
    everything = everything or bool(view.spec.get("clear_on_close"))
    closed = list(reversed(desk.world.modals[user_id])) if everything else [view]
    for one in closed:
        surfaces.close(desk.world, one)
    for one in closed:
        if one.spec.get("notify_on_close"):
            await _tell_closed(desk, one, cleared=everything)
    return Outcome()


async def _tell_closed(desk: Desk, view: View, *, cleared: bool) -> None:
    app, user = desk.world.apps[view.app_id], desk.user(view.user)
    shown = view_json(desk.world, view)
    payload = interaction(desk.world, app, user, "view_closed", view=shown, is_cleared=cleared)
    try:
        await desk.delivery.send(Parcel(app, "interactive", "view_closed", payload))
    except NotAcknowledged:
        return  # the modal is gone; Slack shows nothing, and `slack.deliveries` has the failure


def _follow(desk: Desk, view: View, answer: Mapping[str, Any]) -> Outcome:
    """Do what the app answered to a submission. Raises `Refusal` for an answer that Slack cannot use."""
    world = desk.world
    match answer.get("response_action"):
        case None:
            _close_if_open(desk, view)
        case "errors":
            return Outcome(ok=False, errors=_errors_of(view, answer.get("errors")))
        case "update":
            surfaces.replace_view(world, view, check_view(answer.get("view"), ("modal",), world.part_id))
        case "push":
            spec = check_view(answer.get("view"), ("modal",), world.part_id)
            surfaces.push_modal(world, view.app_id, view.user, spec)
        case "clear":
            surfaces.close_all(world, view.user)
        case _:
            raise Refusal("invalid_arguments")
    return Outcome()


def _close_if_open(desk: Desk, view: View) -> None:
    """The app may have closed or replaced it meanwhile, by opening another."""
    if view in desk.world.modals.get(view.user, []):
        surfaces.close(desk.world, view)


def _errors_of(view: View, errors: Any) -> dict[str, str]:
    inputs = {block["block_id"] for block in view.spec["blocks"] if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors or not inputs.issuperset(errors):
        raise Refusal("invalid_arguments")
    return {block_id: str(text) for block_id, text in errors.items()}


def _topmost(desk: Desk, user_id: str, view_id: str) -> View:
    stack = desk.world.modals.get(user_id, [])
    if not stack or stack[-1].id != view_id:
        raise desk.gone(user_id)
    return stack[-1]


def _take_over(desk: Desk, view: View, entered: Json) -> None:
    for control in controls(view.spec["blocks"]):
        given = (entered.get(control.block_id) or {}).get(control.action_id)
        if control.kind in FIELDS and isinstance(given, dict):
            try:
                entry = entry_of(control, given_value(control, given))
            except ValueError as error:
                raise desk.gone(view.user) from error
            view.values.setdefault(control.block_id, {})[control.action_id] = entry


def _problems(_: Words, view: View) -> dict[str, str]:
    """What Slack's client itself refuses to send."""
    found = {}
    for control in controls(view.spec["blocks"]):
        if control.is_input and (problem := _problem(_, control, view.values[control.block_id][control.action_id])):
            found[control.block_id] = problem
    return found


def _problem(_: Words, control: Control, entry: Json) -> str:
    if is_blank(control, entry):
        return "" if control.block.get("optional") else _(N_("Please complete this required field."))
    text, element = str(entry.get("value", "")), control.element
    most = element.get("max_selected_items")
    wrong = ""
    match control.kind:
        case "plain_text_input":
            wrong = _wrong_length(_, element, text)
        case "number_input":
            wrong = _wrong_number(_, element, text)
        case "email_text_input" if not _EMAIL.fullmatch(text):
            wrong = _(N_("Please enter a valid email address."))
        case "url_text_input" if not _URL.fullmatch(text):
            wrong = _(N_("Please enter a valid URL."))
        case _ if most and len(entry[FIELDS[control.kind][0]]) > most:
            wrong = _(N_("Choose no more than {count}."), count=most)
    return wrong


def _wrong_length(_: Words, element: Json, text: str) -> str:
    if len(text) < element.get("min_length", 0):
        return _(N_("Must be at least {count} characters long."), count=element["min_length"])
    if len(text) > element.get("max_length", 3000):
        return _(N_("Must be no more than {count} characters long."), count=element.get("max_length", 3000))
    return ""


def _wrong_number(_: Words, element: Json, text: str) -> str:
    if not (_NUMBER if element["is_decimal_allowed"] else _WHOLE_NUMBER).fullmatch(text):
        return _(N_("Please enter a number."))
    low, high = element.get("min_value"), element.get("max_value")
    if low is not None and float(text) < float(low):
        return _(N_("Must be at least {number}."), number=low)
    if high is not None and float(text) > float(high):
        return _(N_("Must be no more than {number}."), number=high)
    return ""
