"""The one message of a run: being planned, the plan to approve, then its steps, then how it ended. Pure."""

from collections.abc import Iterator, Sequence

from bot.errors import N_
from bot.incident.playbook_runs import plan_of, playbook_of
from bot.incident.run import Run, Step
from bot.incident.timeline import restore
from bot.incident.view import RunView
from bot.language import Words
from bot.playbook.model import Playbook
from bot.playbook.model import Step as PlaybookStep
from bot.slack.blocks import Block, Message, Who, actions, bold, context, escape, flat, header, lines, moment, section
from bot.slack.limits import clip
from bot.slack.plan_text import short, step_title, titles
from bot.slack.run_buttons import run_buttons, step_buttons

#: A message holds 50 blocks: a step takes one, and one more when it has buttons.
_STEPS, _WITH_BUTTONS = 20, 8
#: A plan that is longer than this is read in its modal.
_PLANNED_STEPS, _PLANNED_TEXT = 12, 900
_NOTE = 500

_ICONS = {
    "waiting": "▫️", "running": "⏳", "asking": "✋", "done": "✅", "failed": "❌", "skipped": "⏭️", "aborted": "⏹️",
}  # fmt: skip
_WANTS_EYES = frozenset({"running", "asking", "failed"})
_COUNTS = {
    "waiting": N_("{count} waiting"), "running": N_("{count} running"), "asking": N_("{count} waiting for a person"),
    "done": N_("{count} done"), "failed": N_("{count} failed"), "skipped": N_("{count} skipped"),
    "aborted": N_("{count} aborted"),
}  # fmt: skip


def run_message(view: RunView, _: Words, who: Who) -> Message:
    """The run as it stands, for everybody in the channel."""
    run, playbook = view.run, playbook_of(view.run)
    title = playbook.title.for_reader(_.language)
    state = _state(run, playbook, _, who)
    asked = _("Asked for by {name} at {at}.", name=who(run.requested_by), at=moment(run.requested_at, _))
    blocks = [
        header(f"📘 {title}"),
        section(lines(state, asked, _approvals(run, playbook, _, who))),
        *(_planned(view, playbook, _) if run.status in {"planned", "refused"} else _progress(view, playbook, _, who)),
        *actions(*run_buttons(run, _)),
        context(_("Run {id} of playbook {name}.", id=run.id, name=escape(run.name))),
    ]
    return Message(f"📘 {escape(flat(clip(title, 200)))}: {state}", blocks)


def _state(run: Run, playbook: Playbook, _: Words, who: Who) -> str:  # noqa: PLR0911  # one line for each status
    took = (run.ended_at - (run.started_at or run.requested_at)) if run.ended_at else None
    match run.status:
        case "planning":
            return _("📝 Asking AWS what it would do. Nothing is changed.")
        case "planned":
            expires = playbook.approval.expires if playbook.approval else None
            if expires is None:
                return _("📝 *This is the plan.* Nothing has been changed yet.")
            until = moment(run.requested_at + expires, _)
            return _("📝 *This is the plan.* Nothing has been changed yet. Approve it before {at}.", at=until)
        case "running":
            return _("▶️ *Running* since {at}.", at=moment(run.started_at or run.requested_at, _))
        case "needs_person":
            return _("✋ *It needs a person*: retry or skip what failed, or abort.")
        case "succeeded":
            return _("✅ *Succeeded* after {took}.", took=took)
        case "aborted":
            by = who(run.aborted_by or "?")
            return _("⏹️ *Aborted* by {name}. What AWS had begun goes on by itself.", name=by)
        case "refused":
            return lines(_("🚫 *It cannot run.*"), _problem(run, _))
        case "announced":
            return _(
                "⏳ *It starts by itself* at {at}, unless somebody stops it.",
                at=moment(run.starts_at or run.requested_at, _),
            )
        case "undoing":
            return _("↩️ *Being taken back*, the latest step first.")
        case "undone":
            return _("↩️ *Taken back* after {took}.", took=took)
        case "expired":
            return _("⌛ *Expired*: nobody approved it in time. Ask for the playbook again.")
        case "failed":
            return lines(_("❌ *Failed* after {took}.", took=took), _problem(run, _))


