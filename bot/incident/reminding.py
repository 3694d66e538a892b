"""An acknowledged incident that is forgotten: its owner is paged again, as the policy says (`remind`), until it is resolved.

It is the only rule by which an acknowledged incident pages by itself, beside an alarm that comes back. A reminder that was
set for an earlier acknowledgement does nothing (`timer` differs).
"""

from collections.abc import Sequence

from bot.errors import N_, phrase
from bot.incident.advance import Writes, page_owner
from bot.incident.incident import Incident
from bot.incident.ports import Tx
from bot.incident.timeline import display_name, entry
from bot.jobs import DRAW_CARD, REMIND, Job, NewJob
from escalation.loading import Directory


def reminders(incident: Incident) -> list[NewJob]:
    """The reminder of an incident that was acknowledged just now; none where its policy wants none."""
    wait, since = incident.chain.remind, incident.acknowledged_at
    if wait is None or since is None:
        return []
    return [NewJob(REMIND, {"incident": incident.id, "timer": incident.timer}, since + wait)]


class Reminding:
    """The handler of REMIND."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory

    async def due(self, tx: Tx, jobs: Sequence[Job]) -> None:
        """Owners who have said that they would look, and of whom nothing was heard since."""
        incidents = await tx.incidents.many({job.payload["incident"] for job in jobs})
        for job in jobs:
            incident = incidents.get(job.payload["incident"])
            if incident and incident.status == "acknowledged" and incident.timer == job.payload["timer"]:
                await self._remind(tx, incident, job)

    async def _remind(self, tx: Tx, incident: Incident, job: Job) -> None:
        writes, wait = Writes(tx.now), incident.chain.remind
        who = display_name(self.directory, incident.acknowledged_by or "?")
        what = N_("{who} acknowledged {passed} ago and it is not resolved: paging again.")
        since = incident.acknowledged_at or tx.now
        said = phrase(what, who=who, passed=tx.now - since)
        writes.entries.append(entry(incident.id, tx.now, "reminded", said))
        changed = page_owner(incident, self.directory, {page.id for page in await tx.pages.of(incident.id)}, writes)
        again = changed.model_copy(update={"timer": incident.timer})  # its own reminder still counts
        await tx.incidents.save(again)
        writes.jobs.append(NewJob(DRAW_CARD, {"incident": incident.id}, key=f"card:{incident.id}"))
        if wait is not None:
            writes.jobs.append(NewJob(REMIND, dict(job.payload), tx.now + wait))
        await writes.flush(tx)
