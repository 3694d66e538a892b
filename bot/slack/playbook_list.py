"""What `/dr playbook` answers: the playbooks that fit the incident, with their reasons and buttons, then the others. Pure."""

from collections.abc import Mapping, Sequence

from bot.incident.incident import Incident
from bot.language import Words
from bot.playbook.model import Playbook
from bot.playbook.offer import Offer
from bot.slack.blocks import Block, Message, bold, code, context, escape, flat, lines, section, worded
from bot.slack.incident_buttons import offer_button
from bot.slack.limits import clip

_OFFERS = 10


def offer_block(incident: Incident, offer: Offer, _: Words) -> Block:
    """One playbook that fits: its title, why it is offered, and the button that opens its form."""
    title = bold(clip(offer.playbook.title.for_reader(_.language), 200))
    text = lines("📘 " + title, escape(flat(clip(_.phrase(offer.why), 300))))
    return section(text, offer_button(incident, offer, _))


def message(
    incident: Incident | None, offers: Sequence[Offer], playbooks: Mapping[str, Playbook], _: Words
) -> Message:  # fmt: skip
    """With no incident, or none that a playbook fits, only the list of all."""
    shown = offers[:_OFFERS] if incident else ()
    fit = {offer.playbook.name for offer in shown}
    others = [
        f"• {code(name)} {escape(flat(playbook.title.for_reader(_.language)))}"
        for name, playbook in sorted(playbooks.items()) if name not in fit
    ]  # fmt: skip
    usage = _("Open one with {command}.", command=code("/dr playbook restore-table"))
    heading = _("*The other playbooks*") if fit else _("*Playbooks*")
    rest = worded(lines(heading, *others, usage))
    if not incident or not shown:
        return rest
    top = _("*Playbooks for {title}*, the best first", title=escape(flat(clip(incident.title, 200))))
    blocks = [
        section(top),
        *(offer_block(incident, offer, _) | {"block_id": f"offer-{n}"} for n, offer in enumerate(shown)),
    ]
    names = [f"• {code(offer.playbook.name)} {escape(_.phrase(offer.why))}" for offer in shown]
    below = rest.blocks if others else [context(usage)]
    return Message(lines(top, *names, rest.text), [*blocks, *below][:50])
