"""`s3.can_roll_back` before anything is done, and `s3.as_of` after: what is current is read back, object by object."""

from datetime import timedelta
from typing import Any, ClassVar

from bot.aws.s3.rollback import RolledBack, needed
from bot.aws.s3.versions import Place, not_versioned, read
from bot.aws.slices import Slice
from bot.errors import N_, ActionFailed, phrase
from bot.playbook.action import Attempt, Aws, Done, Facts, Failed, Progress, Working, check


class Checked(Place):
    """The same as what is rolled back."""


@check(
    "s3.can_roll_back",
    Checked,
    permissions=("s3:GetBucketVersioning", "s3:ListBucketVersions"),
    outputs={"keys": "int"},
    calls=("s3:GetBucketVersioning", "s3:ListObjectVersions"),
    takes=timedelta(seconds=5),
)
class CanRollBack:
    """Holds when versions are kept (Enabled, not Suspended), the moment is past, and there is something below the prefix."""

    facts: ClassVar[Facts]

    def look(self, params: Checked, aws: Aws, attempt: Attempt) -> Progress:
        if params.at > attempt.now:
            return Failed(phrase(N_("{at} is not past yet. Choose an earlier moment."), at=params.at))
        if problem := not_versioned(aws, params.bucket):
            return Failed(problem)
        histories, more = read(aws, params.bucket, params.prefix, "")
        if not histories:
            what = N_("There is nothing in {bucket} below {prefix}. Check the prefix.")
            return Failed(phrase(what, bucket=params.bucket, prefix=params.prefix))
        what = (
            N_("{bucket} keeps versions; there are at least {count} keys.")
            if more
            else N_("{bucket} keeps versions of {count} keys.")
        )
        return Done(phrase(what, bucket=params.bucket, count=len(histories)), {"keys": len(histories)})


@check(
    "s3.as_of",
    Checked,
    permissions=("s3:GetObject", "s3:ListBucketVersions"),
    outputs={"keys": "int", "compared": "int"},
    calls=("s3:HeadObject", "s3:ListObjectVersions"),
    takes=timedelta(minutes=1),
)
class AsOf:
    """Holds when every key is as it was then, and a sample of the objects is served as such to whoever reads them.

    The sample is the first object of every page: it is asked for by its name alone, as the service asks.
    """

    facts: ClassVar[Facts]

    def look(self, params: Checked, aws: Aws, attempt: Attempt) -> Progress:
        after, keys, compared = (
            attempt.memory.get(name, zero) for name, zero in (("after", ""), ("keys", 0), ("compared", 0))
        )
        room, more = Slice(), True
        wanted = RolledBack(**params.model_dump())
        while more and not room.is_over():
            histories, more = read(aws, params.bucket, params.prefix, after)
            room.spend(2)
            for history in histories:
                then = history.as_of(params.at)
                present = then is not None and not then.is_marker
                need, _ = needed(history, wanted)
                if need != "nothing" and (
                    history.latest.is_marker or not present or history.latest.size != _size(then)
                ):
                    what = N_(
                        "{key} in {bucket} is not as it was at {at}. Somebody may have written it since; look at it."
                    )
                    return Failed(phrase(what, key=history.key, bucket=params.bucket, at=params.at))
            sample = next((one for one in histories if not one.latest.is_marker), None)
            if sample and not _served(aws, params.bucket, sample.key):
                what = N_("{key} in {bucket} is listed but not served. Look at its encryption key and its policy.")
                return Failed(phrase(what, key=sample.key, bucket=params.bucket))
            compared += bool(sample)
            keys, after = keys + len(histories), histories[-1].key if histories else after
        memory = {"after": after, "keys": keys, "compared": compared}
        if more:
            return Working(
                phrase(N_("Comparing {bucket}: {count} keys"), bucket=params.bucket, count=keys), timedelta(), memory
            )
        what = N_("All {count} keys of {bucket}/{prefix} are as they were at {at}.")
        note = phrase(what, count=keys, bucket=params.bucket, prefix=params.prefix, at=params.at)
        return Done(note, {"keys": keys, "compared": compared})


def _size(entry: Any) -> int:
    return int(entry.size) if entry is not None else -1


def _served(aws: Aws, bucket: str, key: str) -> bool:
    try:
        aws.client("s3").head_object(Bucket=bucket, Key=key)
    except ActionFailed as error:
        if error.code in {"404", "403", "NoSuchKey", "AccessDenied"}:
            return False
        raise
    return True
