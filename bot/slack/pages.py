"""Paging a person by a Slack direct message with buttons: the contact method `slack`."""

from typing import ClassVar

from bot.errors import DeliveryFailed, Unavailable
from bot.incident.incident import Incident
from bot.incident.pager import Page
from bot.slack.client import Slack, SlackRefused
from bot.slack.outbox import Outbox
from bot.slack.page_message import page_message
from bot.slack.people import People


class SlackPages:
    """`bot.incident.ports.ContactMethod` over Slack."""

    kind: ClassVar[str] = "slack"

    def __init__(self, slack: Slack, outbox: Outbox, people: People) -> None:
        self.slack, self.outbox, self.people = slack, outbox, people
        self._direct: dict[str, str] = {}

    async def send(self, page: Page, incident: Incident, *, again: bool) -> None:
        """Send the page, at most once: an earlier try whose answer was lost is found by its marker."""
        user = page.person.contacts[page.contact].address
        try:
            _ = await self.people.reader_of(page.person)
            channel = await self._direct_channel(user)
            message = page_message(page, incident, _, lambda actor: self.people.display(actor, _))
            await self.outbox.post(f"page:{page.id}", channel, message, again=again)
        except Unavailable as error:
            raise DeliveryFailed(error.phrase, permanent=False, retry_after=error.retry_after) from error
        except SlackRefused as refused:
            raise DeliveryFailed(refused.phrase, permanent=refused.permanent) from refused

    async def _direct_channel(self, user: str) -> str:
        """The conversation with a person, which never changes; asked once, so that a storm of pages asks no more."""
        if user not in self._direct:
            said = await self.slack.call("conversations.open", users=user)
            self._direct[user] = str(said["channel"]["id"])
        return self._direct[user]
