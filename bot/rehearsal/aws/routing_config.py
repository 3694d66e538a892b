"""ARC's routing control configuration: clusters, control panels, routing controls and safety rules, in us-west-2 alone.

Everything is deployed at once. Not emulated: gating rules, deleting and renaming.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from bot.rehearsal.aws.call import Answer, AwsError, Call, Handler, Moto
from bot.rehearsal.aws.faults import Cut
from bot.rehearsal.aws.moto_app import ACCOUNT
from bot.rehearsal.aws.spells import Spells

ENDPOINT_REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "ap-northeast-1", "ap-southeast-2")
CONFIG_REGION = "us-west-2"
_ARN = f"arn:aws:route53-recovery-control::{ACCOUNT}:"
_PAGE = 100


@dataclass
class Control:
    """`spells`: when it was On."""

    arn: str
    name: str
    panel: str
    on: bool = False
    spells: Spells = field(default_factory=Spells)

    def set(self, at: datetime, *, on: bool) -> None:
        (self.spells.begin if on else self.spells.end)(at)
        self.on = on

    @property
    def state(self) -> str:
        return "On" if self.on else "Off"


@dataclass
class Panel:
    arn: str
    name: str
    is_default: bool
    controls: list[str] = field(default_factory=list)
    rules: dict[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass
class Cluster:
    id: str
    name: str
    panels: list[str] = field(default_factory=list)

    @property
    def arn(self) -> str:
        return f"{_ARN}cluster/{self.id}"


class RoutingConfig:
    """What was configured; `clusters`, `panels` and `controls` are by ARN."""

    def __init__(self) -> None:
        self.clusters: dict[str, Cluster] = {}
        self.panels: dict[str, Panel] = {}
        self.controls: dict[str, Control] = {}

    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        by_name: dict[str, Handler] = {
            "CreateCluster": self._create_cluster,
            "CreateControlPanel": self._create_panel,
            "CreateRoutingControl": self._create_control,
            "CreateSafetyRule": self._create_rule,
            "DescribeCluster": self._describe_cluster,
            "DescribeControlPanel": self._describe_panel,
            "DescribeRoutingControl": self._describe_control,
            "DescribeSafetyRule": self._describe_rule,
            "ListClusters": self._list_clusters,
            "ListControlPanels": self._list_panels,
            "ListRoutingControls": self._list_controls,
            "ListSafetyRules": self._list_rules,
        }
        return {("route53-recovery-control-config", name): _only_there(handler) for name, handler in by_name.items()}

    async def _create_cluster(self, call: Call, _moto: Moto) -> Answer:
        cluster = Cluster(uuid4().hex, call.parameters["ClusterName"])
        self.clusters[cluster.arn] = cluster
        self._new_panel(cluster, "DefaultControlPanel", is_default=True)
        return {"Cluster": _shown_cluster(cluster, call)}

    async def _create_panel(self, call: Call, _moto: Moto) -> Answer:
        cluster = found(self.clusters, call.parameters["ClusterArn"])
        panel = self._new_panel(cluster, call.parameters["ControlPanelName"], is_default=False)
        return {"ControlPanel": self._shown_panel(panel)}

    async def _create_control(self, call: Call, _moto: Moto) -> Answer:
        asked = call.parameters
        cluster = found(self.clusters, asked["ClusterArn"])
        panel = found(self.panels, asked.get("ControlPanelArn", cluster.panels[0]))
        control = Control(f"{panel.arn}/routingcontrol/{uuid4().hex[:16]}", asked["RoutingControlName"], panel.arn)
        self.controls[control.arn] = control
        panel.controls.append(control.arn)
        return {"RoutingControl": _shown_control(control)}

    async def _create_rule(self, call: Call, _moto: Moto) -> Answer:
        if "AssertionRule" not in call.parameters:
            raise AwsError("ValidationException", "Of the safety rules only assertion rules are emulated.")
        asked = call.parameters["AssertionRule"]
        panel = found(self.panels, asked["ControlPanelArn"])
        for arn in asked["AssertedControls"]:
            found(self.controls, arn)
        arn = f"{panel.arn}/safetyrule/{uuid4().hex[:16]}"
        panel.rules[arn] = {**asked, "SafetyRuleArn": arn, "Status": "DEPLOYED", "Owner": ACCOUNT}
        return {"AssertionRule": panel.rules[arn]}

    async def _describe_cluster(self, call: Call, _moto: Moto) -> Answer:
        return {"Cluster": _shown_cluster(found(self.clusters, call.parameters["ClusterArn"]), call)}

    async def _describe_panel(self, call: Call, _moto: Moto) -> Answer:
        return {"ControlPanel": self._shown_panel(found(self.panels, call.parameters["ControlPanelArn"]))}

    async def _describe_control(self, call: Call, _moto: Moto) -> Answer:
        return {"RoutingControl": _shown_control(found(self.controls, call.parameters["RoutingControlArn"]))}

    async def _describe_rule(self, call: Call, _moto: Moto) -> Answer:
        rules = {arn: rule for panel in self.panels.values() for arn, rule in panel.rules.items()}
        return {"AssertionRule": found(rules, call.parameters["SafetyRuleArn"])}

    async def _list_clusters(self, call: Call, _moto: Moto) -> Answer:
        return page(call, "Clusters", [_shown_cluster(one, call) for one in self.clusters.values()])

    async def _list_panels(self, call: Call, _moto: Moto) -> Answer:
        wanted = call.parameters.get("ClusterArn")
        arns = [arn for one in self.clusters.values() if wanted in {None, one.arn} for arn in one.panels]
        return page(call, "ControlPanels", [self._shown_panel(self.panels[arn]) for arn in arns])

    async def _list_controls(self, call: Call, _moto: Moto) -> Answer:
        panel = found(self.panels, call.parameters["ControlPanelArn"])
        return page(call, "RoutingControls", [_shown_control(self.controls[arn]) for arn in panel.controls])

    async def _list_rules(self, call: Call, _moto: Moto) -> Answer:
        panel = found(self.panels, call.parameters["ControlPanelArn"])
        return page(call, "SafetyRules", [{"ASSERTION": rule} for rule in panel.rules.values()])

    def _new_panel(self, cluster: Cluster, name: str, *, is_default: bool) -> Panel:
        panel = Panel(f"{_ARN}controlpanel/{uuid4().hex}", name, is_default)
        self.panels[panel.arn] = panel
        cluster.panels.append(panel.arn)
        return panel

    def _shown_panel(self, panel: Panel) -> dict[str, Any]:
        cluster = next(one for one in self.clusters.values() if panel.arn in one.panels)
        return {
            "ClusterArn": cluster.arn,
            "ControlPanelArn": panel.arn,
            "DefaultControlPanel": panel.is_default,
            "Name": panel.name,
            "RoutingControlCount": len(panel.controls),
            "Status": "DEPLOYED",
            "Owner": ACCOUNT,
        }


def _only_there(handler: Handler) -> Handler:
    async def answer(call: Call, moto: Moto) -> Answer:
        if call.region != CONFIG_REGION:
            raise Cut  # the service has an endpoint in one region only
        return await handler(call, moto)

    return answer


def found(known: Mapping[str, Any], arn: str) -> Any:
    if arn not in known:
        raise AwsError("ResourceNotFoundException", f"There is no {arn}.", 404)
    return known[arn]


def _shown_cluster(cluster: Cluster, call: Call) -> dict[str, Any]:
    base = f"http://{call.request.header('host')}/routing-control/{cluster.id}"
    return {
        "ClusterArn": cluster.arn,
        "ClusterEndpoints": [{"Endpoint": f"{base}/{region}/v1", "Region": region} for region in ENDPOINT_REGIONS],
        "Name": cluster.name,
        "Status": "DEPLOYED",
        "Owner": ACCOUNT,
        "NetworkType": "IPV4",
    }


def _shown_control(control: Control) -> dict[str, Any]:
    return {
        "ControlPanelArn": control.panel,
        "Name": control.name,
        "RoutingControlArn": control.arn,
        "Status": "DEPLOYED",
        "Owner": ACCOUNT,
    }


def page(call: Call, name: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    start = int(call.parameters.get("NextToken") or 0)
    end = start + min(int(call.parameters.get("MaxResults") or _PAGE), _PAGE)
    more = {"NextToken": str(end)} if end < len(items) else {}
    return {name: items[start:end], **more}
