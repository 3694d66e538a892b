"""What a versioned bucket holds of each key, read page by page."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Annotated, Any

from pydantic import AwareDatetime, Field, StringConstraints

from bot.errors import N_, ActionFailed, Phrase, phrase
from bot.playbook.action import Aws, Params

BucketName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
Prefix = Annotated[str, Field(max_length=1024)]
#: S3's ARNs name neither an account nor a region. Objects only: nothing of the buckets themselves.
OBJECTS = ("arn:{partition}:s3:::*/*",)
#: How a plan writes one call for all of the objects that it is made for.
EACH_KEY, ITS_VERSION = "\u2039key\u203a", "\u2039version\u203a"
#: Pages of versions of one and the same key, a thousand each.
MOST_PAGES_OF_A_KEY = 20


class Place(Params):
    """The keys that begin with `prefix` ("" for all), and the moment that counts: S3 knows whole seconds."""

    bucket: BucketName
    prefix: Prefix = ""
    at: AwareDatetime


@dataclass(frozen=True)
class Entry:
    """A version, or a delete marker (`is_marker`)."""

    key: str
    version: str
    made_at: datetime
    is_latest: bool
    is_marker: bool = False
    etag: str = ""
    size: int = 0
    storage: str = "STANDARD"


@dataclass(frozen=True)
class History:
    """All entries of a key, newest first."""

    key: str
    entries: tuple[Entry, ...]

    @property
    def latest(self) -> Entry:
        return self.entries[0]

    def as_of(self, at: datetime) -> Entry | None:
        """What was current then, that very second included; None: the key was born later."""
        return next((entry for entry in self.entries if entry.made_at <= whole_second(at)), None)


def whole_second(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=0)


def touched(aws: Aws, place: Place) -> str:
    """How the objects of a bucket are named among the resources that no other run may change meanwhile."""
    return f"s3:{aws.region}:{place.bucket}"


def not_versioned(aws: Aws, bucket: str) -> Phrase | None:
    """Why nothing of the bucket can be brought back; None: its versions are kept.

    A suspended bucket writes over the version "null", so what it held may be lost, and what we write there is.
    """
    try:
        status = aws.client("s3").get_bucket_versioning(Bucket=bucket).get("Status", "off")
    except ActionFailed as error:
        if error.code != "NoSuchBucket":
            raise
        return phrase(N_("There is no bucket {bucket}. Check the name."), bucket=bucket)
    if status == "Enabled":
        return None
    what = N_(
        "Versioning of {bucket} is not enabled ({status}), so there is nothing to go back to. Restore from AWS Backup."
    )
    return phrase(what, bucket=bucket, status=status)


def read(aws: Aws, bucket: str, prefix: str, after: str) -> tuple[list[History], bool]:
    """The keys after the key `after` ("": from the first), as many as one page has, and whether there are more.

    The last key of a page may go on in the next one, so it is left for that; one that fills a page is read to its end.
    """
    where: Mapping[str, Any] = {"KeyMarker": after} if after else {}
    entries: list[Entry] = []
    for _ in range(MOST_PAGES_OF_A_KEY):
        page = aws.client("s3").list_object_versions(Bucket=bucket, Prefix=prefix, **where)
        entries += _entries(page)
        found = list(_histories(entries))
        if not page.get("IsTruncated"):
            return found, False
        if len(found) > 1:
            return found[:-1], True
        where = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
    what = N_("{key} in {bucket} has too many versions to be read here. Roll it back with S3 Batch Operations.")
    raise ActionFailed(phrase(what, key=entries[0].key, bucket=bucket), code="TooManyVersions")


def _entries(page: Mapping[str, Any]) -> Iterator[Entry]:
    for one in page.get("Versions", ()):
        plain = {"etag": one.get("ETag", ""), "size": int(one.get("Size", 0))}
        yield Entry(*_common(one), storage=one.get("StorageClass", "STANDARD"), **plain)
    for one in page.get("DeleteMarkers", ()):
        yield Entry(*_common(one), is_marker=True)


def _common(one: Mapping[str, Any]) -> tuple[str, str, datetime, bool]:
    return one["Key"], one["VersionId"], one["LastModified"], bool(one["IsLatest"])


def _histories(entries: Iterable[Entry]) -> Iterator[History]:
    """By key in S3's order (UTF-8), newest first. S3 lists versions and markers apart: within one second, data comes first."""
    ordered = sorted(entries, key=lambda entry: entry.key.encode())
    for key, group in groupby(ordered, key=lambda entry: entry.key):
        newest_first = sorted(group, key=lambda one: (one.is_latest, one.made_at, not one.is_marker), reverse=True)
        yield History(key, tuple(newest_first))
