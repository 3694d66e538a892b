"""Reads the shape of an account: describing and listing calls of EC2, ELB, ECS, Application Auto Scaling and DynamoDB.

What we may not read is left out and noted. Not read at all: data, environment variables and secrets, IAM, images, security
groups and routes, DNS, alarms, buckets, databases, caches, backups, indexes and throughput of tables, rules of listeners.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from bot.errors import ActionFailed
from bot.rehearsal.account.shape import Balancer, Cluster, Group, Region, Service, Shape, Table

#: Of each kind in a region: a rehearsal is not made better by the thousandth table.
MOST = 200
_SERVICES_AT_ONCE, _ATTRIBUTES = 10, "zonal_shift.config.enabled"


class Session(Protocol):
    """`bot.aws.session.Session`, and what stands in for it."""

    def client(self, service: str, region: str | None = None) -> Any: ...


def snapshot(session: Session, regions: Sequence[str]) -> Shape:
    """The regions in the order in which they are given. It blocks, as boto3 does."""
    readers = [_Reader(session, region) for region in regions]
    read = tuple(reader.read() for reader in readers)
    return Shape(regions=read, unread=tuple(note for reader in readers for note in reader.unread))


class _Reader:
    """One region. `unread`: what could not be read, and why."""

    def __init__(self, session: Session, region: str) -> None:
        self.unread: list[str] = []
        self._session, self._region = session, region

    def read(self) -> Region:
        return Region(
            name=self._region,
            zones=tuple(self._tried("subnets", self._zones)),
            balancers=tuple(self._tried("load balancers", self._balancers)),
            clusters=tuple(self._tried("ECS services", self._clusters)),
            tables=tuple(self._tried("tables", self._tables)),
        )

    def _tried(self, what: str, read: Callable[[], Iterator[Any]]) -> list[Any]:
        """All that was read until the end, or until somebody said no."""
        found: list[Any] = []
        try:
            for one in read():
                if len(found) == MOST:
                    self.unread.append(f"{self._region}: more than {MOST} {what}; the others are left out")
                    break
                found.append(one)
        except ActionFailed as error:
            self.unread.append(f"{self._region}: {what}: {error}")
        return found

    def _client(self, service: str) -> Any:
        return self._session.client(service, self._region)

    def _zones(self) -> Iterator[str]:
        pages = _pages(self._client("ec2").describe_subnets, "NextToken", "NextToken")
        yield from sorted({subnet["AvailabilityZone"] for page in pages for subnet in page["Subnets"]})

    def _balancers(self) -> Iterator[Balancer]:
        elb = self._client("elbv2")
        for page in _pages(elb.describe_load_balancers, "NextMarker", "Marker"):
            for one in page["LoadBalancers"]:
                if one["Type"] in {"application", "network"}:
                    yield self._balancer(elb, one)

    def _balancer(self, elb: Any, one: Mapping[str, Any]) -> Balancer:
        arn = one["LoadBalancerArn"]
        attributes = elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
        groups = elb.describe_target_groups(LoadBalancerArn=arn)["TargetGroups"]
        return Balancer(
            name=one["LoadBalancerName"],
            kind=one["Type"],
            zones=tuple(sorted(zone["ZoneName"] for zone in one["AvailabilityZones"])),
            shiftable={"Key": _ATTRIBUTES, "Value": "true"} in attributes,
            groups=tuple(
                Group(
                    name=each["TargetGroupName"], protocol=each["Protocol"], port=each["Port"], kind=each["TargetType"]
                )
                for each in groups
                if "Port" in each
            ),
        )

    def _clusters(self) -> Iterator[Cluster]:
        ecs = self._client("ecs")
        for page in _pages(ecs.list_clusters, "nextToken", "nextToken"):
            for arn in page["clusterArns"]:
                name = arn.rpartition("/")[2]
                yield Cluster(name=name, services=tuple(self._services(ecs, name)))

    def _services(self, ecs: Any, cluster: str) -> Iterator[Service]:
        limits = self._limits()
        for page in _pages(ecs.list_services, "nextToken", "nextToken", cluster=cluster, maxResults=_SERVICES_AT_ONCE):
            if not page["serviceArns"]:
                continue
            found = ecs.describe_services(cluster=cluster, services=page["serviceArns"])["services"]
            for one in found:
                size = ecs.describe_task_definition(taskDefinition=one["taskDefinition"])["taskDefinition"]
                group = next((each.get("targetGroupArn", "") for each in one.get("loadBalancers", ())), "")
                least, most = limits.get(f"service/{cluster}/{one['serviceName']}", (None, None))
                yield Service(
                    name=one["serviceName"], tasks=one["desiredCount"], launch=one.get("launchType", "FARGATE"),
                    group=group.rpartition(":targetgroup/")[2].partition("/")[0], cpu=size.get("cpu", "256"),
                    memory=size.get("memory", "512"), least=least, most=most,
                )  # fmt: skip

    def _limits(self) -> dict[str, tuple[int, int]]:
        """What autoscaling allows, by its name of the service."""
        asked = {"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}
        scaling = self._client("application-autoscaling")
        pages = _pages(scaling.describe_scalable_targets, "NextToken", "NextToken", **asked)
        return {
            one["ResourceId"]: (one["MinCapacity"], one["MaxCapacity"])
            for page in pages
            for one in page["ScalableTargets"]
        }

    def _tables(self) -> Iterator[Table]:
        dynamodb = self._client("dynamodb")
        for page in _pages(dynamodb.list_tables, "LastEvaluatedTableName", "ExclusiveStartTableName"):
            for name in page["TableNames"]:
                yield _table(dynamodb, name)


def _table(dynamodb: Any, name: str) -> Table:
    seen = dynamodb.describe_table(TableName=name)["Table"]
    expiry = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = backups.get("PointInTimeRecoveryDescription", {})
    types = {one["AttributeName"]: one["AttributeType"] for one in seen["AttributeDefinitions"]}
    return Table(
        name=name,
        keys=tuple((one["AttributeName"], types[one["AttributeName"]], one["KeyType"]) for one in seen["KeySchema"]),
        recoverable=recovery.get("PointInTimeRecoveryStatus") == "ENABLED",
        expires_by=expiry.get("AttributeName", "") if expiry.get("TimeToLiveStatus") == "ENABLED" else "",
        stream=seen.get("StreamSpecification", {}).get("StreamViewType", ""),
        protected=bool(seen.get("DeletionProtectionEnabled")),
    )


def _pages(call: Callable[..., Any], token: str, asked_by: str, **parameters: Any) -> Iterator[Mapping[str, Any]]:
    """Each answer of a call that gives its answer in parts."""
    while True:
        page: Mapping[str, Any] = call(**parameters)
        yield page
        if not page.get(token):
            return
        parameters[asked_by] = page[token]
