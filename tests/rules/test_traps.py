"""Rule: each known trap of AWS's recovery calls is held by a test, and none is named that is not there."""

import ast
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
TRAPS: dict[str, list[dict[str, Any]]] = yaml.safe_load((ROOT / "tests/traps.yaml").read_text())
#: What a recovery is made of, tier by tier.
ACTIONS = {
    "every action",
    "ecs.restart_service", "ecs.rollback_task_definition", "ecs.scale_out", "ecs.stop_bad_tasks", "alb.shift_target_group",
    "dynamodb.restore_pitr", "dynamodb.cutover_pointer", "dynamodb.copy_back", "dynamodb.restore_backup",
    "dynamodb.undelete_table", "dynamodb.export_for_diff",
    "backup.restore_recovery_point", "backup.copy_recovery_point", "backup.restore_test",
    "s3.undelete", "s3.rollback_prefix_as_of", "rds.failover_cluster", "rds.restore_pitr", "elasticache.fail_primary",
    "az.assess", "az.shift_traffic", "az.evacuate_ecs", "az.evacuate_asg", "az.move_writers", "az.restore",
    "region.preflight", "region.scale_dr", "region.fence_primary", "data.promote", "traffic.routing_control",
    "traffic.region_switch_plan", "traffic.health_check_flip", "traffic.weighted_records", "region.verify", "region.failback",
}  # fmt: skip
EACH = [pytest.param(trap, id=f"{action}: {trap['trap']}") for action, traps in TRAPS.items() for trap in traps]


@cache
def collected_from(file: str) -> frozenset[str]:
    """The names of the tests that pytest collects from a file, read and not run."""
    tree = ast.parse((ROOT / file).read_text())
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(function.name for function in functions if function.name.startswith("test_"))


def test_no_action_is_forgotten_and_none_is_made_up() -> None:
    assert TRAPS.keys() == ACTIONS
    assert all(TRAPS.values())


def test_no_trap_stands_there_twice() -> None:
    named = [(action, trap["trap"]) for action, traps in TRAPS.items() for trap in traps]
    assert len(named) == len(set(named))


@pytest.mark.parametrize("trap", EACH)
def test_a_trap_has_tests_that_are_there_or_a_reason(trap: dict[str, Any]) -> None:
    assert set(trap) in ({"trap", "tests"}, {"trap", "apart"})
    assert all(trap.values())
    for named in trap.get("tests", ()):
        file, name = named.split("::")
        assert (ROOT / file).is_file(), named
        assert name in collected_from(file), named
