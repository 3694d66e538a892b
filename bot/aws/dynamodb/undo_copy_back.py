"""`dynamodb.undo_copy_back`: what `dynamodb.copy_back` changed is as it was before, from the files that it left in S3."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, ClassVar

from bot.aws.dynamodb.conditional import Item, deleted, from_json, written
from bot.aws.dynamodb.table import TABLES, TableName, describe, touched
from bot.aws.s3.versions import BucketName, Prefix
from bot.aws.slices import Slice
from bot.errors import N_, phrase
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


class PutBack(Params):
    """`pre_images`: the folder that `dynamodb.copy_back` gave."""

    live: TableName
    bucket: BucketName
    pre_images: Prefix


@action(
    "dynamodb.undo_copy_back",
    PutBack,
    permissions=(
        "dynamodb:DeleteItem",
        "dynamodb:DescribeTable",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "s3:GetObject",
        "s3:ListBucket",
    ),
    plane="data",
    changes=N_("Gives the items that were copied back the content that they had before."),
    undo=N_("Copy them back again (dynamodb.copy_back)."),
    undone_by="dynamodb.copy_back",
    recognised_by=N_("An item that is not as the copy left it is passed over: somebody changed it, or it is undone."),
    resources=dict.fromkeys(("dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"), TABLES),
    outputs={"written": "int", "passed_over": "int"},
    calls=(
        "dynamodb:DeleteItem",
        "dynamodb:DescribeTable",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "s3:GetObject",
        "s3:ListObjectsV2",
    ),
    takes=timedelta(minutes=5),
)
class UndoCopyBack:
    facts: ClassVar[Facts]

    def plan(self, params: PutBack, aws: Aws, attempt: Attempt) -> StepPlan:  # noqa: ARG002  # nothing depends on it
        touches, files = (touched(aws, params.live),), list(_files(aws, params, ""))
        what = phrase(N_("Files of earlier items in {bucket}"), bucket=params.bucket)
        return StepPlan(
            calls=(Call("dynamodb", "UpdateItem", {"TableName": params.live}),) if files else (),
            changes=(Change(what, str(len(files)), params.live),) if files else (),
            touches=touches,
        )

    def act(self, params: PutBack, aws: Aws, attempt: Attempt) -> Progress:
        table = describe(aws, params.live)
        if table is None:
            return Failed(phrase(N_("There is no table {table}. Check the step's parameters."), table=params.live))
        keys = [key["AttributeName"] for key in table["KeySchema"]]
        after, done, passed = _counts(attempt.memory)
        room = Slice()
        while files := list(_files(aws, params, after)):
            for name in files:
                if room.is_over():
                    what = N_("Putting {table} back: {count} items so far")
                    memory = {"after": after, "written": done, "passed_over": passed}
                    return Working(phrase(what, table=params.live, count=done), timedelta(), memory, more=True)
                results = _undone(aws, params, keys, name)
                room.spend(1 + len(results))
                after, done, passed = name, done + sum(results), passed + len(results) - sum(results)
        return _put_back(params, done, passed)

    def look(self, params: PutBack, aws: Aws, attempt: Attempt) -> Progress:  # `act` ends by itself
        if describe(aws, params.live) is None:
            return Failed(phrase(N_("There is no table {table}. Check the step's parameters."), table=params.live))
        _, done, passed = _counts(attempt.memory)
        return _put_back(params, done, passed)


def _counts(memory: Mapping[str, Any]) -> tuple[str, int, int]:
    return memory.get("after", ""), memory.get("written", 0), memory.get("passed_over", 0)


def _put_back(params: PutBack, done: int, passed: int) -> Done:
    what = N_("{count} items of {table} are as they were before; {passed} were changed since and stay.")
    note = phrase(what, count=done, table=params.live, passed=passed)
    return Done(note, {"written": done, "passed_over": passed})


def _files(aws: Aws, params: PutBack, after: str) -> Iterator[str]:
    """A page of them, from the first after that name."""
    where = {"Bucket": params.bucket, "Prefix": params.pre_images} | ({"StartAfter": after} if after else {})
    yield from (one["Key"] for one in aws.client("s3").list_objects_v2(**where).get("Contents", ()))


def _undone(aws: Aws, params: PutBack, keys: list[str], name: str) -> list[bool]:
    """Of each item of a file, whether it is as it was before the copy."""
    kept, live = _kept(aws, params.bucket, name), params.live
    return [deleted(aws, live, keys, now) if old is None else written(aws, live, keys, now, old) for old, now in kept]


def _kept(aws: Aws, bucket: str, name: str) -> Iterator[tuple[Item | None, Item]]:
    for one in json.load(aws.client("s3").get_object(Bucket=bucket, Key=name)["Body"]):
        yield one["before"] and from_json(one["before"]), from_json(one["after"])
