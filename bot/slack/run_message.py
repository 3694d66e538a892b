"""The one message of a run: being planned, the plan to approve, then its steps, then how it ended. Pure."""

from collections.abc import Iterator

from bot.incident.approval import expires_at
from bot.incident.playbook_runs import LIFEBOAT, plan_of
from bot.incident.run import Approval, Run
from bot.incident.timeline import restore
from bot.incident.view import RunView
from bot.incident.wording import worded
from bot.language import Words
from bot.playbook.model import LocalText, Playbook, Step
from bot.playbook.reversal import reversal
from bot.slack.blocks import (
    Block,
    Message,
    Who,
    actions,
    bold,
    code,
    context,
    escape,
    flat,
    header,
    lines,
    listed,
    moment,
    section,
)
from bot.slack.clock_text import finish_line
from bot.slack.limits import clip
from bot.slack.plan_text import overview, short, step_title, titles
from bot.slack.run_buttons import run_buttons
from bot.slack.run_rows import run_rows

#: A plan that is longer than this is read in its modal.
_PLANNED_STEPS, _PLANNED_TEXT = 12, 900
_NOTE, _FINAL, _APPROVALS = 500, 8, 10
#: Of a plan's hash, so that people can say which one they mean.
_HASH = 8
#: In these the message shows the plan, in the others how far it is.
_AS_PLANNED = frozenset({"planned", "announced", "refused", "expired"})


def run_message(view: RunView, _: Words, who: Who) -> Message:
    """The run as it stands, for everybody in the channel."""
    run, playbook = view.run, worded(view.run, view.steps)
    title = playbook.title.for_reader(_.language)
    state = _state(view, playbook, _, who)
    blocks = [
        header(f"📘 {title}"),
        section(lines(state, _finish(view, _), _asked(run, _, who), *_approvals(run, playbook, _, who))),
        *_body(view, playbook, _, who),
        *_final(view, playbook, _),
        *actions(*run_buttons(view, _)),
        context(_small_print(run, _)),
    ]
    return Message(f"📘 {escape(flat(clip(title, 200)))}: {state}", blocks)


def _body(view: RunView, playbook: Playbook, _: Words, who: Who) -> list[Block]:
    if view.run.status == "planning":
        return []
    return [*_planned(view, playbook, _)] if view.run.status in _AS_PLANNED else run_rows(view, _, who)


def _state(view: RunView, playbook: Playbook, _: Words, who: Who) -> str:  # noqa: C901, PLR0911, PLR0912  # one line for each status
    run = view.run
    took = (run.ended_at - (run.started_at or run.requested_at)) if run.ended_at else None
    match run.status:
        case "planning":
            return _("📝 Asking AWS what it would do. Nothing is changed.")
        case "planned":
            until = moment(expires_at(run, playbook), _)
            return _("📝 *This is the plan.* Nothing has been changed yet. Approve it before {at}.", at=until)
        case "announced":
            return _announced(run, _)
        case "running":
            return _running(run, playbook, _)
        case "needs_person" if run.undone_by:
            return _("✋ *It needs a person*: what could not be taken back is retried, or skipped and done by hand.")
        case "needs_person":
            return _("✋ *It needs a person*: retry or skip what failed, abort, or take it back.")
        case "undoing":
            return _("↩️ *Being taken back* by {name}, the latest change first.", name=who(run.undone_by or "?"))
        case "succeeded":
            return _("✅ *Succeeded* after {took}.", took=took)
        case "undone":
            return _("↩️ *Taken back* by {name}.", name=who(run.undone_by or "?"))
        case "aborted":
            by = who(run.aborted_by or "?")
            return lines(_("⏹️ *Aborted* by {name}. What AWS had begun goes on by itself.", name=by), _problem(run, _))
        case "refused":
            return lines(_("🚫 *It cannot run.*"), _problem(run, _))
        case "expired":
            return _("⌛ *Expired*: nobody approved it in time. It can be planned anew.")
        case "failed":
            return lines(_failed(run, playbook, _), _problem(run, _))


def _announced(run: Run, _: Words) -> str:
    if run.starts_at is None:
        return _("⏳ *It is about to start by itself*, unless somebody stops it.")
    return _("⏳ *It starts by itself* at {at}, unless somebody stops it.", at=moment(run.starts_at, _))


def _running(run: Run, playbook: Playbook, _: Words) -> str:
    since = moment(run.started_at or run.requested_at, _)
    if playbook.deadline is None or run.deadline_at is None:
        return _("▶️ *Running* since {at}.", at=since)
    return _("▶️ *Running* since {at}; given up at {deadline}.", at=since, deadline=moment(run.deadline_at, _))


