"""Every action says what it changes, so that no two runs change the same thing at once."""

import ast
import inspect
import sys
from collections.abc import Iterator

import pytest

from bot.aws import ACTIONS


@pytest.mark.parametrize("name", ACTIONS)
def test_a_plan_with_calls_says_which_resources_they_touch(name: str) -> None:
    with_calls = [plan for plan in step_plans(name) if "calls" in plan]
    assert with_calls, "no plan of this module shows a call"
    assert all("touches" in plan for plan in with_calls)


def step_plans(name: str) -> Iterator[set[str]]:
    """The fields of each `StepPlan(...)` in the action's module; calls may be given by position."""
    module = sys.modules[type(ACTIONS[name]).__module__]
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        match node:
            case ast.Call(func=ast.Name(id="StepPlan"), args=args, keywords=keywords):
                yield {keyword.arg or "" for keyword in keywords} | ({"calls"} if args else set())
