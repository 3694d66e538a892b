"""S3 in the emulator's time, and its versions listed as S3 lists them.

moto stamps objects with the machine's clock; what it lists after a key marker begins in the middle of that very key, and
of two entries of one instant it takes the older one for the latest.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import moto.s3.models
import moto.ssm.models

from bot.rehearsal.aws.call import Answer, Call, Handler, Moto
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.moto_app import backend

#: What stamps what it keeps: objects, and parameters, whose date says since when a region may write.
_STAMPING: tuple[Any, ...] = (moto.s3.models, moto.ssm.models)
_utcnow = _STAMPING[0].utcnow
_PAGE = 1000


def follow(clock: Clock) -> None:
    """From now on moto asks `clock` when an object or a parameter is made; its times are naive, in UTC."""
    for models in _STAMPING:
        models.utcnow = lambda: clock.now().replace(tzinfo=None)


def unfollow() -> None:
    for models in _STAMPING:
        models.utcnow = _utcnow


class Objects:
    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        return {("s3", "ListObjectVersions"): self._list_versions}

    async def _list_versions(self, call: Call, moto: Moto) -> Answer:
        asked = dict(parse_qsl(urlsplit(call.request.target).query, keep_blank_values=True))
        bucket = backend("s3", "aws").buckets.get(call.parameters["Bucket"])
        if bucket is None or asked.get("delimiter"):
            return moto(call)
        prefix, most = asked.get("prefix", ""), min(int(asked.get("max-keys", _PAGE)), _PAGE)
        left = _after(_entries(bucket, prefix), asked.get("key-marker", ""), asked.get("version-id-marker", ""))
        page = list(islice(left, most))
        more = next(left, None) is not None
        last = {"NextKeyMarker": page[-1]["Key"], "NextVersionIdMarker": page[-1]["VersionId"]} if more else {}
        return {
            "Name": bucket.name,
            "Prefix": prefix,
            "MaxKeys": most,
            "IsTruncated": more,
            "Versions": [entry for entry in page if "ETag" in entry],
            "DeleteMarkers": [entry for entry in page if "ETag" not in entry],
            **last,
        }


def _entries(bucket: Any, prefix: str) -> Iterator[dict[str, Any]]:
    """By key in the order of UTF-8, newest first."""
    by_key = {key: list(entries) for key, entries in bucket.keys.iterlists() if key.startswith(prefix)}
    for key in sorted(by_key, key=str.encode):
        for place, entry in enumerate(reversed(by_key[key])):
            yield _entry(key, entry, is_latest=place == 0)


def _entry(key: str, entry: Any, *, is_latest: bool) -> dict[str, Any]:
    common = {
        "Key": key,
        "VersionId": str(entry.version_id or "null"),
        "IsLatest": is_latest,
        "LastModified": entry.last_modified.replace(microsecond=0),
    }
    if isinstance(entry, moto.s3.models.FakeDeleteMarker):
        return common
    return common | {"ETag": entry.etag, "Size": entry.size, "StorageClass": entry.storage_class}


def _after(entries: Iterator[dict[str, Any]], key: str, version: str) -> Iterator[dict[str, Any]]:
    """What follows that key, or with a version, that version of it."""
    passed = not version
    for entry in entries:
        if entry["Key"].encode() > key.encode() or (version and passed and entry["Key"] == key):
            yield entry
        elif entry["Key"] == key and entry["VersionId"] == version:
            passed = True
