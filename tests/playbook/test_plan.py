import json
from collections.abc import Mapping
from typing import Any

import pytest

from bot.errors import ActionFailed, phrase
from bot.playbook.action import Call, Change, StepPlan
from bot.playbook.inputs import fill
from bot.playbook.model import Step
from bot.playbook.plan import Plan, from_json, plan_hash, to_json
from bot.playbook.planning import assemble
from tests.playbook.sample import HEAD, STEPS, context, playbook

COPY = StepPlan(
    calls=(Call("dynamodb", "RestoreTableToPointInTime", {"TargetTableName": "orders-copy"}, "eu-west-1"),),
    changes=(Change(phrase("table"), None, "orders-copy"),),
    warnings=(phrase("About {count} items.", count=3),),
)


def asked(step: Step, _: Mapping[str, Any]) -> StepPlan:
    return COPY if step.id == "restore" else StepPlan()


def planned(plan_step: Any = asked, **given: str) -> Plan:
    book = playbook()
    return assemble(book, context(), fill(book, context(), given).values, plan_step)


def step(plan: Plan, name: str) -> Any:
    return next(one for one in plan.steps if one.step == name)


def test_what_only_an_earlier_step_can_say_stands_as_a_placeholder_and_is_not_asked_for() -> None:
    seen = []

    def plan_step(step: Step, given: Mapping[str, Any]) -> StepPlan:
        seen.append(step.id)
        return asked(step, given)

    plan = planned(plan_step)
    assert seen == ["window", "restore"]
    assert step(plan, "compare").parameters == {"left": "orders", "right": "\u2039steps.restore.table\u203a"}
    assert step(plan, "compare").unknown == ("steps.restore.table",)
    assert plan.problems == {}


def test_an_output_that_is_foreseen_fills_in_the_later_steps() -> None:
    plan = planned(lambda step, _: StepPlan(foreseen={"table": "orders-copy"} if step.id == "restore" else {}))
    assert step(plan, "cut-over").parameters == {"name": "/shop/table", "value": "orders-copy"}
    assert step(plan, "cut-over").unknown == ()


def test_what_does_not_exist_yet_cannot_refuse_the_plan() -> None:
    def plan_step(step: Step, _: Mapping[str, Any]) -> StepPlan:
        if step.id == "restore":
            return StepPlan(foreseen={"table": "orders-copy"})
        if step.id == "window":
            return StepPlan()
        assert step.id == "cut-over", "a check cannot look at what is not there yet"
        raise ActionFailed(phrase("There is no table orders-copy."))

    plan = planned(plan_step)
    assert plan.problems == {}
    assert "There is no table orders-copy." in str(step(plan, "cut-over").plan.warnings[0])


def test_only_the_unknown_part_of_a_text_is_a_placeholder() -> None:
    text = STEPS.replace('right: "{{ steps.restore.table }}"', "right: \"{{ table }}-{{ steps.restore.table ~ 'x' }}\"")
    book = playbook(HEAD + text)
    plan = assemble(book, context(), fill(book, context()).values, asked)
    assert step(plan, "compare").parameters["right"] == "orders-\u2039steps.restore.table ~ 'x'\u203a"


def test_a_step_that_cannot_be_planned_says_why_and_the_others_are_planned() -> None:
    def refuses(step: Step, given: Mapping[str, Any]) -> StepPlan:
        if step.id == "window":
            raise ActionFailed(phrase("Recovery is off."))
        return asked(step, given)

    plan = planned(refuses)
    assert {name: str(why) for name, why in plan.problems.items()} == {"window": "Recovery is off."}
    assert step(plan, "restore").plan == COPY


def test_a_context_that_lacks_something_is_a_problem_of_the_step_that_needs_it() -> None:
    book = playbook()
    plan = assemble(book, context(service=None), {"table": "orders", "at": None}, asked)
    assert list(plan.problems) == ["cut-over"]


def test_a_plan_survives_json() -> None:
    plan = planned()
    assert from_json(json.loads(json.dumps(to_json(plan)))) == plan
    assert plan_hash(from_json(json.loads(json.dumps(to_json(plan))))) == plan_hash(plan)


def test_the_hash_does_not_move_with_the_figures_in_a_warning() -> None:
    def more(step: Step, given: Mapping[str, Any]) -> StepPlan:
        plan = asked(step, given)
        warnings = tuple(phrase(w.message, count=4) for w in plan.warnings)
        return StepPlan(plan.calls, plan.changes, warnings)

    assert plan_hash(planned(more)) == plan_hash(planned())


@pytest.mark.parametrize(
    "other",
    [
        StepPlan(COPY.calls, COPY.changes, (phrase("A new risk."),)),
        StepPlan((*COPY.calls, *COPY.calls), COPY.changes, COPY.warnings),
        StepPlan(COPY.calls, (Change(phrase("table"), "old", "orders-copy"),), COPY.warnings),
        StepPlan((Call("dynamodb", COPY.calls[0].operation, {}, "eu-west-1"),), COPY.changes, COPY.warnings),
        StepPlan(
            (Call("dynamodb", COPY.calls[0].operation, COPY.calls[0].parameters, "x"),), COPY.changes, COPY.warnings
        ),
    ],
)
def test_anything_that_would_be_done_otherwise_changes_the_hash(other: StepPlan) -> None:
    assert plan_hash(planned(lambda step, _: other if step.id == "restore" else StepPlan())) != plan_hash(planned())


def test_another_input_or_another_playbook_changes_the_hash() -> None:
    assert plan_hash(planned(table="other")) != plan_hash(planned())
    book = playbook((HEAD + STEPS).replace("Tell the owners", "Do not tell the owners"))
    changed = assemble(book, context(), fill(book, context()).values, asked)
    assert plan_hash(changed) != plan_hash(planned())


def test_the_hash_is_the_same_whatever_the_readers_zone() -> None:
    book = playbook()
    seoul = fill(book, context(), {"at": "12:00"}, "Asia/Seoul").values
    rome = fill(book, context(), {"at": "04:00"}, "Europe/Rome").values
    assert plan_hash(assemble(book, context(), seoul, asked)) == plan_hash(assemble(book, context(), rome, asked))