def _problem(run: Run, _: Words) -> str:
    return escape(clip(_.phrase(restore(run.problem)), _NOTE)) if run.problem else ""


def _approvals(run: Run, playbook: Playbook, _: Words, who: Who) -> str:
    needed = max(1, playbook.approval.people) if playbook.approval else 1
    names = ", ".join(who(approval.by) for approval in run.approvals)
    if run.status == "planned" and needed > 1:
        return _(
            "Approved by {count} of {needed}: {names}", count=len(run.approvals), needed=needed, names=names or "—"
        )
    return _("Approved by {names}.", names=names) if names else ""


def _planned(view: RunView, playbook: Playbook, _: Words) -> Iterator[Block]:
    """The plan's steps, the first of them, and whether the modal shows more."""
    plan, names = plan_of(view.run), titles(playbook, _)
    steps = plan.steps if plan else ()
    cut = len(steps) > _PLANNED_STEPS
    for number, step in enumerate(steps[:_PLANNED_STEPS], start=1):
        text, shortened = short(number, step, names.get(step.step, step.step), _, _PLANNED_TEXT)
        cut = cut or shortened
        yield section(text)
    if cut:
        yield context(_("This is not all of it: press “Show the whole plan”."))


def _progress(view: RunView, playbook: Playbook, _: Words, who: Who) -> Iterator[Block]:
    buttons = step_buttons(view, _)
    written = {step.id: step for step in playbook.steps}
    shown = _chosen(view.steps)
    if view.run.status == "planning":
        return
    with_buttons = 0
    for step in shown:
        yield section(_step(step, written[step.step], _, who))
        if step.step in buttons and with_buttons < _WITH_BUTTONS:
            with_buttons += 1
            yield from actions(*buttons[step.step])
    left = [step.state for step in view.steps if step not in shown]
    if left:
        counts = [_(_COUNTS[state], count=left.count(state)) for state in dict.fromkeys(left)]
        yield context(_("and {count} more steps: {states}", count=len(left), states=", ".join(counts)))


def _chosen(steps: Sequence[Step]) -> list[Step]:
    """The steps to show when there are too many: what wants eyes first, then what lies nearest to it."""
    ordered = sorted(steps, key=lambda step: step.position)
    if len(ordered) <= _STEPS:
        return ordered
    wanted = [step for step in ordered if step.state in _WANTS_EYES]
    moved = [step for step in ordered if step.state != "waiting"]
    centre = (wanted or moved[-1:] or ordered)[0].position
    nearest = sorted(ordered, key=lambda step: (step.state not in _WANTS_EYES, abs(step.position - centre)))
    return sorted(nearest[:_STEPS], key=lambda step: step.position)


def _step(step: Step, written: PlaybookStep, _: Words, who: Who) -> str:
    took = ""
    if step.started_at and step.ended_at:
        took = " · " + _.duration(step.ended_at - step.started_at)
    elif step.started_at and step.state == "running":
        took = " · " + _("since {at}", at=moment(step.started_at, _))
    again = " · " + _("attempt {number}", number=step.attempt) if step.attempt > 1 else ""
    return lines(
        f"{_ICONS[step.state]} {bold(clip(step_title(written, _), 200))}{took}{again}",
        _question(step, written, _),
        escape(clip(_.phrase(restore(step.note)), _NOTE)) if step.note and step.state != "waiting" else "",
        _decision(step, _, who),
    )


def _question(step: Step, written: PlaybookStep, _: Words) -> str:
    """What the person is asked, where the title does not say it already."""
    words = written.ask or written.manual
    if step.state != "asking" or words is None or written.title is None:
        return ""
    return escape(clip(words.for_reader(_.language), 1_000))


def _decision(step: Step, _: Words, who: Who) -> str:
    if not step.decided_by:
        return ""
    name = who(step.decided_by)
    match step.state:
        case "skipped" if step.reason:
            return _("Skipped by {name}: {reason}", name=name, reason=escape(flat(clip(step.reason, 300))))
        case "skipped":
            return _("Skipped by {name}.", name=name)
        case "aborted":
            return _("Aborted by {name}.", name=name)
        case "done" | "running":
            return _("Agreed by {name}.", name=name)
    return ""
