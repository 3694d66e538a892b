"""Whatever somebody writes into a file: lint answers with messages that stand in it, and never breaks."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.aws import ACTIONS, CHECKS
from bot.playbook.lint import lint
from bot.playbook.model import ForEach, Playbook, Retry, Step, Undo
from escalation.document import Document, read, read_text
from escalation.errors import BadFile, BadFiles

ROOT = Path(__file__).parents[2]
EXAMPLES = [read(file).values for file in sorted((ROOT / "playbooks").glob("*.yaml"))]
WRONG = [
    file
    for file in sorted((Path(__file__).parent / "wrong").glob("*.yaml"))
    if file.stem not in {"not-yaml", "key-twice"}
]

FIELDS = sorted(
    {
        field.alias or name
        for part in (Playbook, Step, Undo, ForEach, Retry)
        for name, field in part.model_fields.items()
    }
)
TEMPLATES = (
    "{{ item }}", "{{ steps.restore.table }}", "{{ steps.restore.items[0].table }}", "{{ a.b.c | default(1) }}", "{{",
    "{{ 1 == 2 }}", "{{ now - duration('1m') }}", "{{ [1, 2] }}", "{{ steps }}", "{{ x if y else z }}", "none", "us-east-1",
)  # fmt: skip
scalars = (
    st.none() | st.booleans() | st.integers(-5, 2_000) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12)
    | st.sampled_from([*ACTIONS, *CHECKS, *TEMPLATES, "5m", "rds", "s3", "UpdateTable", "DescribeTable", "Table.X == 'a'", "["])
)  # fmt: skip
keys = st.sampled_from([*FIELDS, "service", "operation", "parameters", "poll", "until", "table"])
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)


def document(value: Any) -> Document:
    """As if it had been read: writing it as YAML and reading that back would take most of the time."""
    where = dict.fromkeys(places(value), (1, 1))
    return Document(Path("sample.yaml"), value, where, where)


def lints(found: Document) -> None:
    for problem in lint([found], ACTIONS, CHECKS):
        assert str(problem).startswith("sample.yaml:1:1: ")


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, item in inner for found in places(item, (*path, key)))]


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    head, *rest = path
    if isinstance(value, dict):
        return {key: put(item, tuple(rest), new) if key == head else item for key, item in value.items()}
    return [put(item, tuple(rest), new) if index == head else item for index, item in enumerate(value)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(values)
def test_any_yaml_is_judged(value: Any) -> None:
    lints(document(value))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_playbook_with_anything_in_the_place_of_something_is_judged(data: st.DataObject) -> None:
    value = data.draw(st.sampled_from([*EXAMPLES, *(read(file).values for file in WRONG[::9])]))
    for _ in range(data.draw(st.integers(1, 3))):
        value = put(value, data.draw(st.sampled_from(places(value))), data.draw(values))
    lints(document(value))


@settings(max_examples=80, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["service", "operation", "parameters", "poll", "until", "fails", "output", "region"]), values
    )
)
def test_any_call_is_judged(parameters: dict[str, Any]) -> None:
    facts = ACTIONS["aws.call"].facts
    assert facts.given(parameters).name == "aws.call"
    step = {"id": "call", "action": "aws.call", "with": parameters, "irreversible": "x"}
    known = {"service": "dynamodb", "operation": "UpdateTable"}
    for given_ in (parameters, {**parameters, **known}):
        book = {
            "name": "sample", "title": {"en": "a", "ko": "b"}, "tier": 1, "targets": {"rto": "1h", "rpo": "0s"},
            "steps": [{**step, "with": given_}],
        }  # fmt: skip
        lints(document(book))


@pytest.mark.parametrize("text", ["", "\n", "[]", "1", "- a", "{}", "name", "? [a]\n: b", "&a [*a]", "\x00"])
def test_what_is_hardly_a_file_is_told(text: str) -> None:
    def judge() -> None:
        raise BadFiles(lint([read_text(text, Path("sample.yaml"))], ACTIONS, CHECKS))

    with pytest.raises((BadFile, BadFiles), match=r"sample.yaml:\d+:\d+: "):
        judge()
