"""Going on along the chain, as decisions: what a verb then writes is collected first and written all at once.

Opening hundreds of incidents, or escalating thousands, is a handful of statements this way instead of a dozen for each.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from bot.incident.incident import Incident
from bot.incident.pager import Page, page_id
from bot.incident.ports import Tx
from bot.incident.timeline import Entry, entry
from bot.jobs import DRAW_CARD, ESCALATE, INVITE, OPEN_ROOM, PAGE, SAY, NewJob
from escalation.loading import Directory
from escalation.policy import FrozenPerson, PageLevel, next_step

#: When so many percent of the promised recovery time are gone, the channel is warned.
RTO_SHARES = (50, 80, 100)


@dataclass
class Writes:
    """What follows from a change, for one or many incidents."""

    now: datetime
    entries: list[Entry] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    jobs: list[NewJob] = field(default_factory=list)

    def page(self, *pages: Page) -> None:
        """A page, and the job that sends it."""
        self.pages += pages
        self.jobs += [NewJob(PAGE, {"page": page.id}) for page in pages]

    def add(self, other: "Writes") -> None:
        self.entries += other.entries
        self.pages += other.pages
        self.jobs += other.jobs

    async def flush(self, tx: Tx) -> None:
        """Write all of it."""
        await tx.notes.write(*self.entries)
        await tx.pages.add(*self.pages)
        await tx.jobs.add(*self.jobs)


def begin(incident: Incident, opened: Entry, writes: Writes) -> Incident:
    """Everything that follows from a new incident. Pages do not wait for the channel: they are jobs beside it."""
    writes.entries.append(opened)
    incident, _ = advance(incident, writes, first=True)
    writes.jobs += [
        NewJob(OPEN_ROOM, {"incident": incident.id}, key=f"room:{incident.id}"),
        NewJob(DRAW_CARD, {"incident": incident.id}, writes.now + incident.rto, key=f"rto:{incident.id}"),
        *(_warning(incident, share) for share in RTO_SHARES),
    ]
    return incident


def advance(incident: Incident, writes: Writes, *, first: bool = False) -> tuple[Incident, list[str]]:
    """The next level that has somebody: its pages and its timer. Returns the incident there, and the names paged."""
    now = writes.now
    step = next_step(incident.chain, incident.level, incident.cycle, now)
    writes.entries += [entry(incident.id, now, "gap", gap.phrase) for gap in step.gaps]
    if not isinstance(step, PageLevel):
        if not incident.exhausted:
            writes.entries.append(entry(incident.id, now, "exhausted", step.phrase))
            writes.jobs.append(NewJob(SAY, {"incident": incident.id, "what": "exhausted"}))
        return incident.at_level(incident.level, incident.cycle, exhausted=True), []
    incident = incident.at_level(step.level, step.cycle)
    writes.page(*(_page(incident, person, now) for person in step.people))
    writes.jobs.append(NewJob(ESCALATE, {"incident": incident.id, "timer": incident.timer}, step.next_at))
    if not first:
        keys = [person.key for person in step.people]
        writes.jobs.append(NewJob(INVITE, {"incident": incident.id, "people": keys}))
    return incident, [person.name for person in step.people]


def fresh_page(incident: Incident, person: FrozenPerson, now: datetime, already: Collection[str]) -> Page:
    """A page beside the chain: the first number that was not used yet."""
    again = 1
    while page_id(incident.id, incident.cycle, incident.level, person.key, again) in already:
        again += 1
    return _page(incident, person, now, again)


def page_owner(incident: Incident, directory: Directory, already: Collection[str], writes: Writes) -> Incident:
    """Whoever acknowledged is paged again; the next level, where that is nobody whom we can page."""
    owner = directory.people.get((incident.acknowledged_by or "").removeprefix("cli:"))
    if owner is None:
        return advance(incident, writes)[0]
    writes.page(fresh_page(incident, FrozenPerson.of(owner), writes.now, already))
    return incident


def _warning(incident: Incident, share: int) -> NewJob:
    """By the incident's own target: one that lifeboat.yaml gives its service later does not move it."""
    payload = {"incident": incident.id, "what": f"rto-{share}"}
    return NewJob(SAY, payload, incident.started_at + incident.rto * share / 100, key=f"rto-{share}:{incident.id}")


def _page(incident: Incident, person: FrozenPerson, now: datetime, again: int = 0) -> Page:
    return Page(
        id=page_id(incident.id, incident.cycle, incident.level, person.key, again), incident=incident.id,
        level=incident.level, cycle=incident.cycle, person=person, created_at=now,
    )  # fmt: skip
