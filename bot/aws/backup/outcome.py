"""How far a restore is, by its job, and whether what it made is there, by looking at that itself.

The job is asked again and again: AWS Backup's events are best effort and come every five minutes. Its percentage says
nothing, because it may stay at zero. COMPLETED with a message may be a part only, and is told as such.
https://docs.aws.amazon.com/aws-backup/latest/devguide/eventbridge.html
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.aws.backup.restoring import OVER, RUNNING, Job, Target, described, ours
from bot.aws.dynamodb.table import describe, is_ready
from bot.aws.polling import SETTLING, next_look
from bot.aws.s3.versions import History, read, whole_second
from bot.aws.slices import Slice
from bot.errors import N_, phrase
from bot.playbook.action import Attempt, Aws, Done, Failed, Progress, Working

#: Pages of a thousand versions that are read of a bucket to see what came back; beyond it, there are "at least" so many.
PAGES = 20


def progress(target: Target, aws: Aws, attempt: Attempt, memory: Mapping[str, Any]) -> Progress:
    """`memory`: the `job`; without one (its answer was lost), the job is looked for."""
    job = completed(target, aws, attempt, memory)
    if isinstance(job, Working | Failed):
        return job
    if target.point.kind == "DynamoDB":
        return table_progress(target, aws, attempt, job)
    return _bucket(target, aws, job)


def completed(target: Target, aws: Aws, attempt: Attempt, memory: Mapping[str, Any]) -> Job | Working | Failed:
    """The job, when it says that it has made the target; else how far it is, or why it will not."""
    known = memory.get("job")
    job = described(aws, known) if known else ours(aws, target, attempt.started_at)
    if job is None and known and attempt.now - attempt.started_at < SETTLING:
        note = phrase(
            N_("AWS Backup has accepted the restore of {target}; its job is not visible yet."), target=target.name
        )
        return Working(note, again_in=next_look(attempt), memory=memory)
    if job is None:
        what = N_("AWS Backup has no restore job for {target}: it was never started. Retry the step.")
        return Failed(phrase(what, target=target.name))
    said = job.get("StatusMessage") or "-"
    if job["Status"] in OVER:
        what = N_(
            "AWS Backup did not restore {target} ({status}): {message} Correct what it names, then retry the step."
        )
        return Failed(phrase(what, target=target.name, status=job["Status"], message=said))
    if job["Status"] in RUNNING:
        what = N_("Restoring {target} as of {at}: {status} for {elapsed}")
        elapsed = attempt.now - attempt.started_at
        note = phrase(what, target=target.name, at=target.point.holds, status=job["Status"], elapsed=elapsed)
        return Working(note, again_in=next_look(attempt), memory=_kept(target, job))
    if job.get("CreatedResourceArn") != target.arn:
        what = N_("The restore made {made}, not {target}. Look at the job {job} in AWS Backup.")
        made = job.get("CreatedResourceArn") or "-"
        return Failed(phrase(what, made=made, target=target.arn, job=job["RestoreJobId"]))
    return job


def table_progress(target: Target, aws: Aws, attempt: Attempt, job: Job) -> Progress:
    """By the table itself, of a job that has completed."""
    found = describe(aws, target.name)
    if found is not None and is_ready(found):
        return _done(target, job, {"table": target.name})
    ended: datetime = job.get("CompletionDate") or attempt.now
    if found is None and attempt.now - ended >= SETTLING:
        what = N_("AWS Backup says that {target} is restored, but there is no such table. Retry the step.")
        return Failed(phrase(what, target=target.name))
    note = phrase(N_("AWS Backup has restored {target}; DynamoDB is making it ready."), target=target.name)
    return Working(note, again_in=next_look(attempt), memory=_kept(target, job))


def _kept(target: Target, job: Job) -> dict[str, str]:
    return {"job": job["RestoreJobId"], "point": target.point.arn}


def _bucket(target: Target, aws: Aws, job: Job) -> Progress:
    """What lies in the bucket now: the keys that were asked for, or else whatever came since the job began."""
    there, came = _objects(target, aws, job["CreationDate"])
    missing = [key for key in target.keys if key not in there]
    if missing or not there:
        what = N_(
            "AWS Backup says that {target} is restored, but {key} is not there ({message}). Look at the job {job}; the "
            "recovery point may not hold it."
        )
        fields = {"key": missing[0] if missing else "-", "message": job.get("StatusMessage") or "-"}
        return Failed(phrase(what, target=target.name, job=job["RestoreJobId"], **fields))
    return _done(target, job, {"bucket": target.name, "objects": came})


def _objects(target: Target, aws: Aws, since: datetime) -> tuple[set[str], int]:
    """The keys that are there, and how many of them came since then; of a large bucket, of its first pages."""
    there: set[str] = set()
    came, room = 0, Slice(calls=PAGES)
    for prefix in target.keys or ("",):
        after, more = "", True
        while more and not room.is_over() and prefix not in there:
            histories, more = read(aws, target.name, prefix, after)
            room.spend()
            present = [one for one in histories if not one.latest.is_marker]
            there |= {one.key for one in present}
            came += sum(_is_new(one, since) for one in present if one.key in (target.keys or [one.key]))
            after = histories[-1].key if histories else after
    return there, came


def _is_new(history: History, since: datetime) -> bool:
    """Both moments are of AWS's clocks; S3's has whole seconds."""
    return history.latest.made_at >= whole_second(since)


def _done(target: Target, job: Job, output: Mapping[str, Any]) -> Done:
    said = job.get("StatusMessage") or ""
    fields = {"target": target.name, "name": target.point.name, "at": target.point.holds}
    if said:
        what = N_(
            "{target} holds {name} as of {at}, perhaps only a part of it: AWS Backup adds “{message}” Compare before "
            "anything depends on it."
        )
        note = phrase(what, message=said, **fields)
    else:
        note = phrase(N_("{target} holds {name} as of {at}."), **fields)
    told = {"recovery_point": target.point.arn, "at": target.point.holds.isoformat(), "partial": said}
    return Done(note, {**told, "job": job["RestoreJobId"], **output})
