"""Where a service's tasks are, and where they may be: its subnets, its network block, and what it was before it left a zone."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import StringConstraints

from bot.aws.ecs.service import Service, Which, inactive, primary_of
from bot.aws.left import Left, as_value, read, tag_of
from bot.aws.zone.find import Zone, ZoneName
from bot.errors import N_, Phrase, phrase
from bot.playbook.action import Aws, Call, InputType, Params

#: What IAM calls the tags of a service, and the setting that lets ECS move tasks back into a zone by itself.
_REBALANCING = "rebalancing"

Path = Annotated[str, InputType("str"), StringConstraints(pattern=r"^[^/]{1,255}/[^/]{1,255}$")]


class Placed(Params):
    """`service`: `shop/web`, its cluster and its name."""

    service: Path
    zone: ZoneName

    @property
    def which(self) -> Which:
        cluster, _, name = self.service.partition("/")
        return Which(cluster=cluster, service=name)


def network_of(service: Service) -> Mapping[str, Any]:
    """Its `awsvpcConfiguration`; empty for a service whose tasks share their instances' network."""
    network: Mapping[str, Any] = service.get("networkConfiguration", {}).get("awsvpcConfiguration", {})
    return network if network.get("subnets") else {}


def move(which: Which, service: Service, subnets: Sequence[str]) -> Call:
    """AWS replaces the whole block, so that security groups and public addresses are sent again."""
    block = {"awsvpcConfiguration": {**network_of(service), "subnets": list(subnets)}}
    asked = {"cluster": which.cluster, "service": which.service, "networkConfiguration": block}
    return Call("ecs", "UpdateService", asked)


def rebalance(which: Which, setting: str) -> Call:
    """`ENABLED` or `DISABLED`; neither starts a deployment."""
    asked = {"cluster": which.cluster, "service": which.service, "availabilityZoneRebalancing": setting}
    return Call("ecs", "UpdateService", asked)


def rebalancing_of(service: Service) -> str:
    return str(service.get("availabilityZoneRebalancing", "DISABLED"))


def stuck(which: Which, service: Service) -> Phrase | None:
    """Why its subnets cannot be changed at all."""
    if problem := inactive(which, service):
        return problem
    controller = service.get("deploymentController", {}).get("type", "ECS")
    if controller == "ECS" and primary_of(service):
        return None
    what = N_(
        "{service} is deployed by {controller}, so ECS does not change its subnets. Start a deployment with other subnets "
        "there."
    )
    return phrase(what, service=which.service, controller=controller)


def left_by(aws: Aws, service: Service, zone: Zone) -> Left | None:
    """What is written on the service about that zone."""
    tags = aws.client("ecs").list_tags_for_resource(resourceArn=service["serviceArn"])["tags"]
    return next((read(one.get("value", "")) for one in tags if one.get("key") == tag_of(zone)), None)


def note_down(service: Service, zone: Zone, left: Left) -> Call:
    tag = {"key": tag_of(zone), "value": as_value(left)}
    return Call("ecs", "TagResource", {"resourceArn": service["serviceArn"], "tags": [tag]})


def strike_out(service: Service, zone: Zone) -> Call:
    return Call("ecs", "UntagResource", {"resourceArn": service["serviceArn"], "tagKeys": [tag_of(zone)]})


def tasks_by_zone(which: Which, aws: Aws) -> Counter[str]:
    """By the zone's name, those that run or are to run, as ECS describes the tasks themselves; a hundred at a time."""
    ecs = aws.client("ecs")
    found = Counter[str]()
    asked: dict[str, Any] = {"cluster": which.cluster, "serviceName": which.service, "desiredStatus": "RUNNING"}
    while True:
        answer = ecs.list_tasks(**asked)
        if answer["taskArns"]:
            described = ecs.describe_tasks(cluster=which.cluster, tasks=answer["taskArns"])["tasks"]
            found.update(one.get("availabilityZone", "") for one in described)
        if not answer.get("nextToken"):
            return found
        asked["nextToken"] = answer["nextToken"]
