"""The rehearsal: how soon its world stands and what it holds, and a region failover of 200 services in it.

The world is the emulated AWS with the whole shop in two regions, its customers, and the real bot. Floor: the emulated AWS alone.

The failover runs `region-failover` on a shop of 200 ECS services. The rehearsal's time stands still while anybody works, so
what it says is what AWS takes; the real seconds of all work (the bot's, and the emulator's in the same process) are added.
Floor: the critical path, the longest chain of steps that wait for one another.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.result import Result
from benchmarks.stand import Stand
from bot.incident.playbook_runs import playbook_of
from bot.playbook import graph
from bot.rehearsal.estate import Estate
from bot.rehearsal.estate.names import CLUSTER, WEB
from bot.rehearsal.estate.services import define
from bot.rehearsal.rehearsal import Rehearsal
from bot.rehearsal.storefront import Storefront
from bot.rehearsal.writer import Writer

_SERVICES = 200
_AT_HOME, _IN_STANDBY = 2, 1

_WORLD = """\
import time; begun = time.monotonic()
import asyncio, json, pathlib, psutil, tempfile
from bot.rehearsal.rehearsal import Rehearsal
async def main():
    with tempfile.TemporaryDirectory() as folder:
        async with Rehearsal(pathlib.Path(folder)):
            print(json.dumps([time.monotonic() - begun, psutil.Process().memory_info().rss / 1e6]))
asyncio.run(main())
"""
_EMULATOR = """\
import time; begun = time.monotonic()
import asyncio, json, psutil
from bot.rehearsal.aws.emulator import EmulatedAws
async def main():
    async with EmulatedAws() as aws:
        aws.client("sts").get_caller_identity()
        print(json.dumps([time.monotonic() - begun, psutil.Process().memory_info().rss / 1e6]))
asyncio.run(main())
"""


def run(stand: Stand, *, quick: bool) -> Sequence[Result]:  # noqa: ARG001  # it needs no bot of the stand's
    rounds = range(1 if quick else 3)
    worlds, floors = [_said(_WORLD) for _ in rounds], [_said(_EMULATOR) for _ in rounds]
    failovers = [asyncio.run(_failover(_SERVICES)) for _ in rounds]
    return [
        Result("rehearsal, until its world stands", "s", [s for s, _ in worlds], [s for s, _ in floors], aim=3),
        Result("  memory then", "MB", [mb for _, mb in worlds], [mb for _, mb in floors], aim=250),
        Result(
            f"region failover of {_SERVICES} services, rehearsal's time and all work", "s",
            [took + worked for took, worked, _ in failovers], [path for _, _, path in failovers], ratio_aim=1.1,
        ),
        Result("  of it, work", "s", [worked for _, worked, _ in failovers]),
    ]  # fmt: skip


def _said(program: str) -> tuple[float, float]:
    """Seconds and megabytes."""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    seconds, megabytes = json.loads(said.stdout.splitlines()[-1])
    return seconds, megabytes


class _Large(Estate):
    """The shop, with many more services in both regions."""

    names = tuple(f"p-{number:03}" for number in range(_SERVICES))

    def build(self) -> None:
        super().build()
        for site in self.sites:
            ecs = site.client("ecs")
            like = ecs.describe_services(cluster=CLUSTER, services=[WEB])["services"][0]
            count = _AT_HOME if site.home else _IN_STANDBY
            for name in self.names:
                release = f"{name}:{define(site, name, f'shop/{name}:1')}"
                ecs.create_service(
                    cluster=CLUSTER, serviceName=name, taskDefinition=release, desiredCount=count, launchType="FARGATE",
                    networkConfiguration=like["networkConfiguration"],
                )  # fmt: skip

    def parameters(self) -> dict[str, str]:
        given = super().parameters()
        more = ",".join(f"{CLUSTER}/{name}" for name in self.names)
        return {**given, "ecs_services": f"{given['ecs_services']},{more}"}


async def _failover(_count: int) -> tuple[float, float, float]:
    """Seconds: of the rehearsal's time, of work, and of the critical path."""
    with tempfile.TemporaryDirectory() as folder:
        night = Rehearsal(Path(folder), every=timedelta(minutes=1))
        night.estate = _Large(night.aws)
        night.storefront = Storefront(night.estate)
        night.writer = Writer(night.storefront, night.writer.every)
        async with night:
            await night.pass_time(timedelta(minutes=6))  # the survey notes what runs at home
            await night.break_("region:us-east-1")
            await night.paged()
            begun = time.monotonic()
            run = await night.run("region-failover")
            worked = time.monotonic() - begun
            if run.status != "succeeded" or run.started_at is None or run.ended_at is None:
                told = (await night.report()).timeline[-8:]
                raise RuntimeError(f"the failover has ended as {run.status}: {told}")
            _, rows = await night.look_at(run.id)
            took = {row.step: _seconds(row) for row in rows if row.is_element is False}
            return (run.ended_at - run.started_at).total_seconds(), worked, _critical_path(run, took)


def _seconds(row: Any) -> float:
    return float((row.ended_at - row.started_at).total_seconds()) if row.started_at and row.ended_at else 0.0


def _critical_path(run: Any, took: Mapping[str, float]) -> float:
    playbook = playbook_of(run)
    needs, ends = graph.needs(playbook), dict[str, float]()
    for step in graph.order(playbook):
        ends[step] = took.get(step, 0.0) + max((ends[one] for one in needs[step]), default=0.0)
    return max(ends.values())
