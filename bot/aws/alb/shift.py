"""`alb.can_shift` and `alb.shift_target_group`: all of the traffic to one target group."""

import json
from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from bot.aws.alb.rules import (
    CHANGES,
    READS,
    SCOPES,
    Rule,
    actions_of,
    calls,
    group_of,
    not_written,
    short,
    touches,
    write,
)
from bot.aws.calls import perform
from bot.aws.listener_actions import Actions, has_all, shifted, stickiness, weighed, weights_of
from bot.errors import N_, Phrase, phrase
from bot.playbook.action import (
    Attempt,
    Aws,
    Change,
    Done,
    Facts,
    Failed,
    Figures,
    Need,
    Progress,
    StepPlan,
    action,
    check,
)


class Shift(Rule):
    """`to`: the target group's name or ARN; `healthy`: how many healthy targets it must have."""

    to: Annotated[str, StringConstraints(min_length=1, max_length=1024)]
    healthy: Annotated[int, Field(ge=1, le=1000)] = 1


@check(
    "alb.can_shift",
    Shift,
    permissions=READS,
    calls=calls(READS),
    outputs={"actions": "str", "healthy": "int"},
    takes=timedelta(seconds=5),
)
class CanShift:
    """Holds when the target group has enough healthy targets; writes down the actions that are there before."""

    facts: ClassVar[Facts]

    def look(self, params: Shift, aws: Aws, attempt: Attempt) -> Progress:  # noqa: ARG002  # nothing depends on it
        group, actions = group_of(aws, params.to), actions_of(aws, params.rule)
        healthy = _healthy(aws, group)
        if problem := _not_forwarding(params, actions) or _too_few(params, healthy):
            return Failed(problem)
        note = phrase(N_("{group} has {healthy} healthy targets for the traffic."), group=params.to, healthy=healthy)
        return Done(note, {"actions": json.dumps(actions, sort_keys=True), "healthy": healthy})


@action(
    "alb.shift_target_group",
    Shift,
    permissions=(*READS, *CHANGES),
    calls=calls((*READS, *CHANGES)),
    resources=SCOPES,
    plane="control",
    changes=N_("Gives one target group all of the traffic, and the others none; they stay in the rule."),
    undo=N_("Writes the actions from before, which alb.can_shift has written down."),
    undone_by="alb.restore_actions",
    recognised_by=N_("The target group has all of the weight already."),
    outputs={"healthy": "int"},
    recovers=Figures(rpo=timedelta(), rto=timedelta(minutes=1)),
    takes=timedelta(seconds=10),
)
class ShiftTargetGroup:
    facts: ClassVar[Facts]

    def plan(self, params: Shift, aws: Aws, attempt: Attempt) -> StepPlan:  # noqa: ARG002  # nothing depends on it
        group, actions, touched = group_of(aws, params.to), actions_of(aws, params.rule), touches(aws, params)
        if problem := _not_forwarding(params, actions):
            return StepPlan(warnings=(problem,), touches=touched)
        if has_all(actions, group):
            said = phrase(N_("{group} has all of the traffic already."), group=params.to)
            return StepPlan(warnings=(said,), touches=touched)
        what = phrase(N_("Weights of the target groups of {rule}"), rule=short(params.rule))
        needed = phrase(N_("Healthy targets of {group}"), group=params.to)
        return StepPlan(
            calls=(write(params, shifted(actions, group)),),
            changes=(Change(what, weights_of(actions), weights_of(shifted(actions, group))),),
            warnings=stickiness(actions),
            disturbs=(phrase(N_("New requests go to {group}; open ones end where they are."), group=params.to),),
            touches=touched,
            needs=(Need(needed, params.healthy, _healthy(aws, group)),),
        )

    def act(self, params: Shift, aws: Aws, attempt: Attempt) -> Progress:
        group, actions = group_of(aws, params.to), actions_of(aws, params.rule)
        if not has_all(actions, group):
            if problem := _not_forwarding(params, actions) or _too_few(params, _healthy(aws, group)):
                return Failed(problem)
            perform(aws, write(params, shifted(actions, group)))
        return self.look(params, aws, attempt)

    def look(self, params: Shift, aws: Aws, attempt: Attempt) -> Progress:
        group, actions = group_of(aws, params.to), actions_of(aws, params.rule)
        if not has_all(actions, group):
            return not_written(params, actions, attempt)
        healthy = _healthy(aws, group)
        if problem := _too_few(params, healthy):
            return Failed(problem)
        note = phrase(
            N_("{group} has all of the traffic, on {healthy} healthy targets."), group=params.to, healthy=healthy
        )
        return Done(note, {"healthy": healthy})


def _healthy(aws: Aws, group: str) -> int:
    described = aws.client("elbv2").describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return sum(one["TargetHealth"]["State"] == "healthy" for one in described)


def _not_forwarding(params: Rule, actions: Actions) -> Phrase | None:
    if weighed(actions):
        return None
    what = N_("{rule} forwards to no target group, so there is no traffic to shift. Choose another rule.")
    return phrase(what, rule=short(params.rule))


def _too_few(params: Shift, healthy: int) -> Phrase | None:
    if healthy >= params.healthy:
        return None
    what = N_(
        "{group} has {healthy} healthy targets, and {needed} are asked for. Targets that no load balancer uses are not "
        "checked at all: put the target group into the rule with weight 0 beforehand."
    )
    return phrase(what, group=params.to, healthy=healthy, needed=params.healthy)
