"""AWS Backup's backup jobs and copy jobs, played on the emulator's clock.

A backup holds what the resource held when its job was asked for. The same idempotency token, with the same parameters, is
the same job. Not emulated: backup windows, child jobs, job retries, a StopBackupJob; a copy of a copy is a copy.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from bot.rehearsal.aws.backup_contents import content_of
from bot.rehearsal.aws.backup_vaults import MOST, BackupVaults, Point, aware
from bot.rehearsal.aws.call import Answer, AwsError, Call, Handler, Moto
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.moto_app import ACCOUNT
from bot.rehearsal.aws.paging import paged

#: "100 concurrent copies to another region; one at a time of a resource".
#: https://docs.aws.amazon.com/aws-backup/latest/devguide/aws-backup-limits.html
MOST_COPIES = 100


@dataclass(frozen=True)
class Job:
    """A backup, or a copy (`source`: what of). `failure`: it ends with that, and leaves no point."""

    id: str
    region: str
    asked: Mapping[str, Any]
    point: Point
    started_at: datetime
    runs_at: datetime
    ends_at: datetime
    failure: str = ""
    source: Point | None = None

    def state(self, now: datetime) -> str:
        if now < self.runs_at:
            return "CREATED"
        if now < self.ends_at:
            return "RUNNING"
        return "FAILED" if self.failure else "COMPLETED"


class BackupJobs:
    """`fail_next`: what the next backup or copy ends with. Seconds are divided by the clock's speed."""

    def __init__(self, clock: Clock, vaults: BackupVaults, seconds: float = 6.0) -> None:
        self._clock, self._vaults, self.seconds = clock, vaults, seconds
        self._jobs: dict[str, Job] = {}
        self._tokens: dict[tuple[Any, ...], Job] = {}
        self._failures: list[str] = []

    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        by_name: dict[str, Handler] = {
            "StartBackupJob": self._start,
            "DescribeBackupJob": self._describe,
            "ListBackupJobs": self._list,
            "StartCopyJob": self._start_copy,
            "DescribeCopyJob": self._describe_copy,
            "ListCopyJobs": self._list_copies,
        }
        return {("backup", name): handler for name, handler in by_name.items()}

    def fail_next(self, message: str) -> None:
        self._failures.append(message)

    def forget(self) -> None:
        self._jobs.clear()
        self._tokens.clear()
        self._failures.clear()

    async def _start(self, call: Call, _moto: Moto) -> Answer:
        asked = call.parameters
        job = self._tokens.get(token_of(call))
        if job is None:
            now, days = self._clock.now(), (asked.get("Lifecycle") or {}).get("DeleteAfterDays")
            life = timedelta(days=days) if days else None
            content = content_of(asked["ResourceArn"], now, continuous=False)
            more: dict[str, Any] = {"role": asked["IamRoleArn"], "delete_after": life, "ready_at": self._end}
            vault, resource = asked["BackupVaultName"], asked["ResourceArn"]
            job = self._begin(call, self._vaults.keep(call.region, vault, resource, content, **more))
        return {"BackupJobId": job.id, "RecoveryPointArn": job.point.arn, "CreationDate": job.started_at}

    async def _describe(self, call: Call, _moto: Moto) -> Answer:
        return self._shown(self._job(call, call.parameters["BackupJobId"], copy=False))

    async def _list(self, call: Call, _moto: Moto) -> Answer:
        asked = call.parameters
        found = (job for job in self._of(call.region, copy=False) if self._is_wanted(job, asked, "ByBackupVaultName"))
        return paged(call, {"BackupJobs": [self._shown(job) for job in found]}, MOST)

    async def _start_copy(self, call: Call, _moto: Moto) -> Answer:
        asked, now = call.parameters, self._clock.now()
        job = self._tokens.get(token_of(call))
        if job is None:
            source = self._vaults.find(call.region, asked["RecoveryPointArn"], asked["SourceBackupVaultName"])
            region, vault = (
                asked["DestinationBackupVaultArn"].split(":")[3],
                asked["DestinationBackupVaultArn"].rpartition(":")[2],
            )
            self._refuse_copy(source, region, now)
            more: dict[str, Any] = {"role": asked["IamRoleArn"], "copied_from": source.vault_arn}
            more |= {"made_at": source.made_at, "ready_at": self._end}
            job = self._begin(call, self._vaults.keep(region, vault, source.resource, source.content, **more), source)
        return {"CopyJobId": job.id, "CreationDate": job.started_at, "IsParent": False}

    async def _describe_copy(self, call: Call, _moto: Moto) -> Answer:
        return {"CopyJob": self._shown_copy(self._job(call, call.parameters["CopyJobId"], copy=True))}

    async def _list_copies(self, call: Call, _moto: Moto) -> Answer:
        asked = call.parameters
        found = (
            job for job in self._of(call.region, copy=True) if self._is_wanted(job, asked, "ByDestinationVaultArn")
        )
        return paged(call, {"CopyJobs": [self._shown_copy(job) for job in found]}, MOST)

    @property
    def _end(self) -> datetime:
        return self._clock.now() + self._clock.scaled(self.seconds)

    def _begin(self, call: Call, point: Point, source: Point | None = None) -> Job:
        now = self._clock.now()
        failure = self._failures.pop(0) if self._failures else ""
        if failure:
            self._vaults.drop(point)
        runs_at = now + self._clock.scaled(self.seconds / 4)
        job = Job(str(uuid4()).upper(), call.region, call.parameters, point, now, runs_at, self._end, failure, source)
        self._jobs[job.id] = self._tokens[token_of(call)] = job
        return job

    def _refuse_copy(self, source: Point, region: str, now: datetime) -> None:
        if source.content.continuous:
            raise AwsError("InvalidRequestException", "A continuous recovery point cannot be copied.")
        if source.status_at(now) not in {"COMPLETED", "AVAILABLE"}:
            raise AwsError("InvalidRequestException", f"The recovery point is {source.status_at(now)}.")
        running = [job for job in self._of(source.region, copy=True) if job.state(now) in {"CREATED", "RUNNING"}]
        if any(job.point.resource == source.resource for job in running):
            raise AwsError("LimitExceededException", "Another copy of the same resource is running.")
        if sum(job.point.region == region for job in running) >= MOST_COPIES:
            raise AwsError("LimitExceededException", f"{MOST_COPIES} copies to {region} are running.")

    def _of(self, region: str, *, copy: bool) -> list[Job]:
        """Newest first, as AWS lists them."""
        found = [job for job in self._jobs.values() if job.region == region and (job.source is not None) == copy]
        return sorted(found, key=lambda job: job.started_at, reverse=True)

    def _job(self, call: Call, id_: str, *, copy: bool) -> Job:
        found = next((job for job in self._of(call.region, copy=copy) if job.id == id_), None)
        if found is None:
            raise AwsError("ResourceNotFoundException", f"There is no job {id_}.")
        return found

    def _is_wanted(self, job: Job, asked: Mapping[str, Any], by_vault: str) -> bool:
        vault, after = asked.get(by_vault), asked.get("ByCreatedAfter")
        return (
            asked.get("ByResourceArn") in {None, job.point.resource}
            and asked.get("ByState") in {None, job.state(self._clock.now())}
            and asked.get("BySourceRecoveryPointArn") in {None, job.source and job.source.arn}
            and vault in {None, job.point.vault, job.point.vault_arn}
            and (after is None or job.started_at >= aware(after))
        )

    def _shown(self, job: Job) -> dict[str, Any]:
        point = job.point
        return self._common(job) | {
            "BackupJobId": job.id,
            "BackupVaultName": point.vault,
            "BackupVaultArn": point.vault_arn,
            "RecoveryPointArn": point.arn,
            "PercentDone": "0.00",
        }

    def _shown_copy(self, job: Job) -> dict[str, Any]:
        assert job.source is not None
        return self._common(job) | {
            "CopyJobId": job.id,
            "SourceBackupVaultArn": job.source.vault_arn,
            "SourceRecoveryPointArn": job.source.arn,
            "DestinationBackupVaultArn": job.point.vault_arn,
            "DestinationRecoveryPointArn": job.point.arn,
        }

    def _common(self, job: Job) -> dict[str, Any]:
        now = self._clock.now()
        return {
            "AccountId": ACCOUNT,
            "ResourceArn": job.point.resource,
            "ResourceType": job.point.content.kind,
            "ResourceName": job.point.name,
            "CreationDate": job.started_at,
            "CompletionDate": job.ends_at if now >= job.ends_at else None,
            "State": job.state(now),
            "StatusMessage": job.failure if job.failure and now >= job.ends_at else None,
            "BackupSizeInBytes": job.point.content.size,
            "IamRoleArn": job.asked["IamRoleArn"],
            "IsParent": False,
        }


def token_of(call: Call) -> tuple[Any, ...]:
    """What makes two requests one: the token, where there is one, beside the parameters."""
    token = call.parameters.get("IdempotencyToken") or str(uuid4())
    rest = sorted((name, str(value)) for name, value in call.parameters.items() if name != "IdempotencyToken")
    return call.region, call.operation, token, *rest
