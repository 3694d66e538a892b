"""How the shop stands in AWS, field by field, as describe calls tell it: to be compared with how it stood before.

Only what people would call its state: no ids that are drawn anew, no times, no order that means nothing.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bot.rehearsal.aws.emulator import EmulatedAws

Client = Callable[[str], Any]
_PAGE = 100


def snapshot(aws: EmulatedAws, *regions: str) -> dict[str, Any]:
    """By region, kind and name. It blocks."""
    found: dict[str, Any] = {}
    for region in regions:
        for kind, read in _KINDS.items():
            for name, state in read(lambda service, region=region: aws.client(service, region)):
                found[f"{region} {kind} {name}"] = state
    return dict(sorted(json.loads(json.dumps(found, default=str)).items()))


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What is not as it was: by field, with what it was and what it is now."""
    flat = _flat(before), _flat(after)
    return {
        field: (flat[0].get(field), flat[1].get(field))
        for field in sorted(flat[0].keys() | flat[1].keys())
        if flat[0].get(field) != flat[1].get(field)
    }


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    if not isinstance(value, dict) or not value:
        return {name: value}
    return {field: leaf for key, part in value.items() for field, leaf in _flat(part, f"{name}/{key}").items()}


def _services(client: Client) -> Iterator[tuple[str, Any]]:
    ecs = client("ecs")
    for cluster in ecs.list_clusters()["clusterArns"]:
        for arn in ecs.list_services(cluster=cluster)["serviceArns"]:
            [seen] = ecs.describe_services(cluster=cluster, services=[arn])["services"]
            tasks = ecs.list_tasks(cluster=cluster, serviceName=seen["serviceName"])["taskArns"]
            found = ecs.describe_tasks(cluster=cluster, tasks=tasks)["tasks"] if tasks else []
            kept = (
                "desiredCount",
                "runningCount",
                "pendingCount",
                "networkConfiguration",
                "availabilityZoneRebalancing",
            )
            zones = Counter(task["availabilityZone"] for task in found if task["lastStatus"] == "RUNNING")
            yield (
                seen["serviceName"],
                {
                    **{name: _plain(seen.get(name)) for name in kept},
                    "release": seen["taskDefinition"].rpartition("/")[2],
                    "rollouts": [one.get("rolloutState") for one in seen["deployments"]],
                    "zones": dict(zones),
                },
            )


def _scaling(client: Client) -> Iterator[tuple[str, Any]]:
    found = client("application-autoscaling").describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    for one in found:
        yield one["ResourceId"], {name: one.get(name) for name in ("MinCapacity", "MaxCapacity", "SuspendedState")}


def _balancers(client: Client) -> Iterator[tuple[str, Any]]:
    elb = client("elbv2")
    for one in elb.describe_load_balancers()["LoadBalancers"]:
        listeners = elb.describe_listeners(LoadBalancerArn=one["LoadBalancerArn"])["Listeners"]
        yield (
            one["LoadBalancerName"],
            {
                "listeners": {each["Port"]: _plain(each["DefaultActions"]) for each in listeners},
                "zones": sorted(zone["ZoneName"] for zone in one["AvailabilityZones"]),
            },
        )


def _shifts(client: Client) -> Iterator[tuple[str, Any]]:
    for one in client("arc-zonal-shift").list_zonal_shifts(status="ACTIVE")["items"]:
        yield one["resourceIdentifier"].rpartition("loadbalancer/")[2], one["awayFrom"]


