"""`dynamodb.copy_back`: items that differ are written back into the live table, each only if it still is what we saw.

For a few damaged items, or a table that cannot be replaced (replicas, consumers of its stream). Everything is counted
first; above the cap nothing is written. Then, page by page, the items as they are go to S3 before the first of them is
changed: `dynamodb.undo_copy_back` puts them back. Items that only the live table has were born later, and stay.
"""

import json
from datetime import timedelta
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field

from bot.aws.calls import perform
from bot.aws.dynamodb.compare import canonical, decoded, digest_of, encoded, looked_up
from bot.aws.dynamodb.conditional import Item, fits, to_json, written
from bot.aws.dynamodb.table import TABLES, TableName, describe, is_restore_of, touched
from bot.aws.s3.versions import OBJECTS, BucketName, Prefix
from bot.aws.slices import Slice
from bot.errors import N_, ActionFailed, Phrase, phrase
from bot.playbook.action import (
    Attempt,
    Aws,
    Call,
    Change,
    Done,
    Facts,
    Failed,
    Params,
    Progress,
    StepPlan,
    Working,
    action,
)

PAGE = 25
#: How often a page may be written anew after a crash; each leaves a file of its own.
MOST_FILES = 50


class Copied(Params):
    """`restored` was restored from `live`; `cap`: the most items that are changed; `bucket`: where they are kept as they were."""

    restored: TableName
    live: TableName
    bucket: BucketName
    prefix: Prefix = "lifeboat/"
    cap: int = Field(default=1000, ge=1, le=100_000)


class Tally(BaseModel):
    """Where it is and what it has counted; stored between calls."""

    doing: Literal["count", "write", "over"] = "count"
    start: dict[str, Any] | None = None
    page: int = 0
    differ: int = 0
    missing: int = 0
    wide: int = 0
    written: int = 0
    conflicts: int = 0


Pair = tuple[Item | None, Item]  # the live item and the restored one


@action(
    "dynamodb.copy_back",
    Copied,
    permissions=(
        "dynamodb:BatchGetItem",
        "dynamodb:DescribeTable",
        "dynamodb:PutItem",
        "dynamodb:Scan",
        "dynamodb:UpdateItem",
        "s3:PutObject",
    ),
    plane="data",
    changes=N_("Writes differing items back into the live table, each only if it still is what the comparison saw."),
    undo=N_("Writes the items back as they were kept in S3, each only if nobody has changed it since."),
    undone_by="dynamodb.undo_copy_back",
    recognised_by=N_("Items are compared again before they are written; what is the same already is passed over."),
    resources=dict.fromkeys(("dynamodb:PutItem", "dynamodb:UpdateItem"), TABLES) | {"s3:PutObject": OBJECTS},
    outputs={"written": "int", "conflicts": "int", "pre_images": "str"},
    calls=(
        "dynamodb:BatchGetItem",
        "dynamodb:DescribeTable",
        "dynamodb:PutItem",
        "dynamodb:Scan",
        "dynamodb:UpdateItem",
        "s3:PutObject",
    ),
    takes=timedelta(minutes=5),
)
class CopyBack:
    facts: ClassVar[Facts]

    def plan(self, params: Copied, aws: Aws, attempt: Attempt) -> StepPlan:
        touches = (touched(aws, params.live),)
        keys = _keys(params, aws)
        if isinstance(keys, Phrase):
            return StepPlan(warnings=(keys,), touches=touches)
        tally, room = Tally(), Slice()
        while tally.doing == "count" and not room.is_over():
            _count(tally, _page(tally, params, aws, keys))
            room.spend(2)
        if tally.differ + tally.missing > params.cap:
            return StepPlan(warnings=(_too_many(params, tally),), touches=touches)
        what = phrase(N_("Items of {table} that differ, and that are missing"), table=params.live)
        change = Change(what, f"{tally.differ} + {tally.missing}", params.restored)
        return StepPlan(
            calls=(Call("dynamodb", "UpdateItem", {"TableName": params.live}),) if tally.differ + tally.missing else (),
            changes=(change,) if tally.differ + tally.missing else (),
            warnings=_warnings(tally),
            touches=touches,
            foreseen={"pre_images": _folder(params, attempt)},
        )

    def act(self, params: Copied, aws: Aws, attempt: Attempt) -> Progress:
        keys = _keys(params, aws)
        if isinstance(keys, Phrase):
            return Failed(keys)
        tally, room = Tally.model_validate(attempt.memory.get("tally", {})), Slice()
        while tally.doing != "over" and not room.is_over():
            doing, page = tally.doing, tally.page
            pairs = _page(tally, params, aws, keys)
            room.spend(2 + (len(pairs) if doing == "write" else 0))
            if doing == "count":
                _count(tally, pairs)
                if tally.differ + tally.missing > params.cap:
                    return Failed(_too_many(params, tally))
            elif pairs:
                _write(tally, pairs, f"{_folder(params, attempt)}{page:08}", params, aws, keys)
        if tally.doing == "over":
            return _done(params, tally, attempt)
        what = N_("{differ} items differ, {missing} are missing; {written} written back so far")
        fields = {"differ": tally.differ, "missing": tally.missing, "written": tally.written}
        return Working(phrase(what, **fields), timedelta(), {"tally": tally.model_dump()}, more=True)

    def look(self, params: Copied, aws: Aws, attempt: Attempt) -> Progress:  # `act` ends by itself
        keys = _keys(params, aws)
        if isinstance(keys, Phrase):
            return Failed(keys)
        return _done(params, Tally.model_validate(attempt.memory.get("tally", {})), attempt)


