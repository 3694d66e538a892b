"""ARC zonal shift for load balancers, and target health that knows zones. moto has neither.

Whether a load balancer has opted in, and its zones, are what moto's ELB says. A shift is applied a moment after it was
started, and ends when it expires. A manual shift outranks AWS's autoshift. Not emulated: practice runs, Auto Scaling
groups, EKS, cross-account resources, the balance between zones of a load balancer without cross-zone balancing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from bot.rehearsal.aws.call import Answer, AwsError, Call, Handler, Moto
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.moto_app import backend
from bot.rehearsal.aws.paging import paged
from bot.rehearsal.aws.wire import result_of

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1)}
_LONGEST = timedelta(hours=72)


@dataclass(frozen=True)
class Shift:
    id: str
    region: str
    resource: str
    away_from: str
    comment: str
    started_at: datetime
    expires_at: datetime
    canceled: bool = False

    def status(self, now: datetime) -> str:
        return "CANCELED" if self.canceled else "EXPIRED" if now >= self.expires_at else "ACTIVE"


class ZonalShifts:
    """`start_autoshift` is AWS's own shift; `sicken_zone` makes the targets of a zone fail their health checks."""

    def __init__(self, clock: Clock, seconds_to_apply: float = 2.0) -> None:
        self._clock, self._delay = clock, clock.scaled(seconds_to_apply)
        self._shifts: dict[str, Shift] = {}
        self._autoshifts: dict[tuple[str, str], datetime] = {}  # region and zone id: since when
        self._sick: set[tuple[str, str]] = set()  # region and zone id
        self._zones: dict[tuple[str, str], str] = {}  # target group and target: the zone it was registered with

    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        shifts: dict[str, Handler] = {
            "GetManagedResource": self._get,
            "StartZonalShift": self._start,
            "UpdateZonalShift": self._update,
            "CancelZonalShift": self._cancel,
            "ListZonalShifts": self._list,
            "ListAutoshifts": self._list_autoshifts,
        }
        return {
            **{("arc-zonal-shift", name): handler for name, handler in shifts.items()},
            ("elbv2", "RegisterTargets"): self._register,
            ("elbv2", "DescribeTargetHealth"): self._health,
        }

    def start_autoshift(self, zone: str, region: str = "us-east-1") -> None:
        """AWS moves everything that lets it away from the zone (an id: `use1-az6`)."""
        self._autoshifts[region, zone] = self._clock.now()

    def end_autoshift(self, zone: str, region: str = "us-east-1") -> None:
        del self._autoshifts[region, zone]

    def sicken_zone(self, zone: str, region: str = "us-east-1") -> None:
        self._sick.add((region, zone))

    def heal_zone(self, zone: str, region: str = "us-east-1") -> None:
        self._sick.discard((region, zone))

    def forget(self) -> None:
        """All is well again: no shift, no autoshift, no sick zone."""
        for state in (self._shifts, self._autoshifts, self._sick):
            state.clear()

    def active(self, resource: str) -> list[Shift]:
        """The manual shifts of a load balancer (its ARN) that hold now."""
        now = self._clock.now()
        return [one for one in self._shifts.values() if one.resource == resource and one.status(now) == "ACTIVE"]

    async def _get(self, call: Call, _moto: Moto) -> Answer:
        arn = _managed(call)
        shifts = self.active(arn)
        away = {one.away_from for one in shifts if self._applied(one)}
        autoshifts = [(zone, since) for (region, zone), since in self._autoshifts.items() if region == call.region]
        if not shifts:
            away |= {zone for zone, _ in autoshifts}
        return {
            "arn": arn,
            "name": arn.split("/")[-2],
            "appliedWeights": {zone: 0.0 if zone in away else 1.0 for zone in _zone_ids(call.region, arn)},
            "zonalShifts": [{**_named(one), "appliedStatus": self._status(one)} for one in shifts],
            "autoshifts": [
                {"awayFrom": zone, "startTime": since, "appliedStatus": "NOT_APPLIED" if shifts else "APPLIED"}
                for zone, since in autoshifts
            ],
            "zonalAutoshiftStatus": "ENABLED",
        }

    async def _start(self, call: Call, _moto: Moto) -> Answer:
        asked, now = call.parameters, self._clock.now()
        arn = _managed(call)
        if asked["awayFrom"] not in _zone_ids(call.region, arn):
            raise AwsError("ValidationException", f"InvalidAz: {asked['awayFrom']} is no zone of the resource.")
        if self.active(arn):
            raise AwsError("ConflictException", "ZonalShiftAlreadyExists: the resource is being shifted.", 409)
        expires = now + _lasting(asked["expiresIn"])
        shift = Shift(str(uuid4()), call.region, arn, asked["awayFrom"], asked["comment"], now, expires)
        self._shifts[shift.id] = shift
        return self._shown(shift)

    async def _update(self, call: Call, _moto: Moto) -> Answer:
        shift, asked = self._shift(call), call.parameters
        if "expiresIn" in asked:
            shift = replace(shift, expires_at=self._clock.now() + _lasting(asked["expiresIn"]))
        self._shifts[shift.id] = replace(shift, comment=asked.get("comment", shift.comment))
        return self._shown(self._shifts[shift.id])

    async def _cancel(self, call: Call, _moto: Moto) -> Answer:
        shift = replace(self._shift(call), canceled=True)
        self._shifts[shift.id] = shift
        return self._shown(shift)

    async def _list(self, call: Call, _moto: Moto) -> Answer:
        asked, now = call.parameters, self._clock.now()
        found = [
            one
            for one in self._shifts.values()
            if one.region == call.region
            and asked.get("status", one.status(now)) == one.status(now)
            and asked.get("resourceIdentifier", one.resource) == one.resource
        ]
        return paged(call, {"items": [self._shown(one) for one in found]})

    async def _list_autoshifts(self, call: Call, _moto: Moto) -> Answer:
        if call.parameters.get("status") == "COMPLETED":
            return {"items": []}
        shifted = [
            {"awayFrom": zone, "startTime": since, "status": "ACTIVE"}
            for (region, zone), since in self._autoshifts.items()
            if region == call.region
        ]
        return paged(call, {"items": shifted})

    async def _register(self, call: Call, moto: Moto) -> Answer:
        asked = call.parameters
        for target in asked["Targets"]:
            if "AvailabilityZone" in target:
                self._zones[asked["TargetGroupArn"], target["Id"]] = target["AvailabilityZone"]
        return moto(call)

    async def _health(self, call: Call, moto: Moto) -> Answer:
        reply = moto(call)
        if not reply.ok:
            return reply
        group = call.parameters["TargetGroupArn"]
        balancers = backend("elbv2", call.region).target_groups[group].load_balancer_arns
        shifted = {one.away_from for arn in balancers for one in self.active(arn) if self._applied(one)}
        described = result_of(call, reply)["TargetHealthDescriptions"]
        return {"TargetHealthDescriptions": [self._shown_target(call.region, group, one, shifted) for one in described]}

    def _shown_target(self, region: str, group: str, described: Mapping[str, Any], away: set[str]) -> dict[str, Any]:
        target = dict(described["Target"])
        zone = self._zones.get((group, target["Id"]), _zone_of_instance(region, target["Id"]))
        if not zone:
            return dict(described)
        if (group, target["Id"]) in self._zones:  # AWS names the zone of addresses, and not that of instances
            target["AvailabilityZone"] = zone
        zone_id = _zone_names(region)[zone]
        sick = (region, zone_id) in self._sick
        health = {"State": "unhealthy", "Reason": "Target.Timeout"} if sick else {"State": "healthy"}
        override = "zonal_shift_active" if zone_id in away else "no_override"
        return {**described, "Target": target, "TargetHealth": health, "AdministrativeOverride": {"State": override}}

    def _shift(self, call: Call) -> Shift:
        """The active one that is meant."""
        wanted = call.parameters["zonalShiftId"]
        shift = self._shifts.get(wanted)
        if shift is None or shift.region != call.region:
            raise AwsError("ResourceNotFoundException", f"There is no zonal shift {wanted}.", 404)
        if shift.status(self._clock.now()) != "ACTIVE":
            raise AwsError("ConflictException", "ZonalShiftStatusNotActive: it has ended.", 409)
        return shift

    def _applied(self, shift: Shift) -> bool:
        return self._clock.now() >= shift.started_at + self._delay

    def _status(self, shift: Shift) -> str:
        return "APPLIED" if self._applied(shift) else "NOT_APPLIED"

    def _shown(self, shift: Shift) -> dict[str, Any]:
        return {**_named(shift), "status": shift.status(self._clock.now())}