def _tables(client: Client) -> Iterator[tuple[str, Any]]:
    dynamodb = client("dynamodb")
    for name in dynamodb.list_tables()["TableNames"]:
        table = dynamodb.describe_table(TableName=name)["Table"]
        recovery = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        kept = ("TableStatus", "DeletionProtectionEnabled", "StreamSpecification", "BillingModeSummary", "KeySchema")
        items = dynamodb.scan(TableName=name, ConsistentRead=True)["Items"] if table["TableStatus"] == "ACTIVE" else []
        yield (
            name,
            {
                **{key: _plain(table.get(key)) for key in kept},
                "indexes": sorted(one["IndexName"] for one in table.get("GlobalSecondaryIndexes", [])),
                "replicas": sorted(one["RegionName"] for one in table.get("Replicas", [])),
                "recovery": recovery["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"],
                "ttl": dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"],
                "tags": sorted(map(str, dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"])),
                "items": {_key(item): _digest(item) for item in items},
            },
        )


def _parameters(client: Client) -> Iterator[tuple[str, Any]]:
    ssm = client("ssm")
    for one in ssm.get_paginator("describe_parameters").paginate().search("Parameters[]"):
        yield one["Name"], ssm.get_parameter(Name=one["Name"])["Parameter"]["Value"]


def _buckets(client: Client) -> Iterator[tuple[str, Any]]:
    s3, here = client("s3"), client("s3").meta.region_name
    for one in s3.list_buckets()["Buckets"]:
        where = s3.get_bucket_location(Bucket=one["Name"])["LocationConstraint"] or "us-east-1"
        if where == here:
            objects = s3.list_objects_v2(Bucket=one["Name"]).get("Contents", [])
            yield one["Name"], {each["Key"]: each["ETag"] for each in objects}


def _clusters(client: Client) -> Iterator[tuple[str, Any]]:
    rds = client("rds")
    for one in rds.describe_db_clusters()["DBClusters"]:
        writers = {each["DBInstanceIdentifier"]: each["IsClusterWriter"] for each in one["DBClusterMembers"]}
        yield one["DBClusterIdentifier"], {"status": one["Status"], "writers": writers}


def _globals(client: Client) -> Iterator[tuple[str, Any]]:
    for one in client("rds").describe_global_clusters()["GlobalClusters"]:
        yield (
            one["GlobalClusterIdentifier"],
            {each["DBClusterArn"]: each["IsWriter"] for each in one["GlobalClusterMembers"]},
        )


def _caches(client: Client) -> Iterator[tuple[str, Any]]:
    for one in client("elasticache").describe_replication_groups()["ReplicationGroups"]:
        roles = {
            each["CacheClusterId"]: each.get("CurrentRole")
            for group in one.get("NodeGroups", [])
            for each in group.get("NodeGroupMembers", [])
        }
        yield (
            one["ReplicationGroupId"],
            {"status": one["Status"], "roles": roles, "failover": one.get("AutomaticFailover")},
        )


def _fleets(client: Client) -> Iterator[tuple[str, Any]]:
    for one in client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]:
        kept = ("MinSize", "MaxSize", "DesiredCapacity", "AvailabilityZoneImpairmentPolicy")
        zones = Counter(each["AvailabilityZone"] for each in one["Instances"] if each["LifecycleState"] == "InService")
        yield (
            one["AutoScalingGroupName"],
            {
                **{name: one.get(name) for name in kept},
                "subnets": sorted(one["VPCZoneIdentifier"].split(",")),
                "suspended": sorted(each["ProcessName"] for each in one.get("SuspendedProcesses", [])),
                "zones": dict(zones),
            },
        )


def _records(client: Client) -> Iterator[tuple[str, Any]]:
    route53 = client("route53")
    if client("sts").meta.region_name != "us-east-1":
        return  # global: told once
    for zone in route53.list_hosted_zones()["HostedZones"]:
        for one in route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]:
            if one["Type"] not in {"NS", "SOA"}:
                yield (
                    f"{one['Name']}{one.get('SetIdentifier', '')}",
                    {name: one.get(name) for name in ("Weight", "Failover", "TTL", "HealthCheckId")},
                )


#: What is looked at, in each region.
_KINDS: Mapping[str, Callable[[Client], Iterator[tuple[str, Any]]]] = {
    "service": _services, "scaling": _scaling, "balancer": _balancers, "shift": _shifts, "table": _tables,
    "parameter": _parameters, "bucket": _buckets, "cluster": _clusters, "global cluster": _globals, "cache": _caches,
    "fleet": _fleets, "record": _records,
}  # fmt: skip


def _plain(value: Any) -> Any:
    """Lists of names in a fixed order."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return sorted(value)
    return [_plain(part) for part in value] if isinstance(value, list) else value


def _key(item: Mapping[str, Any]) -> str:
    return "/".join(str(next(iter(item[name].values()))) for name in ("id",) if name in item)


def _digest(item: Any) -> str:
    return hashlib.sha256(json.dumps(item, sort_keys=True, default=str).encode()).hexdigest()[:12]
