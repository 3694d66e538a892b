"""Which incident a person means who does not say it."""

import re
from collections.abc import Mapping, Sequence

from bot.config import Service
from bot.errors import N_, Refused, phrase
from bot.incident.incident import Incident
from bot.incident.ports import Tx
from bot.language import Words
from bot.slack.blocks import Block, Message, bold, button, code, context, section
from bot.slack.card import LIGHTS
from bot.slack.incident_buttons import OFFER
from bot.slack.limits import clip
from bot.slack.values import encode_value

_ID = re.compile(r"[a-z0-9]{8}")
_SHOWN, _SERVICES = 10, 50


class SeveralOpen(Exception):  # a question to the person, not an error
    """Several incidents are open, and nothing says which of them is meant."""

    def __init__(self, incidents: Sequence[Incident]) -> None:
        super().__init__(f"{len(incidents)} incidents are open")
        self.incidents = incidents


class NoneOpen(Refused):
    """No incident is open."""

    def __init__(self) -> None:
        super().__init__(phrase(N_("No incident is open. /dr declare with a few words opens one.")))


async def named(tx: Tx, word: str) -> Incident | None:
    """The incident of that id, if the word is one."""
    id_ = word.strip("#`").lower()
    if not _ID.fullmatch(id_):
        return None
    return (await tx.incidents.many([id_])).get(id_)


async def meant(tx: Tx, given: str, channel: str | None) -> Incident:
    """The incident given, else that of the channel, else the only one that is open.

    Raises `NotFound` for an unknown id, `NoneOpen`, `SeveralOpen` to ask.
    """
    if given:
        return await named(tx, given) or await tx.incidents.get(given[:20])
    here = await tx.incidents.in_channel(channel) if channel else None
    if here and here.own_channel:
        return here
    open_ones = await tx.incidents.listing(open_only=True)
    if not open_ones:
        raise NoneOpen
    if len(open_ones) > 1:
        raise SeveralOpen(open_ones)
    return open_ones[0]


def which(incidents: Sequence[Incident], action_id: str, _: Words, **ids: str) -> Message:
    """Ask which incident is meant: each one's button does at once what was asked for, with the `ids` it needs."""
    question = _("Which incident do you mean?")
    blocks = [section(bold(question))]
    for number, incident in enumerate(incidents[:_SHOWN]):
        name = f"{LIGHTS[incident.status]} {bold(clip(incident.title, 200))} {code(incident.id)}"
        choose = button(_("This one"), action_id, encode_value(i=incident.id, **ids))
        blocks += [section(name, choose) | {"block_id": f"which-{number}"}]
    if len(incidents) > _SHOWN:
        blocks.append(
            context(_("and {count} more: give the id, as in /dr ack k3v9x2ab.", count=len(incidents) - _SHOWN))
        )
    return Message(question, blocks)


def which_service(services: Mapping[str, Service], _: Words, **ids: str) -> list[Block]:
    """Ask which service a playbook is for, when there is no incident that says it; each button opens the form."""
    blocks = [section(bold(_("Which service is it for?")))]
    for number, (name, service) in enumerate(list(services.items())[:_SERVICES]):
        choose = button(_("Choose"), OFFER, encode_value(i="", v=name, **ids))
        title = bold(clip(service.title or name, 200))
        blocks += [section(f"{title} {code(clip(name, 80))}", choose) | {"block_id": f"service-{number}"}]
    none = button(_("Go on"), OFFER, encode_value(i="", v="", **ids))
    return [*blocks, section(_("None of them"), none) | {"block_id": "service-none"}]
