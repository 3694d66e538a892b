"""Zones and load balancers, by what people and alarms call them.

A zone has a name (`us-east-1a`) and an id (`use1-az6`). Only the id means the same place in every account, and zonal
shifts take nothing else; both may be given here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import StringConstraints

from bot.errors import N_, ActionFailed, phrase
from bot.playbook.action import Aws, InputType

ZoneName = Annotated[str, InputType("zone"), StringConstraints(min_length=1, max_length=40)]
LoadBalancers = Annotated[tuple[str, ...], InputType("elb.load_balancers")]

Balancer = Mapping[str, Any]  # as DescribeLoadBalancers shows it
Managed = Mapping[str, Any]  # as GetManagedResource shows it


@dataclass(frozen=True)
class Zone:
    id: str
    name: str


def find_zone(aws: Aws, given: str) -> Zone:
    """By its id or its name. Raises `ActionFailed` when the region has none such."""
    zones = aws.client("ec2").describe_availability_zones()["AvailabilityZones"]
    for zone in zones:
        if given in {zone["ZoneId"], zone["ZoneName"]}:
            return Zone(zone["ZoneId"], zone["ZoneName"])
    known = ", ".join(sorted(f"{zone['ZoneId']} ({zone['ZoneName']})" for zone in zones))
    what = N_("There is no zone {zone} in {region}. Known: {known}.")
    raise ActionFailed(phrase(what, zone=given, region=aws.region, known=known), code="InvalidAz")


def find_balancer(aws: Aws, given: str) -> Balancer:
    """By its name, its ARN, or `app/<name>/<id>` as alarms call it. Raises `ActionFailed` when there is none such."""
    name = given.split("/")[1] if given.startswith(("app/", "net/")) else given
    by = {"LoadBalancerArns": [given]} if given.startswith("arn:") else {"Names": [name]}
    try:
        found: list[Balancer] = aws.client("elbv2").describe_load_balancers(**by)["LoadBalancers"]
    except ActionFailed as error:
        if error.code not in {"LoadBalancerNotFound", "LoadBalancerNotFoundException"}:
            raise
        found = []
    if found:
        return found[0]
    what = N_("There is no load balancer {name} in {region}. Check the step's parameters.")
    raise ActionFailed(phrase(what, name=given, region=aws.region), code="LoadBalancerNotFound")


def find_managed(aws: Aws, balancer: Balancer) -> Managed | None:
    """What zonal shift knows of it; None: it has not opted in."""
    return managed_of(aws, balancer["LoadBalancerArn"])


def managed_of(aws: Aws, arn: str) -> Managed | None:
    """What zonal shift knows of a load balancer, or an Auto Scaling group; None: it has not opted in."""
    try:
        managed: Managed = aws.client("arc-zonal-shift").get_managed_resource(resourceIdentifier=arn)
    except ActionFailed as error:
        if error.code == "ResourceNotFoundException":
            return None
        raise
    return managed
