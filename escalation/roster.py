"""The people and their schedules, by name: what is needed to say who is on call."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self, TypeVar

from escalation.errors import UnknownName
from escalation.nearest import suggestion
from escalation.override import Override
from escalation.person import Person
from escalation.schedule import Schedule, on_call

Entry = TypeVar("Entry")


@dataclass(frozen=True)
class Roster:
    """Whoever builds one sees to it that every person whom a schedule names is among the people; `loading` does."""

    people: Mapping[str, Person]
    schedules: Mapping[str, Schedule]

    def person(self, name: str) -> Person:
        """The person of that name. Raises `UnknownName`, which suggests the nearest."""
        return named(self.people, name, "people.yaml")

    def schedule(self, name: str) -> Schedule:
        """The schedule of that name. Raises `UnknownName`, which suggests the nearest."""
        return named(self.schedules, name, "schedules.yaml")

    def on_call(self, schedule: str, at: datetime) -> tuple[Person, ...]:
        """Who is on call in a schedule at an instant; empty when nobody is."""
        return tuple(self.person(name) for name in on_call(self.schedule(schedule), at))

    def with_overrides(self, overrides: Mapping[str, Sequence[Override]]) -> Self:
        """With overrides that are not in the files, by schedule; they count after those that are."""
        schedules = {
            name: one.model_copy(update={"overrides": (*one.overrides, *overrides.get(name, ()))})
            for name, one in self.schedules.items()
        }
        return replace(self, schedules=schedules)

    def person_in_slack(self, user: str) -> Person | None:
        """The person with a Slack member id, if one of ours has it."""
        return next((person for person in self.people.values() if person.slack == user), None)


def named(entries: Mapping[str, Entry], name: str, file: str) -> Entry:
    """The entry of that name, or `UnknownName` with the nearest of the file."""
    if name not in entries:
        raise UnknownName(file, name, suggestion(name, entries))
    return entries[name]
