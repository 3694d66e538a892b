"""`dynamodb.restore_pitr` makes a new table as of a moment; `dynamodb.delete_restored` removes it again.

The new table's name follows from the source and the incident, so a second call finds the first one's table and adopts it.
Neither touches the source: the service goes on with it until the pointer is cut over (`ssm.put_parameter`).
"""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from pydantic import AwareDatetime

from bot.aws.calls import perform
from bot.aws.dynamodb.restoring import ON_NEW_TABLE, TAKEN, Restoring, cost, iso, progress, warnings
from bot.aws.dynamodb.settings import snapshot
from bot.aws.dynamodb.table import (
    RESTORED,
    TABLES,
    Table,
    TableName,
    describe,
    has_name_of,
    is_restore_of,
    restored_from,
    restored_name,
    touched,
)
from bot.aws.dynamodb.window import MOST_RESTORES, name_taken, running_restores
from bot.aws.polling import SETTLING, next_look
from bot.aws.ssm import PARAMETERS
from bot.errors import N_, ActionFailed, Phrase, phrase
from bot.playbook.action import (
    Attempt,
    Aws,
    Call,
    Change,
    Done,
    Facts,
    Failed,
    Figures,
    InputType,
    Need,
    Params,
    Progress,
    StepPlan,
    Working,
    action,
)


class Restore(Params):
    """`on_demand`: bill the new table per request, so that it is not throttled when the whole load moves to it."""

    table: TableName
    at: AwareDatetime
    on_demand: bool = True


@action(
    "dynamodb.restore_pitr",
    Restore,
    permissions=(
        "dynamodb:DescribeTable",
        "dynamodb:RestoreTableToPointInTime",
        # The snapshot of the settings that a restore loses.
        "application-autoscaling:DescribeScalableTargets",
        "application-autoscaling:DescribeScalingPolicies",
        "application-autoscaling:DescribeScheduledActions",
        "dynamodb:DescribeContinuousBackups",
        "dynamodb:DescribeContributorInsights",
        "dynamodb:DescribeKinesisStreamingDestination",
        "dynamodb:DescribeTimeToLive",
        "dynamodb:GetResourcePolicy",
        "dynamodb:ListTagsOfResource",
        # How many restores run already.
        "dynamodb:ListTables",
        *ON_NEW_TABLE,
    ),
    plane="control",
    changes=N_("Makes a new table beside the damaged one, with the items as they were at the moment asked for."),
    undo=N_("Deletes the new table, and only if this incident restored it."),
    undone_by="dynamodb.delete_restored",
    recognised_by=N_("The new table's name follows from the source and the incident, and AWS names source and moment."),
    resources={"dynamodb:RestoreTableToPointInTime": TABLES} | dict.fromkeys(ON_NEW_TABLE, RESTORED),
    outputs={"table": "dynamodb.table", "source": "dynamodb.table", "at": "time", "source_settings": "str"},
    calls=(
        "application-autoscaling:DescribeScalableTargets",
        "application-autoscaling:DescribeScalingPolicies",
        "application-autoscaling:DescribeScheduledActions",
        "dynamodb:DescribeContinuousBackups",
        "dynamodb:DescribeContributorInsights",
        "dynamodb:DescribeKinesisStreamingDestination",
        "dynamodb:DescribeTable",
        "dynamodb:DescribeTimeToLive",
        "dynamodb:GetResourcePolicy",
        "dynamodb:ListTables",
        "dynamodb:ListTagsOfResource",
        "dynamodb:RestoreTableToPointInTime",
    ),
    # "LatestRestorableDateTime is typically 5 minutes before now"; of the restore itself, AWS promises no time.
    recovers=Figures(rpo=timedelta(minutes=5), rto=None),
    takes=timedelta(minutes=20),
)
class RestorePitr:
    facts: ClassVar[Facts]

    def plan(self, params: Restore, aws: Aws, attempt: Attempt) -> StepPlan:
        target = restored_name(params.table, attempt.incident)
        touches = (touched(aws, target),)
        if describe(aws, target) is not None:
            used = phrase(N_("{target} exists already and is used if it fits."), target=target)
            return StepPlan(warnings=(used,), foreseen={"table": target}, touches=touches)
        return StepPlan(
            foreseen={"table": target},
            calls=(_restore_call(params, target),),
            changes=(Change(phrase(N_("Table {target}"), target=target), None, f"{params.table} @ {iso(params.at)}"),),
            warnings=_warnings(params),
            touches=touches,
            needs=(Need(phrase(N_("Restores at the same time")), 1, MOST_RESTORES - running_restores(aws)),),
            loses=max(attempt.now - params.at, timedelta()),
            cost=_cost(describe(aws, params.table)),
        )

    def act(self, params: Restore, aws: Aws, attempt: Attempt) -> Progress:
        target = restored_name(params.table, attempt.incident)
        settings = json.dumps(snapshot(aws, params.table), sort_keys=True)
        memory = {"asked_at": attempt.now.isoformat(), "source_settings": settings}
        if describe(aws, target) is None:
            try:
                perform(aws, _restore_call(params, target))
            except ActionFailed as error:
                if error.code not in TAKEN:
                    raise
        return _progress(params, aws, attempt, memory)

    def look(self, params: Restore, aws: Aws, attempt: Attempt) -> Progress:
        return _progress(params, aws, attempt, dict(attempt.memory))