def _named(shift: Shift) -> dict[str, Any]:
    return {
        "zonalShiftId": shift.id,
        "resourceIdentifier": shift.resource,
        "awayFrom": shift.away_from,
        "startTime": shift.started_at,
        "expiryTime": shift.expires_at,
        "comment": shift.comment,
    }


def _managed(call: Call) -> str:
    """The ARN of a load balancer that has opted in."""
    arn = str(call.parameters["resourceIdentifier"])
    balancer = backend("elbv2", call.region).load_balancers.get(arn)
    if balancer is None or balancer.attrs.get("zonal_shift.config.enabled") != "true":
        raise AwsError("ResourceNotFoundException", f"{arn} is not a managed resource.", 404)
    return arn


def _zone_ids(region: str, arn: str) -> list[str]:
    names = _zone_names(region)
    return [names[zone.zone_name] for zone in backend("elbv2", region).load_balancers[arn].availability_zones]


def _zone_names(region: str) -> dict[str, str]:
    """Zone ids by zone name."""
    return {zone.name: zone.zone_id for zone in backend("ec2", region).describe_availability_zones()}


def _zone_of_instance(region: str, target: str) -> str:
    instance = backend("ec2", region).get_instance_by_id(target) if target.startswith("i-") else None
    return str(instance.placement.zone) if instance else ""


def _lasting(text: str) -> timedelta:
    lasting = int(text[:-1]) * _UNITS[text[-1]]
    if not timedelta() < lasting <= _LONGEST:
        raise AwsError("ValidationException", f"InvalidExpiresIn: {text}.")
    return lasting
