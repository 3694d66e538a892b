"""The targets of load balancers and their health, by zone. moto finds every target healthy, and knows no zones.

Tasks of ECS services are targets by themselves (`containers.py`); the others are those that somebody registered, and moto
keeps them. A target is checked as its group says; one that was registered by hand counts as checked before. Not emulated:
groups that no load balancer uses, draining and slow start of what was registered by hand, reasons beside those below.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.rehearsal.aws.call import Answer, Call, Handler, Moto
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.containers import Containers
from bot.rehearsal.aws.health_checks import check_of
from bot.rehearsal.aws.moto_app import backend
from bot.rehearsal.aws.outages import Outages
from bot.rehearsal.aws.spells import Spell
from bot.rehearsal.aws.tasks import Behind, Task
from bot.rehearsal.aws.wire import result_of
from bot.rehearsal.aws.zonal_shifts import ZonalShifts
from bot.rehearsal.aws.zones import zone_of

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_HEALTH: Mapping[str, Mapping[str, str]] = {
    "healthy": {"State": "healthy"},
    "initial": {
        "State": "initial",
        "Reason": "Elb.RegistrationInProgress",
        "Description": "Target registration is in progress",
    },
    "draining": {
        "State": "draining",
        "Reason": "Target.DeregistrationInProgress",
        "Description": "Target deregistration is in progress",
    },
    "unhealthy": {"State": "unhealthy", "Reason": "Target.Timeout", "Description": "Request timed out"},
    "failing": {"State": "unhealthy", "Reason": "Target.FailedHealthChecks", "Description": "Health checks failed"},
}


@dataclass(frozen=True)
class Target:
    """`state` is a key of `_HEALTH`; `answers`: whether a request that it is given is served."""

    id: str
    port: int
    zone: str
    state: str
    answers: bool
    named: bool = True

    @property
    def healthy(self) -> bool:
        return self.state == "healthy"


class Targets:
    def __init__(self, clock: Clock, outages: Outages, containers: Containers, shifts: ZonalShifts) -> None:
        self._clock, self._outages, self._containers, self._shifts = clock, outages, containers, shifts
        self._zones: dict[tuple[str, str], str] = {}  # target group and target: the zone it was registered with

    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        return {("elbv2", "RegisterTargets"): self._register, ("elbv2", "DescribeTargetHealth"): self._describe}

    def of(self, group: str, region: str, at: datetime | None = None) -> list[Target]:
        """The targets of a group (its ARN), with what they are now, or were at a moment not long ago."""
        moment = at or self._clock.now()
        tasks = self._containers.targets(group, region, moment)
        return [*self._registered(group, region, moment), *(self._of_task(region, *one, moment) for one in tasks)]

    def away_from(self, group: str, region: str) -> frozenset[str]:
        """The zones (their names) that some load balancer of the group sends nothing to, by a zonal shift."""
        balancers = backend("elbv2", region).target_groups[group].load_balancer_arns
        away = frozenset(zone for arn in balancers for zone in self._shifts.away_from(arn, region))
        return frozenset(zone_of(region, zone).name for zone in away)

    async def _register(self, call: Call, moto: Moto) -> Answer:
        asked = call.parameters
        for target in asked["Targets"]:
            if "AvailabilityZone" in target:
                self._zones[asked["TargetGroupArn"], target["Id"]] = target["AvailabilityZone"]
        return moto(call)

    async def _describe(self, call: Call, moto: Moto) -> Answer:
        group, wanted = call.parameters["TargetGroupArn"], call.parameters.get("Targets")
        found = backend("elbv2", call.region).target_groups.get(group)
        if found is None:
            return moto(call)  # it has the words for that
        away = self.away_from(group, call.region)
        known = {one.id: _shown(one, found.health_check_port, away) for one in self.of(group, call.region)}
        asked = [*known, *found.targets] if wanted is None else [one["Id"] for one in wanted]
        if all(one in known for one in asked):
            return {"TargetHealthDescriptions": [known[one] for one in dict.fromkeys(asked)]}
        reply = moto(call)
        if not reply.ok:
            return reply
        others = result_of(call, reply)["TargetHealthDescriptions"]  # such as targets that are not registered any more
        rest = [one for one in others if one["Target"]["Id"] not in known]
        return {"TargetHealthDescriptions": [*(known[one] for one in dict.fromkeys(asked) if one in known), *rest]}

    def _registered(self, group: str, region: str, at: datetime) -> Iterator[Target]:
        """Those of a zone that we know; of the others moto knows as much."""
        check = check_of(group, region, self._clock)
        for target in backend("elbv2", region).target_groups[group].targets.values():
            named = self._zones.get((group, target["Id"]))
            zone = named or _zone_of_instance(region, target["Id"])
            if zone:
                down = list(self._outages.spells_of(region, zone))
                state = check.state(_LONG_AGO, down, at) if down else "healthy"
                sick = self._is_sick(region, zone)
                answers = not sick and not _covers(down, at)
                # AWS names the zone of addresses, and not that of instances
                yield Target(
                    target["Id"], int(target["Port"]), zone, "unhealthy" if sick else state, answers, bool(named)
                )

    def _of_task(self, region: str, task: Task, behind: Behind, at: datetime) -> Target:
        state: str = task.health(behind, at)
        if task.is_ending(at):
            state = "draining"
        elif self._is_sick(region, task.place.zone):
            state = "unhealthy"
        elif state == "unhealthy" and not _covers(self._outages.spells_of(region, task.place.zone), at):
            state = "failing"
        served = task.answers(at) and task.fate != "errors" and not self._is_sick(region, task.place.zone)
        return Target(task.address, behind.port, task.place.zone, state, served)

    def _is_sick(self, region: str, zone: str) -> bool:
        return (region, zone_of(region, zone).id) in self._shifts.sick


def _shown(target: Target, check: str, away: frozenset[str]) -> dict[str, Any]:
    zone = {"AvailabilityZone": target.zone} if target.named else {}
    override = "zonal_shift_active" if target.zone in away else "no_override"
    return {
        "Target": {"Id": target.id, "Port": target.port, **zone},
        "HealthCheckPort": str(target.port) if check == "traffic-port" else check,
        "TargetHealth": dict(_HEALTH[target.state]),
        "AdministrativeOverride": {"State": override},
    }


def _covers(spells: Iterable[Spell], at: datetime) -> bool:
    return any(spell.covers(at) for spell in spells)


def _zone_of_instance(region: str, target: str) -> str:
    instance = backend("ec2", region).get_instance_by_id(target) if target.startswith("i-") else None
    return str(instance.placement.zone) if instance else ""
