from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.config import Config
from bot.incident.role_rules import role_problems
from bot.playbook.loading import parse
from escalation.document import read_text
from tests.support.actions import HEAD, STEPS
from tests.support.core import example_people


def told(approval: str, roles: Mapping[str, Any] | None = None) -> list[str]:
    head = HEAD.replace("approval: {people: 1, role: responder, expires: 10m}", approval)
    document = read_text(head + STEPS, Path("mend.yaml"))
    config = Config(roles=roles or {})
    return [str(problem) for problem in role_problems(config, example_people(), [(document, parse(document))])]


@pytest.mark.parametrize(
    ("approval", "roles"),
    [
        ("", {}), ("approval: {people: 4}", {}), ("approval: {people: 0, role: commander}", {"commander": ["mina"]}),
        ("approval: {people: 2}", {"responder": ["mina", "jun"]}),
        ("approval: {people: 2, role: commander}", {"commander": {"on_call": ["primary", "secondary"]}}),
        ("approval: {people: 9, role: commander}", {"commander": {"slack_groups": ["S1"]}}),
    ],
)  # fmt: skip
def test_a_role_that_exists_and_has_enough_people_is_fine(approval: str, roles: Mapping[str, Any]) -> None:
    assert told(approval, roles) == []


def test_a_role_that_lifeboat_yaml_does_not_have_is_told_with_its_place_and_the_nearest() -> None:
    [said] = told("approval: {people: 1, role: comander}", {"commander": ["mina"]})
    assert said.startswith(
        "mend.yaml:7:29: approval.role: lifeboat.yaml has no role comander, so nobody can approve this."
    )
    assert "Did you mean commander?" in said


@pytest.mark.parametrize(
    ("people", "role", "has"),
    [
        (2, ["mina"], 1),
        (2, ["mina", "mina"], 1),
        (3, {"people": ["alex", "sofia"], "on_call": ["secondary"]}, 2),
        (2, {"on_call": ["primary"]}, 1),  # nobody shares a shift
    ],
)
def test_a_role_with_too_few_people_is_told(people: int, role: Any, has: int) -> None:
    [said] = told(f"approval: {{people: {people}, role: commander}}", {"commander": role})
    assert said.startswith(
        f"mend.yaml:7:20: approval.people: {people} people must approve this, and the role commander has {has}."
    )


def test_everybody_in_people_yaml_may_still_be_too_few() -> None:
    assert "the role responder has 4" in told("approval: {people: 5}")[0]
