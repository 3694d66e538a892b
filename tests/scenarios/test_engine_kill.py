"""SIGKILL at every moment of a run that differs in what it leaves behind; whoever comes next goes on from the database.

The moments are found by playing the night once (`tests/support/engine_moments.py`). To play one takes most of a second, so by
default each test takes a share of them, always the same; ENGINE_MOMENTS=all takes every one, and those in between too.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.postgres import PostgresServer

ALL = os.environ.get("ENGINE_MOMENTS") == "all"
pytestmark = pytest.mark.timeout(3600 if ALL else 600)

#: What the playbook says: the second of each pair may only exist once the first does.
_AFTER = (("left", "each-a"), ("left", "each-d"), ("right", "cut"), ("each-a", "cut"), ("each-d", "cut"))
#: Pages and cards: their lanes stand still, and on a slow machine that is a minute.
_NOT_PLAYED = ("a job is overdue", "a page is due")
_EVERYTHING = {"left", "right", "each-a", "each-b", "each-c", "each-d", "cut"}


def _nights(folder: Path, template: str, ending: str, every: int, first: int = 1) -> Sequence[Mapping[str, Any]]:
    share = ["--all"] if ALL else ["--every", str(every), "--first", str(first)]
    command = [sys.executable, "-m", "tests.support.engine_crash", str(folder), template, ending, *share]
    played = subprocess.run(command, capture_output=True, text=True, check=False)
    assert played.returncode == 0, played.stderr
    return [json.loads(line) for line in played.stdout.splitlines()]


def _did(night: Mapping[str, Any], what: str) -> list[str]:
    return [one["name"] for one in night["cloud"] if one["do"] == what]


def _happened_once(night: Mapping[str, Any]) -> None:
    """Everything made, and unmade, at most once; in the order that the playbook wants; nothing left over."""
    made, unmade = _did(night, "make"), _did(night, "unmake")
    assert len(made) == len(set(made)), f"made twice: {made}"
    assert len(unmade) == len(set(unmade)), f"unmade twice: {unmade}"
    for first, second in _AFTER:
        assert second not in made or made.index(first) < made.index(second), made
        assert second not in unmade or unmade.index(second) < unmade.index(first), unmade
    assert not night["locks"] or night["status"] == "aborted"
    assert not [line for line in night["stuck"] if not line.startswith(_NOT_PLAYED)]
    assert {tuple(job) for job in night["jobs"]} <= {("escalate", "waiting"), ("run-timer", "waiting")}


def _taken_back_the_latest_first(night: Mapping[str, Any]) -> None:
    happened: Mapping[str, int] = night["happened"]
    undone = sorted((row for row in happened if row.startswith("undo:")), key=happened.__getitem__)
    taken_back = [row.removeprefix("undo:") for row in undone]
    assert taken_back == sorted(taken_back, key=happened.__getitem__, reverse=True)
    assert set(_did(night, "make")) == set(_did(night, "unmake"))


def _ended_as_if_nothing_had_been(night: Mapping[str, Any], undisturbed: Mapping[str, Any]) -> None:
    for fact in ("status", "states", "attempts"):
        assert night[fact] == undisturbed[fact]
    assert set(_did(night, "make")) == _EVERYTHING
    assert night["ended"].count("run-succeeded") == 1


def _judged(nights: Sequence[Mapping[str, Any]], ending: str) -> None:
    undisturbed, *killed = nights
    assert len(killed) >= 5
    for night in nights:
        when = night.get("moment", "never")
        try:
            _happened_once(night)
            if ending != "aborted":
                _ended_as_if_nothing_had_been(night, undisturbed)
            if ending != "succeeded":
                assert night["status"] == "undone"
                _taken_back_the_latest_first(night)
        except AssertionError as error:
            raise AssertionError(f"killed at moment {night.get('number')}: {when}\n{error}\n{night}") from error
    assert all(night["died"] for night in killed[:-2]), "the last moments alone may differ from night to night"


@pytest.fixture(scope="module")
def undone(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Sequence[Mapping[str, Any]]:
    return _nights(tmp_path_factory.mktemp("undone"), str(sqlite_template), "undone", 11)


def test_the_moments_that_are_found_reach_into_every_phase(undone: Sequence[Mapping[str, Any]]) -> None:
    moments = " / ".join(undone[0]["moments"])
    for phase in (
        "insert runs", "update runs", "left running,", "left running intended", "told to make left", "left running acted",
        "right failed acted", "each[2] running intended", "told to make each-d", "sure asking", "tell asking",
        "undo:each[1] running", "undo:left running intended", "told to unmake left", "undo:left done acted",
    ):  # fmt: skip
        assert phase in moments
    assert len(undone[0]["moments"]) > 80


def test_killed_and_resumed_it_is_taken_back_as_if_nothing_had_been(undone: Sequence[Mapping[str, Any]]) -> None:
    _judged(undone, "undone")


@pytest.mark.parametrize(("ending", "every", "first"), [("succeeded", 13, 3), ("aborted", 13, 2)])
def test_killed_and_resumed_it_ends_well_before_that_too(
    tmp_path: Path, sqlite_template: Path, ending: str, every: int, first: int
) -> None:
    _judged(_nights(tmp_path, str(sqlite_template), ending, every, first), ending)


@pytest.mark.postgres
def test_killed_and_resumed_on_postgresql(
    tmp_path: Path, postgres_server: PostgresServer, postgres_template: str
) -> None:
    _judged(_nights(tmp_path, postgres_server.url(postgres_template), "undone", 23, 5), "undone")
