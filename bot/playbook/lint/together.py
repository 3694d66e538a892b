"""Does each playbook fit the others?"""

from collections.abc import Collection, Iterable, Iterator

from bot.errors import N_, BadFile, phrase
from bot.playbook.lint.place import Book
from escalation.document import Document
from escalation.nearest import suggestion


def names_of(documents: Iterable[Document]) -> set[str]:
    """What the playbooks are called, the broken ones too: a fault in one is no fault in those that name it."""
    values = (document.values for document in documents)
    return {one["name"] for one in values if isinstance(one, dict) and isinstance(one.get("name"), str)}


def excludes(book: Book, known: Collection[str]) -> Iterator[BadFile]:
    """What may not run meanwhile exists. One of the two says it; that is enough for both."""
    for index, name in enumerate(book.playbook.excludes):
        if name not in known:
            what = phrase(N_("there is no playbook named {name}."), name=name)
            yield book.document.problem(("excludes", index), what, suggestion(name, known))
