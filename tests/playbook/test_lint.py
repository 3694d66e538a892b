import pytest

from bot.playbook.lint import lint
from tests.playbook.sample import ACTIONS, CHECKS, HEAD, STEPS, document

GOOD = HEAD + STEPS

#: One fault each: the text that is replaced, by what, the line and column of the message, its field, and what it says.
WRONG = {
    "unknown field": ("tier: 1", "teir: 1\ntier: 1", "3:1 teir", "unknown field"),
    "missing field": ("tier: 1\n", "", "1:1 -", "tier is missing"),
    "tier out of range": ("tier: 1", "tier: 4", "3:7 tier", "Choose: 1, 2, 3"),
    "title without Korean": (", ko: 테이블 복원", "", "2:8 title", "ko is missing"),
    "name is not the file's": ("name: restore", "name: other", "1:7 name", "its file restore"),
    "bad duration": ("rto: 90m", "rto: 90 min", "5:16 targets.rto", "is not a duration"),
    "no condition": ("{resource: dynamodb, tags: {class: critical}}", "{}", "4:13 offer_when", "no condition"),
    "unknown input type": ("type: time", "type: instant", "8:14 inputs.at.type", "Choose: str, int"),
    "reserved input name": (
        "  table: {type",
        "  alarm: {type: str, default: x}\n  table: {type",
        "7:3 inputs.alarm",
        "another name",
    ),
    "from names nothing": (
        "from: alarm.dimensions.T",
        "from: alarm.dimension.T",
        "7:39 inputs.table.from",
        "alarm.dimensions",
    ),
    "default uses a step": (
        "incident.started_at",
        "steps.window.latest",
        "8:29 inputs.at.default",
        "before the playbook runs",
    ),
    "default names nothing": (
        "incident.started_at",
        "incident.started",
        "8:29 inputs.at.default",
        "Did you mean started_at",
    ),
    "default of a wrong type": (
        "\"{{ incident.started_at - duration('1m') }}\"",
        "soon",
        "8:29 inputs.at.default",
        "does not fit",
    ),
    "choice of a wrong type": (
        "{type: time, ",
        "{type: time, choices: [now, soon], ",
        "8:35 inputs.at.choices[1]",
        "not of type time",
    ),
    "duplicate id": ("id: compare", "id: restore", "19:9 steps[2].id", "named restore too"),
    "two kinds": ("    manual:", "    check: table.window\n    manual:", "23:5 steps[3]", "exactly one of"),
    "no kind": (
        '    check: table.window\n    with: {table: "{{ table }}", at: "{{ at }}"}\n',
        "",
        "11:5 steps[0]",
        "exactly one of",
    ),
    "with on a manual step": ("manual: {en", "with: {a: 1}\n    manual: {en", "25:5 steps[3].with", "does nothing"),
    "deadline on a manual step": (
        "manual: {en",
        "deadline: 5m\n    manual: {en",
        "25:5 steps[3].deadline",
        "does nothing",
    ),
    "undo of a check": (
        "check: table.compare",
        "check: table.compare\n    undo: {action: table.delete}",
        "22:5 steps[2].undo",
        "does nothing",
    ),
    "manual in one language": (", ko: 테이블 담당자에게 알리세요.", "", "25:13 steps[3].manual", "ko is missing"),
    "needs an unknown step": (
        "needs: [compare, tell]",
        "needs: [compare, tel]",
        "27:22 steps[4].needs[1]",
        "Did you mean tell",
    ),
    "needs itself": ("needs: [compare, tell]", "needs: [cut-over]", "27:12 steps[4].needs", "cut-over → cut-over"),
    "a cycle": (
        "id: window\n",
        "id: window\n    needs: [compare]\n",
        "12:12 steps[0].needs",
        "window → restore → compare → window",
    ),
    "unknown action": (
        "action: table.restore",
        "action: table.restor",
        "15:13 steps[1].action",
        "Did you mean table.restore",
    ),
    "unknown check": (
        "check: table.window",
        "check: table.windwo",
        "12:12 steps[0].check",
        "Did you mean table.window",
    ),
    "a check used as an action": (
        "action: table.restore",
        "action: table.window",
        "15:5 steps[1].action",
        "is a check, not an action",
    ),
    "an action used as a check": (
        "check: table.compare",
        "check: table.restore",
        "21:5 steps[2].check",
        "is an action, not a check",
    ),
    "unknown parameter": ("with: {left:", "with: {lef: x, left:", "22:12 steps[2].with.lef", "Did you mean left"),
    "missing parameter": ('left: "{{ table }}", ', "", "22:11 steps[2].with", "needs the parameter left"),
    "literal of a wrong type": (
        "with: {name:",
        "with: {retries: many, name:",
        "30:21 steps[4].with.retries",
        "must be a whole number",
    ),
    "input of a wrong type": (
        'left: "{{ table }}"',
        'left: "{{ at }}"',
        "22:18 steps[2].with.left",
        "at is of type time",
    ),
    "output of a wrong type": (
        'right: "{{ steps.restore.table }}"',
        'right: "{{ steps.window.latest }}"',
        "22:40 steps[2].with.right",
        "is of type time",
    ),
    "a time where a text is needed": (
        'value: "{{ steps.restore.table }}"',
        'value: "{{ at }}"',
        "30:59 steps[4].with.value",
        "at is of type time, str is needed",
    ),
    "unknown input": ('left: "{{ table }}"', 'left: "{{ tabel }}"', "22:18 steps[2].with.left", "Did you mean table"),
    "unknown context": (
        "service.parameters.table",
        "service.parameter.table",
        "30:18 steps[4].with.name",
        "Did you mean parameters",
    ),
    "too deep in the context": (
        "service.parameters.table",
        "service.name.table",
        "30:18 steps[4].with.name",
        "nothing below service.name",
    ),
    "template names no step": (
        'right: "{{ steps.restore.',
        'right: "{{ steps.restoer.',
        "22:40 steps[2].with.right",
        "Did you mean restore",
    ),
    "template names no output": (
        'right: "{{ steps.restore.table',
        'right: "{{ steps.restore.tabel',
        "22:40 steps[2].with.right",
        "Did you mean table",
    ),
    "output of a step beside it": (
        'value: "{{ steps.restore.table',
        'value: "{{ steps.cut-over.table',
        "30:59 steps[4].with.value",
        "Write steps.cut_over with an underscore",
    ),
    "output of a later step": (
        'left: "{{ table }}"',
        'left: "{{ steps.cut_over.before }}"',
        "22:18 steps[2].with.left",
        "Add cut-over to its needs",
    ),
    "template in a question": (
        "en: Point the service at the copy?",
        "en: 'Point {{ servce.name }}'",
        "28:15 steps[4].ask.en",
        "Did you mean service",
    ),
    "broken template": ('left: "{{ table }}"', 'left: "{{ table"', "22:18 steps[2].with.left", "is not a template"),
    "statement in a template": (
        'left: "{{ table }}"',
        'left: "{% if 1 %}{% endif %}"',
        "22:18 steps[2].with.left",
        "without If",
    ),
    "unknown undo": (
        "action: table.delete",
        "action: table.drop",
        "18:20 steps[1].undo.action",
        "no action named table.drop",
    ),
    "undo with a bad parameter": (
        'with: {table: "{{ steps.restore.table',
        'with: {tabel: 1, table: "{{ steps.restore.table',
        "18:41 steps[1].undo.with.tabel",
        "Did you mean table",
    ),
    "undo is missing": (
        '    undo: {action: table.delete, with: {table: "{{ steps.restore.table }}"}}\n',
        "",
        "15:13 steps[1].action",
        "Add undo: {action: table.delete",
    ),
    "neither undo nor irreversible": (
        "    irreversible: The service goes on with the copy.\n",
        "",
        "29:13 steps[4].action",
        "Add undo, or irreversible",
    ),
    "bad approval": ("people: 1", "people: 11", "9:20 approval.people", "10 is the most"),
    "no steps": (STEPS, "  []\n", "11:3 steps", "must not be empty"),
    "bad id": ("id: window", "id: Window", "11:9 steps[0].id", "does not have the right form"),
}


