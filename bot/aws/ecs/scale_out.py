"""More tasks for a service: `ecs.can_scale_out`, `ecs.scale_out`. Never fewer: that is `ecs.scale_back`, the undo.

Autoscaling's minimum is raised before the number of tasks: it would take the new tasks away again otherwise. Neither
starts a deployment.
"""

from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import Field

from bot.aws.calls import perform
from bot.aws.ecs.deploying import cannot_place
from bot.aws.ecs.scaling import READS, TARGETS, Target, not_scalable, register, room, set_desired, target_of
from bot.aws.ecs.service import (
    SERVICES,
    Service,
    Which,
    counts,
    describe,
    healthy_targets,
    target_groups,
    touched,
)
from bot.aws.polling import SETTLING, next_look
from bot.errors import N_, Phrase, phrase
from bot.playbook.action import (
    Attempt,
    Aws,
    Call,
    Change,
    Done,
    Facts,
    Failed,
    Figures,
    Progress,
    StepPlan,
    Working,
    action,
    check,
)

#: ECS's own limit for a service: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html
MOST = 5_000


class Out(Which):
    """`tasks`: how many there shall be at least."""

    tasks: Annotated[int, Field(ge=1, le=MOST)]


@check(
    "ecs.can_scale_out",
    Out,
    permissions=READS,
    calls=READS,
    outputs={"tasks": "int", "minimum": "int"},
    takes=timedelta(seconds=5),
)
class CanScaleOut:
    """Holds when autoscaling allows so many; says how many tasks, and which minimum, there are before (0: none)."""

    facts: ClassVar[Facts]

    def look(self, params: Out, aws: Aws, attempt: Attempt) -> Progress:  # noqa: ARG002  # nothing depends on it
        service, target = describe(params, aws), target_of(params, aws)
        if problem := _problem(params, service, target):
            return Failed(problem)
        minimum = int(target["MinCapacity"]) if target else 0
        what = N_(
            "{service} may have {tasks} tasks: {running} of {desired} are running, autoscaling's minimum is {minimum}."
        )
        note = phrase(what, tasks=params.tasks, minimum=minimum, **counts(params, service))
        return Done(note, {"tasks": service["desiredCount"], "minimum": minimum})


@action(
    "ecs.scale_out",
    Out,
    permissions=(
        *READS,
        "application-autoscaling:RegisterScalableTarget",
        "cloudwatch:GetMetricStatistics",
        "ec2:DescribeSubnets",
        "ecs:DescribeTaskDefinition",
        "ecs:UpdateService",
        "elasticloadbalancing:DescribeTargetHealth",
        "servicequotas:GetAWSDefaultServiceQuota",
        "servicequotas:GetServiceQuota",
    ),
    calls=(
        *READS,
        "application-autoscaling:RegisterScalableTarget",
        "cloudwatch:GetMetricStatistics",
        "ec2:DescribeSubnets",
        "ecs:DescribeTaskDefinition",
        "ecs:UpdateService",
        "elbv2:DescribeTargetHealth",
        "service-quotas:GetAWSDefaultServiceQuota",
        "service-quotas:GetServiceQuota",
    ),
    resources={"application-autoscaling:RegisterScalableTarget": TARGETS, "ecs:UpdateService": SERVICES},
    plane="control",
    changes=N_("Raises autoscaling's minimum and then the number of tasks; never lowers either."),
    undo=N_("Gives both the values from before, which ecs.can_scale_out has written down."),
    undone_by="ecs.scale_back",
    recognised_by=N_("The service is to run that many tasks already, and autoscaling holds it to no fewer."),
    outputs={"running": "int"},
    recovers=Figures(rpo=timedelta(), rto=timedelta(minutes=5)),
    takes=timedelta(minutes=2),
)
class ScaleOut:
    facts: ClassVar[Facts]

    def plan(self, params: Out, aws: Aws, attempt: Attempt) -> StepPlan:
        service, target = describe(params, aws), target_of(params, aws)
        touches = (touched(aws, params.cluster, params.service),)
        if problem := _problem(params, service, target):
            return StepPlan(warnings=(problem,), touches=touches)
        if not (changes := _changes(params, service, target)):
            said = phrase(N_("{service} is to run {desired} tasks already."), **counts(params, service))
            return StepPlan(warnings=(said,), touches=touches)
        return StepPlan(
            calls=tuple(call for call, _ in changes),
            changes=tuple(change for _, change in changes),
            warnings=(phrase(N_("The tasks cost money until this is taken back.")),),
            disturbs=(phrase(N_("What {service} uses (databases, queues) gets more load."), service=params.service),),
            touches=touches,
            needs=room(aws, service, params.tasks - service["desiredCount"], attempt.now),
        )

    def act(self, params: Out, aws: Aws, attempt: Attempt) -> Progress:
        service, target = describe(params, aws), target_of(params, aws)
        if problem := _problem(params, service, target):
            return Failed(problem)
        if _is_low(params, target):
            perform(aws, register(params, params.tasks))
            service = describe(params, aws)  # autoscaling may have been faster, and higher: never take that back
        if _has_few(params, service):
            perform(aws, set_desired(params, params.tasks))
        return self.look(params, aws, attempt)

    def look(self, params: Out, aws: Aws, attempt: Attempt) -> Progress:
        service, target = describe(params, aws), target_of(params, aws)
        if problem := not_scalable(params, service) or cannot_place(params, attempt, service):
            return Failed(problem)
        if _is_low(params, target) or _has_few(params, service):
            return _lowered(params, service, target, attempt)
        if waiting := _waiting(params, aws, service):
            return Working(waiting, again_in=next_look(attempt))
        what = N_("{service} runs {running} tasks.")
        return Done(phrase(what, **counts(params, service)), {"running": service["runningCount"]})


