"""How the tasks of one ECS service live, as a function of time: nothing here runs by itself.

`Rollout.advance(now)` plays everything that has happened since it was last asked, in order, so that the same moves of
the clock always give the same story. It knows deployments and their history, their limits, crashes and the circuit
breaker; it does not know load balancers.
"""

import math
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

Status = Literal["PROVISIONING", "PENDING", "RUNNING", "DEPROVISIONING", "STOPPED"]
RolloutState = Literal["IN_PROGRESS", "COMPLETED", "FAILED"]
Fate = Literal["healthy", "sick", "crashes"]
_KEPT_STOPPED = 100


@dataclass(frozen=True)
class Pace:
    """How long each stage of a task lasts."""

    provisioning: timedelta
    pending: timedelta
    stopping: timedelta


@dataclass(frozen=True)
class Place:
    zone: str
    subnet: str


@dataclass(frozen=True)
class Image:
    """What a container runs, and what that name meant when it was deployed."""

    container: str
    name: str
    digest: str


@dataclass(frozen=True)
class Limits:
    """`deploymentConfiguration`, with the defaults of ECS."""

    minimum_percent: int = 100
    maximum_percent: int = 200
    breaker: bool = False
    rollback: bool = False


@dataclass(eq=False)
class Task:
    deployment: "Deployment"
    place: Place
    created_at: datetime
    pending_at: datetime
    running_at: datetime
    crash_at: datetime | None
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    healthy: bool = True
    stopping_at: datetime | None = None
    stopped_at: datetime | None = None
    reason: str = ""

    def status(self, at: datetime) -> Status:
        if self.stopped_at is not None and at >= self.stopped_at:
            return "STOPPED"
        if self.stopping_at is not None:
            return "DEPROVISIONING"
        if at >= self.running_at:
            return "RUNNING"
        return "PENDING" if at >= self.pending_at else "PROVISIONING"

    @property
    def wanted(self) -> bool:
        return self.stopping_at is None

    @property
    def crashed(self) -> bool:
        return self.crash_at is not None and self.stopped_at == self.crash_at

    @property
    def milestones(self) -> tuple[datetime | None, ...]:
        if self.stopping_at is None:
            return self.pending_at, self.running_at, self.crash_at
        return (self.stopped_at,)


@dataclass(eq=False)
class Deployment:
    task_definition: str
    places: Sequence[Place]
    created_at: datetime
    updated_at: datetime
    images: Sequence[Image] = ()
    id: str = field(default_factory=lambda: f"ecs-svc/{uuid.uuid4().int % 10**19:019d}")
    state: RolloutState = "IN_PROGRESS"
    reason: str = ""
    failed: int = 0
    rolled_back_by: "Deployment | None" = None


