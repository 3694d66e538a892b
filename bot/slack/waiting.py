"""What the channel is told when a run needs a person: a message of its own, because an edit notifies nobody. Pure."""

from bot.errors import Phrase
from bot.incident.run import Step
from bot.incident.timeline import restore
from bot.incident.view import IncidentView, RunView
from bot.incident.wording import worded
from bot.language import Words
from bot.slack.announcements import mentions
from bot.slack.blocks import Message, bold, escape, flat, lines, section
from bot.slack.limits import clip
from bot.slack.row_titles import Titles

_SAID = 500


def waiting(view: IncidentView, shown: RunView, row: str, attempt: int, _: Words) -> Message | None:
    """Whom it waits for, and for what; None when somebody was faster. The buttons stay in the run's own message."""
    playbook = worded(shown.run, shown.steps)
    now = next((one for one in shown.steps if one.step == row), None)
    if now is None or now.attempt != attempt or now.state not in {"asking", "failed"} or shown.run.ended:
        return None
    title = bold(clip(flat(playbook.title.for_reader(_.language)), 200))
    name = Titles(shown, playbook, _).plain(row)
    if now.state == "failed":
        first = _(
            "❌ {playbook}: {step} has failed. Retry or skip it, or abort the run.", playbook=title, step=escape(name)
        )
    else:
        first = _("✋ {playbook} waits for an answer: {step}", playbook=title, step=escape(name))
    text = lines(first, _about(now, shown, _), mentions(view))
    return Message(text, [section(text)])


def lapsing(view: IncidentView, shown: RunView, row: str, why: Phrase, _: Words) -> Message:
    """What a step has done is going to end by itself, and nobody renews it."""
    playbook = worded(shown.run, shown.steps)
    title = bold(clip(flat(playbook.title.for_reader(_.language)), 200))
    name = escape(Titles(shown, playbook, _).plain(row))
    first = _("⏰ {playbook}: {step} is not renewed.", playbook=title, step=name)
    text = lines(first, escape(flat(clip(_.phrase(why), _SAID))), mentions(view))
    return Message(text, [section(text)])


def _about(row: Step, shown: RunView, _: Words) -> str:
    """What it asks, or why it failed."""
    if row.question or row.note:
        return escape(flat(clip(_.phrase(restore(row.question or row.note or {})), _SAID)))
    written = worded(shown.run, shown.steps).step(row.written)
    words = (written.ask or written.manual) if written.title else None  # else it is what the row is called
    return escape(flat(clip(words.for_reader(_.language), _SAID))) if words else ""
