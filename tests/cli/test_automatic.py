"""The switches at a terminal."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command


@pytest.fixture(autouse=True)
def enabled(place: Path) -> None:
    (place / "lifeboat.yaml").write_text(json.dumps({"automatic": {"enabled": True}}))


def test_stop_and_start_and_what_holds_in_between(lifeboat: Command) -> None:
    assert "may start by themselves" in lifeboat("automatic", "status").out
    assert lifeboat("automatic", "stop").status == 0
    assert "stopped since" in lifeboat("automatic", "status").out
    assert "may start by themselves" in lifeboat("automatic", "start", "--as", "mina").out
    assert lifeboat("automatic", "status", "--json").json["going"] == []


def test_a_freeze_takes_a_length_and_words(lifeboat: Command) -> None:
    assert "for 2 h" in lifeboat("automatic", "freeze", "2h", "moving", "it").out
    assert "moving it" in lifeboat("automatic", "status").out


@pytest.mark.parametrize("length", ["soon", "0s", "15d"])
def test_a_length_that_is_none_changes_nothing(lifeboat: Command, length: str) -> None:
    said = lifeboat("automatic", "freeze", length)
    assert (said.status, said.out) == (1, "")
    assert "may start by themselves" in lifeboat("automatic", "status").out


def test_nobody_starts_it_again_who_is_not_in_people_yaml(lifeboat: Command) -> None:
    lifeboat("automatic", "stop")
    said = lifeboat("automatic", "start", "--as", "nobody")
    assert said.status == 1
    assert "nobody" in said.err
    assert "stopped since" in lifeboat("automatic", "status").out
