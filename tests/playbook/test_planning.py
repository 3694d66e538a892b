"""What a plan says of conditions, elements, regions, room, and what may still be left out."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.errors import ActionFailed, phrase
from bot.playbook.action import Call, Need, StepPlan
from bot.playbook.forecast import Spread
from bot.playbook.model import Step
from bot.playbook.plan import Plan, PlannedStep, from_json, plan_hash, planned_step, same_calls, to_json, touches
from bot.playbook.planning import assemble
from tests.playbook.sample import context, with_steps

LIST = """\
  - id: move
    action: pointer.put
    for_each: {in: [a, b, c], as: name, batch: 2}
    with: {name: "{{ name }}", value: "{{ table }}"}
"""
MAYBE = """\
  - id: look
    check: table.window
    with: {table: "{{ table }}"}
  - id: restore
    when: "%s"
    action: table.restore
    with: {table: "{{ table }}"}
  - id: cut-over
    needs: [restore]
    action: pointer.put
    with: {name: p, value: "{{ steps.restore.table | default('orders') }}"}
"""


def put(step: Step, given: Mapping[str, Any]) -> StepPlan:
    """One call in the step's region, which touches what it names."""
    if step.check:
        return StepPlan()
    name = str(given.get("name") or given.get("table"))
    call = Call("ssm", "PutParameter", {"Name": name}, step.region or "")
    return StepPlan((call,), touches=(f"ssm:{step.region}:{name}",), foreseen={"table": "copy"})


def planned(steps: str, plan_step: Any = put, failing: str = "", **more: Any) -> Plan:
    world = context(failing=failing)
    return assemble(with_steps(steps), world, {"table": "orders", **more.pop("values", {})}, plan_step, **more)


def names(plan: Plan) -> list[str]:
    return [call.parameters["Name"] for row in plan.rows for call in row.plan.calls]


def of(plan: Plan, row: str) -> PlannedStep:
    found = planned_step(plan, row)
    assert found is not None
    return found


def test_a_known_list_has_one_plan_for_each_item() -> None:
    asked = []
    plan = planned(LIST, lambda step, given: asked.append(step.id) or put(step, given))
    assert asked == ["move[0]", "move[1]", "move[2]"]
    assert names(plan) == ["a", "b", "c"]
    assert of(plan, "move[1]").parameters == {"name": "b", "value": "orders"}
    assert [element.item for element in of(plan, "move").elements] == ["a", "b", "c"]
    assert from_json(to_json(plan)) == plan
    assert of(plan, "move").parameters == {"name": "\u2039name\u203a", "value": "orders"}
    assert touches(plan) == ("ssm:eu-west-1:a", "ssm:eu-west-1:b", "ssm:eu-west-1:c")


def test_a_list_that_only_an_earlier_step_can_say_stands_as_it_is_written() -> None:
    plan = planned(
        "  - {id: look, check: table.window, with: {table: t}}\n"
        + LIST.replace("[a, b, c]", '"{{ steps.look.names }}"')
    )
    assert (of(plan, "move").elements, of(plan, "move").listed) == ((), False)
    assert "steps.look.names" in of(plan, "move").unknown
    assert names(plan) == []


def test_an_empty_list_is_known_and_does_nothing() -> None:
    plan = planned(LIST.replace("[a, b, c]", '"{{ names }}"'), values={"names": []})
    assert of(plan, "move").listed
    assert (names(plan), plan.problems) == ([], {})


def test_what_is_no_list_is_the_steps_problem() -> None:
    plan = planned(LIST.replace("[a, b, c]", '"{{ names }}"'), values={"names": "a"})
    assert "needs a list" in str(plan.problems["move"])


def test_an_element_that_cannot_be_planned_says_which() -> None:
    def refuses(step: Step, given: Mapping[str, Any]) -> StepPlan:
        if given["name"] == "b":
            raise ActionFailed(phrase("There is no b."))
        return put(step, given)

    plan = planned(LIST, refuses)
    assert {row: str(why) for row, why in plan.problems.items()} == {"move[1]": "There is no b."}
    assert names(plan) == ["a", "c"]


def test_a_step_whose_condition_is_false_has_no_calls_and_leaves_only_defaults_behind() -> None:
    plan = planned(MAYBE % "{{ table == 'carts' }}")
    assert of(plan, "restore").left_out
    assert of(plan, "cut-over").parameters["value"] == "orders"
    assert names(plan) == ["p"]


def test_a_step_whose_condition_holds_is_planned_like_any_other() -> None:
    plan = planned(MAYBE % "{{ table == 'orders' }}")
    assert of(plan, "restore").holds is True
    assert of(plan, "cut-over").parameters["value"] == "copy"
    assert names(plan) == ["orders", "p"]


def test_a_step_that_may_be_left_out_is_planned_and_foresees_nothing() -> None:
    plan = planned(MAYBE % "{{ steps.look.latest > 3 }}")
    assert of(plan, "restore").conditional
    assert of(plan, "restore").when == "{{ steps.look.latest > 3 }}"
    assert of(plan, "cut-over").unknown == ("steps.restore.table",)
    assert names(plan) == ["orders"]


