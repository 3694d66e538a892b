"""A load balancer's traffic from one target group to another: blue and green, or a copy that stands by.

`alb.can_shift` writes down what is there, `alb.shift_target_group` gives one target group all of the weight, and
`alb.restore_actions` writes back exactly what was there before. It takes seconds.
"""

import json
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from bot.aws.calls import perform
from bot.aws.listener_actions import Actions, has_all, sendable, shifted, stickiness, weighed, weights_of
from bot.aws.polling import SETTLING, next_look
from bot.errors import N_, ActionFailed, Phrase, phrase
from bot.playbook.action import (
    Attempt,
    Aws,
    Call,
    Change,
    Done,
    Facts,
    Failed,
    Figures,
    Need,
    Params,
    Progress,
    StepPlan,
    Working,
    action,
    check,
)

_READS = (
    "elasticloadbalancing:DescribeListeners",
    "elasticloadbalancing:DescribeRules",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth",
)
_RULES = tuple(one for one in _READS if "Target" not in one)
_CHANGES = ("elasticloadbalancing:ModifyListener", "elasticloadbalancing:ModifyRule")
#: What IAM calls them.
_SCOPES = {
    _CHANGES[0]: ("arn:{partition}:elasticloadbalancing:{region}:{account}:listener/app/*",),
    _CHANGES[1]: ("arn:{partition}:elasticloadbalancing:{region}:{account}:listener-rule/app/*",),
}
_ARN = re.compile(r"^arn:[\w-]+:elasticloadbalancing:[\w-]+:\d{12}:listener(-rule)?/app/(?P<balancer>[\w-]+)/[\w/]+$")
_NOT_FOUND = {"ListenerNotFound", "ListenerNotFoundException", "RuleNotFound", "RuleNotFoundException"}
_NO_GROUP = {"TargetGroupNotFound", "TargetGroupNotFoundException"}


def _calls(permissions: Sequence[str]) -> tuple[str, ...]:
    return tuple(one.replace("elasticloadbalancing:", "elbv2:") for one in permissions)


class Rule(Params):
    """`rule`: the ARN of a listener, for what it does by default, or of one of its rules."""

    rule: Annotated[str, StringConstraints(pattern=_ARN.pattern, max_length=1024)]


class Shift(Rule):
    """`to`: the target group's name or ARN; `healthy`: how many healthy targets it must have."""

    to: Annotated[str, StringConstraints(min_length=1, max_length=1024)]
    healthy: Annotated[int, Field(ge=1, le=1000)] = 1


class Before(Rule):
    """`actions`: what `alb.can_shift` has written down; `shifted_to`: the target group that has the traffic now."""

    actions: Annotated[str, StringConstraints(min_length=2, max_length=50_000)]
    shifted_to: Annotated[str, StringConstraints(min_length=1, max_length=1024)]


@check(
    "alb.can_shift",
    Shift,
    permissions=_READS,
    calls=_calls(_READS),
    outputs={"actions": "str", "healthy": "int"},
    takes=timedelta(seconds=5),
)
class CanShift:
    """Holds when the target group has enough healthy targets; writes down the actions that are there before."""

    facts: ClassVar[Facts]

    def look(self, params: Shift, aws: Aws, attempt: Attempt) -> Progress:  # noqa: ARG002  # nothing depends on it
        group, actions = _group(aws, params.to), _actions(aws, params.rule)
        healthy = _healthy(aws, group)
        if problem := _not_forwarding(params, actions) or _too_few(params, healthy):
            return Failed(problem)
        note = phrase(N_("{group} has {healthy} healthy targets for the traffic."), group=params.to, healthy=healthy)
        return Done(note, {"actions": json.dumps(actions, sort_keys=True), "healthy": healthy})


