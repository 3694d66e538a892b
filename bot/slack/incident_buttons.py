"""The buttons of an incident, on its card, on its pages and on the home tab; each only where it can act."""

from collections.abc import Sequence

from bot.incident.incident import Incident
from bot.incident.run import Run
from bot.language import Words
from bot.playbook.offer import Offer
from bot.slack.blocks import Block, button
from bot.slack.values import encode_value

#: `value`: {"i": incident}
ACKNOWLEDGE = "incident.acknowledge"
ESCALATE = "incident.escalate"
RESOLVE = "incident.resolve"
#: `value`: {"i": incident, "p": playbook}
OFFER = "playbook.open"


def incident_buttons(incident: Incident, runs: Sequence[Run], _: Words) -> list[Block]:
    """What can be done with the incident now: while a playbook runs it cannot be resolved, so the button is not there."""
    if incident.resolved:
        return []
    found = answer_buttons(incident, _)
    if not any(run.going for run in runs):
        found.append(button(_("Resolve"), RESOLVE, encode_value(i=incident.id)))
    return found


def answer_buttons(incident: Incident, _: Words) -> list[Block]:
    """What a person who is paged can answer."""
    value = encode_value(i=incident.id)
    escalate = [] if incident.resolved else [button(_("Escalate"), ESCALATE, value)]
    if incident.status != "open":
        return escalate
    return [button(_("Acknowledge"), ACKNOWLEDGE, value, style="primary"), *escalate]


def offer_button(incident: Incident, offer: Offer, _: Words) -> Block:
    """Opens the playbook's form; nothing runs before its plan was read and approved."""
    return button(_("Open"), OFFER, encode_value(i=incident.id, p=offer.playbook.name))
