"""An auditor of pages: which should have gone out by now, whatever the queue believes? What is missing is sent, and said.

It derives that from the frozen chain and the pages that were written, and from nothing that the worker keeps for itself
(timers, jobs, the incident's own count of levels), so that a lost row, a mistake of ours, or a hand in the database does
not leave an incident that nobody answers standing still.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.errors import N_, phrase
from bot.incident.advance import Writes, advance
from bot.incident.incident import Incident
from bot.incident.pager import Page, page_id
from bot.incident.ports import Tx
from bot.incident.timeline import entry
from bot.jobs import AUDIT, DRAW_CARD, PAGE, Job, NewJob
from escalation.policy import FrozenLevel, FrozenPerson

log = structlog.get_logger()

EVERY = timedelta(seconds=30)
#: A timer may be late under load, and after a restart; only what is later than this was forgotten.
GRACE = timedelta(seconds=60)
#: So many incidents in one round; the next round goes on with those after them.
_AT_ONCE = 500


@dataclass(frozen=True)
class Owed:
    """A page of the chain that should exist by now and does not."""

    level: FrozenLevel
    person: FrozenPerson


@dataclass(frozen=True)
class Verdict:
    """What is wrong with the pages of one incident. `late`: the next level's time is over, and nobody was paged."""

    missing: Sequence[Owed] = ()
    late: bool = False

    def __bool__(self) -> bool:
        return bool(self.missing) or self.late


def audit(incident: Incident, pages: Sequence[Page], now: datetime) -> Verdict:
    """Which pages of an incident that nobody has answered should have been written by now."""
    if incident.status != "open":
        return Verdict()
    levels = [level for level in incident.chain.levels if level.people]
    known = {page.id for page in pages}
    reached = max(((page.cycle, page.level) for page in pages if page.cycle), default=(0, 0))
    begun = [level for level in levels if (level.cycle, level.level) <= reached]
    missing = [
        Owed(level, person)
        for level in begun
        for person in incident.chain.people_at(level)
        if page_id(incident.id, level.cycle, level.level, person.key) not in known
    ]
    return Verdict(missing, late=len(begun) < len(levels) and _due(incident, begun, pages) + GRACE < now)


def _due(incident: Incident, begun: Sequence[FrozenLevel], pages: Sequence[Page]) -> datetime:
    """When the level after those that have begun should be paged: the last one's wait after it was."""
    if not begun:
        return incident.started_at
    last = begun[-1]
    at = [page.created_at for page in pages if (page.cycle, page.level) == (last.cycle, last.level)]
    return max(at, default=incident.started_at) + last.wait


class Auditor:
    """The handler of AUDIT: it comes round by itself."""

    async def audit(self, job: Job) -> Callable[[Tx], Awaitable[None]]:
        """One round, in the transaction that ends the job."""
        return lambda tx: self.go_round(tx, str(job.payload.get("after", "")))

    async def go_round(self, tx: Tx, after: str = "") -> None:
        """Look at the incidents behind `after` that nobody has answered, and at pages that nothing sends."""
        names = await tx.incidents.unanswered(after, _AT_ONCE)
        incidents = await tx.incidents.many(names)
        pages = _by_incident(await tx.pages.of_many(names))
        writes = Writes(tx.now)
        changed = [
            self._repaired(incident, pages.get(name, ()), writes) for name, incident in sorted(incidents.items())
        ]
        await tx.incidents.save(*(incident for incident in changed if incident))
        await self._send_again(tx, writes)
        await writes.flush(tx)
        following = {"after": names[-1]} if len(names) == _AT_ONCE else {}
        await tx.jobs.add(NewJob(AUDIT, following, tx.now + (timedelta() if following else EVERY), key=AUDIT.name))

    def _repaired(self, incident: Incident, pages: Sequence[Page], writes: Writes) -> Incident | None:
        """The incident as it goes on, with what was missing; None where all is well."""
        verdict = audit(incident, pages, writes.now)
        if not verdict:
            return None
        for owed in verdict.missing:
            writes.page(_page(incident, owed, writes.now))
            _report(incident, owed.person.name, owed.level.level, writes)
        if verdict.late:
            incident, names = advance(_as_paged(incident, pages), writes)
            _report(incident, ", ".join(names), incident.level, writes)
        writes.jobs.append(NewJob(DRAW_CARD, {"incident": incident.id}, key=f"card:{incident.id}"))
        return incident

    async def _send_again(self, tx: Tx, writes: Writes) -> None:
        """A page that is due and that no job sends: it was written, and its job is gone."""
        for page in await tx.pages.forsaken(tx.now - GRACE):
            writes.jobs.append(NewJob(PAGE, {"page": page.id}))
            what = phrase(N_("The page to {name} had been forgotten; it is sent now."), name=page.person.name)
            writes.entries.append(entry(page.incident, tx.now, "audit", what))
            log.error("audit.page_forsaken", page=page.id)


def _as_paged(incident: Incident, pages: Sequence[Page]) -> Incident:
    """At the level that was really paged last, whatever the incident's own row says."""
    cycle, level = max(((page.cycle, page.level) for page in pages if page.cycle), default=(0, 0))
    return incident.model_copy(update={"cycle": cycle, "level": level})


def _by_incident(pages: Sequence[Page]) -> Mapping[str, Sequence[Page]]:
    found: dict[str, list[Page]] = defaultdict(list)
    for page in pages:
        found[page.incident].append(page)
    return found


def _page(incident: Incident, owed: Owed, now: datetime) -> Page:
    level = owed.level
    return Page(
        id=page_id(incident.id, level.cycle, level.level, owed.person.key), incident=incident.id, level=level.level,
        cycle=level.cycle, person=owed.person, created_at=now,
    )  # fmt: skip


def _report(incident: Incident, names: str, level: int, writes: Writes) -> None:
    what = N_("A page of level {level} had been forgotten: {names} should have been paged by now, and are paged now.")
    said = phrase(what, level=level, names=names or "-")
    writes.entries.append(entry(incident.id, writes.now, "audit", said))
    log.error("audit.page_missing", incident=incident.id, level=level, people=names)
