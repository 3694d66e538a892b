"""Many ECS services at once, in as few calls as ECS allows: ten services, or fifty scaling targets, in each."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, StringConstraints

from bot.playbook.action import Aws, InputType

#: For lists that may be left out: an optional input that was not given is None.
NOTHING = BeforeValidator(lambda given: () if given is None else given)

ServiceName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,255}/[A-Za-z0-9_-]{1,255}$")]
#: Each written `cluster/service`.
ServiceNames = Annotated[tuple[ServiceName, ...], InputType("ecs.services")]

Service = Mapping[str, Any]
Target = Mapping[str, Any]

#: The most services that DescribeServices takes, and so the size of every batch.
TOGETHER = 10
_DIMENSION = "ecs:service:DesiredCount"


def batches(services: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Each cluster with at most ten of its services, in the order in which they were named."""
    by_cluster: dict[str, list[str]] = {}
    for service in services:
        cluster, _, name = service.partition("/")
        by_cluster.setdefault(cluster, []).append(name)
    for cluster, names in by_cluster.items():
        for start in range(0, len(names), TOGETHER):
            yield cluster, names[start : start + TOGETHER]


def describe(aws: Aws, cluster: str, names: Sequence[str]) -> dict[str, Service]:
    """By name; what is not there is left out."""
    answer = aws.client("ecs").describe_services(cluster=cluster, services=list(names))
    return {one["serviceName"]: one for one in answer["services"]}


def targets(aws: Aws, cluster: str, names: Sequence[str]) -> dict[str, Target]:
    """What autoscaling may do with each; where it does nothing, the service is left out."""
    ids = {resource_id(cluster, name): name for name in names}
    asked = {"ServiceNamespace": "ecs", "ScalableDimension": _DIMENSION, "ResourceIds": list(ids)}
    found = aws.client("application-autoscaling").describe_scalable_targets(**asked)["ScalableTargets"]
    return {ids[one["ResourceId"]]: one for one in found if one["ResourceId"] in ids}


def definitions(aws: Aws, release: str) -> tuple[int, tuple[str, ...]]:
    """Of a task definition: the CPU units of a whole task (0: not said), and the images of its containers."""
    found = aws.client("ecs").describe_task_definition(taskDefinition=release)["taskDefinition"]
    cpu = str(found.get("cpu", ""))
    return (int(cpu) if cpu.isdigit() else 0), tuple(one["image"] for one in found["containerDefinitions"])


def resource_id(cluster: str, name: str) -> str:
    return f"service/{cluster}/{name}"
