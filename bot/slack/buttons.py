"""What every button does: one line of a table for each `action_id`."""

from collections.abc import Awaitable, Callable, Mapping

from bot.errors import N_, Refused, phrase
from bot.incident.playbook_runs import PlaybookRuns, playbook_of
from bot.incident.posted import SlackTx
from bot.incident.responder import Responder
from bot.slack.desk import Desk, Say
from bot.slack.forms import Draw, Forms, said_of_approval
from bot.slack.heard import Press
from bot.slack.incident_buttons import ACKNOWLEDGE, ESCALATE, OFFER, RESOLVE
from bot.slack.run_buttons import (
    PLAN_SHOW,
    RUN_ABORT,
    RUN_APPROVE,
    RUN_NOW,
    RUN_REPLAN,
    RUN_UNDO,
    STEP_CONFIRM,
    STEP_EVENTS,
    STEP_NO,
    STEP_RETRY,
    STEP_SKIP,
    STEP_YES,
)
from bot.slack.status import STATUS, status_of
from bot.slack.undo_form import UNDO_CHOOSE, run_of

#: `value`: {"i": incident, "w": keys of people, separated by commas}: drawn when somebody asks for a page and it is not
#: clear for which incident
PAGE = "incident.page"


class Buttons:
    """Each handler of `BUTTONS` is a verb for `Desk.do`, or draws a form."""

    def __init__(self, desk: Desk, forms: Forms, responder: Responder, runs: PlaybookRuns) -> None:
        self.desk, self.forms, self.responder, self.runs = desk, forms, responder, runs

    async def pressed(self, press: Press) -> None:
        """Do what the button says and tell the one who pressed it. Never raises."""
        if press.action_id in OPENERS:
            try:
                draw = OPENERS[press.action_id](self, press)
            except Refused as refused:
                self.desk.afterwards(self.desk.tell(press, refused.phrase))
            else:
                self.forms.show(press, draw)
            return
        handler = BUTTONS.get(press.action_id, Buttons.unknown)
        await self.desk.do(press, lambda tx, by: handler(self, tx, press, by))

    async def acknowledge(self, tx: SlackTx, press: Press, by: str) -> Say:
        return (await self.responder.acknowledge(tx, press.ids["i"], by)).said

    async def escalate(self, tx: SlackTx, press: Press, by: str) -> Say:
        return (await self.responder.escalate(tx, press.ids["i"], by)).said

    async def page(self, tx: SlackTx, press: Press, by: str) -> Say:
        return (await self.responder.page(tx, press.ids["i"], press.ids["w"].split(","), by)).said

    async def status(self, tx: SlackTx, press: Press, _by: str) -> Say:
        return await status_of(tx, self.desk.people, self.runs, press.ids["i"])

    async def approve(self, tx: SlackTx, press: Press, by: str) -> Say | None:
        """At once; for a run that concerns a region, a form wants its name typed first."""
        run, plan_hash = await tx.runs.get(press.ids["r"]), press.ids["h"]
        if playbook_of(run).tier == 3:
            self.forms.show(press, self.forms.approve(run.id, plan_hash))
            return None
        return said_of_approval(await self.runs.approve(tx, run.id, plan_hash, by))

    async def abort(self, tx: SlackTx, press: Press, by: str) -> Say:
        run = await self.runs.abort(tx, press.ids["r"], by)
        return phrase(N_("{name} is aborted. No further step starts."), name=run.name)

    async def replan(self, tx: SlackTx, press: Press, by: str) -> None:
        """The run's own message shows the new plan when it is made."""
        await self.runs.replan(tx, press.ids["r"], by)

    async def start_now(self, tx: SlackTx, press: Press, by: str) -> Say:
        run = await self.runs.start_now(tx, press.ids["r"], by)
        return phrase(N_("{name} is running."), name=run.name)

    async def step(self, tx: SlackTx, press: Press, by: str) -> None:
        """The run's own message shows what came of it."""
        await self.runs.press(tx, press.ids["r"], press.ids["s"], STEP_EVENTS[press.action_id], by)

    async def unknown(self, _tx: SlackTx, _press: Press, _by: str) -> Say:
        return phrase(N_("This button is from another version of Lifeboat. Use the newest message instead."))

    def open_playbook(self, press: Press) -> Draw:
        ids = press.ids
        given = {name[2:]: value for name, value in ids.items() if name.startswith("g:")}
        return self.forms.playbook(ids["i"], ids["p"], given, ids.get("v"))

    def open_resolve(self, press: Press) -> Draw:
        return self.forms.resolve(press.ids["i"])

    def open_skip(self, press: Press) -> Draw:
        return self.forms.skip(press.ids["r"], press.ids["s"])

    def open_undo(self, press: Press) -> Draw:
        return self.forms.undo(press.ids["r"])

    def choose_undo(self, press: Press) -> Draw:
        """The same form for what has just been chosen in it."""
        return self.forms.undo(run_of(press.value), press.value)

    def open_plan(self, press: Press) -> Draw:
        return self.forms.plan(press.ids["r"])


Handler = Callable[[Buttons, SlackTx, Press, str], Awaitable[Say | None]]
Opener = Callable[[Buttons, Press], Draw]

#: Buttons that do something at once, in one transaction.
BUTTONS: Mapping[str, Handler] = {
    ACKNOWLEDGE: Buttons.acknowledge,
    ESCALATE: Buttons.escalate,
    PAGE: Buttons.page,
    STATUS: Buttons.status,
    RUN_APPROVE: Buttons.approve,
    RUN_ABORT: Buttons.abort,
    RUN_REPLAN: Buttons.replan,
    RUN_NOW: Buttons.start_now,
    STEP_YES: Buttons.step,
    STEP_NO: Buttons.step,
    STEP_CONFIRM: Buttons.step,
    STEP_RETRY: Buttons.step,
}
#: Buttons that open a modal.
OPENERS: Mapping[str, Opener] = {
    OFFER: Buttons.open_playbook,
    RESOLVE: Buttons.open_resolve,
    STEP_SKIP: Buttons.open_skip,
    PLAN_SHOW: Buttons.open_plan,
    RUN_UNDO: Buttons.open_undo,
    UNDO_CHOOSE: Buttons.choose_undo,
}