def test_a_good_playbook_has_no_problems() -> None:
    assert lint([document(GOOD)], ACTIONS, CHECKS) == []


@pytest.mark.parametrize("fault", WRONG)
def test_each_fault_has_one_message_at_its_place(fault: str) -> None:
    old, new, where, says = WRONG[fault]
    assert old in GOOD
    problems = lint([document(GOOD.replace(old, new, 1))], ACTIONS, CHECKS)
    assert [f"{one.line}:{one.column} {one.field or '-'}" for one in problems] == [where], [
        str(one) for one in problems
    ]
    assert says in str(problems[0])
    assert str(problems[0]).startswith(f"restore.yaml:{where.partition(' ')[0]}: ")


def test_a_region_is_not_failed_over_by_one_person_alone() -> None:
    alone = GOOD.replace("tier: 1", "tier: 3").replace("people: 1", "people: 0")
    without = alone.replace("approval: {people: 0, role: responder, expires: 10m}\n", "")
    for text in (alone, without):
        regions = text + "regions: {acting: eu-west-1, failing: us-east-1}\n"
        assert ["second person" in str(one) for one in lint([document(regions)], ACTIONS, CHECKS)] == [True]


def test_problems_are_ordered_by_file_and_line() -> None:
    bad = GOOD.replace("check: table.window", "check: nope").replace("action: pointer.put", "action: nope")
    problems = lint([document(bad), document(bad, "another")], ACTIONS, CHECKS)
    assert [(one.file, one.line) for one in problems] == [
        ("another.yaml", 1),
        ("restore.yaml", 12),
        ("restore.yaml", 29),
    ]


def test_the_same_playbook_many_times_is_as_good_as_once() -> None:
    assert lint([document(GOOD)] * 100, ACTIONS, CHECKS) == []
