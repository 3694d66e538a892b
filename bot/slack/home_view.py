"""The app's home tab: the open incidents, and who is on call. Pure."""

from collections.abc import Mapping, Sequence

from bot.incident.run import Run
from bot.incident.view import IncidentView
from bot.language import Words
from bot.slack.blocks import Block, Who, actions, bold, code, context, header, lines, listed, section
from bot.slack.card import LIGHTS, clock_line, place_line, run_line, state_line
from bot.slack.clock_text import finish_line
from bot.slack.incident_buttons import incident_buttons
from bot.slack.limits import clip

#: Three blocks each; a view holds 100.
_INCIDENTS, _SCHEDULES, _NAMES, _RUNS = 25, 20, 10, 3


def home(views: Sequence[IncidentView], on_call: Mapping[str, Sequence[str]], _: Words, who: Who) -> Block:
    """A view for `views.publish`. `on_call` gives the keys of the people on call by schedule."""
    blocks = [header(_("Open incidents"))]
    for view in views[:_INCIDENTS]:
        blocks += _incident(view, _, who)
    if not views:
        blocks.append(section(_("🟢 No incident is open. `/dr declare` opens one.")))
    elif len(views) > _INCIDENTS:
        blocks.append(context(_("and {count} more; `/dr status` lists them all", count=len(views) - _INCIDENTS)))
    rows = [_schedule(name, people, _, who) for name, people in on_call.items()]
    blocks += [header(_("On call now")), section(listed(rows, _SCHEDULES, _) or _("There is no schedule."))]
    return {"type": "home", "blocks": blocks}


def _incident(view: IncidentView, _: Words, who: Who) -> list[Block]:
    incident = view.incident
    text = lines(
        f"{LIGHTS[incident.status]} {bold(clip(incident.title, 200))}",
        state_line(incident, _, who),
        place_line(incident, _),
        clock_line(view, _),
        finish_line(view.prediction, incident, _),
        listed([run_line(run, _) for run in _latest(view.runs)], _RUNS, _),
        f"<#{incident.channel}>" if incident.channel else _("It has no Slack channel."),
    )
    return [section(text), *actions(*incident_buttons(incident, view.runs, _)), {"type": "divider"}]


def _latest(runs: Sequence[Run]) -> list[Run]:
    """Those that go on first, then the latest."""
    return sorted(runs, key=lambda run: (not run.ended, run.requested_at), reverse=True)


def _schedule(name: str, people: Sequence[str], _: Words, who: Who) -> str:
    if not people:
        return _("⚠️ {schedule}: nobody", schedule=code(clip(name, 80)))
    names = ", ".join(who(person) for person in people[:_NAMES])
    return _("{schedule}: {names}", schedule=code(clip(name, 80)), names=names)
