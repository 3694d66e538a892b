"""The shop's front: two load balancers over three zones, a Region switch plan that moves the shop to its other region, and
an SSM Automation document that somebody must approve.

front = Front(aws)
await asyncio.to_thread(front.build)
aws.zonal_shifts.sicken_zone(front.zones["us-east-1a"])
"""

import json
from collections.abc import Mapping
from typing import Any

from bot.rehearsal.aws.emulator import EmulatedAws

REGION, OTHER_REGION = "us-east-1", "us-west-2"
LOAD_BALANCERS = ("shop-web", "shop-api")
APPROVAL, CAPACITY, TRAFFIC = "confirm the switch", "scale out", "move the traffic"
DOCUMENT, DOCUMENT_APPROVAL = "shop-warm-up", "agree"
_ROLE = f"arn:aws:iam::{EmulatedAws.account}:role/region-switch"


class Front:
    """Everything here blocks, as boto3 does. `arns` are by name, `zones` are ids by name, `plan` is an ARN."""

    def __init__(self, aws: EmulatedAws) -> None:
        self.aws = aws
        self.arns: dict[str, str] = {}
        self.groups: dict[str, str] = {}
        self.zones: dict[str, str] = {}
        self.plan = ""

    def build(self) -> None:
        ec2 = self.aws.client("ec2", REGION)
        found = ec2.describe_availability_zones()["AvailabilityZones"][:3]
        self.zones = {zone["ZoneName"]: zone["ZoneId"] for zone in found}
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
            for number, zone in enumerate(self.zones)
        ]
        for number, name in enumerate(LOAD_BALANCERS):
            self._balancer(name, 100 + number, vpc, subnets)
        self.plan = self.make_plan()
        self.make_document()

    @property
    def parameters(self) -> Mapping[str, str]:
        """What lifeboat.yaml says of the service that stands behind it."""
        return {
            "load_balancers": ",".join(LOAD_BALANCERS), "switch_plan": self.plan, "home_region": REGION,
            "standby_region": OTHER_REGION,
        }  # fmt: skip

    def make_plan(self, action: str = "activate") -> str:
        """The ARN of a new plan: an approval, a step that knows an ungraceful way, and one that does not."""
        return str(
            self.aws.client("arc-region-switch", REGION).create_plan(
                name="shop", executionRole=_ROLE, recoveryApproach="activePassive", regions=[REGION, OTHER_REGION],
                primaryRegion=REGION, recoveryTimeObjectiveMinutes=20,
                workflows=[{"workflowTargetAction": action, "steps": _steps()}],
            )["plan"]["arn"]
        )  # fmt: skip

    def opt_in(self, name: str, *, on: bool = True) -> None:
        """Whether the load balancer lets itself be shifted."""
        attribute = {"Key": "zonal_shift.config.enabled", "Value": "true" if on else "false"}
        self.aws.client("elbv2", REGION).modify_load_balancer_attributes(
            LoadBalancerArn=self.arns[name], Attributes=[attribute]
        )

    def weights(self, name: str) -> dict[str, float]:
        """How much of its traffic each zone gets, by zone id."""
        managed = self.aws.client("arc-zonal-shift", REGION).get_managed_resource(resourceIdentifier=self.arns[name])
        return dict(managed["appliedWeights"])

    def make_document(self) -> None:
        """It asks first, and then warms up the caches that it is told of."""
        asks = {"Message": "Warm up {{ Caches }}? They are slow for a while.", "Approvers": [_ROLE]}
        warms = {"DocumentName": "AWS-RunShellScript", "Parameters": {"commands": ["warm-up {{ Caches }}"]}}
        content = {
            "schemaVersion": "0.3",
            "parameters": {"Caches": {"type": "String"}},
            "mainSteps": [
                {"name": DOCUMENT_APPROVAL, "action": "aws:approve", "inputs": asks},
                {"name": "warm-up", "action": "aws:runCommand", "inputs": warms},
            ],
        }
        self.aws.client("ssm", REGION).create_document(
            Name=DOCUMENT, DocumentType="Automation", DocumentFormat="JSON", Content=json.dumps(content)
        )

    def _balancer(self, name: str, host: int, vpc: str, subnets: list[str]) -> None:
        """With one target in each zone."""
        elb = self.aws.client("elbv2", REGION)
        arn = elb.create_load_balancer(Name=name, Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
        made = elb.create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip")
        group = made["TargetGroups"][0]["TargetGroupArn"]
        forward = {"Type": "forward", "TargetGroupArn": group}
        elb.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=[forward])
        targets = [{"Id": f"10.0.{number}.{host}", "AvailabilityZone": zone} for number, zone in enumerate(self.zones)]
        elb.register_targets(TargetGroupArn=group, Targets=targets)
        self.arns[name], self.groups[name] = arn, group
        self.opt_in(name)


def _steps() -> list[dict[str, Any]]:
    services = [
        {
            "clusterArn": f"arn:aws:ecs:{region}:{EmulatedAws.account}:cluster/shop",
            "serviceArn": f"arn:aws:ecs:{region}:{EmulatedAws.account}:service/shop/web",
        }
        for region in (REGION, OTHER_REGION)
    ]
    capacity = {"services": services, "ungraceful": {"minimumSuccessPercentage": 50}}
    return [
        _step(APPROVAL, "ManualApproval", {"executionApprovalConfig": {"approvalRole": _ROLE}}),
        _step(CAPACITY, "ECSServiceScaling", {"ecsCapacityIncreaseConfig": capacity}),
        _step(TRAFFIC, "ARCRoutingControl", {"arcRoutingControlConfig": {"regionAndRoutingControls": {}}}),
    ]


def _step(name: str, block: str, settings: Any) -> dict[str, Any]:
    return {"name": name, "executionBlockType": block, "executionBlockConfiguration": settings}
