"""Does every template name something, and something that is known when it is read?"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bot.errors import N_, BadFile, phrase
from bot.playbook import graph, parameters
from bot.playbook.context import FIELDS, OPEN_FIELDS
from bot.playbook.lint.place import Book, Place
from bot.playbook.model import Playbook, Step
from bot.playbook.template import Name, defaulted, is_template, references, single_name
from escalation.document import Document, Path_
from escalation.nearest import suggestion

#: What a step with `for_each` gives: what each element gave, with its item; and how many there were.
OF_ELEMENTS: Mapping[str, str] = {"items": "list", "count": "int"}

_TYPES: Mapping[Name, str] = {("now",): "time", ("incident", "started_at"): "time", ("region",): "region"}


@dataclass(frozen=True)
class Scope:
    """Where in a step a template stands. `item`: the item of its `for_each` is known; `own`: so is what it gave itself."""

    place: Place
    item: bool = False
    own: bool = False

    @property
    def known(self) -> frozenset[str]:
        """The names that the playbook itself gives: its inputs, and the item."""
        rule = self.place.step.for_each
        return frozenset(self.place.playbook.inputs) | ({rule.name} if self.item and rule else frozenset())


def inputs(book: Book) -> Iterator[BadFile]:
    """Defaults: a template may name the inputs before it; a plain one must be of its input's type."""
    earlier: set[str] = set()
    for name, wanted in book.playbook.inputs.items():
        yield from before_the_run(book.document, ("inputs", name, "default"), wanted.default, earlier)
        yield from parameters.bad_default(book.document, ("inputs", name), wanted)
        earlier.add(name)


def before_the_run(document: Document, path: Path_, value: object, known: Iterable[str]) -> Iterator[BadFile]:
    """A template that is filled in before any step has run."""
    for used in sorted(references(value)):
        if used[0] == "steps":
            what = phrase(N_("{name} is not known before the playbook runs."), name=".".join(used))
            todo = phrase(N_("Use what the incident, the alarm, the service or an earlier input says."))
            yield document.problem(path, what, todo)
        elif problem := _unknown(document, path, used, known):
            yield problem


def problems(scope: Scope, path: Path_, value: object) -> Iterator[BadFile]:
    """Every name of a step's templates that is not known there."""
    document = scope.place.document
    if dashed := _dashed(scope.place.playbook, value):
        what = phrase(N_("steps.{step} is a subtraction in a template."), step=dashed)
        todo = phrase(N_("Write steps.{name} with an underscore."), name=dashed.replace("-", "_"))
        yield document.problem(path, what, todo)
        return
    excused = defaulted(value)
    for used in sorted(references(value)):
        if used[0] == "steps":
            problem = _output(scope, path, used, excused=used in excused)
        else:
            problem = _unknown(document, path, used, scope.known)
        if problem:
            yield problem


def type_of(scope: Scope, name: Name) -> str | None:
    """The declared type of what a template names, None when nobody declares it."""
    place = scope.place
    match name:
        case (one,) if one in place.playbook.inputs:
            return place.playbook.inputs[one].type
        case (one,) if one in scope.known:
            return _item_type(scope)
        case ("steps", step, output):
            id_ = _ids(place.playbook).get(step.replace("-", "_"))
            return (outputs(scope, id_) or {}).get(output) if id_ else None
    return _TYPES.get(name)


def outputs(scope: Scope, id_: str) -> Mapping[str, str] | None:
    """What a step gives; None when its action is unknown, which is a problem of its own."""
    step = scope.place.playbook.step(id_)
    if step.uses is None:
        return {}
    facts = scope.place.tables.facts(step)
    if step.for_each and not (scope.own and id_ == scope.place.step.id):
        return OF_ELEMENTS
    return facts.outputs if facts else None


def _item_type(scope: Scope) -> str | None:
    """Lists that are written out, and inputs that are lists, hold texts; of an output nobody knows."""
    rule = scope.place.step.for_each
    if rule is None or isinstance(rule.items, tuple):
        return "str" if rule and not is_template(rule.items) else None
    name = single_name(rule.items)
    return "str" if name and len(name) == 1 else None


def _dashed(playbook: Playbook, value: object) -> str | None:
    """The id of a step that a template names with its dash, as anybody would at first."""
    subtracted = {used[1] for used in references(value) if used[0] == "steps" and len(used) == 2}
    ids = [step.id for step in playbook.steps if step.id.split("-")[0] in subtracted and "-" in step.id]
    return next((id_ for id_ in ids if f"steps.{id_}." in str(value)), None)


def _unknown(document: Document, path: Path_, used: Name, given: Iterable[str]) -> BadFile | None:
    """A name that is neither the playbook's own nor something the context has."""
    known = {*given, *FIELDS, "now", "region", "steps"}
    dotted = ".".join(used)
    what = phrase(N_("{name} names nothing."), name=dotted)
    if used[0] not in known:
        return document.problem(path, what, suggestion(used[0], known))
    fields = FIELDS.get(used[0], frozenset())
    if used[0] in FIELDS and len(used) > 1 and used[1] not in fields:
        return document.problem(path, what, suggestion(used[1], fields))
    open_below = used[0] in given or (len(used) > 1 and used[1] in OPEN_FIELDS)
    if len(used) > (2 if used[0] in FIELDS else 1) and not open_below:
        whole = ".".join(used[:2] if used[0] in FIELDS else used[:1])
        return document.problem(path, what, phrase(N_("There is nothing below {name}."), name=whole))
    return None


def _output(scope: Scope, path: Path_, used: Name, *, excused: bool) -> BadFile | None:
    """`steps.<id>.<output>`: the step exists, is over by then, its action declares the output, and it was not left out."""
    place, dotted = scope.place, ".".join(used)
    ids = _ids(place.playbook)
    id_ = ids.get(used[1].replace("-", "_")) if len(used) > 1 else None
    if id_ is None:
        what = phrase(N_("{name} names no step."), name=dotted)
        return place.document.problem(path, what, suggestion(used[1] if len(used) > 1 else "", ids.values()))
    own = scope.own and id_ == place.step.id
    if not own and id_ not in graph.upstream(place.playbook, place.step.id):
        what = phrase(N_("{name} is not known yet when step {step} starts."), name=dotted, step=place.step.id)
        return place.document.problem(path, what, phrase(N_("Add {step} to its needs."), step=id_))
    given = outputs(scope, id_)
    if given is None:
        return None
    if len(used) < 3 or used[2] not in given:
        what = phrase(N_("{name} names no output of step {step}."), name=dotted, step=id_)
        return place.document.problem(path, what, suggestion(used[2] if len(used) > 2 else "", given))
    if not own and not excused and _may_be_left_out(place.playbook.step(id_), place.step):
        what = phrase(
            N_("{name} may be missing: step {step} runs only when its condition holds."), name=dotted, step=id_
        )
        todo = phrase(N_("Write {{{{ {name} | default(…) }}}}, or give this step the same when."), name=dotted)
        return place.document.problem(path, what, todo)
    return None


def _may_be_left_out(step: Step, reader: Step) -> bool:
    return step.when not in {None, True} and step.when != reader.when


def _ids(playbook: Playbook) -> dict[str, str]:
    return {step.id.replace("-", "_"): step.id for step in playbook.steps}
