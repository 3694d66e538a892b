"""What a link opens: a page with a button, and what the button does. Opening it changes nothing; mail scanners open links.

Pressing twice is harmless: the second press says who has acknowledged. A page that was withdrawn, because somebody else
answered or the incident is over, says so.
"""

from collections.abc import Callable
from datetime import datetime
from html import escape
from typing import NamedTuple

from bot.contact.links import Link, Links
from bot.contact.wording import place, title
from bot.errors import N_, LifeboatError, NotFound, Refused, Unavailable, phrase
from bot.incident.incident import Incident
from bot.incident.pager import Page
from bot.incident.ports import Store
from bot.incident.responder import Responder
from bot.incident.timeline import display_name
from bot.language import Words


class Shown(NamedTuple):
    """An answer to a browser."""

    status: int
    html: str


class Acknowledging:
    """`language` is for people whose own is not known."""

    def __init__(
        self, store: Store, responder: Responder, links: Links | None, language: str, now: Callable[[], datetime]
    ) -> None:
        self.store, self.responder, self.links, self.language, self.now = store, responder, links, language, now

    async def show(self, token: str) -> Shown:
        """The page with its button, or why there is none."""
        return await self._answer(token, press=False)

    async def press(self, token: str) -> Shown:
        """Acknowledge for the person to whom the link was sent."""
        return await self._answer(token, press=True)

    async def _answer(self, token: str, *, press: bool) -> Shown:
        _ = Words(self.language)
        try:
            if self.links is None:
                raise Refused(phrase(N_("Links are not set up here. Acknowledge in Slack.")))
            link = self.links.read(token, self.now())
            page, incident = await self._found(link)
            _ = Words(page.person.language or self.language, page.person.time_zone)
            said = ""
            if press and incident.status == "open":
                async with self.store.begin() as tx:
                    answer = await self.responder.acknowledge(tx, incident.id, page.person.key)
                said, incident = _.phrase(answer.said), answer.incident
            return Shown(200, _html(incident, said or self._state(incident, _), incident.status == "open", _))
        except Unavailable as error:
            return Shown(503, _html(None, _.phrase(error), False, _))
        except LifeboatError as error:
            return Shown(404, _html(None, _.phrase(error), False, _))

    async def _found(self, link: Link) -> tuple[Page, Incident]:
        async with self.store.begin() as tx:
            try:
                page = await tx.pages.get(link.page)
            except NotFound as error:
                raise Refused(phrase(N_("The incident of this link is not there any more."))) from error
            return page, await tx.incidents.get(page.incident)

    def _state(self, incident: Incident, _: Words) -> str:
        """What there is to know, for somebody who opened the link or pressed again."""
        if incident.resolved:
            return _(N_("It is resolved. There is nothing to do."))
        if incident.status == "acknowledged":
            who = display_name(self.responder.directory, incident.acknowledged_by or "?")
            return _(N_("{who} has acknowledged it already."), who=who)
        return ""


_STYLE = (
    "body{font:18px/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1.2rem;color:#1d1c1d}"
    "h1{font-size:1.35rem;margin:0 0 .3rem}p{margin:.4rem 0 1.2rem;color:#555}"
    "button{font:inherit;width:100%;padding:1rem;border:0;border-radius:.6rem;background:#0b6bcb;color:#fff}"
    "@media(prefers-color-scheme:dark){body{background:#1a1d21;color:#eee}p{color:#aaa}}"
)


def _html(incident: Incident | None, said: str, button: bool, _: Words) -> str:
    """A page for a phone at night; no script, nothing from elsewhere."""
    facts = ""
    if incident:
        about = _(
            N_("{service}, since {time}. Incident {id}."),
            service=place(incident),
            time=incident.started_at,
            id=incident.id,
        )
        facts = f"<h1>{escape(title(incident))}</h1><p>{escape(about)}</p>"
    press = f'<form method="post"><button>{escape(_(N_("Acknowledge")))}</button></form>' if button else ""
    note = f"<p><strong>{escape(said)}</strong></p>" if said else ""
    return (
        f'<!doctype html><html lang="{escape(_.known)}"><meta charset="utf-8"><title>Lifeboat</title>'
        f'<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
        f"<style>{_STYLE}</style><body>{facts}{note}{press}</body></html>"
    )
