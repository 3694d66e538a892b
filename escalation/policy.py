"""Who is paged after whom. A policy is what a person writes; a chain is a policy frozen for one incident.

Policy ── freeze(roster, policy, at) ──▶ Chain ── next_step(chain, level, cycle, at) ──▶ PageLevel | Exhausted

A policy knows no clock. Its chain names, for every level of every cycle, the people who are on call at the instant at
which that level will be due if nobody answers; it is stored with the incident, and no later change of a file reaches it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, get_args

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag
from pydantic.json_schema import SkipJsonSchema

from escalation.duration import Duration, PositiveDuration
from escalation.errors import BadValue
from escalation.fields import Name, Written
from escalation.local_time import utc
from escalation.nearest import suggestion
from escalation.person import Contact, Person
from escalation.phrase import N_, Phrase, phrase
from escalation.refusal import shown
from escalation.roster import Roster
from escalation.schedule import on_call

_Kind = Literal["person", "schedule", "everyone_in"]


class OnePerson(Written):
    """Always this person."""

    person: Name
    """A name from people.yaml."""


class OnCall(Written):
    """Whoever is on call in a schedule when the level is due."""

    schedule: Name
    """A name from schedules.yaml."""


class EveryoneIn(Written):
    """Everybody who takes turns in a schedule, on call or not."""

    everyone_in: Name
    """A name from schedules.yaml."""


def _kind(written: Any) -> Any:
    """What kind of target an entry is: its one key."""
    if isinstance(written, Written):
        written = type(written).model_fields
    return next(iter(written)) if isinstance(written, Mapping) and len(written) == 1 else None


def _known_kind(written: Any) -> Any:
    kind = _kind(written)
    if kind in get_args(_Kind):
        return written
    todo = suggestion(kind, get_args(_Kind)) if kind else phrase(N_("Write one key and a name: schedule: primary."))
    raise BadValue(phrase(N_("{value} says not whom to page."), value=shown(kind or written)), todo)


Target = Annotated[
    Annotated[OnePerson, Tag("person")]
    | Annotated[OnCall, Tag("schedule")]
    | Annotated[EveryoneIn, Tag("everyone_in")],
    Discriminator(_kind),
    BeforeValidator(_known_kind),
]


class Level(Written):
    """One step of a policy: these are paged together, and given time to answer."""

    page: tuple[Target, ...] = Field(min_length=1)
    """Whom to page; all of the list at once."""
    wait: PositiveDuration
    """How long to wait for an answer before the next level is paged, such as 5m."""


class Policy(Written):
    """One policy of policies.yaml; the entry's name there is its `key`."""

    key: SkipJsonSchema[Name]
    levels: tuple[Level, ...] = Field(min_length=1, max_length=20)
    """Who is paged first, second, and so on, until somebody answers."""
    repeat: int = Field(default=0, ge=0, le=9, strict=True)
    """How often to begin again at the first level when nobody has answered at the last."""
    remind: PositiveDuration | None = None
    """When somebody has acknowledged and it is not resolved: page them again after so long, and each time it passes again."""

    @property
    def cycles(self) -> int:
        """How often the levels are walked through in all."""
        return self.repeat + 1


class FrozenPerson(BaseModel):
    """A person as they were when the incident opened: all that a pager needs."""

    model_config = ConfigDict(frozen=True)

    key: str
    name: str
    language: str | None
    time_zone: str
    slack: str | None
    contacts: tuple[Contact, ...]

    @classmethod
    def of(cls, person: Person) -> "FrozenPerson":
        return cls(
            key=person.key,
            name=person.name,
            language=person.language,
            time_zone=person.time_zone,
            slack=person.slack,
            contacts=person.reached_by,
        )


class Gap(BaseModel):
    """Why a level pages fewer people than its policy names: nobody is on call in a schedule at the instant it is due."""

    model_config = ConfigDict(frozen=True)

    level: int
    schedule: str
    at: AwareDatetime

    @property
    def phrase(self) -> Phrase:
        message = N_("Level {level}: nobody is on call in schedule {schedule} at {at}.")
        return phrase(message, level=self.level, schedule=self.schedule, at=self.at)


class FrozenLevel(BaseModel):
    """One level of one cycle, both counted from 1. `people` are keys of the chain's people; `due` if nobody answers."""

    model_config = ConfigDict(frozen=True)

    level: int
    cycle: int
    due: AwareDatetime
    wait: Duration
    people: tuple[str, ...]
    gaps: tuple[Gap, ...] = ()


