from datetime import timedelta
from typing import Annotated, Any

import pytest
from pydantic import Field

from bot.errors import Refused
from bot.language import Words
from bot.playbook.action import Params
from bot.playbook.model import Step
from bot.playbook.rendering import MOST_ELEMENTS, bind, elements, holds, parameters, step_region, undo_parameters
from bot.playbook.template import BadTemplate
from escalation.duration import Duration
from tests.playbook.sample import OneTable, context


class ForAWhile(Params):
    length: Annotated[Duration, Field(le=timedelta(hours=72))]


def step(**more: Any) -> Step:
    return Step.model_validate({"id": "move", "action": "table.restore", **more})


OVER = {"restore": {"table": "orders-copy"}, "skipped": {}}


def test_an_element_sees_its_item_under_the_name_that_the_step_gives_it() -> None:
    each = step(
        for_each={"in": ["a", "b"], "as": "name"}, **{"with": {"table": "{{ name }}-{{ steps.restore.table }}"}}
    )
    assert parameters(each, context(), {}, OVER, "a") == {"table": "a-orders-copy"}


def test_a_step_without_for_each_knows_no_item() -> None:
    with pytest.raises(BadTemplate, match="item names nothing"):
        parameters(step(**{"with": {"table": "{{ item }}"}}), context(), {}, OVER, "a")


def test_what_a_step_that_was_left_out_would_have_given_can_have_a_default() -> None:
    with_default = step(**{"with": {"table": "{{ steps.skipped.table | default('orders') }}"}})
    assert parameters(with_default, context(), {}, OVER) == {"table": "orders"}
    with pytest.raises(BadTemplate):
        parameters(step(**{"with": {"table": "{{ steps.skipped.table }}"}}), context(), {}, OVER)


def test_an_undo_sees_what_its_own_element_gave() -> None:
    undo = {"action": "table.delete", "with": {"table": "{{ steps.move.table }} {{ item }} {{ steps.restore.table }}"}}
    each = step(for_each={"in": ["a"]}, undo=undo)
    outputs = {**OVER, "move": {"table": ["a-copy", "b-copy"]}}
    assert undo_parameters(each, context(), {}, outputs, {"table": "b-copy"}, "b")["table"] == "b-copy b orders-copy"


def test_a_step_without_undo_has_no_parameters_for_it() -> None:
    with pytest.raises(Refused, match="move has no undo"):
        undo_parameters(step(), context(), {}, OVER, {})


def test_a_step_acts_in_its_own_region_else_in_the_runs() -> None:
    assert step_region(step(), context(), {}, {}) == "eu-west-1"
    assert step_region(step(region="{{ to }}"), context(), {"to": "us-east-2"}, {}) == "us-east-2"


@pytest.mark.parametrize("found", ["", " ", None, 3])
def test_a_region_that_is_no_name_is_refused(found: Any) -> None:
    with pytest.raises(Refused, match="region of step move"):
        step_region(step(region="{{ to }}"), context(), {"to": found}, {})


@pytest.mark.parametrize(
    ("items", "found"),
    [
        (["a", "{{ one }}"], ["a", "x"]),
        ("{{ many }}", ["x", "y"]),
        ("{{ steps.restore.tables }}", ["t"]),
        ("{{ empty }}", []),
    ],
)
def test_the_elements_are_a_list_that_is_written_or_named(items: Any, found: list[str]) -> None:
    values = {"one": "x", "many": ("x", "y"), "empty": []}
    assert elements(step(for_each={"in": items}), context(), values, {"restore": {"tables": ["t"]}}) == found


@pytest.mark.parametrize("bad", ["orders", {"a": 1}, None, 3])
def test_elements_that_are_no_list_are_refused(bad: Any) -> None:
    with pytest.raises(Refused, match="needs a list"):
        elements(step(for_each={"in": "{{ x }}"}), context(), {"x": bad}, {})


def test_a_list_may_be_as_long_as_the_limit_and_no_longer() -> None:
    each = step(for_each={"in": "{{ x }}"})
    assert len(elements(each, context(), {"x": ["a"] * MOST_ELEMENTS}, {})) == MOST_ELEMENTS
    with pytest.raises(Refused, match="1001 elements"):
        elements(each, context(), {"x": ["a"] * (MOST_ELEMENTS + 1)}, {})


@pytest.mark.parametrize(
    ("when", "expected"),
    [(None, True), (True, True), (False, False), ("{{ n > 2 }}", True), ("{{ steps.restore.table == 'x' }}", False)],
)
def test_a_condition_is_true_or_false(when: Any, expected: bool) -> None:
    assert holds(step(when=when), context(), {"n": 3}, OVER) is expected


@pytest.mark.parametrize("when", ["yes", "{{ n }}", "{{ 'true' }}", "{{ n > 2 }} "])
def test_a_condition_that_is_neither_is_refused(when: str) -> None:
    with pytest.raises(Refused, match="true or false"):
        holds(step(when=when), context(), {"n": 3}, OVER)


def test_parameters_that_do_not_fit_are_named_with_their_step() -> None:
    assert bind(OneTable, {"table": "orders"}, "restore").model_dump()["table"] == "orders"
    with pytest.raises(Refused, match=r"step restore do not fit: table: Field required\. other: Extra inputs"):
        bind(OneTable, {"other": 1}, "restore")


def test_a_length_that_is_too_long_is_told_in_words() -> None:
    with pytest.raises(Refused) as refused:
        bind(ForAWhile, {"length": timedelta(hours=80)}, "shift")
    told = "The parameters of step shift do not fit: length: 80 h is too big: 72 h is the most."
    assert Words("en").phrase(refused.value) == told
