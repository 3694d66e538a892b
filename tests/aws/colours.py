"""A load balancer in the emulated AWS, in front of a blue and a green target group."""

from itertools import count
from typing import Any

from bot.rehearsal.aws.emulator import EmulatedAws
from tests.aws.rehearsed import Cloud

ZONES = ("us-east-1a", "us-east-1b")
NUMBERS = count(1)


class Colours:
    """A load balancer whose listener, and a rule of it, forward to blue; green has two healthy targets and no traffic."""

    def __init__(self, aws: EmulatedAws) -> None:
        self.aws, self.cloud, self.elb = aws, Cloud(aws), aws.client("elbv2")
        ec2, number = aws.client("ec2"), next(NUMBERS)
        self.name = f"front-{number}"
        wanted = [{"Name": "availability-zone", "Values": list(ZONES)}]
        subnets = ec2.describe_subnets(Filters=wanted)["Subnets"]
        self.vpc = subnets[0]["VpcId"]
        made = self.elb.create_load_balancer(Name=self.name, Subnets=[one["SubnetId"] for one in subnets])
        self.blue, self.green = (self.group(f"{colour}-{number}") for colour in ("blue", "green"))
        self.listener = self.elb.create_listener(
            LoadBalancerArn=made["LoadBalancers"][0]["LoadBalancerArn"], Protocol="HTTP", Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": self.blue}],
        )["Listeners"][0]["ListenerArn"]  # fmt: skip
        self.rule = self.elb.create_rule(
            ListenerArn=self.listener, Priority=10,
            Conditions=[{"Field": "path-pattern", "Values": ["/api/*"]}], Actions=[self.weighed(90, 10)],
        )["Rules"][0]["RuleArn"]  # fmt: skip
        aws.calls.clear()

    def group(self, name: str) -> str:
        made = self.elb.create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId=self.vpc, TargetType="ip")
        arn = str(made["TargetGroups"][0]["TargetGroupArn"])
        targets = [{"Id": f"10.9.{number}.9", "AvailabilityZone": zone} for number, zone in enumerate(ZONES)]
        self.elb.register_targets(TargetGroupArn=arn, Targets=targets)
        return arn

    def weighed(self, blue: int, green: int, sticky: bool = False) -> dict[str, Any]:
        groups = [{"TargetGroupArn": self.blue, "Weight": blue}, {"TargetGroupArn": self.green, "Weight": green}]
        stickiness = {"Enabled": True, "DurationSeconds": 600} if sticky else {"Enabled": False}
        return {"Type": "forward", "ForwardConfig": {"TargetGroups": groups, "TargetGroupStickinessConfig": stickiness}}

    def actions(self, rule: str) -> Any:
        if ":listener-rule/" in rule:
            return self.elb.describe_rules(RuleArns=[rule])["Rules"][0]["Actions"]
        return self.elb.describe_listeners(ListenerArns=[rule])["Listeners"][0]["DefaultActions"]

    def weights(self, rule: str) -> tuple[int, int]:
        [forward] = [one for one in self.actions(rule) if one["Type"] == "forward"]
        found = {one["TargetGroupArn"]: one["Weight"] for one in forward["ForwardConfig"]["TargetGroups"]}
        return found[self.blue], found[self.green]

    @property
    def changes(self) -> list[str]:
        return [one for one in self.cloud.changes("elbv2") if one.startswith("Modify")]
