"""The incident's timeline: what happened, told later in each reader's language."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict

from escalation.phrase import Phrase
from escalation.roster import Roster


class Entry(BaseModel):
    """One thing that happened. `kind` is for programs, `what` (a stored phrase) for people; `actor` is who did it."""

    model_config = ConfigDict(frozen=True)

    incident: str
    at: datetime
    kind: str
    what: Mapping[str, Any]
    actor: str = ""

    @property
    def phrase(self) -> Phrase:
        return restore(self.what)


def entry(incident: str, at: datetime, kind: str, what: Phrase, actor: str = "") -> Entry:
    """An entry from a phrase: `entry(id, now, "acknowledged", phrase(N_("{who} acknowledged."), who=...), who)`."""
    return Entry(incident=incident, at=at, kind=kind, what=store(what), actor=actor)


def display_name(roster: Roster, actor: str) -> str:
    """What people read for an actor: the name of one of ours, the mention of another Slack user, a login name."""
    person = roster.people.get(actor)
    return person.name if person else actor.removeprefix("cli:")


def store(what: Phrase) -> dict[str, Any]:
    """A phrase as JSON. Instants and durations keep their type, so that the reader's zone can be applied later."""
    return {"message": what.message, "fields": {name: _store_field(value) for name, value in what.fields.items()}}


def restore(stored: Mapping[str, Any]) -> Phrase:
    """The phrase that `store` made JSON of."""
    return Phrase(stored["message"], {name: _restore_field(value) for name, value in stored["fields"].items()})


def _store_field(value: Any) -> Any:
    match value:
        case Phrase():
            return {"phrase": store(value)}
        case datetime():
            return {"at": value.isoformat()}
        case timedelta():
            return {"seconds": value.total_seconds()}
        case str() | int() | float() | None:
            return value
        case _:
            return str(value)


def _restore_field(value: Any) -> Any:
    match value:
        case {"phrase": stored}:
            return restore(stored)
        case {"at": text}:
            return datetime.fromisoformat(text)
        case {"seconds": seconds}:
            return timedelta(seconds=seconds)
        case _:
            return value
