"""Drives an action against the emulated AWS as a run does: plan, act, look until it ends, with answers to its questions."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.aws.session import Client
from bot.playbook.action import Asks, Attempt, Done, Failed, Memo, Progress, StepPlan, Working
from bot.rehearsal.aws.emulator import EmulatedAws

INCIDENT = "inc-7"


class Cloud:
    """`Aws` over the emulator: its clients under the product's rules, and every call on the emulator's log."""

    def __init__(self, aws: EmulatedAws, region: str = "us-east-1") -> None:
        self.aws, self.region = aws, region

    def client(self, service: str, region: str | None = None, *, endpoint: str = "") -> Any:
        client = self.aws.client(service, region or self.region, endpoint=endpoint)
        return Client(reads=client, changes=client, before_change=lambda: None)

    def changes(self, service: str) -> list[str]:
        """What was asked of a service that is no look."""
        reads = ("Get", "List", "Describe")
        return [call.operation for call in self.aws.calls.of(service) if not call.operation.startswith(reads)]


@dataclass
class Step:
    """One attempt of one step, with what a run would have stored of it."""

    action: Any
    params: Any
    cloud: Cloud
    number: int = 1
    incident: str = INCIDENT
    run_id: str = "run-1"
    memory: Mapping[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    started_at: datetime | None = None
    known: Mapping[str, Memo] = field(default_factory=dict)

    def attempt(self, answer: Any = None, *, again: bool = False) -> Attempt:
        now = self.cloud.aws.clock.now()
        self.started_at = self.started_at or now
        about = (self.incident, self.run_id, "switch", self.number, self.started_at, now)
        return Attempt(*about, json.loads(json.dumps(self.memory)), answer, again, self.known)

    def plan(self) -> StepPlan:
        plan: StepPlan = self.action.plan(self.params, self.cloud, self.attempt())
        return plan

    def act(self, answer: Any = None, *, again: bool = False) -> Progress:
        return self._kept(self.action.act(self.params, self.cloud, self.attempt(answer, again=again)))

    def look(self) -> Progress:
        return self._kept(self.action.look(self.params, self.cloud, self.attempt()))

    def wait(self, progress: Progress, most: int = 100) -> Progress:
        """Look, or act where there is more to do, until it is no longer working."""
        for _ in range(most):
            if not isinstance(progress, Working):
                return progress
            self.cloud.aws.clock.move(progress.again_in)
            progress = self.act() if progress.more else self.look()
        raise AssertionError(f"It never ends: {self.notes[-1]}")

    def run(self, answers: Sequence[str] = ()) -> Progress:
        """From the first call to the end."""
        progress, left = self.wait(self.act()), list(answers)
        while isinstance(progress, Asks) and left:
            progress = self.wait(self.act(left.pop(0)))
        return progress

    def _kept(self, progress: Progress) -> Progress:
        match progress:
            case Working(note=note, memory=memory):
                self.notes.append(str(note))
                self.memory = memory
            case Asks(question=question, memory=memory):
                self.questions.append(str(question))
                self.memory = memory
            case Done(output=output):
                assert set(output) <= set(self.action.facts.outputs)
                json.dumps(output)
            case Failed():
                pass
        return progress
