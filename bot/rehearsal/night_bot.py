"""The real bot in this process, on the rehearsal's clock: wired as `lifeboat serve` wires it, and worked by hand."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from bot.app import build_worker, open_aws
from bot.clock import SystemClock
from bot.core import Core, open_core
from bot.intake.sqs import SqsDoor
from bot.jobs import Lane
from bot.rehearsal.aws.clock import Clock
from bot.settings import Settings
from bot.upkeep import Upkeep
from bot.worker import Worker

#: Without a token there is no Slack; its lane waits for a process that has one.
LANES = tuple(lane for lane in Lane if lane is not Lane.SLACK)
_NEVER = datetime.max.replace(tzinfo=UTC)


class NightClock(SystemClock):
    """The bot's clock is the emulator's."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def now(self) -> datetime:
        return self._clock.now()


class NightBot:
    """`due` is when there is work again, None when somebody must look."""

    def __init__(self, core: Core, worker: Worker, door: SqsDoor, stack: AsyncExitStack) -> None:
        self.core, self.worker = core, worker
        self.due: datetime | None = None
        self._door, self._stack = door, stack

    @classmethod
    async def open(cls, folder: Path, clock: Clock, queue_url: str) -> Self:
        """On the folder's lifeboat.yaml and database; what was begun there goes on."""
        stack = AsyncExitStack()
        settings = Settings(
            config=folder / "lifeboat.yaml", database_url=f"sqlite:///{folder / 'lifeboat.db'}", slack_bot_token=None,
            slack_signing_secret=None, slack_app_token=None,
        )  # fmt: skip
        core = await open_core(settings, NightClock(clock), worker=True)
        stack.push_async_callback(core.close)
        aws = open_aws(core)
        stack.callback(aws.pool.close)
        worker = build_worker(core, aws, None)
        await core.store.take_over()
        await Upkeep(core.store, core.inbox, None).begin()
        client = aws.queues(core.config.region).client("sqs")
        door = SqsDoor(client, queue_url, core.inbox, aws.pool, asyncio.sleep, core.clock, wait_seconds=0)
        return cls(core, worker, door, stack)

    async def close(self) -> None:
        """Let go of everything, as a process that ends."""
        await self._stack.aclose()

    async def work(self) -> bool:
        """Do all that is due now, and what follows from it; whether there was anything."""
        if self.due is not None and self.due > self.core.clock.now():
            return False
        ran = await self.worker.drain(LANES)
        async with self.core.store.begin() as tx:
            due = [await tx.jobs.next_due(lane) for lane in LANES]
        self.due = min((at for at in due if at), default=_NEVER)
        return bool(ran)

    async def poll(self) -> None:
        """Take in what is in the queue."""
        await self._door.poll()
        self.due = None
