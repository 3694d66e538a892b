"""How customers are led to a region: ARC routing controls, and the records of a zone in Route 53.

`www` follows the routing controls, `pay` an object in the standby region (where it is, home is out), `old` plain weights.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.rehearsal.estate import names
from bot.rehearsal.estate.site import AGENT, Site

#: Where routing control is configured.
_CONFIGURED_IN = "us-west-2"


@dataclass(frozen=True)
class Routing:
    """ARNs of a routing control cluster and of its controls by region."""

    cluster: str = ""
    controls: Mapping[str, str] = field(default_factory=dict)


def lay_down(home: Site, standby: Site) -> Routing:
    routing = _controls(home, standby)
    _records(home, standby, routing)
    return routing


def _controls(home: Site, standby: Site) -> Routing:
    """One for each region, of which at least one is always On; home is."""
    config: Any = home.aws.client("route53-recovery-control-config", _CONFIGURED_IN, user_agent_extra=AGENT)
    cluster = config.create_cluster(ClusterName=names.ROUTING)["Cluster"]
    arn = cluster["ClusterArn"]
    panel = config.list_control_panels(ClusterArn=arn)["ControlPanels"][0]["ControlPanelArn"]
    controls = {
        site.region: str(
            config.create_routing_control(ClusterArn=arn, RoutingControlName=site.region)["RoutingControl"][
                "RoutingControlArn"
            ]
        )
        for site in (home, standby)
    }
    _set(home, cluster, controls[home.region])
    config.create_safety_rule(
        AssertionRule={
            "Name": "somebody-serves", "ControlPanelArn": panel, "AssertedControls": list(controls.values()), "WaitPeriodMs": 5000,
            "RuleConfig": {"Type": "ATLEAST", "Threshold": 1, "Inverted": False},
        }
    )  # fmt: skip
    return Routing(arn, controls)


def _set(home: Site, cluster: Mapping[str, Any], control: str) -> None:
    endpoint = next(one for one in cluster["ClusterEndpoints"] if one["Region"] == _CONFIGURED_IN)
    states = home.aws.client(
        "route53-recovery-cluster", _CONFIGURED_IN, endpoint=endpoint["Endpoint"], user_agent_extra=AGENT
    )
    states.update_routing_control_state(RoutingControlArn=control, RoutingControlState="On")


def _records(home: Site, standby: Site, routing: Routing) -> None:
    route53 = home.client("route53")
    zone = route53.create_hosted_zone(Name=names.ZONE, CallerReference=names.ZONE)["HostedZone"]["Id"]
    by_control = {
        region: _check(route53, region, Type="RECOVERY_CONTROL", RoutingControlArn=arn)
        for region, arn in routing.controls.items()
    }
    by_object = _check(
        route53, names.PAY, Type="HTTPS", Inverted=True, Port=443, RequestInterval=10, FailureThreshold=3,
        FullyQualifiedDomainName=f"{standby.bucket}.s3.{standby.region}.amazonaws.com",
        ResourcePath=f"/{names.HEALTH_OBJECT}",
    )  # fmt: skip
    records = []
    for site, role, weight in ((home, "PRIMARY", 100), (standby, "SECONDARY", 0)):
        checked = {"HealthCheckId": by_object} if site is home else {}
        records += [
            _record(names.WWW, site, Failover=role, HealthCheckId=by_control[site.region]),
            _record(names.PAY, site, Failover=role, **checked),
            _record(names.OLD, site, Weight=weight),
        ]
    changes = [{"Action": "CREATE", "ResourceRecordSet": record} for record in records]
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})


def _check(route53: Any, name: str, **config: Any) -> str:
    made = route53.create_health_check(CallerReference=name, HealthCheckConfig=config)
    return str(made["HealthCheck"]["Id"])


def _record(name: str, site: Site, **policy: Any) -> dict[str, Any]:
    value = {"Value": site.address}
    return {
        "Name": name,
        "Type": "CNAME",
        "TTL": 60,
        "SetIdentifier": site.region,
        "ResourceRecords": [value],
        **policy,
    }
