"""Who must agree before anything runs, and what may start without a person?"""

from collections.abc import Iterator

from bot.errors import N_, BadFile, Phrase, phrase
from bot.playbook.lint.place import Book


def approval(book: Book) -> Iterator[BadFile]:
    """A region is not failed over by one person alone."""
    rule = book.playbook.approval
    if book.playbook.tier != 3:
        return
    if rule is None or not rule.people:
        what = phrase(N_("a playbook of tier 3 needs the approval of a second person."))
        todo = phrase(N_("Add approval: {{people: 1, role: responder, expires: 10m}}."))
        yield book.document.problem(("approval",), what, todo)
    elif rule.not_requester is False:
        what = phrase(N_("whoever asks for a playbook of tier 3 may not be the one who approves it."))
        yield book.document.problem(("approval", "not_requester"), what, phrase(N_("Remove it.")))


def automatic(book: Book) -> Iterator[BadFile]:
    """What starts by itself can go through to its end by itself."""
    if book.playbook.automatic is None:
        return
    if why := _why_not(book):
        yield book.document.problem(
            ("automatic",), why, phrase(N_("Remove automatic, or what stands against it.")), at_key=True
        )
        return
    for name, wanted in book.playbook.inputs.items():
        if wanted.required and wanted.source is None and wanted.default is None:
            what = phrase(N_("nobody is there to give {name} when the playbook starts by itself."), name=name)
            yield book.document.problem(("inputs", name), what, phrase(N_("Add from or default.")), at_key=True)


def _why_not(book: Book) -> Phrase | None:
    playbook = book.playbook
    if playbook.tier == 3:
        return phrase(N_("a playbook of tier 3 never starts without a person."))
    if playbook.offer_when is None:
        return phrase(N_("no alarm starts the playbook: it has no offer_when."))
    if playbook.approval and playbook.approval.people > 1:
        return phrase(N_("two people must approve the playbook, so it cannot start without one."))
    for step in playbook.steps:
        if step.kind in {"ask", "manual"} or step.break_glass:
            return phrase(N_("step {step} waits for a person."), step=step.id)
    return None
