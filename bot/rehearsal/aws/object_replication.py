"""S3's replication between buckets of two regions, as the rules of the source say, after a lag.

What is new is copied once its lag is over and neither region is dark: with its version and its time, as S3 does. A deletion
that only hides a key (a delete marker) crosses if the rule says so; the deletion of a version never does, and neither does
what was there before the rule, nor what was itself replicated. Not emulated: Replication Time Control and its metrics, replica
status headers, filters by tag, changes of metadata, other storage classes and owners.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import moto.s3.models

from bot.rehearsal.aws.call import Answer, Call, Handler, Moto, Reply, Wrap
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.moto_app import backend
from bot.rehearsal.aws.outages import Outages

_WRITES = ("PutObject", "CopyObject", "CompleteMultipartUpload", "DeleteObject", "DeleteObjects")
_READS = (
    "GetObject",
    "HeadObject",
    "ListObjects",
    "ListObjectsV2",
    "ListObjectVersions",
    "GetObjectAttributes",
)


@dataclass(frozen=True)
class _Copy:
    """One version, or delete marker, on its way."""

    source: str
    target: str
    key: str
    version: Any
    sent_at: datetime


class ObjectReplication:
    """`lag`: seconds, which the clock's speed divides."""

    def __init__(self, clock: Clock, outages: Outages) -> None:
        self.lag = 2.0
        self._clock, self._outages = clock, outages
        self._waiting: list[_Copy] = []

    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        return {}

    @property
    def wraps(self) -> Mapping[tuple[str, str], Wrap]:
        return {
            **{("s3", name): self._writing for name in _WRITES},
            **{("s3", name): self._settled for name in _READS},
        }

    def forget(self) -> None:
        """Nothing is on its way any more."""
        self._waiting.clear()

    def waiting(self, bucket: str) -> int:
        """How much has not come to that bucket yet."""
        self.settle()
        return sum(one.target == bucket for one in self._waiting)

    def settle(self) -> None:
        """Play all that has arrived by now, in the order in which it was sent."""
        now, buckets = self._clock.now(), _buckets()
        left = []
        for one in self._waiting:
            if one.source not in buckets or one.target not in buckets:
                continue
            regions = (buckets[one.source].region_name, buckets[one.target].region_name)
            at = self._outages.arrives(one.sent_at, self._clock.scaled(self.lag), *regions)
            if at is None or at > now:
                left.append(one)
            else:
                _arrive(buckets[one.target], one)
        self._waiting = left

    def _settled(self, inner: Handler) -> Handler:
        async def answer(call: Call, moto: Moto) -> Answer:
            self.settle()
            return await inner(call, moto)

        return answer

    def _writing(self, inner: Handler) -> Handler:
        async def answer(call: Call, moto: Moto) -> Answer:
            self.settle()
            name = call.parameters.get("Bucket", "")
            before = _versions(name)
            reply = await inner(call, moto)
            if not isinstance(reply, Reply) or reply.ok:
                self._note(name, before)
            return reply

        return answer

    def _note(self, name: str, before: frozenset[int]) -> None:
        """What the call has added is sent, by the first rule that takes it."""
        bucket = _buckets().get(name)
        if bucket is None or not _rules(bucket):
            return
        now = self._clock.now()
        for key, entries in bucket.keys.iterlists():
            for entry in entries:
                if id(entry) in before:
                    continue
                if target := _target(bucket, key, entry):
                    self._waiting.append(_Copy(name, target, key, entry, now))


def _buckets() -> Mapping[str, Any]:
    found: Mapping[str, Any] = backend("s3", "aws").buckets
    return found


def _versions(name: str) -> frozenset[int]:
    """The identities of all versions of a bucket that is replicated; none of another."""
    bucket = _buckets().get(name)
    if bucket is None or not _rules(bucket):
        return frozenset()
    return frozenset(id(entry) for _, entries in bucket.keys.iterlists() for entry in entries)


def _rules(bucket: Any) -> list[Mapping[str, Any]]:
    """The highest priority first."""
    found = (getattr(bucket, "replication", None) or {}).get("Rule", [])
    enabled = [rule for rule in found if rule.get("Status") == "Enabled"]
    return sorted(enabled, key=lambda rule: -int(rule.get("Priority") or 0))


def _target(bucket: Any, key: str, entry: Any) -> str:
    """The bucket to which the version goes; "" if it stays."""
    for rule in _rules(bucket):
        wanted = rule.get("Filter") or {}
        prefix = (wanted.get("And") or wanted).get("Prefix") or rule.get("Prefix") or ""
        if not key.startswith(prefix):
            continue
        hides = isinstance(entry, moto.s3.models.FakeDeleteMarker)
        if hides and (rule.get("DeleteMarkerReplication") or {}).get("Status") != "Enabled":
            return ""
        return str(rule["Destination"]["Bucket"]).rpartition(":")[2]
    return ""


def _arrive(bucket: Any, one: _Copy) -> None:
    """With the version's own id and time, in the place among the others that its time gives it."""
    entries = bucket.keys.getlist(one.key, [])
    if any(str(each.version_id) == str(one.version.version_id) for each in entries):
        return
    bucket.keys.setlist(one.key, sorted([*entries, _made(bucket, one.version)], key=_made_at))


def _made(bucket: Any, version: Any) -> Any:
    """The version as the other bucket holds it; a delete marker is the same everywhere."""
    if isinstance(version, moto.s3.models.FakeDeleteMarker):
        return version
    made = moto.s3.models.FakeKey(
        version.name, version.value, account_id=version.account_id, region_name=bucket.region_name,
        storage=version.storage_class, etag=version.etag.strip('"'), is_versioned=True, version_id=version.version_id,
        bucket_name=bucket.name,
    )  # fmt: skip
    made.last_modified = version.last_modified
    made.set_metadata(dict(version.metadata))
    return made


def _made_at(entry: Any) -> datetime:
    at: datetime = entry.last_modified
    return at if at.tzinfo else at.replace(tzinfo=UTC)
