"""`dynamodb.export_for_diff`: a table as of a moment, written to S3 for whoever compares, reconciles or looks for the cause.

The export comes out of point-in-time recovery: it reads no capacity of the table, and changes nothing of it. To bring items
back, compare with a restored table; AWS imports an export only into a new one.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import AwareDatetime

from bot.aws.calls import perform
from bot.aws.dynamodb.table import TABLES, TableName, describe, whole_second
from bot.aws.polling import next_look
from bot.aws.s3.versions import OBJECTS, BucketName, Prefix
from bot.aws.tokens import uuid_of
from bot.errors import N_, ActionFailed, Phrase, phrase
from bot.playbook.action import (
    Attempt,
    Aws,
    Call,
    Change,
    Done,
    Facts,
    Failed,
    InputType,
    Params,
    Progress,
    StepPlan,
    Working,
    action,
)

#: AWS writes with the caller's rights.
ON_OBJECTS = ("s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectAcl")
_CALLS = (
    "dynamodb:DescribeContinuousBackups",
    "dynamodb:DescribeExport",
    "dynamodb:DescribeTable",
    "dynamodb:ExportTableToPointInTime",
    "s3:HeadObject",
)
EXPORTS = ("arn:{partition}:dynamodb:{region}:{account}:table/*/export/*", *TABLES)


class Exported(Params):
    """The items of `table` as they were `at`, in `bucket` below `prefix`. The bucket may be one of another region."""

    table: TableName
    at: AwareDatetime
    bucket: Annotated[BucketName, InputType("s3.bucket")]
    prefix: Prefix = "lifeboat/exports"


@action(
    "dynamodb.export_for_diff",
    Exported,
    permissions=(
        "dynamodb:DescribeContinuousBackups",
        "dynamodb:DescribeExport",
        "dynamodb:DescribeTable",
        "dynamodb:ExportTableToPointInTime",
        "s3:GetObject",
        *ON_OBJECTS,
    ),
    plane="control",
    changes=N_("Writes the items of a table, as they were at a moment, into a bucket."),
    undo=N_("The table is not touched; the files stay as evidence until somebody deletes them."),
    undone_by=None,
    recognised_by=N_("DynamoDB answers the same client token with the same export, for eight hours."),
    resources={
        "dynamodb:DescribeExport": EXPORTS,
        "dynamodb:ExportTableToPointInTime": TABLES,
        **dict.fromkeys(ON_OBJECTS, OBJECTS),
    },
    outputs={"export": "str", "manifest": "str", "items": "int", "at": "time"},
    calls=_CALLS,
    takes=timedelta(minutes=10),
)
class ExportForDiff:
    facts: ClassVar[Facts]

    def plan(self, params: Exported, aws: Aws, attempt: Attempt) -> StepPlan:
        touches = (f"s3:{aws.region}:{params.bucket}/{params.prefix}",)
        call = _call(params, aws, attempt)
        if isinstance(call, Phrase):
            return StepPlan(warnings=(call,), touches=touches)
        what = phrase(
            N_("Export of {table} in {bucket}/{prefix}"), **params.model_dump(include={"table", "bucket", "prefix"})
        )
        return StepPlan(
            calls=(call,),
            changes=(Change(what, None, whole_second(params.at).isoformat()),),
            warnings=(phrase(N_("The files hold the table's data: see who may read {bucket}."), bucket=params.bucket),),
            touches=touches,
        )

    def act(self, params: Exported, aws: Aws, attempt: Attempt) -> Progress:
        """The token makes a second call the first one's export, whether or not its answer was lost."""
        if not attempt.memory.get("export"):
            call = _call(params, aws, attempt)
            if isinstance(call, Phrase):
                return Failed(call)
            started = perform(aws, call)["ExportDescription"]["ExportArn"]
            return _progress(params, aws, attempt, started)
        return self.look(params, aws, attempt)

    def look(self, params: Exported, aws: Aws, attempt: Attempt) -> Progress:
        return _progress(params, aws, attempt, attempt.memory["export"])


def _progress(params: Exported, aws: Aws, attempt: Attempt, export: str) -> Progress:
    """Over when the manifest can be read in the bucket, which AWS writes last."""
    found = aws.client("dynamodb").describe_export(ExportArn=export)["ExportDescription"]
    if found["ExportStatus"] == "FAILED":
        what = N_("{table} was not exported ({code}): {message} Correct what it names, then retry the step.")
        said = {"code": found.get("FailureCode") or "-", "message": found.get("FailureMessage") or "-"}
        return Failed(phrase(what, table=params.table, **said))
    manifest = found.get("ExportManifest") or ""
    if found["ExportStatus"] != "COMPLETED" or not _is_there(aws, params.bucket, manifest):
        what = N_("Exporting {table} as of {at}: {status} for {elapsed}")
        elapsed = attempt.now - attempt.started_at
        note = phrase(what, table=params.table, at=params.at, status=found["ExportStatus"], elapsed=elapsed)
        return Working(note, again_in=next_look(attempt), memory={"export": export})
    at: datetime = found["ExportTime"].astimezone(UTC)
    what = N_("{items} items of {table} as of {at} are in {bucket}; their list is {manifest}.")
    fields = {"items": int(found.get("ItemCount", 0)), "at": at, "manifest": manifest}
    note = phrase(what, table=params.table, bucket=params.bucket, **fields)
    return Done(note, {"export": export, "manifest": manifest, "items": fields["items"], "at": at.isoformat()})


def _is_there(aws: Aws, bucket: str, key: str) -> bool:
    try:
        aws.client("s3").head_object(Bucket=bucket, Key=key)
    except ActionFailed as error:
        if error.code in {"404", "NoSuchKey"}:
            return False
        raise
    return True


def _call(params: Exported, aws: Aws, attempt: Attempt) -> Call | Phrase:
    """What starts it; a phrase says why the table cannot be exported as of then."""
    found = describe(aws, params.table)
    if found is None:
        return phrase(N_("There is no table {table}. Check name and region."), table=params.table)
    described = aws.client("dynamodb").describe_continuous_backups(TableName=params.table)
    recovery = described["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
    if recovery.get("PointInTimeRecoveryStatus") != "ENABLED":
        what = N_(
            "Point-in-time recovery of {table} is off, so nothing of it can be exported. Switch it on for next time."
        )
        return phrase(what, table=params.table)
    at, earliest, latest = (
        whole_second(params.at),
        recovery["EarliestRestorableDateTime"],
        recovery["LatestRestorableDateTime"],
    )
    if not earliest <= at <= latest:
        what = N_("{table} can be exported as of {earliest} to {latest}, not as of {at}. Choose a moment between.")
        return phrase(what, table=params.table, earliest=earliest, latest=latest, at=at)
    parameters: dict[str, Any] = {
        "TableArn": found["TableArn"],
        "S3Bucket": params.bucket,
        "S3Prefix": params.prefix,
        "ExportTime": at.isoformat(),
        "ExportFormat": "DYNAMODB_JSON",
        "ClientToken": uuid_of(attempt),
    }
    return Call("dynamodb", "ExportTableToPointInTime", parameters)
