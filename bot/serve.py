"""`lifeboat serve`: start everything that `app.py` has wired, say whether it is ready, and stop it gracefully."""

import asyncio
import logging
import signal
from collections.abc import Collection, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

import aiohttp
import structlog
from aiohttp import web

from bot.app import POLL_SECONDS, build_worker, form_choices, open_aws, open_slack, sns_door, sqs_doors
from bot.contact.acknowledging import Acknowledging
from bot.contacts import links_of
from bot.core import Core, open_core
from bot.errors import Unavailable
from bot.intake.sqs import SqsDoor
from bot.jobs import URGENT
from bot.logs import configure_logging
from bot.settings import Settings
from bot.slack.bolt import Door, bolt_app, listeners
from bot.slack.client import Slack, SlackRefused
from bot.slack.desk import Desk
from bot.slack.socket_mode import SocketMode
from bot.upkeep import Upkeep
from bot.web import routes
from bot.worker import Worker

log = structlog.get_logger()


@dataclass(frozen=True)
class Parts:
    """What runs in one process. `socket` None: Slack reaches us over HTTP alone."""

    core: Core
    worker: Worker
    queues: Collection[SqsDoor]
    socket: SocketMode | None
    desk: Desk
    http: web.Application

    async def problems(self) -> Mapping[str, str]:
        """What keeps this process from its work, by name; for /readyz."""
        try:
            async with asyncio.timeout(2), self.core.store.begin() as tx:
                _, by_lane = await tx.watch.load()
        except (Unavailable, TimeoutError) as error:
            return {"database": str(error) or "timeout"}
        overdue = sum(by_lane[lane] for lane in URGENT)
        found = {
            "jobs": f"{overdue} overdue" if overdue else "",
            "worker": "" if self.worker.is_alive else "no heartbeat",
            "queue": "" if all(queue.healthy for queue in self.queues) else "no answer",
            "slack": "" if self.socket is None or (await self.socket.state()).well else "no socket",
        }
        return {name: problem for name, problem in found.items() if problem}


async def serve(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT; then finish or give back what is in hand."""
    configure_logging(logging.INFO)
    stopping = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopping.set)
    async with AsyncExitStack() as stack:
        parts = await _open(settings, stack)
        await Upkeep(parts.core.store, parts.core.inbox, None).begin()
        runner = web.AppRunner(parts.http, access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, settings.host, settings.port).start()
        log.info("serve.started", host=settings.host, port=settings.port, playbooks=len(parts.core.playbooks))
        await _run(parts, stopping)


async def _open(settings: Settings, stack: AsyncExitStack) -> Parts:
    """Everything wired; what was opened is closed with the stack. Raises `Missing` for what the environment lacks."""
    token, secret = settings.require_slack()
    core = await open_core(settings, worker=True)
    stack.push_async_callback(core.close)
    aws = open_aws(core)
    stack.callback(aws.pool.close)
    slack = await stack.enter_async_context(open_slack(core, token))
    await slack.groups.begin()
    session = await stack.enter_async_context(aiohttp.ClientSession())
    menus = form_choices(aws)
    heard = listeners(core.store, slack.slack, slack.people, core.responder, core.runs, core.config, menus)
    bolt = bolt_app(heard, secret, slack.slack.web)
    app_token = settings.slack_app_token
    socket = SocketMode(bolt, app_token.get_secret_value(), slack.slack.web) if app_token else None
    worker, queues = build_worker(core, aws, slack), sqs_doors(core, aws)
    heard.desk.afterwards(_introduce(slack.slack))

    async def ready() -> Mapping[str, str]:
        return await parts.problems()

    links = Acknowledging(core.store, core.responder, links_of(core), core.config.language, core.clock.now)
    http = routes(
        alarms=sns_door(core, aws, session),
        links=links,
        slack=Door(bolt, secret).handle_http,
        ready=ready,
        store=core.store,
    )
    parts = Parts(core, worker, queues, socket, heard.desk, http)
    return parts


async def _introduce(slack: Slack) -> None:
    """Learn who we are in Slack before the first person presses a button; a token that is refused is seen at once."""
    try:
        await slack.me()
    except (Unavailable, SlackRefused) as error:
        log.error("slack.not_introduced", error=str(error))  # noqa: TRY400  # it is expected, and says all there is


async def _run(parts: Parts, stopping: asyncio.Event) -> None:
    """Until somebody stops us, or one of the parts that must not end has ended: then its error is ours."""
    tasks = {asyncio.create_task(parts.worker.run(), name="lifeboat-worker")}
    tasks |= {asyncio.create_task(queue.run(), name="lifeboat-sqs") for queue in parts.queues}
    if parts.socket:
        tasks.add(asyncio.create_task(parts.socket.run(), name="lifeboat-socket"))
    stop = asyncio.create_task(stopping.wait(), name="lifeboat-stop")
    try:
        done, _ = await asyncio.wait({stop, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        for task in done - {stop}:
            task.result()
    finally:
        log.info("serve.stopping")
        stop.cancel()
        await _stop(parts, tasks)


async def _stop(parts: Parts, tasks: Collection["asyncio.Task[None]"]) -> None:
    parts.worker.stop()
    for queue in parts.queues:
        queue.stop()
    await parts.desk.settled()
    ending = {task for task in tasks if task.get_name() != "lifeboat-socket"}
    await asyncio.wait(ending, timeout=POLL_SECONDS + 10)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
