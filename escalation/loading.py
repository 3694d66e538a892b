"""Read people.yaml, schedules.yaml and policies.yaml: either all of it holds together, or every problem is told at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from escalation import consistency
from escalation.consistency import File
from escalation.document import Document, read
from escalation.errors import BadFile, BadFiles, BadValue
from escalation.fields import Written, check_name
from escalation.person import Person
from escalation.phrase import N_, phrase
from escalation.policy import Policy
from escalation.roster import Roster, named
from escalation.schedule import Schedule

#: The files that come with Lifeboat: a team that does not exist, and the format by example.
EXAMPLE = Path(__file__).parent

Entry = TypeVar("Entry", bound=Written)


@dataclass(frozen=True)
class Directory(Roster):
    """All that the three files say, by name; every name in it leads somewhere."""

    policies: Mapping[str, Policy]

    def policy(self, name: str) -> Policy:
        """The policy of that name. Raises `UnknownName`, which suggests the nearest."""
        return named(self.policies, name, "policies.yaml")


def load(folder: Path = EXAMPLE) -> Directory:
    """The three files of a folder. Raises `BadFiles` with every problem in them, in the order of the files."""
    problems: list[BadFile] = []
    people = _entries(folder / "people.yaml", Person, problems)
    schedules = _entries(folder / "schedules.yaml", Schedule, problems)
    policies = _entries(folder / "policies.yaml", Policy, problems)
    problems += consistency.problems(people, schedules, policies)
    if problems:
        order = [str(file.document.file) for file in (people, schedules, policies)]
        raise BadFiles(sorted(problems, key=lambda one: (order.index(one.file), one.line, one.column)))
    return Directory(
        people=MappingProxyType(people.entries),
        schedules=MappingProxyType(schedules.entries),
        policies=MappingProxyType(policies.entries),
    )


def _entries(path: Path, model: type[Entry], problems: list[BadFile]) -> File[Entry]:
    """The entries of a file that are right in themselves; what is wrong with the others is added to `problems`."""
    try:
        document = read(path)
    except BadFile as error:
        problems.append(error)
        return File(Document(path, None, {}, {}), {}, names=None)
    if not isinstance(document.values, dict) or not document.values:
        what = phrase(N_("has no entries."))
        problems.append(document.problem((), what, phrase(N_("Write at least one, as name: and its fields below."))))
        return File(document, {}, names=None)
    entries: dict[str, Entry] = {}
    for name in document.values:
        try:
            entries[name] = _entry(document, name, model)
        except BadFiles as error:
            problems.extend(error.problems)
    return File(document, entries, names=frozenset(map(str, document.values)))


def _entry(document: Document, name: str, model: type[Entry]) -> Entry:
    try:
        check_name(name)
    except BadValue as error:
        raise BadFiles([document.problem((name,), error.what, error.todo, at_key=True)]) from error
    values = document.values[name]
    if isinstance(values, dict):
        if "key" in values:
            todo = phrase(N_("Remove it, or correct its spelling."))
            raise BadFiles([document.problem((name, "key"), phrase(N_("unknown field.")), todo, at_key=True)])
        values = {**values, "key": name}
    return document.parse(model, values, (name,))
