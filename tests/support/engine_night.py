"""A night with a zone or a region in trouble: what Mina and Alex do with playbooks, in Slack or at a terminal.

Mina reads Korean and Alex English, so what they press is found by its `action_id`, never by its label.
"""

import asyncio
import json
import sys
from asyncio import subprocess
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.rehearsal.front import LOAD_BALANCERS, Front
from bot.rehearsal.shop import CLUSTER
from bot.rehearsal.slack.person import Person
from bot.rehearsal.slack.workspace import Message
from bot.rehearsal.stage import Stage
from bot.slack.commands import NAME
from bot.store.sql import Transaction
from tests.support.deaths import Death
from tests.support.night import PATIENCE, Night

_RUN = "📘"
_PAST = timedelta(hours=2)


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    status: int
    out: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class EngineNight(Night):
    """`front`: the load balancers and the plan of the shop, as AWS has them."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        assert stage.shop.front is not None
        self.front: Front = stage.shop.front
        self.alex: Person = stage.slack.person("alex")

    def configure(self, **more: Any) -> None:
        """Add to lifeboat.yaml, before the bot starts."""
        file = self.stage.folder / "lifeboat.yaml"
        file.write_text(json.dumps(json.loads(file.read_text()) | more))

    def own_playbooks(self, *playbooks: Mapping[str, Any]) -> None:
        """Write a folder of the user's own playbooks, and name it in lifeboat.yaml."""
        folder = self.stage.folder / "own"
        folder.mkdir()
        for playbook in playbooks:
            (folder / f"{playbook['name']}.yaml").write_text(json.dumps(playbook))
        self.configure(playbook_folders=[str(folder)])

    async def begins(self, **environment: str) -> None:
        await super().begins(**environment)
        await self.is_ready()

    async def restarts(self) -> None:
        await self.dies()
        await self.rises()

    async def survives(self, death: Death, doing: Awaitable[Any]) -> None:
        """Somebody does something, and the bot dies of it at that moment; another one rises."""
        strike = asyncio.ensure_future(death.arm(self))
        await doing
        await strike
        await self.rises()

    # What people do with commands and forms.

    async def opens_form(self, who: Person, line: str, *, channel: str) -> None:
        """Type a command of ours, and wait until its form, or its question, is there."""
        told = await who.command(NAME, line, channel=channel)
        assert told.ok, told
        await self.see(who, lambda: bool(_fields(who) or _choices(who)), "a form")

    async def chooses_service(self, who: Person, name: str) -> None:
        """No incident is open, so the form asks first which service it is for."""
        [block] = [block_id for block_id, value in _choices(who).items() if value["v"] == name]
        await who.click(block)
        await self.see(who, lambda: bool(_fields(who)), "a form")

    async def presses_for_form(self, who: Person, action: str, room: str) -> None:
        """Press a button that opens a form."""
        await self.see(who, lambda: self._shows(action, room), f"the button {action}")
        assert (await who.click(action, channel=room)).ok
        await self.see(who, lambda: bool(_fields(who)), "a form")

    async def sends(self, who: Person, fields: Mapping[str, str]) -> None:
        """Fill in the form and send it; it is taken."""
        await who.fill(fields)
        assert (await who.submit()).ok
        assert who.modal is None, who.screen()

    def menu(self, who: Person, name: str) -> set[str]:
        """What a menu of the form offers."""
        return {option["value"] for option in _fields(who)[name]["element"]["options"]}

    async def reads_plan(self, who: Person, action: str, room: str) -> str:
        """The whole plan, as its modal shows it; the modal is closed again."""
        assert (await who.click(action, channel=room)).ok
        await self.see(who, lambda: who.modal is not None and len(who.modal.spec["blocks"]) > 1, "the plan")
        read = who.screen().rsplit("--- modal", 1)[-1]
        await who.close()
        return read

    # What they see of runs.

    async def see(self, who: Person, holds: Callable[[], bool], what: str) -> None:
        """Wait until somebody sees it."""
        try:
            await who.waits_until(holds, what, timeout=PATIENCE)
        except AssertionError as why:
            raise AssertionError(f"{why}\n{self.stage.log()[-3000:]}") from None

    async def run_says(self, text: str, room: str) -> None:
        await self.see(
            self.mina, lambda: any(text in self.mina.reads(m) for m in self._runs(room)), f"a run that says {text!r}"
        )

    def said_anywhere(self, text: str) -> list[tuple[str, Message]]:
        """The messages of incident channels that show a text, with the channel's name."""
        rooms = [c for c in self.stage.slack.world.channels.values() if c.name.startswith("inc-")]
        return [(c.name, m) for c in rooms for m in c.messages.values() if text in self.mina.reads(m)]

    def is_told(self, text: str) -> Callable[[Transaction], Awaitable[bool]]:
        """Whether the timeline of an open incident says so; for `until`."""

        async def told(tx: Transaction) -> bool:
            incidents = await tx.incidents.listing(open_only=True)
            timelines = [await tx.notes.of(one.id) for one in incidents]
            return any(text in str(entry.phrase) for entries in timelines for entry in entries)

        return told

    def _runs(self, room: str) -> list[Message]:
        return [m for m in self.mina.messages(room) if m.text.startswith(_RUN)]

    # What AWS says.

    def traffic_in(self, zone: str) -> list[float]:
        """The share of each load balancer's traffic that the zone gets."""
        return [self.front.weights(name)[zone] for name in LOAD_BALANCERS]

    def shifts(self) -> Counter[tuple[str, str]]:
        """How many zonal shifts there have ever been, by load balancer and status."""
        found = self.stage.shop.client("arc-zonal-shift").list_zonal_shifts()["items"]
        return Counter((one["resourceIdentifier"].split("/")[-2], one["status"]) for one in found)

    def asked_of(self, region: str) -> set[str]:
        """What a region was asked, but for the sweep of its alarms, which goes on by itself."""
        return {
            call.operation for call in self.stage.aws.calls
            if call.region == region and call.operation != "DescribeAlarms"
        }  # fmt: skip

    def changes(self, service: str, operation: str) -> int:
        """How often AWS has taken such a call."""
        return sum(call.status == 200 for call in self.stage.aws.calls.of(service, operation))

    def restarted(self) -> Counter[str]:
        """How often each ECS service was restarted."""
        return Counter(call.parameters["service"] for call in self.stage.aws.calls.of("ecs", "UpdateService"))

    def adds_services(self, *names: str) -> None:
        """More ECS services beside `web`, as old as it is."""
        ecs, clock = self.stage.shop.client("ecs"), self.stage.aws.clock
        clock.move(-_PAST)
        for name in names:
            ecs.create_service(cluster=CLUSTER, serviceName=name, taskDefinition="web:1", desiredCount=1)
        clock.move(_PAST)

    async def alarms(self, *names: str) -> None:
        """Alarms of different metrics are made, and go off."""
        cloudwatch, topic = self.stage.shop.client("cloudwatch"), self.stage.shop.queue_topic
        for name in names:
            await asyncio.to_thread(
                lambda name=name: cloudwatch.put_metric_alarm(
                    AlarmName=name, AlarmActions=[topic], Namespace="Shop", MetricName=name, Statistic="Maximum", Period=60,
                    EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanOrEqualToThreshold",
                )
            )  # fmt: skip
            await asyncio.to_thread(
                cloudwatch.set_alarm_state, AlarmName=name, StateValue="ALARM", StateReason="on purpose"
            )

    # At a terminal.

    async def lifeboat(self, *words: str, who: str = "mina") -> Said:
        """The command line in a process of its own."""
        environment = {**self.stage.environment(), "LIFEBOAT_PERSON": who, "LC_ALL": "C.UTF-8"}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot.cli", *words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        async with asyncio.timeout(PATIENCE):
            out, err = await process.communicate()
        return Said(process.returncode or 0, out.decode() + err.decode())


def _blocks(who: Person) -> list[dict[str, Any]]:
    return list(who.modal.spec.get("blocks", ())) if who.modal else []


def _fields(who: Person) -> dict[str, dict[str, Any]]:
    """The fields of the form that is open, by name."""
    return {block["block_id"]: block for block in _blocks(who) if block["type"] == "input"}


def _choices(who: Person) -> dict[str, Any]:
    """What the buttons of the open modal stand for, by block."""
    found = {block["block_id"]: block["accessory"] for block in _blocks(who) if "accessory" in block}
    return {block: json.loads(button["value"]) for block, button in found.items() if "value" in button}
