"""JMESPath over the answers of AWS: what `until`, `succeeds`, `fails` and `output` of `aws.call` are written in.

https://jmespath.org/specification.html
"""

from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from bot.errors import N_, ActionFailed, Phrase, phrase

#: The types of AWS's answers as playbooks name them; a time becomes text, because outputs are JSON.
_TYPES = {
    "string": "str", "character": "str", "timestamp": "str", "integer": "int", "long": "int", "float": "number",
    "double": "number", "boolean": "bool", "list": "list",
}  # fmt: skip


#: Kinds of node whose own value is no part of the answer, while what is inside them is.
_LOOK_INSIDE = frozenset(
    {
        "and_expression", "comparator", "function_expression", "key_val_pair", "multi_select_dict", "multi_select_list",
        "not_expression", "or_expression",
    }
)  # fmt: skip


def search(expression: str, answer: Any) -> Any:
    """What the expression finds, None for nothing. Raises `ActionFailed` when it does not fit the answer."""
    try:
        return jmespath.search(expression, answer)
    except JMESPathError as error:
        what = N_("{expression} does not work on the answer of AWS: {error}. Correct it in the playbook.")
        raise ActionFailed(phrase(what, expression=expression, error=_one_line(error))) from error


def why_bad(expression: str) -> Phrase | None:
    """Why it is no JMESPath; None: it is."""
    try:
        jmespath.compile(expression)
    except JMESPathError as error:
        return phrase(N_("{expression} is not JMESPath: {error}."), expression=expression, error=_one_line(error))
    return None


def names_nothing(expression: str, shape: Any) -> tuple[str, frozenset[str]] | None:
    """The first field that no answer of this shape has, and those that it could have; None when all exist.

    Follows what can be followed: fields, indices, projections, filters. The arguments of functions are looked at too.
    """
    missing: list[tuple[str, frozenset[str]]] = []
    _follow(jmespath.compile(expression).parsed, shape, missing)
    return missing[0] if missing else None


def type_of(expression: str, shape: Any) -> str:
    """The type of what it finds, as playbooks name it; "" when only the answer will tell."""
    found = _follow(jmespath.compile(expression).parsed, shape, [])
    return _TYPES.get(found.type_name, "") if found is not None else ""


def _follow(node: Any, shape: Any, missing: list[tuple[str, frozenset[str]]]) -> Any:  # one per kind of node
    """The shape that the node finds in `shape`; None where nobody can tell."""
    kind, children = node["type"], node["children"]
    match kind:
        case "current" | "identity":
            return shape
        case "field":
            return _field(node["value"], shape, missing)
        case "subexpression" | "index_expression" | "pipe":
            for child in children:
                shape = _follow(child, shape, missing)
            return shape
        case "index":
            return _element(shape)
        case "projection" | "filter_projection" | "value_projection" | "flatten":
            return _projected(kind, children, shape, missing)
        case _ if kind in _LOOK_INSIDE:
            for child in children:
                _follow(child, shape, missing)
    return None


def _field(name: str, shape: Any, missing: list[tuple[str, frozenset[str]]]) -> Any:
    kind = getattr(shape, "type_name", None)
    if kind == "map":
        return shape.value
    if kind is None or getattr(shape, "is_document_type", False):
        return None
    if kind != "structure":
        missing.append((name, frozenset()))
        return None
    if name == "ResponseMetadata":  # boto3 adds it to every answer
        return None
    if name not in shape.members:
        missing.append((name, frozenset(shape.members)))
        return None
    return shape.members[name]


def _element(shape: Any) -> Any:
    return shape.member if getattr(shape, "type_name", None) == "list" else None


def _projected(kind: str, children: list[Any], shape: Any, missing: list[tuple[str, frozenset[str]]]) -> Any:
    """What a list or a mapping becomes: each element goes through the right side. Its own shape is not followed further."""
    found = _follow(children[0], shape, missing)
    if kind == "flatten":
        inner = _element(found)
        return inner if getattr(inner, "type_name", None) == "list" else found
    of_each = (
        found.value if kind == "value_projection" and getattr(found, "type_name", "") == "map" else _element(found)
    )
    for child in children[1:]:
        _follow(child, of_each, missing)
    return None


def _one_line(error: JMESPathError) -> str:
    return " ".join(str(error).split()).rstrip(".")
