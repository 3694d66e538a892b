"""START HERE. All the verbs of an incident, in the order in which they happen.

Every verb takes an open transaction, changes state in it, and writes the jobs that follow from the change; the caller
commits. Nothing else starts work: a listener, a route, a command and a timer each call one verb.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.config import Config
from bot.errors import N_, NotFound, Phrase, Refused, phrase
from bot.incident import automatic_rules, pager
from bot.incident.advance import Writes, advance, begin, fresh_page, page_owner
from bot.incident.alarm import Alarm
from bot.incident.correlate import TELL_AGAIN_AFTER, AlarmRecord, News, apply, service_of
from bot.incident.incident import Incident, channel_name, new_id
from bot.incident.pager import Page
from bot.incident.ports import Tx
from bot.incident.reminding import reminders
from bot.incident.rota import roster
from bot.incident.timeline import display_name, entry
from bot.jobs import DRAW_CARD, DRAW_PAGE, INVITE, PAGE, SAY, Job, NewJob
from bot.playbook.model import Playbook
from escalation.loading import Directory
from escalation.policy import FrozenPerson, freeze


@dataclass(frozen=True)
class Answer:
    """What a verb did, to be told to the one who asked. `changed` False: it was so already."""

    incident: Incident
    said: Phrase
    changed: bool = True


class Responder:
    """The verbs. It holds what does not change while the process runs: configuration, people, policies, playbooks."""

    def __init__(self, config: Config, directory: Directory, playbooks: Mapping[str, Playbook] | None = None) -> None:
        self.config, self.directory = config, directory
        self._steady_for = automatic_rules.soonest(config, playbooks or {})

    async def alarms_changed(self, tx: Tx, alarms: Sequence[tuple[Alarm, datetime]]) -> None:
        """Alarms came in (alarm, received at): open incidents, count repetitions, note what cleared or came back.

        Safe to run twice for the same delivery only because the inbox lets each delivery in once.
        """
        keys = {alarm.fingerprint for alarm, _ in alarms}
        records = dict(await tx.incidents.alarms(keys))
        open_ones = dict(await tx.incidents.open_with(keys))
        writes = Writes(tx.now)
        missing = {
            a.fingerprint: a for a, _ in reversed(alarms) if a.state == "alarm" and a.fingerprint not in open_ones
        }
        records |= await self._open_for(tx, list(missing.values()), open_ones, writes)
        touched: dict[str, Incident] = {}
        for alarm, at in alarms:
            key = alarm.fingerprint
            record, news = apply(records.get(key), alarm, at)
            incident = open_ones.get(key)
            if incident and record.incident == incident.id:
                open_ones[key] = incident = await self._hear(tx, incident, record, news)
            elif incident and alarm.state == "alarm":
                first = {"incident": incident.id, "count": 1, "first_at": at, "cleared_at": None}
                record = record.model_copy(update=first)
            records[key] = record
            if incident:
                touched[incident.id] = incident
                if self._steady_for is not None and news in {News.RAISED, News.RETURNED}:
                    writes.jobs.append(automatic_rules.consider(incident, record, self._steady_for))
        writes.jobs += [_draw(incident) for incident in touched.values()]
        await tx.incidents.save_alarms(*(records[key] for key in keys))
        await writes.flush(tx)

    async def declare(
        self, tx: Tx, title: str, by: str, *, service: str | None = None, tier: int | None = None
    ) -> Answer:
        """A person opens an incident by hand. Raises `Refused` without a title, `NotFound` for an unknown service."""
        if not title.strip():
            raise Refused(phrase(N_("Say in a few words what is wrong: /dr declare orders are failing.")))
        if service is not None and service not in self.config.services:
            raise NotFound("service", service, ", ".join(self.config.services) or "-")
        people = await roster(tx, self.directory)
        incident = self._new(tx.now, title.strip()[:200], "declared", service, people, tier=tier, declared_by=by)
        writes = Writes(tx.now)
        who = self._name(by)
        opened = entry(incident.id, tx.now, "opened", phrase(N_("{who} declared the incident."), who=who), by)
        incident = begin(incident, opened, writes)
        await tx.incidents.insert([incident])
        writes.jobs.append(_draw(incident))
        await writes.flush(tx)
        return Answer(incident, phrase(N_("Incident {id} is open: {title}"), id=incident.id, title=incident.title))

    def draft(self, now: datetime, title: str, service: str | None, tier: int) -> Incident:
        """The incident as `declare` would open it: for a form that is filled in before there is one."""
        return self._new(now, title, "declared", service, self.directory, tier=tier)

    async def acknowledge(self, tx: Tx, incident_id: str, by: str) -> Answer:
        """Somebody answers: escalation stops, the pages that are still out are withdrawn."""
        incident = await tx.incidents.get(incident_id)
        if incident.resolved:
            return Answer(incident, phrase(N_("The incident is already resolved.")), changed=False)
        if incident.status == "acknowledged":
            who = self._name(incident.acknowledged_by or "?")
            return Answer(incident, phrase(N_("{who} has acknowledged it already."), who=who), changed=False)
        incident = incident.acknowledge(by, tx.now)
        await tx.incidents.save(incident)
        await self._settle_pages(tx, incident, by)
        await tx.notes.write(
            entry(incident.id, tx.now, "acknowledged", phrase(N_("{who} acknowledged."), who=self._name(by)), by)
        )
        invite = NewJob(INVITE, {"incident": incident.id, "people": [by]})
        await tx.jobs.add(_draw(incident), invite, *reminders(incident))
        return Answer(incident, phrase(N_("You have acknowledged it. Escalation has stopped.")))

    async def escalate(self, tx: Tx, incident_id: str, by: str) -> Answer:
        """Page the next level now, whether or not somebody has acknowledged."""
        incident = await tx.incidents.get(incident_id)
        if incident.resolved:
            raise Refused(phrase(N_("The incident is already resolved.")))
        await tx.notes.write(
            entry(incident.id, tx.now, "escalated", phrase(N_("{who} escalated."), who=self._name(by)), by)
        )
        writes = Writes(tx.now, jobs=[_draw(incident)])
        incident, names = advance(incident, writes)
        await tx.incidents.save(incident)
        await writes.flush(tx)
        if not names:
            return Answer(incident, phrase(N_("There is nobody further in the chain. Use /dr page to page a person.")))
        return Answer(incident, phrase(N_("Paging {names}."), names=", ".join(names)))

    async def escalations_due(self, tx: Tx, jobs: Sequence[Job]) -> None:
        """Timers that nobody stopped in time: the next level of each incident is paged.

        A timer that was set before an acknowledgement, a resolution or a later timer does nothing (`timer` differs).
        """
        incidents = await tx.incidents.many({job.payload["incident"] for job in jobs})
        writes, changed = Writes(tx.now), list[Incident]()
        for job in jobs:
            incident = incidents.get(job.payload["incident"])
            if incident and incident.status == "open" and incident.timer == job.payload["timer"]:
                incident, _ = advance(incident, writes)
                changed.append(incident)
                writes.jobs.append(_draw(incident))
        await tx.incidents.save(*changed)
        await writes.flush(tx)

    async def page(self, tx: Tx, incident_id: str, people: Sequence[str], by: str) -> Answer:
        """Page these people (keys of people.yaml) now, beside the chain. Raises `UnknownName` for an unknown one."""
        incident = await tx.incidents.get(incident_id)
        if incident.resolved:
            raise Refused(phrase(N_("The incident is already resolved.")))
        persons = [FrozenPerson.of(self.directory.person(key)) for key in people]
        already = {page.id for page in await tx.pages.of(incident.id)}
        writes = Writes(tx.now)
        writes.page(*(fresh_page(incident, person, tx.now, already) for person in persons))
        await writes.flush(tx)
        names = ", ".join(person.name for person in persons)
        await tx.notes.write(
            entry(
                incident.id,
                tx.now,
                "page-asked",
                phrase(N_("{who} had {names} paged."), who=self._name(by), names=names),
                by,
            )
        )
        await tx.jobs.add(_draw(incident), NewJob(INVITE, {"incident": incident.id, "people": list(people)}))
        return Answer(incident, phrase(N_("Paging {names}."), names=names))

    async def page_sent(self, tx: Tx, page_id_: str, contact: int) -> None:
        """A contact method took the page."""
        page = await tx.pages.get(page_id_)
        if page.status == "due":
            await tx.pages.save(page.model_copy(update={"status": "sent", "contact": contact, "settled_at": tx.now}))
        method = page.person.contacts[contact].method
        what = phrase(N_("{name} was paged by {method}."), name=page.person.name, method=method)
        await tx.notes.write(entry(page.incident, tx.now, "paged", what, page.person.key))
        await tx.jobs.add(NewJob(DRAW_CARD, {"incident": page.incident}, key=f"card:{page.incident}"))
        if page.status in {"acknowledged", "superseded"}:
            await tx.jobs.add(NewJob(DRAW_PAGE, {"page": page.id}))

    async def page_failed(
        self, tx: Tx, page_id_: str, why: Phrase, *, permanent: bool, retry_after: float | None = None
    ) -> None:
        """A contact method did not take the page: try again soon, or fall through to the next method at once.

        When every method of this person has failed, the chain does not wait for its timer: somebody else is paged now.
        """
        await tx.incidents.get(pager.incident_of(page_id_))  # locked first, as by an acknowledgement
        page = await tx.pages.get(page_id_)
        if page.status != "due":
            return
        method = page.person.contacts[page.contact].method
        page, due = pager.after_failure(page, permanent=permanent, retry_after=retry_after, now=tx.now)
        await tx.pages.save(page)
        what = phrase(N_("{name} could not be paged by {method}: {why}"), name=page.person.name, method=method, why=why)
        await tx.notes.write(entry(page.incident, tx.now, "page-failed", what, page.person.key))
        if due is not None:
            await tx.jobs.add(NewJob(PAGE, {"page": page.id}, due_at=due))
        else:
            await self._nobody_reached(tx, page)

    async def name_room(self, tx: Tx, incident_id: str, taken: Collection[str] = ()) -> Incident:
        """Reserve the channel name before the channel is made, so that a restart finds the channel it made.

        `taken`: names that Slack refused. The reserved name is unique in our database too.
        """
        incident = await tx.incidents.get(incident_id)
        if incident.channel or (incident.channel_name and incident.channel_name not in taken):
            return incident
        name = incident.service or (incident.alarm.name if incident.alarm else incident.title)
        used = {*await tx.incidents.channel_names_like(channel_name(incident.started_at, name)), *taken}
        suffix = 1
        while channel_name(incident.started_at, name, suffix) in used:
            suffix += 1
        incident = incident.model_copy(update={"channel_name": channel_name(incident.started_at, name, suffix)})
        await tx.incidents.save(incident)
        return incident

    async def room_opened(self, tx: Tx, incident_id: str, channel: str, *, own: bool = True, problem: str = "") -> None:
        """The incident has a place in Slack: its own channel, or the fallback channel when `own` is False.

        The first place stays: after a restart two jobs may look for one at the same time.
        """
        incident = await tx.incidents.get(incident_id)
        if incident.channel:
            return
        incident = incident.model_copy(update={"channel": channel, "own_channel": own, "channel_problem": problem})
        await tx.incidents.save(incident)
        name = incident.channel_name if own else channel
        what = (
            phrase(N_("The channel {name} is open."), name=name)
            if own
            else phrase(N_("No channel could be made ({problem}); the fallback channel is used."), problem=problem)
        )
        await tx.notes.write(entry(incident.id, tx.now, "room", what))
        people = sorted({page.person.key for page in await tx.pages.of(incident.id)} | _who(incident))
        await tx.jobs.add(_draw(incident), NewJob(INVITE, {"incident": incident.id, "people": people}))

    async def room_failed(self, tx: Tx, incident_id: str, problem: str) -> None:
        """Slack has no place for the incident at all. It lives on, and pages, without."""
        incident = await tx.incidents.get(incident_id)
        if incident.channel_problem != problem:
            await tx.incidents.save(incident.model_copy(update={"channel_problem": problem}))
            what = phrase(N_("No Slack channel: {problem}. Paging goes on without."), problem=problem)
            await tx.notes.write(entry(incident.id, tx.now, "room-failed", what))

    async def note(self, tx: Tx, incident_id: str, kind: str, what: Phrase, by: str = "") -> None:
        """Write a line into the timeline."""
        await tx.notes.write(entry(incident_id, tx.now, kind, what, by))

    async def resolve(self, tx: Tx, incident_id: str, by: str, resolution: str = "") -> Answer:
        """It is over: pages are withdrawn, the card says how long it took, the alarm may open a new incident."""
        incident = await tx.incidents.get(incident_id)
        if incident.resolved:
            return Answer(incident, phrase(N_("The incident is already resolved.")), changed=False)
        running = [run for run in await tx.runs.of(incident.id) if run.going]
        if running:
            still = N_("Playbook {name} is still running. Finish or abort it first.")
            raise Refused(phrase(still, name=running[0].name))
        incident = incident.resolve(by, tx.now, resolution.strip())
        await tx.incidents.save(incident)
        await self._settle_pages(tx, incident, by)
        took = tx.now - incident.started_at
        within = took <= incident.rto
        what = phrase(
            N_("{who} resolved it after {took}, within the target of {rto}.") if within
            else N_("{who} resolved it after {took}, past the target of {rto}."),
            who=self._name(by), took=took, rto=incident.rto,
        )  # fmt: skip
        await tx.notes.write(entry(incident.id, tx.now, "resolved", what, by))
        await tx.jobs.add(_draw(incident), NewJob(SAY, {"incident": incident.id, "what": "resolved"}))
        return Answer(incident, phrase(N_("Resolved after {took}."), took=took))

    async def _open_for(
        self, tx: Tx, alarms: Sequence[Alarm], open_ones: dict[str, Incident], writes: Writes
    ) -> Mapping[str, AlarmRecord]:
        """Open an incident for each alarm that has none, many in one statement; they are added to `open_ones`.

        Where another process was first, join its incident; what it has written of the alarm meanwhile is returned.
        """
        made: dict[str, tuple[Incident, Writes]] = {}
        people = await roster(tx, self.directory) if alarms else self.directory
        for alarm in alarms:
            incident = self._new(
                tx.now, alarm.name[:200], alarm.kind, service_of(self.config, alarm), people, alarm=alarm
            )
            what = phrase(N_("Alarm {name}: {reason}"), name=alarm.name, reason=alarm.reason or "-")
            own = Writes(tx.now)
            made[incident.id] = (begin(incident, entry(incident.id, tx.now, "opened", what), own), own)
        inserted = await tx.incidents.insert([incident for incident, _ in made.values()])
        for id_ in inserted:
            incident, own = made[id_]
            open_ones[incident.open_key or ""] = incident
            writes.add(own)
        lost = {alarm.fingerprint for alarm in alarms} - open_ones.keys()
        open_ones |= await tx.incidents.open_with(lost)
        return await tx.incidents.alarms(lost)

    def _name(self, actor: str) -> str:
        return display_name(self.directory, actor)

    def _new(
        self, now: datetime, title: str, kind: str, service: str | None, people: Directory, *, alarm: Alarm | None = None,
        tier: int | None = None, declared_by: str | None = None,
    ) -> Incident:  # fmt: skip
        settings = self.config.service(service)
        return Incident(
            id=new_id(), title=title, kind=kind, service=service, tier=tier or settings.tier, alarm=alarm,
            open_key=alarm.fingerprint if alarm else None, declared_by=declared_by, started_at=now,
            account=alarm.account if alarm else "", region=settings.region or (alarm.region if alarm else ""),
            rto=settings.rto or self.config.targets.rto, rpo=settings.rpo or self.config.targets.rpo,
            chain=freeze(people, people.policy(settings.policy), now),
        )  # fmt: skip

    async def _hear(self, tx: Tx, incident: Incident, record: AlarmRecord, news: News) -> Incident:
        """What a change of its alarm means for an open incident. OK clears the alarm, never the incident."""
        if news is News.CLEARED:
            what = phrase(
                N_("The alarm {name} is OK again. The incident stays open until a person resolves it."),
                name=record.latest.name,
            )
            await tx.notes.write(entry(incident.id, tx.now, "cleared", what))
        elif news in {News.RETURNED, News.RAISED}:
            what = phrase(
                N_("The alarm {name} is back: {reason}"), name=record.latest.name, reason=record.latest.reason or "-"
            )
            await tx.notes.write(entry(incident.id, tx.now, "returned", what))
            return await self._tell_owner_again(tx, incident)
        return incident

    async def _tell_owner_again(self, tx: Tx, incident: Incident) -> Incident:
        """An acknowledged incident must not swallow its alarm when it comes back: its owner is paged again."""
        told = incident.paged_again_at
        if incident.status != "acknowledged" or (told and tx.now - told < TELL_AGAIN_AFTER):
            return incident
        writes = Writes(tx.now)
        already = {page.id for page in await tx.pages.of(incident.id)}
        incident = page_owner(incident, self.directory, already, writes)
        await writes.flush(tx)
        incident = incident.model_copy(update={"paged_again_at": tx.now})
        await tx.incidents.save(incident)
        return incident

    async def _settle_pages(self, tx: Tx, incident: Incident, by: str) -> None:
        """Pages that are out are drawn as answered; pages that are due are not sent any more."""
        for page in await tx.pages.of(incident.id):
            if page.status in {"due", "sent"}:
                status = "acknowledged" if page.person.key == by else "superseded"
                await tx.pages.save(page.model_copy(update={"status": status, "settled_at": tx.now}))
                await tx.jobs.add(NewJob(DRAW_PAGE, {"page": page.id}))

    async def _nobody_reached(self, tx: Tx, page: Page) -> None:
        """Every method of one person failed. When that is true of the whole level, go on without waiting.

        So too for the owner of an incident whose alarm came back: somebody else must know.
        """
        what = phrase(N_("{name} could not be reached by any contact method."), name=page.person.name)
        await tx.notes.write(entry(page.incident, tx.now, "unreachable", what, page.person.key))
        incident = await tx.incidents.get(page.incident)
        pages = await tx.pages.of(incident.id)
        level = [p for p in pages if (p.level, p.cycle) == (incident.level, incident.cycle)]
        unheard = incident.status == "open" and level and all(p.status == "failed" for p in level)
        ownerless = incident.paged_again_at and not incident.resolved and page.person.key == incident.acknowledged_by
        if unheard or ownerless:
            writes = Writes(tx.now)
            incident, _ = advance(incident, writes)
            await tx.incidents.save(incident)
            await writes.flush(tx)
            if incident.exhausted and all(p.status == "failed" for p in pages):
                await self._try_everybody_again(tx, pages)
        await tx.jobs.add(_draw(incident))

    async def _try_everybody_again(self, tx: Tx, pages: Sequence[Page]) -> None:
        """The chain is at its end and has reached nobody: go on trying until somebody is paged or it is over."""
        again = pager.once_more(pages)
        await tx.pages.save(*again)
        due = tx.now + pager.EVERYBODY_AFTER
        await tx.jobs.add(*(NewJob(PAGE, {"page": page.id}, due_at=due) for page in again))


def _draw(incident: Incident) -> NewJob:
    """Draw the card with the state of then. Edits that still wait are replaced by the latest."""
    return NewJob(DRAW_CARD, {"incident": incident.id}, key=f"card:{incident.id}")


def _who(incident: Incident) -> set[str]:
    return {who for who in (incident.declared_by, incident.acknowledged_by) if who}
