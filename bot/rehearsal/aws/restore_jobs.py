"""AWS Backup's restore jobs: they make the resource, take their time, and say of themselves what AWS says.

A table is there at once, CREATING until its job ends; objects are there when the job has ended and somebody asks Backup
or looks at its list. PercentDone stays "0.00%", as it may in AWS. A job of a bucket that left out what it could not read
is COMPLETED, with a StatusMessage. Not emulated: roles, encryption with keys, ACLs, a new bucket, restores of anything
but tables and buckets. https://docs.aws.amazon.com/aws-backup/latest/devguide/restoring-a-backup.html
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from bot.rehearsal.aws.backup_contents import (
    BucketContent,
    CannotRestore,
    Destination,
    StoredObject,
    TableContent,
    check_bucket,
    put_missing,
)
from bot.rehearsal.aws.backup_jobs import token_of
from bot.rehearsal.aws.backup_vaults import MOST, BackupVaults, Point, aware
from bot.rehearsal.aws.call import Answer, AwsError, Call, Handler, Moto
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.moto_app import ACCOUNT
from bot.rehearsal.aws.paging import paged

#: Called with the region, moto's new table, and when it is ready.
BeginTable = Callable[[str, Any, datetime], None]
USABLE = {"COMPLETED", "AVAILABLE"}


@dataclass(frozen=True)
class RestoreJob:
    """`objects` are put when it ends; None: they are, or there are none. `plan`: the testing plan that started it."""

    id: str
    region: str
    point: Point
    asked: Mapping[str, Any]
    started_at: datetime
    runs_at: datetime
    ends_at: datetime
    created: str = ""
    failure: str = ""
    message: str = ""
    plan: str = ""
    validation: Mapping[str, str] = field(default_factory=dict)
    objects: tuple[StoredObject, ...] | None = None

    def status(self, now: datetime) -> str:
        if now < self.runs_at:
            return "PENDING"
        if now < self.ends_at:
            return "RUNNING"
        return "FAILED" if self.failure else "COMPLETED"


class RestoreJobs:
    """`lose` names keys that a restore cannot read; `fail_next` makes the next job fail, `refuse_validation` is on
    when no verdict of ours shall be taken. Seconds are divided by the clock's speed.
    """

    def __init__(self, clock: Clock, vaults: BackupVaults, begin_table: BeginTable, seconds: float = 8.0) -> None:
        self._clock, self._vaults, self._begin_table, self.seconds = clock, vaults, begin_table, seconds
        self._jobs: dict[str, RestoreJob] = {}
        self._tokens: dict[tuple[Any, ...], str] = {}
        self.refuse_validation = False
        self._lost: set[str] = set()
        self._failures: list[str] = []

    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        by_name: dict[str, Handler] = {
            "StartRestoreJob": self._start,
            "DescribeRestoreJob": self._describe,
            "GetRestoreJobMetadata": self._metadata,
            "ListRestoreJobs": self._list,
            "ListRestoreJobsByProtectedResource": self._list_by_resource,
            "PutRestoreValidationResult": self._validate,
        }
        return {("backup", name): handler for name, handler in by_name.items()}

    def lose(self, *keys: str) -> None:
        self._lost |= set(keys)

    def fail_next(self, message: str) -> None:
        self._failures.append(message)

    def forget(self) -> None:
        for state in (self._jobs, self._tokens, self._lost, self._failures):
            state.clear()
        self.refuse_validation = False

    def begin(self, region: str, asked: Mapping[str, Any], plan: str = "") -> RestoreJob:
        """Start what was asked for. Raises `AwsError`."""
        now = self._clock.now()
        point = self._vaults.find(region, asked["RecoveryPointArn"])
        if point.status_at(now) not in USABLE:
            raise AwsError("InvalidRequestException", f"The recovery point is {point.status_at(now)}.")
        runs_at = now + self._clock.scaled(self.seconds / 4)
        ends_at = now + self._clock.scaled(self.seconds)
        job = RestoreJob(str(uuid4()).upper(), region, point, asked, now, runs_at, ends_at, plan=plan)
        job = replace(job, failure=self._failures.pop(0)) if self._failures else self._tried(job)
        self._jobs[job.id] = job
        return job

    async def _start(self, call: Call, _moto: Moto) -> Answer:
        known = self._tokens.get(token_of(call))
        if known is None:
            known = self._tokens[token_of(call)] = self.begin(call.region, call.parameters).id
        return {"RestoreJobId": known}

    async def _describe(self, call: Call, _moto: Moto) -> Answer:
        return self._shown(self._job(call))

    async def _metadata(self, call: Call, _moto: Moto) -> Answer:
        job = self._job(call)
        return {"RestoreJobId": job.id, "Metadata": dict(job.asked["Metadata"])}

    async def _list(self, call: Call, _moto: Moto) -> Answer:
        return paged(call, {"RestoreJobs": [self._shown(job) for job in self._wanted(call)]}, MOST)

    async def _list_by_resource(self, call: Call, _moto: Moto) -> Answer:
        found = [job for job in self._wanted(call) if job.point.resource == call.parameters["ResourceArn"]]
        return paged(call, {"RestoreJobs": [self._shown(job) for job in found]}, MOST)

    async def _validate(self, call: Call, _moto: Moto) -> Answer:
        job, asked = self._job(call), call.parameters
        if job.status(self._clock.now()) != "COMPLETED" or self.refuse_validation:
            raise AwsError("InvalidRequestException", "Only a restore that has completed can be validated.")
        said = {"ValidationStatus": asked["ValidationStatus"]}
        if "ValidationStatusMessage" in asked:
            said["ValidationStatusMessage"] = asked["ValidationStatusMessage"]
        self._jobs[job.id] = replace(job, validation=said)
        return {}

    def _tried(self, job: RestoreJob) -> RestoreJob:
        try:
            return self._made(job)
        except CannotRestore as error:
            return replace(job, failure=str(error))

    def _made(self, job: RestoreJob) -> RestoreJob:
        """The job with what it makes. Raises `CannotRestore`, or `AwsError` for what is refused at once."""
        metadata, content = job.asked["Metadata"], job.point.content
        if isinstance(content, TableContent):
            name = {key.lower(): value for key, value in metadata.items()}.get("targettablename")
            if not name:
                raise AwsError("MissingParameterValueException", "targetTableName is missing.")
            table = content.made_again(job.region, name, job.point.arn, job.point.made_at)
            self._begin_table(job.region, table, job.ends_at)
            return replace(job, created=table.table_arn)
        assert isinstance(content, BucketContent)
        wanted = Destination.asked(metadata)
        objects = tuple(one for one in content.as_of(wanted.at) if wanted.wants(content.bucket, one.key))
        check_bucket(wanted.bucket, job.region)
        readable = tuple(one for one in objects if one.key not in self._lost)
        lost = len(objects) - len(readable)
        message = f"{lost} of {len(objects)} objects could not be restored. See the report of the job." if lost else ""
        return replace(job, created=f"arn:aws:s3:::{wanted.bucket}", objects=readable, message=message)

    def _played(self, job: RestoreJob) -> RestoreJob:
        """With its objects in the bucket, if it has ended by now."""
        if job.objects is None or job.status(self._clock.now()) != "COMPLETED":
            return job
        put_missing(job.created.rpartition(":")[2], job.objects)
        self._jobs[job.id] = replace(job, objects=None)
        return self._jobs[job.id]

    def _wanted(self, call: Call) -> list[RestoreJob]:
        """Of the region, newest first, as the filters of the lists say."""
        asked, now = call.parameters, self._clock.now()
        found = [self._played(job) for job in tuple(self._jobs.values()) if job.region == call.region]
        after = asked.get("ByCreatedAfter")
        return [
            job
            for job in sorted(found, key=lambda job: job.started_at, reverse=True)
            if asked.get("ByStatus") in {None, job.status(now)}
            and asked.get("ByResourceType") in {None, job.point.content.kind}
            and asked.get("ByRestoreTestingPlanArn") in {None, job.plan}
            and (after is None or job.started_at >= aware(after))
        ]

    def _job(self, call: Call) -> RestoreJob:
        job = self._jobs.get(call.parameters["RestoreJobId"])
        if job is None or job.region != call.region:
            raise AwsError("ResourceNotFoundException", f"There is no restore job {call.parameters['RestoreJobId']}.")
        return self._played(job)

    def _shown(self, job: RestoreJob) -> dict[str, Any]:
        now = self._clock.now()
        over = now >= job.ends_at
        return {
            "AccountId": ACCOUNT,
            "RestoreJobId": job.id,
            "RecoveryPointArn": job.point.arn,
            "SourceResourceArn": job.point.resource,
            "BackupVaultArn": job.point.vault_arn,
            "CreationDate": job.started_at,
            "CompletionDate": job.ends_at if over else None,
            "Status": job.status(now),
            "StatusMessage": (job.failure or job.message or None) if over else None,
            "PercentDone": "0.00%",
            "BackupSizeInBytes": job.point.content.size,
            "IamRoleArn": job.asked.get("IamRoleArn"),
            "CreatedResourceArn": (job.created or None) if over else None,
            "ResourceType": job.point.content.kind,
            "RecoveryPointCreationDate": job.point.made_at,
            "IsParent": False,
            "CreatedBy": {"RestoreTestingPlanArn": job.plan} if job.plan else None,
            **job.validation,
        }
