"""Which routing controls are meant, and whether they are On: the parameters of this package, and its reading."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Self

from pydantic import StringConstraints, model_validator

from bot.errors import N_, phrase
from bot.playbook.action import Aws, InputType, Params
from escalation.errors import BadValue

READ = "route53-recovery-cluster:GetRoutingControlState"
_ARN = r"arn:[\w-]+:route53-recovery-control::\d{12}:"
_CONTROL = re.compile(_ARN + r"controlpanel/[\w-]+/routingcontrol/[\w-]+")
#: What IAM calls them.
CONTROLS = ("arn:{partition}:route53-recovery-control::{account}:controlpanel/*/routingcontrol/*",)

Text = Annotated[str, StringConstraints(min_length=1, max_length=2048)]
Texts = Annotated[tuple[Text, ...], InputType("list")]
#: Our signed requests go there: to AWS over TLS, or to this very machine.
Address = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+=(https://|http://(127\.0\.0\.1|localhost)[:/])\S+$")]
Rules = Annotated[
    tuple[Annotated[str, StringConstraints(pattern=_ARN + r"controlpanel/[\w-]+/safetyrule/[\w-]+$")], ...],
    InputType("list"),
]


class Cluster(Params):
    """`controls`: the routing controls by name, as `us-east-1=<ARN>`. `endpoints`: as `region=url`, where the step knows them."""

    cluster: Annotated[str, StringConstraints(pattern=_ARN + r"cluster/[\w-]+$")]
    controls: Texts = ()
    endpoints: Annotated[tuple[Address, ...], InputType("list")] = ()

    @model_validator(mode="after")
    def _are_controls(self) -> Self:
        for name, arn in self.named.items():
            if not _CONTROL.fullmatch(arn):
                what = phrase(N_("{name} is not a name and the ARN of a routing control."), name=name or arn)
                raise BadValue(what, phrase(N_("Write us-east-1=arn:… for each.")))
        return self

    @property
    def named(self) -> Mapping[str, str]:
        """ARNs by name."""
        pairs = (one.rpartition("=") for one in self.controls)
        return {name.strip(): arn.strip() for name, _, arn in pairs}

    def arns(self, given: Iterable[str]) -> Iterator[str]:
        """Of names and ARNs."""
        return (self.named.get(one, one) for one in given)

    def name_of(self, arn: str) -> str:
        return next((name for name, its in self.named.items() if its == arn and name), arn)


class States(Cluster):
    """`on` and `off`: names of `controls`, or ARNs. All of them change in one call, or none does."""

    on: Texts = ()
    off: Texts = ()

    @model_validator(mode="after")
    def _can_be_wanted(self) -> Self:
        for arn in self.wanted:
            if not _CONTROL.fullmatch(arn):
                what = phrase(N_("{name} is not one of the routing controls, and not the ARN of one."), name=arn)
                raise BadValue(what, phrase(N_("Known: {known}."), known=", ".join(self.named) or "-"))
        if not self.wanted:
            raise BadValue(phrase(N_("says of no routing control whether it shall be on or off.")))
        if both := set(self.arns(self.on)) & set(self.arns(self.off)):
            names = ", ".join(sorted(map(self.name_of, both)))
            raise BadValue(phrase(N_("{names} cannot be both on and off."), names=names))
        return self

    @property
    def wanted(self) -> Mapping[str, bool]:
        """Whether it shall be On, by ARN."""
        return {**dict.fromkeys(self.arns(self.on), True), **dict.fromkeys(self.arns(self.off), False)}


def states_at(aws: Aws, controls: Iterable[str]) -> dict[str, bool]:
    """Whether each is On, by ARN. Raises `ActionFailed`."""
    cluster = aws.client("route53-recovery-cluster")
    found = {arn: cluster.get_routing_control_state(RoutingControlArn=arn) for arn in controls}
    return {arn: one["RoutingControlState"] == "On" for arn, one in found.items()}


def shown(params: Cluster, states: Mapping[str, bool]) -> str:
    """`us-east-1 Off, us-west-2 On`."""
    return ", ".join(f"{params.name_of(arn)} {'On' if on else 'Off'}" for arn, on in states.items())
