"""Check playbooks before the night: does everything they name exist, and does it fit? Asks neither AWS nor a database.

One fault gives one message, at the place that a person must change. `structure.py` has the rules that need no tables;
here are those that need the actions and checks, one module for each question:

    uses.py        do the actions and checks exist, and do they get the parameters that they need?
    names.py       does every template name something that is known by then?
    conditions.py  can each step run: its `when`, its `for_each`, its region, its durations
    regions.py     does a regional failover depend on what is failing?
    starting.py    who must agree, and what may start by itself?
    promises.py    can the stated RTO and RPO be kept?
    together.py    does each playbook fit the others?
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from bot.errors import BadFile, BadFiles
from bot.playbook.action import Check
from bot.playbook.including import Find, nowhere
from bot.playbook.lint import conditions, names, promises, regions, starting, together, uses
from bot.playbook.lint.place import Book, Place, Tables
from bot.playbook.loading import whole
from escalation.document import Document

#: The rules for a whole playbook, and those for each of its steps.
OF_PLAYBOOKS: tuple[Callable[[Book], Iterator[BadFile]], ...] = (
    names.inputs,
    regions.playbook,
    starting.approval,
    starting.automatic,
    promises.targets,
    conditions.run_deadline,
)
OF_STEPS: tuple[Callable[[Place], Iterator[BadFile]], ...] = (
    uses.texts,
    uses.uses,
    uses.undo,
    conditions.when,
    conditions.for_each,
    conditions.region,
    conditions.takes,
    regions.step,
    regions.best_effort,
)


def lint(
    documents: Iterable[Document],
    actions: Mapping[str, Check],
    checks: Mapping[str, Check],
    beside: Collection[str] = (),
    find: Find = nowhere,
) -> list[BadFile]:
    """Every problem of the playbooks, ordered by file and place; empty when they may be used.

    `beside`: the names of playbooks that are not linted and there all the same, so that `excludes` may name them.
    `find` gives the document of a playbook that another one includes.
    """
    documents = list(documents)
    tables = Tables(
        {name: action.facts for name, action in actions.items()},
        {name: check.facts for name, check in checks.items()},
    )
    known = {*beside, *together.names_of(documents)}
    problems = [problem for document in documents for problem in _document(document, tables, known, find)]
    return sorted(problems, key=lambda problem: (problem.file, problem.line, problem.column))


def _document(document: Document, tables: Tables, known: Collection[str], find: Find) -> Iterator[BadFile]:
    try:
        document, playbook = whole(document, find)
    except BadFiles as error:
        yield from error.problems
        return
    book = Book(document, playbook, tables)
    for of_playbook in OF_PLAYBOOKS:
        yield from of_playbook(book)
    yield from together.excludes(book, known)
    for number, step in enumerate(playbook.steps):
        place = Place(document, playbook, tables, step, ("steps", number))
        for of_step in OF_STEPS:
            yield from of_step(place)
