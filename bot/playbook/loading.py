"""Read the playbooks of a folder. A file that cannot be used is an error here, never a surprise at night."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from bot.errors import N_, BadFile, BadFiles, phrase
from bot.playbook import structure
from bot.playbook.model import Playbook
from escalation.document import Document, read


def load(folder: Path, extra: Iterable[Path] = ()) -> Mapping[str, Playbook]:
    """Every playbook of the folder, and of the `extra` files and folders, by its name.

    Raises `BadFiles` with every problem of every file.
    """
    problems: list[BadFile] = []
    found: dict[str, tuple[Playbook, Path]] = {}
    for file in files(folder, extra):
        try:
            document = read(file)
            playbook = parse(document)
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


def parse(document: Document) -> Playbook:
    """The playbook of one document. Raises `BadFiles` when it does not hold together."""
    playbook = document.parse(Playbook)
    if problems := list(structure.problems(document, playbook)):
        raise BadFiles(problems)
    return playbook
