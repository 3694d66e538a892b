"""Block elements and composition objects, with Slack's limits.

https://docs.slack.dev/reference/block-kit/block-elements and .../composition-objects.
"""

import re
from collections.abc import Mapping
from typing import Any

from bot.rehearsal.slack.shapes import (
    At,
    Check,
    Shape,
    anything,
    at_least_one,
    by_type,
    exactly_one,
    flag,
    listing,
    number,
    one_of,
    plain,
    string,
    text,
)

ID = string(255, 1)
_TYPE: Mapping[str, Check] = {"type": anything}
MANY = 10_000


def _pattern(pattern: str, what: str) -> Check:
    matches = re.compile(pattern)

    def check(value: Any, at: At) -> None:
        if not isinstance(value, str) or not matches.fullmatch(value):
            at.wrong(what)

    return check


_ADDRESS = _pattern(r"[a-zA-Z][a-zA-Z0-9+.-]*:.+", "must be a valid URL")


def URL(value: Any, at: At) -> None:  # noqa: N802  # a check like the constants beside it
    string(3000)(value, at)
    _ADDRESS(value, at)


DATE = _pattern(r"\d{4}-\d{2}-\d{2}", "must match the format YYYY-MM-DD")
TIME = _pattern(r"([01]\d|2[0-3]):[0-5]\d", "must match the format HH:mm")

