"""Changes of Route 53's records: accepted at once, answered with a while later, and sometimes stranded.

moto keeps the records; here is when each change takes effect. Not emulated: the rules for records beside moto's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from bot.rehearsal.aws.call import Answer, AwsError, Call, Handler, Moto, Reply
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.moto_app import backend

#: Seconds until all of Route 53's servers answer with a change.
_SECONDS = 30.0
_PREFIX = "/change/CLB"


@dataclass(frozen=True)
class RecordChange:
    """`before`: the zone's records as moto had them. A `stranded` one never takes effect, and is forgotten at `due`."""

    id: str
    zone: str
    submitted_at: datetime
    due: datetime
    before: tuple[Any, ...]
    stranded: bool = False


@dataclass
class NameRecords:
    """`strand`: the next changes are accepted and lost, as when the control plane comes back from an older state."""

    clock: Clock
    _changes: list[RecordChange] = field(default_factory=list)
    _to_strand: int = 0

    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        return {("route53", "ChangeResourceRecordSets"): self._change, ("route53", "GetChange"): self._get}

    def strand(self, times: int = 1) -> None:
        self._to_strand = times

    def forget(self) -> None:
        """No change is under way."""
        self._changes.clear()
        self._to_strand = 0

    def at(self, zone: Any, moment: datetime) -> list[Any]:
        """The records of moto's zone that its servers answered with at that moment."""
        for change in self._changes:
            if change.zone == zone.resource_id and moment < change.due and not change.stranded:
                return list(change.before)
        return list(zone.rrsets)

    async def _change(self, call: Call, moto: Moto) -> Answer:
        id_ = str(call.parameters["HostedZoneId"]).rpartition("/")[2]
        zone = zones().get(id_)
        before = tuple(zone.rrsets) if zone is not None else ()
        if not self._to_strand:
            reply = moto(call)
            if not reply.ok:
                return reply
        change = self._new(id_, before)
        self._changes.append(change)
        return {"ChangeInfo": self._shown(change)}

    def _new(self, zone: str, before: tuple[Any, ...]) -> RecordChange:
        now, stranded = self.clock.now(), self._to_strand > 0
        self._to_strand -= stranded
        due = now + self.clock.scaled(_SECONDS)
        return RecordChange(f"{_PREFIX}{uuid4().hex[:10].upper()}", zone, now, due, before, stranded)

    async def _get(self, call: Call, moto: Moto) -> Answer | Reply:
        id_ = f"/change/{str(call.parameters['Id']).rpartition('/')[2]}"
        if not id_.startswith(_PREFIX):  # that of a new zone, which is moto's
            return moto(call)
        found = next((one for one in self._changes if one.id == id_), None)
        if found is None or (found.stranded and self.clock.now() >= found.due):
            raise AwsError("NoSuchChange", f"A change with the specified change ID does not exist: {id_}", 404)
        return {"ChangeInfo": self._shown(found)}

    def _shown(self, change: RecordChange) -> dict[str, Any]:
        status = "PENDING" if change.stranded or self.clock.now() < change.due else "INSYNC"
        return {"Id": change.id, "Status": status, "SubmittedAt": change.submitted_at}


def zones() -> Mapping[str, Any]:
    """Moto's hosted zones by id."""
    found: Mapping[str, Any] = backend("route53", "aws").zones
    return found
