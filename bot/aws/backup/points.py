"""The recovery points of a vault: which one holds a table or a bucket as it was before a moment, and from when it is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Self

from pydantic import StringConstraints, model_validator

from bot.aws.dynamodb.table import TableName
from bot.aws.s3.versions import BucketName
from bot.errors import N_, ActionFailed, Phrase, phrase
from bot.playbook.action import Aws, Fault, InputType, Params
from escalation.errors import BadValue

#: Points by the thousand; where there are more of one kind, the point is named by its ARN.
MOST_PAGES = 20
#: AWS says one of the two of every finished point.
USABLE = frozenset({"AVAILABLE", "COMPLETED"})
#: How far a continuous point of a bucket may be behind.
#: https://docs.aws.amazon.com/aws-backup/latest/devguide/s3-backups.html
LAG = timedelta(minutes=15)
#: AWS tells a continuous point by its ARN alone.
CONTINUOUS = ":recovery-point:continuous:"

VaultName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_-]{2,50}$")]
PointArn = Annotated[str, StringConstraints(pattern=r"^(|arn:[\w-]+:(backup|dynamodb):[^:]+:\d+:.+)$")]
Bucket = Annotated[BucketName, InputType("s3.bucket")]
_ONE = N_("name either a table or a bucket.")


class Protected(Params):
    """What the vault keeps: `table` or `bucket`, one of the two."""

    vault: VaultName
    table: TableName | None = None
    bucket: Bucket | None = None

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.table is None) == (self.bucket is None):
            raise BadValue(phrase(_ONE))
        return self

    @property
    def kind(self) -> str:
        """As AWS Backup calls the type of the resource."""
        return "DynamoDB" if self.table else "S3"

    @property
    def name(self) -> str:
        return self.table or self.bucket or ""

    def arn_beside(self, vault: str) -> str:
        """The ARN that it has in the region and the account of a vault, which is given by its ARN."""
        _, partition, _, region, account, *_ = vault.split(":")
        if self.bucket:
            return f"arn:{partition}:s3:::{self.bucket}"
        return f"arn:{partition}:dynamodb:{region}:{account}:table/{self.table}"


def faults(given: Mapping[str, Any]) -> Iterator[Fault]:
    """What lint sees of `Protected` before the values are known."""
    if ("table" in given) == ("bucket" in given):
        yield Fault((), phrase(_ONE))


@dataclass(frozen=True)
class Point:
    """`holds`: the moment whose data a restore of it gives. `resource`: the ARN of what was backed up.

    `is_behind`: a continuous point that may not have come to that moment yet.
    """

    arn: str
    vault: str
    resource: str
    kind: str
    status: str
    holds: datetime
    size: int
    is_behind: bool = False

    @property
    def is_usable(self) -> bool:
        return self.status in USABLE and not self.is_behind

    @property
    def is_continuous(self) -> bool:
        return CONTINUOUS in self.arn

    @property
    def name(self) -> str:
        """Of the table or the bucket."""
        return self.resource.rpartition(":")[2].removeprefix("table/")

    def role_arn(self, role: str) -> str:
        """Of a role in the account that the point is in."""
        _, partition, _, _, account, *_ = self.arn.split(":", 5)
        return f"arn:{partition}:iam::{account}:role/{role}"


def newest(
    aws: Aws, wanted: Protected, before: datetime, now: datetime, *, of_one_moment: bool = False
) -> Point | None:
    """The point that holds the latest data from no later than `before`; None: there is none that can be restored.

    `of_one_moment`: no continuous one.
    """
    found = [point for point in _listed(aws, wanted, before, now) if point.is_usable and point.holds <= before]
    if of_one_moment:
        found = [point for point in found if not point.is_continuous]
    return max(found, key=lambda point: point.holds, default=None)


def chosen(aws: Aws, wanted: Protected, before: datetime, arn: str, now: datetime) -> Point | Phrase:
    """The point that is named, or else the newest; a phrase says why there is none."""
    if not arn:
        return newest(aws, wanted, before, now) or _none(wanted, before)
    point = described(aws, wanted.vault, arn, before, now)
    if point is None or point.status not in USABLE:
        what = N_(
            "The recovery point {arn} in the vault {vault} cannot be restored here ({status}). A point is known only in "
            "its own region; choose one that is COMPLETED or AVAILABLE."
        )
        return phrase(what, arn=arn, vault=wanted.vault, status=point.status if point else "-")
    if point.is_behind:
        what = N_("{arn} is continuous and may be 15 minutes behind. Choose an earlier moment than {before}, or wait.")
        return phrase(what, arn=arn, before=before)
    if (point.kind, point.name) != (wanted.kind, wanted.name):
        what = N_("{arn} is a recovery point of {other}, not of {name}. Correct the name or the recovery point.")
        return phrase(what, arn=arn, other=point.name, name=wanted.name)
    if point.holds > before:
        what = N_("{arn} is of {at}, later than {before}. Choose an earlier recovery point.")
        return phrase(what, arn=arn, at=point.holds, before=before)
    return point


def described(aws: Aws, vault: str, arn: str, before: datetime, now: datetime) -> Point | None:
    """The point with that ARN; None: this region has no such point, or it is another vault's."""
    try:
        found = aws.client("backup").describe_recovery_point(BackupVaultName=vault, RecoveryPointArn=arn)
    except ActionFailed as error:
        if error.code in {"ResourceNotFoundException", "InvalidParameterValueException"}:
            return None
        raise
    return _point(found, before, now)


