"""What must hold between the entries of the three files, each problem with its line and column."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from escalation.document import Document, Path_
from escalation.errors import BadFile
from escalation.nearest import suggestion
from escalation.override import KINDS, Override
from escalation.person import Person
from escalation.phrase import N_, Phrase, phrase
from escalation.policy import EveryoneIn, OnCall, OnePerson, Policy
from escalation.schedule import Schedule

Entry_co = TypeVar("Entry_co", covariant=True)


@dataclass(frozen=True)
class File(Generic[Entry_co]):
    """A file as far as it could be read. `names` are those of all its entries, right or wrong: a wrong entry is told
    once, and not again at each place that names it. None: the file could not be read, so that nothing is known.
    """

    document: Document
    entries: Mapping[str, Entry_co]
    names: AbstractSet[str] | None


def problems(people: File[Person], schedules: File[Schedule], policies: File[Policy]) -> Iterator[BadFile]:
    """Everything that is wrong between entries that are right in themselves."""
    yield from _shared_slack_ids(people)
    for name, schedule in schedules.entries.items():
        yield from _unknown_people(schedules.document, name, schedule, people)
        yield from _bad_overrides(schedules.document, name, schedule)
    for name, policy in policies.entries.items():
        yield from _unknown_targets(policies.document, name, policy, people, schedules)


def _shared_slack_ids(people: File[Person]) -> Iterator[BadFile]:
    owners: dict[str, str] = {}
    for name, person in people.entries.items():
        if person.slack is None:
            continue
        owner = owners.setdefault(person.slack, name)
        if owner != name:
            what = phrase(N_("{slack} is already the Slack member id of {owner}."), slack=person.slack, owner=owner)
            todo = phrase(N_("Copy the right one from the profile of each in Slack."))
            yield people.document.problem((name, "slack"), what, todo)


def _unknown_people(document: Document, name: str, schedule: Schedule, people: File[Person]) -> Iterator[BadFile]:
    for number, layer in enumerate(schedule.every_layer):
        here: Path_ = (name, "rotation") if schedule.rotation else (name, "layers", number, "rotation")
        for index, person in enumerate(layer.rotation.people):
            yield from _unknown(document, (*here, "people", index), person, people)
    for index, override in enumerate(schedule.overrides):
        kind = next(kind for kind in KINDS if getattr(override, kind))
        for at, person in enumerate(override.people):
            path: Path_ = (name, "overrides", index, kind)
            yield from _unknown(document, (*path, at) if override.swap else path, person, people)


def _unknown_targets(
    document: Document, name: str, policy: Policy, people: File[Person], schedules: File[Schedule]
) -> Iterator[BadFile]:
    for number, level in enumerate(policy.levels):
        for index, target in enumerate(level.page):
            path = (name, "levels", number, "page", index)
            match target:
                case OnePerson():
                    yield from _unknown(document, (*path, "person"), target.person, people)
                case OnCall():
                    yield from _unknown(document, (*path, "schedule"), target.schedule, schedules)
                case EveryoneIn():
                    yield from _unknown(document, (*path, "everyone_in"), target.everyone_in, schedules)


def _unknown(document: Document, path: Path_, name: str, file: File[Any]) -> Iterator[BadFile]:
    if file.names is not None and name not in file.names:
        what = phrase(N_("{file} has no {name}."), file=file.document.file.name, name=name)
        yield document.problem(path, what, suggestion(name, file.names))


def _bad_overrides(document: Document, name: str, schedule: Schedule) -> Iterator[BadFile]:
    spans = [(*schedule.span(override), index) for index, override in enumerate(schedule.overrides)]
    for start, end, index in spans:
        if end <= start:
            yield document.problem(
                (name, "overrides", index, "until"),
                phrase(N_("the override is over before it begins.")),
                phrase(N_("Write a time after {start}."), start=_written(schedule.overrides[index])),
            )
    latest = None
    for start, end, index in sorted(one for one in spans if one[0] < one[1] and schedule.overrides[one[2]].person):
        if latest and start < latest[0]:
            yield _overlap(document, name, latest[1], index)
        latest = max(latest or (end, index), (end, index))


def _overlap(document: Document, name: str, one: int, other: int) -> BadFile:
    """Reported at the one that is further down in the file: it was probably added last."""
    first, second = sorted((one, other))
    line, _ = document.place((name, "overrides", first))
    what = phrase(N_("overlaps the override in line {line}, and only one person can be on call."), line=line)
    return document.problem((name, "overrides", second), what, phrase(N_("Shorten or remove one of the two.")))


def _written(override: Override) -> Phrase | str:
    return override.start.isoformat(sep=" ", timespec="minutes")
