"""`ecs.scale_back`: the undo of `ecs.scale_out`. What somebody, or autoscaling, has changed since stays as it is."""

from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import Field

from bot.aws.calls import perform
from bot.aws.ecs.scale_out import MOST
from bot.aws.ecs.scaling import READS, TARGETS, Target, not_scalable, register, set_desired, target_of
from bot.aws.ecs.service import SERVICES, Service, Which, counts, describe, touched
from bot.aws.polling import SETTLING, next_look
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
    Working,
    action,
)


class ScaledOut(Which):
    """`tasks` and `minimum`: as they were before; `scaled_to`: the number that `ecs.scale_out` was given."""

    tasks: Annotated[int, Field(ge=0, le=MOST)]
    minimum: Annotated[int, Field(ge=0, le=MOST)]
    scaled_to: Annotated[int, Field(ge=1, le=MOST)]


@action(
    "ecs.scale_back",
    ScaledOut,
    permissions=(*READS, "application-autoscaling:RegisterScalableTarget", "ecs:UpdateService"),
    calls=(*READS, "application-autoscaling:RegisterScalableTarget", "ecs:UpdateService"),
    resources={"application-autoscaling:RegisterScalableTarget": TARGETS, "ecs:UpdateService": SERVICES},
    plane="control",
    changes=N_("Gives autoscaling's minimum and the number of tasks the values from before."),
    undo=N_("Scales out again."),
    undone_by="ecs.scale_out",
    recognised_by=N_("Neither is what scaling out made it."),
    takes=timedelta(seconds=10),
)
class ScaleBack:
    facts: ClassVar[Facts]

    def plan(self, params: ScaledOut, aws: Aws, attempt: Attempt) -> StepPlan:  # noqa: ARG002  # nothing depends on it
        service, target = describe(params, aws), target_of(params, aws)
        touches = (touched(aws, params.cluster, params.service),)
        if problem := not_scalable(params, service):
            return StepPlan(warnings=(problem,), touches=touches)
        changes = _changes(params, service, target)
        fewer = phrase(
            N_("{service} has fewer tasks for its load. Wait until the alarm is over."), service=params.service
        )
        return StepPlan(
            calls=tuple(call for call, _ in changes),
            changes=tuple(change for _, change in changes),
            disturbs=(fewer,) if changes else (),
            touches=touches,
        )

    def act(self, params: ScaledOut, aws: Aws, attempt: Attempt) -> Progress:
        service, target = describe(params, aws), target_of(params, aws)
        if problem := not_scalable(params, service):
            return Failed(problem)
        for call, _ in _changes(params, service, target):
            perform(aws, call)
        return self.look(params, aws, attempt)

    def look(self, params: ScaledOut, aws: Aws, attempt: Attempt) -> Progress:
        service, target = describe(params, aws), target_of(params, aws)
        fields = {"minimum": target["MinCapacity"] if target else "-", **counts(params, service)}
        if not _is_held(params, target) and not _has_more(params, service):
            what = N_("{service} is to run {desired} tasks; autoscaling's minimum is {minimum}.")
            return Done(phrase(what, **fields))
        if attempt.now - attempt.started_at < SETTLING:
            note = phrase(N_("{service} is to run {desired} tasks so far (minimum {minimum})"), **fields)
            return Working(note, again_in=next_look(attempt))
        what = N_("{service} is still to run {desired} tasks (minimum {minimum}). Look at it in ECS, then retry.")
        return Failed(phrase(what, **fields))


def _is_held(params: ScaledOut, target: Target | None) -> bool:
    """The minimum is still what scaling out made it."""
    return target is not None and target["MinCapacity"] == params.scaled_to > params.minimum


def _has_more(params: ScaledOut, service: Service) -> bool:
    """The number of tasks is still what scaling out made it."""
    return bool(service["desiredCount"] == params.scaled_to > params.tasks)


def _changes(params: ScaledOut, service: Service, target: Target | None) -> list[tuple[Call, Change]]:
    """What scaling out has made, and nobody has changed since; the minimum first, or it would raise the tasks again."""
    found = []
    if _is_held(params, target):
        what = phrase(N_("Autoscaling's minimum for {service}"), service=params.service)
        change = Change(what, str(params.scaled_to), str(params.minimum))
        found.append((register(params, params.minimum), change))
    if _has_more(params, service):
        what = phrase(N_("Tasks of {service}"), service=params.service)
        found.append((set_desired(params, params.tasks), Change(what, str(params.scaled_to), str(params.tasks))))
    return found
