"""Fargate's room for more tasks: the account's vCPUs in a region."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.aws.quotas import room
from bot.errors import N_, ActionFailed, phrase
from bot.playbook.action import Aws, Need

#: "Fargate On-Demand vCPU resource count" in Service Quotas.
QUOTA = ("fargate", "L-3032A538")

Service = Mapping[str, Any]


def runs_on_fargate(service: Service) -> bool:
    """Whether an ECS service's tasks count against the quota; spot tasks have one of their own."""
    providers = {one["capacityProvider"] for one in service.get("capacityProviderStrategy", ())}
    return service.get("launchType") == "FARGATE" or "FARGATE" in providers


def room_for(aws: Aws, service: Service, more: int, now: datetime) -> tuple[Need, ...]:
    """What `more` tasks of the service need; nothing where that is not counted, or not known."""
    if more <= 0 or not runs_on_fargate(service):
        return ()
    vcpus = _vcpus(aws, service)
    if vcpus is None:
        return ()
    what = phrase(N_("Fargate vCPUs in {region}"), region=aws.region)
    return (Need(what, more * vcpus, room(aws, *QUOTA, now)),)


def _vcpus(aws: Aws, service: Service) -> float | None:
    """Of one task. Fargate wants the size of the whole task: `"cpu": "256"` is a quarter of a vCPU."""
    try:
        asked = {"taskDefinition": service["taskDefinition"]}
        definition = aws.client("ecs").describe_task_definition(**asked)["taskDefinition"]
    except (ActionFailed, KeyError):
        return None
    cpu = str(definition.get("cpu", ""))
    return int(cpu) / 1024 if cpu.isdigit() else None
