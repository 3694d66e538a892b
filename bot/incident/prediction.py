"""When the recovery will be over, from what runs now and how long its steps usually take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.incident.experience import expected, stated
from bot.incident.incident import Incident
from bot.incident.ports import Tx
from bot.incident.run import Run, RunStatus, Step
from bot.incident.walk import playbook_of
from bot.playbook.forecast import Spread, remaining

#: A run that waits for a person ends when the person says so, and one that is being taken back recovers nothing.
_ON_ITS_WAY: frozenset[RunStatus] = frozenset({"announced", "running"})


@dataclass(frozen=True)
class Prediction:
    """Half of such runs are over at `finishes_at`, 19 of 20 at `latest_at`. `inside` the target; negative: past it."""

    run: Run
    finishes_at: datetime
    latest_at: datetime
    inside: timedelta


async def prediction(tx: Tx, incident: Incident, now: datetime) -> Prediction | None:
    """When the last of the incident's runs will be over; None when none runs by itself, or nobody can say."""
    if incident.resolved:
        return None
    runs = [run for run in await tx.runs.of(incident.id) if run.status in _ON_ITS_WAY]
    records = await tx.runs.records({run.name for run in runs}) if runs else {}
    found = []
    for run in runs:
        usual = expected(playbook_of(run), records.get(run.name, ()), stated(run))
        if one := predicted(run, await tx.runs.steps(run.id), usual, incident, now):
            found.append(one)
    return max(found, key=lambda one: one.finishes_at, default=None)


def predicted(
    run: Run, rows: Sequence[Step], usual: Mapping[str, Spread], incident: Incident, now: datetime
) -> Prediction | None:
    """When this run will be over. `usual`: how long its steps take, by `expected`."""
    if run.status not in _ON_ITS_WAY:
        return None
    states = {row.step: row.state for row in rows}
    elapsed = {row.step: now - row.started_at for row in rows if row.started_at and not row.ended_at}
    left = remaining(playbook_of(run), usual, states, elapsed, _elements(rows))
    if left is None:
        return None
    begins = max(now, run.starts_at or now)
    finishes_at = begins + left.p50
    return Prediction(run, finishes_at, begins + left.p95, incident.started_at + incident.rto - finishes_at)


def _elements(rows: Sequence[Step]) -> dict[str, tuple[int, int]]:
    """Of each `for_each` step, how many of its elements are over, of how many."""
    found: dict[str, tuple[int, int]] = {}
    for row in rows:
        if row.is_element:
            over, count = found.get(row.written, (0, 0))
            found[row.written] = over + row.over, count + 1
    return found
