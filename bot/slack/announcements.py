"""What the channel is told of a run that nobody asked for: before it begins, and when it is over. Pure.

The announcement is a message of its own, so that it notifies, and mentions whoever was paged. It follows the run: what it
says and its buttons are always those of now.
"""

from collections.abc import Sequence

from bot.incident.correlate import AlarmRecord
from bot.incident.playbook_runs import LIFEBOAT, playbook_of
from bot.incident.run import Run
from bot.incident.timeline import restore
from bot.incident.view import IncidentView, RunView
from bot.language import Words
from bot.playbook.model import Automatic
from bot.slack.blocks import Message, Who, actions, bold, code, escape, flat, lines, moment, section
from bot.slack.limits import clip
from bot.slack.run_buttons import run_buttons

_ALARMS, _PEOPLE, _WHY = 5, 12, 500


def announcement(
    view: IncidentView, run_view: RunView, signals: Sequence[AlarmRecord], _: Words, who: Who
) -> Message | None:
    """It will start by itself, why, and the button that stops it; afterwards, what became of it.

    None for a run that was called off before anybody was told: that it does not start is said by itself.
    """
    run = run_view.run
    if run.status != "announced":
        if run.started_at is None:
            return ended(view, run_view, _, who) if run.starts_at else None
        text = _("🤖 {name} has started by itself at {at}.", name=_title(run, _), at=moment(run.started_at, _))
        return Message(text, [section(text), *actions(*run_buttons(run_view, _))])
    names = [code(clip(record.latest.name, 100)) for record in signals]
    text = lines(_before(run, _), _because(names, _), mentions(view))
    return Message(text, [section(text), *actions(*run_buttons(run_view, _))])


def ended(view: IncidentView, run_view: RunView, _: Words, who: Who) -> Message:
    """How it ended, with the button that takes it back. Whoever was paged is mentioned unless all is well."""
    text = _outcome(run_view.run, _, who)
    text = lines(text, "" if run_view.run.status == "succeeded" else mentions(view))
    return Message(text, [section(text), *actions(*run_buttons(run_view, _))])


def _before(run: Run, _: Words) -> str:
    name, rule = _title(run, _), playbook_of(run).automatic or Automatic()
    if run.starts_at is None:
        return _(
            "⏳ {name} *starts by itself* in {announce}, unless somebody stops it.", name=name, announce=rule.announce
        )
    at = moment(run.starts_at, _)
    return _("⏳ {name} *starts by itself* at {at}, unless somebody stops it.", name=name, at=at)


def _because(names: Sequence[str], _: Words) -> str:
    return _("Independent alarms that agree: {names}.", names=", ".join(names[:_ALARMS])) if names else ""


def mentions(view: IncidentView) -> str:
    """Whoever was paged for the incident."""
    users = dict.fromkeys(page.person.slack for page in view.pages if page.person.slack)
    return " ".join(f"<@{user}>" for user in list(users)[:_PEOPLE])


def _outcome(run: Run, _: Words, who: Who) -> str:
    name, why = _title(run, _), _why(run, _)
    if run.started_at is None:
        if run.aborted_by and run.aborted_by != LIFEBOAT and not why:
            return _("⏹️ {name} does not start by itself: {who} has stopped it.", name=name, who=who(run.aborted_by))
        return _("⏹️ {name} does not start by itself: {why}", name=name, why=why or "—")
    took = (run.ended_at or run.started_at) - run.started_at
    match run.status:
        case "succeeded":
            return _("✅ {name}, which had started by itself, succeeded after {took}.", name=name, took=took)
        case "aborted":
            by = who(run.aborted_by or "?")
            return _(
                "⏹️ {name}, which had started by itself, was aborted by {who} after {took}.",
                name=name,
                who=by,
                took=took,
            )
        case "undone":
            return _("↩️ {name}, which had started by itself, was taken back.", name=name)
    return lines(_("❌ {name}, which had started by itself, failed after {took}.", name=name, took=took), why)


def _why(run: Run, _: Words) -> str:
    return escape(flat(clip(_.phrase(restore(run.problem)), _WHY))) if run.problem else ""


def _title(run: Run, _: Words) -> str:
    return bold(clip(playbook_of(run).title.for_reader(_.language), 200))
