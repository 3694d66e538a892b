"""Auto Scaling groups whose instances are in zones, and take their time. moto puts all of them into the first subnet at once.

A new instance starts in the zone of the group that holds the fewest, and does its work after a while. Where AZRebalance is
not suspended, one instance a minute moves to where it belongs; its place is empty meanwhile. A group that is shifted away
from a zone starts nothing there. Not emulated: health checks, life cycle hooks, warm pools, refreshes, scaling policies.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.rehearsal.aws.call import Answer, AwsError, Call, Handler, Moto
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.moto_app import backend
from bot.rehearsal.aws.wire import result_of
from bot.rehearsal.aws.zonal_shifts import Managed, ZonalShifts
from bot.rehearsal.aws.zones import zone_of

_POLICY = "AvailabilityZoneImpairmentPolicy"


class Groups:
    def __init__(self, clock: Clock, shifts: ZonalShifts, starts: float = 30.0, moves: float = 60.0) -> None:
        self._clock, self._shifts = clock, shifts
        self._starts, self._moves = clock.scaled(starts), clock.scaled(moves)
        self._started: dict[str, datetime] = {}  # by instance
        self._moved: dict[tuple[str, str], datetime] = {}  # by region and group

    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        by_name: dict[str, Handler] = {
            "CreateAutoScalingGroup": self._change,
            "UpdateAutoScalingGroup": self._change,
            "SetDesiredCapacity": self._change,
            "ResumeProcesses": self._change,
            "TerminateInstanceInAutoScalingGroup": self._terminate,
            "DescribeAutoScalingGroups": self._describe,
        }
        return {("autoscaling", name): handler for name, handler in by_name.items()}

    async def _change(self, call: Call, moto: Moto) -> Answer:
        asked, name = call.parameters, call.parameters["AutoScalingGroupName"]
        self._check(call.region, asked)
        reply = moto(call)
        if reply.ok:
            group = backend("autoscaling", call.region).autoscaling_groups[name]
            if _POLICY in asked:
                group.impairment = dict(asked[_POLICY])
            self._place(call.region, group)
            self._moved[call.region, name] = self._clock.now()
        return reply

    def _check(self, region: str, asked: Mapping[str, Any]) -> None:
        group = backend("autoscaling", region).autoscaling_groups.get(asked["AutoScalingGroupName"])
        most = asked.get("MaxSize", group.max_size if group else None)
        least = asked.get("MinSize", group.min_size if group else None)
        wanted = asked.get("DesiredCapacity")
        if wanted is not None and most is not None and not int(least or 0) <= int(wanted) <= int(most):
            raise AwsError("ValidationError", "Desired capacity must be between the specified min size and max size.")

    async def _terminate(self, call: Call, moto: Moto) -> Answer:
        known = backend("autoscaling", call.region).autoscaling_groups.values()
        wanted = call.parameters["InstanceId"]
        group = next((one for one in known if wanted in {state.instance_id for state in one.instance_states}), None)
        if group is None:
            raise AwsError("ValidationError", f"Instance Id not found - No managed instance found for {wanted}")
        if _is_true(call.parameters["ShouldDecrementDesiredCapacity"]) and group.desired_capacity <= group.min_size:
            raise AwsError("ValidationError", "The desired capacity would be less than the minimum size.")
        reply = moto(call)
        self._place(call.region, group)
        return reply

    async def _describe(self, call: Call, moto: Moto) -> Answer:
        for name, group in backend("autoscaling", call.region).autoscaling_groups.items():
            self._place(call.region, group)
            self._rebalance(call.region, name, group)
        reply = moto(call)
        if not reply.ok:
            return reply
        shown = result_of(call, reply)
        return {**shown, "AutoScalingGroups": [self._shown(call.region, one) for one in shown["AutoScalingGroups"]]}

    def _shown(self, region: str, described: Mapping[str, Any]) -> dict[str, Any]:
        group = backend("autoscaling", region).autoscaling_groups[described["AutoScalingGroupName"]]
        policy = {_POLICY: group.impairment} if hasattr(group, "impairment") else {}
        instances = [{**one, "LifecycleState": self._state(one)} for one in described["Instances"]]
        return {**described, "Instances": instances, **policy}

    def _state(self, instance: Mapping[str, Any]) -> str:
        if self._clock.now() < self._started[instance["InstanceId"]] + self._starts:
            return "Pending"
        return str(instance["LifecycleState"])

    def _place(self, region: str, group: Any) -> None:
        """Whoever is new gets a zone."""
        subnets = _subnets(region, group)
        held = Counter(state.availability_zone for state in group.instance_states if self._is_known(state))
        shifted = self._shifted(region, group)
        for state in group.instance_states:
            if self._is_known(state):
                continue
            self._started[state.instance_id] = self._clock.now()
            allowed = {zone: subnet for zone, subnet in subnets.items() if zone not in shifted}
            if allowed:
                zone = min(allowed, key=lambda one: (held[one], one))
                state.instance._subnet_id, state.instance._placement.zone = allowed[zone], zone
                state.availability_zone = zone
                held[zone] += 1

    def _is_known(self, state: Any) -> bool:
        return state.instance_id in self._started

    def _shifted(self, region: str, group: Any) -> set[str]:
        return {zone_of(region, one.away_from).name for one in self._shifts.active(group.arn)}

    def _rebalance(self, region: str, name: str, group: Any) -> None:
        """As often as a move was due since somebody last looked."""
        last = self._moved.setdefault((region, name), self._clock.now())
        while self._clock.now() >= last + self._moves:
            last += self._moves
            if any(one["ProcessName"] == "AZRebalance" for one in group.suspended_processes):
                continue
            if (leaver := self._misplaced(region, group)) is not None:
                backend("autoscaling", region).terminate_instance(leaver.instance_id, should_decrement=False)
                self._place(region, group)
        self._moved[region, name] = last

    def _misplaced(self, region: str, group: Any) -> Any:
        """One of a zone that the group has no subnet in, or of one that holds two more than another; None: all is even."""
        zones = set(_subnets(region, group)) - self._shifted(region, group)
        held = Counter(state.availability_zone for state in group.instance_states)
        outside = next(
            (one for one in group.instance_states if one.availability_zone not in _subnets(region, group)), None
        )
        if outside is not None or not zones:
            return outside
        fullest, emptiest = max(zones, key=lambda one: held[one]), min(zones, key=lambda one: held[one])
        if held[fullest] - held[emptiest] < 2:
            return None
        return next(one for one in group.instance_states if one.availability_zone == fullest)


def _subnets(region: str, group: Any) -> dict[str, str]:
    """The group's subnets by their zone."""
    wanted = [one for one in (group.vpc_zone_identifier or "").split(",") if one]
    if not wanted:
        return {}
    return {one.availability_zone: one.id for one in backend("ec2", region).describe_subnets(subnet_ids=wanted)}


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"


def managed(region: str, arn: str) -> Managed | None:
    """A group that has opted in to zonal shift."""
    group = next((one for one in backend("autoscaling", region).autoscaling_groups.values() if one.arn == arn), None)
    if group is None or not getattr(group, "impairment", {}).get("ZonalShiftEnabled"):
        return None
    return Managed(arn, group.name, [zone_of(region, name).id for name in _subnets(region, group)])