def _failed(run: Run, playbook: Playbook, _: Words) -> str:
    took = (run.ended_at or run.requested_at) - (run.started_at or run.requested_at)
    if not run.failed_step:
        return _("❌ *Failed* after {took}.", took=took)
    written = {step.id: step for step in playbook.steps}.get(run.failed_step.partition("[")[0])
    name = bold(clip(step_title(written, _), 200)) if written else code(run.failed_step)
    return _("❌ *Failed* at {step} after {took}.", step=name, took=took)


def _problem(run: Run, _: Words) -> str:
    return escape(clip(_.phrase(restore(run.problem)), _NOTE)) if run.problem else ""


def _finish(view: RunView, _: Words) -> str:
    return finish_line(view.prediction, view.incident, _) if view.run.going and view.run.status != "undoing" else ""


def _asked(run: Run, _: Words, who: Who) -> str:
    at = moment(run.requested_at, _)
    if run.automatic or run.requested_by == LIFEBOAT:
        return _("Nobody asked for it: the alarms did, at {at}.", at=at)
    return _("Asked for by {name} at {at}.", name=who(run.requested_by), at=at)


def _approvals(run: Run, playbook: Playbook, _: Words, who: Who) -> list[str]:
    """Who agreed to which plan and when, and who is still needed."""
    people = [one for one in run.approvals if one.by != LIFEBOAT]
    said = [_approval(one, _, who) for one in people[:_APPROVALS]]
    needed = playbook.approval.people if playbook.approval else 1
    if run.status != "planned":
        return said
    if needed > 1:
        said.append(_("{count} of {needed} approvals.", count=len(people), needed=needed))
    if playbook.others_approve:
        said.append(_("Somebody other than {name} must approve it.", name=who(run.requested_by)))
    return said


def _approval(approval: Approval, _: Words, who: Who) -> str:
    name, at, plan = who(approval.by), moment(approval.at, _), code(approval.plan_hash[:_HASH])
    if approval.via:
        login = code(clip(approval.via, 80))
        return _(
            "👍 {name} approved plan {plan} at {at}, at a terminal as {login}.",
            name=name,
            plan=plan,
            at=at,
            login=login,
        )
    return _("👍 {name} approved plan {plan} at {at}.", name=name, plan=plan, at=at)


def _planned(view: RunView, playbook: Playbook, _: Words) -> Iterator[Block]:
    """What whoever approves must know, then the plan's first steps, and whether the modal shows more."""
    if playbook.targets.caveat:
        yield section("⚠️ " + escape(clip(playbook.targets.caveat.for_reader(_.language), 1_000)))
    plan, names = plan_of(view.run), titles(playbook, _)
    steps, region = (plan.steps, plan.region) if plan else ((), "")
    if plan and (whole := overview(plan, _)):
        yield section(whole)
    cut = len(steps) > _PLANNED_STEPS
    for number, step in enumerate(steps[:_PLANNED_STEPS], start=1):
        text, shortened = short(number, step, names.get(step.step, step.step), _, _PLANNED_TEXT, region)
        cut = cut or shortened
        yield section(text)
    if cut:
        yield context(_("This is not all of it: press “Show the whole plan”."))


def _final(view: RunView, playbook: Playbook, _: Words) -> Iterator[Block]:
    """What cannot be taken back, and why: before somebody approves, and again when a run has been taken back."""
    run = view.run
    if run.status in {"planned", "announced"}:
        rows = [_stays(step, step.irreversible, _) for step in playbook.steps if step.irreversible]
    elif run.undone_by and run.ended:
        stays = reversal(playbook, view.steps).stays
        rows = [_stays(playbook.step(row.written), stays[row.step], _) for row in view.steps if row.step in stays]
    else:
        return
    if rows:
        yield section(lines(_("⚠️ *Cannot be taken back*"), listed(rows, _FINAL, _)))


def _stays(step: Step, why: object, _: Words) -> str:
    text = why.for_reader(_.language) if isinstance(why, LocalText) else _.value(why)
    return f"• {bold(clip(step_title(step, _), 150))}: {escape(flat(clip(str(text), 250)))}"


def _small_print(run: Run, _: Words) -> str:
    if run.plan_hash:
        hash_ = code(run.plan_hash[:_HASH])
        return _("Run {id} of playbook {name}, plan {plan}.", id=run.id, name=escape(run.name), plan=hash_)
    return _("Run {id} of playbook {name}.", id=run.id, name=escape(run.name))
