"""`dynamodb.compare`: what differs between a table and its restore, item by item.

Two passes, each page by page, so that a table of any size needs little memory and no long call: the restored table is
read and each item looked up in the live one (same, different, extra); then the live table's keys are looked up in the
restored one (missing). Where a look ended is kept in `memory`, so a crash costs one look.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field

from bot.aws.dynamodb.table import TABLES, Table, TableName, describe
from bot.errors import N_, ActionFailed, phrase
from bot.playbook.action import Attempt, Aws, Done, Facts, Failed, Params, Progress, Working, check

#: The most keys that BatchGetItem takes; a page of the scan is one such batch.
PAGE = 100
PAGES_PER_LOOK = 20
#: How often keys that BatchGetItem left unanswered are asked again before the look stops.
ROUNDS = 5

Item = Mapping[str, Any]


class Tables(Params):
    """`left`: the live table; `right`: its restore. `cap`: the most items that are read of each, to bound cost and time."""

    left: TableName
    right: TableName
    cap: int = Field(default=10_000, ge=1, le=10_000_000)


class Tally(BaseModel):
    """What has been counted so far; stored between looks."""

    reading: Literal["right", "left"] = "right"
    start: dict[str, Any] | None = None
    right_items: int = 0
    left_items: int = 0
    differ: int = 0
    missing: int = 0
    extra: int = 0
    checksum: int = 0
    complete: bool = True


@check(
    "dynamodb.compare",
    Tables,
    permissions=("dynamodb:BatchGetItem", "dynamodb:DescribeTable", "dynamodb:Scan"),
    outputs={
        "items": "int",
        "differ": "int",
        "missing": "int",
        "extra": "int",
        "complete": "bool",
        "checksum": "str",
    },
    resources={"dynamodb:BatchGetItem": TABLES, "dynamodb:Scan": TABLES},
    calls=("dynamodb:BatchGetItem", "dynamodb:DescribeTable", "dynamodb:Scan"),
    takes=timedelta(minutes=1),
)
class Compare:
    """Holds when the restored table can be read and is not empty though its source was not; reports the differences.

    Differences are expected (what was damaged, and what was written since), so a person judges them, not the check.
    """

    facts: ClassVar[Facts]

    def look(self, params: Tables, aws: Aws, attempt: Attempt) -> Progress:
        return compared(params, aws, attempt.memory)


def compared(params: Tables, aws: Aws, memory: Mapping[str, Any]) -> Progress:
    """A part of the comparison, going on where `memory` says that the last one ended."""
    left, right = describe(aws, params.left), describe(aws, params.right)
    if left is None or right is None:
        gone = params.left if left is None else params.right
        what = N_("There is no table {table} to compare. Check the step's parameters.")
        return Failed(phrase(what, table=gone))
    tally = Tally.model_validate(memory.get("tally", {}))
    for _ in range(PAGES_PER_LOOK):
        if not _one_page(tally, params, aws, right):
            return _verdict(tally, params, left)
    what = N_("Comparing: {right} items read of {restored}, {left} of {live}")
    counts = {"right": tally.right_items, "left": tally.left_items}
    note = phrase(what, restored=params.right, live=params.left, **counts)
    return Working(note, again_in=timedelta(seconds=1), memory={"tally": tally.model_dump()})


def _one_page(tally: Tally, params: Tables, aws: Aws, right: Table) -> bool:
    """Compare one page and move on in `tally`; False: both tables have been read."""
    keys = [key["AttributeName"] for key in right["KeySchema"]]
    here, there = (params.right, params.left) if tally.reading == "right" else (params.left, params.right)
    room = params.cap - (tally.right_items if tally.reading == "right" else tally.left_items)
    start = {"ExclusiveStartKey": decoded(tally.start)} if tally.start else {}
    page = aws.client("dynamodb").scan(TableName=here, Limit=min(PAGE, room), **start)
    others = looked_up(aws, there, [{name: item[name] for name in keys} for item in page["Items"]], keys)
    if tally.reading == "right":
        _count_right(tally, page["Items"], others, keys)
    else:
        tally.left_items += len(page["Items"])
        tally.missing += sum(digest_of(item, keys) not in others for item in page["Items"])
    return _moved_on(tally, params, page.get("LastEvaluatedKey"))


def _count_right(tally: Tally, items: list[Item], others: Mapping[int, Item], keys: list[str]) -> None:
    tally.right_items += len(items)
    for item in items:
        digest = digest_of(item, keys)
        tally.checksum ^= digest
        if digest not in others:
            tally.extra += 1
        elif canonical(others[digest]) != canonical(item):
            tally.differ += 1


def _moved_on(tally: Tally, params: Tables, last: Item | None) -> bool:
    read = tally.right_items if tally.reading == "right" else tally.left_items
    if last and read < params.cap:
        tally.start = encoded(last)
        return True
    tally.complete = tally.complete and not last
    tally.start = None
    if tally.reading == "left":
        return False
    tally.reading = "left"
    return True


def looked_up(aws: Aws, table: str, wanted: list[Item], keys: list[str]) -> dict[int, Item]:
    """The items with these keys in `table`, by the digest of their key."""
    found: dict[int, Item] = {}
    for _ in range(ROUNDS):
        if not wanted:
            return found
        answer = aws.client("dynamodb").batch_get_item(RequestItems={table: {"Keys": wanted}})
        found |= {digest_of(item, keys): item for item in answer["Responses"].get(table, ())}
        wanted = answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
    if wanted:
        what = N_("{table} is limiting our reads. The comparison goes on where it was; try again in a moment.")
        raise ActionFailed(phrase(what, table=table), retry=True, code="UnprocessedKeys")
    return found


def _verdict(tally: Tally, params: Tables, left: Table) -> Progress:
    # ItemCount is AWS's own, up to six hours old: it still knows of items that were deleted just now.
    if tally.right_items == 0 and left.get("ItemCount", 0) > 0:
        what = N_(
            "{right} is empty, though {left} held about {items} items. Do not cut over to it; restore an earlier moment."
        )
        return Failed(phrase(what, right=params.right, left=params.left, items=left["ItemCount"]))
    if tally.complete:
        what = N_(
            "{right} has {items} items. Different from {left}: {differ}. Missing, because written after the moment or "
            "damaged since: {missing}. Only here: {extra}."
        )
    else:
        what = N_(
            "{right}, its first {items} items. Different from {left}: {differ}. Missing: {missing}. Only here: {extra}. "
            "The tables are larger than the cap; raise it to compare all."
        )
    counts = {"items": tally.right_items, "differ": tally.differ, "missing": tally.missing, "extra": tally.extra}
    note = phrase(what, right=params.right, left=params.left, **counts)
    return Done(note, {**counts, "complete": tally.complete, "checksum": f"{tally.checksum:016x}"})


def digest_of(item: Item, keys: list[str]) -> int:
    """Of the key alone: 64 bits, whose XOR over a table is a checksum that does not depend on the order."""
    text = canonical({name: item[name] for name in keys})
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])


def canonical(value: Any) -> str:
    return json.dumps(_ordered(value), sort_keys=True)


def _ordered(value: Any) -> Any:
    """Bytes as text; sets, which DynamoDB returns in any order, sorted; lists as they are."""
    if isinstance(value, Mapping):
        sets = {"SS", "NS", "BS"}
        return {
            kind: sorted(map(_ordered, inner)) if kind in sets and isinstance(inner, list) else _ordered(inner)
            for kind, inner in value.items()
        }
    if isinstance(value, list):
        return [_ordered(inner) for inner in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value


def encoded(key: Item) -> dict[str, Any]:
    """A key as JSON: {"id": {"B": "<base64>"}}."""
    encoded: dict[str, Any] = _ordered(key)
    return encoded


def decoded(key: Item) -> dict[str, Any]:
    return {name: {"B": base64.b64decode(value["B"])} if "B" in value else dict(value) for name, value in key.items()}
