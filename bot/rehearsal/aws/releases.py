"""What ECS keeps of a service's deployments, and of what each of them brought. moto has neither."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from bot.rehearsal.aws.call import Answer, AwsError, Call, Handler, Moto
from bot.rehearsal.aws.fleet import Fleet
from bot.rehearsal.aws.moto_app import ACCOUNT
from bot.rehearsal.aws.rollout import Rollout
from bot.rehearsal.aws.tasks import Deployment, Key

_ROLLED_BACK = {
    "IN_PROGRESS": "ROLLBACK_IN_PROGRESS", "COMPLETED": "ROLLBACK_SUCCESSFUL", "FAILED": "ROLLBACK_FAILED",
}  # fmt: skip
_PAGE = 20


class Releases:
    """`ListServiceDeployments` and `DescribeServiceRevisions` over the rollouts of `Containers`.

    A rollback by the circuit breaker is a part of the deployment that it rolls back, not one of its own.
    """

    def __init__(self, rollouts: Mapping[Key, Rollout], fleet: Callable[[str], Fleet]) -> None:
        self._rollouts, self._fleet = rollouts, fleet

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
        self._fleet(call.region).advance()
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
