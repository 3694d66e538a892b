"""SMS: short, and useful without opening anything. Through SNS, and AWS End User Messaging as a second way.

https://docs.aws.amazon.com/sns/latest/dg/sms_sending-overview.html: a message over 140 bytes is split, 1,600 bytes are
the limit. Neither takes a token, so a page whose answer was lost may arrive twice; that is better than not at all.
https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/API_SendTextMessage.html
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar

from bot.contact.regions import Way, first_that_takes_it
from bot.contact.wording import place, title
from bot.errors import N_
from bot.incident.incident import Incident
from bot.incident.pager import Page
from bot.language import Words

LIMIT_BYTES = 1_600

#: `publish(number, text)`: one way to send, run off the event loop; raises `ActionFailed`.
Publish = Callable[[str, str], Awaitable[Any]]


class Sms:
    """The `sms` contact method. `ways` by name, in the order in which they are tried.

    `language` is for people whose own is not known.
    """

    kind: ClassVar[str] = "sms"

    def __init__(self, ways: Mapping[str, Publish], language: str) -> None:
        self.ways, self.language = ways, language

    async def send(self, page: Page, incident: Incident, *, again: bool) -> None:  # noqa: ARG002  # nobody can be asked
        """Send one text message. Raises `DeliveryFailed`; what AWS throttles or fails on is not permanent."""
        _ = Words(page.person.language or self.language, page.person.time_zone)
        number, said = page.person.contacts[page.contact].address, text(incident, _)
        ways: Sequence[tuple[str, Way]] = [(name, _bound(way, number, said)) for name, way in self.ways.items()]
        await first_that_takes_it(ways, unset="contact.regions")


def through_sns(publish: Callable[..., Awaitable[Any]]) -> Publish:
    """SNS's Publish as a way."""
    kind = {"AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Transactional"}}
    return lambda number, said: publish(PhoneNumber=number, Message=said, MessageAttributes=kind)


def through_end_user_messaging(send: Callable[..., Awaitable[Any]], sender: str) -> Publish:
    """SendTextMessage of AWS End User Messaging as a way; `sender`: a phone number, pool or sender id of ours."""
    return lambda number, said: send(
        DestinationPhoneNumber=number, OriginationIdentity=sender, MessageBody=said, MessageType="TRANSACTIONAL"
    )


def text(incident: Incident, _: Words) -> str:
    """What happened, since when, and how to answer; cut by bytes, since Korean letters take more than one."""
    said = _(
        N_("LIFEBOAT {id}: {title} ({service}) since {time}. Acknowledge in Slack, or: lifeboat incident ack {id}"),
        id=incident.id, title=title(incident), service=place(incident), time=incident.started_at,
    )  # fmt: skip
    return said.encode()[:LIMIT_BYTES].decode(errors="ignore")


def _bound(way: Publish, number: str, said: str) -> Way:
    return lambda: way(number, said)
