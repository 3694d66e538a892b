"""Sends one page: the effect behind PAGE jobs. Each person's page is a job of its own, so that none waits for another."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from bot.errors import N_, DeliveryFailed, Phrase, phrase
from bot.incident.ports import ContactMethod, Store, Tx
from bot.incident.responder import Responder
from bot.jobs import Job

log = structlog.get_logger()

#: A method that has not answered by then has failed for now: the next one must not wait for it.
_PATIENCE = 8.0


class Paging:
    """The handler of PAGE. `methods` are the contact methods by kind."""

    def __init__(self, store: Store, responder: Responder, methods: Mapping[str, ContactMethod]) -> None:
        self.store, self.responder, self.methods = store, responder, methods

    async def page(self, job: Job) -> Callable[[Tx], Awaitable[None]]:
        """Try the page's current contact method once. Run twice, it sends twice at worst; a method that can look, looks."""
        page_id = job.payload["page"]
        async with self.store.begin() as tx:
            page = await tx.pages.get(page_id)
            incident = await tx.incidents.get(page.incident)
        if page.status != "due":
            return _settled
        kind = page.person.contacts[page.contact].method
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._method(kind).send(page, incident, again=job.again)
        except DeliveryFailed as error:
            failed = error
        except TimeoutError:
            what = phrase(N_("{method} did not answer within {seconds} s."), method=kind, seconds=int(_PATIENCE))
            failed = DeliveryFailed(what, permanent=False)
        except Exception as error:  # a defect in one method must not keep the person unpaged
            log.exception("page.method_broke", method=kind, page=page_id)
            failed = DeliveryFailed(_broken(kind, error), permanent=True)
        else:
            return lambda tx: self.responder.page_sent(tx, page_id, page.contact)
        log.warning("page.failed", method=kind, page=page_id, permanent=failed.permanent)
        return lambda tx: self.responder.page_failed(
            tx, page_id, failed.phrase, permanent=failed.permanent, retry_after=failed.retry_after
        )

    def _method(self, kind: str) -> ContactMethod:
        if kind not in self.methods:
            raise DeliveryFailed(phrase(N_("{method} is not set up."), method=kind), permanent=True)
        return self.methods[kind]


async def _settled(_tx: Tx) -> None:
    """The page was answered or withdrawn before it could be sent."""


def _broken(kind: str, error: Exception) -> Phrase:
    return phrase(N_("{method} broke: {error}"), method=kind, error=type(error).__name__)
