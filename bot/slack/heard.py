"""What a person did in Slack, whichever of its payloads told us: a command, a press, a form that was sent.

https://docs.slack.dev/reference/interaction-payloads
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.slack.values import decode_value

Body = Mapping[str, Any]


@dataclass(frozen=True)
class Heard:
    """`key` is the same for every delivery of the same act. `trigger` opens one modal within three seconds.

    `response_url` answers where the person acted; acts in modals and on the home tab have none. `modal` is the id of
    the modal they acted in.
    """

    user: str
    team: str | None
    key: str
    trigger: str
    channel: str | None = None
    response_url: str | None = None
    modal: str | None = None


@dataclass(frozen=True)
class Press(Heard):
    """A button was pressed; `value` is what we had written on it."""

    action_id: str = ""
    value: str = ""

    @property
    def ids(self) -> Mapping[str, str]:
        """What the button is about. Raises `Refused` for a button that this version did not draw."""
        return Ids(decode_value(self.value))


@dataclass(frozen=True)
class Sent(Heard):
    """A form was sent; `ids` is what it is about, `texts` what the person has put into its fields, by their names."""

    callback_id: str = ""
    metadata: str = ""
    view: Body = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)

    @property
    def ids(self) -> Mapping[str, str]:
        """Raises `Refused` for a form that this version did not draw."""
        return Ids(decode_value(self.metadata))


@dataclass(frozen=True)
class Asked(Heard):
    """A menu asks for its options: `typed` so far in the element `action_id` of `block_id`; `texts` as in `Sent`."""

    action_id: str = ""
    block_id: str = ""
    typed: str = ""
    metadata: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)

    @property
    def ids(self) -> Mapping[str, str]:
        """Raises `Refused` for a form that this version did not draw."""
        return Ids(decode_value(self.metadata))


class Ids(dict[str, str]):
    """The ids of a button or a form. One that is missing is refused like one that cannot be read."""

    def __missing__(self, name: str) -> str:
        return decode_value(None)[name]  # always raises, with the words for it


def command(body: Body) -> Heard:
    """A slash command."""
    trigger = str(body.get("trigger_id", ""))
    return Heard(
        user=str(body["user_id"]),
        team=body.get("team_id"),
        key=f"command:{trigger}",
        trigger=trigger,
        channel=body.get("channel_id"),
        response_url=body.get("response_url"),
    )


def press(body: Body) -> Press:
    """A `block_actions` payload; Slack sends one action at a time."""
    action, user, view = body["actions"][0], body["user"], body.get("view") or {}
    trigger = str(body.get("trigger_id", ""))
    return Press(
        user=str(user["id"]),
        team=_team(body),
        key=f"press:{trigger or action.get('action_ts')}:{user['id']}:{action['action_id']}",
        trigger=trigger,
        channel=(body.get("channel") or {}).get("id"),
        response_url=body.get("response_url"),
        modal=view.get("id") if view.get("type") == "modal" else None,
        action_id=str(action["action_id"]),
        value=str(action.get("value") or (action.get("selected_option") or {}).get("value") or ""),
    )


def sent(body: Body) -> Sent:
    """A `view_submission` payload. A second try after an error has a new hash, or is let through by its rollback."""
    view, user = body["view"], body["user"]
    return Sent(
        user=str(user["id"]),
        team=_team(body),
        key=f"form:{view['id']}:{view.get('hash', '')}",
        trigger=str(body.get("trigger_id", "")),
        modal=str(view["id"]),
        callback_id=str(view.get("callback_id", "")),
        metadata=str(view.get("private_metadata", "")),
        view=view,
        texts=_texts(view),
    )


def asked(body: Body) -> Asked:
    """A `block_suggestion` payload."""
    view = body.get("view") or {}
    return Asked(
        user=str(body["user"]["id"]),
        team=_team(body),
        key="",  # asking twice is answered twice
        trigger="",
        action_id=str(body.get("action_id", "")),
        block_id=str(body.get("block_id", "")),
        typed=str(body.get("value") or ""),
        metadata=str(view.get("private_metadata", "")),
        texts=_texts(view),
    )


def _team(body: Body) -> str | None:
    """The person's own workspace: in a shared channel it is not the one that the payload was sent for."""
    team: str | None = body["user"].get("team_id") or (body.get("team") or {}).get("id")
    return team


def _texts(view: Body) -> dict[str, str]:
    """Each field's text by its block: every block of our forms holds one element, which takes a text or an option."""
    found = {}
    for block, elements in (view.get("state") or {}).get("values", {}).items():
        for element in elements.values():
            chosen = element.get("selected_option")
            found[block] = str(chosen["value"] if chosen else element.get("value") or "")
    return found
