"""What a rehearsal has shown: the recovery as it was measured, and the evidence for it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from bot.rehearsal.measured import availability, is_open, rpo, rto
from bot.rehearsal.storefront import Written
from bot.rehearsal.writer import Conflict

if TYPE_CHECKING:
    from bot.rehearsal.rehearsal import Rehearsal


@dataclass(frozen=True)
class Report:
    """`rto` None: the shop does not answer steadily. `lost`: confirmed writes that the shop does not have now.

    `rpo_open`: the very first write is among them, so `rpo` would be longer if customers had come earlier.

    `availability`: the share of requests served since the fault. `detected`: after how long the incident was there. `calls`: the bot's, since the incident
    began, by region. `steps`: how long each row of each run took, by `playbook/row`.
    """

    faults: Sequence[tuple[datetime, str]]
    rto: timedelta | None
    rpo: timedelta
    lost: Sequence[Written]
    conflicts: Sequence[Conflict]
    acknowledged: int
    availability: float
    timeline: Sequence[tuple[datetime, str]]
    calls: Mapping[str, int]
    steps: Mapping[str, timedelta] = field(default_factory=dict)
    runs: Mapping[str, str] = field(default_factory=dict)
    detected: timedelta | None = None
    rpo_open: bool = False

    def as_json(self) -> dict[str, Any]:
        """For programs; durations are seconds."""
        return {
            "faults": [{"at": at.isoformat(), "what": what} for at, what in self.faults],
            "detected_seconds": _seconds(self.detected),
            "rto_seconds": _seconds(self.rto),
            "rpo_seconds": _seconds(self.rpo),
            "rpo_open": self.rpo_open,
            "availability": round(self.availability, 6),
            "acknowledged": self.acknowledged,
            "lost": [_written(one) for one in self.lost],
            "conflicts": [
                {"key": one.key, "unseen": _written(one.unseen), "later": _written(one.later)} for one in self.conflicts
            ],
            "runs": dict(self.runs),
            "steps": {step: _seconds(took) for step, took in self.steps.items()},
            "calls": dict(self.calls),
            "timeline": [{"at": at.isoformat(), "what": what} for at, what in self.timeline],
        }


def made(night: "Rehearsal", rows: Mapping[str, timedelta], runs: Mapping[str, str]) -> Report:
    """Of a night as it stands."""
    start = night.measured_from
    lost = night.writer.lost()
    began = night.incident.started_at if night.incident else None
    return Report(
        faults=[(one.at, str(one.what)) for one in night.faults],
        rto=rto(night.writer.samples, start),
        rpo=rpo([one.at for one in lost], start),
        rpo_open=is_open([one.at for one in lost], [one.at for one in night.writer.acknowledged]),
        lost=lost,
        conflicts=tuple(night.writer.conflicts),
        acknowledged=len(night.writer.acknowledged),
        availability=availability(night.writer.samples, start, night.now),
        timeline=[(at, str(what)) for at, what in sorted(night.telling.lines, key=lambda one: one[0])],
        calls=Counter(call.region for call in night.asked(since=began)),
        steps=rows,
        runs=runs,
        detected=began - night.faults[0].at if began and night.faults else None,
    )


def _seconds(length: timedelta | None) -> float | None:
    return None if length is None else length.total_seconds()


def _written(one: Written) -> dict[str, Any]:
    return {"at": one.at.isoformat(), "key": one.key, "total": one.total, "region": one.region, "table": one.table}
