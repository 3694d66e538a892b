"""Composition root: from settings to everything wired. No logic; the longest module that may have none."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from typing import Any

import aiohttp
import structlog

from bot import jobs, metrics
from bot.aws import ACTIONS, CHECKS, models, permissions
from bot.aws.choices import choices
from bot.aws.session import Session
from bot.aws.session import Settings as AwsSettings
from bot.aws.survey import ask
from bot.contacts import contact_methods
from bot.core import Core
from bot.counted import CountedInbox, CountedMethod
from bot.errors import N_, Unavailable, phrase
from bot.heartbeat import Heartbeat, Put
from bot.incident.audit import Auditor
from bot.incident.automatic import Automatic
from bot.incident.hands import Hands
from bot.incident.paging import Paging
from bot.incident.planner import Planner
from bot.incident.ports import ContactMethod, Tx
from bot.incident.reminding import Reminding
from bot.incident.renewing import Renewing
from bot.incident.step_runner import StepRunner
from bot.incident.survey import Survey
from bot.incident.timeline import entry
from bot.intake.certificates import Certificates
from bot.intake.drain import Drain
from bot.intake.signature import Rules
from bot.intake.sns import SnsDoor
from bot.intake.sqs import SqsDoor
from bot.intake.sweep import Sweep
from bot.jobs import Job, Kind
from bot.playbook.model import ValueType
from bot.pool import ThreadPool
from bot.slack.choices import Choices
from bot.slack.client import Slack, connect
from bot.slack.drawing import Drawing
from bot.slack.graph_file import GraphFiles
from bot.slack.groups import Groups
from bot.slack.outbox import Outbox
from bot.slack.pages import SlackPages
from bot.slack.people import People
from bot.slack.room import Room
from bot.upkeep import Upkeep
from bot.worker import Change, Effect, Handlers, Record, Worker

log = structlog.get_logger()

#: Threads for boto3 beside one for each queue, whose long poll keeps it.
_AWS_THREADS = 5
#: A long poll also bounds how long a graceful stop takes.
POLL_SECONDS = 2


@dataclass(frozen=True)
class Aws:
    """Sessions by region, and the pool that their calls run on."""

    pool: ThreadPool
    session: Callable[[str], Session]
    queues: Callable[[str], Session]


@dataclass(frozen=True)
class SlackParts:
    """What talks to Slack."""

    slack: Slack
    people: People
    room: Room
    drawing: Drawing
    pages: SlackPages
    groups: Groups
    graphs: GraphFiles

    @property
    def handlers(self) -> Mapping[Kind, Effect]:
        return {
            jobs.OPEN_ROOM: self.room.open,
            jobs.INVITE: self.room.invite,
            jobs.DRAW_CARD: self.drawing.card,
            jobs.DRAW_PAGE: self.drawing.page,
            jobs.DRAW_RUN: self.drawing.run,
            jobs.SAY: self.drawing.say,
            jobs.DRAW_HOME: self.drawing.home,
            jobs.POST_GRAPH: self.graphs.post,
            jobs.ASK_GROUPS: self.groups.ask,
        }


def open_aws(core: Core) -> Aws:
    """boto3 on a bounded pool. Queues have their own sessions: a long poll outlasts the read timeout of the others."""
    account = core.config.account
    return Aws(
        pool=ThreadPool(_AWS_THREADS + len(core.config.sources.queues)),
        session=cache(lambda region: Session(region, AwsSettings(account=account))),
        queues=cache(lambda region: Session(region, AwsSettings(account=account, read_timeout=POLL_SECONDS + 10))),
    )


@asynccontextmanager
async def open_slack(core: Core, token: str) -> AsyncIterator[SlackParts]:
    """Everything that speaks to Slack over one connection pool. Slack need not answer for this."""
    async with connect(token, core.settings.slack_api_url) as slack:
        people = People(core.store, slack, core.directory, core.config)
        outbox = Outbox(core.store, slack)
        room = Room(core.store, slack, core.responder, people, core.config)
        drawing = Drawing(core.store, slack, outbox, core.responder, core.runs, people)
        groups = Groups(core.store, slack, core.config)
        graphs = GraphFiles(core.store, slack, outbox, core.runs, people)
        yield SlackParts(slack, people, room, drawing, SlackPages(slack, outbox, people), groups, graphs)


def form_choices(aws: Aws) -> Choices:
    """What AWS has, for the menus of forms."""

    async def look(kind: ValueType, region: str, given: Mapping[str, str]) -> Sequence[str]:
        return await aws.pool(lambda: choices(kind, aws.session(region), given))

    return Choices(look)


def build_worker(core: Core, aws: Aws, slack: SlackParts | None) -> Worker:
    """The worker with the handler of every kind of job."""
    hands = Hands(ACTIONS, CHECKS, aws.session, aws.pool)
    planner = Planner(
        core.store, core.runs, hands, missing_permissions=permissions.missing, call_problems=models.problems_of
    )
    upkeep = Upkeep(core.store, core.inbox, _sweep(core, aws), survey_of(core, aws))
    paging = Paging(core.store, core.responder, _contact_methods(core, aws, slack))
    changes: Mapping[Kind, Change] = {
        jobs.ALARM: Drain(core.responder).alarms,
        jobs.ESCALATE: core.responder.escalations_due,
        jobs.RUN_TIMER: core.runs.timers_due,
        jobs.CONSIDER: Automatic(core.config, core.runs).consider,
        jobs.REMIND: Reminding(core.directory).due,
    }
    effects: dict[Kind, Effect] = {
        jobs.PAGE: paging.page,
        jobs.PLAN_RUN: planner.plan,
        jobs.STEP: StepRunner(core.store, core.runs, hands).step,
        jobs.RENEW: Renewing(core.store, hands).renew,
        jobs.SWEEP: upkeep.sweep,
        jobs.TIDY: upkeep.tidy,
        jobs.AUDIT: Auditor().audit,
        jobs.HEARTBEAT: _heartbeat(core, aws).beat,
        jobs.SURVEY: upkeep.survey,
        **(slack.handlers if slack else dict.fromkeys(_SLACK_KINDS, _without_slack)),
    }
    return Worker(core.store, Handlers(changes, effects, _buried))


_SLACK_KINDS = (
    jobs.OPEN_ROOM, jobs.INVITE, jobs.DRAW_CARD, jobs.DRAW_PAGE, jobs.DRAW_RUN, jobs.SAY, jobs.DRAW_HOME,
    jobs.POST_GRAPH, jobs.ASK_GROUPS,
)  # fmt: skip


async def _without_slack(_job: Job) -> Record:
    """Without a token here, another process, or a later one, draws it."""
    raise Unavailable(phrase(N_("This process is not connected to Slack.")), retry_after=5)


def _contact_methods(core: Core, aws: Aws, slack: SlackParts | None) -> Mapping[str, ContactMethod]:
    methods: list[ContactMethod] = contact_methods(core, aws)
    if slack:
        methods.append(slack.pages)
    return {method.kind: CountedMethod(method) for method in methods}


def _heartbeat(core: Core, aws: Aws) -> Heartbeat:
    def put(region: str) -> Put:
        async def metrics_(**data: Any) -> Any:
            return await aws.pool(lambda: aws.session(region).client("cloudwatch").put_metric_data(**data))

        return metrics_

    part = core.config.heartbeat
    return Heartbeat(core.store, {region: put(region) for region in part.regions}, part.namespace)


def _sweep(core: Core, aws: Aws) -> Sweep | None:
    sources = core.config.sources
    if not sources.sweep_regions:
        return None

    async def raised() -> Mapping[str, datetime | None]:
        async with core.store.begin() as tx:
            return await tx.incidents.raised()

    clients = {region: aws.session(region).client("cloudwatch") for region in sources.sweep_regions}
    topics = frozenset(sources.topics)
    return Sweep(clients, CountedInbox(core.inbox), raised, aws.pool, core.clock, topics)


def survey_of(core: Core, aws: Aws) -> Survey:
    """What is asked of AWS every few minutes, for a night in which it cannot be asked."""
    return Survey(core.store, core.config, partial(ask, aws.session), aws.pool)


async def _buried(tx: Tx, job: Job, error: str) -> None:
    """A job failed too often: its incident says so, and upkeep raises an alarm about it."""
    log.error("job.buried", kind=job.kind.name, payload=dict(job.payload), error=error)
    if incident := job.payload.get("incident"):
        what = N_("Lifeboat gave up on a job ({kind}) after {attempts} tries.")
        said = phrase(what, kind=job.kind.name, attempts=job.attempts)
        await tx.notes.write(entry(incident, tx.now, "job-buried", said))


@dataclass(frozen=True)
class Hired:
    """A worker of the CLI's own, for as long as a command runs."""

    worker: Worker
    stack: AsyncExitStack

    async def run(self) -> None:
        await self.worker.run()

    def stop(self) -> None:
        self.worker.stop()

    async def close(self) -> None:
        await self.stack.aclose()


