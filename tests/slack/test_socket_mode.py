"""The socket: the same listeners, and a watchdog that trusts nobody who is silent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest

from bot.rehearsal.slack import Fault
from bot.slack.manifest import manifest
from bot.slack.socket_mode import SILENT, Socket, SocketMode
from tests.slack.front import Front


class Watch:
    """The watchdog's time. Each of its waits is one `look()`, and lasts until the test says `later()`."""

    def __init__(self) -> None:
        self.at = 0.0
        self._looks: asyncio.Queue[float] = asyncio.Queue()
        self._go: asyncio.Queue[None] = asyncio.Queue()

    def now(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self._looks.put_nowait(seconds)
        await self._go.get()

    async def look(self) -> float:
        """Return once the watchdog waits, and for how long it means to."""
        async with asyncio.timeout(5):
            return await self._looks.get()

    def later(self, seconds: float) -> None:
        self.at += seconds
        self._go.put_nowait(None)


@asynccontextmanager
async def _connected(front: Front, watch: Watch, *, enabled: bool = True) -> AsyncIterator[SocketMode]:
    local, app = front.office.local, front.office.app
    said = manifest(None, socket_mode=enabled)
    local.world.apps[app.id] = replace(local.world.apps[app.id], manifest=said, request_url=None)
    mode = SocketMode(front.door.app, app.app_token, front.office.slack.web, now=watch.now, sleep=watch.sleep)
    running = asyncio.create_task(mode.run())
    try:
        yield mode
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        await asyncio.sleep(0)


@pytest.fixture
def watch() -> Watch:
    return Watch()


async def test_commands_and_buttons_arrive_over_the_socket(front: Front, watch: Watch) -> None:
    async with _connected(front, watch) as mode:
        await front.office.local.sockets.until(lambda links: len(links) == 1)
        assert "is open" in await front.command("alex", "declare orders are failing")
        assert (await front.office.core.only()).declared_by == "alex"
        await front.command("alex", "declare")
        assert (await front.person("alex").submit()).errors
        assert {delivery.by for delivery in front.office.local.deliveries} == {"socket"}
        assert (await mode.state()).well
    assert not (await mode.state()).connected


async def test_a_socket_that_falls_silent_is_replaced(front: Front, watch: Watch) -> None:
    sockets = front.office.local.sockets
    async with _connected(front, watch) as mode:
        await watch.look()
        [first] = sockets.connections()
        sockets.silence()
        while (await mode.state()).opened == 1:  # once more when the answer to the first ping was still on its way
            watch.later(SILENT + 1)
            await watch.look()
        assert first not in sockets.connections()
        assert "No incident is open" in await front.command("alex", "status")


async def test_a_socket_on_which_slack_speaks_is_kept(front: Front, watch: Watch) -> None:
    async with _connected(front, watch) as mode:
        for _ in range(3):
            await watch.look()
            watch.at += SILENT - 1
            await front.command("alex", "status")
            watch.later(0)
        await watch.look()
        assert (await mode.state()).opened == 1


async def test_slack_refusing_the_socket_is_tried_again_with_growing_waits(front: Front, watch: Watch) -> None:
    with front.office.local.faults.during(Fault("refused", "apps.connections.open", times=None, code="invalid_auth")):
        async with _connected(front, watch) as mode:
            for wait in (1.0, 2.0, 5.0, 15.0, 30.0, 30.0):
                assert await watch.look() == wait
                watch.later(wait)
            assert not (await mode.state()).well


async def test_after_a_refusal_the_socket_opens(front: Front, watch: Watch) -> None:
    front.office.local.faults.add(Fault("server_error", "apps.connections.open"))
    async with _connected(front, watch) as mode:
        await watch.look()
        assert not (await mode.state()).well
        watch.later(1)
        await watch.look()
        assert (await mode.state()).well
        assert len(front.office.local.sockets.connections()) == 1


@pytest.mark.parametrize(
    ("socket", "well"),
    [
        (Socket(connected=True, heard=0.0, opened=1), True),
        (Socket(connected=True, heard=SILENT - 0.1, opened=1), True),
        (Socket(connected=True, heard=SILENT, opened=1), False),
        (Socket(connected=False, heard=0.0, opened=1), False),
        (Socket(connected=True, heard=None, opened=0), False),
    ],
)
def test_a_socket_is_well_while_slack_speaks(socket: Socket, well: bool) -> None:
    assert socket.well == well