@action(
    "alb.shift_target_group",
    Shift,
    permissions=(*_READS, *_CHANGES),
    calls=_calls((*_READS, *_CHANGES)),
    resources=_SCOPES,
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
        group, actions, touches = _group(aws, params.to), _actions(aws, params.rule), _touches(aws, params)
        if problem := _not_forwarding(params, actions):
            return StepPlan(warnings=(problem,), touches=touches)
        if has_all(actions, group):
            said = phrase(N_("{group} has all of the traffic already."), group=params.to)
            return StepPlan(warnings=(said,), touches=touches)
        what = phrase(N_("Weights of the target groups of {rule}"), rule=_short(params.rule))
        needed = phrase(N_("Healthy targets of {group}"), group=params.to)
        return StepPlan(
            calls=(_write(params, shifted(actions, group)),),
            changes=(Change(what, weights_of(actions), weights_of(shifted(actions, group))),),
            warnings=stickiness(actions),
            disturbs=(phrase(N_("New requests go to {group}; open ones end where they are."), group=params.to),),
            touches=touches,
            needs=(Need(needed, params.healthy, _healthy(aws, group)),),
        )

    def act(self, params: Shift, aws: Aws, attempt: Attempt) -> Progress:
        group, actions = _group(aws, params.to), _actions(aws, params.rule)
        if not has_all(actions, group):
            if problem := _not_forwarding(params, actions) or _too_few(params, _healthy(aws, group)):
                return Failed(problem)
            perform(aws, _write(params, shifted(actions, group)))
        return self.look(params, aws, attempt)

    def look(self, params: Shift, aws: Aws, attempt: Attempt) -> Progress:
        group, actions = _group(aws, params.to), _actions(aws, params.rule)
        if not has_all(actions, group):
            return _not_written(params, actions, attempt)
        healthy = _healthy(aws, group)
        if problem := _too_few(params, healthy):
            return Failed(problem)
        note = phrase(
            N_("{group} has all of the traffic, on {healthy} healthy targets."), group=params.to, healthy=healthy
        )
        return Done(note, {"healthy": healthy})


@action(
    "alb.restore_actions",
    Before,
    permissions=(*_RULES, "elasticloadbalancing:DescribeTargetGroups", *_CHANGES),
    calls=_calls((*_RULES, "elasticloadbalancing:DescribeTargetGroups", *_CHANGES)),
    resources=_SCOPES,
    plane="control",
    changes=N_("Writes the actions of the listener or rule as they were."),
    undo=N_("Shifts the traffic again."),
    undone_by="alb.shift_target_group",
    recognised_by=N_("The actions are what they were already."),
    takes=timedelta(seconds=10),
)
class RestoreActions:
    facts: ClassVar[Facts]

    def plan(self, params: Before, aws: Aws, attempt: Attempt) -> StepPlan:  # noqa: ARG002  # nothing depends on it
        actions, touches = _actions(aws, params.rule), _touches(aws, params)
        before: Actions = json.loads(params.actions)
        if problem := _not_restorable(params, aws, actions):
            return StepPlan(warnings=(problem,), touches=touches)
        if actions == before:
            return StepPlan(touches=touches)
        what = phrase(N_("Weights of the target groups of {rule}"), rule=_short(params.rule))
        return StepPlan(
            calls=(_write(params, before),),
            changes=(Change(what, weights_of(actions), weights_of(before)),),
            disturbs=(phrase(N_("New requests go where they went before; open ones end where they are.")),),
            touches=touches,
        )

    def act(self, params: Before, aws: Aws, attempt: Attempt) -> Progress:
        actions = _actions(aws, params.rule)
        if problem := _not_restorable(params, aws, actions):
            return Failed(problem)
        if actions != json.loads(params.actions):
            perform(aws, _write(params, json.loads(params.actions)))
        return self.look(params, aws, attempt)

    def look(self, params: Before, aws: Aws, attempt: Attempt) -> Progress:
        actions = _actions(aws, params.rule)
        if actions == json.loads(params.actions):
            return Done(
                phrase(
                    N_("{rule} forwards as it did: {weights}"), rule=_short(params.rule), weights=weights_of(actions)
                )
            )
        return _not_written(params, actions, attempt)


def _write(params: Rule, actions: Actions) -> Call:
    """The default actions of a listener, or the actions of a rule: all of them, because AWS replaces the whole list."""
    sent = [sendable(one) for one in actions]
    if ":listener-rule/" in params.rule:
        return Call("elbv2", "ModifyRule", {"RuleArn": params.rule, "Actions": sent})
    return Call("elbv2", "ModifyListener", {"ListenerArn": params.rule, "DefaultActions": sent})


def _actions(aws: Aws, rule: str) -> Actions:
    """Raises `ActionFailed` when there is no such listener or rule, or when it is one that cannot be changed."""
    try:
        actions, is_default = _described(aws, rule)
    except ActionFailed as error:
        if error.code not in _NOT_FOUND:
            raise
        what = N_("There is no listener or rule {rule} in {region}. Check the step's parameters.")
        raise ActionFailed(phrase(what, rule=rule, region=aws.region), code=error.code) from error
    if is_default:
        what = N_("{rule} is the default rule, which only its listener can change. Give the listener's ARN.")
        raise ActionFailed(phrase(what, rule=rule), code="OperationNotPermitted")
    return actions


def _described(aws: Aws, rule: str) -> tuple[Actions, bool]:
    """Its actions, and whether it is a listener's default rule under its own ARN."""
    elb = aws.client("elbv2")
    if ":listener-rule/" in rule:
        [found] = elb.describe_rules(RuleArns=[rule])["Rules"]
        return found["Actions"], bool(found.get("IsDefault"))
    [listener] = elb.describe_listeners(ListenerArns=[rule])["Listeners"]
    return listener["DefaultActions"], False


def _group(aws: Aws, given: str) -> str:
    """A target group's ARN, by its name or its ARN. Raises `ActionFailed` when there is none such."""
    by = {"TargetGroupArns": [given]} if given.startswith("arn:") else {"Names": [given]}
    try:
        [found] = aws.client("elbv2").describe_target_groups(**by)["TargetGroups"]
    except ActionFailed as error:
        if error.code not in _NO_GROUP:
            raise
        what = N_("There is no target group {name} in {region}. Check the step's parameters.")
        raise ActionFailed(phrase(what, name=given, region=aws.region), code=error.code) from error
    return str(found["TargetGroupArn"])


def _healthy(aws: Aws, group: str) -> int:
    described = aws.client("elbv2").describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return sum(one["TargetHealth"]["State"] == "healthy" for one in described)


def _not_forwarding(params: Rule, actions: Actions) -> Phrase | None:
    if weighed(actions):
        return None
    what = N_("{rule} forwards to no target group, so there is no traffic to shift. Choose another rule.")
    return phrase(what, rule=_short(params.rule))


def _too_few(params: Shift, healthy: int) -> Phrase | None:
    if healthy >= params.healthy:
        return None
    what = N_(
        "{group} has {healthy} healthy targets, and {needed} are asked for. Targets that no load balancer uses are not "
        "checked at all: put the target group into the rule with weight 0 beforehand."
    )
    return phrase(what, group=params.to, healthy=healthy, needed=params.healthy)


def _not_restorable(params: Before, aws: Aws, actions: Actions) -> Phrase | None:
    """Somebody has changed it since: what was there before is then not what is wanted."""
    if actions == json.loads(params.actions) or has_all(actions, _group(aws, params.shifted_to)):
        return None
    what = N_("Somebody has changed {rule} since ({weights}), so it stays. Look at it, and change it by hand.")
    return phrase(what, rule=_short(params.rule), weights=weights_of(actions))


def _not_written(params: Rule, actions: Actions, attempt: Attempt) -> Progress:
    fields = {"rule": _short(params.rule), "weights": weights_of(actions)}
    if attempt.now - attempt.started_at < SETTLING:
        return Working(phrase(N_("{rule} still forwards so: {weights}"), **fields), again_in=next_look(attempt))
    what = N_("{rule} forwards otherwise again ({weights}): somebody changed it. Ask them, then retry.")
    return Failed(phrase(what, **fields))


def _touches(aws: Aws, params: Rule) -> tuple[str, ...]:
    """The whole load balancer: a zonal shift of it counts on its healthy targets."""
    found = _ARN.match(params.rule)
    assert found is not None  # its parameters were checked
    return (f"elb:{aws.region}:{found['balancer']}",)


def _short(rule: str) -> str:
    """`listener/app/web/…` of the ARN."""
    return rule.split(":", 5)[5]
