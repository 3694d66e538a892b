"""The stage of every rehearsal: an emulated AWS with the shop, a local Slack, and the real bot as its own process.

    async with Stage(folder) as stage:
        await stage.start_bot()
        await stage.break_orders()
        mina = stage.slack.person("mina")

The bot knows nothing of it: it is `lifeboat serve` with addresses on loopback. Tests kill it and start it again.
"""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import aiohttp

from bot.rehearsal.aws.emulator import EmulatedAws
from bot.rehearsal.aws.restores import RestoreTimes
from bot.rehearsal.front import Front
from bot.rehearsal.shop import Shop
from bot.rehearsal.slack.server import LocalSlack
from bot.rehearsal.slack.workspace import Channel, User, Workspace
from bot.slack.manifest import manifest

TEAM = Path(__file__).parent / "team"
_READY_SECONDS = 90


class Process(Protocol):
    """A process as asyncio has it."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    def send_signal(self, signal: int) -> None: ...

    async def wait(self) -> int: ...


#: Starts Python with these arguments and this environment; what it says goes to the file.
Launch = Callable[[Sequence[str], Mapping[str, str], Path], Awaitable[Process]]


async def _launch(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> Process:
    with log.open("ab") as said:  # a small file, and only to hand it over
        return await asyncio.create_subprocess_exec(
            sys.executable, *arguments, env=dict(environment), stdout=said, stderr=said
        )


class Stage:
    """`bot` runs the bot's process: the command `serve` unless a test gives its own. `socket_mode`: no HTTP for Slack.

    `launch` starts it. `front`: whether the shop stands behind load balancers over three zones, and can be switched to another region.
    """

    def __init__(
        self, folder: Path, *, slack_port: int = 0, database_url: str | None = None, language: str = "en",
        bot: Sequence[str] = ("-m", "bot.cli", "serve"), socket_mode: bool = False, restore_seconds: float = 6.0,
        front: bool = False, launch: Launch = _launch,
    ) -> None:  # fmt: skip
        self.folder, self.language, self.socket_mode = folder, language, socket_mode
        self._bot, self._launch = bot, launch
        self.database_url = database_url or f"sqlite:///{folder / 'lifeboat.db'}"
        self.aws = EmulatedAws(restores=RestoreTimes(duration=restore_seconds, lag=1.0))
        self.slack = LocalSlack(_workspace(), slack_port)
        self.shop = Shop(self.aws, Front(self.aws) if front else None)
        self.bot_port = _free_port()
        self.processes: list[Process] = []
        self._stack = AsyncExitStack()
        self._secrets: Any = None
        self._log = folder / "bot.log"

    @property
    def bot_url(self) -> str:
        return f"http://127.0.0.1:{self.bot_port}"

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.aws)
        await self._stack.enter_async_context(self.slack)
        await asyncio.to_thread(self.shop.build)
        request_url = None if self.socket_mode else f"{self.bot_url}/slack/events"
        made = manifest(request_url, socket_mode=self.socket_mode)
        self._secrets = self.slack.install(made, request_url)
        # JSON is YAML: nothing has to be quoted by hand.
        config = {**self.shop.config(), "language": self.language, "escalation_folder": str(TEAM)}
        (self.folder / "lifeboat.yaml").write_text(json.dumps(config))  # a small file, at the start
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self.processes:
            await self.stop_bot(process)
        await self._stack.aclose()

    def environment(self, *, port: int | None = None) -> Mapping[str, str]:
        """What the bot's process is told."""
        secrets = {
            "SLACK_BOT_TOKEN": self._secrets.bot_token,
            "SLACK_SIGNING_SECRET": self._secrets.signing_secret,
            "SLACK_API_URL": self.slack.api_url,
        }
        if self.socket_mode:
            secrets["SLACK_APP_TOKEN"] = self._secrets.app_token
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("SLACK_", "AWS_", "LIFEBOAT_"))}
        return {
            **inherited, **self.aws.environment, **secrets,
            "LIFEBOAT_CONFIG": str(self.folder / "lifeboat.yaml"),
            "LIFEBOAT_DATABASE_URL": self.database_url,
            "LIFEBOAT_PORT": str(port or self.bot_port),
        }  # fmt: skip

    async def start_bot(self, *, port: int | None = None, ready: bool = True, **more: str) -> Process:
        """Start the bot's process and wait until it says that it is ready. `more` is added to its environment."""
        process = await self._launch(self._bot, {**self.environment(port=port), **more}, self._log)
        self.processes.append(process)
        if ready:
            await self._until_ready(process, port or self.bot_port)
        return process

    async def stop_bot(self, process: Process, how: signal.Signals = signal.SIGTERM) -> None:
        """End the bot's process, gracefully or not, and wait until it is gone."""
        if process.returncode is None:
            process.send_signal(how)
            if how is signal.SIGTERM:
                process.send_signal(signal.SIGCONT)
        await process.wait()

    async def subscribe(self) -> None:
        """Have SNS post to the bot: it is asked to confirm first."""
        await asyncio.to_thread(self.shop.subscribe, f"{self.bot_url}/alarms/sns")

    def log(self) -> str:
        """What the bot has logged so far."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    async def _until_ready(self, process: Process, port: int) -> None:
        async with asyncio.timeout(_READY_SECONDS), aiohttp.ClientSession() as session:
            while not await _is_ready(session, port):
                if process.returncode is not None:
                    raise RuntimeError(f"The bot ended with status {process.returncode}:\n{self.log()[-3000:]}")
                await asyncio.sleep(0.05)


async def _is_ready(session: aiohttp.ClientSession, port: int) -> bool:
    try:
        async with session.get(f"http://127.0.0.1:{port}/readyz") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


def _workspace() -> Workspace:
    people = [
        User("UMINA", "mina", "Mina Park", "mina@example.test", locale="ko-KR", tz="Asia/Seoul"),
        User("UALEX", "alex", "Alex Kim", "alex@example.test", locale="en-US", tz="America/New_York"),
        User("USOFIA", "sofia", "Sofia Rossi", "sofia@example.test", locale="en-GB", tz="Europe/Rome"),
    ]
    members = [user.id for user in people]
    return Workspace(users=people, channels=[Channel("C0GENERAL", "general", members=members, is_general=True)])


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
