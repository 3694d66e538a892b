"""What RDS tells of its clusters and instances: what moto holds of them, in AWS's words."""

from collections.abc import Iterable, Mapping
from typing import Any

from bot.rehearsal.aws.call import AwsError

#: By AWS's name: moto's. Status and moments are the caller's, who knows the emulator's time.
_CLUSTER = {
    "AllocatedStorage": "allocated_storage",
    "AvailabilityZones": "availability_zones",
    "BackupRetentionPeriod": "backup_retention_period",
    "DatabaseName": "database_name",
    "DBClusterIdentifier": "db_cluster_identifier",
    "DBClusterParameterGroup": "db_cluster_parameter_group",
    "DBSubnetGroup": "db_subnet_group",
    "Endpoint": "endpoint",
    "ReaderEndpoint": "reader_endpoint",
    "MultiAZ": "multi_az",
    "Engine": "engine",
    "EngineVersion": "engine_version",
    "Port": "port",
    "MasterUsername": "master_username",
    "PreferredBackupWindow": "preferred_backup_window",
    "PreferredMaintenanceWindow": "preferred_maintenance_window",
    "ReadReplicaIdentifiers": "read_replica_identifiers",
    "DBClusterMembers": "db_cluster_members",
    "VpcSecurityGroups": "vpc_security_groups",
    "HostedZoneId": "hosted_zone_id",
    "StorageEncrypted": "storage_encrypted",
    "DbClusterResourceId": "db_cluster_resource_id",
    "DBClusterArn": "db_cluster_arn",
    "IAMDatabaseAuthenticationEnabled": "iam_database_authentication_enabled",
    "EngineMode": "engine_mode",
    "DeletionProtection": "deletion_protection",
    "CopyTagsToSnapshot": "copy_tags_to_snapshot",
    "TagList": "tag_list",
}
_INSTANCE = {
    "DBInstanceIdentifier": "db_instance_identifier",
    "DBInstanceClass": "db_instance_class",
    "Engine": "engine",
    "EngineVersion": "engine_version",
    "DBInstanceStatus": "status",
    "MasterUsername": "master_username",
    "DBName": "db_name",
    "Endpoint": "endpoint",
    "AllocatedStorage": "allocated_storage",
    "PreferredBackupWindow": "preferred_backup_window",
    "BackupRetentionPeriod": "backup_retention_period",
    "VpcSecurityGroups": "vpc_security_group_membership_list",
    "AvailabilityZone": "availability_zone",
    "PreferredMaintenanceWindow": "preferred_maintenance_window",
    "MultiAZ": "multi_az",
    "AutoMinorVersionUpgrade": "auto_minor_version_upgrade",
    "PubliclyAccessible": "publicly_accessible",
    "StorageType": "storage_type",
    "DBClusterIdentifier": "db_cluster_identifier",
    "StorageEncrypted": "storage_encrypted",
    "DbiResourceId": "dbi_resource_id",
    "CACertificateIdentifier": "ca_certificate_identifier",
    "PromotionTier": "promotion_tier",
    "DBInstanceArn": "db_instance_arn",
    "IAMDatabaseAuthenticationEnabled": "iam_database_authentication_enabled",
    "DeletionProtection": "deletion_protection",
    "TagList": "tag_list",
}


def cluster_view(cluster: Any) -> dict[str, Any]:
    return _view(cluster, _CLUSTER)


def instance_view(instance: Any) -> dict[str, Any]:
    group = instance.db_parameter_group_name or f"default.{instance.engine}{instance.engine_version.split('.')[0]}"
    groups = [{"DBParameterGroupName": group, "ParameterApplyStatus": "in-sync"}]
    return {**_view(instance, _INSTANCE), "DBParameterGroups": groups}


def clusters_asked_for(every: Mapping[str, Any], asked: Mapping[str, Any]) -> list[Any]:
    """Raises `AwsError` when the one that is named is not there."""
    wanted = _wanted(asked, {"db-cluster-id"}, asked.get("DBClusterIdentifier"))
    found = [one for one in every.values() if wanted is None or _is_in(wanted, one.db_cluster_identifier, one.arn)]
    if asked.get("DBClusterIdentifier") and not found:
        raise AwsError("DBClusterNotFoundFault", f"DBCluster {asked['DBClusterIdentifier']} not found.", 404)
    return found


def instances_asked_for(every: Mapping[str, Any], asked: Mapping[str, Any]) -> list[Any]:
    """Raises `AwsError` when the one that is named is not there."""
    name = asked.get("DBInstanceIdentifier")
    named = [one for one in every.values() if name in {None, one.db_instance_identifier, one.arn}]
    if name and not named:
        raise AwsError("DBInstanceNotFound", f"DBInstance {name} not found.", 404)
    wanted = _wanted(asked, {"db-cluster-id"}, None)
    return [one for one in named if wanted is None or one.db_cluster_identifier in wanted]


def _view(thing: Any, names: Mapping[str, str]) -> dict[str, Any]:
    found = {name: getattr(thing, own, None) for name, own in names.items()}
    return {name: value for name, value in found.items() if value is not None}


def _wanted(asked: Mapping[str, Any], known: Iterable[str], name: str | None) -> set[str] | None:
    """The identifiers that may be shown; None: all. Another filter than by cluster would be passed over in silence."""
    filters = {one["Name"]: set(one["Values"]) for one in asked.get("Filters", ())}
    if strange := filters.keys() - set(known):
        raise AwsError("InvalidParameterValue", f"The emulated RDS does not filter by {', '.join(sorted(strange))}.")
    return {name} if name else filters.get("db-cluster-id")


def _is_in(wanted: set[str], *names: str) -> bool:
    return not wanted.isdisjoint(names)
