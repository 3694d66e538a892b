"""A page in Slack: the direct message to one person. Pure. Once it is settled it has no buttons any more."""

from bot.errors import N_
from bot.incident.incident import Incident
from bot.incident.pager import Page
from bot.language import Words
from bot.slack.blocks import Message, Who, actions, bold, context, escape, flat, lines, moment, section
from bot.slack.card import LIGHTS, place_line, says, state_line
from bot.slack.incident_buttons import answer_buttons
from bot.slack.limits import clip

_REASON = 600
_ANSWERED = N_("You have answered.")


def page_message(page: Page, incident: Incident, _: Words, who: Who) -> Message:
    """What is wrong, where, since when, and the buttons to answer with; or, afterwards, who answered."""
    light = LIGHTS[incident.status]
    alarm = incident.alarm
    said = says(alarm, _) if alarm else []
    open_ = page.status in {"due", "sent"} and not incident.resolved
    told = "" if open_ and incident.status == "open" else _outcome(page, incident, _, who)
    blocks = [
        section(
            lines(
                f"{light} {bold(clip(incident.title, 200))}",
                place_line(incident, _),
                *(escape(flat(clip(one, _REASON))) for one in said),
                _("Since {at}.", at=moment(incident.started_at, _, "day")),
                f"<#{incident.channel}>" if incident.channel else "",
                told,
            )
        ),
        *(actions(*answer_buttons(incident, _)) if open_ else []),
        context(_("Incident {id}, level {level} of the escalation.", id=incident.id, level=page.level)),
    ]
    return Message(_notification(light, incident, said[-1] if said else "", told, _), blocks)


def _notification(light: str, incident: Incident, why: str, told: str, _: Words) -> str:
    """What a locked phone shows."""
    title = escape(flat(clip(incident.title, 200)))
    if told:
        return f"{light} {title}: {told}"
    about = escape(flat(clip(why, 300)))
    return f"{light} " + (_("{title}: {why}", title=title, why=about) if about else title)


def _outcome(page: Page, incident: Incident, _: Words, who: Who) -> str:
    if page.status == "acknowledged" and not incident.resolved:
        return "✅ " + _(_ANSWERED)
    return state_line(incident, _, who)
