"""What one field alone cannot tell: does a playbook hold together? Needs no table of actions.

`loading` refuses a playbook that has a problem here, so the rest of the program never meets one.
"""

from collections.abc import Iterator
from typing import Any

from bot.errors import N_, BadFile, phrase
from bot.playbook import graph
from bot.playbook.context import FIELDS, RESERVED
from bot.playbook.model import Playbook, Step
from bot.playbook.template import BadTemplate, check
from escalation.document import Document, Path_
from escalation.nearest import suggestion

_KINDS = ("check", "action", "ask", "manual")
#: Fields that mean something only in a step that calls AWS, and only in one that changes it.
_OF_CALLS = ("with", "deadline", "for_each", "retry", "region", "best_effort", "break_glass", "takes")
_OF_CHANGES = ("undo", "irreversible")


def problems(document: Document, playbook: Playbook) -> Iterator[BadFile]:
    """Everything that is wrong, each at the place in the file that a person must change."""
    yield from _name(document, playbook)
    yield from _inputs(document, playbook)
    yield from _steps(document, playbook)
    if len({step.id for step in playbook.steps}) == len(playbook.steps):
        yield from _needs(document, playbook)
    for path, text in _texts(document.values, ()):
        try:
            check(text)
        except BadTemplate as error:
            todo = phrase(N_("Write one expression in double braces, such as {{{{ table }}}}."))
            yield document.problem(path, error.phrase, todo)


def _name(document: Document, playbook: Playbook) -> Iterator[BadFile]:
    stem = document.file.stem
    if playbook.name != stem:
        what = phrase(N_("the playbook is named {name}, its file {stem}."), name=playbook.name, stem=stem)
        yield document.problem(("name",), what, phrase(N_("Give both the same name.")))
    if playbook.offer_when and not playbook.offer_when.model_dump(exclude_defaults=True):
        what = phrase(N_("has no condition."))
        yield document.problem(("offer_when",), what, phrase(N_("Add one, such as resource, or remove offer_when.")))


def _inputs(document: Document, playbook: Playbook) -> Iterator[BadFile]:
    for name, wanted in playbook.inputs.items():
        path: Path_ = ("inputs", name)
        if name in RESERVED:
            what = phrase(N_("{name} already means something else in templates."), name=name)
            yield document.problem(path, what, phrase(N_("Choose another name.")), at_key=True)
        root, *rest = (wanted.source or "region").split(".")
        if root not in {*FIELDS, "region", "now"} or (rest and rest[0] not in FIELDS.get(root, ())):
            what = phrase(N_("{source} names nothing."), source=wanted.source)
            todo = suggestion(wanted.source, (f"{one}.{field}" for one, fields in FIELDS.items() for field in fields))
            yield document.problem((*path, "from"), what, todo)


def _steps(document: Document, playbook: Playbook) -> Iterator[BadFile]:
    seen: set[str] = set()
    for number, step in enumerate(playbook.steps):
        path: Path_ = ("steps", number)
        if step.id in seen:
            what = phrase(N_("another step is named {step} too."), step=step.id)
            yield document.problem((*path, "id"), what, phrase(N_("Choose another name.")))
        seen.add(step.id)
        yield from _kind(document, path, step)


def _kind(document: Document, path: Path_, step: Step) -> Iterator[BadFile]:
    given = [kind for kind in _KINDS if getattr(step, kind) is not None]
    if len(given) != 1 and given != ["action", "ask"]:
        what = phrase(N_("step {step} has {given}."), step=step.id, given=", ".join(given) or "-")
        todo = phrase(N_("Give it exactly one of check, action, ask, manual; only an ask may have an action besides."))
        yield document.problem(path, what, todo)
        return
    if step.undo and step.irreversible:
        what = phrase(N_("step {step} has an undo, and says that it is irreversible."), step=step.id)
        yield document.problem((*path, "irreversible"), what, phrase(N_("Keep one of the two.")), at_key=True)
    for field in (*(() if step.uses else _OF_CALLS), *(() if step.action else _OF_CHANGES)):
        if (*path, field) in document.places:
            what = phrase(N_("does nothing in a step of this kind."))
            todo = phrase(N_("Remove it, or give the step an action."))
            yield document.problem((*path, field), what, todo, at_key=True)


def _needs(document: Document, playbook: Playbook) -> Iterator[BadFile]:
    numbers = {step.id: number for number, step in enumerate(playbook.steps)}
    for number, step in enumerate(playbook.steps):
        for index, first in enumerate(step.needs or ()):
            if first not in numbers:
                what = phrase(N_("there is no step {step}."), step=first)
                yield document.problem(("steps", number, "needs", index), what, suggestion(first, numbers))
    for circle in graph.cycles(playbook):
        what = phrase(N_("these steps wait for each other: {steps}."), steps=" → ".join((*circle, circle[0])))
        todo = phrase(N_("Take one of them out of another's needs."))
        yield document.problem(("steps", numbers[circle[0]], "needs"), what, todo)


def _texts(value: Any, path: Path_) -> Iterator[tuple[Path_, str]]:
    """Every text of the file with its place."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))
