"""`s3.rollback_prefix`: what a prefix held at a moment is current again, because those versions are copied forward.

Nothing is ever removed: a key that was born later gets a delete marker, and every version stays. So the undo is the same
action, with the moment before our run.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar, Literal
from urllib.parse import urlencode

from pydantic import BaseModel

from bot.aws.calls import perform
from bot.aws.polling import CLOCK_SKEW
from bot.aws.s3.versions import (
    EACH_KEY,
    ITS_VERSION,
    OBJECTS,
    Entry,
    History,
    Place,
    not_versioned,
    read,
    touched,
    whole_second,
)
from bot.aws.slices import Slice
from bot.errors import N_, Phrase, phrase
from bot.playbook.action import (
    Attempt,
    Aws,
    Call,
    Change,
    Done,
    Facts,
    Failed,
    Figures,
    Progress,
    StepPlan,
    Working,
    action,
)

#: CopyObject takes no larger object. https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
LARGEST_COPY = 5 * 2**30
#: Objects in these classes must be brought out of the archive first, which takes hours.
ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})
#: Pages of a thousand versions that a plan reads; what lies beyond is not counted.
PLANNED_PAGES = 20
#: The tag on a copy that names the version it was made of: a second run recognises it where ETags cannot.
TAG = "lifeboat-copy-of"
MOST_TAGS = 10

Need = Literal["nothing", "copy", "marker", "refused"]


class RolledBack(Place):
    """`at`: the objects shall be as they were then."""


class Tally(BaseModel):
    """What has been done so far; stored between calls."""

    after: str = ""
    copied: int = 0
    bytes: int = 0
    hidden: int = 0
    refused: int = 0
    first_refused: str = ""


@action(
    "s3.rollback_prefix",
    RolledBack,
    permissions=(
        "s3:DeleteObject",
        "s3:GetBucketVersioning",
        "s3:GetObjectVersion",
        "s3:GetObjectVersionTagging",
        "s3:ListBucketVersions",
        "s3:PutObject",
        "s3:PutObjectTagging",
    ),
    plane="data",
    changes=N_("Copies each object's version of that moment forward, and sets a delete marker on what was born later."),
    undo=N_("Does the same with the moment ten seconds before our run; every version is still there."),
    undone_by="s3.rollback_prefix",
    recognised_by=N_(
        "An object with the wanted content, or with the tag of the version it was copied from, is passed over."
    ),
    resources=dict.fromkeys(("s3:DeleteObject", "s3:PutObject", "s3:PutObjectTagging"), OBJECTS),
    outputs={"copied": "int", "hidden": "int", "before": "time"},
    calls=(
        "s3:CopyObject",
        "s3:DeleteObject",
        "s3:GetBucketVersioning",
        "s3:GetObjectTagging",
        "s3:ListObjectVersions",
    ),
    recovers=Figures(rpo=timedelta(), rto=None),
    takes=timedelta(minutes=5),
)
class RollbackPrefix:
    facts: ClassVar[Facts]

    def plan(self, params: RolledBack, aws: Aws, attempt: Attempt) -> StepPlan:
        touches = (touched(aws, params),)
        if problem := not_versioned(aws, params.bucket):
            return StepPlan(warnings=(problem,), touches=touches)
        tally, complete = _counted(params, aws)
        each = {"Bucket": params.bucket, "Key": EACH_KEY}
        source = f"{params.bucket}/{EACH_KEY}?versionId={ITS_VERSION}"
        copies = (Call("s3", "CopyObject", {**each, "CopySource": source}),) if tally.copied else ()
        markers = (Call("s3", "DeleteObject", each),) if tally.hidden else ()
        return StepPlan(
            calls=copies + markers,
            changes=_changes(params, tally),
            warnings=_warnings(params, tally, complete=complete),
            foreseen={"before": _before(attempt)},
            disturbs=(phrase(N_("Whoever reads {bucket} sees the earlier objects."), bucket=params.bucket),),
            touches=touches,
            loses=max(attempt.now - params.at, timedelta()),
        )

    def act(self, params: RolledBack, aws: Aws, attempt: Attempt) -> Progress:
        if problem := not_versioned(aws, params.bucket):
            return Failed(problem)
        tally, room = Tally.model_validate(attempt.memory.get("tally", {})), Slice()
        while True:
            histories, more = read(aws, params.bucket, params.prefix, tally.after)
            room.spend()
            for history in histories:
                if room.is_over():
                    break
                room.spend(_roll_back(tally, history, params, aws, attempt))
                tally.after = history.key
            else:
                if not more:
                    return _done(params, tally, attempt)
            if room.is_over():
                return _working(params, tally)

    def look(self, params: RolledBack, aws: Aws, attempt: Attempt) -> Progress:  # `act` ends by itself
        if problem := not_versioned(aws, params.bucket):
            return Failed(problem)
        return _done(params, Tally.model_validate(attempt.memory.get("tally", {})), attempt)


def needed(history: History, params: RolledBack) -> tuple[Need, Entry | None]:
    """What makes the key as it was then, and which version that was."""
    then, now = history.as_of(params.at), history.latest
    if then is None or then.is_marker:
        return ("nothing" if now.is_marker else "marker"), None
    if then.version == now.version or (not now.is_marker and (now.etag, now.size) == (then.etag, then.size)):
        return "nothing", then
    refused = then.size > LARGEST_COPY or then.storage in ARCHIVED
    return ("refused" if refused else "copy"), then


def _roll_back(tally: Tally, history: History, params: RolledBack, aws: Aws, attempt: Attempt) -> int:
    """Make one key as it was; how many calls that took."""
    need, then = needed(history, params)
    if need == "copy" and then is not None:
        if _is_copied(aws, params, history.latest, then, attempt):
            return 1
        _copy(aws, params.bucket, then)
        tally.copied, tally.bytes = tally.copied + 1, tally.bytes + then.size
        return 3
    if need == "marker":
        perform(aws, Call("s3", "DeleteObject", {"Bucket": params.bucket, "Key": history.key}))
        tally.hidden += 1
        return 1
    if need == "refused":
        tally.refused, tally.first_refused = tally.refused + 1, tally.first_refused or history.key
    return 0


def _is_copied(aws: Aws, params: RolledBack, now: Entry, then: Entry, attempt: Attempt) -> bool:
    """Whether what is current is our own copy: with KMS, or of a multipart upload, a copy has another ETag."""
    if now.is_marker or now.size != then.size or now.made_at < attempt.started_at - CLOCK_SKEW:
        return False
    return _tags(aws, params.bucket, now).get(TAG) == then.version


def _copy(aws: Aws, bucket: str, version: Entry) -> None:
    tags = _tags(aws, bucket, version)
    if len(tags) < MOST_TAGS or TAG in tags:
        tags |= {TAG: version.version}
    source = {"Bucket": bucket, "Key": version.key, "VersionId": version.version}
    parameters = {
        "Bucket": bucket,
        "Key": version.key,
        "CopySource": source,
        "MetadataDirective": "COPY",
        "TaggingDirective": "REPLACE",
        "Tagging": urlencode(tags),
    }
    # A copy goes to the default class unless it is told otherwise.
    stored = {"StorageClass": version.storage}
    perform(aws, Call("s3", "CopyObject", parameters | stored))


def _tags(aws: Aws, bucket: str, version: Entry) -> dict[str, str]:
    found = aws.client("s3").get_object_tagging(Bucket=bucket, Key=version.key, VersionId=version.version)
    return {tag["Key"]: tag["Value"] for tag in found["TagSet"]}


def _counted(params: RolledBack, aws: Aws) -> tuple[Tally, bool]:
    """What there is to do, and whether that is all of it."""
    tally, room, more = Tally(), Slice(calls=PLANNED_PAGES), True
    while more and not room.is_over():
        histories, more = read(aws, params.bucket, params.prefix, tally.after)
        room.spend()
        for history in histories:
            need, then = needed(history, params)
            tally.copied += need == "copy"
            tally.bytes += then.size if need == "copy" and then else 0
            tally.hidden += need == "marker"
            tally.refused += need == "refused"
            tally.after = history.key
    return tally, not more


def _changes(params: RolledBack, tally: Tally) -> tuple[Change, ...]:
    where = {"bucket": params.bucket, "prefix": params.prefix}
    copied = phrase(N_("Objects of {bucket}/{prefix} to copy forward"), **where)
    hidden = phrase(N_("Objects of {bucket}/{prefix} that were born later"), **where)
    size = f"{tally.copied} ({tally.bytes / 2**20:.1f} MiB)"
    at = whole_second(params.at).isoformat()
    copies = (Change(copied, size, at),) if tally.copied else ()
    return copies + ((Change(hidden, str(tally.hidden), None),) if tally.hidden else ())


def _warnings(params: RolledBack, tally: Tally, *, complete: bool) -> tuple[Phrase, ...]:
    said = [
        phrase(
            N_("What was written to {bucket} after {at} is not current any more."), bucket=params.bucket, at=params.at
        ),
        phrase(N_("An object whose content is unchanged keeps its present metadata and tags.")),
    ]
    if tally.refused:
        said.append(_why_refused(tally.refused))
    if not complete:
        said.append(phrase(N_("There are more objects than a plan counts; the numbers are at least these.")))
    return tuple(said)


def _why_refused(count: int) -> Phrase:
    what = N_(
        "{count} objects are larger than 5 GB or archived, so they are left as they are; use S3 Batch Operations."
    )
    return phrase(what, count=count)


def _before(attempt: Attempt) -> str:
    """The moment that our own writes are certainly later than, though S3's clock is not ours."""
    return (whole_second(attempt.started_at) - CLOCK_SKEW).isoformat()


def _working(params: RolledBack, tally: Tally) -> Working:
    what = N_("Rolling back {bucket}: {copied} copied, {hidden} hidden, at {key}")
    fields = {"copied": tally.copied, "hidden": tally.hidden, "key": tally.after}
    note = phrase(what, bucket=params.bucket, **fields)
    return Working(note, again_in=timedelta(), memory={"tally": tally.model_dump()}, more=True)


def _done(params: RolledBack, tally: Tally, attempt: Attempt) -> Progress:
    if tally.refused:
        what = N_("{why} The first is {key}. All others of {bucket}/{prefix} are as they were.")
        fields: Mapping[str, Any] = {"key": tally.first_refused, "bucket": params.bucket, "prefix": params.prefix}
        return Failed(phrase(what, why=_why_refused(tally.refused), **fields))
    what = N_("{bucket}/{prefix} is as it was at {at}: {copied} objects copied forward, {hidden} hidden.")
    counts = {"copied": tally.copied, "hidden": tally.hidden}
    note = phrase(what, bucket=params.bucket, prefix=params.prefix, at=params.at, **counts)
    return Done(note, counts | {"before": _before(attempt)})