def test_what_may_be_left_out_cannot_refuse_the_plan() -> None:
    def refuses(step: Step, given: Mapping[str, Any]) -> StepPlan:
        if step.id == "restore":
            raise ActionFailed(phrase("There is no table."))
        return put(step, given)

    plan = planned(MAYBE % "{{ steps.look.latest > 3 }}", refuses)
    assert plan.problems == {}
    assert "There is no table." in str(of(plan, "restore").plan.warnings[0])
    assert "restore" in planned(MAYBE % "{{ true }}", refuses).problems


def test_a_condition_that_is_neither_true_nor_false_is_a_problem() -> None:
    assert "true or false" in str(planned(MAYBE % "{{ table }}").problems["restore"])


CHANGE = "  - {id: go, action: pointer.put, with: {name: p, value: v}%s}\n"


def test_a_step_is_planned_in_its_own_region() -> None:
    assert of(planned(CHANGE % ', region: "us-{{ table }}"'), "go").region == "us-orders"
    assert of(planned(CHANGE % ""), "go").plan.calls[0].region == "eu-west-1"


def test_nothing_may_call_the_region_that_is_failing() -> None:
    plan = planned(CHANGE % ", region: us-east-1", failing="us-east-1")
    assert "us-east-1, which is failing" in str(plan.problems["go"])
    elsewhere = StepPlan((Call("ssm", "PutParameter", {}, "us-east-1"),))
    assert "go" in planned(CHANGE % "", lambda *_: elsewhere, failing="us-east-1").problems
    assert planned(CHANGE % "", failing="us-east-1").problems == {}


def test_best_effort_may_call_the_region_that_is_failing_and_refuses_no_plan() -> None:
    best = CHANGE % ", region: us-east-1, best_effort: true"
    assert planned(best, failing="us-east-1").problems == {}

    def unreachable(*_: Any) -> StepPlan:
        raise ActionFailed(phrase("No answer."))

    plan = planned(best, unreachable, failing="us-east-1")
    assert plan.problems == {}
    assert "No answer." in str(of(plan, "go").plan.warnings[0])


@pytest.mark.parametrize(("available", "refused"), [(2.0, False), (1.9, True), (None, False)])
def test_more_needed_than_there_is_refuses_the_plan(available: float | None, refused: bool) -> None:
    plan = planned(CHANGE % "", lambda *_: StepPlan(needs=(Need(phrase("vCPUs"), 2.0, available),)))
    assert bool(plan.problems) == refused


def test_a_call_that_aws_would_not_take_refuses_the_plan_and_is_shown() -> None:
    plan = planned(CHANGE % "", call_problems=lambda call: [phrase("{n}?", n=call.operation)])
    assert str(plan.problems["go"]) == "PutParameter?"
    assert names(plan) == ["p"]


def test_the_whole_plan_sums_up_its_steps() -> None:
    plans = iter([
        StepPlan(loses=timedelta(minutes=1), cost=Decimal("0.10"), disturbs=(phrase("all"),)),
        StepPlan(loses=timedelta(minutes=4), disturbs=(phrase("all"),)),
        StepPlan(cost=Decimal("0.25")),
    ])  # fmt: skip
    plan = planned(LIST, lambda *_: next(plans))
    assert (plan.loses, plan.cost, [str(d) for d in plan.disturbs]) == (timedelta(minutes=4), Decimal("0.35"), ["all"])
    nothing = planned(LIST, lambda *_: StepPlan())
    assert (nothing.loses, nothing.cost, nothing.disturbs) == (None, None, ())


def test_the_marks_of_the_playbook_are_shown() -> None:
    marked = CHANGE % ", irreversible: gone is gone, break_glass: true"
    step = of(planned(marked), "go")
    assert (step.irreversible, step.break_glass, step.undo) == ({"en": "gone is gone"}, True, None)
    undone = of(planned(CHANGE % ", undo: {action: pointer.put, with: {name: p, value: old}}"), "go")
    assert undone.undo == "pointer.put"


def whole() -> Plan:
    plan = planned(LIST + MAYBE % "{{ steps.look.latest > 3 }}")
    seen = Spread(timedelta(minutes=3), timedelta(minutes=9), 4, stated=False)
    return replace(plan, missing=("ssm:PutParameter",), unchecked=phrase("{x}?", x=1), duration=seen, untimed=("look",))


def test_a_whole_plan_survives_json() -> None:
    assert from_json(json.loads(json.dumps(to_json(whole())))) == whole()
    assert plan_hash(from_json(json.loads(json.dumps(to_json(whole()))))) == plan_hash(whole())


def test_a_plan_that_an_earlier_version_stored_can_still_be_read() -> None:
    old = to_json(planned(CHANGE % ""))
    new = {"missing", "unchecked", "duration", "untimed", "valid_for"}
    kept = {"step", "kind", "uses", "parameters", "unknown", "plan", "problem"}
    steps = [{name: value for name, value in step.items() if name in kept} for step in old["steps"]]
    read = from_json({**{name: value for name, value in old.items() if name not in new}, "steps": steps})
    assert names(read) == ["p"]
    assert (read.duration, read.missing, read.steps[0].region) == (None, (), "")
    assert same_calls(read.steps[0], StepPlan())