CONFIRM = Shape(
    {"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30)},
    {"style": one_of("primary", "danger")},
)


def option(*, markup: bool = False, url: bool = False) -> Check:
    words = text if markup else plain
    more: dict[str, Check] = {"description": words(75)}
    return Shape({"text": words(75), "value": string(150, 1)}, more | ({"url": URL} if url else {}))


OPTIONS = listing(option(), 1, 100)
OPTION_GROUPS = listing(Shape({"label": plain(75), "options": OPTIONS}), 1, 100)
CONVERSATION_FILTER = Shape(
    optional={
        "include": listing(one_of("im", "mpim", "private", "public"), 1, 4),
        "exclude_external_shared_channels": flag,
        "exclude_bot_users": flag,
    },
    rules=(at_least_one("include", "exclude_external_shared_channels", "exclude_bot_users"),),
)
DISPATCH = Shape({"trigger_actions_on": listing(one_of("on_enter_pressed", "on_character_entered"), 1, 2)})


def _initial_is_an_option(value: Any, at: At) -> None:
    """An initial choice must be exactly one of the options, or Slack refuses it."""
    groups = value.get("option_groups") or [{"options": value.get("options") or []}]
    known = [choice for group in groups if isinstance(group, dict) for choice in group.get("options") or []]
    initial = value.get("initial_options") or ([value["initial_option"]] if value.get("initial_option") else [])
    for choice in initial if isinstance(initial, list) else []:
        if choice not in known:
            at.wrong("initial option must match one of the options")


def _element(required: Mapping[str, Check] | None = None, /, *rules: Check, **optional: Check) -> Check:
    common: Mapping[str, Check] = {"action_id": ID, "confirm": CONFIRM, "focus_on_load": flag}
    return Shape({**_TYPE, **(required or {})}, {**common, **optional}, rules)


def _select(*rules: Check, **fields: Check) -> Check:
    return _element(None, *rules, placeholder=plain(150), **fields)


def _input(required: Mapping[str, Check] | None = None, **optional: Check) -> Check:
    common: Mapping[str, Check] = {
        "action_id": ID,
        "placeholder": plain(150),
        "focus_on_load": flag,
        "dispatch_action_config": DISPATCH,
    }
    return Shape({**_TYPE, **(required or {})}, {**common, **optional})


_CHOSEN_FROM = (exactly_one("options", "option_groups"), _initial_is_an_option)
_AT_MOST = number(1, MANY)
_TICKED = listing(option(markup=True), 1, 10)

ELEMENTS: Mapping[str, Check] = {
    "button": Shape(
        {"type": anything, "text": plain(75)},
        {
            "action_id": ID,
            "url": URL,
            "value": string(2000),
            "style": one_of("primary", "danger"),
            "confirm": CONFIRM,
            "accessibility_label": string(75),
        },
    ),
    "static_select": _select(*_CHOSEN_FROM, options=OPTIONS, option_groups=OPTION_GROUPS, initial_option=option()),
    "multi_static_select": _select(
        *_CHOSEN_FROM,
        options=OPTIONS,
        option_groups=OPTION_GROUPS,
        initial_options=listing(option(), 1, 100),
        max_selected_items=_AT_MOST,
    ),
    "external_select": _select(min_query_length=number(0, MANY), initial_option=option()),
    "multi_external_select": _select(
        min_query_length=number(0, MANY), initial_options=listing(option(), 1, 100), max_selected_items=_AT_MOST
    ),
    "users_select": _select(initial_user=string(255)),
    "multi_users_select": _select(initial_users=listing(string(255), 1, MANY), max_selected_items=_AT_MOST),
    "channels_select": _select(initial_channel=string(255), response_url_enabled=flag),
    "multi_channels_select": _select(initial_channels=listing(string(255), 1, MANY), max_selected_items=_AT_MOST),
    "conversations_select": _select(
        initial_conversation=string(255),
        default_to_current_conversation=flag,
        response_url_enabled=flag,
        filter=CONVERSATION_FILTER,
    ),
    "multi_conversations_select": _select(
        initial_conversations=listing(string(255), 1, MANY),
        default_to_current_conversation=flag,
        max_selected_items=_AT_MOST,
        filter=CONVERSATION_FILTER,
    ),
    "overflow": Shape(
        {"type": anything, "options": listing(option(url=True), 1, 5)}, {"action_id": ID, "confirm": CONFIRM}
    ),
    "checkboxes": _element({"options": _TICKED}, _initial_is_an_option, initial_options=_TICKED),
    "radio_buttons": _element({"options": _TICKED}, _initial_is_an_option, initial_option=option(markup=True)),
    "datepicker": _select(initial_date=DATE),
    "timepicker": _select(initial_time=TIME, timezone=string(255)),
    "datetimepicker": _element(initial_date_time=number(1_000_000_000, 9_999_999_999)),
    "plain_text_input": _input(
        initial_value=string(3000), multiline=flag, min_length=number(0, 3000), max_length=number(1, 3000)
    ),
    "number_input": _input(
        {"is_decimal_allowed": flag}, initial_value=string(255), min_value=string(255), max_value=string(255)
    ),
    "email_text_input": _input(initial_value=string(3000)),
    "url_text_input": _input(initial_value=string(3000)),
    "rich_text_input": _input(initial_value=anything),
    "file_input": Shape(
        {"type": anything}, {"action_id": ID, "filetypes": listing(string(255), 1, MANY), "max_files": number(1, 10)}
    ),
    "image": Shape(
        {"type": anything, "alt_text": string(2000, 1)},
        {"image_url": URL, "slack_file": anything},
        (exactly_one("image_url", "slack_file"),),
    ),
    "feedback_buttons": Shape({"type": anything}, {"action_id": ID}, open=True),
    "icon_button": Shape({"type": anything}, {"action_id": ID}, open=True),
}

MENUS = (
    *("static_select", "external_select", "users_select", "conversations_select", "channels_select"),
    *("multi_static_select", "multi_external_select", "multi_users_select"),
    *("multi_conversations_select", "multi_channels_select"),
)
_TYPED = ("plain_text_input", "number_input", "email_text_input", "url_text_input", "rich_text_input")
_PICKED = ("checkboxes", "radio_buttons", "datepicker", "timepicker", "datetimepicker")

IN_SECTION = ("button", "image", "overflow", "checkboxes", "radio_buttons", "datepicker", "timepicker", *MENUS)
IN_ACTIONS = ("button", "overflow", "rich_text_input", *_PICKED, *MENUS)
IN_INPUT = ("file_input", *_TYPED, *_PICKED, *MENUS)
IN_CONTEXT_ACTIONS = ("feedback_buttons", "icon_button")


def element(*allowed: str) -> Check:
    """An element of one of these types."""
    return by_type(ELEMENTS, allowed)