def _keys(params: Copied, aws: Aws) -> list[str] | Phrase:
    """The names of the key's attributes, or why nothing is copied."""
    live, restored = describe(aws, params.live), describe(aws, params.restored)
    if live is None or restored is None:
        gone = params.live if live is None else params.restored
        return phrase(N_("There is no table {table}. Check the step's parameters."), table=gone)
    if not is_restore_of(restored, params.live):
        what = N_("{restored} was not restored from {live}, so nothing is copied. Check the step's parameters.")
        return phrase(what, restored=params.restored, live=params.live)
    return [key["AttributeName"] for key in live["KeySchema"]]


def _page(tally: Tally, params: Copied, aws: Aws, keys: list[str]) -> list[Pair]:
    """The differing items of the next page, and `tally` moved on behind it."""
    start = {"ExclusiveStartKey": decoded(tally.start)} if tally.start else {}
    page = aws.client("dynamodb").scan(TableName=params.restored, Limit=PAGE, ConsistentRead=True, **start)
    lives = looked_up(aws, params.live, [{name: one[name] for name in keys} for one in page["Items"]], keys)
    found = [(lives.get(digest_of(item, keys)), item) for item in page["Items"]]
    last = page.get("LastEvaluatedKey")
    tally.start, tally.page = (encoded(last), tally.page + 1) if last else (None, 0)
    if not last:
        tally.doing = "write" if tally.doing == "count" else "over"
    return [(live, item) for live, item in found if live is None or canonical(live) != canonical(item)]


def _count(tally: Tally, pairs: list[Pair]) -> None:
    tally.missing += sum(live is None for live, _ in pairs)
    tally.differ += sum(live is not None for live, _ in pairs)
    tally.wide += sum(not fits(live, item) for live, item in pairs)


def _write(tally: Tally, pairs: list[Pair], name: str, params: Copied, aws: Aws, keys: list[str]) -> None:
    """Keep the page's items as they are, then write each. A crash leaves files of which the newest sorts first."""
    narrow = [(live, item) for live, item in pairs if fits(live, item)]
    if tally.written + len(narrow) > params.cap:
        raise ActionFailed(_too_many(params, tally), code="MoreThanTheCap")
    _keep(aws, params.bucket, name, narrow)
    done = [written(aws, params.live, keys, live, item) for live, item in narrow]
    tally.written += sum(done)
    tally.conflicts += len(done) - sum(done)


def _keep(aws: Aws, bucket: str, name: str, pairs: list[Pair]) -> None:
    body = json.dumps([{"before": live and to_json(live), "after": to_json(item)} for live, item in pairs])
    for number in reversed(range(MOST_FILES)):
        where = {"Bucket": bucket, "Key": f"{name}-{number:02}.json"}
        try:
            # Never over an earlier file: it may hold what an act that crashed has changed.
            perform(aws, Call("s3", "PutObject", where | {"Body": body.encode(), "IfNoneMatch": "*"}))
        except ActionFailed as error:
            if error.code != "PreconditionFailed":
                raise
        else:
            return
    what = N_("{bucket}/{name} was begun {count} times. Look for what stops it, then start a new run.")
    raise ActionFailed(phrase(what, bucket=bucket, name=name, count=MOST_FILES), code="TooManyFiles")


def _folder(params: Copied, attempt: Attempt) -> str:
    """One for all attempts of the step, so that its undo takes all of them back."""
    return f"{params.prefix}{attempt.incident}/{attempt.run}/{attempt.step}/"


def _too_many(params: Copied, tally: Tally) -> Phrase:
    what = N_(
        "At least {count} items of {table} differ, more than the cap of {cap}; nothing more is written. Raise the cap, or "
        "cut over to the restored table instead."
    )
    return phrase(what, count=tally.differ + tally.missing, table=params.live, cap=params.cap)


def _warnings(tally: Tally) -> tuple[Phrase, ...]:
    said = [
        phrase(N_("An item that was rightly changed after the restored moment differs too and goes back with them."))
    ]
    if tally.doing == "count":
        said.append(phrase(N_("There are more items than a plan counts; the numbers are at least these.")))
    if tally.wide:
        said.append(phrase(N_("{count} items have more than 100 attributes; copy them by hand."), count=tally.wide))
    return tuple(said)


def _done(params: Copied, tally: Tally, attempt: Attempt) -> Done:
    what = N_(
        "{written} items of {table} are written back; {conflicts} were changed meanwhile and {wide} are too wide."
    )
    counts = {"written": tally.written, "conflicts": tally.conflicts}
    note = phrase(what, table=params.live, wide=tally.wide, **counts)
    return Done(note, counts | {"pre_images": _folder(params, attempt)})
