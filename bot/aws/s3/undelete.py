"""`s3.undelete`: objects that were deleted after a moment come back, because their delete markers are removed.

Only a delete marker on top of a key is removed, never a version; a key whose versions are gone stays gone.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from bot.aws.calls import perform
from bot.aws.s3.versions import (
    EACH_KEY,
    ITS_VERSION,
    OBJECTS,
    History,
    Place,
    not_versioned,
    read,
    touched,
    whole_second,
)
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
    Figures,
    Params,
    Progress,
    StepPlan,
    Working,
    action,
)

#: What DeleteObjects takes.
BATCH = 1000
#: Pages of a thousand versions that a plan reads; what lies beyond is not counted.
PLANNED_PAGES = 20
_READS = ("s3:GetBucketVersioning", "s3:ListObjectVersions")


class Undeleted(Place):
    """`at`: what was deleted later than this comes back."""


@action(
    "s3.undelete",
    Undeleted,
    permissions=("s3:DeleteObjectVersion", "s3:GetBucketVersioning", "s3:ListBucketVersions"),
    plane="data",
    changes=N_("Removes the delete markers that were set after a moment, so that the objects are there again."),
    undo=N_("Only markers were removed and no data was touched; delete the objects again by hand if that was right."),
    undone_by=None,
    recognised_by=N_("Keys that have no delete marker on top any more are passed over."),
    resources={"s3:DeleteObjectVersion": OBJECTS},
    outputs={"undeleted": "int", "lost": "int"},
    calls=(*_READS, "s3:DeleteObjects"),
    recovers=Figures(rpo=timedelta(), rto=timedelta(minutes=5)),
    takes=timedelta(minutes=2),
)
class Undelete:
    facts: ClassVar[Facts]

    def plan(self, params: Undeleted, aws: Aws, attempt: Attempt) -> StepPlan:  # noqa: ARG002  # nothing depends on it
        touches = (touched(aws, params),)
        if problem := not_versioned(aws, params.bucket):
            return StepPlan(warnings=(problem,), touches=touches)
        found, lost, complete = _counted(params, aws)
        what = phrase(N_("Deleted objects of {bucket}/{prefix}"), bucket=params.bucket, prefix=params.prefix)
        markers = {"Objects": [{"Key": EACH_KEY, "VersionId": ITS_VERSION}], "Quiet": True}
        return StepPlan(
            calls=(Call("s3", "DeleteObjects", {"Bucket": params.bucket, "Delete": markers}),) if found else (),
            changes=(Change(what, str(found), "0"),) if found else (),
            warnings=_warnings(lost, complete=complete),
            touches=touches,
            loses=timedelta(),
        )

    def act(self, params: Undeleted, aws: Aws, attempt: Attempt) -> Progress:
        if problem := not_versioned(aws, params.bucket):
            return Failed(problem)
        after, undeleted, lost = _remembered(attempt.memory)
        room, more = Slice(), True
        while more and not room.is_over():
            histories, more = read(aws, params.bucket, params.prefix, after)
            markers, gone = _markers(histories, params)
            for start in range(0, len(markers), BATCH):
                _remove(aws, params.bucket, markers[start : start + BATCH])
            room.spend(1 + len(markers) // BATCH)
            undeleted, lost = undeleted + len({key for key, _ in markers}), lost + gone
            after = histories[-1].key if histories else after
        memory = {"after": after, "undeleted": undeleted, "lost": lost}
        if more:
            note = phrase(N_("Undeleting in {bucket}: {count} so far"), bucket=params.bucket, count=undeleted)
            return Working(note, again_in=timedelta(), memory=memory, more=True)
        return _done(params, undeleted, lost)

    def look(self, params: Undeleted, aws: Aws, attempt: Attempt) -> Progress:  # `act` ends by itself
        if problem := not_versioned(aws, params.bucket):
            return Failed(problem)
        _, undeleted, lost = _remembered(attempt.memory)
        return _done(params, undeleted, lost)


def _remembered(memory: Mapping[str, Any]) -> tuple[str, int, int]:
    return memory.get("after", ""), memory.get("undeleted", 0), memory.get("lost", 0)


def _markers(histories: list[History], params: Params) -> tuple[list[tuple[str, str]], int]:
    """Key and version of every marker to remove, and how many deleted keys have nothing left to bring back."""
    assert isinstance(params, Undeleted)
    markers: list[tuple[str, str]] = []
    gone = 0
    for history in histories:
        below = next((at for at, entry in enumerate(history.entries) if not entry.is_marker), None)
        on_top = history.entries[:below]
        if not on_top or min(entry.made_at for entry in on_top) <= whole_second(params.at):
            continue  # there, or deleted before the moment too
        if below is None:
            gone += 1
        else:
            markers += [(history.key, entry.version) for entry in on_top]
    return markers, gone


def _remove(aws: Aws, bucket: str, markers: list[tuple[str, str]]) -> None:
    """S3 answers 200 even when it refused some keys; what it says of each key counts. Raises `ActionFailed`."""
    objects = [{"Key": key, "VersionId": version} for key, version in markers]
    wanted = {"Objects": objects, "Quiet": True}
    answer = perform(aws, Call("s3", "DeleteObjects", {"Bucket": bucket, "Delete": wanted}))
    if refused := answer.get("Errors"):
        what = N_("S3 did not remove {count} delete markers, {key} first ({code}: {message}). The others are removed.")
        fields = {"count": len(refused), "key": refused[0].get("Key", "-"), "message": refused[0].get("Message", "-")}
        code = str(refused[0].get("Code", ""))
        raise ActionFailed(phrase(what, code=code, **fields), retry=code in {"InternalError", "SlowDown"}, code=code)


def _counted(params: Undeleted, aws: Aws) -> tuple[int, int, bool]:
    """Keys to bring back, keys that are gone for good, and whether that is all of them."""
    found, lost, after, more = 0, 0, "", True
    room = Slice(calls=PLANNED_PAGES)
    while more and not room.is_over():
        histories, more = read(aws, params.bucket, params.prefix, after)
        markers, gone = _markers(histories, params)
        found, lost = found + len({key for key, _ in markers}), lost + gone
        after = histories[-1].key if histories else after
        room.spend()
    return found, lost, not more


def _warnings(lost: int, *, complete: bool) -> tuple[Phrase, ...]:
    said = [phrase(N_("Delete markers are not always replicated: undelete in the other region's bucket as well."))]
    if lost:
        what = N_("{count} deleted objects have no version left (a lifecycle rule removed them); they stay gone.")
        said.append(phrase(what, count=lost))
    if not complete:
        said.append(phrase(N_("There are more objects than a plan counts; the numbers are at least these.")))
    return tuple(said)


def _done(params: Undeleted, undeleted: int, lost: int) -> Done:
    what = N_("{count} objects of {bucket} are there again; {lost} had no version left.")
    note = phrase(what, count=undeleted, bucket=params.bucket, lost=lost)
    return Done(note, {"undeleted": undeleted, "lost": lost})
