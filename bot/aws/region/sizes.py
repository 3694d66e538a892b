"""How large a region shall be: from what the survey has sampled in the other one. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

from pydantic import StringConstraints

from bot.aws.calls import perform
from bot.aws.region.known import Known, Size, running
from bot.aws.region.services import Service, ServiceNames, Target, resource_id
from bot.errors import N_, Phrase, phrase
from bot.playbook.action import Aws, Call, InputType, Params

#: What IAM calls them.
TARGETS = ("arn:{partition}:application-autoscaling:{region}:{account}:scalable-target/*",)
_DIMENSION = "ecs:service:DesiredCount"
#: ECS starts 100 tasks at once and then 20 a second, in an account and region.
#: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/throttling.html
BURST, PER_SECOND = 100, 20

#: `shop/web=2:1`: two tasks, autoscaling's minimum 1; `shop/web=2:-` where there is no autoscaling.
SizeText = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_/-]+=[0-9]{1,4}:([0-9]{1,4}|-)$")]
SizeTexts = Annotated[tuple[SizeText, ...], InputType("list")]


class Services(Params):
    """Each of `services` is written `cluster/service`."""

    services: ServiceNames


def written(sizes: Mapping[str, Size]) -> list[str]:
    """As an output that an undo reads back."""
    return [f"{name}={size.desired}:{'-' if size.minimum is None else size.minimum}" for name, size in sizes.items()]


def read(texts: Iterable[str]) -> dict[str, Size]:
    found = {}
    for text in texts:
        name, _, numbers = text.partition("=")
        desired, _, minimum = numbers.partition(":")
        found[name] = Size(desired=int(desired), minimum=None if minimum == "-" else int(minimum))
    return found


def size_of(service: Service, target: Target | None) -> Size:
    return Size(desired=service["desiredCount"], minimum=int(target["MinCapacity"]) if target else None)


def wanted(known: Known, like: str, services: Sequence[str], percent: int) -> dict[str, int]:
    """The number of tasks for each service that is known in region `like`: so many percent of the most that ran there."""
    found = {name: running(known, like, name) for name in services}
    return {name: -(-seen.value.most * percent // 100) for name, seen in found.items() if seen}


def unknown(like: str, services: Iterable[str]) -> Phrase:
    what = N_(
        "Nobody has noted how many tasks of {services} run in {region}. Check service.parameters.ecs_services in "
        "lifeboat.yaml and `lifeboat survey`, or go on with `ungraceful`, which leaves these as they are."
    )
    return phrase(what, services=", ".join(sorted(services)), region=like)


def register(cluster: str, name: str, minimum: int) -> Call:
    """Change autoscaling's minimum, and nothing else of what it may do."""
    asked: dict[str, Any] = {"ServiceNamespace": "ecs", "ScalableDimension": _DIMENSION, "MinCapacity": minimum}
    return Call("application-autoscaling", "RegisterScalableTarget", asked | {"ResourceId": resource_id(cluster, name)})


def set_desired(cluster: str, name: str, tasks: int) -> Call:
    return Call("ecs", "UpdateService", {"cluster": cluster, "service": name, "desiredCount": tasks})


def without_numbers(call: Call) -> Call:
    """As a plan shows it: the load goes on while people approve, and the numbers are among the changes."""
    kept = {key: value for key, value in call.parameters.items() if key not in {"MinCapacity", "desiredCount"}}
    return Call(call.service, call.operation, kept)


def raise_to(aws: Aws, cluster: str, name: str, service: Service, target: Target | None, tasks: int) -> int:
    """The minimum first, or autoscaling takes the new tasks away again; never fewer. How many tasks were asked for."""
    if target and target["MinCapacity"] < tasks:
        perform(aws, register(cluster, name, tasks))
    if service["desiredCount"] >= tasks:
        return 0
    perform(aws, set_desired(cluster, name, tasks))
    return tasks - int(service["desiredCount"])


def lower_to(aws: Aws, cluster: str, name: str, service: Service, target: Target | None, size: Size) -> None:
    """The minimum first, or autoscaling brings the tasks back; never more."""
    if target and size.minimum is not None and target["MinCapacity"] > size.minimum:
        perform(aws, register(cluster, name, size.minimum))
    if service["desiredCount"] > size.desired:
        perform(aws, set_desired(cluster, name, size.desired))
