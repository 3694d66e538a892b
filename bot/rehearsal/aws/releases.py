"""What ECS keeps of a service's deployments, and of what each of them brought. moto has neither."""

import re
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from bot.rehearsal.aws.call import Answer, AwsError, Call, Handler, Moto
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.moto_app import ACCOUNT, backend
from bot.rehearsal.aws.rollout import Deployment, Image, Rollout

_ECR = re.compile(r"^\d{12}\.dkr\.ecr\.(?P<region>[\w-]+)\.amazonaws\.com/(?P<repository>[^:@]+)(:(?P<tag>[^@]+))?$")
_ROLLED_BACK = {
    "IN_PROGRESS": "ROLLBACK_IN_PROGRESS", "COMPLETED": "ROLLBACK_SUCCESSFUL", "FAILED": "ROLLBACK_FAILED",
}  # fmt: skip
_PAGE = 20

Key = tuple[str, str, str]  # region, cluster, service


class Releases:
    """`ListServiceDeployments` and `DescribeServiceRevisions` over the rollouts of `Containers`.

    A rollback by the circuit breaker is a part of the deployment that it rolls back, not one of its own.
    """

    def __init__(self, clock: Clock, rollouts: Mapping[Key, Rollout]) -> None:
        self._clock, self._rollouts = clock, rollouts

    @property
    def handlers(self) -> dict[tuple[str, str], Handler]:
        return {
            ("ecs", "ListServiceDeployments"): self._list,
            ("ecs", "DescribeServiceRevisions"): self._revisions,
        }

    async def _list(self, call: Call, _moto: Moto) -> Answer:
        asked = call.parameters
        cluster = str(asked.get("cluster") or "default").rsplit("/", 1)[-1]
        key = (call.region, cluster, asked["service"].rsplit("/", 1)[-1])
        rollout = self._rollouts.get(key)
        if rollout is None:
            raise AwsError("ServiceNotFoundException", "Service not found.")
        rollout.advance(self._clock.now())
        rollbacks = [one.rolled_back_by for one in rollout.history]
        shown = [_shown(key, rollout, one) for one in rollout.history if one not in rollbacks]
        found = [one for one in shown if one["status"] in asked.get("status", [one["status"]])]
        start, most = int(asked.get("nextToken") or 0), asked.get("maxResults", _PAGE)
        more = {"nextToken": str(start + most)} if start + most < len(found) else {}
        return {"serviceDeployments": found[start : start + most], **more}

    async def _revisions(self, call: Call, _moto: Moto) -> Answer:
        wanted, known = call.parameters["serviceRevisionArns"], self._known(call.region)
        return {
            "serviceRevisions": [known[arn] for arn in wanted if arn in known],
            "failures": [{"arn": arn, "reason": "MISSING"} for arn in wanted if arn not in known],
        }

    def _known(self, region: str) -> dict[str, dict[str, Any]]:
        """Every service revision of a region by its ARN."""
        return {
            _arn("service-revision", key, deployment): {
                "serviceRevisionArn": _arn("service-revision", key, deployment),
                "serviceArn": f"arn:aws:ecs:{region}:{ACCOUNT}:service/{key[1]}/{key[2]}",
                "clusterArn": f"arn:aws:ecs:{region}:{ACCOUNT}:cluster/{key[1]}",
                "taskDefinition": deployment.task_definition,
                "containerImages": [
                    {"containerName": one.container, "image": one.name, "imageDigest": one.digest}
                    for one in deployment.images
                ],
                "createdAt": deployment.created_at,
            }
            for key, rollout in self._rollouts.items()
            if key[0] == region
            for deployment in rollout.history
        }


def images_of(task_definition: str, region: str) -> list[Image]:
    """The containers' images as their names are understood at this moment: a tag may mean something else tomorrow."""
    definition = backend("ecs", region).describe_task_definition(task_definition)
    return [Image(one["name"], one["image"], _digest(one["image"])) for one in definition.container_definitions]


def _digest(image: str) -> str:
    if "@" in image:
        return image.rpartition("@")[2]
    if found := _ECR.match(image):
        repository = backend("ecr", found["region"]).repositories.get(found["repository"])
        for one in repository.images if repository else ():
            if (found["tag"] or "latest") in one.image_tags:
                return str(one.get_image_digest())
    return f"sha256:{sha256(image.encode()).hexdigest()}"


def _shown(key: Key, rollout: Rollout, deployment: Deployment) -> dict[str, Any]:
    status = _status(rollout, deployment)
    ended: dict[str, datetime] = {} if "PROGRESS" in status else {"finishedAt": deployment.updated_at}
    return {
        "serviceDeploymentArn": _arn("service-deployment", key, deployment),
        "serviceArn": f"arn:aws:ecs:{key[0]}:{ACCOUNT}:service/{key[1]}/{key[2]}",
        "clusterArn": f"arn:aws:ecs:{key[0]}:{ACCOUNT}:cluster/{key[1]}",
        "startedAt": deployment.created_at,
        "createdAt": deployment.created_at,
        "targetServiceRevisionArn": _arn("service-revision", key, deployment),
        "status": status,
        **ended,
    }


def _status(rollout: Rollout, deployment: Deployment) -> str:
    if deployment.rolled_back_by:
        return _ROLLED_BACK[deployment.rolled_back_by.state]
    if deployment.state == "COMPLETED":
        return "SUCCESSFUL"
    going = deployment.state == "IN_PROGRESS" and deployment is rollout.primary
    return "IN_PROGRESS" if going else "STOPPED"  # replaced before its end, or failed


def _arn(kind: str, key: Key, deployment: Deployment) -> str:
    region, cluster, service = key
    return f"arn:aws:ecs:{region}:{ACCOUNT}:{kind}/{cluster}/{service}/{deployment.id.rpartition('/')[2]}"
