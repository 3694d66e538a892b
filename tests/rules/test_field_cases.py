"""Rule: every case in which another tool failed its users has a test here, or a reason why it does not concern us."""

import ast
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CASES: dict[int, dict[str, Any]] = yaml.safe_load((ROOT / "tests/field_cases.yaml").read_text())
#: Of channels and limits in Slack, of pages, of runbook engines, and of Slack's own transport.
ROWS = {*range(1, 49), *range(56, 69)}


@cache
def collected_from(file: str) -> frozenset[str]:
    """The names of the tests that pytest collects from a file, read and not run."""
    tree = ast.parse((ROOT / file).read_text())
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(function.name for function in functions if function.name.startswith("test_"))


def test_no_case_is_forgotten_and_none_is_made_up() -> None:
    assert set(CASES) == ROWS


@pytest.mark.parametrize("number", CASES)
def test_a_case_has_tests_or_a_reason_and_never_both(number: int) -> None:
    case = CASES[number]
    assert set(case) in ({"reported", "wrong", "tests"}, {"reported", "wrong", "not_yet"})
    assert all(case.values())


@pytest.mark.parametrize("number", [number for number, case in CASES.items() if "tests" in case])
def test_no_case_names_a_test_that_is_not_there(number: int) -> None:
    for named in CASES[number]["tests"]:
        file, name = named.split("::")
        assert (ROOT / file).is_file(), named
        assert name in collected_from(file), named
