"""`lifeboat demo`: the product on one machine. With a page to click in, or headless: the story plays itself and is judged.

The headless story presses the same buttons through the local Slack, and asks the emulated AWS at the end, not the bot,
whether the table was restored and the service healed.
"""

import asyncio
import contextlib
import logging
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bot.rehearsal.shop import ORDERS_ALARM, TABLE, WEB_ALARM
from bot.rehearsal.slack.person import Person
from bot.rehearsal.stage import Stage
from bot.slack.incident_buttons import ACKNOWLEDGE, OFFER, RESOLVE
from bot.slack.run_buttons import RUN_APPROVE, STEP_YES

Tell = Callable[[str], None]

_PATIENCE = 60.0


def play(*, headless: bool, port: int, language: str) -> int:
    """Run the demo; the exit status: 0 when the story ended well, or when a person stopped the page."""
    logging.basicConfig(level=logging.ERROR)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="lifeboat-demo-") as folder:
        work = _headless(Path(folder), language) if headless else _page(Path(folder), port, language)
        return asyncio.run(work)


async def _headless(folder: Path, language: str) -> int:
    tell = _teller()
    async with Stage(folder, language=language, restore_seconds=3.0) as stage:
        try:
            async with asyncio.timeout(300):
                await Story(stage, tell).play()
        except (AssertionError, TimeoutError) as why:
            tell(f"THE STORY BROKE: {why or 'it took too long'}")
            sys.stdout.write(stage.log()[-4000:])
            return 1
    tell("The story ended well.")
    return 0


async def _page(folder: Path, port: int, language: str) -> int:
    stopping = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stopping.set)
    async with Stage(folder, slack_port=port if _is_free(port) else 0, language=language, front=True) as stage:
        await stage.start_bot()
        await stage.subscribe()
        sys.stdout.write(
            f"\n  Lifeboat demo: an emulated AWS, a local Slack and the bot, all on this machine.\n\n"
            f"  Open   {stage.slack.url}/?user=UMINA\n\n"
            f"  You are Mina, on call. In a few seconds the orders table goes bad and you are paged; then the web\n"
            f"  service falls ill. Ctrl-C ends everything. The bot's log: {folder / 'bot.log'}\n\n"
        )
        sys.stdout.flush()
        story = asyncio.create_task(_break_things(stage))
        await stopping.wait()
        story.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await story
    return 0


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


async def _break_things(stage: Stage) -> None:
    await asyncio.sleep(6)
    await asyncio.to_thread(stage.shop.corrupt_orders)
    await asyncio.sleep(25)
    await asyncio.to_thread(stage.shop.sicken_web)


def _teller() -> Tell:
    began = time.monotonic()

    def tell(line: str) -> None:
        sys.stdout.write(f"{time.monotonic() - began:7.1f} s  {line}\n")
        sys.stdout.flush()

    return tell


