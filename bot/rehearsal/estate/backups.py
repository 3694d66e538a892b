"""What AWS Backup has of the shop: a vault with recovery points of the carts and of the bucket, as old as the shop itself."""

from bot.rehearsal.estate.names import CARTS, VAULT
from bot.rehearsal.estate.site import Site


def lay_down(home: Site) -> None:
    """After the table and the bucket: the points hold what they hold now."""
    home.client("backup").create_backup_vault(BackupVaultName=VAULT)
    table = f"arn:aws:dynamodb:{home.region}:{home.aws.account}:table/{CARTS}"
    home.aws.inside(lambda: home.aws.backup_vaults.add(VAULT, table))
    home.aws.inside(lambda: home.aws.backup_vaults.add(VAULT, f"arn:aws:s3:::{home.bucket}"))