def agreed(**fields: Any) -> str:
    return plan_hash(planned(CHANGE % "", lambda *_: StepPlan(**fields)))


def test_what_moves_by_itself_does_not_change_the_hash() -> None:
    need = phrase("vCPUs of {n}", n=3)
    was = agreed(needs=(Need(need, 2, 3),), disturbs=(phrase("{n} of {s}", n=1, s="web"),))
    now = agreed(
        needs=(Need(phrase("vCPUs of {n}", n=4), 2, 9),), disturbs=(phrase("{n} of {s}", n=2, s="web"),),
        loses=timedelta(1), cost=Decimal(3),
    )  # fmt: skip
    assert now == was
    duration = replace(whole(), duration=None, untimed=(), unchecked=None)
    assert plan_hash(duration) == plan_hash(whole())


@pytest.mark.parametrize(
    "fields",
    [
        {"needs": (Need(phrase("vCPUs"), 3, 3),)},
        {"disturbs": (phrase("{s}", s="api"),)},
        {"touches": ("ssm:eu-west-1:q",)},
    ],
)
def test_what_a_person_agrees_to_changes_the_hash(fields: Any) -> None:
    was = {"needs": (Need(phrase("vCPUs"), 2, 3),), "disturbs": (phrase("{s}", s="web"),), "touches": ("ssm:x:p",)}
    assert agreed(**{**was, **fields}) != agreed(**was)


def test_a_permission_that_is_missing_now_or_another_region_or_item_changes_the_hash() -> None:
    assert plan_hash(replace(whole(), missing=())) != plan_hash(whole())
    assert plan_hash(planned(CHANGE % ", region: x")) != plan_hash(planned(CHANGE % ", region: y"))
    one, other = (planned(LIST.replace("[a, b, c]", '"{{ n }}"'), values={"n": n}) for n in (["a"], ["a", "b"]))
    assert plan_hash(one) != plan_hash(other)


def test_a_step_that_would_call_something_else_than_approved_is_found_out() -> None:
    approved = of(planned(CHANGE % ""), "go")
    call = approved.plan.calls[0]
    assert same_calls(approved, approved.plan)
    for other in (
        replace(call, operation="DeleteParameter"), replace(call, region="x"), replace(call, parameters={"Name": "q"})
    ):  # fmt: skip
        assert not same_calls(approved, StepPlan((other,)))
    assert not same_calls(replace(approved, plan=StepPlan()), StepPlan((call,)))


def test_fewer_calls_another_token_and_a_plan_out_of_the_store_are_the_same() -> None:
    call = Call("ssm", "StartX", {"Name": ("a", {"b": 1}), "ClientToken": "run/go/1"})
    plan = planned(CHANGE % "", lambda *_: StepPlan((call, replace(call, operation="StopX"))))
    stored = of(from_json(json.loads(json.dumps(to_json(plan)))), "go")
    again = replace(call, parameters={**call.parameters, "ClientToken": "run/go/2"})
    assert same_calls(stored, StepPlan((again,)))


def test_a_comment_that_names_the_attempt_is_the_same_in_the_next_attempt_and_no_other_is() -> None:
    call = Call("arc-zonal-shift", "StartZonalShift", {"awayFrom": "use1-az1", "comment": "Lifeboat i1 run/go/1"})
    approved = of(planned(CHANGE % "", lambda *_: StepPlan((call,))), "go")
    again = replace(call, parameters={**call.parameters, "comment": "Lifeboat i1 run/go/12"})
    assert same_calls(approved, StepPlan((again,)), "run/go")
    assert not same_calls(approved, StepPlan((again,)), "run/other")
    elsewhere = replace(again, parameters={**again.parameters, "awayFrom": "use1-az2"})
    assert not same_calls(approved, StepPlan((elsewhere,)), "run/go")


def test_what_an_earlier_step_of_the_run_changes_is_not_compared() -> None:
    plan = planned(CHANGE % "" + (CHANGE % "").replace("go", "again"))
    assert of(plan, "go").fixed
    assert not of(plan, "again").fixed
    assert same_calls(of(plan, "again"), StepPlan((Call("ssm", "Other", {}),)))


def test_what_nobody_knew_at_the_time_is_not_compared() -> None:
    plan = planned(MAYBE % "{{ steps.look.latest > 3 }}")
    other = StepPlan((Call("ssm", "Other", {}),))
    assert same_calls(of(plan, "cut-over"), other)
    assert same_calls(of(plan, "restore"), other)
    assert same_calls(None, other)
    assert planned_step(plan, "move[7]") is None


def test_only_the_element_that_is_not_there_yet_is_unknown() -> None:
    plan = planned(LIST)
    assert not same_calls(of(plan, "move[0]"), of(plan, "move[1]").plan)
    assert same_calls(of(plan, "move[1]"), of(plan, "move[1]").plan)
