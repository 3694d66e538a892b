from datetime import timedelta
from typing import Any

import pytest

from bot.playbook.template import MAX_DEPTH, MAX_LENGTH, BadTemplate, check, evaluate, references, single_name
from tests.playbook.sample import NOW, context

VARIABLES: dict[str, Any] = context().variables(
    {"table": "0012", "at": NOW, "count": 3}, {"cut-over": {"before": "old", "keys": "k"}}
)


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ at }}", NOW),
        ("{{ at - duration('1m') }}", NOW - timedelta(minutes=1)),
        ("{{ table }}", "0012"),
        ("{{ count }}", 3),
        ("{{ 5 }}", 5),
        ("{{ [count, table] }}", [3, "0012"]),
        ("{{ table }}-copy", "0012-copy"),
        ("at {{ at }}", "at 2026-11-23T03:40:30+00:00"),
        ("plain", "plain"),
        ("{{ alarm.dimensions.TableName }}", "orders"),
        ("{{ alarm.dimensions['TableName'] }}", "orders"),
        ("{{ steps.cut_over.before }}", "old"),
        ("{{ steps['cut-over'].before }}", "old"),
        ("{{ steps.cut_over.keys }}", "k"),
        ("{{ service.tags.missing | default('none') }}", "none"),
        ("{{ 'yes' if count > 2 else 'no' }}", "yes"),
        ("{{ now }}", NOW),
    ],
)
def test_a_single_expression_keeps_its_type_and_a_text_stays_text(template: str, value: Any) -> None:
    result = evaluate(template, VARIABLES)
    assert result == value
    assert type(result) is type(value)


def test_a_list_in_the_middle_of_a_text_reads_as_people_write_it() -> None:
    assert evaluate("Is all well with {{ names }}?", {"names": ["web", "api"]}) == "Is all well with web, api?"
    assert evaluate("{{ names }}", {"names": ["web", "api"]}) == ["web", "api"]


def test_lists_and_mappings_are_walked_and_other_values_kept() -> None:
    assert evaluate({"a": ["{{ count }}", 1, None], "b": True}, VARIABLES) == {"a": [3, 1, None], "b": True}


@pytest.mark.parametrize(
    "template",
    [
        "{% for i in [1] %}{% endfor %}",
        "{% set x = 1 %}",
        "{{ 'a' * 1000000000 }}",
        "{{ 2 ** 100000000 }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ table.upper() }}",
        "{{ table.__class__.__mro__() }}",
        "{{ range(1000000000) }}",
        "{{ table | join(table) | join(table) }}",
        "{{ table | replace('0', table) }}",
        "{{ lipsum() }}",
        "{{ table[:1] }}",
        "{{ " + "not " * MAX_DEPTH + "table }}",
        "{{ " + "(" * 900 + "1" + ")" * 900 + " }}",
        "{{ table",
        "{{ }}",
        "{{ '" + "a" * MAX_LENGTH + "' }}",
    ],
)
def test_a_template_cannot_hang_or_reach_into_the_bot(template: str) -> None:
    with pytest.raises(BadTemplate):
        check(template)


def test_a_template_may_be_as_long_as_the_limit() -> None:
    filled = "{{ '" + "a" * (MAX_LENGTH - len("{{ '' }}")) + "' }}"
    assert len(filled) == MAX_LENGTH
    check(filled)
    with pytest.raises(BadTemplate, match=str(MAX_LENGTH)):
        check(filled + " ")


@pytest.mark.parametrize("attribute", ["__class__", "upper", "format", "year"])
def test_dots_do_not_reach_pythons_own_attributes(attribute: str) -> None:
    for name in ("table", "at", "steps.cut_over", "alarm.dimensions"):
        with pytest.raises(BadTemplate, match="names nothing"):
            evaluate("{{ " + f"{name}.{attribute}" + " }}", VARIABLES)


@pytest.mark.parametrize(
    ("template", "missing", "says"),
    [
        ("{{ tabel }}", "tabel", "Known: alarm, at, count"),
        ("x {{ alarm.dimensions.Name }}", "alarm.dimensions.Name", "Known in alarm.dimensions: TableName"),
        ("{{ steps.restore.table }}", "steps.restore.table", "step restore has not finished"),
        ("{{ steps.cut_over.after }}", "steps.cut_over.after", "Known in steps.cut_over: before, keys"),
        ("{{ at - steps.nope.x }}", "steps.nope.x", "step nope has not finished"),
    ],
)
def test_an_error_names_what_is_missing_and_what_is_there(template: str, missing: str, says: str) -> None:
    with pytest.raises(BadTemplate) as caught:
        evaluate(template, VARIABLES)
    assert caught.value.missing == missing
    assert says in str(caught.value)


def test_an_incident_without_alarm_or_service_says_so() -> None:
    variables = context(alarm=None, service=None).variables()
    with pytest.raises(BadTemplate, match="a person declared it"):
        evaluate("{{ alarm.dimensions.TableName }}", variables)
    with pytest.raises(BadTemplate, match="names no service"):
        evaluate("{{ service.parameters.table }}", variables)
    assert evaluate("{{ alarm.name | default('by hand') }}", variables) == "by hand"


@pytest.mark.parametrize("template", ["{{ table - 1 }}", "{{ duration('soon') }}", "{{ count > table }}"])
def test_an_expression_that_does_not_work_is_an_error_for_people(template: str) -> None:
    with pytest.raises(BadTemplate, match="does not work"):
        evaluate(template, VARIABLES)


def test_references_are_found_without_evaluating() -> None:
    value = {"a": "{{ steps.restore.table }}", "b": ["{{ x if y.z else duration(w) }}", "{{ steps['cut-over'].t }}"]}
    assert references(value) == {
        ("steps", "restore", "table"),
        ("steps", "cut-over", "t"),
        ("x",),
        ("y", "z"),
        ("w",),
    }


def test_a_single_name_is_told_from_an_expression() -> None:
    assert single_name("{{ steps.restore.table }}") == ("steps", "restore", "table")
    assert single_name("{{ table ~ 'x' }}") is None
    assert single_name("{{ table }}!") is None
