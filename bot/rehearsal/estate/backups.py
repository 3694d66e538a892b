"""What AWS Backup has of the shop: a vault with recovery points of both tables and of the bucket, as old as the shop itself."""

from functools import partial

from bot.rehearsal.estate.names import CARTS, ORDERS, VAULT
from bot.rehearsal.estate.site import Site


def lay_down(home: Site) -> None:
    """After the tables and the bucket: the points hold what they hold now."""
    home.client("backup").create_backup_vault(BackupVaultName=VAULT)
    tables = (f"arn:aws:dynamodb:{home.region}:{home.aws.account}:table/{name}" for name in (ORDERS, CARTS))
    for resource in (*tables, f"arn:aws:s3:::{home.bucket}"):
        home.aws.inside(partial(home.aws.backup_vaults.add, VAULT, resource))
