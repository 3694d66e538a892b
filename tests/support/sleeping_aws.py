"""An emulated AWS that is put to sleep, and wakes in as many processes as one likes, each with a copy of its state.

moto keeps its state in its modules and our features theirs in `EmulatedAws`; a fork copies both. Only the server's thread
cannot be copied: it ends before the fork and is begun anew after it. Laying the shop down takes a second, and a copy takes
a few milliseconds.
"""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bot.rehearsal.aws import objects
from bot.rehearsal.aws.emulator import EmulatedAws
from bot.rehearsal.aws.server import Server
from bot.rehearsal.estate.estate import Estate
from bot.rehearsal.storefront import Storefront
from tests.support.shared_clock import SharedClock


def laid_down(clock: SharedClock) -> Estate:
    """The shop, asleep: as `Estate.build` leaves it."""
    return asyncio.run(_laid_down(clock))


async def _laid_down(clock: SharedClock) -> Estate:
    async with EmulatedAws(clock=clock, port=_free_port()) as aws:
        estate = Estate(aws)
        await asyncio.to_thread(estate.build)
    return estate


@contextmanager
def awake(estate: Estate) -> Iterator[Storefront]:
    """It answers, on the port that it always has; then it sleeps again, with what has become of it meanwhile."""
    aws = estate.aws
    loop = asyncio.new_event_loop()
    aws._server = Server(aws._respond, {aws._signer.path: aws._signer.certificate})
    aws._clients.clear()
    loop.run_until_complete(aws._server.start(aws._port))
    objects.follow(aws.clock)
    try:
        yield Storefront(estate)
    finally:
        loop.run_until_complete(aws._server.stop(aws._deliveries.close))
        objects.unfollow()
        loop.close()


def in_copy(work: Callable[[], None]) -> int:
    """Do it in a forked process; its exit status, negative for a signal."""
    import os
    import traceback

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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
