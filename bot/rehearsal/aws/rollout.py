"""How the tasks of one ECS service live, as a function of time: nothing here runs by itself.

`settle(at)` does what is due at one instant, and `due` is the next instant at which something is; `Fleet` plays the
services of a region in order, so that the same moves of the clock always give the same story. It knows deployments and
their history, their limits, health checks of load balancers, crashes and the circuit breaker. New tasks are spread over
the zones; what runs is never moved for the sake of balance (availability zone rebalancing is stored, and does nothing).
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from bot.rehearsal.aws.scaling import Scaling
from bot.rehearsal.aws.spells import Spell
from bot.rehearsal.aws.tasks import Behind, Deployment, Fate, Image, Key, Limits, Pace, Place, Status, Task

_KEPT_STOPPED = 100


@dataclass(frozen=True)
class Room:
    """What a new task was given."""

    address: str = ""
    size: float = 0


@dataclass(frozen=True)
class Refused:
    """There is no room now. `why` is what the service says of it, if anything."""

    again_at: datetime
    why: str = ""


class Surroundings(Protocol):
    """The region, as far as a service needs it."""

    def take_room(self, key: Key, size: float, place: Place, at: datetime) -> Room | Refused: ...

    def give_back(self, task: Task) -> None: ...

    def dark(self, zone: str) -> Iterable[Spell]: ...


class Rollout:
    """`deployments`, `history` and `events` (time, text) newest first. `fate` says how new tasks of a release will fare.

    `behind`: the target groups of new tasks. `grace`: how long after its start a task's health checks may fail.
    `size_of`: how much a task of a release counts against the quota of vCPUs.
    """

    def __init__(
        self,
        key: Key,
        desired: int,
        limits: Limits,
        pace: Pace,
        surroundings: Surroundings,
        fate: Callable[[str], Fate],
    ) -> None:
        self.key, self.desired, self.limits = key, desired, limits
        self.behind: Sequence[Behind] = ()
        self.grace = timedelta()
        self.size_of: Callable[[str], float] = lambda _: 0.0
        self.scaling: Scaling | None = None
        self.tasks: list[Task] = []
        self.deployments: list[Deployment] = []
        self.history: list[Deployment] = []
        self.events: list[tuple[datetime, str]] = []
        self.at: datetime | None = None
        self._pace, self._surroundings, self._fate = pace, surroundings, fate
        self._last_good: Deployment | None = None
        self._again_at: datetime | None = None

    @property
    def primary(self) -> Deployment:
        return self.deployments[0]

    def deploy(
        self, task_definition: str, places: Sequence[Place], now: datetime, images: Sequence[Image] = (),
        network: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self.deployments.insert(0, Deployment(task_definition, places, now, now, images, network or {}))
        self.history.insert(0, self.primary)
        self.primary.reason = f"ECS deployment {self.primary.id} in progress."

    def stop(self, task: Task, reason: str, now: datetime) -> None:
        """It leaves its target groups, and ends when they have let it go."""
        if task.wanted:
            known = task.status(now) == "RUNNING"
            task.drained_at = now + max((one.drain() for one in task.behind), default=timedelta()) if known else now
            task.stopping_at, task.stopped_at, task.reason = now, task.drained_at + self._pace.stopping, reason

    def count(self, status: Status, now: datetime, deployment: Deployment | None = None) -> int:
        return sum(task.status(now) == status and deployment in {None, task.deployment} for task in self.tasks)

    def due(self) -> datetime | None:
        """The first instant, after the last one played, at which something changes by itself."""
        if self.at is None:
            return None
        milestones = [at for task in self.tasks for at in task.milestones()]
        milestones += [task.running_at + self.grace for task in self.tasks if task.wanted and self.grace]
        milestones += [self._again_at, self.scaling.due(self.desired) if self.scaling else None]
        last = self.at
        return min((at for at in milestones if at is not None and at > last), default=None)

    def settle(self, at: datetime) -> None:
        self.at = at
        self._crash(at)
        self._replace(at)
        self._break_circuit(at)
        self._scale(at)
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

    def _replace(self, at: datetime) -> None:
        """Stop what a load balancer finds unhealthy. What was made sick by hand waits for somebody who does something."""
        for task in self.tasks:
            over = task.wanted and task.sick_since is None and at >= task.running_at + self.grace
            bad = [one for one in task.behind if over and task.health(one, at) == "unhealthy"]
            if bad:
                why = f"(port {bad[0].port}) is unhealthy in (target-group {bad[0].group})"
                self.stop(task, f"Task failed ELB health checks in (target-group {bad[0].group})", at)
                self._say(at, f"{why} due to (reason Health checks failed).")
                task.deployment.failed += task.deployment.state == "IN_PROGRESS"

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
            good = self._last_good
            self.deploy(good.task_definition, good.places, at, good.images, good.network)
            failing.rolled_back_by = self.primary

    def _scale(self, at: datetime) -> None:
        if self.scaling and (goal := self.scaling.decides(self.desired, at)) is not None:
            self._say(at, f"Successfully set desired count to {goal}: Application Auto Scaling.")
            self.desired = goal
            self.scaling.moved(at)

    def _retire(self, at: datetime) -> None:
        """Stop what is too much: of the primary beyond the desired count, of older deployments as the limits allow."""
        mine = [task for task in self.tasks if task.wanted and task.deployment is self.primary]
        while len(mine) > self.desired:
            task = _one_too_many(mine)
            mine.remove(task)
            self._end(task, at)
        if self.primary.state == "FAILED":
            return
        floor = math.ceil(self.desired * self.limits.minimum_percent / 100)
        old = [each for each in self.tasks if each.wanted and each.deployment is not self.primary]
        ready = {each for each in self.tasks if each.wanted and each.ready(at)} if old else set()
        for task in old:
            if task not in ready or len(ready) > floor:
                ready.discard(task)
                self._end(task, at)

    def _start(self, at: datetime) -> None:
        self._again_at = None
        if self.primary.state == "FAILED":
            return
        wanted = [task for task in self.tasks if task.wanted]
        mine = sum(task.deployment is self.primary for task in wanted)
        room = max(self.desired, self.desired * self.limits.maximum_percent // 100) - len(wanted)
        missing = min(self.desired - mine, room)
        size = self.size_of(self.primary.task_definition) if missing > 0 else 0
        for _ in range(missing):
            place = self._place()
            given = self._surroundings.take_room(self.key, size, place, at)
            if isinstance(given, Refused):
                self._again_at = given.again_at
                if given.why:
                    self._say(at, f"was unable to place a task. Reason: {given.why}")
                return
            task = self._new(place, given, at)
            self.tasks.append(task)
            self._say(at, f"has started 1 tasks: (task {task.id}).")

    def _finish(self, at: datetime) -> None:
        primary = self.primary
        if primary.state != "IN_PROGRESS":
            return
        old = any(task.deployment is not primary and task.status(at) != "STOPPED" for task in self.tasks)
        ready = sum(task.deployment is primary and task.ready(at) for task in self.tasks)
        if old or not ready == self.desired == self.count("RUNNING", at):
            return
        primary.state, primary.updated_at = "COMPLETED", at
        primary.reason = f"ECS deployment {primary.id} completed."
        self.deployments, self._last_good = [primary], primary
        self._say(at, f"(deployment {primary.id}) deployment completed.")
        self._say(at, "has reached a steady state.")

    def _forget(self, at: datetime) -> None:
        stopped = [task for task in self.tasks if task.status(at) == "STOPPED"]
        for task in stopped:
            if task.holds:
                task.holds = False
                self._surroundings.give_back(task)
        if len(stopped) > _KEPT_STOPPED:
            gone = set(stopped[:-_KEPT_STOPPED])
            self.tasks = [task for task in self.tasks if task not in gone]

    def _new(self, place: Place, room: Room, at: datetime) -> Task:
        pending = at + self._pace.provisioning
        running = pending + self._pace.pending
        fate = self._fate(self.primary.task_definition)
        crash = running if fate == "crashes" else None  # it exits as it starts, so it never counts as running
        return Task(
            self.primary, place, at, pending, running, crash, self.behind,
            lambda: self._surroundings.dark(place.zone), room.address, room.size, fate,
        )  # fmt: skip

    def _place(self) -> Place:
        """The subnet of the zone that holds the fewest tasks: a dark one, when that has lost its own."""
        taken = Counter(task.place.zone for task in self.tasks if task.wanted and task.deployment is self.primary)
        return min(self.primary.places, key=lambda place: taken[place.zone])

    def _end(self, task: Task, at: datetime) -> None:
        self.stop(task, f"Scaling activity initiated by (deployment {self.primary.id})", at)
        self._say(at, f"has stopped 1 running tasks: (task {task.id}).")

    def _say(self, at: datetime, what: str) -> None:
        self.events.insert(0, (at, f"(service {self.key[2]}) {what}"))
        del self.events[100:]


def _one_too_many(tasks: Sequence[Task]) -> Task:
    """The newest of the zone that holds most."""
    held = Counter(task.place.zone for task in tasks)
    return max(reversed(tasks), key=lambda task: held[task.place.zone])
