"""A vault of the emulated AWS Backup with points of a table and of a bucket, which tests restore."""

from datetime import datetime, timedelta
from functools import cached_property

from moto.backup.models import backup_backends

from bot.rehearsal.aws.backup_vaults import Point
from bot.rehearsal.aws.emulator import EmulatedAws
from bot.rehearsal.aws.moto_app import ACCOUNT
from tests.aws.buckets import BUCKET, Bucket
from tests.aws.tables import Tables

VAULT = "shop"


class Vault:
    """`carts` and a bucket, with nothing in the vault yet."""

    def __init__(self, aws: EmulatedAws) -> None:
        self.aws = aws
        for feature in (aws.backup_vaults, aws.backup_jobs, aws.restore_jobs):
            feature.forget()
        for region in ("us-east-1", "us-west-2"):
            if VAULT not in backup_backends[ACCOUNT][region].vaults:
                aws.client("backup", region).create_backup_vault(BackupVaultName=VAULT)
        self.tables = Tables(aws)
        self.tables.forget()
        self.tables.create("carts", {"1": "full"})

    @cached_property
    def bucket(self) -> Bucket:
        """Made when a test wants one."""
        return Bucket(self.aws)

    def point(self, then: float = 60) -> Point:
        """Of `carts`, made now; `then` seconds pass."""
        return self._made(f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/carts", then)

    def bucket_point(self, then: float = 60, *, continuous: bool = False) -> Point:
        return self._made(f"arn:aws:s3:::{BUCKET}", then, continuous=continuous)

    def _made(self, resource: str, then: float, *, continuous: bool = False) -> Point:
        made = self.aws.inside(lambda: self.aws.backup_vaults.add(VAULT, resource, continuous=continuous))
        self.aws.clock.move(timedelta(seconds=then))
        self.aws.calls.clear()
        return made

    def ago(self, seconds: float) -> datetime:
        return self.aws.clock.now() - timedelta(seconds=seconds)