class Rollout:
    """`deployments`, `history` and `events` (time, text) newest first. `fate` says how new tasks of a release will fare."""

    def __init__(self, name: str, desired: int, limits: Limits, pace: Pace, fate: Callable[[str], Fate]) -> None:
        self.name, self.desired, self.limits = name, desired, limits
        self.tasks: list[Task] = []
        self.deployments: list[Deployment] = []
        self.history: list[Deployment] = []
        self.events: list[tuple[datetime, str]] = []
        self._pace, self._fate = pace, fate
        self._last_good: Deployment | None = None
        self._at: datetime | None = None

    @property
    def primary(self) -> Deployment:
        return self.deployments[0]

    def deploy(
        self, task_definition: str, places: Sequence[Place], now: datetime, images: Sequence[Image] = ()
    ) -> None:
        self.deployments.insert(0, Deployment(task_definition, places, now, now, images))
        self.history.insert(0, self.primary)
        self.primary.reason = f"ECS deployment {self.primary.id} in progress."

    def stop(self, task: Task, reason: str, now: datetime) -> None:
        if task.wanted:
            task.stopping_at, task.stopped_at, task.reason = now, now + self._pace.stopping, reason

    def advance(self, now: datetime) -> None:
        while (at := self._next(now)) is not None:
            self._settle(at)
        self._settle(now)

    def count(self, status: Status, now: datetime, deployment: Deployment | None = None) -> int:
        return sum(task.status(now) == status and deployment in {None, task.deployment} for task in self.tasks)

    def _next(self, now: datetime) -> datetime | None:
        """The first instant, after the last one played, at which a task changes by itself."""
        if self._at is None:
            return None
        last = self._at
        due = (at for task in self.tasks for at in task.milestones if at is not None and last < at <= now)
        return min(due, default=None)

    def _settle(self, at: datetime) -> None:
        self._at = at
        self._crash(at)
        self._break_circuit(at)
        self._retire(at)
        self._start(at)
        self._finish(at)
        self._forget(at)

    def _crash(self, at: datetime) -> None:
        for task in self.tasks:
            if task.wanted and task.crash_at is not None and at >= task.crash_at:
                task.stopping_at = task.stopped_at = task.crash_at
                task.reason = "Essential container in task exited"
                task.deployment.failed += 1

    def _break_circuit(self, at: datetime) -> None:
        """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html"""
        threshold = min(max(3, math.ceil(self.desired / 2)), 200)
        failing = self.primary
        if not self.limits.breaker or failing.state != "IN_PROGRESS" or failing.failed < threshold:
            return
        failing.state, failing.updated_at = "FAILED", at
        failing.reason = "ECS deployment circuit breaker: tasks failed to start."
        self._say(at, f"(deployment {failing.id}) deployment failed: tasks failed to start.")
        if self.limits.rollback and self._last_good is not None:
            self._say(at, f"rolling back to deployment {self._last_good.id}.")
            self.deploy(self._last_good.task_definition, self._last_good.places, at, self._last_good.images)
            failing.rolled_back_by = self.primary

    def _retire(self, at: datetime) -> None:
        """Stop what is too much: of the primary beyond the desired count, of older deployments as the limits allow."""
        mine = [task for task in self.tasks if task.wanted and task.deployment is self.primary]
        for task in mine[self.desired :]:
            self._end(task, at)
        if self.primary.state == "FAILED":
            return
        floor = math.ceil(self.desired * self.limits.minimum_percent / 100)
        for task in [each for each in self.tasks if each.wanted and each.deployment is not self.primary]:
            running = [each for each in self.tasks if each.wanted and each.status(at) == "RUNNING"]
            if task not in running or len(running) > floor:
                self._end(task, at)

    def _start(self, at: datetime) -> None:
        if self.primary.state == "FAILED":
            return
        alive = [task for task in self.tasks if task.status(at) != "STOPPED"]
        mine = sum(task.wanted and task.deployment is self.primary for task in alive)
        room = max(self.desired, self.desired * self.limits.maximum_percent // 100) - sum(task.wanted for task in alive)
        for _ in range(min(self.desired - mine, room)):
            task = self._new(at)
            self.tasks.append(task)
            self._say(at, f"has started 1 tasks: (task {task.id}).")

    def _finish(self, at: datetime) -> None:
        primary = self.primary
        old = any(task.deployment is not primary and task.status(at) != "STOPPED" for task in self.tasks)
        steady = self.count("RUNNING", at, primary) == self.desired and self.count("RUNNING", at) == self.desired
        if primary.state != "IN_PROGRESS" or old or not steady:
            return
        primary.state, primary.updated_at = "COMPLETED", at
        primary.reason = f"ECS deployment {primary.id} completed."
        self.deployments, self._last_good = [primary], primary
        self._say(at, f"(deployment {primary.id}) deployment completed.")
        self._say(at, "has reached a steady state.")

    def _forget(self, at: datetime) -> None:
        stopped = [task for task in self.tasks if task.status(at) == "STOPPED"]
        gone = set(map(id, stopped[:-_KEPT_STOPPED]))
        self.tasks = [task for task in self.tasks if id(task) not in gone]

    def _new(self, at: datetime) -> Task:
        pace = self._pace
        pending = at + pace.provisioning
        running = pending + pace.pending
        fate = self._fate(self.primary.task_definition)
        crash = running if fate == "crashes" else None  # it exits as it starts, so it never counts as running
        return Task(self.primary, self._place(), at, pending, running, crash, healthy=fate != "sick")

    def _place(self) -> Place:
        """The subnet of the zone that holds the fewest tasks."""
        taken = Counter(task.place.zone for task in self.tasks if task.wanted and task.deployment is self.primary)
        return min(self.primary.places, key=lambda place: taken[place.zone])

    def _end(self, task: Task, at: datetime) -> None:
        self.stop(task, f"Scaling activity initiated by (deployment {self.primary.id})", at)
        self._say(at, f"has stopped 1 running tasks: (task {task.id}).")

    def _say(self, at: datetime, what: str) -> None:
        self.events.insert(0, (at, f"(service {self.name}) {what}"))
        del self.events[100:]
