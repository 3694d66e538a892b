"""Auto Scaling groups whose instances live: launched, checked, replaced and spread by zone. moto's never move.

The groups are moto's, and so are the instances that EC2 shows; when they come and go is ours (`scaling_group.py`). A group
that has opted in can be shifted away from a zone. Not emulated: policies, schedules, warm pools, lifecycle hooks, instance
refreshes, mixed instances, health checks of load balancers.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from bot.rehearsal.aws.call import Answer, AwsError, Call, Handler, Moto
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.health_checks import HealthCheck
from bot.rehearsal.aws.moto_app import backend
from bot.rehearsal.aws.outages import Outages
from bot.rehearsal.aws.paging import paged
from bot.rehearsal.aws.scaling_group import STATUS_CHECK, Boot, Machine, ScalingGroup
from bot.rehearsal.aws.spells import Spell
from bot.rehearsal.aws.wire import result_of
from bot.rehearsal.aws.zonal_shifts import Managed, ZonalShifts
from bot.rehearsal.aws.zones import zone_of, zones_of

_CHANGES = (
    "CreateAutoScalingGroup", "UpdateAutoScalingGroup", "DeleteAutoScalingGroup", "SetDesiredCapacity",
    "SuspendProcesses", "ResumeProcesses", "SetInstanceHealth",
)  # fmt: skip
_POLICY = "AvailabilityZoneImpairmentPolicy"
_IMPAIRED = {"Status": "impaired", "Details": [{"Name": "reachability", "Status": "failed"}]}


@dataclass(frozen=True)
class _Around:
    region: str
    outages: Outages
    shifts: ZonalShifts

    def dark(self, zone: str) -> Iterable[Spell]:
        return self.outages.spells_of(self.region, zone)

    def away_from(self, group: str) -> Collection[str]:
        return [zone_of(self.region, zone).name for zone in self.shifts.away_from(group, self.region)]


class Autoscaling:
    """`boot`: how long instances take, before the clock's speed divides it."""

    def __init__(self, clock: Clock, outages: Outages, shifts: ZonalShifts) -> None:
        self.boot = Boot()
        self._clock, self._outages, self._shifts = clock, outages, shifts
        self._groups: dict[tuple[str, str], ScalingGroup] = {}  # region and name
        shifts.manage(self._managed)

    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        mine: dict[tuple[str, str], Handler] = {("autoscaling", name): self._change for name in _CHANGES}
        return mine | {
            ("autoscaling", "DescribeAutoScalingGroups"): self._describe,
            ("autoscaling", "DescribeAutoScalingInstances"): self._look,
            ("autoscaling", "DescribeScalingActivities"): self._activities,
            ("autoscaling", "TerminateInstanceInAutoScalingGroup"): self._terminate,
            ("ec2", "DescribeInstances"): self._look,
            ("ec2", "DescribeInstanceStatus"): self._status,
        }

    def machines(self, group: str, region: str = "us-east-1") -> list[Machine]:
        """The instances of a group, played up to now."""
        self._advance(region)
        return self._groups[region, group].machines

    async def _change(self, call: Call, moto: Moto) -> Answer:
        self._advance(call.region)
        self._check_size(call)
        reply = moto(call)
        if reply.ok:
            self._follow(call)
            self._advance(call.region)
        return reply

    async def _look(self, call: Call, moto: Moto) -> Answer:
        self._advance(call.region)
        return moto(call)

    async def _describe(self, call: Call, moto: Moto) -> Answer:
        self._advance(call.region)
        reply = moto(call)
        if not reply.ok:
            return reply
        result = result_of(call, reply)
        for shown in result["AutoScalingGroups"]:
            group = self._groups.get((call.region, shown["AutoScalingGroupName"]))
            if group and group.policy:
                shown[_POLICY] = dict(group.policy)
        return result

    async def _terminate(self, call: Call, _moto: Moto) -> Answer:
        self._advance(call.region)
        wanted, now = call.parameters["InstanceId"], self._clock.now()
        for (region, name), group in self._groups.items():
            for machine in group.machines if region == call.region else ():
                if machine.id == wanted:
                    if call.parameters["ShouldDecrementDesiredCapacity"]:
                        _lower(group.group)
                    group.end(machine, now, "an instance was taken out of service in response to a user request")
                    self._advance(call.region)
                    return {"Activity": _activity(region, name, *group.activities[0], "InProgress")}
        raise AwsError(
            "ValidationError", f"Instance Id not found - No managed instance found for instance ID: {wanted}"
        )

    async def _activities(self, call: Call, _moto: Moto) -> Answer:
        self._advance(call.region)
        named = call.parameters.get("AutoScalingGroupName")
        found = [
            _activity(region, name, at, what)
            for (region, name), group in self._groups.items()
            if region == call.region and name == (named or name)
            for at, what in group.activities
        ]
        return paged(call, {"Activities": found})

    async def _status(self, call: Call, moto: Moto) -> Answer:
        """An instance in a dark zone cannot be reached, and so EC2 says."""
        self._advance(call.region)
        reply = moto(call)
        if not reply.ok:
            return reply
        result, dark = result_of(call, reply), self._outages.dark_zones(call.region)
        for shown in result["InstanceStatuses"]:
            if shown["AvailabilityZone"] in dark:
                shown |= {"InstanceStatus": _IMPAIRED, "SystemStatus": _IMPAIRED}
        return result

    def _check_size(self, call: Call) -> None:
        """Between the least and the most: moto takes any."""
        asked, known = call.parameters, self._groups.get((call.region, call.parameters.get("AutoScalingGroupName", "")))
        least = asked.get("MinSize", known.group.min_size if known else 0)
        most = asked.get("MaxSize", known.group.max_size if known else 0)
        if "DesiredCapacity" in asked and not least <= asked["DesiredCapacity"] <= most:
            what = f"Desired capacity:{asked['DesiredCapacity']} must be between the specified min size:{least} and max size:{most}"
            raise AwsError("ValidationError", what)

    def _follow(self, call: Call) -> None:
        """What was asked of groups, as far as moto does not keep it."""
        key = (call.region, call.parameters.get("AutoScalingGroupName", ""))
        if call.operation == "DeleteAutoScalingGroup":
            self._groups.pop(key, None)
        elif call.operation == "CreateAutoScalingGroup":
            made = backend("autoscaling", call.region).autoscaling_groups[key[1]]
            around = _Around(call.region, self._outages, self._shifts)
            self._groups[key] = ScalingGroup(made, around, self._boot, self._check())
        if key in self._groups and _POLICY in call.parameters:
            self._groups[key].policy = call.parameters[_POLICY]

    def _advance(self, region: str) -> None:
        now, alive = self._clock.now(), backend("autoscaling", region).autoscaling_groups
        for (where, name), group in self._groups.items():
            if where == region and alive.get(name) is group.group:
                group.advance(now)

    def _managed(self, region: str, arn: str) -> Managed | None:
        ids = {zone.name: zone.id for zone in zones_of(region)}
        for (where, name), group in self._groups.items():
            if where == region and group.arn == arn and group.policy.get("ZonalShiftEnabled"):
                return Managed(arn, name, [ids[zone] for zone in group.zones])
        return None

    def _boot(self) -> Boot:
        return Boot(self.boot.starting / self._clock.speed, self.boot.ending / self._clock.speed)

    def _check(self) -> HealthCheck:
        interval = STATUS_CHECK.interval / self._clock.speed
        return HealthCheck(interval, STATUS_CHECK.healthy, STATUS_CHECK.unhealthy)


def _lower(group: Any) -> None:
    if group.desired_capacity <= group.min_size:
        raise AwsError(
            "ValidationError", "Currently, desired capacity equals the min size, so it cannot be decremented."
        )
    group.desired_capacity -= 1


def _activity(region: str, group: str, at: Any, what: str, status: str = "Successful") -> dict[str, Any]:
    cause, _, description = what.partition(". ")
    return {
        "ActivityId": str(uuid5(NAMESPACE_OID, f"{region}{group}{what}")),
        "AutoScalingGroupName": group,
        "Description": description,
        "Cause": cause,
        "StartTime": at,
        "StatusCode": status,
        "Progress": 50 if status == "InProgress" else 100,
    }
