"""JSON Schemas of the three files, so that an editor completes them and marks mistakes while they are typed."""

from typing import Any

from pydantic import TypeAdapter

from escalation.fields import Written
from escalation.person import Person
from escalation.policy import Policy
from escalation.schedule import Schedule

_FILES: dict[str, tuple[type[Written], str]] = {
    "people": (Person, "Lifeboat: people.yaml"),
    "schedules": (Schedule, "Lifeboat: schedules.yaml"),
    "policies": (Policy, "Lifeboat: policies.yaml"),
}


def schemas() -> dict[str, dict[str, Any]]:
    """`people`, `schedules`, `policies`: the schema of each file (JSON Schema 2020-12)."""
    return {file: _schema(model, title) for file, (model, title) in _FILES.items()}


def _schema(model: type[Written], title: str) -> dict[str, Any]:
    entry = TypeAdapter(model).json_schema(by_alias=True)
    definitions = entry.pop("$defs", {})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"pattern": "^[a-z0-9][a-z0-9_-]*$"},
        "additionalProperties": {"$ref": f"#/$defs/{model.__name__}"},
        "$defs": {**definitions, model.__name__: entry},
    }
