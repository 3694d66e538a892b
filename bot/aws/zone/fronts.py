"""Network load balancers that stand in front of an application load balancer: these are what must be shifted."""

from collections.abc import Iterator, Mapping
from typing import Any

from bot.aws.zone.find import Balancer
from bot.playbook.action import Aws


def fronts_of(aws: Aws, balancer: Balancer) -> list[str]:
    """The names of those whose target it is."""
    if balancer["Type"] != "application":
        return []
    return sorted({name for group in _groups(aws) if _holds(aws, group, balancer) for name in _names(group)})


def _groups(aws: Aws) -> Iterator[Mapping[str, Any]]:
    """The target groups whose target is an application load balancer."""
    page: dict[str, str] = {}
    while True:
        answer = aws.client("elbv2").describe_target_groups(**page)
        yield from (one for one in answer["TargetGroups"] if one.get("TargetType") == "alb")
        if not answer.get("NextMarker"):
            return
        page = {"Marker": answer["NextMarker"]}


def _holds(aws: Aws, group: Mapping[str, Any], balancer: Balancer) -> bool:
    described = aws.client("elbv2").describe_target_health(TargetGroupArn=group["TargetGroupArn"])
    return any(one["Target"]["Id"] == balancer["LoadBalancerArn"] for one in described["TargetHealthDescriptions"])


def _names(group: Mapping[str, Any]) -> list[str]:
    """`front` of `…:loadbalancer/net/front/50dc6c495c0c9188`."""
    return [arn.split("/")[2] for arn in group.get("LoadBalancerArns", ())]
