"""Pages: who is told, by which contact method, and what comes next. Decisions only."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from bot.errors import N_
from escalation.policy import FrozenPerson

PageStatus = Literal["due", "sent", "acknowledged", "superseded", "failed"]

#: What a person reads for a status.
STATUS_NAMES: Mapping[PageStatus, str] = {
    "due": N_("being paged"), "sent": N_("paged"), "acknowledged": N_("answered"),
    "superseded": N_("paged, somebody else answered"), "failed": N_("could not be reached"),
}  # fmt: skip

#: How often one contact method is tried while it fails for now, before the person's next method is used.
TRIES = 3
#: Between those tries. Short: a person who is not told yet is worse than one request too many.
RETRY_AFTER = timedelta(seconds=5)
#: When nobody at all could be reached and the chain is at its end, everybody is tried again this much later.
EVERYBODY_AFTER = timedelta(minutes=1)


class Page(BaseModel):
    """One page to one person. `contact` is the position in the person's contact list that is tried now or was used."""

    model_config = ConfigDict(frozen=True)

    id: str
    incident: str
    level: int
    cycle: int
    person: FrozenPerson
    status: PageStatus = "due"
    contact: int = 0
    tries: int = 0
    reason: str = ""
    created_at: datetime
    settled_at: datetime | None = None


def page_id(incident: str, cycle: int, level: int, person: str, again: int = 0) -> str:
    """The same page has the same id however often its step is executed."""
    return f"{incident}.{cycle}.{level}.{person}" + (f".again-{again}" if again else "")


def incident_of(page_id: str) -> str:
    """The incident of a page, known before the page is read: who locks both locks the incident first."""
    return page_id.partition(".")[0]


def after_failure(
    page: Page, *, permanent: bool, retry_after: float | None, now: datetime
) -> tuple[Page, datetime | None]:
    """The page after its current method failed, and when to try next; None: every method has failed.

    A failure for now is tried again a few times; a permanent one, or one time too many, falls through to the next
    method at once. A method that asks to wait longer than the next method needs is left for the next method.
    """
    patient = retry_after is None or retry_after <= RETRY_AFTER.total_seconds()
    if not permanent and patient and page.tries + 1 < TRIES:
        wait = timedelta(seconds=retry_after) if retry_after else RETRY_AFTER
        return page.model_copy(update={"tries": page.tries + 1}), now + wait
    if page.contact + 1 < len(page.person.contacts):
        return page.model_copy(update={"contact": page.contact + 1, "tries": 0}), now
    return page.model_copy(update={"status": "failed", "settled_at": now}), None


def once_more(pages: Iterable[Page]) -> list[Page]:
    """The last page of each person, due again and with one try for each method: what to do when every page has failed.

    A chain is walked in minutes when nothing can be sent; an outage that lasts longer must not leave everybody unpaged.
    """
    last = {page.person.key: page for page in pages}
    again = {"status": "due", "contact": 0, "tries": TRIES - 1, "settled_at": None}
    return [page.model_copy(update=again) for page in last.values()]
