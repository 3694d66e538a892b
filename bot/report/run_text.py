"""A run as plain lines, for the terminal: who approved it, how far it is, and what can be typed now. Pure."""

from collections.abc import Callable, Iterator, Sequence

from bot.errors import N_
from bot.incident.approval import needed, region_of
from bot.incident.run import PRESSABLE, Run, Step
from bot.incident.timeline import restore
from bot.incident.wording import worded
from bot.language import Words
from bot.playbook.graph import STATE_NAMES
from bot.playbook.model import Playbook
from bot.report.graph.widths import cells

#: The name of an actor, as `display_name` gives it.
Who = Callable[[str], str]

#: The longest name of a step's state, "waiting for a person".
_STATE_CELLS = 20
_INDENT = " " * 17


def to_approve(run: Run, playbook: Playbook, _: Words, who: Who) -> Iterator[str]:
    """Who has approved the plan, who is still needed, and the command for them."""
    yield from approvals(run, _, who)
    wanted = needed(playbook)
    role = playbook.approval.role if playbook.approval else "responder"
    if wanted > 1:
        text = N_("{count} of {needed} approvals so far; whoever gives one has the role {role}.")
        yield _(text, count=len(run.approvals), needed=wanted, role=role)
    if playbook.others_approve:
        yield _("Somebody other than {name} must approve it.", name=who(run.requested_by))
    region = f" --region {region_of(run)}" if playbook.tier == 3 else ""
    yield _("To run it: lifeboat playbook approve {run} --plan {hash}", run=run.id, hash=f"{run.plan_hash}{region}")


def approvals(run: Run, _: Words, who: Who) -> Iterator[str]:
    for one in run.approvals:
        yield _("Approved by {name} at {at}.", name=who(one.by), at=one.at)


def rows(run: Run, steps: Sequence[Step], _: Words, who: Who) -> Iterator[str]:
    """Each row with its state and the latest word; where a person is needed, what is asked and the command for it."""
    written = {step.id: step for step in worded(run, steps).steps}
    gone = {row.undoes for row in steps if row.undoes and row.state == "done"}
    for row in steps:
        state = _("taken back") if row.step in gone else _(STATE_NAMES[row.state])
        yield f"  {row.step:<14} {_column(state)} {_note(row, _, who)}".rstrip()
        if row.state == "asking" and not row.question:
            step = written[row.written]
            asked = step.ask or step.manual
            allow = _("It depends on a control plane that may be down. Do it all the same?")
            yield f"{_INDENT}{asked.for_reader(_.language) if asked else allow}"
        for command in _commands(run, row, by_hand=written[row.written].kind == "manual"):
            yield f"{_INDENT}→ lifeboat playbook {command}"


def _note(row: Step, _: Words, who: Who) -> str:
    if row.state == "skipped" and row.decided_by:
        if not row.reason:
            return _("Skipped by {name}.", name=who(row.decided_by))
        return _("Skipped by {name}: {reason}", name=who(row.decided_by), reason=row.reason)
    if row.state == "asking" and not row.question:
        return ""  # what an earlier attempt said is over
    return _.phrase(restore(row.note)) if row.note else ""


def _commands(run: Run, row: Step, *, by_hand: bool) -> Iterator[str]:
    """What a person can type about the row now."""
    name = f"'{row.step}'" if "[" in row.step else row.step
    if run.ended:
        return
    if row.state == "asking":
        yield f"answer {run.id} {name} {'done' if by_hand and not row.question else 'yes|no'}"
    elif row.state == "failed" and run.status in PRESSABLE:
        yield f"retry {run.id} {name}"
        yield f"skip {run.id} {name} --reason …"


def _column(text: str) -> str:
    """Filled up to the widest state; a Korean letter takes two cells."""
    return text + " " * (_STATE_CELLS - cells(text))
