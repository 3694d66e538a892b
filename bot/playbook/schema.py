"""The JSON Schema of a playbook file, so that editors complete and check it while it is written."""

from collections.abc import Iterable
from typing import Any

from bot.playbook.model import Playbook

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_ONE_KIND = [
    {"required": ["check"], "not": {"anyOf": [{"required": [other]} for other in ("action", "ask", "manual")]}},
    {"required": ["action"], "not": {"anyOf": [{"required": [other]} for other in ("check", "manual")]}},
    {"required": ["ask"], "not": {"anyOf": [{"required": [other]} for other in ("action", "check", "manual")]}},
    {"required": ["manual"], "not": {"anyOf": [{"required": [other]} for other in ("action", "check", "ask")]}},
]
#: A step that includes another playbook (`including.py`).
_A_PART = {
    "required": ["playbook"],
    "propertyNames": {"enum": ["id", "playbook", "with", "needs", "when"]},
}


def schema(actions: Iterable[str] = (), checks: Iterable[str] = ()) -> dict[str, Any]:
    """The schema; with the names of actions and checks, editors offer those too."""
    found = Playbook.model_json_schema(by_alias=True)
    step, undo = found["$defs"]["Step"], found["$defs"]["Undo"]
    step["oneOf"] = [*_ONE_KIND, _A_PART]
    step["properties"]["playbook"] = {"type": "string", "description": "The steps of another playbook, as a part."}
    for fields, word, names in ((step, "check", checks), (step, "action", actions), (undo, "action", actions)):
        if known := sorted(names):
            fields["properties"][word] = {"enum": known, "description": fields["properties"][word]["description"]}
    return {"$schema": DIALECT, **found, "title": "Lifeboat playbook"}
