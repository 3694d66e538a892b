"""Several bots on one PostgreSQL, and who had which lease when, by the database's own clock."""

import asyncio
import signal
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text

from bot.rehearsal.stage import Process, Stage
from bot.store.sql import Transaction
from tests.support.night import Night

#: Every lease that was ever taken. A trigger writes it, so that nothing depends on when a test happens to look.
_LEASE_LOG = (
    "CREATE TABLE lease_log (job bigint, kind text, owner text, fence int, at timestamptz DEFAULT clock_timestamp())",
    """CREATE FUNCTION log_lease() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         INSERT INTO lease_log (job, kind, owner, fence) VALUES (NEW.id, NEW.kind, NEW.owner, NEW.fence); RETURN NEW;
       END $$""",
    """CREATE TRIGGER log_lease AFTER UPDATE ON jobs FOR EACH ROW WHEN (NEW.fence <> OLD.fence)
         EXECUTE FUNCTION log_lease()""",
)


@dataclass(frozen=True)
class Lease:
    job: int
    owner: str
    fence: int
    at: datetime

    @property
    def pid(self) -> int:
        return int(self.owner.split(":")[1])


class Crew:
    """`night` is how Mina sees it: any of the bots answers her."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.night = stage, Night(stage)
        self.bots: dict[int, Process] = {}
        self.urls: list[str] = []

    async def start(self, count: int, **environment: str) -> None:
        """Start so many bots beside each other, and wait until all of them are ready."""
        async with self.night.ledger() as tx:
            for statement in _LEASE_LOG:
                await tx.jobs.connection.execute(text(statement))
        ports = [_free_port() for _ in range(count)]
        self.urls = [f"http://127.0.0.1:{port}" for port in ports]
        started = await asyncio.gather(*(self.stage.start_bot(port=port, **environment) for port in ports))
        self.bots = {bot.pid: bot for bot in started}
        self.night.up.set()

    async def holder(self, kind: str) -> tuple[Process, Lease]:
        """The bot that holds the lease of the one job of this kind that is running now."""
        found: list[Lease] = []

        async def held(tx: Transaction) -> bool:
            rows = await tx.jobs.connection.execute(
                text("SELECT id, owner, fence FROM jobs WHERE kind = :kind AND owner IS NOT NULL"), {"kind": kind}
            )
            found[:] = [Lease(row.id, row.owner, row.fence, tx.now) for row in rows]
            return len(found) == 1

        await self.night.until(held, f"one leased {kind} job")
        return self.bots[found[0].pid], found[0]

    async def taken_over(self, lease: Lease) -> Lease:
        """The first lease that another bot took on the job, as soon as there is one."""
        found: list[Lease] = []

        async def taken(tx: Transaction) -> bool:
            rows = await tx.jobs.connection.execute(
                text("SELECT job, owner, fence, at FROM lease_log WHERE job = :job AND owner <> :owner ORDER BY at"),
                {"job": lease.job, "owner": lease.owner},
            )
            found[:] = [Lease(row.job, row.owner, row.fence, row.at) for row in rows]
            return bool(found)

        await self.night.until(taken, f"another holder of job {lease.job}")
        return found[0]

    async def leases_of(self, job: int) -> list[str]:
        """Who held the job, in order."""
        async with self.night.ledger() as tx:
            rows = await tx.jobs.connection.execute(
                text("SELECT owner FROM lease_log WHERE job = :job ORDER BY at"), {"job": job}
            )
            return [row.owner for row in rows]

    async def now(self) -> datetime:
        """The database's clock, which the leases go by."""
        async with self.night.ledger() as tx:
            now: datetime = (await tx.jobs.connection.execute(text("SELECT clock_timestamp()"))).scalar_one()
            return now

    async def ends(self, bot: Process, within: timedelta = timedelta(seconds=30)) -> int:
        """The bot's exit status, once it has ended by itself."""
        async with asyncio.timeout(within.total_seconds()):
            return await bot.wait()

    async def kill_all(self) -> None:
        for bot in self.bots.values():
            await self.stage.stop_bot(bot, signal.SIGKILL)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
