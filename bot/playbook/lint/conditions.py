"""Can each step run, and does it do something when it does?

The graph has no circles (`structure.py`), and a step that is left out counts as over for those that need it. So what makes
a step unreachable is its own condition, when no input can make it true; an empty list; or a run that is over by then.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from math import prod

from bot.errors import N_, BadFile, phrase
from bot.playbook import parameters
from bot.playbook.context import RESERVED
from bot.playbook.inputs import Reader, parse
from bot.playbook.lint import names
from bot.playbook.lint.names import Scope
from bot.playbook.lint.paths import longest
from bot.playbook.lint.place import Book, Place
from bot.playbook.model import Playbook
from bot.playbook.template import BadTemplate, evaluate, is_template, references, result_type, single_name
from escalation.duration import format_duration
from escalation.errors import BadValue

#: More combinations of inputs than this are not tried out.
_COMBINATIONS = 256
_OF_INPUTS = {"str", "int", "bool", "region", "zone"}


def when(place: Place) -> Iterator[BadFile]:
    """A condition is true or false, and can be true."""
    said = place.step.when
    if said is None or said is True:
        return
    if isinstance(said, str):
        bad = list(names.problems(Scope(place), (*place.path, "when"), said))
        if bad:
            yield from bad
            return
        name = single_name(said)
        has = names.type_of(Scope(place), name) if name else result_type(said)
        if has and has != "bool":
            yield parameters.misfit(place.document, (*place.path, "when"), said, has, "bool")
            return
    if _never(place.playbook, said):
        what = phrase(N_("step {step} never runs: this is never true."), step=place.step.id)
        yield place.problem(("when",), what, phrase(N_("Remove the step, or correct the condition.")))


def for_each(place: Place) -> Iterator[BadFile]:
    """There is a list, something is in it, and its items have a name of their own."""
    rule, path = place.step.for_each, (*place.path, "for_each")
    if rule is None:
        return
    if rule.name in RESERVED or rule.name in place.playbook.inputs:
        what = phrase(N_("{name} already means something else in templates."), name=rule.name)
        yield place.document.problem((*path, "as"), what, phrase(N_("Choose another name.")))
    if rule.items == ():
        what = phrase(N_("the list is empty: step {step} never does anything."), step=place.step.id)
        yield place.document.problem((*path, "in"), what, phrase(N_("Remove the step, or list what it is for.")))
    bad = list(names.problems(Scope(place), (*path, "in"), rule.items))
    yield from bad
    if not bad and isinstance(rule.items, str):
        name = single_name(rule.items)
        has = names.type_of(Scope(place), name) if name else result_type(rule.items)
        if has and not parameters.fits(has, "list"):
            yield parameters.misfit(place.document, (*path, "in"), rule.items, has, "list")


def region(place: Place) -> Iterator[BadFile]:
    """The step's own region is one."""
    if place.step.region is not None:
        path = (*place.path, "region")
        bad = list(names.problems(Scope(place, item=True), path, place.step.region))
        yield from bad or region_problems(Book(place.document, place.playbook, place.tables), place, path)


def region_problems(book: Book, place: Place | None, path: tuple[str | int, ...]) -> Iterator[BadFile]:
    """A region that is written out has the form of one; a template gives one."""
    value = _at(book, path)
    if is_template(value):
        name = single_name(value)
        has = _input_type(book.playbook, name) if place is None else names.type_of(Scope(place, item=True), name or ())
        if name and has and not parameters.fits(has, "region"):
            yield parameters.misfit(book.document, path, value, has, "region")
        return
    try:
        parse("region", value, Reader(datetime.now(UTC)))
    except BadValue as error:
        yield book.document.problem(path, error.what, error.todo)


def takes(place: Place) -> Iterator[BadFile]:
    """A step is given at least the time that it usually takes."""
    usual, limit = place.step.takes, place.step.time_limit
    if usual and limit and usual > limit:
        what = phrase(
            N_("usually takes {takes}, and may take only {deadline}."),
            takes=format_duration(usual), deadline=format_duration(limit),
        )  # fmt: skip
        yield place.problem(("takes",), what, phrase(N_("Raise the step's deadline.")))


def run_deadline(book: Book) -> Iterator[BadFile]:
    """No step begins only when the run must be over."""
    if book.playbook.deadline is None:
        return

    def usual(step_id: str) -> timedelta:
        step, facts = book.playbook.step(step_id), book.tables.facts(book.playbook.step(step_id))
        return step.takes or (facts.takes if facts else None) or timedelta()

    for step in book.playbook.steps:
        before = longest(book.playbook, usual, upto=step.id)
        took = sum(map(usual, before), timedelta())
        if took >= book.playbook.deadline:
            what = phrase(
                N_("step {step} is never reached: the steps before it usually take {takes}."),
                step=step.id, takes=format_duration(took),
            )  # fmt: skip
            yield book.document.problem(("deadline",), what, phrase(N_("Give the run more time.")))
            return


def _never(playbook: Playbook, said: str | bool) -> bool:
    """Whether no value that the inputs can have makes it true; False also when that cannot be told."""
    used = references(said)
    domains = [_domain(playbook, name) for name in sorted(used)]
    if any(not domain for domain in domains) or prod(len(domain) for domain in domains) > _COMBINATIONS:
        return False
    try:
        results = [
            evaluate(said, {name[0]: value for name, value in zip(sorted(used), values, strict=True)})
            for values in product(*domains)
        ]
    except BadTemplate:
        return False
    return not any(results)


def _domain(playbook: Playbook, name: tuple[str, ...]) -> list[object]:
    """Every value that an input can have, none when there is no end of them."""
    wanted = playbook.inputs.get(name[0]) if len(name) == 1 else None
    if wanted is None or wanted.type not in _OF_INPUTS:
        return []
    found: list[object] = [True, False] if wanted.type == "bool" else []
    try:
        found = [parse(wanted.type, choice, Reader(datetime.now(UTC))) for choice in wanted.choices] or found
    except BadValue:  # told where the choice stands
        return []
    return found if wanted.required or not found else [*found, None]


def _input_type(playbook: Playbook, name: tuple[str, ...] | None) -> str | None:
    wanted = playbook.inputs.get(name[0]) if name and len(name) == 1 else None
    return wanted.type if wanted else None


def _at(book: Book, path: tuple[str | int, ...]) -> str:
    value = book.document.values
    for part in path:
        value = value[part]
    return str(value)
