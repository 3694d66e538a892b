"""A service on the emulated ECS behind a load balancer over three zones, which is checked every ten seconds."""

from datetime import timedelta
from typing import Any

from bot.rehearsal.aws.emulator import EmulatedAws

CLUSTER, SERVICE = "shop", "web"
ZONES = ("us-east-1a", "us-east-1b", "us-east-1c")
INTERVAL = 10
#: Until the tasks of a new service run, are found healthy, and are all that runs.
STARTED = 3 + INTERVAL


class Balanced:
    """`web` with so many tasks on Fargate, a quarter of a vCPU each; `settings` are more parameters of CreateService."""

    def __init__(
        self, aws: EmulatedAws, desired: int = 3, drain: int = 30, block: str = "10.0.{}.0/24", **settings: Any
    ) -> None:
        self.aws = aws
        self.ecs, self.elb, self.ec2 = aws.client("ecs"), aws.client("elbv2"), aws.client("ec2")
        vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnets = {zone: self._subnet(vpc, block.format(number), zone) for number, zone in enumerate(ZONES)}
        self.balancer, self.group = self._balancer(vpc, drain)
        self._service(desired, vpc, settings)

    def after(self, seconds: float) -> dict[str, Any]:
        self.aws.clock.move(timedelta(seconds=seconds))
        return self.service()

    def service(self) -> dict[str, Any]:
        found: dict[str, Any] = self.ecs.describe_services(cluster=CLUSTER, services=[SERVICE])["services"][0]
        return found

    def update(self, **changes: Any) -> dict[str, Any]:
        updated: dict[str, Any] = self.ecs.update_service(cluster=CLUSTER, service=SERVICE, **changes)["service"]
        return updated

    def network(self, *zones: str) -> dict[str, Any]:
        return {
            "awsvpcConfiguration": {"subnets": [self.subnets[zone] for zone in zones], "securityGroups": [self._sg]}
        }

    def tasks(self, status: str = "RUNNING") -> list[dict[str, Any]]:
        arns = self.ecs.list_tasks(cluster=CLUSTER, serviceName=SERVICE, desiredStatus=status)["taskArns"]
        found: list[dict[str, Any]] = self.ecs.describe_tasks(cluster=CLUSTER, tasks=arns)["tasks"] if arns else []
        return found

    def targets(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.elb.describe_target_health(TargetGroupArn=self.group)[
            "TargetHealthDescriptions"
        ]
        return found

    def health(self) -> list[tuple[str, str]]:
        """Zone and state of each target, in the order of zones."""
        return sorted((one["Target"]["AvailabilityZone"], one["TargetHealth"]["State"]) for one in self.targets())

    def states(self) -> list[str]:
        return sorted(state for _, state in self.health())

    def free(self, zone: str) -> int:
        [subnet] = self.ec2.describe_subnets(SubnetIds=[self.subnets[zone]])["Subnets"]
        return int(subnet["AvailableIpAddressCount"])

    def _subnet(self, vpc: str, block: str, zone: str) -> str:
        made = self.ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=zone)
        return str(made["Subnet"]["SubnetId"])

    def _balancer(self, vpc: str, drain: int) -> tuple[str, str]:
        made = self.elb.create_load_balancer(Name="shop-web", Subnets=list(self.subnets.values()))
        arn = made["LoadBalancers"][0]["LoadBalancerArn"]
        group = self.elb.create_target_group(
            Name="shop-web", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip",
            HealthCheckIntervalSeconds=INTERVAL, HealthyThresholdCount=3, UnhealthyThresholdCount=2,
        )["TargetGroups"][0]["TargetGroupArn"]  # fmt: skip
        self.elb.modify_target_group_attributes(
            TargetGroupArn=group, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": str(drain)}]
        )
        self.elb.create_listener(
            LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=[{"Type": "forward", "TargetGroupArn": group}]
        )
        return arn, group

    def _service(self, desired: int, vpc: str, settings: dict[str, Any]) -> None:
        wanted = [{"Name": "vpc-id", "Values": [vpc]}]
        self._sg = self.ec2.describe_security_groups(Filters=wanted)["SecurityGroups"][0]["GroupId"]
        self.ecs.create_cluster(clusterName=CLUSTER)
        self.register()
        self.ecs.create_service(
            cluster=CLUSTER, serviceName=SERVICE, taskDefinition="web", desiredCount=desired, launchType="FARGATE",
            loadBalancers=[{"targetGroupArn": self.group, "containerName": "web", "containerPort": 8080}],
            networkConfiguration=self.network(*ZONES), **settings,
        )  # fmt: skip

    def register(self) -> str:
        container = {"name": "web", "image": "web:1", "memory": 512, "portMappings": [{"containerPort": 8080}]}
        made = self.ecs.register_task_definition(
            family="web", networkMode="awsvpc", cpu="256", memory="512", containerDefinitions=[container]
        )
        return str(made["taskDefinition"]["taskDefinitionArn"])
