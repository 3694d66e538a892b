"""How a run goes back: its undos run one after the other, the latest change first. A failed one is never called success."""

from bot.errors import N_, Refused, phrase
from bot.incident.run import Step
from bot.incident.walk import Walk
from bot.playbook.reversal import reversal, undo_row

#: Undo rows stand after all others.
_AFTER = 10_000


def start(walk: Walk, by: str, row: str | None, *, only: bool) -> None:
    """Write down what will be taken back. Raises `Refused` when there is nothing."""
    found = reversal(walk.playbook, walk.rows.values(), row, only=only)
    if not found.order:
        raise Refused(phrase(N_("There is nothing to take back.")))
    for old in walk.undos:  # of an earlier try that was given up
        if old.state != "done":
            walk.put(old, state="skipped", reason=old.reason or "-")
    for number, taken_back in enumerate(found.order):
        _lay(walk, walk.rows[taken_back], _AFTER + len(walk.undos) + number)
    walk.change(
        status="undoing", undone_by=by, ended_at=None, failed_step=None, problem=None,
        started_at=walk.run.started_at or walk.now,
    )  # fmt: skip


def _lay(walk: Walk, taken_back: Step, position: int) -> None:
    name = undo_row(taken_back.step)
    before = walk.rows.get(name)
    walk.put(
        Step(
            run=taken_back.run, step=name, of=taken_back.written, position=position, item=taken_back.item,
            undoes=taken_back.step, attempt=before.attempt if before else 0,
        )
    )  # fmt: skip


def go_on(walk: Walk) -> None:
    """The next undo, or the end."""
    undos = walk.undos
    for row in undos:
        match row.state:
            case "waiting":
                walk.begin(row)
                return
            case "running" | "asking":
                return
            case "failed":
                walk.change(status="needs_person")
                what = N_("Taking back {step} has failed: retry it, or skip it and do it by hand.")
                walk.note("undo-failed", phrase(what, step=row.undoes))
                return
    _end(walk, undos)


def _end(walk: Walk, undos: list[Step]) -> None:
    skipped = [row for row in undos if row.state == "skipped" and row.undoes not in _done(undos)]
    name = walk.run.name
    if skipped:
        left = ", ".join(str(row.undoes) for row in skipped)
        why = phrase(N_("Not taken back: {steps}. Do it by hand."), steps=left)
        walk.end("failed", why, skipped[0].undoes)
        walk.note("run-failed", phrase(N_("Playbook {name} was taken back in part. {why}"), name=name, why=why))
        return
    walk.end("undone")
    steps = ", ".join(str(row.undoes) for row in undos if row.state == "done")
    walk.note("run-undone", phrase(N_("Playbook {name} was taken back: {steps}."), name=name, steps=steps))


def _done(undos: list[Step]) -> set[str | None]:
    return {row.undoes for row in undos if row.state == "done"}
