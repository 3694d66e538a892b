"""What ECS makes of a task definition: its ARN, its containers, its images of that moment, and its size."""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from bot.rehearsal.aws.moto_app import backend
from bot.rehearsal.aws.tasks import Image

_ECR = re.compile(r"^\d{12}\.dkr\.ecr\.(?P<region>[\w-]+)\.amazonaws\.com/(?P<repository>[^:@]+)(:(?P<tag>[^@]+))?$")


def definition_arn(name: str, region: str) -> str:
    return str(_known(name, region).arn)


def containers_of(name: str, region: str) -> list[str]:
    return [each["name"] for each in _known(name, region).container_definitions]


def vcpus_of(name: str, region: str) -> float:
    """Of one task; Fargate wants it said for the whole task, in units of 1/1024."""
    return int(_known(name, region).cpu or 0) / 1024


def runs_on_fargate(service: Mapping[str, Any]) -> bool:
    providers = {one["capacityProvider"] for one in service.get("capacityProviderStrategy", ())}
    return service.get("launchType") == "FARGATE" or "FARGATE" in providers


def images_of(name: str, region: str) -> list[Image]:
    """The containers' images as their names are understood at this moment: a tag may mean something else tomorrow."""
    return [
        Image(one["name"], one["image"], _digest(one["image"])) for one in _known(name, region).container_definitions
    ]


def _known(name: str, region: str) -> Any:
    return backend("ecs", region).describe_task_definition(name)


def _digest(image: str) -> str:
    if "@" in image:
        return image.rpartition("@")[2]
    if found := _ECR.match(image):
        repository = backend("ecr", found["region"]).repositories.get(found["repository"])
        for one in repository.images if repository else ():
            if (found["tag"] or "latest") in one.image_tags:
                return str(one.get_image_digest())
    return f"sha256:{sha256(image.encode()).hexdigest()}"
