"""Forms: opened at once with a skeleton, filled in, sent back, and then one verb. A form that is closed leaves nothing.

A `trigger_id` lives three seconds and serves once, so the skeleton is opened before anything is looked up.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from bot.config import Config
from bot.errors import N_, LifeboatError, Phrase, Refused, Unavailable, phrase
from bot.incident.approval import WrongRegion
from bot.incident.incident import Incident
from bot.incident.playbook_runs import BadInputs, PlaybookRuns
from bot.incident.posted import SlackTx
from bot.incident.responder import Responder
from bot.incident.run import Run
from bot.incident.view import run_view
from bot.language import Words
from bot.playbook.inputs import Filled
from bot.playbook.model import Playbook
from bot.slack import approve_form, plain_forms, playbook_form, undo_form
from bot.slack.blocks import Block, section
from bot.slack.choices import Choices
from bot.slack.client import SlackRefused
from bot.slack.desk import HURRY, Desk, Repeated, Say, problem, readable
from bot.slack.heard import Asked, Heard, Sent
from bot.slack.limits import clip
from bot.slack.plan_view import plan_view
from bot.slack.playbook_form import Menus
from bot.slack.verbs import region_of
from bot.slack.views import SKELETON, field_errors, modal, with_notice

log = structlog.get_logger()

#: What is left to do when the transaction is over, such as asking AWS.
Rest = Callable[[], Awaitable[Block]]
#: Draws a modal from what a transaction says.
Draw = Callable[[SlackTx, Words], Awaitable[Block | Rest]]
#: What Slack is answered when a form was sent: nothing closes it.
Answer = dict[str, Any]

_EXPIRED = N_("Slack gave us too little time to open the form. Press again.")
_CANNOT_OPEN = N_("Slack did not open the form ({code}). Press again, or use the command line.")


class Forms:
    """Every form that we show: `open_…` draws it, `FORMS` says what is done when it comes back."""

    def __init__(
        self, desk: Desk, responder: Responder, runs: PlaybookRuns, config: Config, choices: Choices | None = None
    ) -> None:
        self.desk, self.responder, self.runs, self.config, self.choices = desk, responder, runs, config, choices

    def show(self, heard: Heard, draw: Draw) -> None:
        """Open a modal after the acknowledgement, or let the one in which the person acted show this instead."""
        self.desk.afterwards(self._show(heard, draw))

    def plan(self, run: str) -> Draw:
        """The whole plan of a run."""

        async def draw(tx: SlackTx, _: Words) -> Block:
            return plan_view(await run_view(tx, run), _)

        return draw

    def approve(self, run: str, plan_hash: str) -> Draw:
        """Type the region's name to approve exactly this plan."""

        async def draw(tx: SlackTx, _: Words) -> Block:
            found = await tx.runs.get(run)
            if found.status != "planned" or found.plan_hash != plan_hash:
                raise Refused(phrase(N_("This plan cannot be approved any more. Use the newest message of the run.")))
            return approve_form.approve_form(found, plan_hash, _)

        return draw

    def playbook(
        self, incident: str, name: str, given: Mapping[str, str] | None = None, service: str | None = None
    ) -> Draw:
        """The inputs of a playbook, filled in from the incident and with what was `given`; menus show what AWS has.

        Without an incident the form declares one too, for the `service`.
        """

        async def draw(tx: SlackTx, _: Words) -> Rest:
            found = await tx.incidents.get(incident) if incident else None
            if found and found.resolved:
                raise Refused(phrase(N_("The incident is already resolved.")))
            playbook = self.runs.playbook(name)
            about = found or self.responder.draft(tx.now, playbook.title.en, service, playbook.tier)
            filled = self.runs.form(about, name, tx.now, _.zone, given)

            async def rest() -> Block:
                own = (
                    self.config.region
                )  # where Lifeboat works: a failover's form must not ask the region that is failing
                home = own if playbook.regions else about.region or own
                menus = await self._menus(playbook, filled, home)
                return playbook_form.playbook_form(playbook, found, filled, _, menus, service or "")

            return rest

        return draw

    def undo(self, run: str, chosen: str = "") -> Draw:
        """What would be taken back, in which order, and what stays; `chosen` is one of the form's own choices."""

        async def draw(tx: SlackTx, _: Words) -> Block:
            view = await run_view(tx, run)
            return undo_form.undo_form(view, undo_form.Choice.read(chosen), _)

        return draw

    def declare(self, title: str = "") -> Draw:
        """Open an incident by hand."""

        async def draw(_tx: SlackTx, _: Words) -> Block:
            return plain_forms.declare(self.config, title, _)

        return draw

    def resolve(self, incident: str) -> Draw:
        """Say how it ended."""

        async def draw(tx: SlackTx, _: Words) -> Block:
            return plain_forms.resolve(await tx.incidents.get(incident), _)

        return draw

    def skip(self, run: str, step: str) -> Draw:
        """Say why a step is skipped."""

        async def draw(tx: SlackTx, _: Words) -> Block:
            return plain_forms.skip(await tx.runs.get(run), step, _)

        return draw

    async def submitted(self, sent: Sent) -> Answer:
        """Do what the form is for; what cannot be accepted is said in the form, which keeps what was entered."""
        _ = await self.desk.words(sent.user, HURRY)
        try:
            submit = FORMS.get(sent.callback_id, Forms.unknown)
            said = await self.desk.once(sent, lambda tx, by: submit(self, tx, sent, by, _))
        except Repeated:
            return {}
        except BadInputs as bad:
            return _bad_fields(sent, bad, _)
        except Exception as error:  # noqa: BLE001  # whatever it was, the person reads it and nothing they entered is lost
            return _notice(sent, problem(error), _)
        if said is not None:
            self.desk.afterwards(self.desk.tell(sent, said))
        return {}

    async def suggested(self, asked: Asked) -> list[Block]:
        """The options of a menu that asks while the person types. Never raises: without an answer there are none."""
        search, _colon, region = asked.action_id.partition(":")
        if search != playbook_form.SEARCH or self.choices is None:
            return []
        try:
            await self.desk.actor(asked)
            playbook = self.runs.playbook(asked.ids["p"])
            types = playbook_form.listed_inputs(playbook)
            kind = types[asked.block_id]
        except (LifeboatError, KeyError):
            return []
        given = playbook_form.given_for(kind, types, asked.texts)
        names = await self.choices.of(kind, region, given)
        return playbook_form.suggestions(names or [], asked.typed, await self.desk.words(asked.user, HURRY))

    async def request(self, tx: SlackTx, sent: Sent, by: str, _words: Words) -> None:
        """A playbook is asked for; the run's own message says how it goes on. A form without an incident declares one."""
        incident, texts = sent.ids["i"], dict(sent.texts)
        wrong = texts.pop(playbook_form.WRONG, "")
        if not incident:
            incident = (await self._declare_for(tx, wrong, sent, by)).id
        await self.runs.request(tx, incident, sent.ids["p"], texts, by, zone=sent.ids["z"])

    async def _declare_for(self, tx: SlackTx, wrong: str, sent: Sent, by: str) -> Incident:
        if not wrong.strip():
            raise BadInputs({playbook_form.WRONG: phrase(N_("Say in a few words what is wrong."))})
        tier, service = self.runs.playbook(sent.ids["p"]).tier, sent.ids["v"] or None
        return (await self.responder.declare(tx, wrong, by, service=service, tier=tier)).incident

    async def taken_back(self, tx: SlackTx, sent: Sent, by: str, _words: Words) -> None:
        """A run is undone, whole or in part; its message shows how it goes."""
        choice = undo_form.Choice.read(sent.texts.get(undo_form.WHAT, ""))
        typed = sent.texts.get(undo_form.REGION, "")
        try:
            await self.runs.undo(tx, sent.ids["r"], by, row=choice.row, only=choice.only, typed=typed)
        except WrongRegion as wrong:
            raise BadInputs({undo_form.REGION: wrong.phrase}) from wrong

    async def declared(self, tx: SlackTx, sent: Sent, by: str, _words: Words) -> Say:
        title, tier = sent.texts.get(plain_forms.TITLE, ""), sent.texts.get(plain_forms.TIER)
        if not title.strip():
            raise BadInputs({plain_forms.TITLE: phrase(N_("Say in a few words what is wrong."))})
        service = sent.texts.get(plain_forms.SERVICE) or None
        return (await self.responder.declare(tx, title, by, service=service, tier=int(tier) if tier else None)).said

    async def resolved(self, tx: SlackTx, sent: Sent, by: str, _words: Words) -> Say | None:
        answer = await self.responder.resolve(tx, sent.ids["i"], by, sent.texts.get(plain_forms.RESOLUTION, ""))
        return None if answer.changed else answer.said

    async def skipped(self, tx: SlackTx, sent: Sent, by: str, _words: Words) -> None:
        reason = sent.texts.get(plain_forms.REASON, "").strip()
        if not reason:
            raise BadInputs({plain_forms.REASON: phrase(N_("Say why: others read it in the timeline."))})
        await self.runs.press(tx, sent.ids["r"], sent.ids["s"], "skip", by, reason)

    async def approved(self, tx: SlackTx, sent: Sent, by: str, _words: Words) -> Say:
        """A run that concerns a region is approved by typing its name."""
        typed = sent.texts.get(approve_form.REGION, "")
        try:
            run = await self.runs.approve(tx, sent.ids["r"], sent.ids["h"], by, typed=typed)
        except WrongRegion as wrong:
            raise BadInputs({approve_form.REGION: wrong.phrase}) from wrong
        return said_of_approval(run)

    async def unknown(self, _tx: SlackTx, _sent: Sent, _by: str, _words: Words) -> None:
        raise Refused(phrase(N_("This form is from another version of Lifeboat. Close it and open it anew.")))

    async def _show(self, heard: Heard, draw: Draw) -> None:
        view_id, hash_ = heard.modal, None
        if view_id is None:
            try:
                opened = (await self.desk.slack.call("views.open", trigger_id=heard.trigger, view=SKELETON))["view"]
            except (SlackRefused, Unavailable) as error:
                await self._not_opened(heard, error)
                return
            view_id, hash_ = str(opened["id"]), opened["hash"]
        view = await self._drawn(heard, draw)
        try:
            await self.desk.slack.call("views.update", view_id=view_id, hash=hash_, view=view)
        except SlackRefused as refused:
            # `not_found`, `hash_conflict`: the person has closed it, or something newer stands in it.
            log.info("form.not_filled", view=view_id, code=refused.code)
        except Unavailable as error:
            await self.desk.tell(heard, problem(error))

    async def _drawn(self, heard: Heard, draw: Draw) -> Block:
        """The modal, or one that says why it cannot be drawn."""
        _ = await self.desk.words(heard.user)
        try:
            await self.desk.actor(heard)
            drawn = await self.desk.read(lambda tx: draw(tx, _))
            return drawn if isinstance(drawn, dict) else await drawn()
        except Exception as error:  # noqa: BLE001  # whatever it was, the person reads it in the form that is open
            return modal(_("Not possible"), [section(f"⚠️ {readable(_.phrase(problem(error)))}")], _)

    async def _menus(self, playbook: Playbook, filled: Filled, home: str) -> Menus:
        """What AWS has for the inputs that it can list, all asked at once."""
        if self.choices is None:
            return Menus()
        region, types = region_of(playbook, filled.values, home), playbook_form.listed_inputs(playbook)
        asked = [
            self.choices.of(kind, region, playbook_form.given_for(kind, types, filled.texts)) for kind in types.values()
        ]
        return Menus(region, dict(zip(types, await asyncio.gather(*asked), strict=True)))

    async def _not_opened(self, heard: Heard, error: SlackRefused | Unavailable) -> None:
        """A trigger that served already is a second delivery of the same press: its form is open."""
        match error:
            case SlackRefused(code="exchanged_trigger_id"):
                return
            case SlackRefused(code="expired_trigger_id" | "trigger_expired"):
                said = phrase(_EXPIRED)
            case SlackRefused():
                log.error("form.not_opened", code=error.code, problems=error.answer.get("response_metadata"))
                said = phrase(_CANNOT_OPEN, code=error.code)
            case Unavailable():
                said = problem(error)
        await self.desk.tell(heard, said)


