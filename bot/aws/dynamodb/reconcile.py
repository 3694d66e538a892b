"""`dynamodb.reconcile`: the writes that were made where nobody should have written any more, listed for their owner to decide.

Both regions' streams are read from the fence on. What was written in the old region is put into a file in S3, with what became
of it; the tables are not touched. Where writes were lost or replaced others, the step asks: the owner decides, item by item,
outside of Lifeboat, and says so here.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any, ClassVar

from pydantic import AwareDatetime, BaseModel, Field

from bot.aws.calls import perform
from bot.aws.dynamodb.conflicts import Late, Seen, Window, in_words, judge, note
from bot.aws.dynamodb.replicas import TableNames
from bot.aws.dynamodb.streams import CALLS, READS, Place, records
from bot.aws.dynamodb.table import touched
from bot.aws.s3.versions import OBJECTS, BucketName, Prefix
from bot.aws.slices import Slice
from bot.errors import N_, ActionFailed, Phrase, phrase
from bot.playbook.action import (
    Asks,
    Attempt,
    Aws,
    Call,
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
from escalation.duration import Duration

#: DynamoDB keeps a stream for so long.
KEPT = timedelta(hours=24)
_LISTED = 10


class Sides(Params):
    """`old`: the region that should not write since `since`; `kept`: the one that did the work.

    `margin`: writes from so long before the fence are judged too, because some had not crossed. `cap`: the most records of each
    stream that are held against each other. `bucket`: where the list goes, in the region that acts.
    """

    tables: TableNames
    old: Annotated[str, InputType("region")]
    kept: Annotated[str, InputType("region")]
    since: AwareDatetime
    bucket: BucketName
    prefix: Prefix = "lifeboat/"
    margin: Duration = timedelta(minutes=5)
    cap: int = Field(default=100_000, ge=1, le=1_000_000)


class Reading(BaseModel):
    """Where it is: which table, which stream; stored between calls."""

    table: int = 0
    side: str = "kept"
    place: Place = Place()
    count: int = 0
    seen: dict[str, Seen] = Field(default_factory=dict)
    own: set[str] = Field(default_factory=set)
    late: list[Late] = Field(default_factory=list)
    fates: dict[str, int] = Field(default_factory=dict)
    named: list[str] = Field(default_factory=list)


@action(
    "dynamodb.reconcile",
    Sides,
    permissions=("dynamodb:DescribeTable", *READS, "s3:GetObject", "s3:PutObject"),
    calls=("dynamodb:DescribeTable", *CALLS, "s3:HeadObject", "s3:PutObject"),
    resources=dict.fromkeys(("s3:GetObject", "s3:PutObject"), OBJECTS),
    plane="data",
    changes=N_("Writes a list of the writes that were made in the old region into S3; the tables are not touched."),
    undo=N_("Nothing to undo: only a list was written."),
    undone_by=None,
    recognised_by=N_("The list has one place for each step, and writing it again gives the same list."),
    outputs={"lost": "int", "replaced": "int", "arrived": "int", "report": "str", "keys": "list"},
    takes=timedelta(minutes=2),
)
class Reconcile:
    facts: ClassVar[Facts]

    def plan(self, params: Sides, aws: Aws, attempt: Attempt) -> StepPlan:
        warnings = [
            phrase(N_("What is lost or replaced stays so until its owner decides; nothing is overwritten here."))
        ]
        if attempt.now - params.since > KEPT:
            what = N_("Streams keep 24 hours; writes before {at} are no longer in them. Compare exports of both sides.")
            warnings.append(phrase(what, at=attempt.now - KEPT))
        return StepPlan(
            calls=tuple(
                Call("s3", "PutObject", {"Bucket": params.bucket, "Key": key}) for key in _keys(params, attempt)
            ),
            warnings=tuple(warnings),
            touches=tuple(f"{touched(aws, name)}/reconciliation" for name in params.tables),
            foreseen={"report": _report(params, attempt)},
        )

    def act(self, params: Sides, aws: Aws, attempt: Attempt) -> Progress:
        reading, space = Reading.model_validate(attempt.memory.get("reading", {})), Slice()
        if attempt.answer is not None:
            return _answered(params, attempt, reading)
        while reading.table < len(params.tables):
            if space.is_over():
                return _more(params, reading)
            self._read_on(params, aws, attempt, reading, space)
        if reading.fates.get("lost", 0) + reading.fates.get("replaced", 0):
            return Asks(_question(params, attempt, reading), memory=_memory(reading))
        return _done(params, attempt, reading)

    def look(self, params: Sides, aws: Aws, attempt: Attempt) -> Progress:
        """`act` ends by itself; whoever asks again is told whether the lists are there."""
        for key in _keys(params, attempt):
            aws.client("s3").head_object(Bucket=params.bucket, Key=key)
        return _done(params, attempt, Reading.model_validate(attempt.memory.get("reading", {})))

    def _read_on(self, params: Sides, aws: Aws, attempt: Attempt, reading: Reading, space: Slice) -> None:
        """One stream, as far as the slice allows; behind its end, the next one."""
        name = params.tables[reading.table]
        region = params.kept if reading.side == "kept" else params.old
        window = Window(params.since, params.margin)
        since = params.since - params.margin
        for record in records(aws, region, _stream(aws, region, name), reading.place, space):
            reading.count += 1
            if reading.count > params.cap:
                raise ActionFailed(_too_many(params, name), code="MoreThanTheCap")
            if reading.side == "kept":
                if record["ApproximateCreationDateTime"] >= since.replace(microsecond=0):
                    note(record, reading.seen)
            elif late := judge(record, window, reading.seen, reading.own):
                reading.late.append(late)
        if not reading.place.over:
            return
        if reading.side == "kept":
            reading.side, reading.place, reading.count = "old", Place(), 0
            return
        _write(params, aws, attempt, name, reading)
        reading.fates = dict(Counter(reading.fates) + Counter[str](late.fate for late in reading.late))
        reading.named += [f"{name}: {in_words(late)}" for late in reading.late if late.fate != "arrived"]
        reading.named = reading.named[:_LISTED]
        reading.table, reading.side, reading.place, reading.count = reading.table + 1, "kept", Place(), 0
        reading.seen, reading.own, reading.late = {}, set(), []


def _stream(aws: Aws, region: str, table: str) -> str:
    found = aws.client("dynamodb", region).describe_table(TableName=table)["Table"]
    arn = found.get("LatestStreamArn")
    if arn is None:
        what = N_(
            "Table {table} in {region} has no stream, so nobody knows what was written. Compare exports of both sides."
        )
        raise ActionFailed(phrase(what, table=table, region=region), code="NoStream")
    return str(arn)


def _write(params: Sides, aws: Aws, attempt: Attempt, table: str, reading: Reading) -> None:
    """The list of one table, as a JSON document that people can read too."""
    entries = [late.model_dump() for late in reading.late]
    head = {
        "table": table, "old": params.old, "kept": params.kept, "since": (params.since - params.margin).isoformat(),
        "meaning": {
            "lost": "written in the old region; a later write of the other region stands",
            "replaced": "written in the old region; it has taken the place of what the other region had written",
            "arrived": "written in the old region after the fence; nothing was in its way",
        },
    }  # fmt: skip
    body = json.dumps({**head, "writes": entries}, indent=1, ensure_ascii=False).encode()
    key = f"{_folder(params, attempt)}{table}.json"
    perform(aws, Call("s3", "PutObject", {"Bucket": params.bucket, "Key": key, "Body": body}))


def _answered(params: Sides, attempt: Attempt, reading: Reading) -> Progress:
    if attempt.answer == "yes":
        return _done(params, attempt, reading)
    what = N_("The owner has not decided yet about the writes in {report}. Nothing was changed. Retry when they have.")
    return Failed(phrase(what, report=_report(params, attempt)))


def _question(params: Sides, attempt: Attempt, reading: Reading) -> Phrase:
    what = N_(
        "{lost} writes of {old} are lost against later ones, {replaced} have replaced what {kept} had written: {keys} … All are "
        "in {report}. Has the owner of the data decided about each, and written what shall stand?"
    )
    fields = {
        "old": params.old,
        "kept": params.kept,
        "keys": ", ".join(reading.named),
        "report": _report(params, attempt),
    }
    return phrase(what, lost=reading.fates.get("lost", 0), replaced=reading.fates.get("replaced", 0), **fields)


def _done(params: Sides, attempt: Attempt, reading: Reading) -> Done:
    counts = {fate: reading.fates.get(fate, 0) for fate in ("lost", "replaced", "arrived")}
    what = N_(
        "Writes made in {old} after the fence: {arrived} arrived, {lost} were lost against later ones, {replaced} replaced others. "
        "The list is {report}."
    )
    said = phrase(what, old=params.old, report=_report(params, attempt), **counts)
    return Done(said, {**counts, "report": _report(params, attempt), "keys": reading.named})


def _more(params: Sides, reading: Reading) -> Working:
    what = N_("Reading what was written to {table} in {region}: {count} records so far")
    region = params.kept if reading.side == "kept" else params.old
    said = phrase(what, table=params.tables[reading.table], region=region, count=reading.count)
    return Working(said, timedelta(), _memory(reading), more=True)


def _memory(reading: Reading) -> Mapping[str, Any]:
    return {"reading": reading.model_dump(mode="json")}


def _keys(params: Sides, attempt: Attempt) -> Iterator[str]:
    return (f"{_folder(params, attempt)}{name}.json" for name in params.tables)


def _folder(params: Sides, attempt: Attempt) -> str:
    return f"{params.prefix}{attempt.incident}/{attempt.run}/{attempt.step}/"


def _report(params: Sides, attempt: Attempt) -> str:
    return f"s3://{params.bucket}/{_folder(params, attempt)}"


def _too_many(params: Sides, table: str) -> Phrase:
    what = N_(
        "The stream of {table} has more than {cap} records, too many to hold against each other here. Raise the cap, or compare "
        "exports of both sides (ExportTableToPointInTime)."
    )
    return phrase(what, table=table, cap=params.cap)
