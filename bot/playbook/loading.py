"""Read the playbooks of a folder. A file that cannot be used is an error here, never a surprise at night."""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from bot.errors import N_, BadFile, BadFiles, phrase
from bot.playbook import structure
from bot.playbook.including import Find, include, nowhere
from bot.playbook.model import Playbook
from escalation.document import Document, read


def load(folder: Path, extra: Iterable[Path] = ()) -> Mapping[str, Playbook]:
    """Every playbook of the folder, and of the `extra` files and folders, by its name.

    Raises `BadFiles` with every problem of every file.
    """
    problems: list[BadFile] = []
    found: dict[str, tuple[Playbook, Path]] = {}
    found_files = files(folder, extra)
    find = among(found_files)
    for file in found_files:
        try:
            document = read(file)
            playbook = parse(document, find)
        except BadFile as error:
            problems.append(error)
        except BadFiles as error:
            problems.extend(error.problems)
        else:
            if playbook.name in found:
                what = phrase(N_("{file} has a playbook of this name too."), file=str(found[playbook.name][1]))
                problems.append(document.problem(("name",), what, phrase(N_("Rename one of the two."))))
            found.setdefault(playbook.name, (playbook, file))
    if problems:
        raise BadFiles(problems)
    return {name: playbook for name, (playbook, _) in sorted(found.items())}


def files(folder: Path, extra: Iterable[Path] = ()) -> list[Path]:
    """The playbook files: `*.yaml` of each folder, in order, and the files as they are named."""
    return [
        file for place in (folder, *extra) for file in (sorted(place.glob("*.yaml")) if place.is_dir() else [place])
    ]


def parse(document: Document, find: Find = nowhere) -> Playbook:
    """The playbook of one document, with the steps of those that it includes. Raises `BadFiles`."""
    return whole(document, find)[1]


def whole(document: Document, find: Find = nowhere) -> tuple[Document, Playbook]:
    """The document as it is with what it includes, and its playbook. Raises `BadFiles` when it does not hold together."""
    document = include(document, find)
    playbook = document.parse(Playbook)
    if problems := list(structure.problems(document, playbook)):
        raise BadFiles(problems)
    return document, playbook


def among(found: Iterable[Path]) -> Find:
    """Finds a playbook by its name among these files, which are called as their playbooks are."""
    by_name = {file.stem: file for file in reversed(list(found))}

    @cache
    def find(name: str) -> Document | None:
        try:
            return read(by_name[name]) if name in by_name else None
        except BadFile:
            return None  # told where that file is checked

    return find
