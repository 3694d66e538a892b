"""What a person has entered so far in the elements of a message or a view: Slack's `state.values`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.rehearsal.slack.blocks import parts
from bot.rehearsal.slack.workspace import Json

#: The field that holds what was entered, and the one that holds what it starts as.
FIELDS: Mapping[str, tuple[str, str]] = {
    "plain_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "rich_text_input": ("rich_text_value", "initial_value"),
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "overflow": ("selected_option", ""),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "checkboxes": ("selected_options", "initial_options"),
    "users_select": ("selected_user", "initial_user"),
    "multi_users_select": ("selected_users", "initial_users"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "file_input": ("files", ""),
}
_STATELESS = {"overflow", "button"}


@dataclass(frozen=True)
class Control:
    """An element that a person can use, and the block it stands in."""

    block: Json
    element: Json

    @property
    def block_id(self) -> str:
        return str(self.block["block_id"])

    @property
    def action_id(self) -> str:
        return str(self.element["action_id"])

    @property
    def kind(self) -> str:
        return str(self.element["type"])

    @property
    def is_input(self) -> bool:
        """Sent with the form and not at once, unless the app asked for both."""
        return bool(self.block["type"] == "input")

    @property
    def dispatches(self) -> bool:
        return not self.is_input or bool(self.block.get("dispatch_action"))

    def options(self) -> list[Json]:
        """The fixed choices, with those of its groups."""
        found: list[Json] = list(self.element.get("options") or [])
        for group in self.element.get("option_groups") or []:
            found += group["options"]
        return found


def controls(blocks: Sequence[Json]) -> Iterator[Control]:
    for block in blocks:
        for part in parts(block):
            if part.get("action_id"):
                yield Control(block, part)


def find(blocks: Sequence[Json], block_id: str, action_id: str) -> Control | None:
    return next((c for c in controls(blocks) if c.block_id == block_id and c.action_id == action_id), None)


def starting(blocks: Sequence[Json], kept: Mapping[str, Any] | None = None) -> Json:
    """The state of freshly drawn blocks. `kept`: an earlier state, of which what still exists is carried over."""
    values: Json = {}
    for control in controls(blocks):
        if control.kind in FIELDS and control.kind not in _STATELESS:
            old = (kept or {}).get(control.block_id, {}).get(control.action_id)
            entry = old if old and old["type"] == control.kind else entry_of(control, _initial(control))
            values.setdefault(control.block_id, {})[control.action_id] = entry
    return values


def entry_of(control: Control, value: Any) -> Json:
    """`{"type": "users_select", "selected_user": "U1"}`"""
    name, _ = FIELDS[control.kind]
    if name == "selected_options":
        value = value or []
    return {"type": control.kind, name: value}


def given_value(control: Control, given: Mapping[str, Any]) -> Any:
    """What a person entered, resolved: an option is the app's own, never one that was made up. ValueError if it is."""
    name, _ = FIELDS[control.kind]
    value = given.get(name)
    if control.kind in {"external_select", "multi_external_select"} or value is None:
        return value
    if name == "selected_option":
        return _chosen(control, value)
    if name == "selected_options":
        return [_chosen(control, choice) for choice in value]
    return value


def is_blank(control: Control, entry: Mapping[str, Any]) -> bool:
    return entry.get(FIELDS[control.kind][0]) in (None, "", [])


def _initial(control: Control) -> Any:
    _, initial = FIELDS[control.kind]
    return control.element.get(initial) if initial else None


def _chosen(control: Control, choice: Any) -> Json:
    wanted = choice.get("value") if isinstance(choice, dict) else choice
    for option in control.options():
        if option.get("value") == wanted:
            return option
    raise ValueError(wanted)