class Chain(BaseModel):
    """A policy as one incident walks through it: every level of every cycle, in order.

    Its JSON round trip is exact. Stored chains outlive releases: a field that is added needs a default, here and below.
    """

    model_config = ConfigDict(frozen=True)

    policy: str
    frozen_at: AwareDatetime
    people: tuple[FrozenPerson, ...]
    levels: tuple[FrozenLevel, ...]
    remind: Duration | None = None

    def people_at(self, level: FrozenLevel) -> tuple[FrozenPerson, ...]:
        """The people of a level, in the order in which its targets name them."""
        by_key = {person.key: person for person in self.people}
        return tuple(by_key[key] for key in level.people)


@dataclass(frozen=True)
class PageLevel:
    """Page these people now; unless somebody answers, take the next step at `next_at`.

    `gaps` says who could not be found, in this level and in those that were passed over because they had nobody.
    """

    level: int
    cycle: int
    people: tuple[FrozenPerson, ...]
    next_at: datetime
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True)
class Exhausted:
    """The chain is at its end. `reached_nobody`: there was not one person in it to page."""

    policy: str
    at: datetime
    reached_nobody: bool
    gaps: tuple[Gap, ...] = ()

    @property
    def phrase(self) -> Phrase:
        """What the incident says: nobody answered, or nobody could even be paged."""
        if self.reached_nobody:
            return phrase(N_("Nobody could be paged: policy {policy} reaches no one now."), policy=self.policy)
        return phrase(N_("Nobody answered, and policy {policy} has come to its end."), policy=self.policy)


Step = PageLevel | Exhausted


def freeze(roster: Roster, policy: Policy, at: datetime) -> Chain:
    """The chain of an incident that opens at `at`. Raises `UnknownName` for a target that the roster does not know."""
    opened_at = utc(at)
    levels = tuple(_frozen_levels(roster, policy, opened_at))
    keys = dict.fromkeys(key for level in levels for key in level.people)
    people = tuple(FrozenPerson.of(roster.person(key)) for key in keys)
    return Chain(policy=policy.key, frozen_at=opened_at, people=people, levels=levels, remind=policy.remind)


def first_step(chain: Chain, at: datetime) -> Step:
    """What to do when the incident opens."""
    return _step(chain, 0, at)


def next_step(chain: Chain, level: int, cycle: int, at: datetime) -> Step:
    """What follows after a level of a cycle, because its wait is over or because somebody escalates now.

    Level 0 of cycle 0 is before the first. Levels with nobody are passed over at once, so that they delay no one.
    """
    walked = sum((one.cycle, one.level) <= (cycle, level) for one in chain.levels)
    return _step(chain, walked, at)


def _step(chain: Chain, walked: int, at: datetime) -> Step:
    gaps: dict[Gap, None] = {}
    for level in chain.levels[walked:]:
        gaps.update(dict.fromkeys(level.gaps))
        if level.people:
            return PageLevel(level.level, level.cycle, chain.people_at(level), at + level.wait, tuple(gaps))
    return Exhausted(chain.policy, at, reached_nobody=not chain.people, gaps=tuple(gaps))


def _frozen_levels(roster: Roster, policy: Policy, at: datetime) -> Iterator[FrozenLevel]:
    due = at
    for cycle in range(1, policy.cycles + 1):
        for number, level in enumerate(policy.levels, start=1):
            found = [(target, _people(roster, target, due)) for target in level.page]
            people = tuple(dict.fromkeys(key for _, keys in found for key in keys))
            gaps = tuple(
                Gap(level=number, schedule=target.schedule, at=due)
                for target, keys in found
                if isinstance(target, OnCall) and not keys
            )
            yield FrozenLevel(level=number, cycle=cycle, due=due, wait=level.wait, people=people, gaps=gaps)
            due += level.wait if people else timedelta()


def _people(roster: Roster, target: OnePerson | OnCall | EveryoneIn, at: datetime) -> tuple[str, ...]:
    match target:
        case OnePerson():
            return (target.person,)
        case OnCall():
            return on_call(roster.schedule(target.schedule), at)
        case EveryoneIn():
            return roster.schedule(target.everyone_in).everybody
