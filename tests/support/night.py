"""A night on call: the stage, a bot that may die and rise again, and Mina, who presses again when nothing came of it."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from bot.clock import SystemClock
from bot.rehearsal.shop import HOME, ORDERS_ALARM
from bot.rehearsal.slack.person import Person
from bot.rehearsal.slack.workspace import Message
from bot.rehearsal.stage import Process, Stage
from bot.slack.incident_buttons import ACKNOWLEDGE, OFFER, RESOLVE
from bot.slack.run_buttons import RUN_APPROVE, STEP_YES
from bot.store.database import Database
from bot.store.sql import Store, Transaction
from bot.upkeep import EVERY

#: Arguments for the nursery, whose children know how to die.
KILLABLE = ("serve",)
PATIENCE = 60.0
#: What a message that was taken from the queue and not deleted waits until it comes again.
VISIBLE_AGAIN = 2
#: The ledger is read with a clock so far ahead that whatever still hangs counts as stuck.
_LATER = timedelta(minutes=2)
_DM = "@lifeboat"


class Night:
    """`up` is set unless the bot is known to be dead: nothing comes of a press until another one has risen."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.mina: Person = stage.slack.person("mina")
        self.up = asyncio.Event()
        self.bot: Process

    async def begins(self, **environment: str) -> None:
        """Start the bot; it may die before it is ready."""
        sqs = self.stage.shop.client("sqs", HOME)
        queue, soon = self.stage.shop.queue_url, {"VisibilityTimeout": str(VISIBLE_AGAIN)}
        await asyncio.to_thread(sqs.set_queue_attributes, QueueUrl=queue, Attributes=soon)
        self.bot = await self.stage.start_bot(ready=False, **environment)
        self.up.set()

    async def is_ready(self) -> None:
        """Wait until the bot that was started says that it is ready."""
        await self.stage._until_ready(self.bot, self.stage.bot_port)

    async def dies(self) -> None:
        """SIGKILL, unless it is dead already; and wait until it is gone."""
        self.up.clear()
        await self.stage.stop_bot(self.bot, signal.SIGKILL)
        assert self.bot.returncode == -signal.SIGKILL, f"{self.bot.returncode}\n{self.stage.log()[-3000:]}"

    async def rises(self) -> None:
        self.bot = await self.stage.start_bot()
        self.up.set()

    # What Mina does. Every wait is for something that she sees.

    async def orders_go_bad(self) -> None:
        await asyncio.to_thread(self.stage.shop.corrupt_orders)

    async def subscribes(self, *urls: str) -> None:
        """Have SNS post alarms to these bots: each is asked to confirm first."""
        for url in urls:
            await asyncio.to_thread(self.stage.shop.subscribe, f"{url}/alarms/sns")
        sns, arn = self.stage.shop.client("sns"), self.stage.shop.http_topic
        async with asyncio.timeout(PATIENCE):
            while True:
                said = await asyncio.to_thread(sns.get_topic_attributes, TopicArn=arn)
                if int(said["Attributes"]["SubscriptionsConfirmed"]) == len(urls):
                    return
                await asyncio.sleep(0.05)

    async def is_paged(self) -> None:
        await self._sees(lambda: any(ORDERS_ALARM in self.mina.reads(m) for m in self.mina.direct_messages()), "a page")

    async def finds_room(self, service: str = "orders") -> str:
        """The incident's channel, once she is in it and its card is there."""

        def found() -> list[str]:
            channels = self.stage.slack.world.channels.values()
            return [
                c.name for c in channels if service in c.name and self.mina.id in c.members and c.name[:4] == "inc-"
            ]

        await self._sees(lambda: bool(found()) and self._shows(RESOLVE, found()[0]), "the card in an incident channel")
        return found()[0]

    async def acknowledges(self, room: str, where: str = _DM) -> None:
        await self.presses(ACKNOWLEDGE, where)
        await self._sees(lambda: not self._shows(ACKNOWLEDGE, room), "a card that says that it is acknowledged")

    async def asks_for_plan(self, room: str) -> None:
        """Open the form of the playbook that the card offers, and send it until it is taken."""
        await self._sees(lambda: self._shows(OFFER, room), "an offer")
        await self.up.wait()
        await self.mina.click(OFFER, channel=room)
        await self._sees(self._form_is_filled, "the playbook's form")
        while self.mina.modal is not None:
            await self.up.wait()
            await self.mina.submit()
        await self._sees(lambda: self._shows(RUN_APPROVE, room), "the plan")

    async def restores_table(self, room: str) -> None:
        """From the offer on the card to the cut-over."""
        await self.asks_for_plan(room)
        await self.approves(room)
        await self.cuts_over(room)

    async def approves(self, room: str) -> None:
        await self.presses(RUN_APPROVE, room)

    async def cuts_over(self, room: str) -> None:
        await self.presses(STEP_YES, room)
        await self.run_succeeds(room)

    async def run_succeeds(self, room: str) -> None:
        await self._sees(lambda: any(": ✅" in m.text for m in self.mina.messages(room)), "that the run succeeded")

    async def resolves(self, room: str) -> None:
        await self._sees(lambda: self._shows(RESOLVE, room), "the button to resolve")
        await self.up.wait()
        await self.mina.click(RESOLVE, channel=room)
        await self._sees(self._form_is_filled, "the form to resolve")
        while self.mina.modal is not None:
            await self.up.wait()
            await self.mina.submit()
        await self._sees(lambda: not self._shows(RESOLVE, room), "a resolved card")

    async def presses(self, action: str, channel: str) -> None:
        """Press until the button is gone: what it did is shown then."""
        await self._sees(lambda: self._shows(action, channel), f"the button {action}")
        while self._shows(action, channel):
            await self.up.wait()
            if (await self.mina.click(action, channel=channel)).ok:
                await self._sees(lambda: not self._shows(action, channel), f"what came of {action}")

    def posts(self) -> list[Message]:
        """Every message that carries a marker of ours, wherever it stands."""
        return [m for c in self.stage.slack.world.channels.values() for m in c.messages.values() if m.metadata]

    async def logs(self, words: str) -> None:
        """Return once a bot has logged these words."""
        try:
            async with asyncio.timeout(PATIENCE):
                while words not in self.stage.log():  # noqa: ASYNC110  # a file tells nobody that it grows
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"no bot has logged {words!r}\n{self.stage.log()[-3000:]}") from None

    # What stands in the database.

    @asynccontextmanager
    async def ledger(self) -> AsyncIterator[Transaction]:
        """A transaction beside the bot's, with a clock that is ahead."""
        database = Database(self.stage.database_url, SystemClock(_LATER))
        try:
            async with Store(database).begin() as tx:
                yield tx
        finally:
            await database.close()

    async def until(self, holds: Callable[[Transaction], Any], what: str) -> None:
        """Return once `holds(tx)` is true of the database."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    async with self.ledger() as tx:
                        if await holds(tx):
                            return
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"not in the database: {what}\n{self.stage.log()[-3000:]}") from None

    async def settles(self) -> None:
        """Return once nothing is left to do but what is due much later."""

        async def idle(tx: Transaction) -> bool:
            soon = [due for kind, state, _, due in await tx.jobs.counts() if state == "waiting" and kind not in _ROUNDS]
            return all(due > tx.now for due in soon)

        await self.until(idle, "no job that is due")
        await self.stage.slack.settled()

    async def queue_is_empty(self) -> None:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        sqs, queue = self.stage.shop.client("sqs", HOME), self.stage.shop.queue_url
        async with asyncio.timeout(PATIENCE):
            while True:
                said = await asyncio.to_thread(sqs.get_queue_attributes, QueueUrl=queue, AttributeNames=names)
                if not any(int(said["Attributes"][name]) for name in names):
                    return
                await asyncio.sleep(0.1)

    async def _sees(self, holds: Callable[[], bool], what: str) -> None:
        try:
            await self.mina.waits_until(holds, what, timeout=PATIENCE)
        except AssertionError as why:
            raise AssertionError(f"{why}\n{self.stage.log()[-3000:]}") from None

    def _shows(self, action: str, channel: str) -> bool:
        return any(action in json.dumps(message.blocks) for message in self.mina.messages(channel))

    def _form_is_filled(self) -> bool:
        return self.mina.modal is not None and '"input"' in json.dumps(self.mina.modal.spec.get("blocks"))


_ROUNDS = frozenset(kind.name for kind in EVERY)
