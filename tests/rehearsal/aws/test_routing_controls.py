"""ARC routing control through plain boto3."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from bot.rehearsal.aws.emulator import EmulatedAws
from bot.rehearsal.aws.routing_config import ENDPOINT_REGIONS


@dataclass
class Cells:
    """A cluster with a routing control for each of two regions, home On, and a rule that at least one is On."""

    aws: EmulatedAws
    cluster: str
    home: str
    standby: str
    rule: str

    @property
    def config(self) -> Any:
        return self.aws.client("route53-recovery-control-config", "us-west-2")

    def endpoint(self, region: str, signed_for: str = "") -> Any:
        found = self.config.describe_cluster(ClusterArn=self.cluster)["Cluster"]["ClusterEndpoints"]
        [url] = [one["Endpoint"] for one in found if one["Region"] == region]
        return self.aws.client("route53-recovery-cluster", signed_for or region, endpoint=url)

    def state(self, arn: str, region: str = "eu-west-1") -> str:
        return str(self.endpoint(region).get_routing_control_state(RoutingControlArn=arn)["RoutingControlState"])

    def set(self, region: str = "us-east-1", override: tuple[str, ...] = (), **states: str) -> None:
        entries = [
            {"RoutingControlArn": getattr(self, name), "RoutingControlState": state} for name, state in states.items()
        ]
        self.endpoint(region).update_routing_control_states(
            UpdateRoutingControlStateEntries=entries, SafetyRulesToOverride=list(override)
        )


@pytest.fixture
def cells(running: EmulatedAws) -> Cells:
    aws = running
    aws.outages.forget()
    aws.routing_controls.mend_endpoints()
    config = aws.client("route53-recovery-control-config", "us-west-2")
    cluster = config.create_cluster(ClusterName="shop")["Cluster"]["ClusterArn"]
    home, standby = (
        config.create_routing_control(ClusterArn=cluster, RoutingControlName=name)["RoutingControl"]
        for name in ("home", "standby")
    )
    rule = config.create_safety_rule(
        AssertionRule={
            "Name": "one-is-on", "ControlPanelArn": home["ControlPanelArn"], "WaitPeriodMs": 0,
            "AssertedControls": [home["RoutingControlArn"], standby["RoutingControlArn"]],
            "RuleConfig": {"Type": "ATLEAST", "Threshold": 1, "Inverted": False},
        }
    )["AssertionRule"]["SafetyRuleArn"]  # fmt: skip
    made = Cells(aws, cluster, home["RoutingControlArn"], standby["RoutingControlArn"], rule)
    made.set(home="On")
    return made


def test_what_is_set_at_one_endpoint_is_read_at_every_other(cells: Cells) -> None:
    cells.set("ap-northeast-1", home="Off", standby="On")
    assert {(cells.state(cells.home, region), cells.state(cells.standby, region)) for region in ENDPOINT_REGIONS} == {
        ("Off", "On")
    }
    changed = cells.aws.routing_controls.control(cells.standby)
    assert changed is not None
    assert [spell.start for spell in changed.spells] == [cells.aws.clock.now()]


def test_an_update_that_breaks_a_safety_rule_changes_nothing_at_all(cells: Cells) -> None:
    with pytest.raises(ClientError, match=r"ValidationException.*one-is-on") as caught:
        cells.set(home="Off", standby="Off")
    assert cells.rule in str(caught.value)
    assert (cells.state(cells.home), cells.state(cells.standby)) == ("On", "Off")
    cells.set(home="Off", standby="Off", override=(cells.rule,))
    assert (cells.state(cells.home), cells.state(cells.standby)) == ("Off", "Off")


def test_after_a_change_a_rule_lets_nothing_through_for_its_wait_period(cells: Cells) -> None:
    panel = cells.config.describe_safety_rule(SafetyRuleArn=cells.rule)["AssertionRule"]["ControlPanelArn"]
    cells.config.create_safety_rule(
        AssertionRule={
            "Name": "no-flapping", "ControlPanelArn": panel, "WaitPeriodMs": 5000, "AssertedControls": [cells.standby],
            "RuleConfig": {"Type": "ATLEAST", "Threshold": 0, "Inverted": False},
        }
    )  # fmt: skip
    cells.set(standby="On")
    cells.aws.clock.move(timedelta(seconds=4.9))
    with pytest.raises(ClientError, match="wait period"):
        cells.set(standby="On")
    cells.set(home="Off")  # not under that rule
    cells.aws.clock.move(timedelta(seconds=0.1))
    cells.set(standby="On", home="On")


def test_one_update_at_a_time(cells: Cells) -> None:
    cells.aws.routing_controls.conflict()
    with pytest.raises(ClientError, match="ConflictException"):
        cells.set(standby="On")
    cells.set(standby="On")
    assert cells.state(cells.standby) == "On"


def test_endpoints_fail_one_by_one(cells: Cells) -> None:
    for region in ENDPOINT_REGIONS[:3]:
        cells.aws.routing_controls.fail_endpoint(region)
        with pytest.raises(ClientError, match="EndpointTemporarilyUnavailableException"):
            cells.set(region, standby="On")
    cells.aws.routing_controls.fail_endpoint("ap-northeast-1", dead=True)
    with pytest.raises(ConnectionClosedError):
        cells.set("ap-northeast-1", standby="On")
    cells.set("ap-southeast-2", standby="On")
    cells.aws.routing_controls.mend_endpoints()
    assert cells.state(cells.standby, "us-east-1") == "On"


def test_the_endpoint_of_a_dark_region_is_dark(cells: Cells) -> None:
    cells.aws.outages.darken_region("us-east-1")
    with pytest.raises(ConnectionClosedError):
        cells.set("us-east-1", standby="On")
    cells.set("us-west-2", standby="On")


def test_there_is_no_way_but_the_clusters_own_endpoints_signed_for_their_region(cells: Cells) -> None:
    with pytest.raises(ConnectionClosedError):
        cells.aws.client("route53-recovery-cluster", "us-west-2").get_routing_control_state(
            RoutingControlArn=cells.home
        )
    with pytest.raises(ClientError, match="AccessDenied"):
        cells.endpoint("us-west-2", "eu-west-1").get_routing_control_state(RoutingControlArn=cells.home)


def test_the_configuration_is_in_us_west_2_alone(cells: Cells) -> None:
    with pytest.raises(ConnectionClosedError):
        cells.aws.client("route53-recovery-control-config", "us-east-1").list_clusters()
    config = cells.config
    [cluster] = [one for one in config.list_clusters()["Clusters"] if one["ClusterArn"] == cells.cluster]
    assert [one["Region"] for one in cluster["ClusterEndpoints"]] == list(ENDPOINT_REGIONS)
    [panel] = config.list_control_panels(ClusterArn=cells.cluster)["ControlPanels"]
    [rule] = config.list_safety_rules(ControlPanelArn=panel["ControlPanelArn"])["SafetyRules"]
    assert rule["ASSERTION"]["SafetyRuleArn"] == cells.rule
    assert config.describe_safety_rule(SafetyRuleArn=cells.rule)["AssertionRule"]["RuleConfig"]["Threshold"] == 1
    names = [config.describe_routing_control(RoutingControlArn=arn)["RoutingControl"]["Name"] for arn in (cells.home,)]
    assert names == ["home"]
    assert config.describe_control_panel(ControlPanelArn=panel["ControlPanelArn"])["ControlPanel"][
        "DefaultControlPanel"
    ]
    config.get_waiter("cluster_created").wait(ClusterArn=cells.cluster)


def test_lists_come_in_pages_as_boto3_turns_them(cells: Cells) -> None:
    pages = cells.endpoint("eu-west-1").get_paginator("list_routing_controls")
    found = [one for page in pages.paginate(PaginationConfig={"PageSize": 1}) for one in page["RoutingControls"]]
    assert [(one["RoutingControlName"], one["RoutingControlState"]) for one in found] == [
        ("home", "On"),
        ("standby", "Off"),
    ]


def test_what_does_not_exist_is_not_found(cells: Cells) -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        cells.state(cells.home[:-4] + "0000")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        cells.config.describe_cluster(ClusterArn=cells.cluster[:-4] + "zzzz")
