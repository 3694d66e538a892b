"""ECS: replace a service's tasks with new ones of the same task definition, and know when that has really worked.

boto3's `services_stable` waiter is not used: it waits ten minutes and does not see a deployment that has failed.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import StringConstraints

from bot.aws.calls import perform
from bot.aws.fargate import room_for
from bot.aws.polling import CLOCK_SKEW, SETTLING, next_look
from bot.errors import N_, ActionFailed, Phrase, phrase
from bot.playbook.action import (
    Attempt,
    Aws,
    Call,
    Change,
    Done,
    Facts,
    Failed,
    InputType,
    Params,
    Progress,
    StepPlan,
    Working,
    action,
    check,
)
from escalation.duration import Duration

Cluster = Annotated[str, InputType("ecs.cluster"), StringConstraints(min_length=1, max_length=2048)]
Name = Annotated[str, InputType("ecs.service"), StringConstraints(min_length=1, max_length=2048)]

Service = Mapping[str, Any]
Deployment = Mapping[str, Any]


class Which(Params):
    cluster: Cluster
    service: Name


class Steady(Which):
    """`steady_for`: how long the tasks must keep running, so that one which starts and dies is not taken for healthy."""

    steady_for: Duration = timedelta(seconds=15)


@check(
    "ecs.can_restart",
    Which,
    permissions=("ecs:DescribeServices",),
    calls=("ecs:DescribeServices",),
    takes=timedelta(seconds=5),
)
class CanRestart:
    """Holds when the service is active, has tasks to replace, and nothing else is being deployed."""

    facts: ClassVar[Facts]

    def look(self, params: Which, aws: Aws, attempt: Attempt) -> Progress:  # noqa: ARG002  # nothing depends on it
        service = _describe(params, aws)
        if problem := _not_restartable(params, service) or _under_way(params, service):
            return Failed(problem)
        what = N_(
            "{service} can be restarted: {running} of {desired} tasks are running, and no deployment is under way."
        )
        return Done(phrase(what, **_counts(params, service)))


@check(
    "ecs.service_steady",
    Steady,
    permissions=("ecs:DescribeServices", "elasticloadbalancing:DescribeTargetHealth"),
    calls=("ecs:DescribeServices", "elbv2:DescribeTargetHealth"),
    takes=timedelta(seconds=30),
)
class ServiceSteady:
    """Holds when every task runs, is healthy behind its load balancer, and has stayed so for a while."""

    facts: ClassVar[Facts]

    def look(self, params: Steady, aws: Aws, attempt: Attempt) -> Progress:
        service = _describe(params, aws)
        if problem := _inactive(params, service) or _has_failed(params, _primary(service)):
            return Failed(problem)
        waiting = _waiting(params, aws, service)
        if waiting:
            return Working(waiting, again_in=next_look(attempt))
        since = datetime.fromisoformat(attempt.memory.get("steady_since", attempt.now.isoformat()))
        if attempt.now - since < params.steady_for:
            note = phrase(N_("{service} is steady; watching whether it stays so"), service=params.service)
            return Working(note, again_in=params.steady_for, memory={"steady_since": since.isoformat()})
        what = N_("{service} is steady: {running} of {desired} tasks are running.")
        return Done(phrase(what, **_counts(params, service)))


@action(
    "ecs.restart_service",
    Which,
    permissions=(
        "ecs:DescribeServices",
        "ecs:UpdateService",
        "elasticloadbalancing:DescribeTargetHealth",
        # Whether there is room for the new tasks beside the old ones.
        "cloudwatch:GetMetricStatistics",
        "ecs:DescribeTaskDefinition",
        "servicequotas:GetAWSDefaultServiceQuota",
        "servicequotas:GetServiceQuota",
    ),
    plane="control",
    changes=N_("Starts new tasks of the same task definition and stops the old ones, a few at a time."),
    undo=N_("There is nothing to undo: the task definition, the number of tasks and the settings stay as they are."),
    undone_by=None,
    recognised_by=N_("The service's newest deployment was made after this attempt began."),
    resources={"ecs:UpdateService": ("arn:{partition}:ecs:{region}:{account}:service/*",)},
    outputs={"deployment": "str", "running": "int"},
    calls=(
        "cloudwatch:GetMetricStatistics",
        "ecs:DescribeServices",
        "ecs:DescribeTaskDefinition",
        "ecs:UpdateService",
        "elbv2:DescribeTargetHealth",
        "service-quotas:GetAWSDefaultServiceQuota",
        "service-quotas:GetServiceQuota",
    ),
    takes=timedelta(minutes=4),
)
class RestartService:
    facts: ClassVar[Facts]

    def plan(self, params: Which, aws: Aws, attempt: Attempt) -> StepPlan:
        service = _describe(params, aws)
        touches = (touched(aws, params.cluster, params.service),)
        if problem := _not_restartable(params, service) or _under_way(params, service):
            return StepPlan(warnings=(problem,), touches=touches)
        primary = _primary(service)
        what = phrase(N_("The tasks of {service}; running: {running}"), **_counts(params, service))
        before = f"{primary['id']} ({_revision(primary)})"
        return StepPlan(
            calls=(_restart_call(params),),
            changes=(Change(what, before, _revision(primary)),),
            warnings=_warnings(service),
            disturbs=(_disturbed(params, service),),
            touches=touches,
            needs=room_for(aws, service, _more_tasks(service), attempt.now),
        )

    def act(self, params: Which, aws: Aws, attempt: Attempt) -> Progress:
        service = _describe(params, aws)
        if problem := _not_restartable(params, service):
            return Failed(problem)
        if not _made_since(_primary(service), attempt):
            if problem := _under_way(params, service):
                return Failed(problem)
            service = perform(aws, _restart_call(params))["service"]
        primary = _primary(service)
        memory = {"deployment": primary["id"], "failed_tasks": primary.get("failedTasks", 0)}
        note = phrase(
            N_("Deployment {id} has begun: {running} of {desired} tasks are running"),
            id=primary["id"],
            **_counts(params, service),
        )
        return Working(note, again_in=next_look(attempt), memory=memory)

    def look(self, params: Which, aws: Aws, attempt: Attempt) -> Progress:
        service = _describe(params, aws)
        primary = _primary(service)
        ours = attempt.memory.get("deployment")
        if ours is None:
            if not _made_since(primary, attempt):
                return _never_began(params, attempt)
            ours = primary["id"]
        if problem := _inactive(params, service) or _gone_wrong(params, attempt, service, ours):
            return Failed(problem)
        waiting = _waiting(params, aws, service)
        if waiting:
            memory = {"failed_tasks": primary.get("failedTasks", 0), **attempt.memory, "deployment": ours}
            return Working(waiting, again_in=next_look(attempt), memory=memory)
        what = N_("{service} runs on {running} new tasks.")
        return Done(phrase(what, **_counts(params, service)), {"deployment": ours, "running": service["runningCount"]})


def touched(aws: Aws, cluster: str, service: str) -> str:
    """How a service is named among the resources that no other run may change meanwhile; names and ARNs are one."""
    return f"ecs:{aws.region}:{cluster.rpartition('/')[2]}/{service.rpartition('/')[2]}"


def _restart_call(params: Which) -> Call:
    parameters = {"cluster": params.cluster, "service": params.service, "forceNewDeployment": True}
    return Call("ecs", "UpdateService", parameters)


def _describe(params: Which, aws: Aws) -> Service:
    """Raises `ActionFailed` when there is no such service."""
    answer = aws.client("ecs").describe_services(cluster=params.cluster, services=[params.service])
    if answer["services"]:
        service: Service = answer["services"][0]
        return service
    what = N_("There is no service {service} in cluster {cluster} ({region}). Check the step's parameters.")
    said = phrase(what, service=params.service, cluster=params.cluster, region=aws.region)
    raise ActionFailed(said, code="ServiceNotFoundException")


def _primary(service: Service) -> Deployment:
    """The newest deployment; a service that is not deployed by ECS itself has none."""
    return next((d for d in service.get("deployments", ()) if d["status"] == "PRIMARY"), {})


def _made_since(deployment: Deployment, attempt: Attempt) -> bool:
    made = deployment.get("createdAt")
    return made is not None and made >= attempt.started_at - CLOCK_SKEW


def _revision(deployment: Deployment) -> str:
    """`orders:7` of the task definition's ARN."""
    return str(deployment["taskDefinition"]).rpartition("/")[2]


