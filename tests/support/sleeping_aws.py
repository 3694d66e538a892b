"""An emulated AWS that is put to sleep, and wakes in as many processes as one likes, each with a copy of its state.

moto keeps its state in its modules and our features theirs in `EmulatedAws`; a fork copies both. Only the server's thread
cannot be copied: it ends before the fork and is begun anew after it. To lay the shop down takes seconds, a copy takes a
few milliseconds.
"""

import asyncio
import os
import random
import socket
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Self

from bot.rehearsal.aws import objects
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.emulator import EmulatedAws
from bot.rehearsal.aws.server import Server
from bot.rehearsal.estate import Estate
from bot.rehearsal.rehearsal import RESTORES, TASKS
from bot.rehearsal.storefront import Storefront

_NOT_EPHEMERAL = range(20_000, 32_000)


class SleepingAws(EmulatedAws):
    """As any emulated AWS, but entered again it goes on where it was, at the address that it had."""

    slept = False

    async def __aenter__(self) -> Self:
        if not self.slept:
            self.slept = True
            return await super().__aenter__()
        self._server = Server(self._respond, {self._signer.path: self._signer.certificate})
        self._clients.clear()
        self._port = await self._server.start(self._port)
        EmulatedAws._running = True
        objects.follow(self.clock)
        return self


class LaidEstate(Estate):
    """The shop, laid down once however often somebody wants it to be."""

    laid = False

    def build(self) -> None:
        if not self.laid:
            super().build()
            self.laid = True


def laid_down(clock: Clock) -> LaidEstate:
    """The shop as a rehearsal has it, asleep."""

    async def lay() -> LaidEstate:
        aws = SleepingAws(clock=clock, port=free_port(), restores=RESTORES)
        aws.ecs.pace = type(aws.ecs.pace)(*TASKS)
        async with aws:
            estate = LaidEstate(aws)
            await asyncio.to_thread(estate.build)
        return estate

    return asyncio.run(lay())


@asynccontextmanager
async def awake(estate: LaidEstate, port: int) -> AsyncIterator[Storefront]:
    """It answers, and its storefront too, until it is left; then it sleeps again with what has become of it."""
    async with estate.aws, Storefront(estate, port=port) as storefront:
        yield storefront


def in_copy(work: Callable[[], None]) -> int:
    """Do it in a forked process; its exit status, negative for a signal."""
    child = os.fork()
    if not child:
        status = 1
        try:
            work()
            status = 0
        except BaseException:  # noqa: BLE001  # it must not go on as a second parent
            traceback.print_exc()
        os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def free_port() -> int:
    """One that the system gives to nobody who does not ask for it: it must still be free when we wake."""
    for port in random.sample(_NOT_EPHEMERAL, 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no port is free")