class Story:
    """What happens, in order. Every wait is for something that a person sees."""

    def __init__(self, stage: Stage, tell: Tell) -> None:
        self.stage, self.tell = stage, tell
        self.mina: Person = stage.slack.person("mina")

    async def play(self) -> None:
        """Raises AssertionError, with what Mina sees, where the story breaks."""
        shop = self.stage.shop
        await self.stage.start_bot()
        await self.stage.subscribe()
        self.tell("The bot is up: alarms may come from SQS and, signed, over HTTP.")

        await asyncio.to_thread(shop.corrupt_orders)
        self.tell(f"A bad release corrupts half of the orders. CloudWatch → SNS → SQS: {ORDERS_ALARM}.")
        room = await self._answer(ORDERS_ALARM, "orders")
        await self._restore_table(room)
        table, bad = await asyncio.to_thread(shop.current_table), await asyncio.to_thread(shop.bad_orders)
        assert table != TABLE, "the service still uses the corrupt table"
        assert bad == 0, f"{bad} orders of {table} are corrupt"
        self.tell(f"AWS says: the service uses {table}, and none of its orders is corrupt.")
        await self._resolve(room, ORDERS_ALARM)

        await asyncio.to_thread(shop.sicken_web)
        self.tell(f"The web service falls ill. CloudWatch → SNS → signed POST to /alarms/sns: {WEB_ALARM}.")
        room = await self._answer(WEB_ALARM, "web")
        await self._run_playbook(room, "restart-service")
        assert await asyncio.to_thread(shop.web_is_healthy), "the web service is still ill"
        self.tell("AWS says: every task of the web service was replaced and is healthy.")
        await self._resolve(room, WEB_ALARM)

    async def _answer(self, alarm: str, service: str) -> str:
        """Mina is paged by direct message, and answers there. Returns her incident's channel."""
        await self.mina.waits_until(lambda: self._paged(alarm), f"a page about {alarm}", timeout=_PATIENCE)
        self.tell("Mina is paged by direct message.")
        room = await self._room(service)
        await self.mina.click(ACKNOWLEDGE, channel="@lifeboat")
        await self.mina.waits_until(
            lambda: self._card_says("Mina Park", room), "her name on the card", timeout=_PATIENCE
        )
        self.tell(f"She acknowledges; the card in #{room} says so.")
        return room

    async def _restore_table(self, room: str) -> None:
        await self._start_playbook(room, "restore-table")
        await self._press(STEP_YES, room)
        self.tell("The restored table was compared with the damaged one; Mina says yes to the cut-over.")
        await self._finished(room, "restore-table")

    async def _run_playbook(self, room: str, name: str) -> None:
        await self._start_playbook(room, name)
        await self._finished(room, name)

    async def _start_playbook(self, room: str, name: str) -> None:
        await self._press(OFFER, room)
        await self.mina.waits_until(self._form_is_filled, f"the form of {name}", timeout=_PATIENCE)
        await self.mina.submit()
        self.tell(f"The card offers {name}; its form is filled in from the alarm. Mina asks for the plan.")
        await self._press(RUN_APPROVE, room)
        self.tell("She reads the plan (the exact calls, before and after) and presses Run.")

    async def _finished(self, room: str, name: str) -> None:
        await self.mina.waits_until(lambda: self._succeeded(room), f"{name} to succeed", timeout=_PATIENCE)
        self.tell(f"{name} succeeded.")

    async def _resolve(self, room: str, alarm: str) -> None:
        await asyncio.to_thread(self.stage.shop.recover, alarm)
        await self._press(RESOLVE, room)
        await self.mina.waits_until(self._form_is_filled, "the form to resolve", timeout=_PATIENCE)
        await self.mina.submit()
        await self.mina.waits_until(lambda: not self._shows(RESOLVE, room), "a resolved card", timeout=_PATIENCE)
        self.tell(f"The alarm is OK again and Mina resolves the incident; #{room} says how long it took.")

    async def _press(self, action: str, room: str) -> None:
        await self.mina.waits_until(lambda: self._shows(action, room), f"the button {action}", timeout=_PATIENCE)
        await self.mina.click(action, channel=room)

    async def _room(self, service: str) -> str:
        def found() -> list[str]:
            channels = self.stage.slack.world.channels.values()
            return [
                c.name
                for c in channels
                if c.name.startswith("inc-") and service in c.name and self.mina.id in c.members
            ]

        await self.mina.waits_until(lambda: bool(found()), "an incident channel", timeout=_PATIENCE)
        return found()[-1]

    def _paged(self, alarm: str) -> bool:
        return any(alarm in self.mina.reads(message) for message in self.mina.direct_messages())

    def _card_says(self, text: str, room: str) -> bool:
        return self.mina.sees(text, channel=room)

    def _succeeded(self, room: str) -> bool:
        """The run's message begins so in every language."""
        return any(message.text.startswith("📘") and ": ✅" in message.text for message in self.mina.messages(room))

    def _shows(self, action: str, room: str) -> bool:
        return any(action in str(message.blocks) for message in self.mina.messages(room))

    def _form_is_filled(self) -> bool:
        return self.mina.modal is not None and "input" in str(self.mina.modal.spec.get("blocks"))
