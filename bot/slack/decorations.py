"""What makes a room nicer and is never needed: topic, pinned card, bookmark. Each is done once; a refusal counts as done.

They share Slack's narrowest limit (20 a minute), so the card is posted first, and a decoration that has to wait is left
for the next time the card is drawn.
"""

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import quote

import structlog

from bot.errors import Unavailable
from bot.incident.incident import Incident
from bot.incident.posted import Posted, SlackStore
from bot.language import Words
from bot.slack.blocks import escape, flat, moment
from bot.slack.client import Slack, SlackRefused
from bot.slack.limits import BOOKMARK, TOPIC, clip, clip_markup

log = structlog.get_logger()


class Decorations:
    """Which are done is kept in the row `decorations:<incident>`."""

    def __init__(self, store: SlackStore, slack: Slack) -> None:
        self.store, self.slack = store, slack

    async def decorate(self, incident: Incident, channel: str, _: Words) -> None:
        """Do what is not done yet. Never raises anything of Slack's."""
        key = f"decorations:{incident.id}"
        async with self.store.begin() as tx:
            known, card = await tx.messages.get(key), await tx.messages.get(f"card:{incident.id}")
        done = set(known.digest.split()) if known else set()
        for name, work in self._missing(incident, channel, card.ts if card else None, _, done).items():
            if not await self._mark(incident, channel, name, done=True):
                continue
            try:
                await work()
            except SlackRefused as refused:
                log.info("decoration.refused", name=name, incident=incident.id, code=refused.code)
            except Unavailable as error:
                log.info("decoration.postponed", name=name, incident=incident.id, error=str(error))
                await self._mark(incident, channel, name, done=False)

    async def _mark(self, incident: Incident, channel: str, name: str, *, done: bool) -> bool:
        """Claim a decoration before it is made, or give the claim back; False: somebody else has it already.

        Two edits of one card run side by side, and two bookmarks would stay for good. Locking the incident orders them.
        """
        key = f"decorations:{incident.id}"
        async with self.store.begin() as tx:
            await tx.incidents.get(incident.id)
            known = await tx.messages.get(key)
            names = set(known.digest.split()) if known else set()
            if done and name in names:
                return False
            names = names | {name} if done else names - {name}
            await tx.messages.put(Posted(key, channel, None, " ".join(sorted(names))))
        return True

    def _missing(
        self, incident: Incident, channel: str, card: str | None, _: Words, done: set[str]
    ) -> Mapping[str, Callable[[], Awaitable[object]]]:
        """What can be done and is not, in the order of its use."""
        call, link = self.slack.call, console_link(incident)
        works: dict[str, Callable[[], Awaitable[object]]] = {
            "topic": lambda: call("conversations.setTopic", channel=channel, topic=_topic(incident, _))
        }
        if card:
            works["pin"] = lambda: call("pins.add", channel=channel, timestamp=card)
        if link:
            title = clip(_("Alarm in CloudWatch"), BOOKMARK)
            works["bookmark"] = lambda: call("bookmarks.add", channel_id=channel, title=title, type="link", link=link)
        return {name: work for name, work in works.items() if name not in done}


def _topic(incident: Incident, _: Words) -> str:
    deadline = moment(incident.started_at + incident.rto, _)
    said = _("Incident {id}: recover by {at}.", id=incident.id, at=deadline)
    return clip_markup(f"{said} {escape(flat(incident.title))}", TOPIC)


def console_link(incident: Incident) -> str | None:
    """Where the alarm is in AWS's console; None for what is no CloudWatch alarm of the standard partition."""
    alarm = incident.alarm
    if alarm is None or not alarm.arn.startswith("arn:aws:cloudwatch:") or not alarm.region:
        return None
    base = f"https://{alarm.region}.console.aws.amazon.com/cloudwatch/home?region={quote(alarm.region)}"
    link = f"{base}#alarmsV2:alarm/{quote(alarm.name, safe='')}"
    return link if len(link) <= 3_000 else None
