"""How many tasks a service has, how many autoscaling holds it to, and where more of them would find room."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.aws.ecs.service import Service, Which, inactive
from bot.aws.fargate import room_for
from bot.aws.subnets import addresses
from bot.errors import N_, Phrase, phrase
from bot.playbook.action import Aws, Call, Need

#: What reading the number of tasks and autoscaling's limits needs; the same as botocore names them.
READS = ("application-autoscaling:DescribeScalableTargets", "ecs:DescribeServices")
#: What IAM calls them.
TARGETS = ("arn:{partition}:application-autoscaling:{region}:{account}:scalable-target/*",)
_DIMENSION = "ecs:service:DesiredCount"

Target = Mapping[str, Any]  # as DescribeScalableTargets shows it


def target_of(params: Which, aws: Aws) -> Target | None:
    """What autoscaling may do with the service; None: it does nothing there."""
    asked = {"ServiceNamespace": "ecs", "ScalableDimension": _DIMENSION, "ResourceIds": [_id(params)]}
    found = aws.client("application-autoscaling").describe_scalable_targets(**asked)
    targets: list[Target] = found["ScalableTargets"]
    return next((one for one in targets if one["ResourceId"] == _id(params)), None)


def register(params: Which, minimum: int) -> Call:
    """Change autoscaling's minimum, and nothing else of what it may do."""
    asked = {
        "ServiceNamespace": "ecs",
        "ResourceId": _id(params),
        "ScalableDimension": _DIMENSION,
        "MinCapacity": minimum,
    }
    return Call("application-autoscaling", "RegisterScalableTarget", asked)


def set_desired(params: Which, tasks: int) -> Call:
    asked = {"cluster": params.cluster, "service": params.service, "desiredCount": tasks}
    return Call("ecs", "UpdateService", asked)


def not_scalable(params: Which, service: Service) -> Phrase | None:
    if problem := inactive(params, service):
        return problem
    if service.get("schedulingStrategy") == "DAEMON":
        what = N_("{service} runs one task on each instance (DAEMON), so it has no number of tasks. Add instances.")
        return phrase(what, service=params.service)
    return None


def room(aws: Aws, service: Service, more: int, now: datetime) -> tuple[Need, ...]:
    """What `more` tasks need: vCPUs of Fargate's quota, and addresses in each zone, over which ECS spreads them."""
    network = service.get("networkConfiguration", {}).get("awsvpcConfiguration", {})
    return (*room_for(aws, service, more, now), *addresses(aws, network.get("subnets", ()), more))


def _id(params: Which) -> str:
    """Autoscaling knows names only."""
    return f"service/{params.cluster.rpartition('/')[2]}/{params.service.rpartition('/')[2]}"
