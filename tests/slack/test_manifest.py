"""The manifest asks for what our code uses: not less, or a call fails at night; not more, or nobody installs it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.slack.commands import NAME
from bot.slack.events import EVENTS
from bot.slack.manifest import SCOPES, manifest

SLACK = Path(__file__).parents[2] / "bot" / "slack"
URL = "https://lifeboat.example.com/slack/events"

#: What each method of the Web API needs of a bot, for the kinds of conversation in which we use it.
#: https://docs.slack.dev/reference/methods
METHODS = {
    "auth.test": (),
    "bookmarks.add": ("bookmarks:write",),
    "bookmarks.edit": ("bookmarks:write",),
    "chat.postEphemeral": ("chat:write",),
    "chat.postMessage": ("chat:write",),
    "chat.update": ("chat:write",),
    "conversations.archive": ("channels:manage", "groups:write"),
    "conversations.create": ("channels:manage", "groups:write"),
    "conversations.history": ("channels:history", "groups:history", "im:history"),
    "conversations.info": ("channels:read", "groups:read"),
    "conversations.invite": ("channels:manage", "groups:write"),
    "conversations.join": ("channels:join",),
    "conversations.list": ("channels:read", "groups:read"),
    "conversations.open": ("im:write",),
    "conversations.setPurpose": ("channels:manage", "groups:write"),
    "conversations.setTopic": ("channels:manage", "groups:write"),
    "files.completeUploadExternal": ("files:write",),
    "files.getUploadURLExternal": ("files:write",),
    "pins.add": ("pins:write",),
    "usergroups.users.list": ("usergroups:read",),
    "users.conversations": ("channels:read", "groups:read"),
    "users.info": ("users:read",),
    "views.open": (),
    "views.publish": (),
    "views.push": (),
    "views.update": (),
}
#: https://docs.slack.dev/reference/events
EVENT_SCOPES = {
    "app_home_opened": (),
    "channel_archive": ("channels:read",),
    "channel_deleted": ("channels:read",),
    "group_archive": ("groups:read",),
    "group_deleted": ("groups:read",),
    "subteam_members_changed": ("usergroups:read",),
    "subteam_updated": ("usergroups:read",),
}


def _methods_called() -> Iterator[str]:
    """Every text in bot/slack that is the name of a method, wherever it stands: calls are also made through tables."""
    families = {name.split(".")[0] for name in METHODS} | {
        "users",
        "reactions",
        "files",
        "usergroups",
        "team",
        "canvases",
    }
    for file in SLACK.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                family, _, method = node.value.partition(".")
                if family in families and re.fullmatch(r"[a-z][A-Za-z.]+", method):
                    yield node.value


def test_every_method_that_we_call_has_its_scopes_and_no_scope_is_for_nothing() -> None:
    called = set(_methods_called())
    assert {"chat.postMessage", "conversations.create", "views.open", "views.publish", "pins.add"} <= called
    assert called <= METHODS.keys(), "look up its scopes and add it to METHODS"
    needed = {scope for method in called for scope in METHODS[method]}
    needed |= {scope for event in EVENTS for scope in EVENT_SCOPES[event]} | {"commands"}
    assert set(SCOPES) == needed
    assert list(SCOPES) == sorted(set(SCOPES))


@pytest.mark.parametrize(("url", "socket"), [(URL, False), (URL, True), (None, True)])
def test_the_manifest_keeps_slacks_limits(url: str | None, socket: bool) -> None:
    said = manifest(url, socket_mode=socket)
    shown, features = said["display_information"], said["features"]
    assert 0 < len(shown["name"]) <= 35
    assert 0 < len(shown["description"]) <= 140
    assert re.fullmatch(r"#[0-9a-f]{6}", shown["background_color"])
    assert len(features["bot_user"]["display_name"]) <= 80
    [command] = features["slash_commands"]
    assert command["command"] == NAME
    assert len(command["command"]) <= 32
    assert len(command["description"]) <= 2_000
    assert len(command["usage_hint"]) <= 1_000
    assert command["should_escape"]
    assert len(said["settings"]["event_subscriptions"]["bot_events"]) == len(EVENTS) <= 100


def test_the_events_are_those_that_we_handle() -> None:
    subscribed = manifest(URL, socket_mode=False)["settings"]["event_subscriptions"]["bot_events"]
    assert set(subscribed) == EVENTS.keys() == EVENT_SCOPES.keys()


def test_over_http_everything_goes_to_one_address() -> None:
    said = manifest(URL, socket_mode=False)
    settings = said["settings"]
    assert not settings["socket_mode_enabled"]
    addresses = {
        said["features"]["slash_commands"][0]["url"],
        settings["event_subscriptions"]["request_url"],
        settings["interactivity"]["request_url"],
    }
    assert addresses == {URL}


def test_without_an_address_no_field_is_empty_or_null() -> None:
    said = manifest(None, socket_mode=True)
    assert said["settings"]["socket_mode_enabled"]
    assert "url" not in repr(said)
    assert "None" not in repr(said)


def test_the_app_home_shows_its_tab_and_interactivity_is_on_and_tokens_do_not_rotate() -> None:
    said = manifest(URL, socket_mode=False)
    assert said["features"]["app_home"]["home_tab_enabled"]
    assert said["features"]["app_home"]["messages_tab_enabled"], "pages are direct messages"
    assert said["settings"]["interactivity"]["is_enabled"]
    assert said["settings"]["token_rotation_enabled"] is False


def test_another_name_is_taken() -> None:
    said = manifest(URL, socket_mode=False, name="Lifeboat (staging)")
    assert said["display_information"]["name"] == said["features"]["bot_user"]["display_name"] == "Lifeboat (staging)"
