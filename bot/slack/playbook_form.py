"""The form of a playbook: its inputs as fields, filled in for this incident. Pure."""

from collections.abc import Iterator

from bot.errors import Phrase
from bot.incident.incident import Incident
from bot.language import Words
from bot.playbook.inputs import MAX_TEXT, Filled
from bot.playbook.model import Input, Playbook
from bot.slack.blocks import Block, bold, context, escape, lines, section
from bot.slack.limits import clip
from bot.slack.views import VIEW_INPUTS, choice_field, field, fits_menu, form, text_field

CALLBACK = "playbook.request"


def playbook_form(playbook: Playbook, incident: Incident, filled: Filled, _: Words) -> Block:
    """Ask for what the plan needs. Nothing runs before the plan was read and approved.

    The zone goes with the form: a time in it is read by the clock that the form names.
    """
    title = playbook.title.for_reader(_.language)
    blocks = [
        section(lines(bold(clip(title, 200)), escape(clip(incident.title, 200)))),
        *_fields(playbook, filled, _),
        context(_("Next you see the plan: every call, before anything is changed.")),
    ]
    return form(CALLBACK, title, _("Make the plan"), blocks, _, i=incident.id, p=playbook.name, z=_.zone)


def _fields(playbook: Playbook, filled: Filled, _: Words) -> Iterator[Block]:
    for name, wanted in list(playbook.inputs.items())[:VIEW_INPUTS]:
        label = wanted.title.for_reader(_.language) if wanted.title else name
        hint = _hint(wanted, filled.problems.get(name), _)
        yield field(
            name, label, _element(wanted, filled.texts.get(name, ""), _), hint=hint, optional=not wanted.required
        )


def _element(wanted: Input, text: str, _: Words) -> Block:
    if wanted.type == "bool" and not wanted.choices:
        return choice_field({"true": _("Yes"), "false": _("No")}, text)
    if fits_menu(wanted.choices):
        return choice_field({choice: choice for choice in wanted.choices}, text)
    return text_field(text, most=MAX_TEXT)


def _hint(wanted: Input, problem: Phrase | None, _: Words) -> str:
    """What the field is for, and what keeps us from filling it in."""
    told = wanted.help.for_reader(_.language) if wanted.help else ""
    if wanted.type == "time":
        zone = _("Times are read in {zone}.", zone=_.zone)
        told = f"{told} {zone}".lstrip()
    return f"{told} {_.phrase(problem)}".lstrip() if problem else told
