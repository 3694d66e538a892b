"""A playbook made of others is a plain playbook when anything else looks at it, and says where it is wrong."""

from pathlib import Path
from typing import Any

import pytest

from bot.errors import BadFiles
from bot.playbook import graph
from bot.playbook.including import include
from bot.playbook.lint import lint
from bot.playbook.loading import among, parse
from bot.playbook.renaming import NotAnExpression, Renaming, expression
from bot.playbook.template import evaluate
from escalation.document import Document, read_text

HEAD = "name: {name}\ntitle: {{en: A, ko: 가}}\ntier: {tier}\ntargets: {{rto: 30m, rpo: 5m}}\n"
COPY = (
    HEAD.format(name="copy", tier=1)
    + """
excludes: [other]
inputs:
  table: {type: dynamodb.table, from: alarm.dimensions.TableName}
  to: {type: str, default: "{{ table }}-copy"}
steps:
  - {id: first, manual: {en: "Look at {{ table }}", ko: "{{ table }} 확인"}}
  - id: make-it
    ask: {en: "Copy {{ table }} to {{ to }}?", ko: "복사할까요?"}
    action: ssm.put_parameter
    with: {name: "{{ to }}", value: "{{ table }}"}
    undo: {action: ssm.put_parameter, with: {name: "{{ to }}", value: "{{ steps.make_it.previous }}"}}
  - {id: beside, needs: [first], manual: {en: Beside, ko: 옆}}
"""
)
WHOLE = (
    HEAD.format(name="whole", tier=1)
    + """
inputs:
  orders: {type: dynamodb.table, default: orders}
steps:
  - {id: begin, manual: {en: Begin, ko: 시작}}
  - id: one
    playbook: copy
    with: {table: "{{ orders }}", to: "{{ orders }}-new"}
  - id: two
    playbook: copy
    needs: [begin]
    when: "{{ orders != 'x' }}"
    with: {to: plain}
  - {id: end, needs: [one, two], manual: {en: End, ko: 끝}}
  - {id: last, manual: {en: Last, ko: 마지막}}
"""
)


def document(text: str, name: str) -> Document:
    return read_text(text, Path(f"{name}.yaml"))


def put_together(text: str = WHOLE, **others: str) -> Document:
    docs = {name: document(other, name) for name, other in {"copy": COPY, **others}.items()}
    return include(document(text, "whole"), docs.get)


def steps(made: Document) -> dict[str, Any]:
    return {step["id"]: step for step in made.values["steps"]}


def test_the_steps_of_a_part_carry_its_name_and_stand_in_its_place() -> None:
    made = put_together()
    assert list(steps(made)) == [
        "begin", "one-first", "one-make-it", "one-beside", "two-first", "two-make-it", "two-beside", "end", "last",
    ]  # fmt: skip
    needs = {id_: step.get("needs") for id_, step in steps(made).items()}
    assert needs["one-first"] == ["begin"], "a part comes after the step before it"
    assert needs["two-first"] == ["begin"], "or after what it says"
    assert needs["one-make-it"] == ["one-first"]
    assert needs["end"] == ["one-make-it", "one-beside", "two-make-it", "two-beside"], "all of a part must be over"
    assert needs["last"] == ["end"]


def test_inputs_get_what_the_part_is_given_and_the_rest_is_asked_once() -> None:
    made = put_together()
    assert list(made.values["inputs"]) == ["orders", "table"]
    assert made.values["inputs"]["table"]["from"] == "alarm.dimensions.TableName"
    known = {"orders": "a", "table": "b", "steps": {"one_make_it": {"previous": "p"}}}
    one, two = steps(made)["one-make-it"], steps(made)["two-make-it"]
    assert evaluate(one["with"], known) == {"name": "a-new", "value": "a"}
    assert evaluate(two["with"], known) == {"name": "plain", "value": "b"}
    assert evaluate(one["undo"]["with"], known) == {"name": "a-new", "value": "p"}
    assert evaluate(one["ask"]["en"], known) == "Copy a to a-new?"


def test_a_default_that_names_a_given_input_follows_it() -> None:
    made = put_together(WHOLE.replace(', to: "{{ orders }}-new"', ""))
    assert evaluate(made.values["inputs"]["to"]["default"], {"orders": "a"}) == "a-copy"


def test_a_condition_of_a_part_holds_for_each_of_its_steps() -> None:
    text = COPY.replace("- {id: first,", "- {id: first, when: \"{{ table == 't' or true }}\",")
    made = steps(put_together(copy=text))
    assert made["two-beside"]["when"] == "{{ orders != 'x' }}"
    assert evaluate(made["two-first"]["when"], {"orders": "x", "table": "t"}) is False
    assert evaluate(made["two-first"]["when"], {"orders": "y", "table": "t"}) is True
    assert "when" not in made["one-beside"]


def test_what_a_part_excludes_the_whole_excludes() -> None:
    assert put_together().values["excludes"] == ["other"]


def test_a_playbook_without_parts_stays_as_it_is() -> None:
    plain = document(COPY, "copy")
    assert include(plain, {}.get) is plain


