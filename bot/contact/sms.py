"""SMS through SNS: short, and useful without opening anything.

https://docs.aws.amazon.com/sns/latest/dg/sms_sending-overview.html: a message over 140 bytes is split, 1,600 bytes are
the limit. SNS takes no token, so a page whose answer was lost may arrive twice; that is better than not at all.
"""

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from bot.errors import N_, ActionFailed, DeliveryFailed
from bot.incident.incident import Incident
from bot.incident.pager import Page
from bot.language import Words

LIMIT_BYTES = 1_600
_TITLE = 120

#: `publish(PhoneNumber=..., Message=..., MessageAttributes=...)`: SNS's Publish in one region, run off the event loop.
Publish = Callable[..., Awaitable[Any]]


class Sms:
    """The `sms` contact method. `language` is for people whose own is not known."""

    kind: ClassVar[str] = "sms"

    def __init__(self, publish: Publish, language: str) -> None:
        self.publish, self.language = publish, language

    async def send(self, page: Page, incident: Incident, *, again: bool) -> None:  # noqa: ARG002  # SNS cannot be asked
        """Send one text message. Raises `DeliveryFailed`; what AWS throttles or fails on is not permanent."""
        _ = Words(page.person.language or self.language, page.person.time_zone)
        try:
            await self.publish(
                PhoneNumber=page.person.contacts[page.contact].address,
                Message=text(incident, _),
                MessageAttributes={"AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Transactional"}},
            )
        except ActionFailed as error:
            raise DeliveryFailed(error.phrase, permanent=not error.retry) from error


def text(incident: Incident, _: Words) -> str:
    """What happened, since when, and how to answer; cut by bytes, since Korean letters take more than one."""
    title = incident.title if len(incident.title) <= _TITLE else incident.title[: _TITLE - 1] + "…"
    said = _(
        N_("LIFEBOAT {id}: {title} ({service}) since {time}. Acknowledge in Slack, or: lifeboat incident ack {id}"),
        id=incident.id, title=title, service=incident.service or incident.region or "-", time=incident.started_at,
    )  # fmt: skip
    return said.encode()[:LIMIT_BYTES].decode(errors="ignore")