async def hire(core: Core) -> Hired:
    """A worker inside a command: with Slack when its token is there, without when not."""
    stack = AsyncExitStack()
    aws = open_aws(core)
    stack.callback(aws.pool.close)
    token = core.settings.slack_bot_token
    slack = await stack.enter_async_context(open_slack(core, token.get_secret_value())) if token else None
    return Hired(build_worker(core, aws, slack), stack)


def sns_door(core: Core, aws: Aws, session: aiohttp.ClientSession) -> SnsDoor:
    sources = core.config.sources

    async def confirm(topic: str, token: str, region: str) -> None:
        client = aws.session(region).client("sns")
        await aws.pool(
            lambda: client.confirm_subscription(TopicArn=topic, Token=token, AuthenticateOnUnsubscribe="true")
        )

    return SnsDoor(
        Rules(frozenset(sources.topics), frozenset(sources.signature_versions)),
        Certificates(session, core.settings.sns_cert_url_base),
        CountedInbox(core.inbox),
        confirm,
        core.clock,
        on_forgery=lambda flaw: metrics.FORGERIES.labels(str(flaw)).inc(),
    )


def sqs_doors(core: Core, aws: Aws) -> list[SqsDoor]:
    region = core.config.region
    return [
        SqsDoor(
            aws.queues(_queue_region(url) or region).client("sqs"), url, CountedInbox(core.inbox), aws.pool, asyncio.sleep,
            core.clock, wait_seconds=POLL_SECONDS,
        )
        for url in core.config.sources.queues
    ]  # fmt: skip


def _queue_region(url: str) -> str | None:
    """The region of `https://sqs.<region>.amazonaws.com/…`; None for another address."""
    parts = url.split("/")[2].split(".")
    return parts[1] if len(parts) > 3 and parts[0] == "sqs" else None
