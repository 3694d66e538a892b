"""What the channel is told when half, most, and all of the promised recovery time is gone. Pure."""

from bot.incident.advance import RTO_SHARES
from bot.incident.view import IncidentView
from bot.language import Words
from bot.slack.blocks import Block, Message, Who, lines, listed, moment, section
from bot.slack.card import run_line
from bot.slack.clock_text import finish_line
from bot.slack.playbook_list import offer_block

_RUNS, _OFFERS = 5, 3


def rto_warning(view: IncidentView, _: Words, _who: Who, *, share: int) -> Message | None:
    """How much time is gone, and what is being done about it; None when that is no longer worth saying."""
    incident = view.incident
    later = [other for other in RTO_SHARES if other > share]
    if incident.resolved or (later and view.now >= incident.started_at + incident.rto * min(later) / 100):
        return None  # it was said too late, and the next one says more
    deadline = moment(incident.started_at + incident.rto, _)
    if share < 100:
        clock = _("⏱️ *{share} % of the recovery time is gone*: recover by {at}.", share=share, at=deadline)
    else:
        clock = _("⏱️ *The recovery time is over*: the target of {rto} was {at}.", rto=incident.rto, at=deadline)
    runs = [run for run in view.runs if not run.ended]
    doing = listed([run_line(run, _) for run in runs], _RUNS, _) if runs else _idle(view, _)
    text = lines(clock, doing, finish_line(view.prediction, incident, _))
    fitting: list[Block] = [] if runs else [offer_block(incident, offer, _) for offer in view.offers[:_OFFERS]]
    return Message(text, [section(text), *fitting])


def _idle(view: IncidentView, _: Words) -> str:
    if view.offers:
        return _("No playbook is running. These fit:")
    return _("No playbook is running, and none is made for this.")
