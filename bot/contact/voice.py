"""A call that reads the incident out, through Amazon Connect; digit 4 acknowledges.

https://docs.aws.amazon.com/connect/latest/APIReference/API_StartOutboundVoiceContact.html: ClientToken makes it safe to send
twice, for seven days. The contact flow reads the attribute `say`, waits for the digit, and posts to the attribute
`acknowledge`, the same link that an email has (docs/connecting-slack-and-aws.md has the flow).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from bot.contact.regions import Way, first_that_takes_it
from bot.contact.wording import spoken
from bot.incident.incident import Incident
from bot.incident.pager import Page
from bot.language import Words

#: Connect's limit for a token.
_TOKEN = 500


@dataclass(frozen=True)
class Line:
    """A Connect instance in one region: what calls, by which flow, from which number."""

    region: str
    instance: str
    flow: str
    number: str
    start: Callable[..., Any]


class Voice:
    """The `voice` contact method. `lines` in the order in which they are tried."""

    kind: ClassVar[str] = "voice"

    def __init__(
        self, lines: Sequence[Line], language: str, now: Callable[[], datetime],
        link: Callable[[str, datetime], str] | None,
    ) -> None:  # fmt: skip
        self.lines, self.language, self.now, self.link = lines, language, now, link

    async def send(self, page: Page, incident: Incident, *, again: bool) -> None:  # noqa: ARG002  # the token says so
        """Start one call. Raises `DeliveryFailed`."""
        _ = Words(page.person.language or self.language, page.person.time_zone)
        attributes = {"say": spoken(incident, _), "language": _.language, "incident": incident.id}
        if self.link:
            attributes["acknowledge"] = self.link(page.id, self.now())
        ways = [(f"connect:{line.region}", _call(line, page, attributes)) for line in self.lines]
        await first_that_takes_it(ways, unset="contact.voice")


def _call(line: Line, page: Page, attributes: Mapping[str, str]) -> Way:
    return lambda: line.start(
        InstanceId=line.instance, ContactFlowId=line.flow, SourcePhoneNumber=line.number,
        DestinationPhoneNumber=page.person.contacts[page.contact].address, Attributes=dict(attributes),
        ClientToken=f"{page.id}.{page.tries}"[:_TOKEN],
    )  # fmt: skip