def _restore_call(params: Restore, target: str) -> Call:
    parameters: dict[str, Any] = {
        "SourceTableName": params.table,
        "TargetTableName": target,
        "RestoreDateTime": iso(params.at),
    }
    if params.on_demand:
        parameters["BillingModeOverride"] = "PAY_PER_REQUEST"
    return Call("dynamodb", "RestoreTableToPointInTime", parameters)


def _cost(source: Table | None) -> Decimal | None:
    return None if source is None else cost(int(source.get("TableSizeBytes", 0)))


def _warnings(params: Restore) -> tuple[Phrase, ...]:
    lost = phrase(N_("Settings are lost by a restore and are applied again by the step dynamodb.reapply_settings."))
    return (*warnings(params.at), lost)


def _progress(params: Restore, aws: Aws, attempt: Attempt, memory: dict[str, Any]) -> Progress:
    target = restored_name(params.table, attempt.incident)
    found = describe(aws, target)
    if found is not None and not is_restore_of(found, params.table, params.at):
        return Failed(name_taken(target, params.table, params.at))
    settings = memory.get("source_settings", "{}")
    return progress(found, Restoring(target, params.table, params.at), attempt, memory, source_settings=settings)


class Restored(Params):
    """`pointer`: the SSM parameter that names the table in use; the table is not deleted while it is named there."""

    table: TableName
    pointer: Annotated[str, InputType("ssm.parameter")] | None = None


@action(
    "dynamodb.delete_restored",
    Restored,
    permissions=("dynamodb:DeleteTable", "dynamodb:DescribeTable", "dynamodb:UpdateTable", "ssm:GetParameter"),
    plane="control",
    changes=N_("Deletes a table that this incident restored, and nothing else."),
    undo=N_("A deleted table does not come back; dynamodb.restore_pitr makes the same one again."),
    undone_by=None,
    recognised_by=N_("The table is gone, or being deleted."),
    resources={"dynamodb:DeleteTable": RESTORED, "dynamodb:UpdateTable": RESTORED, "ssm:GetParameter": PARAMETERS},
    calls=("dynamodb:DeleteTable", "dynamodb:DescribeTable", "dynamodb:UpdateTable", "ssm:GetParameter"),
    takes=timedelta(minutes=1),
)
class DeleteRestored:
    facts: ClassVar[Facts]

    def plan(self, params: Restored, aws: Aws, attempt: Attempt) -> StepPlan:
        touches = (touched(aws, params.table),)
        found = describe(aws, params.table)
        refusal = found and _refusal(params, aws, attempt, found)
        if found is None or refusal:
            return StepPlan(warnings=(refusal,) if refusal else (), touches=touches)
        items = phrase(N_("Table {table}, about {items} items"), table=params.table, items=found.get("ItemCount", 0))
        return StepPlan(
            calls=_deletion(found),
            changes=(Change(items, str(found["TableStatus"]), None),),
            warnings=(phrase(N_("The restored items are lost with it.")),),
            touches=touches,
        )

    def act(self, params: Restored, aws: Aws, attempt: Attempt) -> Progress:
        found = describe(aws, params.table)
        if found is not None and found["TableStatus"] != "DELETING":
            if refusal := _refusal(params, aws, attempt, found):
                return Failed(refusal)
            for call in _deletion(found):
                perform(aws, call)
        return self.look(params, aws, attempt)

    def look(self, params: Restored, aws: Aws, attempt: Attempt) -> Progress:
        found = describe(aws, params.table)
        if found is None:
            return Done(phrase(N_("{table} is deleted."), table=params.table))
        if found["TableStatus"] == "DELETING" or attempt.now - attempt.started_at < SETTLING:
            return Working(phrase(N_("Deleting {table}"), table=params.table), again_in=next_look(attempt))
        what = N_("{table} is still there ({status}). Retry the step.")
        return Failed(phrase(what, table=params.table, status=found["TableStatus"]))


def _deletion(table: Table) -> tuple[Call, ...]:
    """Protection on a restored table is a copy of the source's, which `dynamodb.reapply_settings` made."""
    name = {"TableName": table["TableName"]}
    delete = Call("dynamodb", "DeleteTable", name)
    if table.get("DeletionProtectionEnabled"):
        return (Call("dynamodb", "UpdateTable", name | {"DeletionProtectionEnabled": False}), delete)
    return (delete,)


def _refusal(params: Restored, aws: Aws, attempt: Attempt, table: Table) -> Phrase | None:
    """Why the table must not be deleted; None: it may."""
    if not has_name_of(attempt.incident, params.table) or restored_from(table) is None:
        what = N_("{table} is not a table that incident {incident} restored, so Lifeboat does not delete it.")
        return phrase(what, table=params.table, incident=attempt.incident)
    if params.pointer and _pointed_at(aws, params.pointer) == params.table:
        what = N_("{table} is in use: {pointer} points at it. Point it back first, then retry.")
        return phrase(what, table=params.table, pointer=params.pointer)
    return None


def _pointed_at(aws: Aws, pointer: str) -> str | None:
    try:
        return str(aws.client("ssm").get_parameter(Name=pointer)["Parameter"]["Value"])
    except ActionFailed as error:
        if error.code == "ParameterNotFound":
            return None
        raise
