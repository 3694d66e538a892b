"""Check playbooks before the night: does everything they name exist, and does it fit? Asks neither AWS nor a database.

One fault gives one message, at the place that a person must change. `structure.py` has the rules that need no tables.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bot.errors import N_, BadFile, BadFiles, phrase
from bot.playbook import graph, parameters
from bot.playbook.action import Check, Facts
from bot.playbook.context import FIELDS, OPEN_FIELDS
from bot.playbook.loading import parse
from bot.playbook.model import Playbook, Step
from bot.playbook.template import Name, references
from escalation.document import Document, Path_
from escalation.nearest import suggestion


@dataclass(frozen=True)
class Tables:
    """What playbooks may name: the facts of every action and check."""

    actions: Mapping[str, Facts]
    checks: Mapping[str, Facts]


def lint(documents: Iterable[Document], actions: Mapping[str, Check], checks: Mapping[str, Check]) -> list[BadFile]:
    """Every problem of the playbooks, ordered by file and place; empty when they may be used."""
    tables = Tables(
        {name: action.facts for name, action in actions.items()},
        {name: check.facts for name, check in checks.items()},
    )
    problems = [problem for document in documents for problem in _document(document, tables)]
    return sorted(problems, key=lambda problem: (problem.file, problem.line, problem.column))


def _document(document: Document, tables: Tables) -> Iterator[BadFile]:
    try:
        playbook = parse(document)
    except BadFiles as error:
        yield from error.problems
        return
    yield from _approval(document, playbook)
    yield from _defaults(document, playbook)
    for number, step in enumerate(playbook.steps):
        place = _Place(document, playbook, step, ("steps", number), tables)
        yield from _texts(place)
        yield from _uses(place)
        yield from _undo(place)


@dataclass(frozen=True)
class _Place:
    """One step, and all that is needed to judge it."""

    document: Document
    playbook: Playbook
    step: Step
    path: Path_
    tables: Tables


def _approval(document: Document, playbook: Playbook) -> Iterator[BadFile]:
    """A region is not failed over by one person alone."""
    if playbook.tier == 3 and not (playbook.approval and playbook.approval.people):
        what = phrase(N_("a playbook of tier 3 needs the approval of a second person."))
        todo = phrase(N_("Add approval: {{people: 1, role: responder, expires: 10m}}."))
        yield document.problem(("approval",), what, todo)


def _defaults(document: Document, playbook: Playbook) -> Iterator[BadFile]:
    earlier: set[str] = set()
    for name, wanted in playbook.inputs.items():
        for used in sorted(references(wanted.default)):
            if used[0] == "steps":
                what = phrase(N_("{name} is not known before the playbook runs."), name=".".join(used))
                todo = phrase(N_("Use what the incident, the alarm, the service or an earlier input says."))
                yield document.problem(("inputs", name, "default"), what, todo)
            elif problem := _unknown(document, ("inputs", name, "default"), used, earlier):
                yield problem
        yield from parameters.bad_default(document, ("inputs", name), wanted)
        earlier.add(name)


def _texts(place: _Place) -> Iterator[BadFile]:
    """The templates in what a person is asked or told."""
    for field in ("ask", "manual"):
        text = getattr(place.step, field)
        if text:
            for language in ("en", "ko"):
                yield from _templates(place, (*place.path, field, language), getattr(text, language), frozenset())


def _uses(place: _Place) -> Iterator[BadFile]:
    table = place.tables.actions if place.step.action else place.tables.checks
    kind, name = ("action", place.step.action) if place.step.action else ("check", place.step.check)
    if name is None:
        return
    if name not in table:
        yield _no_such(place, (*place.path, kind), kind, name)
        return
    yield from _with(place, (*place.path, "with"), table[name], place.step.parameters, frozenset())
    if place.step.action:
        yield from _undoable(place, table[name])


def _no_such(place: _Place, path: Path_, kind: str, name: str) -> BadFile:
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


def _undoable(place: _Place, facts: Facts) -> Iterator[BadFile]:
    """Every change can be taken back, or its action says why that is not so."""
    if place.step.undo:
        return
    what = phrase(N_("changes AWS and does not say how that is undone."))
    if facts.undone_by:
        todo = phrase(N_("Add undo: {{action: {action}, with: …}}."), action=facts.undone_by)
        yield place.document.problem((*place.path, "action"), what, todo)
    elif not facts.undo.strip():
        todo = phrase(N_("Add undo, or state in the action's declaration why it has none."))
        yield place.document.problem((*place.path, "action"), what, todo)


def _undo(place: _Place) -> Iterator[BadFile]:
    undo, path = place.step.undo, (*place.path, "undo")
    if undo is None:
        return
    if undo.action not in place.tables.actions:
        yield _no_such(place, (*path, "action"), "action", undo.action)
        return
    facts = place.tables.actions[undo.action]
    yield from _with(place, (*path, "with"), facts, undo.parameters, frozenset({place.step.id}))


def _with(
    place: _Place, path: Path_, facts: Facts, given: Mapping[str, object], also: frozenset[str]
) -> Iterator[BadFile]:
    """The parameters: known, complete, of the right type; and the templates in them. `also`: further usable steps."""
    yield from parameters.problems(place.document, path, facts, given)
    for name, value in given.items():
        bad = list(_templates(place, (*path, name), value, also))
        yield from bad or parameters.bad_template_type(place.document, (*path, name), facts, value, _Types(place))


def _templates(place: _Place, path: Path_, value: object, also: frozenset[str]) -> Iterator[BadFile]:
    if dashed := _dashed(place, value):
        what = phrase(N_("steps.{step} is a subtraction in a template."), step=dashed)
        todo = phrase(N_("Write steps.{name} with an underscore."), name=dashed.replace("-", "_"))
        yield place.document.problem(path, what, todo)
        return
    for used in sorted(references(value)):
        if used[0] == "steps":
            problem = _output(place, path, used, also)
        else:
            problem = _unknown(place.document, path, used, place.playbook.inputs)
        if problem:
            yield problem


def _dashed(place: _Place, value: object) -> str | None:
    """The id of a step that a template names with its dash, as anybody would at first."""
    subtracted = {used[1] for used in references(value) if used[0] == "steps" and len(used) == 2}
    ids = [step.id for step in place.playbook.steps if step.id.split("-")[0] in subtracted and "-" in step.id]
    return next((id_ for id_ in ids if f"steps.{id_}." in str(value)), None)


def _unknown(document: Document, path: Path_, used: Name, inputs: Iterable[str]) -> BadFile | None:
    """A name that is neither an input nor something the context has."""
    known = {*inputs, *FIELDS, "now", "region", "steps"}
    if used[0] not in known:
        what = phrase(N_("{name} names nothing."), name=".".join(used))
        return document.problem(path, what, suggestion(used[0], known))
    fields = FIELDS.get(used[0], frozenset())
    if used[0] in FIELDS and len(used) > 1 and used[1] not in fields:
        what = phrase(N_("{name} names nothing."), name=".".join(used))
        return document.problem(path, what, suggestion(used[1], fields))
    if len(used) > (2 if used[0] in FIELDS else 1) and used[1] not in OPEN_FIELDS:
        what = phrase(N_("{name} names nothing."), name=".".join(used))
        whole = ".".join(used[:2] if used[0] in FIELDS else used[:1])
        return document.problem(path, what, phrase(N_("There is nothing below {name}."), name=whole))
    return None


def _output(place: _Place, path: Path_, used: Name, also: frozenset[str]) -> BadFile | None:
    """`steps.<id>.<output>`: the step exists, is over by then, and its action declares the output."""
    ids = {step.id.replace("-", "_"): step.id for step in place.playbook.steps}
    id_ = ids.get(used[1].replace("-", "_")) if len(used) > 1 else None
    dotted = ".".join(used)
    if id_ is None:
        what = phrase(N_("{name} names no step."), name=dotted)
        return place.document.problem(path, what, suggestion(used[1] if len(used) > 1 else "", ids.values()))
    if id_ not in graph.upstream(place.playbook, place.step.id) | also:
        what = phrase(N_("{name} is not known yet when step {step} starts."), name=dotted, step=place.step.id)
        return place.document.problem(path, what, phrase(N_("Add {step} to its needs."), step=id_))
    outputs = _outputs(place, id_)
    if outputs is None:
        return None
    if len(used) < 3 or used[2] not in outputs:
        what = phrase(N_("{name} names no output of step {step}."), name=dotted, step=id_)
        return place.document.problem(path, what, suggestion(used[2] if len(used) > 2 else "", outputs))
    return None


def _outputs(place: _Place, id_: str) -> Mapping[str, str] | None:
    """What a step gives; None when its action is unknown, which is a problem of its own."""
    step = place.playbook.step(id_)
    table = place.tables.actions if step.action else place.tables.checks
    if step.uses is None:
        return {}
    return table[step.uses].outputs if step.uses in table else None


class _Types:
    """The declared type of what a template names, None when nobody declares it."""

    def __init__(self, place: _Place) -> None:
        self._place = place

    def __call__(self, name: Name) -> str | None:
        match name:
            case (one,) if one in self._place.playbook.inputs:
                return self._place.playbook.inputs[one].type
            case ("steps", step, output):
                ids = {other.id.replace("-", "_"): other.id for other in self._place.playbook.steps}
                return (_outputs(self._place, ids[step.replace("-", "_")]) or {}).get(output)
            case _:
                return None
