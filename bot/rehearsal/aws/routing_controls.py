"""ARC routing control: the states, set and read at a cluster's five endpoints. moto has none of it.

Each endpoint is a path of its own on the emulator's one port, signed for its own region, and can be failed alone. There is
no other way to the states, as in AWS. Not emulated: that endpoints disagree for a moment after an update.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from bot.rehearsal.aws.call import Answer, AwsError, Call, Handler, Moto
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.faults import Cut
from bot.rehearsal.aws.moto_app import ACCOUNT
from bot.rehearsal.aws.routing_config import Cluster, Control, RoutingConfig, found, page

_PATH = re.compile(r"/routing-control/(?P<cluster>[0-9a-f]+)/(?P<region>[a-z0-9-]+)/v1/?$")


class RoutingControls:
    """`fail_endpoint`, `mend_endpoints` and `conflict` are for tests and drills; `states` is what every endpoint says."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._config = RoutingConfig()
        self._failing: dict[str, bool] = {}  # by region: whether it does not even answer
        self._settled_at: dict[str, datetime] = {}  # by safety rule: until then it lets nothing through
        self._conflicts = 0

    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        by_name: dict[str, Handler] = {
            "GetRoutingControlState": self._get,
            "ListRoutingControls": self._list,
            "UpdateRoutingControlState": self._update,
            "UpdateRoutingControlStates": self._update_all,
        }
        states = {("route53-recovery-cluster", name): self._at_endpoint(handler) for name, handler in by_name.items()}
        return {**self._config.handlers, **states}

    @property
    def states(self) -> dict[str, str]:
        """`On` or `Off`, by the routing control's ARN."""
        return {arn: control.state for arn, control in self._config.controls.items()}

    def control(self, arn: str) -> Control | None:
        return self._config.controls.get(arn)

    def fail_endpoint(self, region: str, *, dead: bool = False) -> None:
        """It answers EndpointTemporarilyUnavailableException; `dead`: it does not answer."""
        self._failing[region] = dead

    def mend_endpoints(self) -> None:
        self._failing.clear()
        self._conflicts = 0

    def conflict(self, times: int = 1) -> None:
        """The next updates are refused: somebody else's is under way."""
        self._conflicts = times

    def _at_endpoint(self, handler: Handler) -> Handler:
        async def answer(call: Call, moto: Moto) -> Answer:
            place = _PATH.search(urlsplit(call.request.target).path)
            if place is None or self._named(place["cluster"]) is None:
                raise Cut  # no such host: only a cluster's own endpoints exist
            if place["region"] != call.region:
                raise AwsError("AccessDeniedException", f"The signature is not for {place['region']}.", 403)
            if (dead := self._failing.get(call.region)) is not None:
                if dead:
                    raise Cut
                raise AwsError("EndpointTemporarilyUnavailableException", "Try another endpoint of the cluster.", 503)
            return await handler(call, moto)

        return answer

    async def _get(self, call: Call, _moto: Moto) -> Answer:
        control = self._controlled(call, call.parameters["RoutingControlArn"])
        return {
            "RoutingControlArn": control.arn,
            "RoutingControlName": control.name,
            "RoutingControlState": control.state,
        }

    async def _list(self, call: Call, _moto: Moto) -> Answer:
        wanted = call.parameters.get("ControlPanelArn")
        panels = [arn for arn in self._cluster(call).panels if wanted in {None, arn}]
        shown = [
            self._shown_state(self._config.controls[arn])
            for panel in panels
            for arn in self._config.panels[panel].controls
        ]
        return page(call, "RoutingControls", shown)

    async def _update(self, call: Call, _moto: Moto) -> Answer:
        self._set([call.parameters], call)
        return {}

    async def _update_all(self, call: Call, _moto: Moto) -> Answer:
        self._set(call.parameters["UpdateRoutingControlStateEntries"], call)
        return {}

    def _set(self, entries: list[Mapping[str, Any]], call: Call) -> None:
        """All of them or none."""
        if self._conflicts:
            self._conflicts -= 1
            raise AwsError("ConflictException", "Another update of these routing controls is under way.", 409)
        wanted = {
            self._controlled(call, one["RoutingControlArn"]).arn: one["RoutingControlState"] == "On" for one in entries
        }
        after = {arn: wanted.get(arn, control.on) for arn, control in self._config.controls.items()}
        overridden = set(call.parameters.get("SafetyRulesToOverride", ()))
        now = self._clock.now()
        for rule in self._rules_over(wanted):
            if rule["SafetyRuleArn"] not in overridden:
                self._judge(rule, after, now)
        changed = {arn: on for arn, on in wanted.items() if self._config.controls[arn].on != on}
        for arn, on in changed.items():
            self._config.controls[arn].set(now, on=on)
        for rule in self._rules_over(changed):
            self._settled_at[rule["SafetyRuleArn"]] = now + self._clock.scaled(rule["WaitPeriodMs"] / 1000)

    def _judge(self, rule: Mapping[str, Any], after: Mapping[str, bool], now: datetime) -> None:
        """Raises `AwsError` with the rule's ARN; so much AWS says. How it words a wait period is not documented."""
        name, arn = rule["Name"], rule["SafetyRuleArn"]
        if arn in self._settled_at and now < self._settled_at[arn]:
            raise AwsError("ValidationException", f"Safety rule {name} is in its wait period: {arn}")
        if not _holds(rule, after):
            raise AwsError("ValidationException", f"The update would break safety rule {name}: {arn}")

    def _rules_over(self, controls: Mapping[str, bool]) -> Iterator[Mapping[str, Any]]:
        for panel in self._config.panels.values():
            yield from (rule for rule in panel.rules.values() if controls.keys() & set(rule["AssertedControls"]))

    def _cluster(self, call: Call) -> Cluster:
        place = _PATH.search(urlsplit(call.request.target).path)
        cluster = self._named(place["cluster"]) if place else None
        assert cluster is not None  # it was looked at before
        return cluster

    def _named(self, id_: str) -> Cluster | None:
        return next((one for one in self._config.clusters.values() if one.id == id_), None)

    def _controlled(self, call: Call, arn: str) -> Control:
        control: Control = found(self._config.controls, arn)
        if control.panel not in self._cluster(call).panels:
            raise AwsError("ResourceNotFoundException", f"{arn} is not of this cluster.", 404)
        return control

    def _shown_state(self, control: Control) -> dict[str, Any]:
        return {
            "ControlPanelArn": control.panel,
            "ControlPanelName": self._config.panels[control.panel].name,
            "RoutingControlArn": control.arn,
            "RoutingControlName": control.name,
            "RoutingControlState": control.state,
            "Owner": ACCOUNT,
        }


def _holds(rule: Mapping[str, Any], states: Mapping[str, bool]) -> bool:
    config, asserted = rule["RuleConfig"], [states[arn] for arn in rule["AssertedControls"]]
    least = {"AND": len(asserted), "OR": 1, "ATLEAST": config["Threshold"]}[config["Type"]]
    return bool((sum(asserted) >= least) != config["Inverted"])
