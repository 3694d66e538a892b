import copy
from typing import Any

import jsonschema
import pytest

from bot.playbook.schema import schema
from tests.playbook.sample import ACTIONS, CHECKS, HEAD, STEPS, document

GOOD: dict[str, Any] = document(HEAD + STEPS).values
VALIDATOR = jsonschema.Draft202012Validator(schema(ACTIONS, CHECKS))


def changed(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    found = copy.deepcopy(GOOD)
    part: Any = found
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    return found


def test_the_schema_is_one_and_takes_a_good_playbook() -> None:
    VALIDATOR.check_schema(VALIDATOR.schema)
    VALIDATOR.validate(GOOD)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("tier",), 4),
        (("teir",), 1),
        (("targets", "rto"), "30 minutes"),
        (("steps", 0, "check"), "table.nope"),
        (("steps", 1, "undo", "action"), "table.nope"),
        (("steps", 3, "check"), "table.window"),
        (("steps", 3, "manual"), {"en": "only English"}),
        (("inputs", "at", "type"), "instant"),
    ],
)
def test_an_editor_marks_the_usual_mistakes(path: tuple[Any, ...], value: Any) -> None:
    assert not VALIDATOR.is_valid(changed(path, value))


def test_every_field_has_a_description() -> None:
    parts = {"Playbook": VALIDATOR.schema, **VALIDATOR.schema["$defs"]}
    bare = [
        f"{name}.{field}"
        for name, part in parts.items()
        for field, facts in part["properties"].items()
        if "description" not in facts
    ]
    assert bare == []
