"""A VPC with a subnet in each of the first three zones, and in front of each service a load balancer over all of them."""

from typing import Any

from bot.rehearsal.aws.zones import zones_of
from bot.rehearsal.estate.names import BALANCERS, WEB
from bot.rehearsal.estate.site import Site

_ZONES = 3


def lay_down(site: Site) -> None:
    """Every load balancer has opted in to zonal shift."""
    ec2 = site.client("ec2")
    site.zones = {zone.name: zone.id for zone in zones_of(site.region)[:_ZONES]}
    site.vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    made = ec2.create_security_group(GroupName="shop", Description="The shop's tasks", VpcId=site.vpc)
    site.security_group = made["GroupId"]
    for number, zone in enumerate(site.zones):
        made = ec2.create_subnet(VpcId=site.vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=zone)
        site.subnets[zone] = made["Subnet"]["SubnetId"]
    for name in BALANCERS.values():
        _balancer(site, name)


def _balancer(site: Site, name: str) -> None:
    elb: Any = site.client("elbv2")
    [made] = elb.create_load_balancer(Name=name, Subnets=list(site.subnets.values()))["LoadBalancers"]
    arn = site.balancers[name] = made["LoadBalancerArn"]
    if name == BALANCERS[WEB]:
        site.address = made["DNSName"]
    made = elb.create_target_group(
        Name=name, Protocol="HTTP", Port=80, VpcId=site.vpc, TargetType="ip", HealthCheckIntervalSeconds=10,
        HealthyThresholdCount=2, UnhealthyThresholdCount=2,
    )  # fmt: skip
    site.groups[name] = made["TargetGroups"][0]["TargetGroupArn"]
    forward = {"Type": "forward", "TargetGroupArn": site.groups[name]}
    elb.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=[forward])
    draining = [{"Key": "deregistration_delay.timeout_seconds", "Value": "30"}]
    elb.modify_target_group_attributes(TargetGroupArn=site.groups[name], Attributes=draining)
    shifts = [{"Key": "zonal_shift.config.enabled", "Value": "true"}]
    elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=shifts)
