"""Changing who is on call at a terminal, when Slack is not there."""

from pathlib import Path

from tests.cli.conftest import Command


def test_an_override_is_made_seen_and_taken_back(lifeboat: Command, place: Path) -> None:
    made = lifeboat("override", "add", "primary", "alex", "--for", "2h")
    assert made.status == 0, made.err
    assert "Alex Kim is on call in primary" in made.out
    assert lifeboat("oncall", "--json").json["primary"] == ["alex"]
    [one] = lifeboat("override", "list", "--json").json
    assert (one["schedule"], one["person"], one["by"]) == ("primary", "alex", "mina")
    assert one["id"] in lifeboat("override", "list").out
    assert "Taken back" in lifeboat("override", "cancel", one["id"]).out
    assert lifeboat("override", "list", "--json").json == []


def test_two_swap_and_one_takes_the_pager(lifeboat: Command, place: Path) -> None:
    assert lifeboat("override", "add", "primary", "mina", "jun", "--kind", "swap", "--for", "3d").status == 0
    assert lifeboat("override", "add", "primary", "--as", "sofia").status == 0
    assert lifeboat("oncall", "--json").json["primary"] == ["sofia"]


def test_what_is_wrong_is_said_and_nothing_is_changed(lifeboat: Command, place: Path) -> None:
    assert "secundary" in lifeboat("override", "add", "secundary").err
    assert lifeboat("override", "add", "primary", "mina", "jun").status == 2
    assert lifeboat("override", "add", "primary", "--until", "tomorrow").status == 2
    assert lifeboat("override", "cancel", "nothere2").status == 1
    assert lifeboat("override", "list", "--json").json == []
