"""A service on the emulated ECS with releases that its registry knows, for the actions of ECS."""

import json
from datetime import timedelta
from itertools import count
from typing import Any

from bot.rehearsal.aws.emulator import EmulatedAws
from tests.aws.rehearsed import Cloud

CLUSTER = "shop"
REGISTRY = f"{EmulatedAws.account}.dkr.ecr.us-east-1.amazonaws.com"
_NUMBERS = count(1)
_MEDIA = "application/vnd.docker.distribution.manifest.v2+json"


class Served:
    """`web-1` on Fargate in three zones, at its release `web-1:1`. Each has a name of its own: the emulator is shared."""

    def __init__(self, aws: EmulatedAws, desired: int = 3, **settings: Any) -> None:
        self.aws, self.cloud = aws, Cloud(aws)
        self.name = f"web-{next(_NUMBERS)}"
        self.ecs, self.ecr = aws.client("ecs"), aws.client("ecr")
        self.ecr.create_repository(repositoryName=self.name)
        if not self.ecs.list_clusters()["clusterArns"]:
            self.ecs.create_cluster(clusterName=CLUSTER)
        self.subnets = _subnets(aws)
        network = {"awsvpcConfiguration": {"subnets": self.subnets, "securityGroups": [_group(aws)]}}
        self.ecs.create_service(
            cluster=CLUSTER, serviceName=self.name, taskDefinition=self.register(), desiredCount=desired,
            launchType="FARGATE", networkConfiguration=network, **settings,
        )  # fmt: skip
        self.settle()

    def push(self, tag: str, content: str = "") -> str:
        """An image of that tag; its digest."""
        manifest = json.dumps({"mediaType": _MEDIA, "layers": [{"digest": content or tag}]})
        put = self.ecr.put_image(repositoryName=self.name, imageManifest=manifest, imageTag=tag)
        return str(put["image"]["imageId"]["imageDigest"])

    def register(self, image: str = "") -> str:
        """The next task definition of the family, with an image of its own: `web-1:2`."""
        number = len(self.ecs.list_task_definitions(familyPrefix=self.name)["taskDefinitionArns"]) + 1
        if not image:
            self.push(f"r{number}")
        container = {"name": "web", "image": image or f"{REGISTRY}/{self.name}:r{number}", "memory": 128}
        made = self.ecs.register_task_definition(
            family=self.name, containerDefinitions=[container], cpu="256", memory="512", networkMode="awsvpc"
        )["taskDefinition"]
        return f"{made['family']}:{made['revision']}"

    def release(self, image: str = "", *, settled: bool = True) -> str:
        """Deploy the next release."""
        name = self.register(image)
        self.deploy(name)
        if settled:
            self.settle()
        return name

    def deploy(self, release: str) -> None:
        self.ecs.update_service(cluster=CLUSTER, service=self.name, taskDefinition=release)

    def settle(self, seconds: float = 30) -> None:
        self.aws.clock.move(timedelta(seconds=seconds))

    def arn(self, release: str) -> str:
        return str(self.ecs.describe_task_definition(taskDefinition=release)["taskDefinition"]["taskDefinitionArn"])

    @property
    def seen(self) -> dict[str, Any]:
        found: dict[str, Any] = self.ecs.describe_services(cluster=CLUSTER, services=[self.name])["services"][0]
        return found

    @property
    def running(self) -> str:
        """The release that it is asked to run."""
        return str(self.seen["taskDefinition"]).rpartition("/")[2]

    def updates(self) -> list[dict[str, Any]]:
        """What was asked of UpdateService for it by the action, and not by this class."""
        calls = self.aws.calls.of("ecs", "UpdateService")
        return [dict(one.parameters) for one in calls if one.parameters["service"] == self.name]


def _subnets(aws: EmulatedAws) -> list[str]:
    wanted = [{"Name": "availability-zone", "Values": ["us-east-1a", "us-east-1b", "us-east-1c"]}]
    return [one["SubnetId"] for one in aws.client("ec2").describe_subnets(Filters=wanted)["Subnets"]]


def _group(aws: EmulatedAws) -> str:
    return str(aws.client("ec2").describe_security_groups()["SecurityGroups"][0]["GroupId"])
