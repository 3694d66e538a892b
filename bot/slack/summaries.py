"""What is said once into an incident's channel: that nobody answers, and how it ended. Pure."""

from collections.abc import Sequence

from bot.incident.incident import Incident
from bot.incident.run import Run
from bot.incident.view import IncidentView
from bot.language import Words
from bot.slack.blocks import Message, Who, escape, flat, lines, listed, section
from bot.slack.card import clock_line, run_line
from bot.slack.limits import clip

_RUNS = 20


def exhausted(view: IncidentView, _: Words, _who: Who) -> Message:
    """The chain has come to its end and nobody has answered."""
    text = lines(
        _(
            "⚠️ *Nobody has answered*, and there is nobody left to page by policy {policy}.",
            policy=_policy(view.incident),
        ),
        _("If you read this: press Acknowledge on the card, or page somebody with `/dr page`."),
    )
    return Message(text, [section(text)])


def resolved(view: IncidentView, _: Words, who: Who) -> Message:
    """The closing summary: how long it took against the target, who answered and when, what was run."""
    incident = view.incident
    text = lines(
        _("🟢 *Resolved* by {name}.", name=who(incident.resolved_by or "?")),
        escape(flat(clip(incident.resolution, 1_000))) if incident.resolution else "",
        clock_line(view, _),
        _answered(incident, _, who),
        _("Data loss target (RPO): {rpo}.", rpo=incident.rpo),
        _runs(view.runs, _),
    )
    return Message(text, [section(text)])


def _policy(incident: Incident) -> str:
    return escape(incident.chain.policy)


def _answered(incident: Incident, _: Words, who: Who) -> str:
    if not incident.acknowledged_at:
        return _("Nobody had acknowledged it.")
    after = incident.acknowledged_at - incident.started_at
    return _("Acknowledged by {name} after {after}.", name=who(incident.acknowledged_by or "?"), after=after)


def _runs(runs: Sequence[Run], _: Words) -> str:
    return listed([run_line(run, _) for run in sorted(runs, key=lambda run: run.requested_at)], _RUNS, _)