def test_parts_may_have_parts() -> None:
    outer = HEAD.format(name="outer", tier=1) + "steps:\n  - {id: all, playbook: whole}\n"
    docs = {"copy": document(COPY, "copy"), "whole": document(WHOLE, "whole")}
    made = include(document(outer, "outer"), docs.get)
    assert "all-one-make-it" in steps(made)
    known = {"orders": "a", "steps": {"all_one_make_it": {"previous": "p"}}}
    assert evaluate(steps(made)["all-one-make-it"]["undo"]["with"], known) == {"name": "a-new", "value": "p"}


WRONG = {
    "there is no playbook named cop": WHOLE.replace("playbook: copy", "playbook: cop", 1),
    "these playbooks are made of each other: whole → whole": WHOLE.replace("playbook: copy", "playbook: whole", 1),
    "does nothing where a playbook is included": WHOLE.replace("    playbook: copy\n", "    playbook: copy\n    deadline: 5m\n", 1),
    "copy has no input named tabel": WHOLE.replace("table: ", "tabel: ", 1).replace("{type", "{type", 1),
    "cannot be given to a playbook": WHOLE.replace("to: plain", "to: {a: b}"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_with_a_part_is_told_at_its_place(what: str) -> None:
    with pytest.raises(BadFiles) as told:
        put_together(WRONG[what])
    [problem] = told.value.problems
    assert what in str(problem)
    assert problem.file == "whole.yaml"
    assert problem.line > 8, "it points at the part, not at the top of the file"


@pytest.mark.parametrize(
    ("part", "what"),
    [
        (COPY.replace("tier: 1", "tier: 2"), "is of tier 2"),
        (COPY + "regions: {acting: us-west-2, failing: none}\n", "cannot be a part of another"),
        (COPY + "approval: {people: 2}\n", "must be approved by 2"),
    ],
)
def test_a_whole_is_no_less_careful_than_its_parts(part: str, what: str) -> None:
    with pytest.raises(BadFiles, match=what):
        put_together(copy=part)


def test_what_is_wrong_in_a_step_of_a_part_is_told_where_the_part_is_included() -> None:
    made = put_together(copy=COPY.replace("id: beside, needs: [first]", "id: beside, needs: [gone]"))
    with pytest.raises(BadFiles) as told:
        parse(made)
    lines = {problem.line for problem in told.value.problems}
    assert lines == {WHOLE.splitlines().index("  - id: one") + 1, WHOLE.splitlines().index("  - id: two") + 1}


def test_a_problem_of_a_step_after_a_part_stands_where_the_step_is_written() -> None:
    with pytest.raises(BadFiles) as told:
        parse(put_together(WHOLE.replace("id: last, manual", "id: last, needs: [nobody], manual")))
    [problem] = told.value.problems
    assert problem.line == next(n for n, line in enumerate(WHOLE.splitlines(), 1) if "id: last" in line)


def test_a_whole_lints_like_any_other_and_runs_in_order(tmp_path: Path) -> None:
    from bot.aws import ACTIONS, CHECKS

    for name, text in (("copy", COPY.replace("excludes: [other]\n", "")), ("whole", WHOLE)):
        (tmp_path / f"{name}.yaml").write_text(text)
    find = among(tmp_path.glob("*.yaml"))
    whole = find("whole")
    assert whole
    assert lint([whole], ACTIONS, CHECKS, find=find) == []
    playbook = parse(whole, find)
    assert graph.upstream(playbook, "last") == {step.id for step in playbook.steps} - {"last"}


def test_the_item_of_a_list_is_the_steps_own_name() -> None:
    step = {"id": "s", "for_each": {"in": "{{ table }}", "as": "table"}, "with": {"name": "{{ table }} {{ to }}"}}
    made = Renaming("one", {"table": "tables", "to": "where"}).of_step(step)
    assert made["for_each"]["in"] == "{{ (tables) }}"
    assert made["with"]["name"] == "{{ table }} {{ (where) }}"


def test_names_that_only_look_like_an_input_stay() -> None:
    same = "{{ service.parameters.table }} {{ 'table' }} {{ x | default('table') }} table"
    assert Renaming("one", {"table": "other", "default": "no"}).of(same) == same


def test_subscripts_of_steps_are_renamed_too() -> None:
    assert Renaming("one", {}).of("{{ steps['cut-over'].x }}{{ steps.cut_over.x }}") == (
        "{{ steps['one-cut-over'].x }}{{ steps.one_cut_over.x }}"
    )
    assert Renaming("one", {}).of("{{ a.steps.b }}") == "{{ a.steps.b }}"


@pytest.mark.parametrize(
    ("value", "gives"),
    [("it's {{ a }}!", "it's b!"), ("plain", "plain"), (True, True), (3, 3), (["x", "{{ a }}"], ["x", "b"]), ("", "")],
)
def test_any_value_can_stand_within_a_template(value: Any, gives: Any) -> None:
    assert evaluate("{{ " + expression(value) + " }}", {"a": "b"}) == gives


def test_a_mapping_cannot() -> None:
    with pytest.raises(NotAnExpression):
        expression({"a": "b"})
