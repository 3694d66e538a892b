"""A deployment of ours: has it begun, has it gone wrong, is everything there?

boto3's `services_stable` waiter is not used: it waits ten minutes and does not see a deployment that has failed.
"""

from bot.aws.ecs.service import (
    Deployment,
    Service,
    Which,
    counts,
    has_failed,
    healthy_targets,
    inactive,
    percents,
    primary_of,
    target_groups,
)
from bot.aws.polling import CLOCK_SKEW, SETTLING, next_look
from bot.errors import N_, Phrase, phrase
from bot.playbook.action import Attempt, Aws, Failed, Working

#: What following a deployment needs.
READS = ("ecs:DescribeServices", "elasticloadbalancing:DescribeTargetHealth")
#: What planning one needs besides: how long old tasks stay, and whether there is room for the new ones beside them.
PLANS = (
    "cloudwatch:GetMetricStatistics",
    "ecs:DescribeTaskDefinition",
    "elasticloadbalancing:DescribeTargetGroupAttributes",
    "servicequotas:GetAWSDefaultServiceQuota",
    "servicequotas:GetServiceQuota",
)
#: The same as botocore names them.
CALLS = (
    "cloudwatch:GetMetricStatistics",
    "ecs:DescribeServices",
    "ecs:DescribeTaskDefinition",
    "elbv2:DescribeTargetGroupAttributes",
    "elbv2:DescribeTargetHealth",
    "service-quotas:GetAWSDefaultServiceQuota",
    "service-quotas:GetServiceQuota",
)
#: AWS's own: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html
_DRAINS = 300


def begun(params: Which, attempt: Attempt, service: Service) -> Working:
    """The newest deployment is ours; from now on it is followed by its id."""
    primary = primary_of(service)
    memory = {"deployment": primary["id"], "failed_tasks": primary.get("failedTasks", 0)}
    what = N_("Deployment {id} has begun: {running} of {desired} tasks are running")
    note = phrase(what, id=primary["id"], **counts(params, service))
    return Working(note, again_in=next_look(attempt), memory=memory)


def unfinished(params: Which, aws: Aws, attempt: Attempt, service: Service) -> Working | Failed | None:
    """None: our deployment has ended well, and everything there is healthy."""
    primary = primary_of(service)
    ours = attempt.memory.get("deployment")
    if ours is None:
        if not made_since(primary, attempt):
            return _never_began(params, attempt)
        ours = primary["id"]
    if problem := inactive(params, service) or _gone_wrong(params, attempt, service, ours):
        return Failed(problem)
    if waiting := waiting_for(params, aws, service):
        memory = {"failed_tasks": primary.get("failedTasks", 0), **attempt.memory, "deployment": ours}
        return Working(waiting, again_in=next_look(attempt), memory=memory)
    return None


def made_since(deployment: Deployment, attempt: Attempt) -> bool:
    made = deployment.get("createdAt")
    return made is not None and made >= attempt.started_at - CLOCK_SKEW


def _gone_wrong(params: Which, attempt: Attempt, service: Service, ours: str) -> Phrase | None:
    """The signs that this will not end well, so that nobody waits for its deadline."""
    mine: Deployment = next((d for d in service["deployments"] if d["id"] == ours), {})
    if problem := has_failed(params, mine):
        return problem
    if primary_of(service)["id"] != ours:
        what = N_(
            "Deployment {other} of {service} has replaced ours ({ours}): rolled back, or started by someone else."
        )
        return phrase(what, other=primary_of(service)["id"], service=params.service, ours=ours)
    failed = mine.get("failedTasks", 0)
    if failed > attempt.memory.get("failed_tasks", 0):
        what = N_(
            "New tasks of {service} have failed to start: {failed}. Look at the stopped tasks' reasons; roll back if needed."
        )
        return phrase(what, failed=failed, service=params.service)
    return cannot_place(params, attempt, service)


def cannot_place(params: Which, attempt: Attempt, service: Service) -> Phrase | None:
    """ECS says so only in words (SERVICE_TASK_PLACEMENT_FAILURE is the name of the same event in EventBridge)."""
    for event in service.get("events", ()):
        recent = event["createdAt"] >= attempt.started_at - CLOCK_SKEW
        if recent and "unable to place a task" in event["message"]:
            what = N_("ECS finds no room for a task of {service}: {message} Add capacity, then retry.")
            return phrase(what, service=params.service, message=event["message"])
    return None


def _never_began(params: Which, attempt: Attempt) -> Working | Failed:
    if attempt.now - attempt.started_at < SETTLING:
        note = phrase(N_("The deployment of {service} is not visible yet"), service=params.service)
        return Working(note, again_in=next_look(attempt))
    what = N_("No deployment of {service} has begun. Retry the step.")
    return Failed(phrase(what, service=params.service))


def waiting_for(params: Which, aws: Aws, service: Service) -> Phrase | None:
    """What is still missing for the service to be steady; None: nothing."""
    primary = primary_of(service)
    rolled_out = len(service["deployments"]) == 1 and primary.get("rolloutState", "COMPLETED") == "COMPLETED"
    all_run = service["runningCount"] == service["desiredCount"] and service["pendingCount"] == 0
    if not (rolled_out and all_run):
        what = N_("{service}: {running} of {desired} tasks are running, {pending} are starting")
        return phrase(what, **counts(params, service))
    for group in target_groups(service):
        healthy = healthy_targets(aws, group)
        if healthy < service["desiredCount"]:
            what = N_("{service}: all tasks are running, {healthy} of {desired} are healthy behind the load balancer")
            return phrase(what, healthy=healthy, **counts(params, service))
    return None


def disturbed(params: Which, service: Service) -> Phrase:
    least, _ = percents(service)
    if least < 100:
        what = N_("{service}: down to {least} % of its tasks run meanwhile.")
        return phrase(what, service=params.service, least=f"{least:g}")
    return phrase(N_("{service}: its open connections move to new tasks."), service=params.service)


def beside(service: Service) -> int:
    """How many tasks may run beside the old ones; ECS rounds down."""
    _, most = percents(service)
    desired = int(service["desiredCount"])
    return int(desired * most / 100) - desired


def drains(aws: Aws, service: Service) -> tuple[Phrase, ...]:
    """How long an old task stays behind its load balancer: what makes most deployments slow."""
    groups = target_groups(service)
    if not groups:
        return ()
    what = N_("An old task leaves after the load balancer's deregistration delay: {seconds} s.")
    return (phrase(what, seconds=max(_delay(aws, group) for group in groups)),)


def _delay(aws: Aws, target_group: str) -> int:
    """Seconds."""
    answer = aws.client("elbv2").describe_target_group_attributes(TargetGroupArn=target_group)
    settings = {one["Key"]: one["Value"] for one in answer["Attributes"]}
    return int(settings.get("deregistration_delay.timeout_seconds") or _DRAINS)
