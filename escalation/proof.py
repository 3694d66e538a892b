"""Will somebody answer? For every instant at which an incident may open, the chain of a policy is walked to its end.

Exact, and by interval arithmetic: who is on call changes only at the edges of shifts, and a level's instant is the
incident's plus the waits of the levels before it that had somebody. So a stretch is cut where the answer changes, and each
piece is decided once. A stretch is proven when some level pages a person who can be reached at two addresses.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from escalation.local_time import utc
from escalation.person import Person
from escalation.phrase import N_, Phrase, phrase
from escalation.policy import EveryoneIn, Level, OnCall, OnePerson, Policy
from escalation.roster import Roster
from escalation.schedule import Shift, shifts

#: One address can fail: a phone without power, a Slack that is down.
ENOUGH = 2

#: How many addresses of a person work.
Addresses = Callable[[Person], int]


def written(person: Person) -> int:
    """The addresses that people.yaml gives them, each once."""
    return len(set(person.reached_by))


@dataclass(frozen=True)
class Reason:
    """Why a level is no proof: nobody is on call in the schedule `name`, or the person `name` has too few addresses."""

    name: str
    level: int | None = None
    addresses: int = 0

    @property
    def phrase(self) -> Phrase:
        if self.level is not None:
            what = N_("Level {level}: nobody is on call in {schedule}.")
            return phrase(what, level=self.level, schedule=self.name)
        if self.addresses == 0:
            return phrase(N_("{name} has no address that works."), name=self.name)
        return phrase(N_("{name} has one address only."), name=self.name)


@dataclass(frozen=True)
class Finding:
    """Incidents that open from `start` up to `end` may reach nobody for certain; `why`, level by level."""

    policy: str
    start: datetime
    end: datetime
    why: tuple[Reason, ...]


def prove(
    roster: Roster, policies: Iterable[Policy], start: datetime, end: datetime, addresses: Addresses = written
) -> list[Finding]:
    """Every stretch between two instants in which a policy is not proven; empty: somebody will be reached, always."""
    policies = tuple(policies)
    last = max((_longest(policy) for policy in policies), default=timedelta())
    names = {name for policy in policies for level in policy.levels for name in _schedules(level)}
    known = {name: shifts(roster.schedule(name), start, utc(end) + last) for name in names}
    counts = {name: addresses(person) for name, person in roster.people.items()}
    proofs = (_Proof(roster, policy, utc(start), utc(end), counts, known) for policy in policies)
    return [finding for proof in proofs for finding in proof.findings()]


@dataclass(frozen=True)
class _Piece:
    """Incidents that open in it have found, so far, what `why` says, and come to the next level `later`."""

    start: datetime
    end: datetime
    later: timedelta = timedelta()
    why: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class _Proof:
    roster: Roster
    policy: Policy
    start: datetime
    end: datetime
    addresses: Mapping[str, int]
    shifts: Mapping[str, Sequence[Shift]]

    def findings(self) -> list[Finding]:
        """What is left after the last level, neighbours with the same reason put together."""
        left = [_Piece(self.start, self.end)] if self.start < self.end else []
        for number, level in [*enumerate(self.policy.levels, start=1)] * self.policy.cycles:
            left = [piece for before in left for piece in self._through(before, number, level)]
        found: list[Finding] = []
        for piece in sorted(left, key=lambda one: one.start):
            if found and (found[-1].end, found[-1].why) == (piece.start, piece.why):
                found[-1] = replace(found[-1], end=piece.end)
            else:
                found.append(Finding(self.policy.key, piece.start, piece.end, piece.why))
        return found

    def _through(self, piece: _Piece, number: int, level: Level) -> Iterator[_Piece]:
        """What of the piece the level does not prove, each part with its own reason and its own next instant."""
        edges = {edge - piece.later for name in _schedules(level) for edge in self._edges(name, piece)}
        bounds = [piece.start, *sorted(edge for edge in edges if piece.start < edge < piece.end), piece.end]
        for since, until in pairwise(bounds):
            people, gaps = self._people(level, since + piece.later)
            if any(self.addresses[name] >= ENOUGH for name in people):
                continue
            weak = (Reason(self.roster.person(name).name, addresses=self.addresses[name]) for name in people)
            why = dict.fromkeys((*piece.why, *(Reason(name, number) for name in gaps), *weak))
            later = piece.later + (level.wait if people else timedelta())
            yield _Piece(since, until, later, tuple(why))

    def _people(self, level: Level, at: datetime) -> tuple[list[str], list[str]]:
        """Whom the level pages at an instant, and the schedules in which nobody is on call then."""
        names: dict[str, None] = {}
        gaps: list[str] = []
        for target in level.page:
            match target:
                case OnePerson():
                    names[target.person] = None
                case EveryoneIn():
                    names |= dict.fromkeys(self.roster.schedule(target.everyone_in).everybody)
                case OnCall():
                    people = self._shift(target.schedule, at).people
                    names |= dict.fromkeys(people)
                    gaps += [] if people else [target.schedule]
        return list(names), gaps

    def _shift(self, schedule: str, at: datetime) -> Shift:
        found = self.shifts[schedule]
        return found[bisect_right(found, at, key=lambda one: one.start) - 1]

    def _edges(self, schedule: str, piece: _Piece) -> Iterator[datetime]:
        """Where its shifts begin between the level's first and last instant for the piece."""
        found = self.shifts[schedule]
        first = bisect_right(found, piece.start + piece.later, key=lambda one: one.start)
        for shift in found[first:]:
            if shift.start >= piece.end + piece.later:
                return
            yield shift.start


def _longest(policy: Policy) -> timedelta:
    """How long after an incident opened its last level may look who is on call."""
    return policy.cycles * sum((level.wait for level in policy.levels), timedelta(seconds=1))


def _schedules(level: Level) -> list[str]:
    return [target.schedule for target in level.page if isinstance(target, OnCall)]
