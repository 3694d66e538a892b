"""What all of ECS's actions ask of a service: its newest deployment, its state in words, and what stands against a change."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import StringConstraints

from bot.errors import N_, ActionFailed, Phrase, phrase
from bot.playbook.action import Aws, InputType, Params

Cluster = Annotated[str, InputType("ecs.cluster"), StringConstraints(min_length=1, max_length=2048)]
Name = Annotated[str, InputType("ecs.service"), StringConstraints(min_length=1, max_length=2048)]

Service = Mapping[str, Any]
Deployment = Mapping[str, Any]

#: What IAM calls the services of a region.
SERVICES = ("arn:{partition}:ecs:{region}:{account}:service/*",)


class Which(Params):
    cluster: Cluster
    service: Name


def touched(aws: Aws, cluster: str, service: str) -> str:
    """How a service is named among the resources that no other run may change meanwhile; names and ARNs are one."""
    return f"ecs:{aws.region}:{cluster.rpartition('/')[2]}/{service.rpartition('/')[2]}"


def describe(params: Which, aws: Aws) -> Service:
    """Raises `ActionFailed` when there is no such service."""
    answer = aws.client("ecs").describe_services(cluster=params.cluster, services=[params.service])
    if answer["services"]:
        service: Service = answer["services"][0]
        return service
    what = N_("There is no service {service} in cluster {cluster} ({region}). Check the step's parameters.")
    said = phrase(what, service=params.service, cluster=params.cluster, region=aws.region)
    raise ActionFailed(said, code="ServiceNotFoundException")


def primary_of(service: Service) -> Deployment:
    """The newest deployment; a service that is not deployed by ECS itself has none."""
    return next((d for d in service.get("deployments", ()) if d["status"] == "PRIMARY"), {})


def revision(deployment: Deployment) -> str:
    """`orders:7` of the task definition's ARN."""
    return str(deployment["taskDefinition"]).rpartition("/")[2]


def counts(params: Which, service: Service) -> dict[str, Any]:
    return {
        "service": params.service,
        "running": service["runningCount"],
        "desired": service["desiredCount"],
        "pending": service["pendingCount"],
    }


def inactive(params: Which, service: Service) -> Phrase | None:
    if service["status"] == "ACTIVE":
        return None
    what = N_("{service} is {status}, not ACTIVE. Create it again or choose another service.")
    return phrase(what, service=params.service, status=service["status"])


def not_deployable(params: Which, service: Service) -> Phrase | None:
    if problem := inactive(params, service):
        return problem
    controller = service.get("deploymentController", {}).get("type", "ECS")
    if controller != "ECS" or not primary_of(service):
        what = N_("{service} is deployed by {controller}, so ECS cannot replace its tasks. Start a deployment there.")
        return phrase(what, service=params.service, controller=controller)
    if service["desiredCount"] == 0:
        what = N_("{service} is set to run no tasks, so there is nothing to replace. Set its desired count first.")
        return phrase(what, service=params.service)
    return None


def under_way(params: Which, service: Service) -> Phrase | None:
    """Someone's deployment that is not finished; two at once would hide what helped."""
    primary = primary_of(service)
    if len(service["deployments"]) == 1 and primary.get("rolloutState", "COMPLETED") != "IN_PROGRESS":
        return None
    what = N_(
        "Deployment {id} of {service} is under way since {since}. Wait until it ends, or roll it back; then start again."
    )
    return phrase(what, id=primary["id"], service=params.service, since=primary.get("createdAt", "-"))


def has_failed(params: Which, deployment: Deployment) -> Phrase | None:
    if deployment.get("rolloutState") != "FAILED":
        return None
    what = N_(
        "The deployment of {service} has failed: {reason} Look at the stopped tasks; roll back if the image is bad."
    )
    return phrase(what, service=params.service, reason=deployment.get("rolloutStateReason", "-"))


def target_groups(service: Service) -> list[str]:
    return [lb["targetGroupArn"] for lb in service.get("loadBalancers", ()) if lb.get("targetGroupArn")]


def healthy_targets(aws: Aws, target_group: str) -> int:
    answer = aws.client("elbv2").describe_target_health(TargetGroupArn=target_group)
    return sum(target["TargetHealth"]["State"] == "healthy" for target in answer["TargetHealthDescriptions"])


def percents(service: Service) -> tuple[int, int]:
    """Between how many percent of its tasks the service runs while it is deployed."""
    deployment = service.get("deploymentConfiguration", {})
    return deployment.get("minimumHealthyPercent", 100), deployment.get("maximumPercent", 200)
