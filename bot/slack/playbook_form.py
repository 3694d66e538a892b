"""The form of a playbook: its inputs as fields, filled in for this incident, with menus of what AWS has. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bot.errors import Phrase
from bot.incident.incident import Incident
from bot.language import Words
from bot.playbook.inputs import MAX_TEXT, Filled
from bot.playbook.model import Input, Playbook, ValueType
from bot.slack import views
from bot.slack.blocks import Block, bold, context, escape, lines, section
from bot.slack.choices import KINDS
from bot.slack.limits import clip
from bot.slack.views import VIEW_INPUTS, choice_field, fits_menu, form, search_field, text_field

CALLBACK = "playbook.request"
#: The field that a form without an incident has; no input is named so, since theirs have no dot.
WRONG = "what.is.wrong"
#: Begins the `action_id` of a menu that asks us while the person types: `choices:<region>`.
SEARCH = "choices"


@dataclass(frozen=True)
class Menus:
    """What AWS has, by input, as asked in `region`; None for an input that it did not answer for in time."""

    region: str = ""
    names: Mapping[str, Sequence[str] | None] = field(default_factory=dict)


def playbook_form(
    playbook: Playbook, incident: Incident | None, filled: Filled, _: Words, menus: Menus | None = None,
    service: str = "",
) -> Block:  # fmt: skip
    """Ask for what the plan needs. Nothing runs before the plan was read and approved.

    Without an incident it also asks what is wrong, and sending it declares one for the service. The zone goes with the form: a time in
    it is read by the clock that the form names.
    """
    title = playbook.title.for_reader(_.language)
    about = escape(clip(incident.title, 200)) if incident else _("No incident is open: this declares one, and pages.")
    blocks = [
        section(lines(bold(clip(title, 200)), about)),
        *([] if incident else [_what_is_wrong(title, _)]),
        *_fields(playbook, filled, menus or Menus(), _),
        context(_("Next you see the plan: every call, before anything is changed.")),
    ]
    ids = {
        "i": incident.id if incident else "",
        "p": playbook.name,
        "z": _.zone,
        **({} if incident else {"v": service}),
    }
    return form(CALLBACK, title, _("Make the plan"), blocks, _, **ids)


def listed_inputs(playbook: Playbook) -> Mapping[str, ValueType]:
    """The inputs whose values AWS can list."""
    return {
        name: wanted.type for name, wanted in playbook.inputs.items() if wanted.type in KINDS and not wanted.choices
    }


def given_for(kind: ValueType, types: Mapping[str, ValueType], texts: Mapping[str, str]) -> dict[str, str]:
    """What the form says of the kinds that this one depends on, by kind: the services are those of its cluster."""
    return {types[name]: text for name, text in texts.items() if text and types.get(name) in KINDS.get(kind, ())}


def _what_is_wrong(title: str, _: Words) -> Block:
    return views.field(WRONG, _("What is wrong?"), text_field(clip(title, 200), most=200))


def _fields(playbook: Playbook, filled: Filled, menus: Menus, _: Words) -> Iterator[Block]:
    for name, wanted in list(playbook.inputs.items())[:VIEW_INPUTS]:
        label = wanted.title.for_reader(_.language) if wanted.title else name
        problem = None if menus.names.get(name) else filled.problems.get(name)  # a menu says itself what to do
        hint = _hint(wanted, problem, _)
        if name in menus.names and menus.names[name] is None:
            late = _("AWS did not list them in time: type the name.")
            hint = f"{hint} {late}".lstrip()
        element = _element(name, wanted, filled.texts.get(name, ""), playbook, menus, _)
        yield views.field(name, label, element, hint=hint, optional=not wanted.required)


def _element(name: str, wanted: Input, text: str, playbook: Playbook, menus: Menus, _: Words) -> Block:
    if wanted.type == "bool" and not wanted.choices:
        return choice_field({"true": _("Yes"), "false": _("No")}, text)
    if fits_menu(wanted.choices):
        return choice_field({choice: choice for choice in wanted.choices}, text)
    if known := menus.names.get(name):
        return _menu(wanted.type, text, known, playbook, menus.region)
    return text_field(text, most=MAX_TEXT)


def _menu(kind: ValueType, text: str, known: Sequence[str], playbook: Playbook, region: str) -> Block:
    """A menu of what there is. What a person has named already stays possible, listed by AWS or not."""
    names = list(dict.fromkeys([*([text] if text else []), *known]))
    depends = any(wanted.type in KINDS[kind] for wanted in playbook.inputs.values())
    if fits_menu(names) and not depends:
        return choice_field({name: name for name in names}, text)
    if views.fits_option(text) or not text:
        return search_field(f"{SEARCH}:{region}", text)
    return text_field(text, most=MAX_TEXT)


def suggestions(names: Sequence[str], typed: str, _: Words) -> list[Block]:
    """The options of a menu that asks while the person types, those that begin so first; then the word as it was typed.

    So a name that AWS does not list, such as a table that is gone, can be given too.
    """
    wanted = typed.strip().casefold()
    fitting = [name for name in names if wanted in name.casefold() and views.fits_option(name)]
    nearest = sorted(fitting, key=lambda name: (not name.casefold().startswith(wanted), name))[: views.OPTIONS - 1]
    options = [views.option(name, name) for name in nearest]
    if wanted and typed.strip() not in nearest and views.fits_option(typed.strip()):
        options.append(views.option(typed.strip(), _("{name} (as typed)", name=typed.strip())))
    return options


def _hint(wanted: Input, problem: Phrase | None, _: Words) -> str:
    """What the field is for, and what keeps us from filling it in."""
    told = wanted.help.for_reader(_.language) if wanted.help else ""
    if wanted.type == "time":
        zone = _("Times are read in {zone}.", zone=_.zone)
        told = f"{told} {zone}".lstrip()
    return f"{told} {_.phrase(problem)}".lstrip() if problem else told
