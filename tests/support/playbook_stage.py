"""One shipped playbook on the emulated shop, ready to start: its nights, each with a copy of the shop of its own.

The bot is forked, so that it can be killed; the shop is forked, so that the next night finds it as this one did. While they
are forked nothing else runs (`sleeping_aws.py`).
"""

import asyncio
import json
import os
import shutil
import signal
import traceback
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bot.aws.session import READS
from bot.config import Config
from bot.rehearsal.aws.log import Logged
from bot.rehearsal.breakages import Scene, parse
from bot.rehearsal.estate.names import HOME
from bot.rehearsal.estate.site import AGENT
from bot.rehearsal.storefront import Storefront
from tests.support.engine_moments import Moments, tell
from tests.support.playbook_cases import CASES
from tests.support.playbook_night import Call, Night
from tests.support.shared_clock import SharedClock
from tests.support.sleeping_aws import LaidEstate, awake, free_port, in_copy
from tests.support.snapshot import snapshot

#: A night that takes longer has jammed; the kill that is meant comes by SIGKILL, this one by SIGALRM.
_LONGEST = 120
#: What AWS still does by itself after a run, such as starting tasks, is done by then.
_SETTLES = timedelta(minutes=10)
#: A region must have answered the survey for an hour before anybody goes back to it.
_AN_HOUR, _SURVEYED = timedelta(minutes=65), timedelta(minutes=5)
#: Parameters that name the attempt: they may differ where the effect is the same.
_TOKENS = {"clientToken", "ClientToken", "IdempotencyToken", "ClientRequestToken", "comment", "reason", "Description"}


@dataclass
class Stage:
    """`ready_at`: the instant at which each night begins. `fails`: the step that fails once its effect is there."""

    folder: Path
    estate: LaidEstate
    clock: SharedClock
    call: Call
    config: Config
    ready_at: datetime
    load: Mapping[str, float]
    port: int
    fails: str = ""

    def undisturbed(self) -> dict[str, Any]:
        """The night as it is, and the names of its moments."""
        return self._night("undisturbed", 0)

    def killed(self, number: int) -> dict[str, Any]:
        """Killed at that moment, then played to the end by another process."""
        return {"number": number, **self._night(f"killed-{number}", number)}

    def before(self) -> dict[str, Any]:
        """How the shop stands at the beginning."""
        self.clock.set(self.ready_at)
        with self._other_aws() as judge:
            return judge()

    def _night(self, name: str, die_at: int) -> dict[str, Any]:
        folder = self.folder / name
        folder.mkdir()
        shutil.copy(self.folder / "ready.db", folder / "lifeboat.db")
        self.clock.set(self.ready_at)
        found: dict[str, Any] = {}
        with self._other_aws() as judge:
            if die_at:
                found["died"] = in_copy(lambda: self._plays(folder, die_at)) == -signal.SIGKILL
                found["moment"] = (folder / "moments").read_text() if found["died"] else ""
            if in_copy(lambda: self._plays(folder, 0)):
                raise RuntimeError(f"{self.call.playbook}: the night {name} broke down")
            found |= json.loads((folder / "end").read_text())
            found["took"] = (self.clock.now() - self.ready_at).total_seconds()
            found |= judge()
        if not die_at:
            found["moments"] = (folder / "moments").read_text().splitlines()
        shutil.rmtree(folder)
        return found

    def _plays(self, folder: Path, die_at: int) -> None:
        signal.alarm(_LONGEST)
        moments = Moments(folder / "moments", die_at, lasting_only=True)
        tell(moments)
        end = asyncio.run(self._goes_on(folder / "lifeboat.db"))
        moments.save()
        (folder / "end").write_text(json.dumps(end))

    async def _goes_on(self, file: Path) -> dict[str, Any]:
        night = Night(file, self.config, self.clock, self.call, fails=self.fails)
        end = await night.goes_on()
        await night.close()
        return end

    @contextmanager
    def _other_aws(self) -> Iterator[Callable[[], dict[str, Any]]]:
        """AWS in a process of its own that outlives the bot; what it says at the end."""
        ours, theirs = Pipe()
        child = os.fork()
        if not child:
            try:
                asyncio.run(self._attends(theirs))
            except BaseException:  # noqa: BLE001  # it must not go on as a second parent
                traceback.print_exc()
            os._exit(0)
        theirs.close()
        ours.recv()

        def judge() -> dict[str, Any]:
            ours.send("judge")
            found: dict[str, Any] = ours.recv()
            return found

        try:
            yield judge
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)

    async def _attends(self, theirs: Connection) -> None:
        async with awake(self.estate, self.port) as storefront:
            storefront.load = self.load
            theirs.send("awake")
            await asyncio.to_thread(theirs.recv)
            theirs.send(await asyncio.to_thread(self._judged, storefront))

    def _judged(self, storefront: Storefront) -> dict[str, Any]:
        aws = self.estate.aws
        calls = [one for one in aws.calls if AGENT not in one.agent and one.at >= self.ready_at]
        self.clock.move(_SETTLES)
        standing = storefront.look()
        lit = [site.region for site in self.estate.sites if not aws.outages.region_is_dark(site.region)]
        return {
            "changes": [_shown(one) for one in calls if one.status == 200 and not READS.match(one.operation)],
            "asked": sorted({f"{one.region} {one.service} {one.operation}" for one in calls}),
            "standing": {"region": standing.region, "share": standing.share, "why": [str(why) for why in standing.why]},
            "snapshot": snapshot(aws, *lit),
        }


async def prepared(
    folder: Path, estate: LaidEstate, clock: SharedClock, template: Path, name: str, fails: str = ""
) -> Stage:
    """Break the shop, let the alarm come, ask for the playbook, and have it planned."""
    case, port = CASES[name], free_port()
    file = folder / "ready.db"
    shutil.copy(template, file)
    async with awake(estate, port) as storefront:
        config = Config.model_validate(estate.config())
        about = Call(name, "")
        await _plays(Night(file, config, clock, about), Night.surveys)
        for text in case.breaks:
            breakage = parse(text)
            fault = await asyncio.to_thread(breakage.strike, Scene(estate, storefront))
            clock.move(breakage.kind.noticed_after)
            about = Call(name, breakage.kind.alarm or text, fault.region, fault.dimensions, case.inputs)
        await _plays(Night(file, config, clock, about), Night.is_paged)
        if case.after:
            before = replace(about, playbook=case.after, inputs={})
            await _plays(Night(file, config, clock, before), _went_before)
            estate.aws.inside(lambda: estate.aws.outages.mend(HOME))
            for _ in range(_AN_HOUR // _SURVEYED):
                clock.move(_SURVEYED)
                await _plays(Night(file, config, clock, before), Night.surveys)
        await _plays(Night(file, config, clock, about), Night.is_asked_for)
        return Stage(folder, estate, clock, about, config, clock.now(), storefront.load, port, fails)


async def _went_before(night: Night) -> None:
    await night.is_asked_for()
    end = await night.goes_on()
    assert end["status"] == "succeeded", end["why"]


async def _plays(night: Night, part: Callable[[Night], Awaitable[None]]) -> None:
    """The bot shares this process for once, so that what it compiles and imports is there for all who are forked from it."""
    await part(night)
    await night.close()


def _shown(call: Logged) -> dict[str, Any]:
    told: Mapping[str, Any] = {key: value for key, value in call.parameters.items() if key not in _TOKENS}
    about = json.loads(json.dumps(told, default=str))
    return {"service": call.service, "operation": call.operation, "region": call.region, "parameters": about}
