"""What a recovery point of AWS Backup holds of a table or a bucket, and how a restore makes it again.

A table comes back as a new one. Objects come back into a bucket that is there and keeps versions: one whose key the
bucket has is left as it is, and what the bucket has besides stays.
https://docs.aws.amazon.com/aws-backup/latest/devguide/restoring-s3.html
"""

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, ClassVar, Protocol

import moto.dynamodb.models.table
import moto.s3.models

from bot.rehearsal.aws.call import AwsError
from bot.rehearsal.aws.moto_app import ACCOUNT, backend

_tables: Any = moto.dynamodb.models.table
_objects: Any = moto.s3.models
MOST_ITEMS = 5


class CannotRestore(Exception):
    """The restore job fails, with this as its StatusMessage."""


class Content(Protocol):
    """`continuous`: it can be read as of any moment since it began."""

    kind: ClassVar[str]

    @property
    def continuous(self) -> bool: ...

    @property
    def size(self) -> int: ...

    @property
    def metadata(self) -> dict[str, str]:
        """What the resource was made with, as GetRecoveryPointRestoreMetadata says it."""
        ...


@dataclass(frozen=True)
class TableContent:
    """`table` is a copy of moto's, with the items of that moment."""

    table: Any
    kind: ClassVar[str] = "DynamoDB"
    continuous: ClassVar[bool] = False

    @property
    def size(self) -> int:
        return int(self.table.describe()["TableDescription"]["TableSizeBytes"])

    @property
    def metadata(self) -> dict[str, str]:
        encryption = self.table.sse_specification or {}
        key = {"kmsMasterKeyArn": encryption["KMSMasterKeyId"]} if encryption.get("KMSMasterKeyId") else {}
        return {"targetTableName": self.table.name, "encryptionType": "KMS" if key else "Default", **key}

    def made_again(self, region: str, name: str, point: str, made_at: datetime) -> Any:
        """A new table with these items, without what a restore loses. Raises `CannotRestore`."""
        tables = backend("dynamodb", region).tables
        if name in tables:
            raise CannotRestore(f"Table already exists: {name}")
        source = SimpleNamespace(arn=point, table=self.table)
        made = _tables.RestoredTable(name, account_id=ACCOUNT, region=region, backup=source)
        made.restore_date_time = made_at
        made.billing_mode = self.table.billing_mode
        made.sse_specification = self.table.sse_specification
        tables[name] = made
        return made


@dataclass(frozen=True)
class StoredObject:
    key: str
    body: bytes
    metadata: Mapping[str, str]
    tags: Mapping[str, str]


@dataclass(frozen=True)
class BucketContent:
    """`objects`: those of one moment; None: as of any moment since `since`, read from the bucket's own versions."""

    bucket: str
    objects: tuple[StoredObject, ...] | None
    since: datetime
    kind: ClassVar[str] = "S3"

    @property
    def continuous(self) -> bool:
        return self.objects is None

    @property
    def size(self) -> int:
        return sum(len(one.body) for one in self.objects or ())

    @property
    def metadata(self) -> dict[str, str]:
        return {"DestinationBucketName": self.bucket}

    def as_of(self, at: datetime | None) -> tuple[StoredObject, ...]:
        """Raises `AwsError` for a continuous point without a moment, or with one that it does not reach."""
        if self.objects is not None:
            return self.objects
        if at is None:
            raise AwsError("InvalidParameterValueException", "RestoreTime is needed for a continuous recovery point.")
        if at < self.since:
            raise AwsError("InvalidParameterValueException", f"RestoreTime is before {self.since.isoformat()}.")
        return tuple(_as_of(self.bucket, at))


def content_of(resource: str, now: datetime, *, continuous: bool) -> Content:
    """What the resource holds now. Raises `AwsError` where AWS Backup cannot back it up."""
    _, _, service, region, _, name = resource.split(":", 5)
    if service == "dynamodb" and continuous:
        raise AwsError("InvalidParameterValueException", "DynamoDB has no continuous backups in AWS Backup.")
    if service == "dynamodb":
        table = backend("dynamodb", region).tables.get(name.removeprefix("table/"))
        if table is None:
            raise AwsError("ResourceNotFoundException", f"Resource {resource} does not exist.")
        return TableContent(copy.deepcopy(table))
    if service == "s3":
        if name not in backend("s3", "aws").buckets:
            raise AwsError("ResourceNotFoundException", f"Resource {resource} does not exist.")
        if not backend("s3", "aws").buckets[name].is_versioned:
            raise AwsError("InvalidRequestException", "Versioning of the bucket is not enabled.")
        return BucketContent(name, None if continuous else tuple(_as_of(name, now)), now)
    raise AwsError("InvalidParameterValueException", f"The emulated AWS Backup does not back up {resource}.")


@dataclass(frozen=True)
class Destination:
    """Where objects go, and which: all of them, or those of `ItemsToRestore`, each by its URI in the source."""

    bucket: str
    items: tuple[str, ...] | None
    at: datetime | None

    @classmethod
    def asked(cls, metadata: Mapping[str, str]) -> "Destination":
        """Of a job's metadata, whose names may be written in any case. Raises `AwsError`."""
        named = {name.lower(): value for name, value in metadata.items()}
        if "destinationbucketname" not in named:
            raise AwsError("MissingParameterValueException", "DestinationBucketName is missing.")
        items = tuple(json.loads(named["itemstorestore"])) if "itemstorestore" in named else None
        if items and len(items) > MOST_ITEMS:
            raise AwsError("InvalidParameterValueException", f"ItemsToRestore takes {MOST_ITEMS} items at most.")
        written = named.get("restoretime")
        at = datetime.fromisoformat(written).astimezone(UTC) if written else None
        return cls(named["destinationbucketname"], items, at)

    def wants(self, source: str, key: str) -> bool:
        return self.items is None or f"s3://{source}/{key}" in self.items


def check_bucket(name: str, region: str) -> None:
    """Raises `CannotRestore` unless objects can be restored into the bucket in this region."""
    bucket = backend("s3", "aws").buckets.get(name)
    if bucket is None:
        raise CannotRestore(f"The destination bucket {name} does not exist.")
    if bucket.region_name != region:
        raise CannotRestore(f"The destination bucket {name} is not in {region}.")
    if not bucket.is_versioned:
        raise CannotRestore(f"The destination bucket {name} does not have versioning enabled.")


def put_missing(bucket: str, objects: tuple[StoredObject, ...]) -> None:
    """Each object whose key the bucket lacks; one under a delete marker counts as lacking."""
    s3 = backend("s3", "aws")
    for one in objects:
        there = s3.buckets[bucket].keys.getlist(one.key, [])
        if there and not isinstance(there[-1], _objects.FakeDeleteMarker):
            continue
        made = s3.put_object(bucket, one.key, one.body, storage="STANDARD", disable_notification=True)
        made.set_metadata(dict(one.metadata))
        if one.tags:
            s3.put_object_tagging(made, dict(one.tags))


def _as_of(bucket: str, at: datetime) -> Iterator[StoredObject]:
    s3 = backend("s3", "aws")
    for key, entries in s3.buckets[bucket].keys.iterlists():
        then = [one for one in entries if one.last_modified.replace(tzinfo=UTC) <= at]
        if then and not isinstance(then[-1], _objects.FakeDeleteMarker):
            tags = s3.tagger.get_tag_dict_for_resource(then[-1].arn)
            yield StoredObject(key, then[-1].value, dict(then[-1].metadata), tags)
