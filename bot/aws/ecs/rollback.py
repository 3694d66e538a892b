"""Go back to the last release of a service that was good: `ecs.can_roll_back`, `ecs.rollback_task_definition`.

Only ECS's own deployments can be rolled back so: a service that CodeDeploy deploys refuses another task definition.
"""

from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import StringConstraints

from bot.aws.calls import perform
from bot.aws.ecs import releases
from bot.aws.ecs.deploying import CALLS, PLANS, READS, begun, beside, disturbed, drains, made_since, unfinished
from bot.aws.ecs.releases import Release, came_from, is_newer, last_good, name_of, named
from bot.aws.ecs.service import (
    SERVICES,
    Service,
    Which,
    counts,
    describe,
    not_deployable,
    primary_of,
    revision,
    touched,
)
from bot.aws.fargate import room_for
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
    InputType,
    Progress,
    StepPlan,
    action,
    check,
)

#: What ECS may be told to start tasks as: the roles of the task definition that it goes back to.
_ROLES = ("arn:{partition}:iam::{account}:role/*",)


class Back(Which):
    """`task_definition`: which release to go to, as `web:6` or an ARN; left out, the last one that was good."""

    task_definition: Annotated[str, InputType("str"), StringConstraints(min_length=1, max_length=2048)] | None = None


@check(
    "ecs.can_roll_back",
    Which,
    permissions=("ecs:DescribeServices", "ecs:DescribeTaskDefinition", *releases.READS),
    calls=("ecs:DescribeServices", "ecs:DescribeTaskDefinition", *releases.READS),
    outputs={"current": "str", "good": "str"},
    takes=timedelta(seconds=5),
)
class CanRollBack:
    """Holds when there is an older release that was good and can still start; says it and the one that runs now."""

    facts: ClassVar[Facts]

    def look(self, params: Which, aws: Aws, attempt: Attempt) -> Progress:  # noqa: ARG002  # nothing depends on it
        service = describe(params, aws)
        if problem := not_deployable(params, service):
            return Failed(problem)
        found = last_good(params, aws, service)
        if isinstance(found, Phrase):
            return Failed(found)
        current = str(primary_of(service)["taskDefinition"])
        what = N_("{service} runs {current}; the last release before it that was good is {good}.")
        fields = {"current": name_of(current), "good": name_of(found.task_definition)}
        return Done(phrase(what, service=params.service, **fields), {"current": current, "good": found.task_definition})


@action(
    "ecs.rollback_task_definition",
    Back,
    permissions=(*READS, *PLANS, *releases.READS, "ecs:UpdateService", "iam:PassRole"),
    calls=(*CALLS, *releases.READS, "ecs:UpdateService"),
    resources={"ecs:UpdateService": SERVICES, "iam:PassRole": _ROLES},
    plane="control",
    changes=N_("Replaces the tasks with those of the last release that was good, a few at a time."),
    undo=N_("Goes forward again to the release that ran before, which ecs.can_roll_back has written down."),
    undone_by="ecs.rollback_task_definition",
    recognised_by=N_("The newest deployment was made after this attempt began, or goes back to an older release."),
    outputs={"deployment": "str", "task_definition": "str", "running": "int"},
    recovers=Figures(rpo=timedelta(), rto=timedelta(minutes=5)),
    takes=timedelta(minutes=4),
)
class RollbackTaskDefinition:
    facts: ClassVar[Facts]

    def plan(self, params: Back, aws: Aws, attempt: Attempt) -> StepPlan:
        service = describe(params, aws)
        touches = (touched(aws, params.cluster, params.service),)
        if problem := not_deployable(params, service):
            return StepPlan(warnings=(problem,), touches=touches)
        if _is_there(params, aws, service, attempt):
            return StepPlan(warnings=(_adopted(params, service),), touches=touches)
        release = _release(params, aws, service)
        if isinstance(release, Phrase):
            return StepPlan(warnings=(release,), touches=touches)
        what = phrase(N_("The release of {service}; running: {running}"), **counts(params, service))
        return StepPlan(
            calls=(_call(params, release),),
            changes=(Change(what, revision(primary_of(service)), name_of(release.task_definition)),),
            warnings=(phrase(_DATA), *release.warnings, *drains(aws, service)),
            disturbs=(disturbed(params, service),),
            touches=touches,
            needs=room_for(aws, service, beside(service), attempt.now),
        )

    def act(self, params: Back, aws: Aws, attempt: Attempt) -> Progress:
        service = describe(params, aws)
        if problem := not_deployable(params, service):
            return Failed(problem)
        if not _is_there(params, aws, service, attempt):
            release = _release(params, aws, service)
            if isinstance(release, Phrase):
                return Failed(release)
            service = perform(aws, _call(params, release))["service"]
        return begun(params, attempt, service)

    def look(self, params: Back, aws: Aws, attempt: Attempt) -> Progress:
        service = describe(params, aws)
        if progress := unfinished(params, aws, attempt, service):
            return progress
        primary = primary_of(service)
        what = N_("{service} runs {release} on {running} tasks.")
        output = {
            "deployment": primary["id"],
            "task_definition": primary["taskDefinition"],
            "running": service["runningCount"],
        }
        return Done(phrase(what, release=revision(primary), **counts(params, service)), output)


_DATA = N_(
    "Only the code goes back: what the newer release has changed in the data (a migration) stays. "
    "Check that the older release can live with it."
)


def _call(params: Back, release: Release) -> Call:
    parameters = {"cluster": params.cluster, "service": params.service, "taskDefinition": release.task_definition}
    return Call("ecs", "UpdateService", parameters)


def _release(params: Back, aws: Aws, service: Service) -> Release | Phrase:
    """Where to go; or why there is nowhere."""
    if params.task_definition is None:
        return last_good(params, aws, service)
    return named(params, aws, service, params.task_definition)


def _is_there(params: Back, aws: Aws, service: Service, attempt: Attempt) -> bool:
    """It is going back already, or has just gone: by an earlier call, or a person. Another step back would be too far."""
    primary = primary_of(service)
    if params.task_definition is not None:
        return name_of(params.task_definition) == revision(primary)
    if primary.get("rolloutState") != "IN_PROGRESS" and not made_since(primary, attempt):
        return False
    replaced = came_from(params, aws, primary["taskDefinition"])
    return replaced is not None and is_newer(replaced, primary["taskDefinition"])


def _adopted(params: Back, service: Service) -> Phrase:
    what = N_("{service} is going to {release} already, or is there: nothing else is deployed.")
    return phrase(what, service=params.service, release=revision(primary_of(service)))
