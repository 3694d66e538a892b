"""What earlier runs of a playbook say about the next one. Decisions over records; nothing is read here."""

from collections.abc import Sequence
from datetime import timedelta
from statistics import median

from bot.incident.ports import Record
from bot.incident.run import RunStatus
from bot.playbook.offer import Experience

#: A run that ended in one of these has tried. A plan that was refused, or expired, says nothing about the playbook.
_TRIED: frozenset[RunStatus] = frozenset({"succeeded", "undone", "failed", "aborted"})


def experience(records: Sequence[Record], forecast: timedelta | None = None) -> Experience:
    """How often it worked, and how long it usually takes: the forecast, else the middle of the runs that worked."""
    tried = [record for record in records if record.status in _TRIED]
    worked = [record for record in tried if record.status == "succeeded"]
    took = [record.took.total_seconds() for record in worked if record.took is not None]
    usual = forecast or (timedelta(seconds=median(took)) if took else None)
    return Experience(len(worked), len(tried), usual)
