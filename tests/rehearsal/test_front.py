"""The shipped playbooks for a zone and for a region, played against the emulated AWS step by step.

The parameters come from the YAML, the calls from the actions, the effect is what AWS says afterwards.
"""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.aws import ACTIONS, CHECKS
from bot.playbook.action import Done, Failed
from bot.playbook.loading import load
from bot.playbook.model import Playbook
from bot.playbook.template import evaluate
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.emulator import EmulatedAws
from bot.rehearsal.front import LOAD_BALANCERS, OTHER_REGION, REGION, Front
from tests.aws.rehearsed import Cloud, Step

PLAYBOOKS = load(Path(__file__).parents[2] / "playbooks")


@pytest.fixture
def front() -> Iterator[Front]:
    aws = EmulatedAws(clock=Clock(start=datetime(2026, 11, 23, 3, tzinfo=UTC)))
    asyncio.run(aws.__aenter__())
    built = Front(aws)
    built.build()
    aws.calls.clear()
    yield built
    asyncio.run(aws.__aexit__(None, None, None))


def steps(playbook: Playbook, id_: str, values: Mapping[str, Any], cloud: Cloud, *, undo: bool = False) -> list[Step]:
    """The step, or each element of it, with the parameters that the YAML gives it."""
    written = playbook.step(id_)
    uses, templates = (
        (written.undo, written.undo.parameters) if undo and written.undo else (written, written.parameters)
    )
    action = ACTIONS[str(uses.action)] if uses.action else CHECKS[str(written.check)]
    rule = written.for_each
    items = [{rule.name: item} for item in evaluate(rule.items, values)] if rule else [{}]
    given = [evaluate(templates, {**values, **item}) for item in items]
    return [Step(action, action.facts.params.model_validate(one), cloud) for one in given]


def look(step: Step) -> Any:
    return step.wait(step.look())


def test_a_zone_is_evacuated_and_comes_back(front: Front) -> None:
    bad = front.zones["us-east-1a"]
    front.aws.zonal_shifts.sicken_zone(bad)
    playbook, cloud = PLAYBOOKS["evacuate-zone"], Cloud(front.aws)
    values = {"zone": "us-east-1a", "load_balancers": list(LOAD_BALANCERS), "expires_in": timedelta(hours=1)}

    [check] = steps(playbook, "possible", values, cloud)
    assert isinstance(look(check), Done)
    for step in steps(playbook, "evacuate", values, cloud):
        assert step.plan().calls
        step.act()  # the process dies here; whoever takes over acts again
        assert isinstance(step.wait(step.act(again=True)), Done)
    assert all(front.weights(name)[bad] == 0 for name in LOAD_BALANCERS)
    assert cloud.changes("arc-zonal-shift") == ["StartZonalShift"] * 2

    for step in reversed(steps(playbook, "evacuate", values, cloud, undo=True)):
        assert isinstance(step.run(), Done)
    assert all(set(front.weights(name).values()) == {1} for name in LOAD_BALANCERS)


def test_two_bad_zones_are_not_evacuated_one_into_the_other(front: Front) -> None:
    for name in ("us-east-1a", "us-east-1b"):
        front.aws.zonal_shifts.sicken_zone(front.zones[name])
    playbook, cloud = PLAYBOOKS["evacuate-zone"], Cloud(front.aws)
    values = {"zone": "us-east-1a", "load_balancers": list(LOAD_BALANCERS), "expires_in": timedelta(hours=1)}
    [check] = steps(playbook, "possible", values, cloud)
    assert isinstance(look(check), Failed)
    assert all(isinstance(step.act(), Failed) for step in steps(playbook, "evacuate", values, cloud))
    assert cloud.changes("arc-zonal-shift") == []


def test_the_region_is_switched_while_the_old_one_is_dead_and_switched_back_when_it_lives(front: Front) -> None:
    dead = front.aws.faults.cut(region=REGION)
    there = Cloud(front.aws, OTHER_REGION)
    values = {"plan": front.plan, "to": OTHER_REGION, "away_from": REGION, "mode": "ungraceful"}
    playbook = PLAYBOOKS["switch-region"]
    [ready] = steps(playbook, "ready", values, there)
    assert isinstance(look(ready), Done)
    [switch] = steps(playbook, "switch", values, there)
    assert switch.plan().calls
    switch.act()
    assert isinstance(switch.run(["yes"]), Done)
    assert {call.region for call in front.aws.calls} == {OTHER_REGION}
    [execution] = front.aws.region_switch.executions(front.plan, OTHER_REGION)
    assert execution.state == "completed"

    dead.clear()
    home = Cloud(front.aws, REGION)
    [back] = steps(PLAYBOOKS["switch-region-back"], "switch", {"plan": front.plan, "to": REGION}, home)
    back.run_id = "run-2"
    assert isinstance(back.run(["yes"]), Done)
    [execution] = front.aws.region_switch.executions(front.plan, REGION)
    assert (execution.state, execution.request["mode"]) == ("completed", "graceful")


def test_the_two_ways_exclude_each_other() -> None:
    assert PLAYBOOKS["switch-region"].excludes == ("switch-region-back",)
    assert PLAYBOOKS["switch-region-back"].excludes == ("switch-region",)
