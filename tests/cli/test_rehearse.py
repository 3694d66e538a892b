"""`lifeboat rehearse`: what can be broken, what cannot be meant, and one rehearsal from the fault to the verdict."""

import json
from pathlib import Path

import pytest

from bot.rehearsal.breakages import KINDS
from bot.rehearsal.stories import STORIES
from tests.cli.conftest import Command


def test_it_lists_what_can_be_broken(lifeboat: Command) -> None:
    said = lifeboat("rehearse", "--list")
    assert said.status == 0
    assert [line.split("\t")[0] for line in said.out.splitlines()] == [kind.written for kind in KINDS.values()]


def test_it_lists_what_can_be_broken_for_programs(lifeboat: Command) -> None:
    listed = lifeboat("rehearse", "--list", "--json").json
    assert {one["kind"] for one in listed} == KINDS.keys()
    assert next(one for one in listed if one["kind"] == "zone")["alarm"] == "zone-impaired"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "PLAYBOOK"),
        (["evacuate-zone", "--input", "zone"], "--input name=value"),
        (["evacuate-zone", "--answer", "maybe"], "maybe"),
        (["evacuate-zone", "--people", "0"], "greater than or equal to 1"),
        (["evacuate-zone", "--people", "11"], "less than or equal to 10"),
    ],
)
def test_wrong_usage_is_told_and_starts_nothing(lifeboat: Command, words: list[str], said: str) -> None:
    answer = lifeboat("rehearse", *words)
    assert answer.status == 2
    assert said in answer.err


def test_what_cannot_be_broken_is_told_before_anything_is_laid_down(lifeboat: Command) -> None:
    said = lifeboat("rehearse", "restart-service", "--break", "zoen:use1-az1")
    assert said.status == 1
    assert "Did you mean zone?" in said.err


def test_a_rehearsal_that_passes_says_what_it_took(lifeboat: Command, place: Path) -> None:
    """The reader's own AWS, as `place` has it, is never asked: nothing listens there."""
    said = lifeboat("rehearse", "restart-service", "--json")
    assert said.status == 0, said.err
    verdict = said.json
    assert (verdict["playbook"], verdict["status"], verdict["passed"], verdict["problems"]) == (
        "restart-service", "succeeded", True, [],
    )  # fmt: skip
    assert 0 < verdict["rto_seconds"] <= verdict["targets"]["rto_seconds"]
    assert verdict["lost"] == []
    assert {"restart-service/restart", "restart-service/steady"} <= verdict["steps"].keys()
    assert not list(place.glob("*"))


def test_a_playbook_that_there_is_not_is_told_before_anything_is_laid_down(lifeboat: Command) -> None:
    said = lifeboat("rehearse", "evacuate-zoen")
    assert said.status == 1
    assert "There is no playbook named evacuate-zoen. Known:" in said.err


def test_a_playbook_of_ones_own_can_be_rehearsed_and_a_rehearsal_that_fails_says_why(
    lifeboat: Command, place: Path
) -> None:
    own = {
        "name": "look", "title": {"en": "Look", "ko": "보기"}, "tier": 1, "targets": {"rto": "5m", "rpo": "0s"},
        "steps": [{"id": "look", "check": "ecs.service_steady", "with": {"cluster": "shop", "service": "web"}}],
    }  # fmt: skip
    (place / "own").mkdir()
    (place / "own" / "look.yaml").write_text(json.dumps(own))
    (place / "lifeboat.yaml").write_text(json.dumps({"playbook_folders": ["own"]}))
    said = lifeboat("rehearse", "look", "--break", "table:orders")
    assert said.status == 1
    assert "A bad release corrupts 20 items of orders." in said.out
    assert "Not passed:  The shop does not answer every request again." in said.out
    assert "RTO          not well again (promised: 5 min)" in said.out


def test_every_story_is_json_and_breaks_what_there_is() -> None:
    for name, story in STORIES.items():
        assert json.loads(json.dumps(dict(story.inputs))) == story.inputs
        assert {text.partition(":")[0] for text in story.breaks} <= KINDS.keys(), name