def _problem(params: Out, service: Service, target: Target | None) -> Phrase | None:
    if problem := not_scalable(params, service):
        return problem
    if target and target["MaxCapacity"] < params.tasks:
        what = N_(
            "Autoscaling allows {service} at most {most} tasks, and {tasks} are asked for. Ask for no more than {most}, or "
            "raise its maximum first."
        )
        return phrase(what, service=params.service, most=target["MaxCapacity"], tasks=params.tasks)
    return None


def _is_low(params: Out, target: Target | None) -> bool:
    return target is not None and target["MinCapacity"] < params.tasks


def _has_few(params: Out, service: Service) -> bool:
    return bool(service["desiredCount"] < params.tasks)


def _changes(params: Out, service: Service, target: Target | None) -> list[tuple[Call, Change]]:
    """What is missing, the minimum first."""
    found = []
    if target and _is_low(params, target):
        what = phrase(N_("Autoscaling's minimum for {service}"), service=params.service)
        change = Change(what, str(target["MinCapacity"]), str(params.tasks))
        found.append((register(params, params.tasks), change))
    if _has_few(params, service):
        what = phrase(N_("Tasks of {service}"), service=params.service)
        found.append((set_desired(params, params.tasks), Change(what, str(service["desiredCount"]), str(params.tasks))))
    return found


def _lowered(params: Out, service: Service, target: Target | None, attempt: Attempt) -> Progress:
    """AWS does not show it yet, or somebody took it back."""
    fields = {"tasks": params.tasks, "minimum": target["MinCapacity"] if target else "-", **counts(params, service)}
    if attempt.now - attempt.started_at < SETTLING:
        note = phrase(N_("{service} is to run {desired} tasks so far (minimum {minimum})"), **fields)
        return Working(note, again_in=next_look(attempt))
    what = N_(
        "{service} is to run {desired} tasks (minimum {minimum}), not {tasks}: somebody lowered it. Ask them, then retry."
    )
    return Failed(phrase(what, **fields))


def _waiting(params: Out, aws: Aws, service: Service) -> Phrase | None:
    """Until as many run as were asked for, and are healthy; more than that are nobody's business here."""
    if service["runningCount"] < params.tasks:
        what = N_("{service}: {running} of {desired} tasks are running, {pending} are starting")
        return phrase(what, **counts(params, service))
    for group in target_groups(service):
        healthy = healthy_targets(aws, group)
        if healthy < params.tasks:
            what = N_("{service}: all tasks are running, {healthy} of {desired} are healthy behind the load balancer")
            return phrase(what, healthy=healthy, **counts(params, service))
    return None