def said_of_approval(run: Run) -> Phrase:
    """What somebody reads who has approved a run."""
    if run.status == "planned":
        return phrase(N_("You have approved it. It starts when the others have approved it too."))
    return phrase(N_("You have approved it. {name} is running."), name=run.name)


def _bad_fields(sent: Sent, bad: BadInputs, _: Words) -> Answer:
    errors = field_errors(sent.view, {name: _.phrase(what) for name, what in bad.problems.items()})
    return {"response_action": "errors", "errors": errors} if errors else _notice(sent, bad.phrase, _)


def _notice(sent: Sent, what: Phrase, _: Words) -> Answer:
    return {"response_action": "update", "view": with_notice(sent.view, readable(clip(_.phrase(what), 2_000)))}


Submit = Callable[[Forms, SlackTx, Sent, str, Words], Awaitable[Say | None]]

#: What each form does, in one transaction, when it is sent.
FORMS: Mapping[str, Submit] = {
    playbook_form.CALLBACK: Forms.request,
    undo_form.CALLBACK: Forms.taken_back,
    plain_forms.DECLARE: Forms.declared,
    plain_forms.RESOLVE: Forms.resolved,
    plain_forms.SKIP: Forms.skipped,
    approve_form.CALLBACK: Forms.approved,
}
