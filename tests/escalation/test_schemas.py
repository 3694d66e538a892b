"""The schemas that editors use agree with what `load` accepts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from escalation.document import read
from escalation.loading import EXAMPLE
from escalation.schemas import schemas

FILES = ["people", "schedules", "policies"]


def refused(folder: Path, file: str) -> list[str]:
    """Where the schema of a file refuses it."""
    values = read(folder / f"{file}.yaml").values
    return [error.json_path for error in Draft202012Validator(schemas()[file]).iter_errors(values)]


def test_there_is_a_schema_for_each_file() -> None:
    assert list(schemas()) == FILES


@pytest.mark.parametrize("file", FILES)
def test_a_schema_is_valid_itself(file: str) -> None:
    Draft202012Validator.check_schema(schemas()[file])


@pytest.mark.parametrize("file", FILES)
def test_the_shipped_files_fit_their_schemas(file: str) -> None:
    assert refused(EXAMPLE, file) == []


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("people", "  name: Mina Park", "  nam: Mina Park"),
        ("people", "mina:", "Mina Park:"),
        ("people", "mina:\n", "mina:\n  key: mina\n"),
        ("people", "slack: UMINA", "slack: mina"),
        ("people", "language: ko", "language: korean!"),
        ("people", "contacts: [slack]", "contacts: []"),
        ("people", "contacts: [slack]", "contacts: [email]"),
        ("people", '"+82 10-0000-0001"', '"010-0000-0001"'),
        ("schedules", "day: monday", "day: mon"),
        ("schedules", 'time: "09:00"', 'time: "9"'),
        ("schedules", "start: 2026-01-05", "start: 5 January"),
        ("schedules", "until: 2026-12-26 09:00", "until: 2026-12-26"),
        ("schedules", "people: [mina, jun]", "people: []"),
        ("policies", "{schedule: primary}", "{team: primary}"),
        ("policies", "wait: 10m", "wait: soon"),
        ("policies", "      wait: 10m\n", ""),
        ("policies", "repeat: 2", "repeat: 10"),
    ],
)
def test_an_editor_marks_the_mistake(edit: Callable[[str, str, str], Path], file: str, old: str, new: str) -> None:
    assert refused(edit(f"{file}.yaml", old, new), file)


def test_every_field_tells_the_editor_what_it_is_for() -> None:
    def fields(schema: Any) -> list[tuple[str, Any]]:
        found = [*schema.get("properties", {}).items()]
        for one in schema.get("$defs", {}).values():
            found += fields(one)
        return found

    told = [(name, "description" in field) for schema in schemas().values() for name, field in fields(schema)]
    assert [name for name, has_words in told if not has_words] == []
