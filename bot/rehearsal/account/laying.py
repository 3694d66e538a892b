"""Lays the shape of an account down beside the shop: the first region at home, the second one in standby.

Zones are matched in their order, because their names are the account's own; what has a name that the shop uses is left out.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from bot.errors import N_, Phrase, phrase
from bot.rehearsal.account.shape import Balancer, Region, Service, Shape, Table
from bot.rehearsal.estate.estate import Estate
from bot.rehearsal.estate.site import Site


def lay_down(shape: Shape, estate: Estate) -> list[Phrase]:
    """It blocks, as boto3 does. What is left out, and which region plays which, for people."""
    notes = [Phrase("{note}", {"note": note}) for note in shape.unread]
    for region, site in zip(shape.regions, estate.sites, strict=False):
        if region.name != site.region:
            notes.append(phrase(N_("{played} is played by {region}."), played=region.name, region=site.region))
        notes += _Layer(site, region).lay()
    for region in shape.regions[len(estate.sites) :]:
        notes.append(phrase(N_("{region} is left out: the rehearsal has two regions."), region=region.name))
    return notes


class _Layer:
    """One region of the account on one site of the shop."""

    def __init__(self, site: Site, region: Region) -> None:
        self.site, self.region = site, region
        self._zones = dict(zip(_all_zones(region), site.subnets, strict=False))
        self._groups: dict[str, str] = {}

    def lay(self) -> Iterator[Phrase]:
        yield from (self._left_out(zone) for zone in _all_zones(self.region)[len(self.site.subnets) :])
        yield from self._balancers()
        yield from self._clusters()
        yield from self._tables()

    def _left_out(self, zone: str) -> Phrase:
        return phrase(N_("Zone {zone} is left out: the rehearsal has three in a region."), zone=zone)

    def _balancers(self) -> Iterator[Phrase]:
        for one in self.region.balancers:
            if one.name in self.site.balancers:
                yield _taken(one.name)
            elif subnets := [self.site.subnets[self._zones[zone]] for zone in one.zones if zone in self._zones]:
                self._balancer(one, subnets)

    def _balancer(self, one: Balancer, subnets: list[str]) -> None:
        elb = self.site.client("elbv2")
        [made] = elb.create_load_balancer(Name=one.name, Type=one.kind, Subnets=subnets)["LoadBalancers"]
        for group in one.groups:
            asked = {"Name": group.name, "Protocol": group.protocol, "Port": group.port, "TargetType": group.kind}
            arn = elb.create_target_group(**asked, VpcId=self.site.vpc)["TargetGroups"][0]["TargetGroupArn"]
            forward = [{"Type": "forward", "TargetGroupArn": arn}]
            elb.create_listener(
                LoadBalancerArn=made["LoadBalancerArn"],
                Protocol=group.protocol,
                Port=group.port,
                DefaultActions=forward,
            )
            self._groups[group.name] = arn
        shifts = [{"Key": "zonal_shift.config.enabled", "Value": "true" if one.shiftable else "false"}]
        elb.modify_load_balancer_attributes(LoadBalancerArn=made["LoadBalancerArn"], Attributes=shifts)

    def _clusters(self) -> Iterator[Phrase]:
        ecs = self.site.client("ecs")
        there = {arn.rpartition("/")[2] for arn in ecs.list_clusters()["clusterArns"]}
        for cluster in self.region.clusters:
            if cluster.name in there:
                yield _taken(cluster.name)
                continue
            ecs.create_cluster(clusterName=cluster.name)
            for service in cluster.services:
                self._service(ecs, cluster.name, service)

    def _service(self, ecs: Any, cluster: str, one: Service) -> None:
        container = {"name": one.name, "image": "unknown", "portMappings": [{"containerPort": 80}]}
        ecs.register_task_definition(
            family=one.name, networkMode="awsvpc", cpu=one.cpu, memory=one.memory, containerDefinitions=[container],
            requiresCompatibilities=[one.launch] if one.launch == "FARGATE" else [],
        )  # fmt: skip
        network = {"subnets": list(self.site.subnets.values()), "securityGroups": [self.site.security_group]}
        behind = {"targetGroupArn": self._groups.get(one.group, ""), "containerName": one.name, "containerPort": 80}
        ecs.create_service(
            cluster=cluster, serviceName=one.name, taskDefinition=one.name, desiredCount=one.tasks, launchType=one.launch,
            networkConfiguration={"awsvpcConfiguration": network}, loadBalancers=[behind] if one.group in self._groups else [],
        )  # fmt: skip
        if one.least is not None and one.most is not None:
            self.site.client("application-autoscaling").register_scalable_target(
                ServiceNamespace="ecs", ResourceId=f"service/{cluster}/{one.name}", MinCapacity=one.least,
                ScalableDimension="ecs:service:DesiredCount", MaxCapacity=one.most,
            )  # fmt: skip

    def _tables(self) -> Iterator[Phrase]:
        dynamodb = self.site.client("dynamodb")
        there = set(dynamodb.list_tables()["TableNames"])
        for table in self.region.tables:
            if table.name in there:
                yield _taken(table.name)
            else:
                _table(dynamodb, table)


def _table(dynamodb: Any, one: Table) -> None:
    """Empty, and paid by the request."""
    stream: Mapping[str, Any] = {"StreamEnabled": True, "StreamViewType": one.stream} if one.stream else {}
    dynamodb.create_table(
        TableName=one.name, BillingMode="PAY_PER_REQUEST", DeletionProtectionEnabled=one.protected,
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind} for name, kind, _ in one.keys],
        KeySchema=[{"AttributeName": name, "KeyType": role} for name, _, role in one.keys],
        **({"StreamSpecification": stream} if stream else {}),
    )  # fmt: skip
    if one.expires_by:
        expiry = {"Enabled": True, "AttributeName": one.expires_by}
        dynamodb.update_time_to_live(TableName=one.name, TimeToLiveSpecification=expiry)
    if one.recoverable:
        recovery = {"PointInTimeRecoveryEnabled": True}
        dynamodb.update_continuous_backups(TableName=one.name, PointInTimeRecoverySpecification=recovery)


def _all_zones(region: Region) -> list[str]:
    """Those of the load balancers first: a default network has a subnet in every zone, used or not."""
    used = {zone for one in region.balancers for zone in one.zones}
    return [*sorted(used), *sorted({*region.zones} - used)]


def _taken(name: str) -> Phrase:
    return phrase(N_("The shop has one of that name already: {name} is left out."), name=name)
