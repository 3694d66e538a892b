"""A routing control cluster in the emulated AWS: a routing control for each of two regions, and a rule over both."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bot.aws.routing_control.endpoints import KNOWN, endpoints_of
from bot.playbook.action import Memo
from bot.playbook.fence import Fence
from bot.rehearsal.aws.emulator import EmulatedAws
from tests.aws.rehearsed import Cloud

HOME, STANDBY = "us-east-1", "us-west-2"


class Cells:
    """Home is On, standby Off. `cloud` acts in the standby region, and `fenced` never in the home region."""

    def __init__(self, aws: EmulatedAws) -> None:
        self.aws, self.cloud = aws, Cloud(aws, STANDBY)
        config = aws.client("route53-recovery-control-config", "us-west-2")
        self.cluster = str(config.create_cluster(ClusterName="shop")["Cluster"]["ClusterArn"])
        self.controls = {name: self._control(config, name) for name in (HOME, STANDBY)}
        panel = config.list_control_panels(ClusterArn=self.cluster)["ControlPanels"][0]["ControlPanelArn"]
        self.rule = config.create_safety_rule(
            AssertionRule={
                "Name": "one-is-on", "ControlPanelArn": panel, "WaitPeriodMs": 5000,
                "AssertedControls": list(self.controls.values()),
                "RuleConfig": {"Type": "ATLEAST", "Threshold": 1, "Inverted": False},
            }
        )["AssertionRule"]["SafetyRuleArn"]  # fmt: skip
        self.endpoints = endpoints_of(self.cloud, self.cluster)
        self.set(HOME, "On")
        aws.clock.move(timedelta(seconds=5))
        aws.calls.clear()

    @property
    def fenced(self) -> Any:
        return Fence(self.cloud, HOME)

    @property
    def known(self) -> Mapping[str, Memo]:
        return {f"{KNOWN}{self.cluster}": Memo(self.endpoints, self.aws.clock.now())}

    @property
    def given(self) -> dict[str, Any]:
        """What a step says of the cluster."""
        return {"cluster": self.cluster, "controls": [f"{name}={arn}" for name, arn in self.controls.items()]}

    @property
    def states(self) -> dict[str, str]:
        now = self.aws.routing_controls.states
        return {name: now[arn] for name, arn in self.controls.items()}

    def set(self, name: str, state: str, region: str = "eu-west-1") -> None:
        """By hand."""
        [url] = [one["url"] for one in self.endpoints if one["region"] == region]
        self.aws.client("route53-recovery-cluster", region, endpoint=url).update_routing_control_state(
            RoutingControlArn=self.controls[name], RoutingControlState=state, SafetyRulesToOverride=[self.rule]
        )

    def sent(self) -> list[str]:
        """The regions whose endpoints took an update."""
        calls = self.aws.calls.of("route53-recovery-cluster", "UpdateRoutingControlStates")
        return [one.region for one in calls if one.status == 200]

    def _control(self, config: Any, name: str) -> str:
        made = config.create_routing_control(ClusterArn=self.cluster, RoutingControlName=name)
        return str(made["RoutingControl"]["RoutingControlArn"])
