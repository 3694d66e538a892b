"""DynamoDB's exports to S3: the items as of the moment asked for, in the files and with the manifests that AWS writes.

moto writes what the table holds now. Not emulated: incremental exports, filters, Ion, and AWS's limit of exports at once.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html
"""

import gzip
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from bot.rehearsal.aws.backup_vaults import aware
from bot.rehearsal.aws.call import Answer, AwsError, Call, Handler, Moto
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.moto_app import ACCOUNT, backend

#: A client token is good for eight hours.
_TOKEN_LASTS = timedelta(hours=8)
#: By region, table's name and moment (None: the latest): which moment, and moto's items of then. Raises `AwsError`.
ItemsAsOf = Callable[[str, str, datetime | None], tuple[datetime, Iterable[Any]]]


@dataclass(frozen=True)
class Export:
    """`lines`: what is written when it ends; None: it is."""

    id: str
    region: str
    table: Any
    asked: Mapping[str, Any]
    at: datetime
    started_at: datetime
    ends_at: datetime
    items: int
    lines: bytes | None
    failure: str = ""

    @property
    def arn(self) -> str:
        return f"{self.table.table_arn}/export/{self.id}"

    @property
    def folder(self) -> str:
        prefix = str(self.asked.get("S3Prefix") or "").strip("/")
        return f"{prefix}/AWSDynamoDB/{self.id}" if prefix else f"AWSDynamoDB/{self.id}"

    def status(self, now: datetime) -> str:
        return "IN_PROGRESS" if now < self.ends_at else "FAILED" if self.failure else "COMPLETED"


class Exports:
    def __init__(self, clock: Clock, items_as_of: ItemsAsOf, seconds: float = 6.0) -> None:
        self._clock, self._items_as_of, self._seconds = clock, items_as_of, seconds
        self._exports: dict[str, Export] = {}

    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        return {
            ("dynamodb", "ExportTableToPointInTime"): self._start,
            ("dynamodb", "DescribeExport"): self._describe,
            ("dynamodb", "ListExports"): self._list,
        }

    def forget(self) -> None:
        self._exports.clear()

    async def _start(self, call: Call, _moto: Moto) -> Answer:
        asked = call.parameters
        export = self._same(asked) or self._begin(call.region, asked)
        return {"ExportDescription": self._shown(export)}

    async def _describe(self, call: Call, _moto: Moto) -> Answer:
        export = self._exports.get(call.parameters["ExportArn"])
        if export is None or export.region != call.region:
            raise AwsError("ExportNotFoundException", f"Export not found: {call.parameters['ExportArn']}")
        return {"ExportDescription": self._shown(self._played(export))}

    async def _list(self, call: Call, _moto: Moto) -> Answer:
        table, now = call.parameters.get("TableArn"), self._clock.now()
        found = [
            one for one in self._exports.values() if table in {None, one.table.table_arn} and one.region == call.region
        ]
        return {
            "ExportSummaries": [
                {"ExportArn": one.arn, "ExportStatus": one.status(now), "ExportType": "FULL_EXPORT"} for one in found
            ]
        }

    def _same(self, asked: Mapping[str, Any]) -> Export | None:
        """What the token stands for. Raises `AwsError` when it was given with other parameters."""
        token, now = asked.get("ClientToken"), self._clock.now()
        for one in self._exports.values():
            if token and one.asked.get("ClientToken") == token and now < one.started_at + _TOKEN_LASTS:
                if dict(one.asked) != dict(asked):
                    raise AwsError("ExportConflictException", "The token was used with other parameters.")
                return one
        return None

    def _begin(self, region: str, asked: Mapping[str, Any]) -> Export:
        name, now = asked["TableArn"].rpartition(":table/")[2], self._clock.now()
        table = backend("dynamodb", region).tables.get(name)
        if table is None:
            raise AwsError("TableNotFoundException", f"Table not found: {name}")
        moment = asked.get("ExportTime")
        at, items = self._items_as_of(region, name, aware(moment) if moment else None)
        written = [json.dumps({"Item": item.to_json()["Attributes"]}, sort_keys=True, default=str) for item in items]
        gone = asked["S3Bucket"] not in backend("s3", "aws").buckets
        failure = "S3NoSuchBucket" if gone else ""
        lines = "".join(f"{line}\n" for line in written).encode()
        id_ = f"{int(now.timestamp() * 1000):014}-{uuid4().hex[:8]}"
        ends = now + self._clock.scaled(self._seconds)
        export = Export(id_, region, table, asked, at, now, ends, len(written), lines, failure)
        self._exports[export.arn] = export
        return export

    def _played(self, export: Export) -> Export:
        """With its files in the bucket, if it has ended by now."""
        if export.lines is None or export.status(self._clock.now()) != "COMPLETED":
            return export
        _write(export, export.lines)
        done = self._exports[export.arn] = replace(export, lines=None)
        return done

    def _shown(self, export: Export) -> dict[str, Any]:
        now, asked = self._clock.now(), export.asked
        over = now >= export.ends_at
        shown = {
            "ExportArn": export.arn,
            "ExportStatus": export.status(now),
            "StartTime": export.started_at,
            "EndTime": export.ends_at if over else None,
            "ExportManifest": f"{export.folder}/manifest-summary.json" if over and not export.failure else None,
            "TableArn": export.table.table_arn,
            "TableId": "-",
            "ExportTime": export.at,
            "ClientToken": asked.get("ClientToken"),
            "S3Bucket": asked["S3Bucket"],
            "S3BucketOwner": ACCOUNT,
            "S3Prefix": asked.get("S3Prefix"),
            "S3SseAlgorithm": asked.get("S3SseAlgorithm", "AES256"),
            "FailureCode": export.failure if over and export.failure else None,
            "FailureMessage": "The specified bucket does not exist" if over and export.failure else None,
            "ExportFormat": asked.get("ExportFormat", "DYNAMODB_JSON"),
            "BilledSizeBytes": 0,
            "ItemCount": export.items if over and not export.failure else None,
            "ExportType": "FULL_EXPORT",
        }
        return {name: value for name, value in shown.items() if value is not None}


def _write(export: Export, lines: bytes) -> None:
    """The data, the list of its files, and last the summary: whoever finds that finds everything."""
    packed = gzip.compress(lines, mtime=0)
    data = f"{export.folder}/data/{uuid4().hex}.json.gz"
    file = {
        "itemCount": export.items,
        "md5Checksum": hashlib.md5(packed, usedforsecurity=False).hexdigest(),
        "etag": "",
        "dataFileS3Key": data,
    }
    summary = {
        "version": "2020-06-30",
        "exportArn": export.arn,
        "startTime": _written(export.started_at),
        "endTime": _written(export.ends_at),
        "tableArn": export.table.table_arn,
        "exportTime": _written(export.at),
        "s3Bucket": export.asked["S3Bucket"],
        "s3Prefix": export.asked.get("S3Prefix"),
        "manifestFilesS3Key": f"{export.folder}/manifest-files.json",
        "itemCount": export.items,
        "outputFormat": "DYNAMODB_JSON",
    }
    files = {data: packed, f"{export.folder}/manifest-files.json": f"{json.dumps(file)}\n".encode()}
    for key, body in {**files, f"{export.folder}/manifest-summary.json": json.dumps(summary).encode()}.items():
        backend("s3", "aws").put_object(export.asked["S3Bucket"], key, body, disable_notification=True)


def _written(moment: datetime) -> str:
    return aware(moment).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
