"""The recovery points in AWS Backup's vaults, region by region; the vaults and plans themselves are moto's.

A copy is a point of its own in the region of its vault, with the creation date of what it copies, and only that region
knows it. Not emulated: cold storage, air-gapped vaults, access policies, composite points, other accounts, and the
schedules of plans: a point is made by a job, or laid down with `add`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from moto.backup.models import backup_backends

from bot.rehearsal.aws.backup_contents import Content, content_of
from bot.rehearsal.aws.call import Answer, AwsError, Call, Handler, Moto
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.moto_app import ACCOUNT, backend
from bot.rehearsal.aws.paging import paged

ROLE = f"arn:aws:iam::{ACCOUNT}:role/lifeboat-backup"
#: What a page of AWS Backup's lists holds at most.
MOST = 1000


@dataclass(frozen=True)
class Point:
    """A recovery point. `ready_at`: when its job ends; until then it is CREATING. `status` overrides what time says."""

    arn: str
    vault: str
    region: str
    resource: str
    content: Content
    made_at: datetime
    ready_at: datetime
    role: str = ROLE
    copied_from: str = ""
    status: str = ""
    delete_after: timedelta | None = None

    @property
    def vault_arn(self) -> str:
        return f"arn:aws:backup:{self.region}:{ACCOUNT}:backup-vault:{self.vault}"

    @property
    def name(self) -> str:
        return self.resource.rpartition(":")[2].removeprefix("table/")

    def status_at(self, now: datetime) -> str:
        """AWS says COMPLETED of some finished points and AVAILABLE of others; here, of continuous ones."""
        finished = "AVAILABLE" if self.content.continuous else "COMPLETED"
        return self.status or ("CREATING" if now < self.ready_at else finished)

    def is_gone(self, now: datetime) -> bool:
        """Its life is over, and Backup has deleted it."""
        return self.delete_after is not None and now >= self.made_at + self.delete_after


class BackupVaults:
    """`add` lays a point down at once, `change` gives one another state: for the rehearsal's past and for tests."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._points: dict[tuple[str, str], Point] = {}  # by region and ARN

    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        return {
            ("backup", "ListRecoveryPointsByBackupVault"): self._list_by_vault,
            ("backup", "ListRecoveryPointsByResource"): self._list_by_resource,
            ("backup", "DescribeRecoveryPoint"): self._describe,
            ("backup", "GetRecoveryPointRestoreMetadata"): self._metadata,
            ("backup", "DeleteRecoveryPoint"): self._delete,
            ("backup", "DescribeProtectedResource"): self._protected,
        }

    def add(self, vault: str, resource: str, *, continuous: bool = False) -> Point:
        """A finished point of the resource as it is now, in a vault of the resource's region."""
        region = resource.split(":")[3] or _region_of_bucket(resource)
        return self.keep(region, vault, resource, content_of(resource, self._clock.now(), continuous=continuous))

    def keep(self, region: str, vault: str, resource: str, content: Content, **more: Any) -> Point:
        """Raises `AwsError` where there is no such vault."""
        self.vault(region, vault)
        now = self._clock.now()
        service = "continuous" if content.continuous else str(uuid4()).upper()
        name = resource.rpartition(":")[2] + f"-{uuid4().hex[:8]}" if content.continuous else ""
        arn = f"arn:aws:backup:{region}:{ACCOUNT}:recovery-point:{service}" + (f":{name}" if name else "")
        point = Point(
            arn, vault, region, resource, content, more.pop("made_at", now), more.pop("ready_at", now), **more
        )
        self._points[region, arn] = point
        return point

    def change(self, point: Point, **changes: Any) -> Point:
        changed = replace(point, **changes)
        self._points[point.region, point.arn] = changed
        return changed

    def forget(self) -> None:
        self._points.clear()

    def drop(self, point: Point) -> None:
        """Of a job that has failed, nothing is left."""
        self._points.pop((point.region, point.arn), None)

    def find(self, region: str, arn: str, vault: str | None = None) -> Point:
        """Raises `AwsError`: a point is known in its own region alone."""
        point = self._points.get((region, arn))
        if point is None or point.is_gone(self._clock.now()) or vault not in {None, point.vault}:
            raise AwsError("ResourceNotFoundException", f"Recovery point {arn} is not found in {region}.")
        return point

    def vault(self, region: str, name: str) -> Any:
        """As moto holds it. Raises `AwsError`."""
        found = backup_backends[ACCOUNT][region].vaults.get(name)
        if found is None:
            raise AwsError("ResourceNotFoundException", f"Backup vault {name} does not exist.")
        return found

    def of(self, region: str, resource: str = "") -> Iterator[Point]:
        """Those of a region, or of one resource there, oldest first."""
        now = self._clock.now()
        found = [one for (where, _), one in self._points.items() if where == region and not one.is_gone(now)]
        yield from (one for one in sorted(found, key=lambda one: one.made_at) if resource in {"", one.resource})

    async def _list_by_vault(self, call: Call, _moto: Moto) -> Answer:
        asked = call.parameters
        self.vault(call.region, asked["BackupVaultName"])
        found = (one for one in self.of(call.region) if one.vault == asked["BackupVaultName"] and _wanted(one, asked))
        return paged(call, {"RecoveryPoints": [self._listed(one) for one in found]}, MOST)

    async def _list_by_resource(self, call: Call, _moto: Moto) -> Answer:
        found = self.of(call.region, call.parameters["ResourceArn"])
        return paged(call, {"RecoveryPoints": [self._listed_by_resource(one) for one in found]}, MOST)

    async def _describe(self, call: Call, _moto: Moto) -> Answer:
        point = self._asked(call)
        return {**self._listed(point), "StorageClass": "WARM"}

    async def _metadata(self, call: Call, _moto: Moto) -> Answer:
        point = self._asked(call)
        return {
            "BackupVaultArn": point.vault_arn,
            "RecoveryPointArn": point.arn,
            "RestoreMetadata": point.content.metadata,
            "ResourceType": point.content.kind,
        }

    async def _delete(self, call: Call, _moto: Moto) -> Answer:
        self.drop(self._asked(call))
        return {}

    async def _protected(self, call: Call, _moto: Moto) -> Answer:
        resource = call.parameters["ResourceArn"]
        points = list(self.of(call.region, resource))
        if not points:
            raise AwsError("ResourceNotFoundException", f"Resource {resource} is not protected.")
        last = points[-1]
        return {
            "ResourceArn": resource,
            "ResourceType": last.content.kind,
            "ResourceName": last.name,
            "LastBackupTime": last.made_at,
            "LastBackupVaultArn": last.vault_arn,
            "LastRecoveryPointArn": last.arn,
        }

    def _asked(self, call: Call) -> Point:
        self.vault(call.region, call.parameters["BackupVaultName"])
        return self.find(call.region, call.parameters["RecoveryPointArn"], call.parameters["BackupVaultName"])

    def _listed(self, point: Point) -> dict[str, Any]:
        shown = self._listed_by_resource(point)
        size = shown.pop("BackupSizeBytes")
        life = {"DeleteAfterDays": point.delete_after.days} if point.delete_after else None
        ends = {"DeleteAt": point.made_at + point.delete_after} if point.delete_after else None
        return shown | {
            "BackupVaultArn": point.vault_arn,
            "SourceBackupVaultArn": point.copied_from or None,
            "ResourceArn": point.resource,
            "ResourceType": point.content.kind,
            "IamRoleArn": point.role,
            "CompletionDate": None if self._clock.now() < point.ready_at else point.ready_at,
            "BackupSizeInBytes": size,
            "Lifecycle": life,
            "CalculatedLifecycle": ends,
            "IsEncrypted": True,
        }

    def _listed_by_resource(self, point: Point) -> dict[str, Any]:
        return {
            "RecoveryPointArn": point.arn,
            "CreationDate": point.made_at,
            "Status": point.status_at(self._clock.now()),
            "BackupSizeBytes": point.content.size,
            "BackupVaultName": point.vault,
            "IsParent": False,
            "ResourceName": point.name,
            "VaultType": "BACKUP_VAULT",
        }


def _wanted(point: Point, asked: Mapping[str, Any]) -> bool:
    before, after = asked.get("ByCreatedBefore"), asked.get("ByCreatedAfter")
    return (
        asked.get("ByResourceArn") in {None, point.resource}
        and asked.get("ByResourceType") in {None, point.content.kind}
        and (before is None or point.made_at < aware(before))
        and (after is None or point.made_at >= aware(after))
    )


def aware(moment: datetime) -> datetime:
    """What moto's parser read of a query: UTC, without saying so."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _region_of_bucket(resource: str) -> str:
    return str(backend("s3", "aws").buckets[resource.rpartition(":")[2]].region_name)
