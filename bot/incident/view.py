"""Everything about one incident that a card, a command or a report shows, read in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.incident.correlate import AlarmRecord
from bot.incident.experience import expected, experience, stated
from bot.incident.incident import Incident
from bot.incident.pager import Page
from bot.incident.playbook_runs import PlaybookRuns, playbook_of
from bot.incident.ports import Tx
from bot.incident.prediction import Prediction, predicted, prediction
from bot.incident.run import Run, Step
from bot.playbook.forecast import Spread
from bot.playbook.offer import Offer, fitting, ranked


@dataclass(frozen=True)
class IncidentView:
    """One incident as people see it. `offers` are the playbooks that fit, best first; `now` is when it was read."""

    incident: Incident
    alarms: Sequence[AlarmRecord]
    pages: Sequence[Page]
    runs: Sequence[Run]
    offers: Sequence[Offer]
    now: datetime
    prediction: Prediction | None = None


@dataclass(frozen=True)
class RunView:
    """One run of a playbook as people see it. `expected`: how long its steps usually take."""

    incident: Incident
    run: Run
    steps: Sequence[Step]
    now: datetime
    expected: Mapping[str, Spread] = field(default_factory=dict)
    prediction: Prediction | None = None


async def view(tx: Tx, runs: PlaybookRuns, incident_id: str) -> IncidentView:
    """The incident with all that belongs to it. Raises `NotFound`."""
    incident = await tx.incidents.get(incident_id)
    return IncidentView(
        incident=incident,
        alarms=await tx.incidents.alarms_of(incident.id),
        pages=await tx.pages.of(incident.id),
        runs=await tx.runs.of(incident.id),
        offers=await offers(tx, runs, incident),
        now=tx.now,
        prediction=await prediction(tx, incident, tx.now),
    )


async def offers(tx: Tx, runs: PlaybookRuns, incident: Incident) -> list[Offer]:
    """The playbooks that fit the incident, ranked by how they fit and how they did so far."""
    context = runs.context(incident, tx.now)
    fit = fitting(runs.playbooks, context.alarm, context.service)
    records = await tx.runs.records(fit) if fit and not incident.resolved else {}
    return ranked(
        replace(offer, experience=experience(offer.playbook, records.get(name, ()), runs.usual))
        for name, offer in fit.items()
    )


async def run_view(tx: Tx, run_id: str) -> RunView:
    """One run with its steps. Raises `NotFound`."""
    run = await tx.runs.get(run_id)
    records = {} if run.ended else await tx.runs.records([run.name])
    steps, incident = await tx.runs.steps(run_id), await tx.incidents.get(run.incident)
    usual = expected(playbook_of(run), records.get(run.name, ()), stated(run))
    return RunView(incident, run, steps, tx.now, usual, predicted(run, steps, usual, incident, tx.now))
