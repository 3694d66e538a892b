"""Exceptions to a schedule: somebody instead of whoever is on call, besides them, not at all, or two who swap."""

from typing import Self

from pydantic import Field, model_validator

from escalation.errors import BadValue
from escalation.fields import Moment, Name, Written
from escalation.phrase import N_, phrase

KINDS = ("person", "add", "remove", "swap")


class Override(Written):
    """An exception for a while. It says one of `person`, `add`, `remove`, `swap`; they count in the order of the list."""

    person: Name | None = None
    """On call instead of everybody else."""
    add: Name | None = None
    """On call besides whoever is."""
    remove: Name | None = None
    """Not on call; a layer below takes over, if one has somebody."""
    swap: tuple[Name, Name] | None = None
    """Two people, each on call where the other would be."""
    start: Moment = Field(alias="from")
    """When it begins, in the schedule's time zone: 2026-12-24 18:00."""
    end: Moment = Field(alias="until")
    """When it is over, in the schedule's time zone: 2026-12-26 09:00."""

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            what = phrase(N_("an override says one thing, and this one says {given}."), given=", ".join(given) or "-")
            raise BadValue(what, phrase(N_("Write exactly one of person, add, remove, swap.")))
        return self

    @property
    def people(self) -> tuple[str, ...]:
        """Everybody whom it names."""
        return self.swap or tuple(name for name in (self.person, self.add, self.remove) if name)

    @property
    def brings(self) -> tuple[str, ...]:
        """Those who may be on call because of it."""
        return () if self.remove else self.people
