"""What a listener, or one of its rules, does with a request: its actions, and the weights of its target groups. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.errors import N_, Phrase, phrase

Actions = Sequence[Mapping[str, Any]]  # as DescribeListeners and DescribeRules show them


def sendable(action: Mapping[str, Any]) -> Mapping[str, Any]:
    """A described action as AWS takes it back: it never shows the secret of a sign-in, and keeps it only when told to."""
    if action["Type"] != "authenticate-oidc":
        return action
    return {**action, "AuthenticateOidcConfig": {**action["AuthenticateOidcConfig"], "UseExistingClientSecret": True}}


def weighed(actions: Actions) -> dict[str, int]:
    """Weights by target group of what forwards; nothing where nothing does."""
    for one in actions:
        if one["Type"] == "forward":
            groups = one.get("ForwardConfig", {}).get("TargetGroups") or [{"TargetGroupArn": one["TargetGroupArn"]}]
            return {group["TargetGroupArn"]: group.get("Weight", 1) for group in groups}
    return {}


def weights_of(actions: Actions) -> str:
    """`blue 100, green 0`."""
    return ", ".join(f"{arn.split('/')[1]} {weight}" for arn, weight in weighed(actions).items())


def described(actions: Actions) -> str:
    """What a request gets, in a few words: weights, or the status of a page."""
    fixed = _fixed(actions)
    return weights_of(actions) if fixed is None else str(fixed["StatusCode"])


def page(status: str, text: str, content_type: str) -> Actions:
    """A page for everybody; nobody has to sign in to read it."""
    config = {"StatusCode": status, "ContentType": content_type, "MessageBody": text}
    return [{"Type": "fixed-response", "FixedResponseConfig": config}]


def page_of(actions: Actions) -> str:
    """The text of the page that everybody gets; "" where there is none."""
    return str((_fixed(actions) or {}).get("MessageBody", ""))


def _fixed(actions: Actions) -> Mapping[str, Any] | None:
    found = (one["FixedResponseConfig"] for one in actions if one["Type"] == "fixed-response")
    return next(found, None)


def has_all(actions: Actions, group: str) -> bool:
    weights = weighed(actions)
    return weights.get(group, 0) > 0 and not any(weight for arn, weight in weights.items() if arn != group)


def shifted(actions: Actions, group: str) -> Actions:
    """The same actions with all of the weight on one target group; sign-ins and stickiness stay."""
    return [_forward(one, group) if one["Type"] == "forward" else one for one in actions]


def _forward(action: Mapping[str, Any], group: str) -> Mapping[str, Any]:
    weights = {**dict.fromkeys(weighed([action]), 0), group: 100}
    groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in weights.items()]
    kept = {name: value for name, value in action.items() if name != "TargetGroupArn"}  # it is for a single one only
    return {**kept, "ForwardConfig": {**action.get("ForwardConfig", {}), "TargetGroups": groups}}


def stickiness(actions: Actions) -> tuple[Phrase, ...]:
    for one in actions:
        sticky = one.get("ForwardConfig", {}).get("TargetGroupStickinessConfig", {})
        if sticky.get("Enabled"):
            what = N_("Clients may stay with their target group for up to {seconds} s: stickiness is on.")
            return (phrase(what, seconds=sticky.get("DurationSeconds", "-")),)
    return ()
