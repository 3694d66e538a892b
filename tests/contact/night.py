"""A page and its incident, for the contact methods."""

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.incident.incident import Incident
from bot.incident.pager import Page
from escalation.loading import load
from escalation.person import Contact
from escalation.policy import FrozenPerson, freeze

AT = datetime(2026, 11, 23, 3, 41, 7, tzinfo=UTC)


def incident(title: str = "orders-errors", **more: Any) -> Incident:
    directory = load()
    return Incident(
        id="abcd2345", title=title, kind="declared", service="orders", started_at=AT, rto=timedelta(minutes=30),
        rpo=timedelta(minutes=5), chain=freeze(directory, directory.policy("default"), AT), **more,
    )  # fmt: skip


def page(method: Any, address: str, person: str = "alex", **more: Any) -> Page:
    known = FrozenPerson.of(load().person(person))
    frozen = known.model_copy(update={"contacts": (Contact(method, address),)})
    return Page(id="abcd2345.1.1.alex", incident="abcd2345", level=1, cycle=1, person=frozen, created_at=AT, **more)


class Provider:
    """What a way to send is given; `error` is what it raises instead, one for each time."""

    def __init__(self, *errors: Exception | None) -> None:
        self.errors, self.sent = list(errors), list[dict[str, Any]]()

    async def __call__(self, **message: Any) -> None:
        error = self.errors.pop(0) if self.errors else None
        if error:
            raise error
        self.sent.append(message)
