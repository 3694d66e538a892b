"""What `/dr`, `/dr status` and `/dr oncall` answer. Drawn for one reader from what was read in one transaction."""

from collections.abc import Mapping, Sequence

from bot.errors import Phrase
from bot.incident.incident import Incident
from bot.incident.playbook_runs import PlaybookRuns
from bot.incident.ports import Tx
from bot.incident.view import IncidentView, view
from bot.language import Words
from bot.slack.blocks import Message, bold, code, escape, lines, listed, section, worded
from bot.slack.card import LIGHTS, clock_line, page_line, place_line, run_line, state_line
from bot.slack.desk import Say
from bot.slack.incident_buttons import incident_buttons
from bot.slack.limits import clip
from bot.slack.people import People

#: `value`: {"i": incident}: drawn when it is not clear whose status is asked for
STATUS = "incident.status"

_OPEN, _PAGES, _RUNS, _SCHEDULES = 15, 10, 5, 20


async def status_of(tx: Tx, people: People, runs: PlaybookRuns, incident: str) -> Say:
    """How one incident stands, with its buttons."""
    shown = await view(tx, runs, incident)
    return lambda _: _status(shown, people, _)


async def open_incidents(tx: Tx, people: People) -> Say:
    """Every open incident, a line or two for each."""
    found = await tx.incidents.listing(open_only=True)
    return lambda _: worded(listing(found, people, _))


def listing(found: Sequence[Incident], people: People, _: Words) -> str:
    if not found:
        return _("🟢 No incident is open.")
    return lines(_("*Open incidents*"), listed([_line(incident, people, _) for incident in found], _OPEN, _))


def on_call(schedules: Mapping[str, Sequence[str]], people: People, _: Words) -> Message:
    """Who is on call now; `schedules` gives the keys of people by schedule."""
    rows = []
    for name, keys in schedules.items():
        names = ", ".join(people.display(key, _) for key in keys)
        shown = code(clip(name, 80))
        rows.append(
            _("{schedule}: {names}", schedule=shown, names=names) if keys else _("⚠️ {schedule}: nobody", schedule=shown)
        )
    return worded(lines(_("*On call now*"), listed(rows, _SCHEDULES, _) or _("There is no schedule.")))


def overrides(made: Sequence[Phrase], _: Words) -> Message:
    """What was changed by hand and is not over."""
    rows = [escape(_.phrase(one)) for one in made]
    return worded(
        lines(_("*Changes by hand*"), listed(rows, _SCHEDULES, _) or _("There are none; the schedules hold."))
    )


def _line(incident: Incident, people: People, _: Words) -> str:
    place = f"<#{incident.channel}>" if incident.channel else ""
    name = f"{LIGHTS[incident.status]} {bold(clip(incident.title, 200))} {code(incident.id)} {place}".rstrip()
    return lines(name, state_line(incident, _, lambda actor: people.display(actor, _)))


def _status(shown: IncidentView, people: People, _: Words) -> Message:
    incident = shown.incident
    text = lines(
        _line(incident, people, _),
        place_line(incident, _),
        clock_line(shown, _),
        listed([page_line(page, _) for page in shown.pages], _PAGES, _),
        listed([run_line(run, _) for run in shown.runs], _RUNS, _),
    )
    buttons = incident_buttons(incident, shown.runs, _)
    row = [{"type": "actions", "elements": buttons}] if buttons else []
    return Message(text, [section(text), *row])
