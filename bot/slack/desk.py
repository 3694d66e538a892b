"""Where everything that people do in Slack is taken in: done once, then answered to the one who did it.

A listener waits only for `do` (one transaction) and then acknowledges. Answers come afterwards, in tasks of their own: an
answer that fails undoes nothing, and an acknowledgement never waits for one.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import structlog
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.errors import N_, LifeboatError, Phrase, Refused, Unavailable, phrase
from bot.incident.posted import SlackStore, SlackTx
from bot.language import Words
from bot.slack.blocks import Message, escape
from bot.slack.client import TIMEOUT, Slack, SlackRefused
from bot.slack.heard import Heard
from bot.slack.patience import within
from bot.slack.people import People

log = structlog.get_logger()
T = TypeVar("T")

#: What a person is told: a phrase, or something that needs its reader to be drawn.
Say = Phrase | Callable[[Words], Message]
#: A verb of ours inside its transaction, done by an actor.
Verb = Callable[[SlackTx, str], Awaitable[T]]

#: Slack waits three seconds for an acknowledgement; the rest is for the way and for who the person is.
TRANSACTION = 1.8
_IDENTITY = 0.6
#: For an acknowledgement that has words in it, and for an answer that nobody's clock runs for.
HURRY, _LEISURE = 0.5, 2.5

SLOW = N_("The database does not answer.")
_WHO_ARE_WE = N_("Slack does not answer.")


class Repeated(Exception):  # not an error: the second delivery of what was done already
    """The very same act was taken in before."""


class Desk:
    """`do` is the way in for every verb, `tell` the way out to one person."""

    def __init__(self, store: SlackStore, slack: Slack, people: People) -> None:
        self.store, self.slack, self.people = store, slack, people
        self.patience = TRANSACTION
        self._tasks: set[asyncio.Task[None]] = set()

    async def do(self, heard: Heard, verb: Verb[Say | None]) -> None:
        """Do it once and tell the person afterwards what came of it. Never raises."""
        try:
            said = await self.once(heard, verb)
        except Repeated:
            return
        except Exception as error:  # noqa: BLE001  # whatever it was, the person is told and Slack is answered
            said = problem(error)
        if said is not None:
            self.afterwards(self.tell(heard, said))

    async def once(self, heard: Heard, verb: Verb[T]) -> T:
        """One transaction: note that this act was seen, and do it. When the verb fails, neither is written.

        Raises `Repeated` when it was done before, `Unavailable` when the database is too slow, and whatever the verb raises.
        """
        actor = await self.actor(heard)

        async def transaction() -> T:
            async with self.store.begin() as tx:
                if not await tx.notes.first_time(heard.key):
                    raise Repeated
                return await verb(tx, actor)

        return await within(self.patience, transaction(), phrase(SLOW))

    async def read(self, look: Callable[[SlackTx], Awaitable[T]]) -> T:
        """Look something up. Raises `Unavailable` when the database is too slow, and whatever `look` raises."""

        async def transaction() -> T:
            async with self.store.begin() as tx:
                return await look(tx)

        return await within(self.patience, transaction(), phrase(SLOW))

    async def actor(self, heard: Heard) -> str:
        """Who acts. Raises `Refused` for people of other organisations."""
        if self.slack.identity is None:
            await within(_IDENTITY, self.slack.me(), phrase(_WHO_ARE_WE))
        if self.people.is_outsider(heard.team):
            what = N_(
                "You belong to another organisation. Only members of this workspace can use Lifeboat; ask one of them."
            )
            raise Refused(phrase(what))
        return self.people.actor(heard.user, heard.team)

    async def words(self, user: str, seconds: float = _LEISURE) -> Words:
        """How to speak to somebody, also when neither Slack nor the database can say. Never raises."""
        try:
            return await within(seconds, self.people.reader(user), phrase(SLOW))
        except LifeboatError:
            person, config = self.people.directory.person_in_slack(user), self.people.config
            language = person.language if person else None
            return Words(language or config.language, person.time_zone if person else config.zone)

    async def tell(self, heard: Heard, say: Say) -> None:
        """Answer the one who acted, and nobody else: where they acted, else in a direct message. Never raises."""
        message = drawn(say, await self.words(heard.user))
        if heard.response_url and await self._respond(heard.response_url, message):
            return
        try:
            await self.slack.call(
                "chat.postMessage", channel=heard.user, text=message.text, blocks=message.blocks or None
            )
        except (Unavailable, SlackRefused) as error:
            log.error("desk.not_told", user=heard.user, text=message.text, error=str(error))  # noqa: TRY400  # said in full

    def afterwards(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this after the acknowledgement."""
        task = asyncio.create_task(_logged(work), name="slack-answer")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Return when every answer so far has been given."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def _respond(self, url: str, message: Message) -> bool:
        """Whether Slack took the answer. The url expires after 30 minutes and serves five times."""
        web = self.slack.web
        hook = AsyncWebhookClient(url, timeout=int(TIMEOUT), session=web.session, retry_handlers=[])
        hook.proxy = web.proxy
        try:
            said = await hook.send(
                text=message.text, blocks=message.blocks or None, response_type="ephemeral", replace_original=False
            )
        except Exception as error:  # noqa: BLE001  # slack_sdk's, aiohttp's: a direct message is tried instead
            log.warning("desk.not_answered", error=type(error).__name__)
            return False
        if said.status_code != 200:
            log.warning("desk.not_answered", status=said.status_code, body=said.body[:200])
        return said.status_code == 200


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception:
        log.exception("desk.answer_broke")


def problem(error: Exception) -> Phrase:
    """What a person is told of an error; one that is not ours is a defect, and logged."""
    match error:
        case Unavailable():
            what = N_("{problem} Try again in a moment: doing it twice does no harm.")
            return phrase(what, problem=error.phrase)
        case LifeboatError():
            return error.phrase
    log.error("desk.broke", exc_info=error)
    what = N_(
        "Something broke inside Lifeboat ({error}); its log has the details. The command line works without Slack."
    )
    return phrase(what, error=type(error).__name__)


def drawn(say: Say, _: Words) -> Message:
    """What the person reads."""
    return Message(readable(_.phrase(say))) if isinstance(say, Phrase) else say(_)


_MENTION = re.compile(r"&lt;(@[UW][A-Z0-9]+)&gt;")


def readable(text: str) -> str:
    """One of our sentences as mrkdwn: what it quotes is made harmless, only mentions of people stay what they are."""
    return _MENTION.sub(r"<\1>", escape(text))
