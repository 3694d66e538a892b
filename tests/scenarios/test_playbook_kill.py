"""SIGKILL of the bot at the moments of every shipped playbook that differ in what they leave behind; another one goes on.

The moments are found by playing the night once: right after each commit that wrote something, and right after AWS was told to
change something, before its answer. AWS is a process of its own. To play a moment takes a good half second, so by default a few
playbooks have one of them each, always the same; KILL_MOMENTS=all takes every moment of every playbook.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.playbook_cases import APART, CASES
from tests.support.playbook_night import playbooks
from tests.support.snapshot import differences

ALL = os.environ.get("KILL_MOMENTS") == "all"
SHARE = 1
#: Two that take AWS minutes and not a quarter of an hour: a database, a deployment.
BY_DEFAULT = ("database-failover", "restart-service")
pytestmark = [pytest.mark.timeout(3600 if ALL else 300)]
#: Steps that fail once their effect is there, so that the run is taken back from there: the last that has an undo, and one before.
HALF_FAILED: Sequence[tuple[str, str]] = (("rollback-release", "rollback"), ("scale-out", "scale"))
#: Changes that AWS takes twice without a second effect: they carry a token, or set to a value.
SAME_TWICE: Mapping[str, str] = {
    "StartPlanExecution": "the token names the attempt",
    "RegisterScalableTarget": "sets to a value",
}

#: Pages and cards: their lanes stand still, and a playbook takes longer than a page may wait.
_NOT_PLAYED = ("a job is overdue", "a page is due")

Night = Mapping[str, Any]


class Theatre:
    """The shop, laid down once; each request plays nights of one playbook."""

    def __init__(self, folder: Path, template: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.playbook_crash", str(folder), str(template)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def plays(self, **asked: Any) -> list[Night]:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        return [json.loads(line) for line in iter(self.process.stdout.readline, "\n")]


@pytest.fixture(scope="module")
def theatre(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Theatre]:
    made = Theatre(tmp_path_factory.mktemp("theatre"), sqlite_template)
    yield made
    made.process.kill()
    made.process.communicate()


def share_of(playbook: str) -> Mapping[str, int]:
    """Which moments are played. Another share for each playbook, so that together they reach into every phase."""
    return {"every": 1, "first": 0} if ALL else {"share": SHARE, "first": sorted(CASES).index(playbook)}


@pytest.mark.parametrize("playbook", sorted(CASES) if ALL else BY_DEFAULT)
def test_killed_and_resumed_it_ends_as_if_nothing_had_been(theatre: Theatre, playbook: str) -> None:
    before, whole, *killed = theatre.plays(playbook=playbook, **share_of(playbook))
    assert before["standing"]["share"] < 1, "nothing was broken"
    assert whole["status"] == "succeeded", whole["why"]
    assert whole["standing"]["share"] == 1, whole["standing"]
    assert len(killed) >= SHARE
    for night in killed:
        where = f"killed at moment {night['number']} of {len(whole['moments'])}: {night['moment']}"
        assert night["died"], where
        assert night["status"] == "succeeded", f"{where}\n{night['why']}"
        assert (night["states"], night["attempts"]) == (whole["states"], whole["attempts"]), where
        assert night["standing"]["share"] == 1, f"{where}\n{night['standing']}"
        assert changed(whole, night) == {}, where
        assert repeated(whole, night) == {}, where
        assert night["locks"] == [], where
        assert [line for line in night["stuck"] if not line.startswith(_NOT_PLAYED)] == [], where


@pytest.mark.parametrize(("playbook", "step"), HALF_FAILED)
def test_half_done_and_taken_back_all_is_as_it_was(theatre: Theatre, playbook: str, step: str) -> None:
    before, night = theatre.plays(playbook=playbook, fails=step)
    assert night["status"] == "undone", night["why"]
    assert night["states"][step] == "failed"
    assert changed(before, night) == {}


def test_every_shipped_playbook_is_killed() -> None:
    assert CASES.keys() | APART.keys() == playbooks().keys()


def changed(one: Night, other: Night) -> Mapping[str, Any]:
    """What AWS's describe calls say of the shop, where it is not the same."""
    return differences(one["snapshot"], other["snapshot"])


def repeated(whole: Night, night: Night) -> Mapping[str, int]:
    """The changes that AWS has taken more often than in the night that nobody disturbed."""
    more = calls_of(night) - calls_of(whole)
    return {call: count for call, count in more.items() if json.loads(call)["operation"] not in SAME_TWICE}


def calls_of(night: Night) -> Counter[str]:
    return Counter(json.dumps(call, sort_keys=True) for call in night["changes"])
