"""One item written only if it still is what we saw; and items as JSON and back."""

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from bot.aws.calls import perform
from bot.errors import ActionFailed
from bot.playbook.action import Aws, Call

Item = Mapping[str, Any]
#: An expression has at most 4 KB; so many attributes fit into it, whatever they are called.
MOST_ATTRIBUTES = 100


def written(aws: Aws, table: str, keys: list[str], seen: Item | None, wanted: Item) -> bool:
    """Make `seen` (None: no such item) into `wanted`; False: it is not what was seen any more, and stays as it is."""
    return _done(aws, call_for(table, keys, seen, wanted))


def deleted(aws: Aws, table: str, keys: list[str], seen: Item) -> bool:
    """Delete the item that was seen; False: it is not that any more, and stays as it is."""
    key, names = {name: seen[name] for name in keys}, _names(seen)
    return _done(aws, Call("dynamodb", "DeleteItem", {"TableName": table, "Key": key} | _unchanged(seen, names)))


def _done(aws: Aws, call: Call) -> bool:
    try:
        perform(aws, call)
    except ActionFailed as error:
        if error.code == "ConditionalCheckFailedException":
            return False
        raise
    return True


def fits(seen: Item | None, wanted: Item) -> bool:
    """Whether the change can be said in one expression."""
    return len({*(seen or {}), *wanted}) <= MOST_ATTRIBUTES


def call_for(table: str, keys: list[str], seen: Item | None, wanted: Item) -> Call:
    """An existing item is updated and not replaced: an attribute that nobody saw stays."""
    where = {"TableName": table}
    if seen is None:
        absent = {"ConditionExpression": "attribute_not_exists(#k)", "ExpressionAttributeNames": {"#k": keys[0]}}
        return Call("dynamodb", "PutItem", where | {"Item": dict(wanted)} | absent)
    key = {"Key": {name: seen[name] for name in keys}}
    names = _names({*seen, *wanted})
    condition = _unchanged(seen, names)
    changed = {name: value for name, value in wanted.items() if seen.get(name) != value}
    sets = ", ".join(f"{names[name]} = :s{at}" for at, name in enumerate(changed))
    removes = ", ".join(names[name] for name in sorted(set(seen) - set(wanted)))
    clauses = [f"SET {sets}" if sets else "", f"REMOVE {removes}" if removes else ""]
    values = {f":s{at}": value for at, value in enumerate(changed.values())}
    condition["ExpressionAttributeValues"] |= values
    return Call("dynamodb", "UpdateItem", where | key | {"UpdateExpression": " ".join(clauses).strip()} | condition)


def _names(attributes: Iterable[str]) -> dict[str, str]:
    """A short placeholder for each attribute: their own names may be reserved words."""
    return {name: f"#a{at}" for at, name in enumerate(sorted(attributes))}


def _unchanged(seen: Item, names: Mapping[str, str]) -> dict[str, Any]:
    """Every attribute is as it was seen, and none of the others that we would write is there."""
    values = {f":c{at}": seen[name] for at, name in enumerate(sorted(seen))}
    same = [f"{names[name]} = :c{at}" for at, name in enumerate(sorted(seen))]
    absent = [f"attribute_not_exists({short})" for name, short in names.items() if name not in seen]
    return {
        "ConditionExpression": " AND ".join(same + absent),
        "ExpressionAttributeNames": {short: name for name, short in names.items()},
        "ExpressionAttributeValues": values,
    }


def to_json(value: Any) -> Any:
    """An item as JSON: bytes as base64, where DynamoDB's own kind (`B`, `BS`) says so."""
    if isinstance(value, Mapping):
        return {name: to_json(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [to_json(inner) for inner in value]
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def from_json(item: Mapping[str, Any]) -> dict[str, Any]:
    """The item that `to_json` was given."""
    return {name: _attribute(value) for name, value in item.items()}


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    ((kind, inner),) = value.items()
    match kind:
        case "B":
            return {"B": base64.b64decode(inner)}
        case "BS":
            return {"BS": [base64.b64decode(one) for one in inner]}
        case "M":
            return {"M": from_json(inner)}
        case "L":
            return {"L": [_attribute(one) for one in inner]}
    return {kind: inner}
