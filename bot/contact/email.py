"""Email through SES v2, with a link that acknowledges.

https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html: SES takes no token, so a page whose answer was lost
may arrive twice. A sender that is not verified in a region is refused there, and the next region is asked.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any, ClassVar

from bot.contact.regions import Way, first_that_takes_it
from bot.contact.wording import place, title
from bot.errors import N_
from bot.incident.incident import Incident
from bot.incident.pager import Page
from bot.language import Words

#: `send(**message)`: SendEmail in one region, run off the event loop; by region, in the order in which they are asked.
Senders = Mapping[str, Callable[..., Any]]


class Email:
    """The `email` contact method. `link` gives the address that acknowledges a page; None: no public address is known."""

    kind: ClassVar[str] = "email"

    def __init__(
        self, senders: Senders, sender: str, language: str, now: Callable[[], datetime],
        link: Callable[[str, datetime], str] | None,
    ) -> None:  # fmt: skip
        self.senders, self.sender, self.language, self.now, self.link = senders, sender, language, now, link

    async def send(self, page: Page, incident: Incident, *, again: bool) -> None:  # noqa: ARG002  # SES cannot be asked
        """Send one email. Raises `DeliveryFailed`."""
        _ = Words(page.person.language or self.language, page.person.time_zone)
        message = self._message(page, incident, _)
        ways: Sequence[tuple[str, Way]] = [
            (f"ses:{region}", _bound(send, message)) for region, send in self.senders.items() if self.sender
        ]
        await first_that_takes_it(ways, unset="contact.email.from")

    def _message(self, page: Page, incident: Incident, _: Words) -> Mapping[str, Any]:
        link = self.link(page.id, self.now()) if self.link else None
        body = {"Text": _part(_plain(incident, link, _)), "Html": _part(_page(incident, link, _))}
        subject = _(N_("[{id}] {title}"), id=incident.id, title=title(incident))
        return {
            "FromEmailAddress": self.sender,
            "Destination": {"ToAddresses": [page.person.contacts[page.contact].address]},
            "Content": {"Simple": {"Subject": _part(subject), "Body": body}},
        }


def _bound(send: Callable[..., Any], message: Mapping[str, Any]) -> Way:
    return lambda: send(**message)


def _part(text: str) -> Mapping[str, str]:
    return {"Data": text, "Charset": "UTF-8"}


def _facts(incident: Incident, _: Words) -> str:
    return _(
        N_("{title} ({service}), since {time}. Incident {id}."),
        title=title(incident), service=place(incident), time=incident.started_at, id=incident.id,
    )  # fmt: skip


def _plain(incident: Incident, link: str | None, _: Words) -> str:
    how = _(N_("Acknowledge: {link}"), link=link) if link else _without_link(incident, _)
    return f"{_facts(incident, _)}\n\n{how}\n"


def _page(incident: Incident, link: str | None, _: Words) -> str:
    how = escape(_without_link(incident, _))
    if link:
        style = "display:inline-block;padding:14px 28px;background:#0b6bcb;color:#fff;text-decoration:none;border-radius:6px"
        how = f'<a href="{escape(link)}" style="{style}">{escape(_(N_("Acknowledge")))}</a>'
    return f'<p style="font-size:16px">{escape(_facts(incident, _))}</p><p>{how}</p>'


def _without_link(incident: Incident, _: Words) -> str:
    return _(N_("Acknowledge in Slack, or: lifeboat incident ack {id}"), id=incident.id)
