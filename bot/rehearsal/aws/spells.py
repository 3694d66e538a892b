"""When something was down: intervals, so that whoever asks late learns what was true at any earlier moment."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Spell:
    """From `start` until just before `end`; without an end it goes on."""

    start: datetime
    end: datetime | None = None

    def covers(self, at: datetime) -> bool:
        return self.start <= at and (self.end is None or at < self.end)


class Spells:
    """Those of one thing, oldest first; they never overlap."""

    def __init__(self) -> None:
        self._all: list[Spell] = []

    def __iter__(self) -> Iterator[Spell]:
        return iter(tuple(self._all))

    def begin(self, at: datetime) -> None:
        if not self.at(at):
            self._all.append(Spell(at))

    def end(self, at: datetime) -> None:
        if self._all and self._all[-1].end is None:
            self._all[-1] = Spell(self._all[-1].start, at)

    def at(self, moment: datetime) -> bool:
        return any(spell.covers(moment) for spell in self._all)

    def after(self, moment: datetime) -> datetime | None:
        """The first instant from then on that no spell covers; None while one goes on."""
        for spell in self._all:
            if spell.covers(moment):
                if spell.end is None:
                    return None
                moment = spell.end
        return moment
