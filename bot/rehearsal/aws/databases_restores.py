"""A cluster restored to a moment: storage and engine are the source's, and nearly every setting is a default again.

AWS: the default security group and the default parameter group unless the request names others, no tags, no deletion
protection, no instance, and no part in a global cluster.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bot.rehearsal.aws.call import AwsError
from bot.rehearsal.aws.moto_app import backend

_CARRIED = ("engine", "engine_version", "master_username", "port", "database_name", "storage_encrypted", "kms_key_id")
_SETTINGS = {
    "DBClusterParameterGroupName": "db_cluster_parameter_group_name",
    "DBSubnetGroupName": "db_subnet_group_name",
    "DeletionProtection": "deletion_protection",
    "EnableIAMDatabaseAuthentication": "enable_iam_database_authentication",
    "VpcSecurityGroupIds": "vpc_security_group_ids",
    "Tags": "tags",
}


def chosen_moment(asked: Mapping[str, Any], source: Mapping[str, Any]) -> datetime:
    """Raises `AwsError` when the request names no moment, two, or one outside of the window."""
    latest: datetime = source["LatestRestorableTime"]
    if "RestoreToTime" in asked and asked.get("UseLatestRestorableTime"):
        raise AwsError("InvalidParameterCombination", "Give RestoreToTime or UseLatestRestorableTime, not both.")
    if asked.get("UseLatestRestorableTime"):
        return latest
    if "RestoreToTime" not in asked:
        raise AwsError("InvalidParameterCombination", "Give RestoreToTime or UseLatestRestorableTime.")
    if asked.get("RestoreType") == "copy-on-write":
        raise AwsError("InvalidParameterCombination", "A clone (copy-on-write) is of now: no RestoreToTime.")
    at: datetime = asked["RestoreToTime"].replace(tzinfo=UTC)
    if not source["EarliestRestorableTime"] <= at <= latest:
        raise AwsError("InvalidRestoreFault", f"The cluster cannot be restored to {at.isoformat()}.")
    return at


def restored_cluster(region: str, asked: Mapping[str, Any], source: str) -> Any:
    """The new cluster as moto holds it, without an instance."""
    rds = backend("rds", region)
    like = rds.clusters[source]
    settings = {name: asked[given] for given, name in _SETTINGS.items() if given in asked}
    made = rds.create_db_cluster(
        {
            "db_cluster_identifier": asked["DBClusterIdentifier"],
            **{name: getattr(like, name) for name in _CARRIED},
            "master_user_password": vars(like).get("_master_user_password", "of-the-source"),
            "vpc_security_group_ids": [_default_group(region)],
            **settings,
        }
    )
    made.status = "available"
    return made


def _default_group(region: str) -> str:
    ec2 = backend("ec2", region)
    return str(ec2.get_default_security_group(ec2.default_vpc.id).id)
