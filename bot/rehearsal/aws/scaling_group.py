"""How the instances of one Auto Scaling group live, as a function of time: nothing here runs by itself.

moto keeps the group as it was asked to be, and the instances as EC2 shows them; this launches them and ends them.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from moto.autoscaling.models import InstanceState

from bot.rehearsal.aws.health_checks import HealthCheck
from bot.rehearsal.aws.spells import Spell

#: EC2 looks at each instance every minute, and doubts itself once.
STATUS_CHECK = HealthCheck(timedelta(minutes=1), healthy=1, unhealthy=2)


@dataclass(frozen=True)
class Boot:
    """How long an instance takes to do its work, and to end."""

    starting: timedelta = timedelta(seconds=30)
    ending: timedelta = timedelta(seconds=10)


@dataclass(eq=False)
class Machine:
    """`shown` is what moto shows of it."""

    shown: InstanceState
    in_service_at: datetime
    ending_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def id(self) -> str:
        return str(self.shown.instance_id)

    @property
    def zone(self) -> str:
        return str(self.shown.availability_zone)

    @property
    def wanted(self) -> bool:
        return self.ending_at is None


class Around(Protocol):
    """The region, as far as a group needs it."""

    def dark(self, zone: str) -> Iterable[Spell]: ...

    def away_from(self, group: str) -> Collection[str]:
        """The zones (names) that it is being shifted away from."""
        ...


class ScalingGroup:
    """`group` is moto's; `policy` its AvailabilityZoneImpairmentPolicy. `activities` newest first: time and text."""

    def __init__(self, group: Any, around: Around, boot: Callable[[], Boot], check: HealthCheck) -> None:
        self.group = group
        self.policy: Mapping[str, Any] = {}
        self.machines: list[Machine] = []
        self.activities: list[tuple[datetime, str]] = []
        self.at: datetime | None = None
        self._around, self._boot, self._check = around, boot, check
        self._take_over()

    @property
    def arn(self) -> str:
        return str(self.group.arn)

    @property
    def zones(self) -> Mapping[str, str]:
        """The zones that it may use, each with its subnet ("" without one)."""
        if not self.group.vpc_zone_identifier:
            return dict.fromkeys(self.group.availability_zones, "")
        names = self.group.vpc_zone_identifier.split(",")
        found = self.group.ec2_backend.describe_subnets(subnet_ids=names)
        return {subnet.availability_zone: subnet.id for subnet in found}

    def advance(self, now: datetime) -> None:
        while (at := self._due(now)) is not None:
            self._settle(at)
        self._settle(now)

    def end(self, machine: Machine, at: datetime, why: str) -> None:
        if machine.wanted:
            machine.ending_at, machine.ended_at = at, at + self._boot().ending
            machine.shown.lifecycle_state = "Terminating"
            self._say(at, f"Terminating EC2 instance: {machine.id}", why)

    def _take_over(self) -> None:
        """From now on moto only keeps what the group shall have: it launches nothing, and it ends nothing."""
        group = self.group

        def keep(capacity: int | None) -> None:
            group.desired_capacity = group.min_size if capacity is None else capacity

        group.set_desired_capacity, group.replace_autoscaling_group_instances = keep, lambda *_: None
        launched = {state.instance_id for state in group.instance_states}
        group.instance_states = []
        if launched:
            group.ec2_backend.terminate_instances(list(launched))
            for id_, reservation in tuple(group.ec2_backend.reservations.items()):
                if launched & {one.id for one in reservation.instances}:
                    del group.ec2_backend.reservations[id_]

    def _due(self, now: datetime) -> datetime | None:
        """The first instant, after the last one played, at which something changes by itself."""
        last = self.at
        if last is None:
            return None
        milestones = [at for one in self.machines for at in self._milestones(one)]
        return min((at for at in milestones if at is not None and last < at <= now), default=None)

    def _milestones(self, machine: Machine) -> list[datetime | None]:
        checked = self._check.story(machine.in_service_at, self._around.dark(machine.zone))
        return [machine.in_service_at, machine.ended_at, *(when for when, _ in checked)]

    def _settle(self, at: datetime) -> None:
        self.at = at
        self._forget(at)
        self._check_up(at)
        self._launch(at)
        self._rebalance(at)
        self._end_what_is_too_much(at)

    def _forget(self, at: datetime) -> None:
        """What has ended, and what somebody ended behind our back."""
        ended = [one.id for one in self.machines if one.ended_at is not None and at >= one.ended_at]
        if ended:
            self.group.instance_states = [one for one in self.group.instance_states if one.instance_id not in ended]
            self.group.ec2_backend.terminate_instances(ended)
        there = {one.instance_id for one in self.group.instance_states}
        self.machines = [one for one in self.machines if one.id in there]

    def _check_up(self, at: datetime) -> None:
        """Who works, who is not well, and who is replaced for it."""
        lets_be = self.policy.get("ImpairedZoneHealthCheckBehavior") == "IgnoreUnhealthy"
        spared = self._away() if lets_be else ()
        for one in self.machines:
            if one.shown.lifecycle_state == "Pending" and at >= one.in_service_at:
                one.shown.lifecycle_state = "InService"
                self.group.autoscaling_backend.update_attached_target_groups(self.group.name)
            story = self._check.story(one.in_service_at, self._around.dark(one.zone))
            found = [state for when, state in story if when <= at]
            if one.wanted and found and found[-1] == "unhealthy":
                one.shown.health_status = "Unhealthy"
            elif found and found[-1] == "healthy" and one.wanted and len(found) > 2:  # it has recovered
                one.shown.health_status = "Healthy"
            if one.shown.health_status == "Unhealthy" and one.zone not in spared and self._does("ReplaceUnhealthy"):
                self.end(one, at, "an instance was taken out of service in response to an EC2 health check")

    def _launch(self, at: datetime) -> None:
        """Up to the desired capacity, and beyond it what shall replace instances in zones that it may not use any more."""
        zones = self._open_zones()
        wanted = [one for one in self.machines if one.wanted]
        strays = [one for one in wanted if one.zone not in self.zones] if self._does("AZRebalance") else []
        most = max(self.group.max_size, self.group.desired_capacity) + (1 if strays else 0)
        count = min(self.group.desired_capacity - len(wanted) + len(strays), most - len(wanted))
        for _ in range(count if zones and self._does("Launch") else 0):
            held = Counter(one.zone for one in self.machines if one.wanted)
            zone = min(zones, key=lambda name: held[name])
            self._start(zone, self.zones[zone], at, "the difference between desired and actual capacity")

    def _rebalance(self, at: datetime) -> None:
        """One from the fullest zone to the emptiest: first the new one, and then the old one goes (as too much)."""
        zones = self._open_zones()
        wanted = [one for one in self.machines if one.wanted]
        settled = all(one.shown.lifecycle_state == "InService" for one in wanted)
        if len(wanted) != self.group.desired_capacity or not settled or not self._does("AZRebalance", "Launch"):
            return
        held = Counter(dict.fromkeys(zones, 0) | Counter(one.zone for one in wanted if one.zone in zones))
        if zones and max(held.values()) - min(held.values()) > 1:
            zone = min(zones, key=lambda name: held[name])
            self._start(zone, self.zones[zone], at, "an instance was launched to aid in balancing the group's zones")

    def _end_what_is_too_much(self, at: datetime) -> None:
        """Never so many that fewer than desired do their work; first of zones that it may not use, then of the fullest."""
        if not self._does("Terminate"):
            return
        while True:
            wanted = [one for one in self.machines if one.wanted]
            working = [one for one in wanted if one.shown.lifecycle_state == "InService"]
            over = len(working) - self.group.desired_capacity
            if over <= 0:
                return
            held, zones = Counter(one.zone for one in wanted), self.zones
            leaving = [one for one in working if not one.shown.protected_from_scale_in]
            if not self._does("AZRebalance"):
                leaving = [one for one in leaving if one.zone in zones] or leaving
            if not leaving:
                return
            self.end(max(leaving, key=lambda one: (one.zone not in zones, held[one.zone])), at, "it is one too many")

    def _start(self, zone: str, subnet: str, at: datetime, why: str) -> None:
        group = self.group
        tags = {**group.get_propagated_tags(), "aws:autoscaling:groupName": group.name, **group.instance_tags}
        [instance] = group.ec2_backend.run_instances(
            group.image_id, 1, group.user_data, group.security_groups, instance_type=group.instance_type,
            tags={"instance": tags}, placement=zone, launch_config=group.launch_config, launch_template=None,
            is_instance_type_default=False, associate_public_ip=None, subnet_id=subnet or None,
        ).instances  # fmt: skip
        instance.autoscaling_group = group
        shown = InstanceState(
            instance, "Pending", protected_from_scale_in=group.new_instances_protected_from_scale_in,
            autoscaling_group=group,
        )  # fmt: skip
        group.instance_states.append(shown)
        self.machines.append(Machine(shown, at + self._boot().starting))
        self._say(at, f"Launching a new EC2 instance: {instance.id}", why)

    def _open_zones(self) -> list[str]:
        return [zone for zone in self.zones if zone not in self._away()]

    def _away(self) -> Collection[str]:
        return self._around.away_from(self.arn) if self.policy.get("ZonalShiftEnabled") else ()

    def _does(self, *processes: str) -> bool:
        """They are not suspended."""
        return not {one["ProcessName"] for one in self.group.suspended_processes} & set(processes)

    def _say(self, at: datetime, what: str, why: str) -> None:
        self.activities.insert(0, (at, f"At {at:%Y-%m-%dT%H:%M:%SZ} {why}. {what}"))
        del self.activities[100:]