def vault_arn(aws: Aws, vault: str, region: str | None = None) -> str | None:
    """None: there is no such vault."""
    try:
        return str(aws.client("backup", region).describe_backup_vault(BackupVaultName=vault)["BackupVaultArn"])
    except ActionFailed as error:
        if error.code == "ResourceNotFoundException":
            return None
        raise


def _listed(aws: Aws, wanted: Protected, before: datetime, now: datetime) -> Iterator[Point]:
    """Those of the resource as it is named here; else those of its name, which came as copies from another region."""
    vault = vault_arn(aws, wanted.vault)
    if vault is None:
        return
    where = {"BackupVaultName": wanted.vault, "ByCreatedBefore": before + timedelta(seconds=1)}
    found = False
    for page in _pages(aws, {**where, "ByResourceArn": wanted.arn_beside(vault)}):
        for one in page["RecoveryPoints"]:
            found = True
            yield _point(one, before, now)
    for page in () if found else _pages(aws, {**where, "ByResourceType": wanted.kind}):
        points = (_point(one, before, now) for one in page["RecoveryPoints"])
        yield from (point for point in points if point.name == wanted.name)


def _pages(aws: Aws, where: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    start: Mapping[str, str] = {}
    for _ in range(MOST_PAGES):
        page = aws.client("backup").list_recovery_points_by_backup_vault(**where, **start)
        yield page
        if not page.get("NextToken"):
            return
        start = {"NextToken": page["NextToken"]}


def _point(found: Mapping[str, Any], before: datetime, now: datetime) -> Point:
    arn, holds = found["RecoveryPointArn"], found["CreationDate"].astimezone(UTC)
    behind = False
    if CONTINUOUS in arn:
        holds, behind = max(holds, before.astimezone(UTC).replace(microsecond=0)), before > now - LAG
    return Point(
        arn,
        found["BackupVaultName"],
        found["ResourceArn"],
        found["ResourceType"],
        found["Status"],
        holds,
        int(found.get("BackupSizeInBytes", 0)),
        behind,
    )


def _none(wanted: Protected, before: datetime) -> Phrase:
    what = N_(
        "The vault {vault} has no recovery point of {name} from before {before} that can be restored. Look into the "
        "other vaults, or choose another moment: a continuous point may be 15 minutes behind."
    )
    return phrase(what, vault=wanted.vault, name=wanted.name, before=before)