def _counts(params: Which, service: Service) -> dict[str, Any]:
    return {
        "service": params.service,
        "running": service["runningCount"],
        "desired": service["desiredCount"],
        "pending": service["pendingCount"],
    }


def _inactive(params: Which, service: Service) -> Phrase | None:
    if service["status"] == "ACTIVE":
        return None
    what = N_("{service} is {status}, not ACTIVE. Create it again or choose another service.")
    return phrase(what, service=params.service, status=service["status"])


def _not_restartable(params: Which, service: Service) -> Phrase | None:
    if problem := _inactive(params, service):
        return problem
    controller = service.get("deploymentController", {}).get("type", "ECS")
    if controller != "ECS" or not _primary(service):
        what = N_("{service} is deployed by {controller}, so ECS cannot restart it. Start a deployment there.")
        return phrase(what, service=params.service, controller=controller)
    if service["desiredCount"] == 0:
        what = N_("{service} is set to run no tasks, so there is nothing to restart. Set its desired count first.")
        return phrase(what, service=params.service)
    return None


def _under_way(params: Which, service: Service) -> Phrase | None:
    """Someone's deployment that is not finished; two at once would hide what helped."""
    primary = _primary(service)
    if len(service["deployments"]) == 1 and primary.get("rolloutState", "COMPLETED") != "IN_PROGRESS":
        return None
    what = N_(
        "Deployment {id} of {service} is under way since {since}. Wait until it ends, or roll it back; then start again."
    )
    return phrase(what, id=primary["id"], service=params.service, since=primary.get("createdAt", "-"))


