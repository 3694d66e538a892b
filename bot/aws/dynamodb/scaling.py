"""A table's auto scaling: what Application Auto Scaling knows of it and of its indexes.

It is kept there under `table/<name>` and `table/<name>/index/<index>`. The value here names these parts "" and
"/index/<index>", so that two tables can be compared.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from bot.aws.dynamodb.table import Table, indexes
from bot.playbook.action import Aws, Call

#: What each of the three kinds consists of; the rest of what AWS returns (ARNs, dates, alarms) belongs to one table only.
FIELDS: Mapping[str, tuple[str, ...]] = {
    "RegisterScalableTarget": ("ScalableDimension", "MinCapacity", "MaxCapacity", "SuspendedState"),
    "PutScalingPolicy": (
        "PolicyName",
        "ScalableDimension",
        "PolicyType",
        "StepScalingPolicyConfiguration",
        "TargetTrackingScalingPolicyConfiguration",
    ),
    "PutScheduledAction": (
        "ScheduledActionName",
        "ScalableDimension",
        "Schedule",
        "Timezone",
        "ScalableTargetAction",
    ),
}


def read(aws: Aws, table: Table) -> dict[str, dict[str, list[dict[str, Any]]]] | None:
    """{part: {operation that writes it: [parameters without the table's name]}}, None if nothing is scaled."""
    parts = ["", *(f"/index/{index['IndexName']}" for index in indexes(table))]
    found = {part: _of_part(aws, f"table/{table['TableName']}{part}") for part in parts}
    return {part: kinds for part, kinds in found.items() if kinds} or None


def _of_part(aws: Aws, resource: str) -> dict[str, list[dict[str, Any]]]:
    scaling = aws.client("application-autoscaling")
    which = {"ServiceNamespace": "dynamodb"}
    targets = scaling.describe_scalable_targets(ResourceIds=[resource], **which)["ScalableTargets"]
    if not targets:
        return {}
    kinds = {
        "RegisterScalableTarget": targets,
        "PutScalingPolicy": scaling.describe_scaling_policies(ResourceId=resource, **which)["ScalingPolicies"],
        "PutScheduledAction": scaling.describe_scheduled_actions(ResourceId=resource, **which)["ScheduledActions"],
    }
    # Checked again here: an emulator may answer with what belongs to a table whose name only begins alike.
    ours = {operation: [e for e in entries if e["ResourceId"] == resource] for operation, entries in kinds.items()}
    return {operation: [_kept(e, operation) for e in entries] for operation, entries in ours.items() if entries}


def _kept(entry: Mapping[str, Any], operation: str) -> dict[str, Any]:
    # A policy keeps its own name: names are per resource, so the copy cannot collide with the source's.
    return {field: entry[field] for field in FIELDS[operation] if entry.get(field) is not None}


def calls(table: Table, wanted: Mapping[str, Mapping[str, list[dict[str, Any]]]]) -> tuple[Call, ...]:
    """Targets first: a policy or a scheduled action needs its target to exist."""
    return tuple(
        Call("application-autoscaling", operation, where | entry)
        for operation in FIELDS
        for where, kinds in _places(table, wanted)
        for entry in kinds.get(operation, ())
    )


def _places(
    table: Table, wanted: Mapping[str, Mapping[str, list[dict[str, Any]]]]
) -> Iterator[tuple[dict[str, str], Mapping[str, list[dict[str, Any]]]]]:
    for part, kinds in wanted.items():
        yield {"ServiceNamespace": "dynamodb", "ResourceId": f"table/{table['TableName']}{part}"}, kinds
