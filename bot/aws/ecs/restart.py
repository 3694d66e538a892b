"""Replace a service's tasks with new ones of the same task definition: `ecs.can_restart`, `ecs.restart_service`."""

from datetime import timedelta
from typing import ClassVar

from bot.aws.calls import perform
from bot.aws.ecs.deploying import CALLS, PLANS, READS, begun, beside, disturbed, drains, made_since, unfinished
from bot.aws.ecs.service import (
    SERVICES,
    Which,
    counts,
    describe,
    not_deployable,
    primary_of,
    revision,
    touched,
    under_way,
)
from bot.aws.fargate import room_for
from bot.errors import N_, phrase
from bot.playbook.action import (
    Attempt,
    Aws,
    Call,
    Change,
    Done,
    Facts,
    Failed,
    Progress,
    StepPlan,
    action,
    check,
)

_MOVED_TAG = N_("A tag that has moved brings another image: the new tasks pull it again.")


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
        service = describe(params, aws)
        if problem := not_deployable(params, service) or under_way(params, service):
            return Failed(problem)
        what = N_(
            "{service} can be restarted: {running} of {desired} tasks are running, and no deployment is under way."
        )
        return Done(phrase(what, **counts(params, service)))


@action(
    "ecs.restart_service",
    Which,
    permissions=(*READS, *PLANS, "ecs:UpdateService"),
    plane="control",
    changes=N_("Starts new tasks of the same task definition and stops the old ones, a few at a time."),
    undo=N_("There is nothing to undo: the task definition, the number of tasks and the settings stay as they are."),
    undone_by=None,
    recognised_by=N_("The service's newest deployment was made after this attempt began."),
    resources={"ecs:UpdateService": SERVICES},
    outputs={"deployment": "str", "running": "int"},
    calls=(*CALLS, "ecs:UpdateService"),
    takes=timedelta(minutes=4),
)
class RestartService:
    facts: ClassVar[Facts]

    def plan(self, params: Which, aws: Aws, attempt: Attempt) -> StepPlan:
        service = describe(params, aws)
        touches = (touched(aws, params.cluster, params.service),)
        if problem := not_deployable(params, service) or under_way(params, service):
            return StepPlan(warnings=(problem,), touches=touches)
        primary = primary_of(service)
        what = phrase(N_("The tasks of {service}; running: {running}"), **counts(params, service))
        before = f"{primary['id']} ({revision(primary)})"
        return StepPlan(
            calls=(_restart_call(params),),
            changes=(Change(what, before, revision(primary)),),
            warnings=(phrase(_MOVED_TAG), *drains(aws, service)),
            disturbs=(disturbed(params, service),),
            touches=touches,
            needs=room_for(aws, service, beside(service), attempt.now),
        )

    def act(self, params: Which, aws: Aws, attempt: Attempt) -> Progress:
        service = describe(params, aws)
        if problem := not_deployable(params, service):
            return Failed(problem)
        # In a first act, a deployment that has just been made is somebody else's.
        if not (attempt.again and made_since(primary_of(service), attempt)):
            if problem := under_way(params, service):
                return Failed(problem)
            service = perform(aws, _restart_call(params))["service"]
        return begun(params, attempt, service)

    def look(self, params: Which, aws: Aws, attempt: Attempt) -> Progress:
        service = describe(params, aws)
        if progress := unfinished(params, aws, attempt, service):
            return progress
        what = N_("{service} runs on {running} new tasks.")
        output = {"deployment": primary_of(service)["id"], "running": service["runningCount"]}
        return Done(phrase(what, **counts(params, service)), output)


def _restart_call(params: Which) -> Call:
    parameters = {"cluster": params.cluster, "service": params.service, "forceNewDeployment": True}
    return Call("ecs", "UpdateService", parameters)