def _has_failed(params: Which, deployment: Deployment) -> Phrase | None:
    if deployment.get("rolloutState") != "FAILED":
        return None
    what = N_(
        "The deployment of {service} has failed: {reason} Look at the stopped tasks; roll back if the image is bad."
    )
    return phrase(what, service=params.service, reason=deployment.get("rolloutStateReason", "-"))


def _gone_wrong(params: Which, attempt: Attempt, service: Service, ours: str) -> Phrase | None:
    """The signs that this restart will not end well, so that nobody waits for its deadline."""
    mine: Deployment = next((d for d in service["deployments"] if d["id"] == ours), {})
    if problem := _has_failed(params, mine):
        return problem
    if _primary(service)["id"] != ours:
        what = N_(
            "Deployment {other} of {service} has replaced ours ({ours}): rolled back, or started by someone else."
        )
        return phrase(what, other=_primary(service)["id"], service=params.service, ours=ours)
    failed = mine.get("failedTasks", 0)
    if failed > attempt.memory.get("failed_tasks", 0):
        what = N_(
            "New tasks of {service} have failed to start: {failed}. Look at the stopped tasks' reasons; roll back if needed."
        )
        return phrase(what, failed=failed, service=params.service)
    return _cannot_place(params, attempt, service)


def _cannot_place(params: Which, attempt: Attempt, service: Service) -> Phrase | None:
    """ECS says so only in words (SERVICE_TASK_PLACEMENT_FAILURE is the name of the same event in EventBridge)."""
    for event in service.get("events", ()):
        recent = event["createdAt"] >= attempt.started_at - CLOCK_SKEW
        if recent and "unable to place a task" in event["message"]:
            what = N_("ECS finds no room for a task of {service}: {message} Add capacity, then retry.")
            return phrase(what, service=params.service, message=event["message"])
    return None


def _never_began(params: Which, attempt: Attempt) -> Progress:
    if attempt.now - attempt.started_at < SETTLING:
        note = phrase(N_("The restart of {service} is not visible yet"), service=params.service)
        return Working(note, again_in=next_look(attempt))
    what = N_("No deployment of {service} has begun. Retry the step.")
    return Failed(phrase(what, service=params.service))


def _waiting(params: Which, aws: Aws, service: Service) -> Phrase | None:
    """What is still missing for the service to be steady; None: nothing."""
    primary = _primary(service)
    rolled_out = len(service["deployments"]) == 1 and primary.get("rolloutState", "COMPLETED") == "COMPLETED"
    all_run = service["runningCount"] == service["desiredCount"] and service["pendingCount"] == 0
    if not (rolled_out and all_run):
        what = N_("{service}: {running} of {desired} tasks are running, {pending} are starting")
        return phrase(what, **_counts(params, service))
    for group in _target_groups(service):
        healthy = _healthy_targets(aws, group)
        if healthy < service["desiredCount"]:
            what = N_("{service}: all tasks are running, {healthy} of {desired} are healthy behind the load balancer")
            return phrase(what, healthy=healthy, **_counts(params, service))
    return None


def _target_groups(service: Service) -> list[str]:
    return [lb["targetGroupArn"] for lb in service.get("loadBalancers", ()) if lb.get("targetGroupArn")]


def _healthy_targets(aws: Aws, target_group: str) -> int:
    answer = aws.client("elbv2").describe_target_health(TargetGroupArn=target_group)
    return sum(target["TargetHealth"]["State"] == "healthy" for target in answer["TargetHealthDescriptions"])


def _percents(service: Service) -> tuple[int, int]:
    """Between how many percent of its tasks the service runs while it is deployed."""
    deployment = service.get("deploymentConfiguration", {})
    return deployment.get("minimumHealthyPercent", 100), deployment.get("maximumPercent", 200)


def _disturbed(params: Which, service: Service) -> Phrase:
    least, _ = _percents(service)
    if least < 100:
        what = N_("{service}: down to {least} % of its tasks run meanwhile.")
        return phrase(what, service=params.service, least=f"{least:g}")
    return phrase(N_("{service}: its open connections move to new tasks."), service=params.service)


def _more_tasks(service: Service) -> int:
    """How many tasks may run beside the old ones; ECS rounds down."""
    _, most = _percents(service)
    desired = int(service["desiredCount"])
    return int(desired * most / 100) - desired


def _warnings(service: Service) -> tuple[Phrase, ...]:
    warnings = [phrase(N_("A tag that has moved brings another image: the new tasks pull it again."))]
    if _target_groups(service):
        warnings.append(phrase(N_("An old task leaves after the load balancer's deregistration delay (often 300 s).")))
    return tuple(warnings)
