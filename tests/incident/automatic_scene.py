"""Two alarms of one service, and the playbook that they start; for the tests of what starts by itself."""

from dataclasses import dataclass
from typing import Any

from bot.clock import SystemClock
from bot.config import Config
from bot.incident.automatic_rules import announced
from bot.incident.incident import Incident
from bot.incident.ports import Switch
from bot.incident.run import Run
from bot.store.sql import Store
from tests.support.actions import HEAD, Play, play, playbook
from tests.support.core import alarm

RULE = "automatic: {signals: 2, steady_for: 2m, per_hour: 1, announce: 1m}\n"
OFFER = "offer_when: {service: orders}\n"
STEPS = '  - {id: make, action: thing.make, with: {name: "{{ thing }}"}, deadline: 30m, irreversible: "x"}\n'
#: Long enough for two alarms to be steady, short enough for the announcement still to run.
STEADY, ANNOUNCE = 121, 61


def settings(**automatic: Any) -> Config:
    return Config.model_validate(
        {"services": {"orders": {"match": [{"alarm": "orders-*"}]}}, "automatic": {"enabled": True, **automatic}}
    )


def made(rule: str = RULE, offer: str = OFFER, head: str = HEAD) -> Any:
    return playbook(STEPS, head.replace("inputs:\n", f"{rule}{offer}inputs:\n"))


@dataclass
class Scene:
    """Incidents of one service; `play.cloud` is what would be changed."""

    play: Play

    async def alarms(self, *names: str, channel: bool = True, **more: Any) -> list[Incident]:
        """These go off now, each with its own metric; their incidents have rooms."""
        core = self.play.core
        for name in names:
            now = core.clock.now()
            await core.raise_alarm(alarm(name, metric=name, changed_at=now, **more))
        await core.worker.drain()
        if channel:
            async with core.store.begin() as tx:
                for incident in await tx.incidents.listing(open_only=True):
                    await core.responder.room_opened(tx, incident.id, f"C-{incident.id}")
        await core.worker.drain()
        return await self.open()

    async def open(self) -> list[Incident]:
        async with self.play.core.store.begin() as tx:
            return sorted(await tx.incidents.listing(open_only=True), key=lambda one: one.started_at)

    async def runs(self) -> list[Run]:
        async with self.play.core.store.begin() as tx:
            return [run for one in await tx.incidents.listing(open_only=False) for run in await tx.runs.of(one.id)]

    async def announced(self) -> Run:
        """The one run, announced in its channel just now."""
        [run] = await self.runs()
        async with self.play.core.store.begin() as tx:
            await announced(tx, run.id)
        return await self.play.run(run.id)

    async def begun(self) -> Run:
        run = await self.announced()
        await self.play.later(seconds=ANNOUNCE)
        return await self.play.run(run.id)

    async def told(self, kind: str) -> list[str]:
        """What the timelines say of this kind."""
        async with self.play.core.store.begin() as tx:
            notes = [note for one in await tx.incidents.listing(open_only=False) for note in await tx.notes.of(one.id)]
        return [str(note.phrase) for note in notes if note.kind == kind]

    async def switch(self, *switches: Switch) -> None:
        async with self.play.core.store.begin() as tx:
            for switch in switches:
                await tx.switches.put(switch)

    async def clear(self, name: str) -> None:
        await self.play.core.raise_alarm(alarm(name, state="ok", changed_at=self.play.core.clock.now()))


async def scene(store: Store, clock: SystemClock, made_: Any = None, config: Config | None = None) -> Scene:
    found = Scene(await play(store, clock, made_ or made(), config or settings()))
    await found.clear("orders-errors")  # the one that `play` begins with
    async with store.begin() as tx:
        await found.play.core.responder.resolve(tx, found.play.incident, "mina")
    return found
