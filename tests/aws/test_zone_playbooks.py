"""What evacuate-zone and return-to-zone promise by how they are written: the order, the batches, the way back."""

from pathlib import Path

import pytest

from bot.playbook.graph import order
from bot.playbook.loading import load

PLAYBOOKS = load(Path(__file__).parents[2] / "playbooks")
AWAY, BACK = PLAYBOOKS["evacuate-zone"], PLAYBOOKS["return-to-zone"]
PLACES = (*AWAY.steps, *BACK.steps)


def before(playbook: str, earlier: str, later: str) -> bool:
    """Whether one step surely ends before another begins."""
    steps = list(PLAYBOOKS[playbook].steps)
    needed, todo = set[str](), [later]
    while todo:
        name = todo.pop()
        number = next(at for at, step in enumerate(steps) if step.id == name)
        needs = steps[number].needs
        found = needs if needs is not None else (steps[number - 1].id,) if number else ()
        todo += [one for one in found if one not in needed]
        needed |= set(found)
    return earlier in needed


def test_looking_comes_first_and_the_shift_before_anything_that_takes_minutes() -> None:
    assert order(AWAY)[0] == "assess"
    for later in ("services", "groups", "writer", "primary"):
        assert before("evacuate-zone", "evacuate", later)
        assert before("evacuate-zone", "possible", later)


def test_services_and_groups_move_side_by_side() -> None:
    assert not before("evacuate-zone", "services", "groups")
    assert not before("evacuate-zone", "groups", "services")


def test_a_batch_of_services_pauses_at_the_first_failure() -> None:
    for step in PLACES:
        if step.for_each:
            assert step.for_each.stop_after == 1, step.id
    rule = AWAY.step("services").for_each
    assert rule is not None
    assert rule.batch == 2


def test_what_is_left_is_looked_at_and_then_the_application_is_asked() -> None:
    assert before("evacuate-zone", "services", "left")
    assert before("evacuate-zone", "groups", "left")
    assert order(AWAY)[-1] == "answers"


def test_traffic_comes_back_only_to_what_is_healthy_and_after_a_persons_word() -> None:
    for later in ("groups", "services", "healthy", "traffic", "balancers", "balance"):
        assert before("return-to-zone", "agree", later)
    for earlier in ("groups", "services", "healthy"):
        assert before("return-to-zone", earlier, "traffic")
    assert before("return-to-zone", "traffic", "balance")  # ECS balances zones again last
    assert BACK.step("services").parameters["rebalance"] is False
    assert "rebalance" not in BACK.step("balance").parameters


def test_the_two_ways_exclude_each_other() -> None:
    assert (AWAY.excludes, BACK.excludes) == (("return-to-zone",), ("evacuate-zone",))


@pytest.mark.parametrize("step", [one for one in PLACES if one.action], ids=lambda one: one.id)
def test_every_change_says_its_way_back(step: object) -> None:
    assert getattr(step, "undo", None) or getattr(step, "irreversible", None)


def test_what_dr_evacuate_fills_in_keeps_its_names() -> None:
    assert {"zone", "load_balancers"} <= set(AWAY.inputs)
    assert not any(AWAY.inputs[name].required for name in AWAY.inputs if name not in {"zone", "expires_in", "anyway"})
