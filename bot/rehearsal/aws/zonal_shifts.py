"""ARC zonal shift for load balancers and Auto Scaling groups. moto has none.

Whether a load balancer has opted in, and its zones, are what moto's ELB says; other kinds of resources come with `manage`.
A shift is applied a moment after it was started, and ends when it expires. A manual shift outranks AWS's autoshift. Not
emulated: practice runs, EKS, cross-account resources, the balance between zones of a load balancer without cross-zone
balancing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from bot.rehearsal.aws.call import Answer, AwsError, Call, Handler, Moto
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.moto_app import backend
from bot.rehearsal.aws.paging import paged
from bot.rehearsal.aws.zones import zones_of

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
    canceled_at: datetime | None = None

    def status(self, now: datetime) -> str:
        canceled = self.canceled_at is not None and now >= self.canceled_at
        return "CANCELED" if canceled else "EXPIRED" if now >= self.expires_at else "ACTIVE"


@dataclass(frozen=True)
class Managed:
    """A resource that has opted in."""

    arn: str
    name: str
    zones: Sequence[str]  # their ids


#: Finds a resource by region and ARN; None: there is none such, or it has not opted in.
Find = Callable[[str, str], Managed | None]


class ZonalShifts:
    """`start_autoshift` is AWS's own shift; `sicken_zone` makes every target of a zone be found unhealthy at once.

    `sick` holds region and zone id.
    """

    def __init__(self, clock: Clock, seconds_to_apply: float = 2.0) -> None:
        self._clock, self._delay = clock, clock.scaled(seconds_to_apply)
        self._shifts: dict[str, Shift] = {}
        self._autoshifts: dict[tuple[str, str], datetime] = {}  # region and zone id: since when
        self.sick: set[tuple[str, str]] = set()
        self._kinds: list[Find] = [_balancer]

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
        return {("arc-zonal-shift", name): handler for name, handler in shifts.items()}

    def manage(self, find: Find) -> None:
        """Let resources of another kind be shifted, too."""
        self._kinds.append(find)

    def start_autoshift(self, zone: str, region: str = "us-east-1") -> None:
        """AWS moves everything that lets it away from the zone (an id: `use1-az6`)."""
        self._autoshifts[region, zone] = self._clock.now()

    def end_autoshift(self, zone: str, region: str = "us-east-1") -> None:
        del self._autoshifts[region, zone]

    def sicken_zone(self, zone: str, region: str = "us-east-1") -> None:
        self.sick.add((region, zone))

    def heal_zone(self, zone: str, region: str = "us-east-1") -> None:
        self.sick.discard((region, zone))

    def forget(self) -> None:
        """All is well again: no shift, no autoshift, no sick zone."""
        for state in (self._shifts, self._autoshifts, self.sick):
            state.clear()

    def active(self, resource: str) -> list[Shift]:
        """The manual shifts of a resource (its ARN) that hold now."""
        return self._active(resource, self._clock.now())

    def away_from(self, resource: str, region: str, at: datetime | None = None) -> frozenset[str]:
        """The zones (ids) that the resource gets nothing in, or got nothing in at a moment that is past."""
        moment = at or self._clock.now()
        shifts = self._active(resource, moment)
        if shifts:
            return frozenset(one.away_from for one in shifts if moment >= one.started_at + self._delay)
        return frozenset(
            zone for (where, zone), since in self._autoshifts.items() if where == region and moment >= since
        )

    async def _get(self, call: Call, _moto: Moto) -> Answer:
        managed = self._managed(call)
        shifts, away = self.active(managed.arn), self.away_from(managed.arn, call.region)
        autoshifts = [(zone, since) for (region, zone), since in self._autoshifts.items() if region == call.region]
        return {
            "arn": managed.arn,
            "name": managed.name,
            "appliedWeights": {zone: 0.0 if zone in away else 1.0 for zone in managed.zones},
            "zonalShifts": [{**_named(one), "appliedStatus": self._status(one)} for one in shifts],
            "autoshifts": [
                {"awayFrom": zone, "startTime": since, "appliedStatus": "NOT_APPLIED" if shifts else "APPLIED"}
                for zone, since in autoshifts
            ],
            "zonalAutoshiftStatus": "ENABLED",
        }

    async def _start(self, call: Call, _moto: Moto) -> Answer:
        asked, now = call.parameters, self._clock.now()
        managed = self._managed(call)
        if asked["awayFrom"] not in managed.zones:
            raise AwsError("ValidationException", f"InvalidAz: {asked['awayFrom']} is no zone of the resource.")
        if self.active(managed.arn):
            raise AwsError("ConflictException", "ZonalShiftAlreadyExists: the resource is being shifted.", 409)
        expires = now + _lasting(asked["expiresIn"])
        shift = Shift(str(uuid4()), call.region, managed.arn, asked["awayFrom"], asked["comment"], now, expires)
        self._shifts[shift.id] = shift
        return self._shown(shift)

    async def _update(self, call: Call, _moto: Moto) -> Answer:
        shift, asked = self._shift(call), call.parameters
        if "expiresIn" in asked:
            shift = replace(shift, expires_at=self._clock.now() + _lasting(asked["expiresIn"]))
        self._shifts[shift.id] = replace(shift, comment=asked.get("comment", shift.comment))
        return self._shown(self._shifts[shift.id])

    async def _cancel(self, call: Call, _moto: Moto) -> Answer:
        shift = replace(self._shift(call), canceled_at=self._clock.now())
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

    def _shift(self, call: Call) -> Shift:
        """The active one that is meant."""
        wanted = call.parameters["zonalShiftId"]
        shift = self._shifts.get(wanted)
        if shift is None or shift.region != call.region:
            raise AwsError("ResourceNotFoundException", f"There is no zonal shift {wanted}.", 404)
        if shift.status(self._clock.now()) != "ACTIVE":
            raise AwsError("ConflictException", "ZonalShiftStatusNotActive: it has ended.", 409)
        return shift

    def _managed(self, call: Call) -> Managed:
        """The resource that is meant."""
        arn = str(call.parameters["resourceIdentifier"])
        for find in self._kinds:
            if found := find(call.region, arn):
                return found
        raise AwsError("ResourceNotFoundException", f"{arn} is not a managed resource.", 404)

    def _active(self, resource: str, at: datetime) -> list[Shift]:
        mine = [one for one in self._shifts.values() if one.resource == resource and one.started_at <= at]
        return [one for one in mine if one.status(at) == "ACTIVE"]

    def _status(self, shift: Shift) -> str:
        return "APPLIED" if self._clock.now() >= shift.started_at + self._delay else "NOT_APPLIED"

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


def _balancer(region: str, arn: str) -> Managed | None:
    found = backend("elbv2", region).load_balancers.get(arn)
    if found is None or found.attrs.get("zonal_shift.config.enabled") != "true":
        return None
    ids = {zone.name: zone.id for zone in zones_of(region)}
    return Managed(arn, found.name, [ids[zone.zone_name] for zone in found.availability_zones])


def _lasting(text: str) -> timedelta:
    lasting = int(text[:-1]) * _UNITS[text[-1]]
    if not timedelta() < lasting <= _LONGEST:
        raise AwsError("ValidationException", f"InvalidExpiresIn: {text}.")
    return lasting
