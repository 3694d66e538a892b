"""Playbooks that start without a person: the handler of CONSIDER. It only asks for a run, which is announced first.

An incident is one alarm, so what two alarms say together is seen over all open incidents about the same thing. These are
locked for the decision: of two replicas that look at the same moment, the second sees the run of the first.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.config import Config
from bot.errors import N_, Phrase, Refused, phrase
from bot.incident.automatic_rules import look_again, may_be_automatic, refusal, same_subject, situation
from bot.incident.correlate import AlarmRecord
from bot.incident.incident import Incident
from bot.incident.playbook_runs import LIFEBOAT, PlaybookRuns
from bot.incident.ports import Tx
from bot.incident.signals import agreed_at
from bot.incident.timeline import entry
from bot.jobs import Job
from bot.playbook.model import Playbook
from bot.playbook.offer import fitting, ranked


class Automatic:
    """Looks at incidents whose alarms have just become steady, and asks for the playbook that fits."""

    def __init__(self, config: Config, runs: PlaybookRuns) -> None:
        self.config, self.runs = config, runs

    async def consider(self, tx: Tx, jobs: Sequence[Job]) -> None:
        """Whether anything starts by itself now. Safe to run twice: a run that was asked for is seen and not asked for again."""
        services = {job.payload["service"] for job in jobs}
        involved = {record.incident for record in await tx.incidents.raised_in(services)}
        incidents = await tx.incidents.many({id_ for id_ in involved if id_})
        raised = await tx.incidents.raised_in(services)  # once more: nobody changes them now
        for job in jobs:
            await self._consider(tx, job, incidents, raised)

    async def _consider(
        self, tx: Tx, job: Job, incidents: Mapping[str, Incident], raised: Sequence[AlarmRecord]
    ) -> None:
        looked_at, service = incidents.get(job.payload["incident"]), job.payload["service"]
        ours = [r for r in raised if (its := incidents.get(r.incident or "")) and its.service == service]
        if service is None:
            ours = same_subject(looked_at, ours) if looked_at else []
        together = {id_: incidents[id_] for r in ours if (id_ := r.incident)}
        seen = set[str]()
        for incident in sorted(together.values(), key=lambda one: (one.started_at, one.id)):
            playbook = self._fitting(incident, tx.now)
            if playbook is None or playbook.name in seen:
                continue
            seen.add(playbook.name)
            if await self._tried(tx, job, incident, playbook, ours):
                return

    async def _tried(
        self, tx: Tx, job: Job, incident: Incident, playbook: Playbook, raised: Sequence[AlarmRecord]
    ) -> bool:
        """Whether the question is settled for now, with a run or with a reason why not."""
        rule = playbook.automatic
        agreed = agreed_at(raised, rule.signals, rule.steady_for) if rule else None
        if agreed is None:
            return False
        if agreed > tx.now:
            await tx.jobs.add(look_again(job.payload, agreed))
            return True
        why = refusal(await situation(tx, self.config, incident, playbook, raised=raised))
        if why is None:
            try:
                await self.runs.request(tx, incident.id, playbook.name, {}, LIFEBOAT, automatic=True)
            except Refused as refused:
                why = refused.phrase
        if why is not None:
            await _say_why_not(tx, incident, playbook, why)
        return True

    def _fitting(self, incident: Incident, now: datetime) -> Playbook | None:
        """The one that fits best of those that may start by themselves: no other is tried in its place."""
        context = self.runs.context(incident, now)
        ours = {name: playbook for name, playbook in self.runs.playbooks.items() if may_be_automatic(playbook)}
        return next((offer.playbook for offer in ranked(fitting(ours, context.alarm, context.service).values())), None)


async def _say_why_not(tx: Tx, incident: Incident, playbook: Playbook, why: Phrase) -> None:
    """Its alarms agree, and yet it does not start: people should know, once for each reason."""
    if await tx.notes.first_time(f"not-automatic:{incident.id}:{playbook.name}:{why.message}"):
        what = phrase(N_("Playbook {name} does not start by itself: {why}"), name=playbook.name, why=why)
        await tx.notes.write(entry(incident.id, tx.now, "not-automatic", what))
