"""What AWS has, for the menus of forms: tables, services, zones, regions. Never raises for AWS's trouble.

A form that cannot list is a form to type in, so whatever goes wrong gives an empty list, and the reason goes to the log.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

import structlog

from bot.errors import ActionFailed
from bot.playbook.action import Aws
from bot.playbook.model import ValueType

log = structlog.get_logger()

#: More than this is no menu any more.
MOST = 500

Given = Mapping[str, str]


def choices(kind: ValueType, session: Aws, given: Given) -> list[str]:
    """At most `MOST` values of that kind in the session's region, as inputs take them; [] for a kind that AWS cannot list.

    `given`: what the form says already; the services are those of `given["cluster"]`.
    """
    find = _FIND.get(kind)
    if find is None:
        return []
    try:
        return list(islice(find(session, given), MOST))
    except ActionFailed as error:
        log.warning("choices.unknown", kind=kind, region=session.region, code=error.code, error=str(error))
        return []


def _tables(session: Aws, _: Given) -> Iterator[str]:
    client = session.client("dynamodb")
    page: dict[str, str] = {}
    while True:
        answer = client.list_tables(**page)
        yield from answer["TableNames"]
        if "LastEvaluatedTableName" not in answer:
            return
        page = {"ExclusiveStartTableName": answer["LastEvaluatedTableName"]}


def _clusters(session: Aws, _: Given) -> Iterator[str]:
    yield from map(_last, _pages(session.client("ecs").list_clusters, "clusterArns", "nextToken"))


def _services(session: Aws, given: Given) -> Iterator[str]:
    """Those of a cluster: without one there is nothing to list."""
    cluster = given.get("cluster") or given.get("ecs.cluster")
    if cluster:
        list_services = session.client("ecs").list_services
        yield from map(_last, _pages(list_services, "serviceArns", "nextToken", cluster=cluster))


def _zones(session: Aws, _: Given) -> Iterator[str]:
    """Ids, which mean the same place in every account; a name may be typed as well."""
    zones = session.client("ec2").describe_availability_zones()["AvailabilityZones"]
    yield from sorted(zone["ZoneId"] for zone in zones)


def _regions(session: Aws, _: Given) -> Iterator[str]:
    """Those that are enabled. EC2 is asked, not the account service: that one exists in one region only."""
    yield from sorted(region["RegionName"] for region in session.client("ec2").describe_regions()["Regions"])


def _parameters(session: Aws, _: Given) -> Iterator[str]:
    describe = session.client("ssm").describe_parameters
    yield from (one["Name"] for one in _pages(describe, "Parameters", "NextToken", MaxResults=50))


def _balancers(session: Aws, _: Given) -> Iterator[str]:
    """Names, because people know them; gateway load balancers cannot be shifted."""
    found = _pages(session.client("elbv2").describe_load_balancers, "LoadBalancers", "Marker", "NextMarker")
    yield from (one["LoadBalancerName"] for one in found if one["Type"] in {"application", "network"})


def _pages(call: Callable[..., Any], items: str, token: str, next_token: str = "", **more: Any) -> Iterator[Any]:
    """Every item of every page; asks for the next page only when somebody wants more."""
    page: dict[str, Any] = {}
    while True:
        answer = call(**more, **page)
        yield from answer[items]
        if not answer.get(next_token or token):
            return
        page = {token: answer[next_token or token]}


def _last(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]


def _every_service(session: Aws, given: Given) -> Iterator[str]:
    """`cluster/service`, of every cluster."""
    for cluster in _clusters(session, given):
        yield from (f"{cluster}/{service}" for service in _services(session, {"cluster": cluster}))


def _scaling_groups(session: Aws, _: Given) -> Iterator[str]:
    describe = session.client("autoscaling").describe_auto_scaling_groups
    yield from (one["AutoScalingGroupName"] for one in _pages(describe, "AutoScalingGroups", "NextToken"))


def _database_clusters(session: Aws, _: Given) -> Iterator[str]:
    describe = session.client("rds").describe_db_clusters
    yield from (one["DBClusterIdentifier"] for one in _pages(describe, "DBClusters", "Marker"))


def _global_clusters(session: Aws, _: Given) -> Iterator[str]:
    describe = session.client("rds").describe_global_clusters
    yield from (one["GlobalClusterIdentifier"] for one in _pages(describe, "GlobalClusters", "Marker"))


def _caches(session: Aws, _: Given) -> Iterator[str]:
    describe = session.client("elasticache").describe_replication_groups
    yield from (one["ReplicationGroupId"] for one in _pages(describe, "ReplicationGroups", "Marker"))


def _buckets(session: Aws, _: Given) -> Iterator[str]:
    yield from (one["Name"] for one in session.client("s3").list_buckets()["Buckets"])


_FIND: Mapping[ValueType, Callable[[Aws, Given], Iterator[str]]] = {
    "autoscaling.groups": _scaling_groups,
    "dynamodb.table": _tables,
    "dynamodb.tables": _tables,
    "ecs.cluster": _clusters,
    "ecs.service": _services,
    "ecs.services": _every_service,
    "elasticache.group": _caches,
    "elb.load_balancers": _balancers,
    "rds.cluster": _database_clusters,
    "rds.global_cluster": _global_clusters,
    "region": _regions,
    "s3.bucket": _buckets,
    "ssm.parameter": _parameters,
    "zone": _zones,
}
