"""The handlers that draw: each reads the state of now and lets a message show it, however often it runs."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot.errors import N_, Unavailable, phrase
from bot.incident import automatic_rules
from bot.incident import view as views
from bot.incident.advance import RTO_SHARES
from bot.incident.automatic_rules import same_subject
from bot.incident.incident import Incident
from bot.incident.playbook_runs import PlaybookRuns
from bot.incident.ports import Tx
from bot.incident.posted import SlackStore, SlackTx
from bot.incident.responder import Responder
from bot.incident.rota import roster
from bot.incident.run import Run
from bot.incident.signals import independent
from bot.incident.timeline import restore
from bot.incident.view import IncidentView
from bot.jobs import DRAW_CARD, DRAW_RUN, Job, NewJob
from bot.language import Words
from bot.slack import summaries
from bot.slack.announcements import announcement, ended
from bot.slack.blocks import Message, Who
from bot.slack.card import card
from bot.slack.client import Slack, SlackRefused
from bot.slack.decorations import Decorations
from bot.slack.home_view import home
from bot.slack.outbox import Draw, Outbox
from bot.slack.page_message import page_message
from bot.slack.people import People
from bot.slack.record import Record, nothing
from bot.slack.rto_warnings import rto_warning
from bot.slack.run_message import run_message
from bot.slack.waiting import lapsing, waiting

log = structlog.get_logger()

_HOME_INCIDENTS = 26
_SOONEST, _LATEST = timedelta(minutes=1), timedelta(minutes=10)
_SAID: Mapping[str, Callable[[IncidentView, Words, Who], Message | None]] = {
    "exhausted": summaries.exhausted,
    "resolved": summaries.resolved,
    **{f"rto-{share}": partial(rto_warning, share=share) for share in RTO_SHARES},
}


class Drawing:
    """The handlers of DRAW_CARD, DRAW_PAGE, DRAW_RUN, SAY and DRAW_HOME."""

    def __init__(
        self, store: SlackStore, slack: Slack, outbox: Outbox, responder: Responder, runs: PlaybookRuns, people: People
    ) -> None:
        self.store, self.slack, self.outbox = store, slack, outbox
        self.responder, self.runs, self.people = responder, runs, people
        self.decorations = Decorations(store, slack)

    async def card(self, job: Job) -> Record:
        """The card, then what makes its channel nicer. Without a channel there is nothing to draw: opening one draws."""
        incident = await self._incident(job.payload["incident"])
        if incident.channel is None:
            return nothing
        channel = incident.channel
        return await self._into(incident, self._card(incident, channel))

    async def run(self, job: Job) -> Record:
        """The one message of a run."""
        run_id, _ = job.payload["run"], self.people.everyone
        async with self.store.begin() as tx:
            run = await tx.runs.get(run_id)
            incident = await tx.incidents.get(run.incident)

        async def draw(tx: SlackTx) -> Message:
            return run_message(await views.run_view(tx, run_id), _, self._who(_))

        if not (channel := _channel(incident)):
            return nothing
        record = await self._into(incident, self.outbox.draw(f"run:{run_id}", channel, draw))
        if run.automatic and record is nothing:
            record = await self._into(incident, self.outbox.redraw(f"automatic:{run_id}", self._announcement(run_id)))

        async def and_again(tx: Tx) -> None:
            await record(tx)
            await tx.jobs.add(*_drawn_again(await tx.runs.peek(run_id), tx.now))

        return and_again

    async def say(self, job: Job) -> Record:
        """Something that is said once, such as the closing summary."""
        what, _ = job.payload["what"], self.people.everyone
        if what.startswith("automatic"):
            return await self._say_of_automatic(job, *what.split(":"))
        if what == "waits":
            return await self._say_that_it_waits(job)
        if what == "lapses":
            return await self._say_that_it_lapses(job)
        async with self.store.begin() as tx:
            view = await views.view(tx, self.runs, job.payload["incident"])
        if not (channel := _channel(view.incident)):
            return nothing
        message = _SAID[what](view, _, self._who(_))
        if message is None:
            return nothing
        key = f"say:{view.incident.id}:{what}"
        return await self._into(view.incident, self.outbox.post(key, channel, message, again=job.again))

    async def _say_of_automatic(self, job: Job, kind: str, run_id: str, ended_as: str = "") -> Record:
        """A run that nobody asked for is announced, or has ended. Its time to be stopped runs from the announcement on."""
        incident = await self._incident(job.payload["incident"])
        if not (channel := _channel(incident)):
            return nothing
        if kind == "automatic":
            record = await self._into(
                incident, self.outbox.draw(f"automatic:{run_id}", channel, self._announcement(run_id))
            )
            return (lambda tx: automatic_rules.announced(tx, run_id)) if record is nothing else record
        _ = self.people.everyone
        async with self.store.begin() as tx:
            shown = await views.run_view(tx, run_id)
            message = ended(await views.view(tx, self.runs, incident.id), shown, _, self._who(_))
        key = f"automatic-over:{run_id}:{ended_as}"
        return await self._into(incident, self.outbox.post(key, channel, message, again=job.again))

    async def _say_that_it_waits(self, job: Job) -> Record:
        """A row of a run needs a person. What has been answered meanwhile is not said any more."""
        run_id, row, attempt = job.payload["run"], job.payload["row"], job.payload["attempt"]
        _ = self.people.everyone
        async with self.store.begin() as tx:
            shown = await views.run_view(tx, run_id)
            view = await views.view(tx, self.runs, shown.incident.id)
        message = waiting(view, shown, row, attempt, _)
        if message is None or not (channel := _channel(view.incident)):
            return nothing
        key = f"waits:{run_id}:{row}:{attempt}"
        return await self._into(view.incident, self.outbox.post(key, channel, message, again=job.again))

    async def _say_that_it_lapses(self, job: Job) -> Record:
        """What a run has done is going to end by itself."""
        run_id, row, _ = job.payload["run"], job.payload["row"], self.people.everyone
        async with self.store.begin() as tx:
            shown = await views.run_view(tx, run_id)
            view = await views.view(tx, self.runs, shown.incident.id)
        if not (channel := _channel(view.incident)):
            return nothing
        message = lapsing(view, shown, row, restore(job.payload["why"]), _)
        key = f"lapses:{run_id}:{row}:{job.payload['at']}"
        return await self._into(view.incident, self.outbox.post(key, channel, message, again=job.again))

    def _announcement(self, run_id: str) -> Draw:
        _ = self.people.everyone

        async def draw(tx: SlackTx) -> Message | None:
            shown = await views.run_view(tx, run_id)
            view = await views.view(tx, self.runs, shown.incident.id)
            raised = await tx.incidents.raised_in([shown.incident.service])
            signals = independent(same_subject(shown.incident, raised))
            return announcement(view, shown, signals, _, self._who(_))

        return draw

    async def page(self, job: Job) -> Record:
        """A page that went out by Slack, as it stands now; one that did not go out is not sent any more."""
        page_id = job.payload["page"]
        async with self.store.begin() as tx:
            page = await tx.pages.get(page_id)
        _ = await self.people.reader_of(page.person)

        async def draw(tx: SlackTx) -> Message:
            incident = await tx.incidents.get(page.incident)  # locked first, as every verb does
            return page_message(await tx.pages.get(page_id), incident, _, self._who(_))

        try:
            await self.outbox.redraw(f"page:{page_id}", draw)
        except SlackRefused as refused:
            log.warning("page.not_redrawn", page=page_id, code=refused.code)
        return nothing

    async def home(self, job: Job) -> Record:
        """The home tab of one user, who has just opened it."""
        user = job.payload["user"]
        _ = await self.people.reader(user)
        async with self.store.begin() as tx:
            latest_first = [one.id for one in await tx.incidents.listing(open_only=True, limit=_HOME_INCIDENTS)]
            # Reading locks the rows: in the order that all others keep, or two transactions wait for each other.
            found = {id_: await views.view(tx, self.runs, id_) for id_ in sorted(latest_first)}
            shown, now = [found[id_] for id_ in latest_first], tx.now
            directory = await roster(tx, self.responder.directory)
        on_call = {name: [person.key for person in directory.on_call(name, now)] for name in directory.schedules}
        try:
            await self.slack.call("views.publish", user_id=user, view=home(shown, on_call, _, self._who(_)))
        except SlackRefused as refused:
            log.warning("home.not_published", user=user, code=refused.code)
        return nothing

    async def _card(self, incident: Incident, channel: str) -> None:
        await self.outbox.draw(f"card:{incident.id}", channel, self._draw_card(incident.id))
        if incident.own_channel and not incident.resolved:
            await self.decorations.decorate(incident, channel, self.people.everyone)

    def _draw_card(self, incident_id: str) -> Draw:
        _ = self.people.everyone

        async def draw(tx: SlackTx) -> Message:
            return card(await views.view(tx, self.runs, incident_id), _, self._who(_))

        return draw

    async def _incident(self, incident_id: str) -> Incident:
        async with self.store.begin() as tx:
            return await tx.incidents.get(incident_id)

    async def _into(self, incident: Incident, work: Awaitable[object]) -> Record:
        """Do something in the incident's channel. When Slack refuses for good (archived, deleted) it is noted, once."""
        try:
            await work
        except SlackRefused as refused:
            code = refused.code
            return lambda tx: self.responder.room_failed(tx, incident.id, code)
        return nothing

    def _who(self, _: Words) -> Who:
        return lambda actor: self.people.display(actor, _)


def _drawn_again(run: Run, now: datetime) -> list[NewJob]:
    """Messages that say how long it has been going on, and when it will be over: drawn anew while it does, ever less often."""
    if run.status not in {"running", "undoing"}:
        return []
    going_on = now - (run.started_at or run.requested_at)
    due = now + min(max(going_on / 5, _SOONEST), _LATEST)
    card = NewJob(DRAW_CARD, {"incident": run.incident}, due, key=f"card:{run.incident}")
    return [NewJob(DRAW_RUN, {"run": run.id}, due, key=f"run:{run.id}"), card]


def _channel(incident: Incident) -> str | None:
    """Where to speak; None when there will be no place. Raises `Unavailable` while the room is still being opened."""
    if incident.channel or incident.channel_problem or incident.resolved:
        return incident.channel
    raise Unavailable(phrase(N_("The channel of incident {id} is not open yet."), id=incident.id))
