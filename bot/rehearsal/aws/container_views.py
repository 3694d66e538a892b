"""Services and tasks as ECS describes them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from bot.rehearsal.aws.moto_app import ACCOUNT
from bot.rehearsal.aws.rollout import Rollout
from bot.rehearsal.aws.tasks import Deployment, Key, Task

_NETWORK_TYPES = {"type": "ElasticNetworkInterface", "status": "ATTACHED"}


def cluster_of(asked: Mapping[str, Any]) -> str:
    """The name of the cluster that a call means."""
    return str(asked.get("cluster") or "default").rsplit("/", 1)[-1]


def arn_of(region: str, name: str) -> str:
    return f"arn:aws:ecs:{region}:{ACCOUNT}:{name}"


def arn_of_task(key: Key, task: Task) -> str:
    return arn_of(key[0], f"task/{key[1]}/{task.id}")


def as_kept(service: Any, *, tags: bool) -> dict[str, Any]:
    """What moto keeps of a service, without its way through HTTP: a failover asks for services thousands of times."""
    known = {
        "serviceArn": service.arn,
        "serviceName": service.name,
        "clusterArn": service.cluster_arn,
        "status": service.status,
        "serviceRegistries": service.service_registries,
        "loadBalancers": service.load_balancers,
        "launchType": service.launch_type,
        "platformVersion": service.platform_version,
        "networkConfiguration": service.network_configuration or None,
        "schedulingStrategy": service.scheduling_strategy,
        "deploymentController": service.deployment_controller,
        "propagateTags": service.propagate_tags,
        "roleArn": service.role_arn,
        "taskSets": service.task_sets,
        "tags": service.tags if tags else None,
    }
    return {name: value for name, value in known.items() if value is not None}


def shown_service(rollout: Rollout, now: datetime) -> dict[str, Any]:
    """What its tasks make of a service."""
    return {
        "desiredCount": rollout.desired,
        "runningCount": rollout.count("RUNNING", now),
        "pendingCount": _pending(rollout, now),
        "taskDefinition": rollout.primary.task_definition,
        "deployments": [_shown_deployment(rollout, each, now) for each in rollout.deployments],
        "events": [
            {"id": f"{at.timestamp():.6f}-{number}", "createdAt": at, "message": what}
            for number, (at, what) in enumerate(rollout.events)
        ],
    }


def shown_task(key: Key, task: Task, containers: Sequence[str], now: datetime) -> dict[str, Any]:
    region, cluster, service = key
    status = task.status(now)
    health = "UNKNOWN" if status != "RUNNING" else "HEALTHY" if task.answers(now) else "UNHEALTHY"
    ended = {"exitCode": 1 if task.crashed else 0} if status == "STOPPED" else {}
    shown = {"lastStatus": status, "healthStatus": health, "networkInterfaces": _interfaces(task), **ended}
    return {
        "taskArn": arn_of_task(key, task),
        "clusterArn": arn_of(region, f"cluster/{cluster}"),
        "taskDefinitionArn": task.deployment.task_definition,
        "group": f"service:{service}",
        "startedBy": task.deployment.id,
        "lastStatus": status,
        "desiredStatus": "RUNNING" if task.wanted else "STOPPED",
        "healthStatus": health,
        "availabilityZone": task.place.zone,
        "createdAt": task.created_at,
        "attachments": _attachments(task),
        "containers": [{"name": name, **shown} for name in containers],
        **_times(task, now),
    }


def _pending(rollout: Rollout, now: datetime, deployment: Deployment | None = None) -> int:
    return rollout.count("PENDING", now, deployment) + rollout.count("PROVISIONING", now, deployment)


def _shown_deployment(rollout: Rollout, deployment: Deployment, now: datetime) -> dict[str, Any]:
    newest = deployment is rollout.primary
    running, pending = rollout.count("RUNNING", now, deployment), _pending(rollout, now, deployment)
    return {
        "id": deployment.id,
        "status": "PRIMARY" if newest else "ACTIVE",
        "taskDefinition": deployment.task_definition,
        "desiredCount": rollout.desired if newest else running + pending,
        "runningCount": running,
        "pendingCount": pending,
        "failedTasks": deployment.failed,
        "createdAt": deployment.created_at,
        "updatedAt": deployment.updated_at,
        "rolloutState": deployment.state,
        "rolloutStateReason": deployment.reason,
        **({"networkConfiguration": deployment.network} if deployment.network else {}),
    }


def _times(task: Task, now: datetime) -> dict[str, Any]:
    """When a task started and how it ended, as far as it has come."""
    stopped = task.status(now) == "STOPPED"
    code = "EssentialContainerExited" if task.crashed else "ServiceSchedulerInitiated"
    known = {
        "startedAt": task.running_at if task.crash_at is None and now >= task.running_at else None,
        "stoppingAt": task.stopping_at,
        "stoppedAt": task.stopped_at if stopped else None,
        "stoppedReason": task.reason or None,
        "stopCode": code if stopped else None,
    }
    return {name: value for name, value in known.items() if value is not None}


def _attachment_id(task: Task) -> str:
    return str(uuid5(NAMESPACE_OID, task.id))


def _interfaces(task: Task) -> list[dict[str, Any]]:
    return [{"attachmentId": _attachment_id(task), "privateIpv4Address": task.address}] if task.address else []


def _attachments(task: Task) -> list[dict[str, Any]]:
    if not task.place.subnet:
        return []
    known = {
        "subnetId": task.place.subnet,
        "networkInterfaceId": f"eni-{task.id[:17]}",
        "privateDnsName": f"ip-{task.address.replace('.', '-')}.ec2.internal",
        "privateIPv4Address": task.address,
    }
    details = [{"name": name, "value": value} for name, value in known.items()]
    return [{"id": _attachment_id(task), **_NETWORK_TYPES, "details": details}]
