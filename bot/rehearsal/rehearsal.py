"""A night in the rehearsal AWS, in its own time: something breaks, the bot pages, people run a playbook, the shop recovers.

    async with Rehearsal(folder) as night:
        await night.break_("zone:use1-az1")
        await night.paged()                        # the alarm came the real way, and somebody has answered the page
        run = await night.run("evacuate-zone")     # planned, approved, executed; returns when it is over or stands still
        await night.until_well()
        print((await night.report()).as_json())

The bot is the real one, in this process: `open_core`, `build_worker`, its SQS door, boto3 with nothing but an address. Its
clock and the emulator's are one, and it stands still while there is work: everything that is due is done, then time
jumps to the next instant at which something is. So forty minutes pass in seconds, and AWS takes as long as it takes.
One at a time in a process, as the emulator.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bot.core import Core
from bot.errors import N_, Missing, Phrase, phrase
from bot.incident.incident import Incident
from bot.incident.run import Run, Step
from bot.rehearsal.account import Shape, lay_down
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.emulator import EmulatedAws
from bot.rehearsal.aws.log import Logged
from bot.rehearsal.aws.moto_app import backend
from bot.rehearsal.aws.restores import RestoreTimes
from bot.rehearsal.borrowed import environment
from bot.rehearsal.breakages import Breakage, Scene, parse
from bot.rehearsal.crew import NAMES, Answer, Crew, Pace, team
from bot.rehearsal.estate import Estate, alarms
from bot.rehearsal.estate.names import QUEUE, STANDBY
from bot.rehearsal.estate.site import AGENT
from bot.rehearsal.measured import STEADY
from bot.rehearsal.night_bot import NightBot
from bot.rehearsal.night_report import Report, made
from bot.rehearsal.storefront import Storefront
from bot.rehearsal.telling import Tell, Telling, silent
from bot.rehearsal.writer import Writer

#: What AWS takes: a restore a quarter of an hour, with what is restorable lagging five minutes; a task half a minute; a job
#: of AWS Backup ten minutes.
RESTORES = RestoreTimes(duration=900, lag=300)
BACKUP_JOB = 600.0
TASKS = (timedelta(seconds=10), timedelta(seconds=20), timedelta(seconds=20))
#: Before the fault, so that there is something to lose and a state to compare with.
_CALM = timedelta(seconds=60.5)
_POLL = timedelta(seconds=10)
_AT_REST = frozenset({"needs_person", "succeeded", "undone", "failed", "aborted", "refused", "expired"})


@dataclass(frozen=True)
class Struck:
    """A breakage that has happened."""

    at: datetime
    breakage: Breakage
    what: Phrase


class Rehearsal:
    """`breaks` are struck on entry, after a calm minute. `people`: how many may approve; `answer`: to what playbooks ask.

    `playbooks`: folders of one's own, beside the shipped ones. `account`: what is laid down beside the shop.
    `every`: how often a customer writes. `tell(at, text)` hears the timeline as it happens. `aws`, `estate`,
    `storefront`, `writer`, `bot`, `core` are for tests: `aws.faults` and `aws.outages` break more than `break_` can.
    """

    def __init__(
        self, folder: Path, breaks: Sequence[str] = (), *, people: int = 3, answer: Answer = "yes", pace: Pace | None = None,
        every: timedelta = timedelta(seconds=5), restores: RestoreTimes = RESTORES, playbooks: Sequence[Path] = (),
        account: Shape | None = None, tell: Tell = silent,
    ) -> None:  # fmt: skip
        self.folder, self.people, self.answer, self.pace = folder, people, answer, pace or Pace()
        self.playbooks, self.account = playbooks, account
        self.breaks = [parse(text) for text in breaks]
        self.aws = EmulatedAws(clock=Clock(start=datetime.now(UTC).replace(microsecond=0)), restores=restores)
        self.estate = Estate(self.aws)
        self.storefront = Storefront(self.estate)
        self.writer = Writer(self.storefront, every)
        self.faults: list[Struck] = []
        self.telling = Telling(tell)
        self.runs: list[str] = []
        self.incident: Incident | None = None
        self.marked: datetime | None = None
        self.bot: NightBot
        self._crew: Crew
        self._stack = AsyncExitStack()
        self._later: list[tuple[datetime, Callable[[], Awaitable[Any]]]] = []
        self._raised: list[tuple[str, str]] = []

    async def __aenter__(self) -> Self:
        try:
            await self._stack.enter_async_context(self.aws)
            await self._stack.enter_async_context(self.storefront)
            self.aws.ecs.pace = type(self.aws.ecs.pace)(*TASKS)
            self.aws.restore_jobs.seconds = self.aws.backup_jobs.seconds = BACKUP_JOB
            await asyncio.to_thread(self.estate.build)
            if self.account:
                for note in await asyncio.to_thread(lay_down, self.account, self.estate):
                    self.say(note)
            self._stack.enter_context(environment(self.estate.environment))
            await asyncio.to_thread(self._write_configuration)
            await self.start_bot()
            self._stack.push_async_callback(self.stop_bot)
            self._at(self.now, self._customer)
            self._at(self.now, self._listen)
            await self.pass_time(_CALM)
            for breakage in self.breaks:
                await self._strike(breakage)
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def now(self) -> datetime:
        """The rehearsal's time."""
        return self.aws.clock.now()

    # What happens.

    async def break_(self, text: str) -> Struck:
        """Break something now, as `breakages.parse` reads it; its alarm goes off when real monitoring would see it."""
        return await self._strike(parse(text))

    async def mend(self, region: str) -> None:
        """A region is itself again: lit, fast and whole, and all of its zones. What is replicated catches up."""
        self.aws.inside(lambda: self.aws.outages.mend(region))
        self.say(phrase(N_("{region} is itself again."), region=region))

    def mark(self) -> None:
        """What is measured begins now: what was before is the story of it."""
        self.marked = self.now

    async def paged(self, limit: timedelta = timedelta(minutes=10)) -> Incident:
        """The incident of the first fault, once somebody was paged and has answered. Raises `Missing` when nobody is in time."""

        async def answered() -> bool:
            async with self.core.store.begin() as tx:
                incidents = await tx.incidents.listing(open_only=True)
            self.incident = next((one for one in incidents if one.acknowledged_at and self._is_of_first(one)), None)
            return self.incident is not None

        if not await self.until(answered, limit) or self.incident is None:
            raise Missing(phrase(N_("Nobody was paged within {limit}: no alarm notices this."), limit=limit))
        return self.incident

    async def declare(self, title: str) -> Incident:
        """Somebody notices it who is no alarm."""
        async with self.core.store.begin() as tx:
            answer = await self.core.responder.declare(tx, title, f"cli:{NAMES[0]}", service="shop")
            self.incident = (await self.core.responder.acknowledge(tx, answer.incident.id, f"cli:{NAMES[0]}")).incident
        return self.incident

    async def request(self, playbook: str, inputs: Mapping[str, str] | None = None) -> Run:
        """Ask for a playbook, and go on at once. Raises `BadInputs`, `NotFound`, `Refused`."""
        assert self.incident, "there is no incident: call paged() or declare() first"
        who = NAMES[0]
        async with self.core.store.begin() as tx:
            run = await self.core.runs.request(tx, self.incident.id, playbook, inputs or {}, f"cli:{who}", via=who)
        self.runs.append(run.id)
        self.bot.due = None
        return run

    async def run(
        self, playbook: str, inputs: Mapping[str, str] | None = None, limit: timedelta = timedelta(hours=3)
    ) -> Run:
        """Ask for a playbook and see it through: the run when it is over, or needs a person who can do more than say yes.

        Texts as a form would have them; what is not given is taken from the alarm and the service. Look at its `status`.
        """
        await self.pass_time(self.pace.ask)
        run = await self.request(playbook, inputs)
        return await self.until_rests(run.id, limit)

    async def until_rests(self, run: str, limit: timedelta = timedelta(hours=3)) -> Run:
        """The run, when it is over or stands still."""

        async def rests() -> bool:
            return (await self.look_at(run))[0].status in _AT_REST

        await self.until(rests, limit)
        return (await self.look_at(run))[0]

    async def look_at(self, run: str) -> tuple[Run, Sequence[Step]]:
        """A run and its rows as they stand."""
        async with self.core.store.begin() as tx:
            return await tx.runs.peek(run), await tx.runs.steps(run)

    async def until_well(self, limit: timedelta = timedelta(minutes=30)) -> bool:
        """Whether the shop answers everything again, and goes on to; then its alarms see it too."""

        async def well() -> bool:
            latest = self.writer.samples[-STEADY:]
            return len(latest) == STEADY and all(one.well and one.at >= self.measured_from for one in latest)

        found = await self.until(well, limit)
        if found:
            await asyncio.to_thread(self._all_clear)
            await self.pass_time(_POLL)
        return found

    async def pass_time(self, length: timedelta) -> None:
        """Let so much of the rehearsal's time pass, with all that happens in it."""

        async def never() -> bool:
            return False

        await self.until(never, length)

    async def until(self, holds: Callable[[], Awaitable[bool]], limit: timedelta) -> bool:
        """Let time pass until it holds; False when it does not within the limit."""
        end = self.now + limit
        while True:
            await self._work()
            if await holds():
                return True
            if self.now >= end:
                return False
            await self._jump(end)

    # What can be seen.

    async def report(self) -> Report:
        """What the night has shown so far."""
        rows, runs = dict[str, timedelta](), dict[str, str]()
        for id_ in self.runs:
            run, steps = await self.look_at(id_)
            runs[f"{run.name}/{id_}"] = run.status
            rows |= {
                f"{run.name}/{row.step}": row.ended_at - row.started_at
                for row in steps
                if row.started_at and row.ended_at
            }
        return made(self, rows, runs)

    def asked(self, region: str | None = None, since: datetime | None = None) -> list[Logged]:
        """The bot's own calls to AWS: to a region, since an instant. What the rehearsal itself asked is left out."""
        return [
            call for call in self.aws.calls
            if AGENT not in call.agent and region in {None, call.region} and (since is None or call.at >= since)
        ]  # fmt: skip

    # The bot.

    @property
    def core(self) -> Core:
        """What the bot has opened: its store, its verbs."""
        return self.bot.core

    async def start_bot(self) -> None:
        """Open the real bot on the folder's database. After `stop_bot` it goes on where it was."""
        self.bot = await NightBot.open(self.folder, self.aws.clock, self.estate.queue_url)
        self._crew = Crew(self.core, self.say, self.people, self.answer, self.pace)

    async def stop_bot(self) -> None:
        """Let go of everything, as a process that ends."""
        await self.bot.close()

    def say(self, what: Phrase | str) -> None:
        """Add to the timeline."""
        self.telling.say(self.now, what)

    @property
    def measured_from(self) -> datetime:
        """The first fault; for a planned change (`mark`), the first request since that was not served, or that instant."""
        if self.marked is not None:
            since = self.marked
            return next((one.at for one in self.writer.samples if one.at >= since and not one.well), since)
        return self.faults[0].at if self.faults else self.writer.samples[0].at

    def _is_of_first(self, incident: Incident) -> bool:
        """Whether it is about the first fault that an alarm notices: what breaks at once makes several incidents."""
        noticed = [one.breakage.kind.alarm for one in self.faults if one.breakage.kind.alarm]
        return not noticed or (incident.alarm is not None and incident.alarm.name == noticed[0])

    async def _work(self) -> None:
        """Do all that is due now, and all that follows from it."""
        await self._do_later()
        while await self._crew.act() or await self.bot.work():
            self.bot.due = None  # whatever was done may have been followed by more
            await self._crew.look(self.runs)
            await self.telling.retell(self.core)

    async def _do_later(self) -> None:
        due = [one for one in self._later if one[0] <= self.now]
        self._later = [one for one in self._later if one[0] > self.now]
        for _, work in due:
            await work()

    async def _jump(self, end: datetime) -> None:
        """To the next instant at which something is due."""
        instants = [end, self.bot.due, self._crew.next_due, *(at for at, _ in self._later)]
        to = min(at for at in instants if at is not None)
        if to > self.now:
            self.aws.clock.move(to - self.now)

    def _at(self, when: datetime, work: Callable[[], Awaitable[Any]]) -> None:
        self._later.append((when, work))

    async def _customer(self) -> None:
        self.telling.shop(await self.writer.tick())
        self._at(self.now + self.writer.every, self._customer)

    async def _listen(self) -> None:
        """The door polls while there is something to take in: to poll in vain would only take long."""
        while self.aws.inside(self._is_mail):
            await self.bot.poll()
        self._at(self.now + _POLL, self._listen)

    def _is_mail(self) -> bool:
        queue = backend("sqs", STANDBY).queues[QUEUE]
        return any(message.visible for message in queue.messages)

    async def _strike(self, breakage: Breakage) -> Struck:
        fault = await asyncio.to_thread(breakage.strike, Scene(self.estate, self.storefront))
        struck = Struck(self.now, breakage, fault.what)
        self.faults.append(struck)
        self.say(fault.what)
        if alarm := breakage.kind.alarm:

            async def notice() -> None:
                await asyncio.to_thread(self._raise, alarm, fault.region, fault.dimensions)

            self._at(self.now + breakage.kind.noticed_after, notice)
        return struck

    def _raise(self, alarm: str, region: str, dimensions: Mapping[str, str]) -> None:
        site = self.estate.site(region)
        if alarms.WATCHES[alarm].dimensions != dimensions:
            alarms.put(site, alarm, dimensions)
        self.say(phrase(N_("CloudWatch: {alarm} goes off."), alarm=alarm))
        alarms.go_off(site, alarm)
        self._raised.append((alarm, region))

    def _all_clear(self) -> None:
        """The alarms see that all is well, as far as they can be asked."""
        for alarm, region in self._raised:
            if not self.aws.outages.region_is_dark(region):
                alarms.clear(self.estate.site(region), alarm)
        self._raised.clear()

    def _write_configuration(self) -> None:
        escalation = self.folder / "escalation"
        escalation.mkdir(exist_ok=True)
        for name, values in team(self.people).items():
            (escalation / f"{name}.yaml").write_text(json.dumps(values))
        folders = [str(folder.resolve()) for folder in self.playbooks]
        config = {**self.estate.config(), "escalation_folder": "escalation", "playbook_folders": folders}
        (self.folder / "lifeboat.yaml").write_text(json.dumps(config))
