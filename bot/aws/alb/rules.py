"""A listener's default actions, or the actions of one of its rules: naming them, reading them, writing them."""

import re
from collections.abc import Sequence
from typing import Annotated

from pydantic import StringConstraints

from bot.aws.listener_actions import Actions, described, sendable
from bot.aws.polling import SETTLING, next_look
from bot.errors import N_, ActionFailed, phrase
from bot.playbook.action import Attempt, Aws, Call, Failed, Params, Progress, Working

READS = (
    "elasticloadbalancing:DescribeListeners",
    "elasticloadbalancing:DescribeRules",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth",
)
RULE_READS = tuple(one for one in READS if "Target" not in one)
CHANGES = ("elasticloadbalancing:ModifyListener", "elasticloadbalancing:ModifyRule")
#: What IAM calls them.
SCOPES = {
    CHANGES[0]: ("arn:{partition}:elasticloadbalancing:{region}:{account}:listener/app/*",),
    CHANGES[1]: ("arn:{partition}:elasticloadbalancing:{region}:{account}:listener-rule/app/*",),
}
_ARN = re.compile(r"^arn:[\w-]+:elasticloadbalancing:[\w-]+:\d{12}:listener(-rule)?/app/(?P<balancer>[\w-]+)/[\w/]+$")
_NOT_FOUND = {"ListenerNotFound", "ListenerNotFoundException", "RuleNotFound", "RuleNotFoundException"}
_NO_GROUP = {"TargetGroupNotFound", "TargetGroupNotFoundException"}


def calls(permissions: Sequence[str]) -> tuple[str, ...]:
    return tuple(one.replace("elasticloadbalancing:", "elbv2:") for one in permissions)


class Rule(Params):
    """`rule`: the ARN of a listener, for what it does by default, or of one of its rules."""

    rule: Annotated[str, StringConstraints(pattern=_ARN.pattern, max_length=1024)]


def write(params: Rule, actions: Actions) -> Call:
    """The default actions of a listener, or the actions of a rule: all of them, because AWS replaces the whole list."""
    sent = [sendable(one) for one in actions]
    if ":listener-rule/" in params.rule:
        return Call("elbv2", "ModifyRule", {"RuleArn": params.rule, "Actions": sent})
    return Call("elbv2", "ModifyListener", {"ListenerArn": params.rule, "DefaultActions": sent})


def actions_of(aws: Aws, rule: str) -> Actions:
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


def group_of(aws: Aws, given: str) -> str:
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


def not_written(params: Rule, actions: Actions, attempt: Attempt) -> Progress:
    fields = {"rule": short(params.rule), "weights": described(actions)}
    if attempt.now - attempt.started_at < SETTLING:
        return Working(phrase(N_("{rule} still forwards so: {weights}"), **fields), again_in=next_look(attempt))
    what = N_("{rule} forwards otherwise again ({weights}): somebody changed it. Ask them, then retry.")
    return Failed(phrase(what, **fields))


def touches(aws: Aws, params: Rule) -> tuple[str, ...]:
    """The whole load balancer: a zonal shift of it counts on its healthy targets."""
    found = _ARN.match(params.rule)
    assert found is not None  # its parameters were checked
    return (f"elb:{aws.region}:{found['balancer']}",)


def short(rule: str) -> str:
    """`listener/app/web/…` of the ARN."""
    return rule.split(":", 5)[5]
