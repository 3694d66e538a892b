"""Do the actions and checks that steps use exist, do they get the parameters that they need, can they be taken back?"""

from collections.abc import Iterator, Mapping
from functools import partial

from bot.errors import N_, BadFile, phrase
from bot.playbook import parameters
from bot.playbook.action import Facts
from bot.playbook.lint import names
from bot.playbook.lint.names import Scope
from bot.playbook.lint.place import Place
from escalation.document import Path_
from escalation.nearest import suggestion


def texts(place: Place) -> Iterator[BadFile]:
    """The templates in what a person is asked or told."""
    for field in ("ask", "manual"):
        text = getattr(place.step, field)
        if text:
            for language in ("en", "ko"):
                yield from names.problems(Scope(place), (*place.path, field, language), getattr(text, language))


def uses(place: Place) -> Iterator[BadFile]:
    """The check or the action: it exists, and gets what it needs; a change says how it is taken back."""
    kind, name = ("action", place.step.action) if place.step.action else ("check", place.step.check)
    if name is None:
        return
    facts = place.facts
    if facts is None:
        yield _no_such(place, (*place.path, kind), kind, name)
        return
    yield from _with(Scope(place, item=True), (*place.path, "with"), facts, place.step.parameters)
    if place.step.action:
        yield from _undoable(place, facts)


def undo(place: Place) -> Iterator[BadFile]:
    """The undo: its action exists and gets what it needs. It may use what the step itself gave."""
    wanted, path = place.step.undo, (*place.path, "undo")
    if wanted is None:
        return
    facts = place.tables.actions.get(wanted.action)
    if facts is None:
        yield _no_such(place, (*path, "action"), "action", wanted.action)
        return
    facts = facts.given(wanted.parameters)
    yield from _with(Scope(place, item=True, own=True), (*path, "with"), facts, wanted.parameters)


def _no_such(place: Place, path: Path_, kind: str, name: str) -> BadFile:
    table, other = place.tables.checks, place.tables.actions
    if kind == "action":
        table, other = other, table
    if name in other:
        what = phrase(N_("{name} is a check, not an action."), name=name)
        if kind == "check":
            what = phrase(N_("{name} is an action, not a check."), name=name)
        return place.document.problem(path, what, phrase(N_("Write it under the other word.")), at_key=True)
    what = phrase(N_("there is no check named {name}."), name=name)
    if kind == "action":
        what = phrase(N_("there is no action named {name}."), name=name)
    return place.document.problem(path, what, suggestion(name, table))


def _undoable(place: Place, facts: Facts) -> Iterator[BadFile]:
    """Every change can be taken back, or the playbook says why it cannot."""
    step, said = place.step, place.step.undo or place.step.irreversible
    if facts.kind == "check" and said:
        what = phrase(N_("only looks: there is nothing to take back."))
        yield place.problem(("undo" if step.undo else "irreversible",), what, phrase(N_("Remove it.")), at_key=True)
    elif facts.kind == "action" and not said:
        what = phrase(N_("changes AWS and does not say how that is undone."))
        todo = phrase(N_('Add undo, or irreversible: "why it cannot be taken back".'))
        if facts.undone_by:
            todo = phrase(N_("Add undo: {{action: {action}, with: …}}."), action=facts.undone_by)
        yield place.problem(("action",), what, todo)


def _with(scope: Scope, path: Path_, facts: Facts, given: Mapping[str, object]) -> Iterator[BadFile]:
    """The parameters: known, complete, of the right type; and the templates in them."""
    document = scope.place.document
    type_of = partial(names.type_of, scope)
    found = list(parameters.problems(document, path, facts, given))
    for name, value in given.items():
        bad = list(names.problems(scope, (*path, name), value))
        found += bad or parameters.bad_template_type(document, (*path, name), facts, value, type_of)
    if facts.faults and not found:
        for fault in facts.faults(parameters.foreseen(given, type_of)):
            yield document.problem((*path, *fault.path), fault.what, fault.todo, at_key=fault.at_key)
    yield from found
