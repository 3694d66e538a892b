"""Modals as Slack takes them, and the fields in them. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.language import Words
from bot.slack.blocks import Block, section
from bot.slack.limits import VIEW_TITLE, clip
from bot.slack.values import encode_value

#: https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element
OPTIONS, OPTION_TEXT, OPTION_VALUE = 100, 75, 150
LABEL = HINT = 2_000
#: Slack takes 3,000 in a field, our own inputs 1,000.
FIELD = 3_000
#: Beside them a form has a few lines of its own; a view holds 100 blocks.
VIEW_INPUTS = 90
_ERROR = 1_000
#: Marks the line that says what was wrong, so that the next one takes its place.
_NOTICE = "notice"

#: What a modal is opened with at once, while its content is still being looked up.
SKELETON: Block = {
    "type": "modal",
    "title": {"type": "plain_text", "text": "Lifeboat"},
    "blocks": [section("…")],
}


def plain(text: str, most: int) -> Block:
    return {"type": "plain_text", "text": clip(" ".join(text.split()), most)}


def modal(title: str, blocks: Sequence[Block], _: Words) -> Block:
    """A modal that only shows something."""
    return {
        "type": "modal", "title": plain(title, VIEW_TITLE), "close": plain(_("Close"), VIEW_TITLE),
        "blocks": list(blocks),
    }  # fmt: skip


def form(callback_id: str, title: str, submit: str, blocks: Sequence[Block], _: Words, **ids: str) -> Block:
    """A modal that is sent back to us, with the ids of what it is about."""
    return {
        "type": "modal", "callback_id": callback_id, "private_metadata": encode_value(**ids),
        "title": plain(title, VIEW_TITLE), "submit": plain(submit, VIEW_TITLE), "close": plain(_("Cancel"), VIEW_TITLE),
        "blocks": list(blocks),
    }  # fmt: skip


def field(name: str, label: str, element: Block, *, hint: str = "", optional: bool = False) -> Block:
    """One field; its block has its name, which is where an error about it is shown."""
    block = {"type": "input", "block_id": name, "label": plain(label, LABEL), "element": element, "optional": optional}
    return block | ({"hint": plain(hint, HINT)} if hint else {})


def text_field(value: str = "", *, most: int = FIELD, lines: bool = False, placeholder: str = "") -> Block:
    element: Block = {"type": "plain_text_input", "action_id": "value", "multiline": lines, "max_length": most}
    if value:
        element["initial_value"] = value[:most]
    if placeholder:
        element["placeholder"] = plain(placeholder, 150)
    return element


def choice_field(choices: Mapping[str, str], chosen: str = "", action_id: str = "value") -> Block:
    """A menu of value to label; the caller has seen to it that they fit."""
    options = {value: option(value, label) for value, label in choices.items()}
    element: Block = {"type": "static_select", "action_id": action_id, "options": list(options.values())}
    return element | ({"initial_option": options[chosen]} if chosen in options else {})


def search_field(action_id: str, chosen: str = "") -> Block:
    """A menu that asks us for its options while the person types; it asks at once when it is opened."""
    element: Block = {"type": "external_select", "action_id": action_id, "min_query_length": 0}
    return element | ({"initial_option": option(chosen, chosen)} if chosen else {})


def option(value: str, label: str) -> Block:
    """One entry of a menu."""
    return {"text": plain(label, OPTION_TEXT), "value": value}


def fits_option(value: str) -> bool:
    """Whether Slack takes it as the value of an option. A longer label is cut, a longer value would be another one."""
    return 0 < len(value) <= OPTION_VALUE


def fits_menu(choices: Sequence[str]) -> bool:
    """Whether Slack can show them as a menu in which each can be read to its end."""
    return 0 < len(choices) <= OPTIONS and all(0 < len(choice) <= OPTION_TEXT for choice in choices)


def with_notice(view: Mapping[str, Any], text: str) -> Block:
    """The same form with a line on top that says what was wrong; what the person has entered stays in its fields."""
    kept = {name: view[name] for name in ("type", "callback_id", "private_metadata", "title", "submit", "close")}
    blocks = [block for block in view["blocks"] if block.get("block_id") != _NOTICE]
    return {**kept, "blocks": [section(f"⚠️ {text}") | {"block_id": _NOTICE}, *blocks]}


def field_errors(view: Mapping[str, Any], problems: Mapping[str, str]) -> dict[str, str]:
    """Errors by field, as Slack takes them; one that belongs to no field of the view is shown at the first."""
    fields = [block["block_id"] for block in view["blocks"] if block["type"] == "input"]
    errors: dict[str, str] = {}
    for name, text in problems.items():
        place = name if name in fields else next(iter(fields), None)
        if place:
            errors[place] = clip(f"{errors[place]} {text}" if place in errors else text, _ERROR)
    return errors
